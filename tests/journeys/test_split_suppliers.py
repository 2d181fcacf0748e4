"""A roll-out among split suppliers from the outside: what each may do, what each learns, and what none may see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from email.message import EmailMessage

import pytest

from duis_gateway.duis.identifiers import format_eui_plain, parse_eui
from duis_gateway.rollout.plans.view import plan_of, releases_for
from tests.support.dcc_play import approve, batch, decide, hub, launching, piloting, select, update
from tests.support.installation import CAST, RUNNING
from tests.support.mail_play import MailedPlay, address
from tests.support.play import DAY, NOW, Group, Outcome, Play
from tests.support.schedules_play import safe_launch, say
from tests.support.wire_client import Answer

CHECKED_FIRST = True
pytestmark = [pytest.mark.processes, pytest.mark.requirement("BR-3.3", "BR-4.1", "BR-4.2", "PIA-S2")]

SUPPLIERS = ("main", "gas", "on54", "on50", "published50")


def launch(name: str, ids: Sequence[str], start: int = 70, end: int = 80) -> Group:
    return Group(name, ids, "SafeLaunch", NOW + start * DAY, NOW + end * DAY)


def planned(play: Play, device: str, release: str | None = None) -> tuple[str, str]:
    """Return what a hub's plan rests on, and why, under the lot's release or another."""
    with play.installation.store.read() as conn:
        found = play.installation.hub(device)
        wanted = release or play.lot.release
        (of,) = [one for one in releases_for(conn, found) if one.release_id == wanted]
        plan = plan_of(conn, found, of, NOW)
    return plan.basis.value, plan.explanation.removeprefix("not before DCC approves the release; ")


# --- who the other is ---------------------------------------------------------------------------------------------


def forms(eui: str) -> list[bytes]:
    """Return every way in which an EUI-64 could be written."""
    number = parse_eui(eui)
    plain = format_eui_plain(number)
    colons = eui.replace("-", ":")
    return [text.encode() for text in (eui, plain, colons, str(number))]


def reads(play: Play, supplier: str) -> list[bytes]:
    """Return what a supplier reads at the party door."""
    return [play[supplier].pull(path).body for path in ("status", "deadlines", "eligible-hubs")]


@pytest.mark.once
def test_nothing_that_a_supplier_can_see_says_who_the_other_is(play: Play) -> None:
    """Messages, answers and pages; what a supplier sees of itself is its own, so that only the others are looked for.

    CSPs and DCC write what they like into texts for one supplier; it reaches that supplier alone.
    """
    lot, split = play.lot, list(play.lot["split"])
    answers: dict[str, list[Answer]] = {name: [] for name in SUPPLIERS}
    piloting(play)
    for region, csp in (("North", "north"), ("Central", "south")):
        listed = lot.within(region, of=tuple(split + list(lot["own"])))
        play.default_list(csp, region, listed)
        play.default_schedule(csp, region, [Group("A", listed)], ["NIGHT"])
        safe_launch(play, csp, region, [launch("L", listed)])
    answers["main"] += [
        play.pilot_list("main", [*split, *lot["own"][:2]]),
        play.pilot_schedule("main", Group("G1", split), launch("L1", list(lot["mixed"]))),
        play.pilot_list("main", split),
        play.read_inventory("main", split[0]),
    ]
    answers["gas"] += [
        play.pilot_list("gas", [*split, *lot["own"]]),
        play.pilot_schedule("gas", Group("MINE", split[:4], start=NOW + 3 * DAY), launch("REST", split[4:])),
        play.read_inventory("gas", split[0]),
        play.read_inventory("gas", lot["own"][0]),
    ]
    answers["on54"].append(play.read_inventory("on54", lot["on54"][0]))
    for csp in ("north", "south"):
        say(play, csp, "main", "G1", "Amended", end=NOW + 20 * DAY, reason="For you alone: no room")
        say(play, csp, "gas", "MINE", "Refused", reason="For you alone: no room")
    batch(play, split)
    select(play, "gas", split[:1])
    play.responded("north", *(Outcome(one) for one in lot.of_csp("north", tuple(split))))
    play.responded("south", *(Outcome(one, False, reason="x") for one in lot.of_csp("south", tuple(split))))
    decide(play, "Pause")
    update(play, hub(play, split[0], "gas", "main"))
    answers["gas"].append(play.read_inventory("gas", split[0]))
    everything = play.everything()
    for supplier in SUPPLIERS:
        seen = [*everything[supplier], *(one.body for one in answers[supplier]), *reads(play, supplier)]
        assert any(forms(play[supplier].eui)[0] in one for one in seen), "its own is there to be found"
        for other in CAST:
            if other.name in SUPPLIERS and other.name != supplier:
                found = [one for one in seen for form in forms(other.eui) if form.lower() in one.lower()]
                assert not found, (supplier, other.name, found[0][:2000])


def test_no_email_says_who_the_other_is(mail: MailedPlay) -> None:
    """What N999 cannot say to an older user, an email does: that there is a second supplier, and how it stands."""
    mail.announce()
    mixed = list(mail.lot["mixed"])
    assert mail.pilot_schedule("main", launch("G1", mixed)).code == "I99"
    mail.settle()
    came = {name: [one for one in mail.emails() if one["To"] == address(name)] for name in ("main", "on50")}
    texts = {name: [_all_of(one) for one in emails] for name, emails in came.items()}
    assert any("has instructed" in text and mixed[0] in text for text in texts["on50"])
    for mine, other in (("main", "on50"), ("on50", "main")):
        names = [form.decode().lower() for form in forms(mail[other].eui)]
        assert not [text for text in texts[mine] if any(name in text.lower() for name in names)]


def _all_of(email: EmailMessage) -> str:
    parts = [str(part.get_content()) for part in email.walk() if part.get_content_maintype() == "text"]
    return "\n".join([*(f"{name}: {value}" for name, value in email.items() if name != "To"), *parts])


def test_no_log_line_of_one_supplier_s_message_names_another(play: Play) -> None:
    play.announce()
    split = list(play.lot["split"])
    play.pilot_schedule("main", launch("G1", split))
    play.pilot_schedule("gas", launch("G1", split))
    play.pilot_schedule("gas", launch("G2", list(play.lot["own"])))
    play.settle()
    names = [form.lower() for one in CAST if one.name in SUPPLIERS for form in forms(one.eui)[:1]]
    lines = play.installation.log.read_bytes().lower().splitlines()
    both = [line for line in lines if sum(name in line for name in names) > 1]
    assert not both, both[:3]


# --- whose word counts --------------------------------------------------------------------------------------------


def test_a_split_hub_is_planned_when_both_have_instructed_the_later_of_the_two(play: Play) -> None:
    play.announce()
    device = play.lot["split"][0]
    assert planned(play, device)[1].startswith(
        "automatic date: the Import Supplier has not instructed and the Gas Supplier has not instructed"
    )
    play.pilot_schedule("main", launch("G1", [device], 70, 80))
    assert planned(play, device) == ("automatic_date", "automatic date: the Gas Supplier has not instructed")
    play.pilot_schedule("gas", launch("G1", [device], 72, 78))
    basis, why = planned(play, device)
    assert basis == "instructed"
    start, end = NOW + 72 * DAY, NOW + 80 * DAY
    assert why.startswith(f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC: both suppliers have instructed")


def test_a_former_supplier_s_instruction_no_longer_counts(play: Play) -> None:
    play.announce()
    device = play.lot["own"][0]
    play.pilot_schedule("main", launch("G1", [device]))
    assert planned(play, device)[0] == "instructed"
    update(play, hub(play, device, "gas", "gas"))
    former = "; what a former supplier instructed no longer counts"
    assert planned(play, device) == ("automatic_date", f"automatic date: its supplier has not instructed{former}")
    update(play, hub(play, device, "main", "gas"))
    assert planned(play, device) == ("automatic_date", "automatic date: the Gas Supplier has not instructed")
    update(play, hub(play, device))
    assert planned(play, device)[0] == "instructed", "what it instructed stands while it is responsible"


@pytest.mark.requirement("BR-3.4")
def test_an_instruction_one_second_late_is_late(play: Play) -> None:
    """One month before 30 April, 09:00:00 it is now; before 08:59:59 of that day it is one second over."""
    hubs = play.lot["own"][:2]
    automatic = NOW.replace(month=4)
    in_time, late = f"{play.lot.release}-in-time", f"{play.lot.release}-late"
    for release, at in ((in_time, automatic), (late, automatic - timedelta(seconds=1))):
        assert play.announce(release=release, automatic=at, pilot=(NOW - DAY, NOW + 20 * DAY)).code == "Accepted"
    wish = Group("G1", hubs, "Pilot", NOW + 2 * DAY, NOW + 5 * DAY)
    assert play.pilot_schedule("main", wish, release=late).code == "E110605"
    assert play.pilot_list("main", hubs, release=late).code == "E110505"
    assert decide(play, "Withdraw", release=late).code == "Accepted"
    assert play.pilot_list("main", hubs, release=in_time).code == "I99"
    assert play.pilot_schedule("main", wish, release=in_time).code == "I99"


# --- a hub in two releases ----------------------------------------------------------------------------------------


def test_a_hub_that_is_instructed_under_an_older_release_is_in_progress(play: Play) -> None:
    """What stands under one release is finished before anything else can be instructed; nothing else is taken."""
    busy, free, other = play.lot["own"][:3]
    newer = f"{play.lot.release}-b"
    play.announce()
    assert play.pilot_schedule("main", launch("G1", [busy])).code == "I99"
    assert play.announce(release=newer, firmware="9003").code == "Accepted"
    answer = play.pilot_list("main", [busy, free], release=newer, firmware="9003")
    assert (answer.code, answer.lists) == ("W110501", {"OtherRequestInProgressList": [busy]})
    answer = play.pilot_schedule("main", launch("N1", [busy]), release=newer, firmware="9003")
    assert (answer.code, answer.lists) == ("E110602", {"OtherRequestInProgressList": [busy]})
    assert play.pilot_schedule("main", launch("G2", [other])).code == "I99"
    assert planned(play, busy)[0] == "instructed"
    assert planned(play, busy, newer)[0] == "automatic_date"


def test_it_is_free_again_when_it_is_active(play: Play) -> None:
    (busy,) = play.lot.within("North", of=play.lot["own"])[:1]
    newer = f"{play.lot.release}-b"
    play.announce()
    play.pilot_schedule("main", launch("G1", [busy]))
    play.announce(release=newer, firmware="9003")
    wish = launch("N1", [busy])
    assert play.pilot_schedule("main", wish, release=newer, firmware="9003").code == "E110602"
    assert play.responded("north", Outcome(busy)).code == "Accepted"
    assert play.pilot_schedule("main", wish, release=newer, firmware="9003").code == "I99"
    assert play.version(busy) != RUNNING


def test_it_is_free_again_when_the_older_release_ends(play: Play) -> None:
    busy = play.lot["own"][0]
    newer = f"{play.lot.release}-b"
    play.announce()
    play.pilot_schedule("main", launch("G1", [busy]))
    play.announce(release=newer, firmware="9003")
    wish = launch("N1", [busy])
    assert play.pilot_schedule("main", wish, release=newer, firmware="9003").code == "E110602"
    assert decide(play, "Stop").code == "Accepted"
    assert play.pilot_schedule("main", wish, release=newer, firmware="9003").code == "I99"


def test_it_is_free_for_whoever_takes_it_over(play: Play) -> None:
    """A former supplier's instruction holds nobody up; one of two suppliers that is still responsible does."""
    taken, shared = play.lot["own"][:2]
    newer = f"{play.lot.release}-b"
    play.announce()
    play.pilot_schedule("main", launch("G1", [taken, shared]))
    play.announce(release=newer, firmware="9003")
    update(play, hub(play, taken, "gas", "gas"), hub(play, shared, "main", "gas"))
    answer = play.pilot_schedule("gas", launch("N1", [taken, shared]), release=newer, firmware="9003")
    assert (answer.code, answer.lists) == ("W110601", {"OtherRequestInProgressList": [shared]})


def test_approval_of_a_successor_is_no_end_of_what_is_instructed(play: Play) -> None:
    """PIA-A13 is about the pilot of the older release: one in safe launch goes on."""
    busy = play.lot["own"][0]
    newer = f"{play.lot.release}-b"
    launching(play)
    play.pilot_schedule("main", launch("G1", [busy]))
    play.announce(release=newer, firmware="9003")
    assert approve(play, newer).code == "Accepted"
    assert planned(play, busy)[0] == "instructed"
    answer = play.pilot_list("main", [busy], release=newer, firmware="9003")
    assert answer.lists == {"OtherRequestInProgressList": [busy]}
