"""X10, and what time does to plans: hubs moved outside their plan, periods missed, what remains (BR-3.5, BR-3.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import select

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.flow.incoming import Door
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.estate.history import history_rows
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.periods import one_month_before
from duis_gateway.rollout.plans.departures import Departure, departure
from duis_gateway.rollout.plans.records import DeviationKind, HubInstruction, PlanFacts
from duis_gateway.rollout.releases.records import Period, PilotTerms, ReleaseState, Stage
from duis_gateway.rollout.rollout_decisions.records import RolloutAction, Standing
from duis_gateway.store.tables import outbox
from tests.support import rules
from tests.support.databases import KINDS
from tests.support.rules import AUTOMATIC, NEW, OURS, PILOT, THEIRS
from tests.support.steering import (
    DCC,
    IDLE,
    NORTH,
    OLDER,
    OWN_NORTH,
    OWN_SOUTH,
    SOUTH,
    SPLIT,
    THEIR_HUB,
    Steering,
    steering,
)

DAY = timedelta(days=1)
A_SECOND = timedelta(seconds=1)
NEWER = "00000003"
SECOND = Period(PILOT.end + 7 * DAY, PILOT.end + 21 * DAY)
"""The pilot of a later release."""
WEEK = Period(PILOT.start + 7 * DAY, PILOT.start + 14 * DAY)


@pytest.fixture(params=KINDS)
def dcc(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steering]:
    """A release in its pilot, and hubs that DCC has instructed for a week of it."""
    with steering(request.param, tmp_path) as made:
        made.piloting()
        made.says(esi.BatchInstruction("R1", "B1", (OWN_NORTH, OWN_SOUTH, SPLIT), WEEK))
        yield made


def reports(dcc: Steering, hub: int, by: int = NORTH, *, success: bool = True) -> None:
    outcome = HubOutcome(
        hub, OutcomeStage.ACTIVATION, success, NEW, dcc.clock.now(), None if success else "no power", None
    )
    assert dcc.says(csp.ActivateFirmwareResponses((outcome,)), by=by, door=Door.CSP).status == "Accepted"


def decides(dcc: Steering, action: RolloutAction, new_date: datetime | None = None) -> None:
    body = esi.RolloutDecision("R1", action, "why", Standing.CONFIRMED, "DCC", new_date)
    assert dcc.says(body).status == "Accepted"


def told(dcc: Steering, since: int, element: str) -> dict[int, list[tuple[str, ...]]]:
    """What each party was told after that row: the texts within each element of this name, in order."""
    query = select(outbox.c.recipient, outbox.c.content).where(outbox.c.id > since, outbox.c.channel == "http")
    found: dict[int, list[tuple[str, ...]]] = {}
    with dcc.store.read() as conn:
        for recipient, content in conn.execute(query.order_by(outbox.c.id)):
            for one in etree.fromstring(content).iter(f"{{*}}{element}"):
                found.setdefault(recipient, []).append(tuple(leaf.text or "" for leaf in one.iter("{*}*") if leaf.text))
    return found


def period_of(found: tuple[str, ...]) -> list[datetime]:
    return [datetime.fromisoformat(text) for text in found if text.endswith("Z")]


def hubs(*ids: int) -> str:
    return ",".join(map(format_eui, ids))


@pytest.mark.requirement("X10", "BR-3.5", "BR-3.6")
def test_a_period_that_ends_without_an_outcome_is_missed_once_and_the_hubs_go_at_the_automatic_date(
    dcc: Steering,
) -> None:
    """A hub of which a failure was reported in its period has not been passed over."""
    dcc.passes(WEEK.start + DAY)
    reports(dcc, OWN_SOUTH, SOUTH, success=False)
    dcc.passes(WEEK.end - timedelta(seconds=1))
    before = dcc.last_row()
    assert told(dcc, before, "Deviation") == {}
    dcc.passes(WEEK.end)
    missed = told(dcc, before, "Deviation")
    concerned = {DCC: (OWN_NORTH, SPLIT), NORTH: (OWN_NORTH, SPLIT), OURS: (OWN_NORTH, SPLIT), THEIRS: (SPLIT,)}
    assert missed.keys() == concerned.keys()
    for party, own in concerned.items():
        (one,) = missed[party]
        assert (one[0], one[-1]) == ("PeriodMissed", hubs(*own))
        assert period_of(one) == [WEEK.start, WEEK.end]
    void = told(dcc, before, "Void")
    assert void[DCC] == [("PeriodEnded", hubs(OWN_NORTH, OWN_SOUTH, SPLIT))]
    assert void[SOUTH] == [("PeriodEnded", hubs(OWN_SOUTH))]
    asked = csp.ActivateFirmwareRequests(NEW, (OWN_NORTH,), dcc.clock.now())
    (item,) = dcc.says(asked, by=NORTH, door=Door.CSP).answer.refused
    assert item.reason.startswith("AfterPeriod"), "what is told as over is not to be activated at that moment"
    before = dcc.last_row()
    dcc.passes(WEEK.end + DAY)
    assert told(dcc, before, "Deviation") == told(dcc, before, "Void") == {}
    of_hub = ["void: PeriodEnded", "off plan: PeriodMissed", "instructed"]
    assert history(dcc, OURS, OWN_NORTH) == of_hub
    assert history(dcc, OURS, OWN_SOUTH) == [of_hub[0], "Activation: Failure", of_hub[2]], "it was not passed over"
    assert history(dcc, THEIRS, SPLIT) == of_hub


def history(dcc: Steering, party: int, hub: int) -> list[str]:
    """What a supplier reads of a hub's history, the newest first."""
    with dcc.store.read() as conn:
        return [str(row["what"]) for row in history_rows(conn, Party(party, PartyKind.SUPPLIER, ""), hub)]


def _before_its_period(_: Steering) -> None:
    pass


def _after_its_period(dcc: Steering) -> None:
    dcc.passes(WEEK.end + DAY)


def _while_paused(dcc: Steering) -> None:
    dcc.passes(WEEK.start)
    decides(dcc, RolloutAction.PAUSE)


def _after_a_stop(dcc: Steering) -> None:
    dcc.passes(WEEK.start)
    decides(dcc, RolloutAction.STOP)


@pytest.mark.requirement("X10", "BR-3.5", "PIA-A11")
@pytest.mark.parametrize(
    ("first", "kind"),
    [
        (_before_its_period, "BeforePeriod"),
        (_after_its_period, "AfterPeriod"),
        (_while_paused, "ReleasePaused"),
        (_after_a_stop, "ReleaseOver"),
    ],
)
def test_an_activation_outside_its_plan_is_told_by_n64_and_as_a_deviation(
    dcc: Steering, first: Callable[[Steering], None], kind: str
) -> None:
    first(dcc)
    before = dcc.last_row()
    reports(dcc, SPLIT)
    found = told(dcc, before, "Deviation")
    assert found.keys() == {DCC, NORTH, OURS, THEIRS}
    assert {(one[0], one[-1]) for some in found.values() for one in some} == {(kind, hubs(SPLIT))}
    for supplier in (OURS, THEIRS):
        assert ("http", "N64") in dcc.outbox(supplier, before)
    (one,) = found[DCC]
    assert period_of(one) == ([WEEK.start, WEEK.end] if kind.endswith("Period") else [])


@pytest.mark.requirement("X10", "BR-3.5", "BR-3.6")
@pytest.mark.parametrize(
    ("hub", "by", "at"), [(SPLIT, NORTH, WEEK.start), (SPLIT, NORTH, AUTOMATIC), (THEIR_HUB, SOUTH, AUTOMATIC)]
)
def test_within_the_period_and_from_the_automatic_date_on_a_hub_is_as_planned(
    dcc: Steering, hub: int, by: int, at: datetime
) -> None:
    dcc.passes(at)
    before = dcc.last_row()
    reports(dcc, hub, by)
    assert told(dcc, before, "Deviation") == {}


@pytest.mark.requirement("X09", "BR-3.4", "BR-3.6")
def test_a_month_before_the_automatic_date_everybody_is_told_that_what_remains_goes_then(dcc: Steering) -> None:
    """Once; and again where DCC moves the date."""
    closes = one_month_before(AUTOMATIC)
    before = dcc.last_row()
    dcc.passes(closes)
    assert told(dcc, before, "Remaining") == {}, "an instruction is in time still"
    dcc.passes(closes + A_SECOND)
    found = told(dcc, before, "Remaining")
    assert found.keys() == {NORTH, SOUTH, DCC, OURS, THEIRS}
    assert {datetime.fromisoformat(one[0]) for some in found.values() for one in some} == {AUTOMATIC}
    assert ("http", "N999") in dcc.outbox(OLDER, before), "by email as well"
    assert dcc.outbox(IDLE, before) == []
    before = dcc.last_row()
    dcc.passes(closes + DAY)
    assert told(dcc, before, "Remaining") == {}
    later = AUTOMATIC + 60 * DAY
    decides(dcc, RolloutAction.DELAY, later)
    assert dates(told(dcc, before, "Remaining")) == {later}, "or a CSP would go on at the date told before"
    before = dcc.last_row()
    dcc.passes(one_month_before(later) + A_SECOND)
    assert told(dcc, before, "Remaining").keys() == found.keys()


def dates(found: dict[int, list[tuple[str, ...]]]) -> set[datetime]:
    return {datetime.fromisoformat(one[0]) for some in found.values() for one in some}


@pytest.mark.requirement("X09", "BR-3.4", "BR-3.6")
def test_a_date_that_a_revision_brings_near_and_puts_off_again_is_told_each_time_at_once(dcc: Steering) -> None:
    soon = dcc.clock.now() + 20 * DAY
    terms = PilotTerms(Period(PILOT.start, soon - DAY), limit=10)
    before = dcc.last_row()
    assert dcc.announces(revision=2, pilot=terms, automatic_date=soon).status == "Accepted"
    assert dates(told(dcc, before, "Remaining")) == {soon}
    before = dcc.last_row()
    dcc.announces(revision=3, pilot=terms)
    found = told(dcc, before, "Remaining")
    assert found.keys() == {NORTH, SOUTH, DCC, OURS, THEIRS}
    assert dates(found) == {AUTOMATIC}
    before = dcc.last_row()
    dcc.passes(soon)
    assert told(dcc, before, "Remaining") == {}
    dcc.announces(revision=4, pilot=terms, automatic_date=soon + DAY)
    dcc.announces(revision=5, pilot=terms)
    dcc.passes(one_month_before(AUTOMATIC) + A_SECOND)
    assert len(told(dcc, before, "Remaining")[NORTH]) == 3, "near, far, and a month before the last"


@pytest.mark.requirement("X09", "BR-3.4", "BR-3.6")
def test_of_two_releases_what_remains_is_told_under_the_one_that_takes_it(dcc: Steering) -> None:
    """Before, the same hubs were told twice, with two dates."""
    soon = AUTOMATIC - 7 * DAY
    dcc.passes(PILOT.end)
    dcc.announces("R2", firmware_version=NEWER, automatic_date=soon, pilot=PilotTerms(SECOND, limit=10))
    dcc.approves("R2")
    before = dcc.last_row()
    dcc.passes(one_month_before(AUTOMATIC) + A_SECOND)
    found = told(dcc, before, "Remaining")
    assert (dates(found), {len(some) for some in found.values()}) == ({soon}, {1})
    before = dcc.last_row()
    stop = esi.RolloutDecision("R2", RolloutAction.STOP, "why", Standing.CONFIRMED, "DCC")
    assert dcc.says(stop).status == "Accepted"
    dcc.passes(dcc.clock.now())
    again = told(dcc, before, "Remaining")
    assert (dates(again), again.keys()) == ({AUTOMATIC}, found.keys())


@pytest.mark.requirement("X09", "BR-3.6")
@pytest.mark.parametrize(
    "later",
    [
        pytest.param({"permitted_predecessors": ("00000009",)}, id="it may follow another version alone"),
        pytest.param({"automatic_date": AUTOMATIC + 7 * DAY}, id="its date is later"),
    ],
)
def test_what_the_later_release_does_not_take_is_told_under_the_earlier(dcc: Steering, later: dict[str, Any]) -> None:
    dcc.passes(PILOT.end)
    changed = {"automatic_date": AUTOMATIC - 7 * DAY, **later}
    dcc.announces("R2", firmware_version=NEWER, pilot=PilotTerms(SECOND, limit=10), **changed)
    dcc.approves("R2")
    before = dcc.last_row()
    dcc.passes(one_month_before(AUTOMATIC) + A_SECOND)
    assert AUTOMATIC in dates(told(dcc, before, "Remaining"))


@pytest.mark.requirement("X09", "BR-3.6")
def test_what_nobody_was_told_is_not_taken_back(dcc: Steering) -> None:
    before = dcc.last_row()
    decides(dcc, RolloutAction.DELAY, AUTOMATIC + 60 * DAY)
    assert told(dcc, before, "Remaining") == {}


@pytest.mark.requirement("X10", "X06")
def test_the_period_of_a_move_after_it_is_the_joint_one_and_never_that_of_a_former_supplier() -> None:
    later = Period(WEEK.start + DAY, WEEK.end + DAY)
    ours, theirs = (
        HubInstruction(supplier, "G1", Stage.PILOT, period, PILOT.start)
        for supplier, period in ((rules.OURS, WEEK), (rules.THEIRS, later))
    )
    release = rules.release(state=ReleaseState.PILOTING)

    def moved_late(hub: Hub, *given: HubInstruction) -> Departure | None:
        return departure(PlanFacts(hub, release, later.end + DAY, instructions=given), later.end + DAY)

    split = replace(rules.hub(), import_supplier=rules.OURS, gas_supplier=rules.THEIRS)
    assert moved_late(split, ours, theirs) == Departure(DeviationKind.AFTER_PERIOD, later)
    sold = replace(rules.hub(), import_supplier=rules.OURS, gas_supplier=rules.OURS)
    found = moved_late(sold, theirs)
    assert found is not None
    assert found.period is None


@pytest.mark.requirement("X05")
def test_a_period_that_ended_with_its_stage_while_the_gateway_was_down_was_missed(dcc: Steering) -> None:
    """Before, it was told as void alone: safe launch began first, and with it the hubs were planned anew."""
    before = dcc.last_row()
    dcc.passes(PILOT.end + DAY)
    assert dcc.state() is ReleaseState.SAFE_LAUNCH
    assert {party: {one[0] for one in found} for party, found in told(dcc, before, "Deviation").items()} == {
        party: {"PeriodMissed"} for party in (DCC, NORTH, SOUTH, OURS, THEIRS)
    }
