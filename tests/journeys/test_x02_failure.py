"""X02: distribution or activation failed at a hub; its suppliers are told (N71), and DCC."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.databases import KINDS
from tests.support.play import NOW, RELEASED, RUNNING, Outcome, Play, when
from tests.support.wire_client import texts

DATABASES = KINDS
pytestmark = [pytest.mark.processes, pytest.mark.requirement("X02")]

UNKNOWN = "00-DB-12-FF-FF-FF-FF-FF"


@pytest.mark.requirement("BR-2.4", "BR-2.5")
@pytest.mark.parametrize("stage", ["Distribution", "Activation"])
def test_a_failure_is_told_with_its_stage_and_reason(play: Play, stage: str) -> None:
    play.announce()
    play.forget()
    hub = play.lot.of_csp("north", play.lot["split"])[0]
    say = play.distributed if stage == "Distribution" else play.responded
    answer = say("north", Outcome(hub, success=False, reason="hashMismatch", commentary="twice &amp; again"))
    assert (answer.code, answer.refused_items) == ("Accepted", {})
    for supplier in ("main", "gas"):
        (alert,) = play.received(supplier)
        assert (alert.kind, alert.text("DeviceID"), alert.text("FirmwareVersion")) == ("N71", hub, RELEASED)
        assert (alert.text("Stage"), alert.text("FailureReason")) == (stage, "hashMismatch")
        assert alert.text("Commentary") == "twice & again"
    (progress,) = play.received("dcc", "PilotProgress")
    assert (progress.text("Stage"), progress.text("Outcome"), progress.text("FailureReason")) == (
        stage,
        "Failure",
        "hashMismatch",
    )
    assert play.version(hub) == RUNNING


@pytest.mark.parametrize(("supplier", "group"), [("on54", "on54"), ("on50", "on50"), ("published50", "published")])
def test_a_supplier_on_an_older_duis_gets_n999(play: Play, supplier: str, group: str) -> None:
    hub = play.lot[group][0]
    csp = "north" if hub in play.lot.of_csp("north", play.lot[group]) else "south"
    play.responded(csp, Outcome(hub, success=False, reason="noImageHeld"))
    (alert,) = play.received(supplier)
    assert texts(alert.root, "DCCAlertCode") == ["N999", "N71"]
    assert alert.text("DeviceID") == hub
    assert not texts(alert.root, "FirmwareVersion"), "that stands only in an N999 for an N64"


def test_a_successful_distribution_is_progress_and_no_alert(play: Play) -> None:
    hub = play.lot.of_csp("north", play.lot["own"])[0]
    assert play.distributed("north", Outcome(hub)).code == "Accepted"
    assert [one.kind for one in play.received("dcc")] == ["PilotProgress"]
    assert not play.received("main")
    assert play.version(hub) == RUNNING, "nothing is active yet"


def test_some_hubs_fail_and_others_succeed_in_one_message(play: Play) -> None:
    good, bad = play.lot.of_csp("north", play.lot["own"])[:2]
    answer = play.responded("north", Outcome(good), Outcome(bad, success=False, reason="activationFailure"))
    assert answer.code == "Accepted"
    assert sorted((one.kind, one.text("DeviceID")) for one in play.received("main")) == [("N64", good), ("N71", bad)]
    assert (play.version(good), play.version(bad)) == (RELEASED, RUNNING)


def test_a_hub_that_failed_may_succeed_later(play: Play) -> None:
    hub = play.lot.of_csp("north", play.lot["own"])[0]
    play.responded("north", Outcome(hub, success=False, reason="x", at=NOW - timedelta(hours=2)))
    play.responded("north", Outcome(hub, at=NOW - timedelta(hours=1)))
    assert sorted(one.kind for one in play.received("main")) == ["N64", "N71"]


@pytest.mark.parametrize("age", [timedelta(), timedelta(days=1)])
def test_a_failure_that_contradicts_a_success_changes_nothing_and_its_csp_is_told(play: Play, age: timedelta) -> None:
    hub, other = play.lot.of_csp("north", play.lot["own"])[:2]
    done = Outcome(hub)
    play.responded("north", done)
    play.forget()
    failed = Outcome(hub, success=False, reason="x", at=done.at - age)
    why = {hub: f"contradicts the success recorded for {when(done.at)}"}
    alone = play.responded("north", failed)
    assert (alone.code, alone.refused_items) == ("Refused", why)
    assert not any(play.everything().values())
    answer = play.responded("north", failed, Outcome(other))
    assert (answer.code, answer.refused_items) == ("PartlyAccepted", why)
    assert [(one.kind, one.text("DeviceID")) for one in play.received("main")] == [("N64", other)]
    assert play.version(hub) == RELEASED


def test_a_success_before_a_failure_changes_nothing_and_its_csp_is_told(play: Play) -> None:
    hub = play.lot.of_csp("north", play.lot["own"])[0]
    failed = Outcome(hub, success=False, reason="x")
    play.responded("north", failed)
    play.forget()
    answer = play.responded("north", Outcome(hub, at=failed.at - timedelta(hours=1)))
    assert (answer.code, answer.refused_items) == (
        "Refused",
        {hub: f"contradicts the failure recorded for {when(failed.at)}"},
    )
    assert not any(play.everything().values())
    assert play.version(hub) == RUNNING


def test_what_was_reported_before_is_accepted_again_in_a_new_message_and_told_no_supplier(play: Play) -> None:
    """A CSP that is not sure sends its outcomes again: the failure is older than the success now, and no news."""
    hub = play.lot.of_csp("north", play.lot["own"])[0]
    outcomes = (Outcome(hub, success=False, reason="x", at=NOW - timedelta(hours=2)), Outcome(hub))
    for one in outcomes:
        play.responded("north", one)
    play.forget()
    answer = play.responded("north", *outcomes)
    assert (answer.code, answer.refused_items) == ("Accepted", {})
    assert not play.received("main")
    assert play.version(hub) == RELEASED


def test_a_distribution_that_failed_when_it_was_reported_as_done_is_told_to_its_csp(play: Play) -> None:
    hub = play.lot.of_csp("north", play.lot["own"])[0]
    play.distributed("north", Outcome(hub))
    play.forget()
    answer = play.distributed("north", Outcome(hub, success=False, reason="lost"))
    assert (answer.code, set(answer.refused_items)) == ("Refused", {hub})
    assert not any(play.everything().values())


def test_unknown_and_foreign_hubs_are_refused_as_items(play: Play) -> None:
    good, foreign = (play.lot.of_csp(csp, play.lot["own"])[0] for csp in ("south", "north"))
    answer = play.distributed(
        "south", *(Outcome(hub, success=False, reason="lost") for hub in (UNKNOWN, foreign, good))
    )
    assert (answer.code, set(answer.refused_items)) == ("PartlyAccepted", {UNKNOWN, foreign})
    assert [one.text("DeviceID") for one in play.received("main")] == [good]


def test_a_message_without_a_good_item_is_refused(play: Play) -> None:
    answer = play.distributed("south", Outcome(UNKNOWN, success=False, reason="lost"))
    assert answer.code == "Refused"
    assert not any(play.everything().values())


def test_an_exact_repeat_gets_the_first_answer_and_nobody_is_told_again(play: Play) -> None:
    """T39."""
    hubs = play.lot.of_csp("south", (*play.lot["own"], *play.lot["split"]))
    answer = play.distributed("south", *(Outcome(hub, success=False, reason="lost") for hub in hubs))
    play.check_repeat(answer)


def test_failures_wait_for_recipients_that_are_down(play: Play) -> None:
    """F13."""
    hubs = play.lot.of_csp("south", play.lot["split"])
    with play.down("gas", "dcc"):
        play.responded("south", *(Outcome(hub, success=False, reason="lost") for hub in hubs))
        play.settle("gas", "dcc")
        assert sorted(one.text("DeviceID") for one in play["main"].received()) == sorted(hubs)
    assert sorted(one.text("DeviceID") for one in play.received("gas")) == sorted(hubs)
    assert [texts(one.root, "DeviceID") for one in play.received("dcc")] == [hubs]
