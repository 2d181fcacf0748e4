"""A party that was not told of its task is not late, and whoever asks is told so (BR-5.4, BR-5.5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup, PreferredPilotSchedule
from duis_gateway.flow.incoming import Door
from duis_gateway.operations.console.hub import OPERATOR
from duis_gateway.operations.console.release import turn_of
from duis_gateway.rollout.deadlines.of_hub import tasks_of_hub
from duis_gateway.rollout.deadlines.rules import Deadline, Task
from duis_gateway.rollout.deadlines.view import deadline_rows, partner_deadlines, tasks_of_everybody
from duis_gateway.rollout.estate.hub_by_hub import hub_on_a_page
from duis_gateway.rollout.releases.records import Period, PilotTerms, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision, RolloutAction, Standing
from duis_gateway.store.tables import outbox
from duis_gateway.text.times import show_time
from tests.support.databases import KINDS
from tests.support.pages import pages_over
from tests.support.rules import NEW, NOW, OURS, PILOT, THEIRS
from tests.support.status_of import PARTIES
from tests.support.steering import DCC, HUBS, NORTH, OWN_NORTH, OWN_SOUTH, SOUTH, WEEK, Steering, steering

pytestmark = pytest.mark.requirement("BR-5.4", "BR-5.5")
DAY = timedelta(days=1)
FIRST, SECOND = Period(PILOT.end + DAY, PILOT.end + WEEK), Period(PILOT.end + 2 * DAY, PILOT.end + WEEK)
LATE = PILOT.end + 3 * DAY
GIVEN_UP = "about it was given up, and whoever runs the gateway has to send it again"


STORED = PILOT.start
"""When what tells of the group was stored."""


@pytest.fixture(params=KINDS)
def dcc(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steering]:
    """A group of a supplier's in the north that has begun, and that its CSP has not decided on."""
    with steering(request.param, tmp_path) as made:
        made.piloting()
        becomes(made, "delivered", NORTH, SOUTH, OURS)
        schedules(made, DeploymentGroup("G1", Stage.SAFE_LAUNCH, (OWN_NORTH,), FIRST))
        made.passes(LATE)
        yield made


def schedules(dcc: Steering, *groups: DeploymentGroup) -> None:
    assert not dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, groups)).startswith("E")


def becomes(dcc: Steering, state: str, *parties: int, kind: str | None = None, **values: Any) -> None:
    """What waits in the outbox for these parties, or all of this kind, has come to this."""
    which = outbox.c.state != "delivered" if kind is None else outbox.c.kind == kind
    with dcc.store.write() as conn:
        conn.execute(update(outbox).where(outbox.c.recipient.in_(parties), which).values(state=state, **values))


def tasks(dcc: Steering, name: Task = Task.DECIDE_ON_GROUP) -> list[Deadline]:
    with dcc.store.read() as conn:
        found = tasks_of_everybody(conn, dcc.release(), dcc.clock.now())
    return [one for one in found if one.task is name]


def rows(dcc: Steering, party: int, whose: str) -> list[Mapping[str, object]]:
    with dcc.store.read() as conn:
        return [row for row in deadline_rows(conn, PARTIES[party], dcc.clock.now()) if row["whose"] == whose]


def test_a_csp_that_was_never_told_of_a_group_is_not_late_with_it(dcc: Steering) -> None:
    """The console said "CSP: decide on group G1 - overdue", and what would have told it was a dead letter."""
    now = dcc.clock.now()
    (before,) = tasks(dcc)
    assert (before.overdue(now), before.not_told) == (True, None), "what is on its way is nobody's to blame yet"
    becomes(dcc, "dead", NORTH, kind="PreferredPilotSchedule", last_error="HTTP 404")
    (late,) = tasks(dcc)
    assert late.not_told is not None
    assert (late.overdue(now), late.not_told.kind, late.not_told.given_up) == (False, "PreferredPilotSchedule", True)
    assert (late.not_told.error, late.not_told.since) == ("HTTP 404", STORED)
    turn = turn_of([late, *tasks(dcc, Task.SEND_DEFAULT_LIST)], "R1", now)
    assert turn[0].tasks == [late], "the operator's comes first"
    with dcc.store.read() as conn:
        assert late in partner_deadlines(conn, now)


def test_the_doors_say_it_to_the_csp_and_to_the_supplier(dcc: Steering) -> None:
    """A supplier learns that the CSP was not told, and nothing of what it is sent."""
    becomes(dcc, "dead", NORTH, kind="PreferredPilotSchedule", last_error="https://csp.example: HTTP 404")
    becomes(dcc, "dead", NORTH, SOUTH, kind="FirmwareReleaseNotice", last_error="https://csp.example: HTTP 404")
    (own,) = [row for row in rows(dcc, NORTH, "own") if row["task"] == "decide_on_group"]
    assert (own["state"], own["overdue"]) == ("not_told", False)
    assert own["why"] == f"not told yet: the message of {show_time(NOW)} {GIVEN_UP}"
    seen = rows(dcc, OURS, "csp")
    beside = [row["task"] for row in seen[1:]]
    assert beside == ["decide_on_group", "send_safe_launch_schedule"], "its own group, and what the other CSP does next"
    assert all((row["state"], row["overdue"]) == ("not_told", False) for row in seen)
    assert all(GIVEN_UP in str(row["why"]) for row in seen)
    assert "csp.example" not in str(seen)


def test_one_message_tells_of_one_group(dcc: Steering) -> None:
    """The supplier's next schedule has both groups in it: then nothing is unknown that a dead letter said."""
    becomes(dcc, "delivered", NORTH)
    dcc.clock.instant = PILOT.end
    schedules(dcc, DeploymentGroup("G2", Stage.SAFE_LAUNCH, (OWN_SOUTH,), SECOND))
    dcc.clock.instant = LATE
    becomes(dcc, "dead", SOUTH, kind="PreferredPilotSchedule", last_error="HTTP 404")
    assert {one.subject: one.not_told is not None for one in tasks(dcc)} == {"G1": False, "G2": True}
    newest = select(outbox.c.id).where(outbox.c.recipient == SOUTH, outbox.c.kind == "PreferredPilotSchedule")
    with dcc.store.write() as conn:
        (dead,) = conn.execute(newest).scalars()
        again = [one for one in outbox.c if one.name not in ("id", "message_id", "state")]
        copied = select(*again).where(outbox.c.id == dead)
        row = dict(conn.execute(copied).one()._mapping)
        conn.execute(outbox.insert().values(**row, message_id="again", state="delivered"))
    assert {one.subject: one.not_told is not None for one in tasks(dcc)} == {"G1": False, "G2": False}


def test_what_waits_behind_a_message_that_fails_is_not_told_either(dcc: Steering) -> None:
    """It is the gateway's turn as long as it tries."""
    with dcc.store.write() as conn:
        first = select(outbox.c.id).where(outbox.c.recipient == NORTH, outbox.c.state == "pending")
        number = conn.execute(first.order_by(outbox.c.id).limit(1)).scalar_one()
        conn.execute(update(outbox).where(outbox.c.id == number).values(last_error="Connection refused", attempts=3))
    (late,) = tasks(dcc)
    assert late.not_told is not None
    assert (late.not_told.given_up, late.not_told.error) == (False, "Connection refused")
    assert "still trying to deliver" in late.not_told.words
    steps = (
        (OPERATOR, "First see why the message to its CSP does not arrive: its own page says what can be done."),
        (PARTIES[OURS], "Nothing helps before the message to its CSP has arrived."),
    )
    for party, step in steps:
        with dcc.store.read() as conn:
            hub = hub_on_a_page(conn, party, OWN_NORTH, dcc.clock.now())
        assert hub is not None
        assert str(hub["next_step"]).startswith(step), "it said to wait for the CSP, which knows nothing"
    becomes(dcc, "delivered", NORTH)
    becomes(dcc, "pending", NORTH, last_error=None)
    assert [one.not_told for one in tasks(dcc)] == [None]


def test_what_nothing_was_done_about_for_a_minute_is_not_told(dcc: Steering) -> None:
    becomes(dcc, "pending", NORTH, enqueued_at=outbox.c.enqueued_at - 61)
    (late,) = tasks(dcc)
    assert late.not_told is not None
    assert (late.not_told.given_up, late.not_told.error) == (False, None)
    assert not late.overdue(dcc.clock.now())


def test_an_email_that_was_never_tried_says_nothing(dcc: Steering) -> None:
    """Where there is no relay, suppliers hear of releases on other ways."""
    for values, told in (({"enqueued_at": 0.0}, True), ({"last_error": "550 no such user", "attempts": 2}, False)):
        with dcc.store.write() as conn:
            of_release = (outbox.c.recipient == OURS, outbox.c.kind == "A01")
            conn.execute(update(outbox).where(*of_release).values(state="pending", **values))
        found = [one for one in tasks(dcc, Task.INSTRUCT_SAFE_LAUNCH) if one.party == OURS]
        assert [one.not_told is None for one in found] == [told]


def test_only_what_tells_of_what_is_void_is_missing_for_its_task(dcc: Steering) -> None:
    """Before, a message about another group that waited made a refusal read "not told yet" that had arrived."""
    refused = csp.ScheduleDecision("R1", OURS, "G1", GroupDecision.REFUSED, None, None)
    dcc.clock.instant = PILOT.end
    assert dcc.says(refused, by=NORTH, door=Door.CSP).status == "Accepted"
    becomes(dcc, "delivered", OURS)
    schedules(dcc, DeploymentGroup("G2", Stage.SAFE_LAUNCH, (OWN_SOUTH,), SECOND))
    accepted = csp.ScheduleDecision("R1", OURS, "G2", GroupDecision.ACCEPTED, None, None)
    assert dcc.says(accepted, by=SOUTH, door=Door.CSP).status == "Accepted"
    becomes(dcc, "pending", OURS, enqueued_at=outbox.c.enqueued_at - 61, last_error="Connection refused")

    def anew() -> list[bool]:
        found = [one for one in tasks(dcc, Task.INSTRUCT_ANEW) if one.party == OURS]
        assert [one.subject for one in found] == ["RefusedByCSP"]
        return [one.not_told is None for one in found]

    with dcc.store.read() as conn:
        waiting = conn.execute(select(outbox.c.kind).where(outbox.c.recipient == OURS, outbox.c.state == "pending"))
        assert {"N74", "N77"} & {*waiting.scalars()}
    assert anew() == [True]
    becomes(dcc, "dead", OURS, kind="N74", last_error="HTTP 404")
    assert anew() == [False]


def test_what_stands_in_for_an_alert_tells_of_what_that_would(dcc: Steering) -> None:
    """Before, the N999 that a supplier with an older DUIS version gets was taken for no message about the task."""
    refused = csp.ScheduleDecision("R1", OURS, "G1", GroupDecision.REFUSED, None, None)
    dcc.clock.instant = PILOT.end
    assert dcc.says(refused, by=NORTH, door=Door.CSP).status == "Accepted"
    becomes(dcc, "delivered", OURS)
    becomes(dcc, "dead", OURS, kind="N74", last_error="HTTP 404")
    for meant, told_by in (("N70", None), ("N77", "N999 (for N77)")):
        stands_for = f"<sr:DCCAlertVersionMismatch><sr:DCCAlertCode>{meant}</sr:DCCAlertCode>"
        with dcc.store.write() as conn:
            these = update(outbox).where(outbox.c.recipient == OURS, outbox.c.state == "dead")
            conn.execute(these.values(kind="N999", content=stands_for.encode()))
        (mine,) = [one for one in tasks(dcc, Task.INSTRUCT_ANEW) if one.party == OURS]
        assert (mine.not_told and mine.not_told.kind) == told_by


def decides(dcc: Steering, action: RolloutAction) -> None:
    dcc.clock.instant += timedelta(minutes=1)
    said = esi.RolloutDecision("R1", action, "looked into", Standing.CONFIRMED, "DCC")
    assert dcc.says(said).status == "Accepted"


@pytest.mark.requirement("X03")
def test_a_decision_that_a_csp_was_never_told_of_is_the_operators_to_send_again(dcc: Steering) -> None:
    """Before, it was nobody's turn: a CSP that went on in a pause was nowhere but among the dead letters."""

    def not_told() -> list[tuple[int, bool]]:
        found = tasks(dcc, Task.CARRY_OUT_DECISION)
        for hub, csp_of_it in ((HUBS[OWN_NORTH - 1], NORTH), (HUBS[OWN_SOUTH - 1], SOUTH)):
            with dcc.store.read() as conn:
                of_hub = [
                    one for one in tasks_of_hub(conn, hub, dcc.clock.now()) if one.task is Task.CARRY_OUT_DECISION
                ]
            assert of_hub == [one for one in found if one.party == csp_of_it], "its page says so, too"
        with dcc.store.read() as conn:
            assert [
                one for one in partner_deadlines(conn, dcc.clock.now()) if one.task is Task.CARRY_OUT_DECISION
            ] == found
        return [(one.party, one.not_told is not None and one.not_told.given_up) for one in found]

    becomes(dcc, "delivered", NORTH, SOUTH)
    decides(dcc, RolloutAction.PAUSE)
    assert not_told() == [], "it is on its way"
    becomes(dcc, "delivered", SOUTH)
    becomes(dcc, "pending", NORTH, kind="RolloutDecision", last_error="Connection refused")
    assert not_told() == [(NORTH, False)]
    becomes(dcc, "dead", NORTH, kind="RolloutDecision", last_error="HTTP 404")
    assert not_told() == [(NORTH, True)]
    with pages_over(dcc) as pages:
        assert "Operator: replay RolloutDecision to CSP" in pages.words("/releases/R1")
    becomes(dcc, "delivered", NORTH)
    decides(dcc, RolloutAction.PROCEED)
    becomes(dcc, "delivered", NORTH, SOUTH)
    assert not_told() == []


@pytest.mark.requirement("X03", "BR-6.4")
def test_of_a_hub_that_is_held_dcc_has_to_decide(dcc: Steering) -> None:
    """Before, a held hub's page named nobody whose turn it was."""

    def deciding() -> list[tuple[int, str]]:
        with dcc.store.read() as conn:
            found = tasks_of_hub(conn, HUBS[OWN_NORTH - 1], dcc.clock.now())
        return [(one.party, one.why) for one in found if one.task is Task.DECIDE_ON_PAUSE]

    assert deciding() == []
    decides(dcc, RolloutAction.PAUSE)
    assert deciding() == [(DCC, "looked into")]
    decides(dcc, RolloutAction.PROCEED)
    assert deciding() == []


@pytest.mark.requirement("PIA-A13")
def test_what_an_approval_made_void_is_told_under_the_older_release_and_asked_for_under_the_newer(
    tmp_path: Path,
) -> None:
    with steering("sqlite", tmp_path) as dcc:
        dcc.piloting()
        schedules(dcc, DeploymentGroup("G1", Stage.SAFE_LAUNCH, (OWN_NORTH,), FIRST))
        becomes(dcc, "delivered", OURS)
        dcc.announces("R2", firmware_version="00000003")
        dcc.approves("R2")

        def anew() -> list[tuple[str, bool]]:
            with dcc.store.read() as conn:
                found = tasks_of_everybody(conn, dcc.release("R2"), dcc.clock.now())
            mine = (one for one in found if one.party == OURS and one.task is Task.INSTRUCT_ANEW)
            return [(one.subject, one.not_told is not None) for one in mine]

        assert anew() == [("PilotInvalidated", False)]
        becomes(dcc, "dead", OURS, kind="N77", last_error="HTTP 404")
        assert anew() == [("PilotInvalidated", True)]


@pytest.mark.requirement("X03", "BR-6.5")
@pytest.mark.parametrize("by", ["stop", "supersession"])
def test_a_decision_that_ended_a_release_is_the_operators_to_send_again(dcc: Steering, by: str) -> None:
    """Before, it was nobody's turn: a CSP that went on with a release that was stopped was but a dead letter."""
    becomes(dcc, "delivered", NORTH, SOUTH, OURS, DCC)
    if by == "stop":
        decides(dcc, RolloutAction.STOP)
    else:
        dcc.announces("R2", firmware_version="00000003", pilot=PilotTerms(Period(LATE + DAY, PILOT.end + WEEK), 10))
        dcc.says(esi.Supersession("R1", "R2", dcc.clock.now()))
    assert dcc.release().state.is_over
    becomes(dcc, "delivered", NORTH, SOUTH, OURS)
    assert tasks(dcc, Task.CARRY_OUT_DECISION) == []
    kind = {"stop": "RolloutDecision", "supersession": "Supersession"}[by]
    becomes(dcc, "dead", NORTH, kind=kind, last_error="HTTP 404")
    (mine,) = tasks(dcc, Task.CARRY_OUT_DECISION)
    assert (mine.party, mine.not_told and mine.not_told.kind) == (NORTH, kind)
    with dcc.store.read() as conn:
        hub = HUBS[OWN_NORTH - 1]
        assert mine in tasks_of_hub(conn, hub, dcc.clock.now())
        assert mine in partner_deadlines(conn, dcc.clock.now())
        (row,) = [one for one in deadline_rows(conn, PARTIES[NORTH], dcc.clock.now()) if one["release"] == "R1"]
    assert (row["task"], row["state"], row["overdue"]) == ("carry_out_decision", "not_told", False)
    assert GIVEN_UP in str(row["why"])
    with pages_over(dcc) as pages:
        assert f"Operator: replay {kind} to CSP" in pages.words("/releases/R1")
        assert f"Operator: replay {kind} to CSP" not in pages.words("/releases/R2" if by == "supersession" else "/")
    becomes(dcc, "delivered", NORTH, kind=kind)
    assert tasks(dcc, Task.CARRY_OUT_DECISION) == []
    with pages_over(dcc) as pages:
        assert "Nobody's: the release is over." in pages.words("/releases/R1")


@pytest.mark.requirement("X03", "BR-6.5")
@pytest.mark.parametrize("action", [RolloutAction.PAUSE, RolloutAction.STOP])
def test_a_decision_that_a_supplier_was_never_told_of_is_the_operators_to_send_again(
    dcc: Steering, action: RolloutAction
) -> None:
    """Before, it was nobody's turn, and the supplier saw nothing that says why nothing that it sends is taken."""
    becomes(dcc, "delivered", NORTH, SOUTH, OURS, THEIRS)
    decides(dcc, action)
    becomes(dcc, "delivered", NORTH, SOUTH, OURS, THEIRS)
    becomes(dcc, "dead", OURS, kind="N72", last_error="HTTP 404")
    (mine,) = tasks(dcc, Task.CARRY_OUT_DECISION)
    assert (mine.party, mine.not_told and mine.not_told.kind) == (OURS, "N72")
    with dcc.store.read() as conn:
        of_party = {
            eui: [one for one in deadline_rows(conn, PARTIES[eui], dcc.clock.now()) if one["state"] == "not_told"]
            for eui in (OURS, THEIRS, NORTH, DCC)
        }
        assert mine in tasks_of_hub(conn, HUBS[OWN_NORTH - 1], dcc.clock.now())
    (row,) = of_party.pop(OURS)
    assert (row["whose"], row["task"], row["overdue"]) == ("own", "carry_out_decision", False)
    assert GIVEN_UP in str(row["why"])
    assert not any(of_party.values()), "it is nobody else's affair"
    with pages_over(dcc) as pages:
        assert "Operator: replay N72 to supplier" in pages.words("/releases/R1")
    becomes(dcc, "delivered", OURS, kind="N72")
    assert tasks(dcc, Task.CARRY_OUT_DECISION) == []
