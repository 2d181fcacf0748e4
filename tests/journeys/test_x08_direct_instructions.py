"""X08: DCC instructs a batch, or chooses hubs on a supplier's behalf."""

from __future__ import annotations

import pytest

from tests.support.dcc_play import approve, batch, code, decide, next_week, piloting, select, told
from tests.support.gateway_process import wait_until
from tests.support.mail_play import MailedPlay, listed, text_of
from tests.support.play import DAY, NOW, Group, Play
from tests.support.wire_client import element, texts

pytestmark = [pytest.mark.processes, pytest.mark.requirement("X08")]

UNKNOWN = "00-DB-12-FF-FF-FF-FF-FF"
BATCHES = pytest.mark.requirement("BR-3.7", "BR-6.1")
CHOICES = pytest.mark.requirement("PIA-A9")


@BATCHES
def test_each_party_is_told_of_its_own_hubs_of_a_batch(play: Play) -> None:
    piloting(play)
    lot = play.lot
    ids = [*lot["own"][:4], *lot["split"][:2], *lot["on50"][:1]]
    answer = batch(play, ids)
    assert (answer.code, answer.refused_items) == ("Accepted", {})
    for csp in ("north", "south"):
        (message,) = play.received(csp)
        assert message.kind == "BatchInstruction"
        assert message.listed() == lot.of_csp(csp, tuple(ids))
    for supplier in ("main", "gas"):
        (alert,) = play.received(supplier)
        assert alert.kind == "N72"
        assert (alert.text("Decision"), alert.listed()) == ("BatchInstruction", lot.of_supplier(supplier, ids))
    assert told(play)["on50"] == ["N999"]
    assert "on54" not in told(play)


@BATCHES
def test_the_bad_hubs_of_a_batch_are_named_and_the_good_ones_told(play: Play) -> None:
    """BR-5.2."""
    piloting(play)
    lot = play.lot
    bad = [UNKNOWN, lot["no_hub"][0], lot["uncommissioned"][0], lot["updated"][0]]
    answer = batch(play, [*bad, lot["own"][0]])
    assert answer.code == "PartlyAccepted"
    assert sorted(answer.refused_items) == sorted(bad)
    assert play.received("main")[0].listed() == [lot["own"][0]]


@BATCHES
def test_a_batch_that_cannot_be_is_refused_and_told_to_nobody(play: Play) -> None:
    piloting(play)
    answer = batch(play, [UNKNOWN])
    assert (answer.code, code(answer), list(answer.refused_items)) == ("Refused", "NotAcceptable", [UNKNOWN])
    late = batch(play, play.lot["own"][:1], period=next_week(NOW + 400 * DAY))
    assert (late.code, code(late), late.refused_items) == ("Refused", "NotAcceptable", {})
    assert told(play) == {}


@pytest.mark.requirement("BR-3.8")
def test_a_batch_in_parts_takes_effect_when_all_are_in(play: Play) -> None:
    piloting(play)
    ids = play.lot["own"][:4]

    def part(number: int) -> str:
        return element("esi:Part", ListID=f"L-{play.lot.release}", Number=str(number), Of="2")

    assert batch(play, ids[:2], part=part(1)).code == "Accepted"
    assert told(play) == {}
    assert batch(play, ids[2:], part=part(2)).code == "Accepted"
    assert play.received("main")[0].listed() == list(ids)


@BATCHES
def test_an_excluded_hub_may_be_updated_before_the_pilot(play: Play) -> None:
    """PIA-R3."""
    hub = play.lot["own"][0]
    play.announce(pilot=(NOW + 20 * DAY, NOW + 60 * DAY), marks=element("esi:ExcludedDeviceIDList", hub))
    play.forget()
    assert batch(play, [hub]).code == "Accepted"
    refused = select(play, "main", [hub], "")
    assert refused.refused_items == {hub: "excluded from the pilot"}


@CHOICES
def test_a_choice_on_a_suppliers_behalf_is_told_to_it(play: Play) -> None:
    """PIA-A9: the hub's second supplier hears that the first has instructed (N73), and not that DCC did it for it."""
    piloting(play)
    lot = play.lot
    ids = [*lot["own"][:2], *lot["split"][:2]]
    assert select(play, "main", ids).code == "Accepted"
    (alert,) = play.received("main", "N72")
    assert (alert.text("Decision"), alert.listed()) == ("PilotSelection", ids)
    assert texts(alert.root, "EarliestStart")
    assert texts(alert.root, "LatestEnd")
    (news,) = play.received("gas")
    assert (news.kind, news.text("OtherSupplier"), news.listed()) == ("N73", "Instructed", list(lot["split"][:2]))
    assert play["main"].eui not in news.raw.decode()
    for csp in ("north", "south"):
        (message,) = play.received(csp)
        assert (message.kind, message.text("SupplierID")) == ("PilotSelection", play["main"].eui)
        assert message.listed() == lot.of_csp(csp, tuple(ids))


@CHOICES
def test_the_supplier_may_schedule_what_dcc_chose_for_it(play: Play) -> None:
    piloting(play)
    chosen, other = play.lot["own"][:2]
    group = Group("A", [chosen])
    assert play.pilot_schedule("main", group).code == "E110608"
    select(play, "main", [chosen])
    assert play.pilot_schedule("main", group).code == "I99"
    assert play.pilot_schedule("main", Group("B", [other])).code == "E110608"


@CHOICES
def test_the_hubs_that_cannot_be_chosen_are_named(play: Play) -> None:
    piloting(play)
    lot = play.lot
    answer = select(play, "gas", [lot["split"][0], lot["own"][0]])
    assert (answer.code, list(answer.refused_items)) == ("PartlyAccepted", [lot["own"][0]])
    assert code(select(play, "north", lot["own"][:1])) == "UnknownSupplier"
    none = select(play, "gas", lot["own"][:2])
    assert (none.code, len(none.refused_items)) == ("Refused", 2)


@CHOICES
def test_without_a_pilot_nothing_is_chosen_for_it(play: Play) -> None:
    play.announce(kind="Security", pilot=None)
    play.forget()
    assert code(select(play, "main", play.lot["own"][:1])) == "NotAcceptable"
    assert told(play) == {}


@pytest.mark.parametrize("say", [batch, lambda play, ids: select(play, "main", ids)], ids=["batch", "selection"])
@BATCHES
@CHOICES
def test_an_exact_repeat_gets_the_first_answer_and_is_told_once(play: Play, say: object) -> None:
    """T39."""
    piloting(play)
    assert callable(say)
    play.check_repeat(say(play, play.lot["own"][:2]))
    assert told(play)["main"] == ["N72"]


@BATCHES
def test_instructions_wait_for_parties_that_are_down(play: Play) -> None:
    """F13."""
    piloting(play)
    with play.down("main", "north"):
        batch(play, play.lot["own"], group="B-1")
        batch(play, play.lot["own"][:3], group="B-2")
    assert [one.text("GroupID") for one in play.received("north")] == ["B-1", "B-2"]
    assert [len(one.listed()) for one in play.received("main")] == [12, 3]


@CHOICES
def test_missed_obligations_are_told_once_to_dcc_and_to_those_who_missed_them(mail: MailedPlay) -> None:
    """PIA-A9: two months into the pilot, by email with a table; who met them is not in it."""
    overdue = (NOW - 80 * DAY, NOW + 5 * DAY)
    mail.announce(pilot=overdue, minimum=2, marks=element("esi:Obligations", "true"))
    mail.pilot_list("main", mail.lot["own"][:2])
    approve(mail)
    owing = {mail[name].eui for name in ("gas", "on54", "on50", "published50", "suspended")}
    wait_until(lambda: bool(mail.of("dcc", "X08")), "DCC is told")
    (email,) = mail.of("dcc", "X08")
    assert {row["supplier"] for row in listed(email)} == owing
    assert {row["obligation"] for row in listed(email)} == {"minimum"}
    (own,) = mail.of("on54", "X08")
    assert "0 of 2 hubs were provided" in " ".join(text_of(own).split())
    assert not mail.of("main", "X08"), "it met them"
    decide(mail, "Proceed")
    assert len(mail.of("dcc", "X08")) == len(mail.of("on54", "X08")) == 1


@pytest.mark.once
@pytest.mark.requirement("BR-3.8")
def test_a_batch_of_50_000_hubs(play: Play) -> None:
    """Every hub once to the CSP, and in alerts that receivers take to the supplier."""
    play.announce(limit=50_000)
    approve(play)
    play.forget()
    named = play.crowd(50_000)
    answer = batch(play, named)
    assert (answer.code, answer.refused_items) == ("Accepted", {})
    assert play.received("north")[0].listed() == named
    alerts = play.received("main", "N72")
    assert [hub for one in alerts for hub in one.listed()] == named
    assert max(len(one.raw) for one in alerts) < 95_000
