"""A06, A07, A11, A12 and X05 by email: from DCC's word, or from a date, to a mailbox."""

from __future__ import annotations

import pytest

from tests.support.dcc_play import CONCERNED, approve, decide, launching, outcome, piloting, tell
from tests.support.mail_play import WITHOUT_ADDRESS, Mailed, MailedPlay, address, text_of
from tests.support.mail_relay import MailRelay, Relay
from tests.support.play import DAY, NOW, Group
from tests.support.schedules_play import safe_launch
from tests.support.wire_client import devices, element

pytestmark = pytest.mark.processes

ADDRESSES = {address(name) for name in CONCERNED if name != WITHOUT_ADDRESS}


def once(kind: str) -> dict[str, list[str]]:
    """Every supplier concerned that has an address got one email of this kind."""
    return {one: [kind] for one in ADDRESSES}


@pytest.mark.parametrize(
    ("success", "kind", "alert"),
    [
        pytest.param(True, "A06", "N75", marks=pytest.mark.requirement("A06")),
        pytest.param(False, "A07", "N76", marks=pytest.mark.requirement("A07")),
    ],
)
def test_the_pilots_outcome_is_told_by_alert_and_by_email_both_once(
    mail: MailedPlay, success: bool, kind: str, alert: str
) -> None:
    """Older users get N999 in the alert's place; the email says what it cannot, and no second one does."""
    piloting(mail)
    outcome(mail, "Pilot", success)
    assert mail.told_by_email(kind, alert) == once(kind)
    assert [one.kind for one in mail.received("main")] == [alert]
    assert [one.kind for one in mail.received("on50")] == ["N999"]
    said = text_of(mail.of("on50", kind)[0])
    assert "succeeded" in said if success else "failed" in said
    for words in ("Hubs targeted: 200", "Hubs activated: 197", "Hubs failed: 3", "Three hubs wait for a visit."):
        assert words in said
    assert f"Release: {mail.lot.release}" in said


@pytest.mark.requirement("A11", "PIA-9")
def test_a_closure_is_told_by_email(mail: MailedPlay) -> None:
    piloting(mail)
    tell(mail, "Closure", rest=element("esi:Commentary", "All hubs done."))
    assert mail.told_by_email("A11") == once("A11")
    said = text_of(mail.of("main", "A11")[0])
    assert "All hubs done." in said
    assert "State: closed" in said


@pytest.mark.requirement("A12", "PIA-9")
def test_a_supersession_is_told_by_email_with_the_successor(mail: MailedPlay) -> None:
    piloting(mail)
    successor = f"{mail.lot.release}-B"
    mail.announce(release=successor)
    tell(mail, "Supersession", successor=successor)
    assert mail.told_by_email("A12") == once("A12")
    said = text_of(mail.of("on54", "A12")[0])
    assert successor in said
    assert "It has the fix & more." in said


@pytest.mark.requirement("X05", "BR-2.4")
def test_a_stage_that_begins_is_told_by_email(mail: MailedPlay) -> None:
    mail.announce()
    approve(mail)
    assert mail.told_by_email("X05") == once("X05")
    (email,) = mail.of("main", "X05")
    assert "the pilot has begun" in email["Subject"]


@pytest.mark.requirement("X05", "PIA-A12")
def test_stages_are_told_in_their_order(mail: MailedPlay) -> None:
    mail.announce(pilot=(NOW - 30 * DAY, NOW + DAY))
    approve(mail)
    mail.announce(revision=2, pilot=(NOW - 30 * DAY, NOW - DAY))
    subjects = [str(one["Subject"]) for one in mail.of("on50", "X05")]
    assert len(subjects) == 2
    assert "the pilot has begun" in subjects[0]
    assert "safe launch has begun" in subjects[1]


@pytest.mark.requirement("A09", "A10")
@pytest.mark.parametrize(("success", "alert"), [(True, "N69"), (False, "N70")])
def test_safe_launchs_outcome_is_emailed_where_the_alert_is_not_known(
    mail: MailedPlay, success: bool, alert: str
) -> None:
    launching(mail)
    outcome(mail, "SafeLaunch", success)
    older = {address(name) for name in ("on54", "on50", "published50")}
    assert mail.told_by_email(alert) == {one: [alert] for one in older}


@pytest.mark.requirement("X03")
def test_a_decision_is_emailed_where_the_alert_is_not_known(mail: MailedPlay) -> None:
    """Design section 3: no duty is unmet."""
    piloting(mail)
    decide(mail, "Pause", "Provisional")
    assert set(mail.told_by_email("N72")) == {address(name) for name in ("on54", "on50", "published50")}
    said = text_of(mail.of("on54", "N72")[0])
    assert "Decision: Pause, provisional" in said
    assert "State: piloting, paused" in said


def test_what_is_told_while_the_relay_is_away_comes_in_its_order(mailed_gateway: Mailed) -> None:
    """F13, F19: a release from its notice to its closure."""
    away = MailedPlay(mailed_gateway.installation, Relay())
    piloting(away)
    outcome(away, "Pilot", False)
    tell(away, "Closure")
    with MailRelay(mailed_gateway.port) as relay:
        away.relay = relay
        kinds = away.told_by_email()[address("main")]
    assert kinds == ["A01", "X05", "A07", "A11"]


@pytest.mark.requirement("A01", "A08", "BR-6.5")
def test_a_csp_reads_with_the_revision_that_its_schedule_for_safe_launch_is_void(mail: MailedPlay) -> None:
    mail.announce()
    hubs = mail.lot.within("North", of=mail.lot["own"])
    group = Group("WEEK-1", hubs, start=NOW + 70 * DAY, end=NOW + 80 * DAY)
    assert safe_launch(mail, "north", "North", [group]).code == "Accepted"
    mail.announce(revision=2, marks=devices("esi:ProvingDeviceIDList", hubs[:1]))
    assert f"because they are in the pilot, which has not ended: {hubs[0]}." in text_of(mail.of("north", "A01")[-1])
    mail.announce(revision=3, pilot=(NOW - DAY, NOW + 75 * DAY))
    void = "Your Safe Launch Schedule for North is void; it no longer counts as sent. Group WEEK-1 starts before"
    assert void in text_of(mail.of("north", "A01")[-1])
    assert "is void" not in text_of(mail.of("south", "A01")[-1])
    assert "is void" not in text_of(mail.of("main", "A01")[-1])
