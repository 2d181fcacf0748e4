"""How far a release is: one meaning, in Python and in SQL, for the operator and for each supplier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, select

from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.activations import store as activations
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.estate.view import counts_in, status_rows
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.pilot_lists import store as pilots
from duis_gateway.rollout.progress.records import Breakdown, Far, Progress
from duis_gateway.rollout.progress.rules import HubProgress, progress_of, progress_sql
from duis_gateway.rollout.progress.store import estate_of, how_far, own_far, told_of
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import LIVE_STATES, Release, ReleaseState
from duis_gateway.rollout.rollout_decisions.records import ReleaseEvent
from duis_gateway.store.engine import Store
from duis_gateway.store.rollout_tables import release_event
from duis_gateway.store.tables import activation_outcome, preferred_hub, preferred_list
from duis_gateway.store.tables import hub as hub_table
from duis_gateway.store.tables import release as release_table
from tests.support.estate import ALPHA, BETA, NOW, PERIOD, TOP, fill, hub, release

DAY = timedelta(days=1)
BEFORE, OURS, NEXT = "1", "2", "3"
VERSIONS = st.sampled_from([BEFORE, BEFORE, OURS, NEXT])
SUPPLIERS = (ALPHA, BETA)
MAYBE_SUPPLIER = st.sampled_from([None, *SUPPLIERS])
CSP = 7


@dataclass(frozen=True)
class Reported:
    """An outcome that a CSP reported under a release."""

    outcome: HubOutcome
    release_id: str | None


@st.composite
def estates(draw: st.DrawFn) -> list[Hub]:
    return [
        Hub(
            TOP + number,
            draw(st.sampled_from(["CHF", "CHF", "CHF", "GPF"])),
            "Acme",
            draw(st.sampled_from(["Hub1", "Hub1", "Hub1", "Hub2"])),
            draw(VERSIONS),
            draw(st.sampled_from(["Commissioned", "Commissioned", "Commissioned", "Decommissioned"])),
            draw(st.sampled_from(["North", "South"])),
            draw(MAYBE_SUPPLIER),
            draw(MAYBE_SUPPLIER),
        )
        for number in range(-4, 8)
    ]


@st.composite
def outcomes(draw: st.DrawFn) -> list[Reported]:
    number = draw(st.integers(0, 12))
    return [
        Reported(
            HubOutcome(
                TOP + draw(st.integers(-4, 7)),
                draw(st.sampled_from(OutcomeStage)),
                draw(st.booleans()),
                OURS,
                NOW + draw(st.integers(-1, 40)) * DAY,
                "none",
            ),
            draw(st.sampled_from(["R1", "R1", "R2"])),
        )
        for _ in range(number)
    ]


def put(connection: Connection, one: Release, *, approved: bool = False) -> None:
    releases.put(connection, one, {})
    if approved:
        history.record(connection, ReleaseEvent(one.release_id, NOW, "approved", one.state, False, "DCC"))


def emptied(connection: Connection) -> None:
    for table in (preferred_hub, preferred_list, activation_outcome, release_event, release_table, hub_table):
        connection.execute(delete(table))


def far_of(connection: Connection, release_id: str) -> Far:
    """How far a release is for the operator."""
    one = releases.find(connection, release_id)
    assert one is not None
    return how_far(estate_of(connection), one, told_of(connection, one, NOW))


def own(connection: Connection, supplier: int, release_id: str) -> tuple[Progress, dict[str, int]]:
    """How far it is for a supplier."""
    one = releases.find(connection, release_id)
    assert one is not None
    rows = status_rows(connection, Party(supplier, PartyKind.SUPPLIER, ""), NOW)
    found = own_far(connection, supplier, one, list(counts_in(rows)))
    return found.whole, dict(found.next_by)


def judged(estate: Sequence[Hub], one: Release, said: Sequence[Reported]) -> dict[int, HubProgress]:
    """What the rule says of each hub, from what was reported, the oldest first."""
    under = [report.outcome for report in said if report.release_id == one.release_id]
    newest = {outcome.device_id: outcome.success for outcome in under}
    activated = {o.device_id for o in under if o.success and o.stage is OutcomeStage.ACTIVATION}
    every = {
        of.device_id: progress_of(
            of, one, was_activated=of.device_id in activated, failed=newest.get(of.device_id) is False
        )
        for of in estate
    }
    return {device_id: standing for device_id, standing in every.items() if standing is not None}


def summed(standings: Sequence[HubProgress]) -> Progress:
    number = Counter(standings)
    return Progress(
        len(standings),
        number[HubProgress.ACTIVATED],
        number[HubProgress.FAILED],
        number[HubProgress.PASSED_BY],
    )


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    estate=estates(),
    said=outcomes(),
    state=st.sampled_from(ReleaseState),
    successor=st.sampled_from([None, *ReleaseState]),
    sooner=st.booleans(),
)
def test_everybody_is_shown_the_same_and_a_successor_takes_nothing_back(
    store: Store,
    estate: list[Hub],
    said: list[Reported],
    state: ReleaseState,
    successor: ReleaseState | None,
    sooner: bool,
) -> None:
    """The hubs of a release, by the rule; the operator's and the suppliers' figures; before and after a successor.

    Before, the notice of another release for the model made a supplier's progress go back to 0 of 0.
    """
    with store.write() as connection:
        emptied(connection)
        fill(connection, estate)
        put(connection, release("R1", version=OURS, state=state), approved=True)
        activations.record_outcomes(connection, CSP, said, NOW, ())
        before = far_of(connection, "R1")
        if successor is not None:
            date = NOW + (100 if sooner else 300) * DAY
            second = release("R2", version=NEXT, state=successor, notified_at=NOW + DAY)
            approved = successor is not ReleaseState.NOTIFIED
            put(connection, replace(second, automatic_date=date), approved=approved)
        after = far_of(connection, "R1")
        assert after.whole.whole.activated >= before.whole.whole.activated
        assert after.whole.whole.hubs >= before.whole.whole.hubs
        for release_id in ("R1", "R2") if successor is not None else ("R1",):
            one = releases.find(connection, release_id)
            assert one is not None
            standings = judged(estate, one, said)
            rows = connection.execute(select(hub_table.c.device_id, progress_sql(one)))
            assert {device_id: standing for device_id, standing in rows if standing} == standings
            far = far_of(connection, release_id)
            assert far.whole.whole == summed([*standings.values()])
            for region in {of.csp_region for of in estate}:
                there = [
                    standings[of.device_id] for of in estate if of.csp_region == region and of.device_id in standings
                ]
                assert far.whole.by_region.get(region, Progress()) == summed(there)
            for supplier in SUPPLIERS:
                theirs = [
                    standings[of.device_id] for of in estate if of.device_id in standings and supplier in of.suppliers
                ]
                whole, next_by = own(connection, supplier, release_id)
                assert whole == far.whole.by_supplier.get(supplier, Progress()) == summed(theirs)
                assert sum(next_by.values()) <= whole.left + whole.failed
                assert all(hubs <= far.next_by[other] for other, hubs in next_by.items())
            assert sum(far.next_by.values()) <= far.whole.whole.left + far.whole.whole.failed
            assert far.pilot is not None
            assert far.rest is not None
            assert far.pilot.whole + far.rest.whole == far.whole.whole


def test_hubs_that_another_release_moves_next_do_not_vanish(store: Store) -> None:
    with store.write() as connection:
        fill(connection, [hub(TOP + n, version=OURS if n < 3 else BEFORE) for n in range(10)])
        put(connection, release("R1", version=OURS, state=ReleaseState.PILOTING), approved=True)
        assert own(connection, ALPHA, "R1") == (Progress(10, 3), {})
        sooner = replace(release("R2", version=NEXT, notified_at=NOW + DAY), automatic_date=NOW + DAY)
        put(connection, sooner)
        assert own(connection, ALPHA, "R1") == (Progress(10, 3), {"R2": 7})
        assert far_of(connection, "R1").next_by == {"R2": 7}
        assert own(connection, ALPHA, "R2") == (Progress(10), {})


def test_what_a_later_release_has_updated_stays_activated_if_it_was(store: Store) -> None:
    with store.write() as connection:
        fill(connection, [hub(TOP + n, version=NEXT if n < 4 else OURS) for n in range(6)])
        put(connection, release("R1", version=OURS, state=ReleaseState.CLOSED), approved=True)
        second = release("R2", version=NEXT, state=ReleaseState.SAFE_LAUNCH, notified_at=NOW + DAY)
        put(connection, second, approved=True)
        done = [Reported(HubOutcome(TOP + n, OutcomeStage.ACTIVATION, True, OURS, NOW), "R1") for n in (0, 1, 2, 5)]
        activations.record_outcomes(connection, CSP, done, NOW, ())
        assert own(connection, ALPHA, "R1")[0] == Progress(6, activated=5, passed_by=1)


@pytest.mark.parametrize("state", [ReleaseState.PILOTING, ReleaseState.SAFE_LAUNCH])
def test_what_the_pilot_has_updated_stays_the_pilot_s_whatever_is_listed(store: Store, state: ReleaseState) -> None:
    """A list that was sent later took the hubs that the pilot had updated out of its bar, into safe launch's."""
    assert state in LIVE_STATES
    with store.write() as connection:
        fill(connection, [hub(TOP + n, version=OURS if n in (0, 1, 9) else BEFORE) for n in range(10)])
        put(connection, release("R1", version=OURS, state=state), approved=True)
        in_pilot, later = PERIOD.start + DAY, PERIOD.end + DAY
        done = [
            Reported(HubOutcome(TOP + n, OutcomeStage.ACTIVATION, True, OURS, at), "R1")
            for n, at in ((0, in_pilot), (1, in_pilot), (9, later))
        ]
        activations.record_outcomes(connection, CSP, done, NOW, ())
        pilots.replace_default_list(connection, "R1", "North", [TOP, TOP + 1, TOP + 2])

        def bars() -> tuple[Progress, Progress]:
            far = far_of(connection, "R1")
            assert far.pilot is not None
            assert far.rest is not None
            return far.pilot.whole, far.rest.whole

        assert bars() == (Progress(3, 2), Progress(7, 1))
        pilots.replace_preferred(connection, "R1", ALPHA, OURS, [TOP + 5], NOW)
        assert bars() == (Progress(3, 2), Progress(7, 1)), "the two that it updated, and the one on the list"


def test_parts_of_nothing_are_nothing() -> None:
    assert Breakdown().without(Breakdown()) == Breakdown()
    assert Progress().left == 0
