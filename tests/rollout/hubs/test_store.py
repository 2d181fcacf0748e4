"""The inventory: look-ups of long lists, and what they say about each hub."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub, HubInRegion
from duis_gateway.rollout.pilot_lists import store as pilots
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import HubMark, Instruction, ReleaseState, Stage
from duis_gateway.rollout.rollout_decisions.records import DirectGroup
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.store.bulk import id_list
from duis_gateway.store.engine import Store
from tests.support.estate import ALPHA, BETA, GAMMA, HIGH, LOW, NOW, PERIOD, TOP, fill, hub, release

EXTREMES = (0, LOW, TOP - 1, TOP, TOP + 1, HIGH)


def test_hubs_come_back_as_they_were_loaded(store: Store) -> None:
    """T43: identifiers from 2^63 on, in every place where one stands."""
    given = [hub(device_id, importer, None) for device_id, importer in zip(EXTREMES, reversed(EXTREMES), strict=True)]
    expected = {one.device_id: replace(one, told_version=one.firmware_version) for one in given}
    with store.write() as connection:
        assert hubs.upsert(connection, given) == len(EXTREMES)
    with store.read() as connection:
        assert hubs.get_many(connection, [*EXTREMES, *EXTREMES, 77]) == expected
        assert [hubs.get(connection, device_id) for device_id in EXTREMES] == list(expected.values())
        assert hubs.get(connection, 77) is None
        assert hubs.regions(connection, [*EXTREMES, 77]) == dict.fromkeys(EXTREMES, "North")
        assert not hubs.get_many(connection, [])
        assert not hubs.regions(connection, [])
        assert hubs.count(connection) == len(EXTREMES)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(ids=st.lists(st.integers(0, HIGH), max_size=30))
def test_a_list_reaches_the_database_unchanged(store: Store, ids: list[int]) -> None:
    with store.read() as connection:
        found = connection.execute(select(id_list(connection, ids).c.value)).scalars()
        assert sorted(found) == sorted(ids)


def test_loading_again_keeps_what_was_told_and_when(store: Store) -> None:
    """A later load corrects the inventory; it neither raises alerts again nor hides that they were raised."""
    activated = replace(hub(1), firmware_version="01020305", told_version="01020305", completed_at=NOW)
    moved = hub(1, BETA, None, version="01020306", region="South")
    with store.write() as connection:
        hubs.upsert(connection, [hub(1)])
        hubs.record_activations(connection, [activated])
        assert hubs.get(connection, 1) == activated
        hubs.upsert(connection, [hub(1), moved])  # the last one of an identifier counts
        assert hubs.get(connection, 1) == replace(moved, told_version="01020305", completed_at=NOW)


def test_activations_change_only_the_hubs_named(store: Store) -> None:
    after = [
        replace(hub(TOP), firmware_version="02", told_version="02", completed_at=NOW),
        replace(hub(2), told_version="01020304", completed_at=NOW + timedelta(microseconds=1)),
    ]
    with store.write() as connection:
        hubs.upsert(connection, [hub(TOP), hub(2), hub(3)])
        hubs.record_activations(connection, after)
        hubs.record_activations(connection, [])
        found = hubs.get_many(connection, [TOP, 2, 3], for_update=True)
    assert found == {TOP: after[0], 2: after[1], 3: replace(hub(3), told_version="01020304")}


# --- what a supplier's list is judged by ------------------------------------------------------------------------------


def test_a_named_hub_carries_everything_the_rules_look_at(store: Store) -> None:
    with store.write() as connection:
        fill(connection, [hub(TOP, ALPHA, BETA), hub(2, None, GAMMA, region="South")], [release()])
        pilots.replace_default_list(connection, "R1", "North", [TOP])
        releases.put(connection, release(), {HubMark.FRIENDLY: [2]})
    with store.read() as connection:
        found = hubs.named(connection, [TOP, 2, 3], "R1", ALPHA, NOW)
    assert found.keys() == {TOP, 2}
    assert tuple(found[TOP]) == (
        TOP, "CHF", "Commissioned", "Acme", "Hub1", "01020304", "North", ALPHA, BETA, True, None, False
    )  # fmt: skip
    assert tuple(found[2])[6:] == ("South", None, GAMMA, False, "friendly", False)
    assert [type(value) for value in found[2][-3:]] == [bool, str, bool]


def test_of_several_marks_excluded_counts_before_proving_before_friendly(store: Store) -> None:
    marks = {HubMark.PROVING: [1, 2], HubMark.EXCLUDED: [2, 3], HubMark.FRIENDLY: [1, 3, 4]}
    with store.write() as connection:
        fill(connection, [hub(device_id) for device_id in range(1, 6)])
        releases.put(connection, release(), marks)
        found = hubs.named(connection, range(1, 6), "R1", ALPHA, NOW)
        assert releases.marks(connection, "R1") == {
            HubMark.PROVING: (1,),
            HubMark.EXCLUDED: (2, 3),
            HubMark.FRIENDLY: (4,),
        }
    assert [found[device_id].mark for device_id in range(1, 6)] == [
        "proving", "excluded", "excluded", "friendly", None
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("state", "instructed_by", "version", "asked_by", "in_progress"),
    [
        (ReleaseState.PILOTING, ALPHA, "09", ALPHA, True),
        (ReleaseState.NOTIFIED, BETA, "09", ALPHA, True),  # the other supplier of a split hub
        (ReleaseState.STOPPED, ALPHA, "09", ALPHA, False),  # the other release is not live
        (ReleaseState.PILOTING, GAMMA, "09", ALPHA, False),  # a former supplier's instruction counts no longer
        (ReleaseState.PILOTING, ALPHA, "01020304", ALPHA, False),  # done: the hub runs that release's version
        (ReleaseState.PILOTING, ALPHA, "09", GAMMA, False),  # nobody learns anything about others' hubs
    ],
)
def test_in_progress_means_instructed_under_another_live_release(
    store: Store, state: ReleaseState, instructed_by: int, version: str, asked_by: int, in_progress: bool
) -> None:
    with store.write() as connection:
        others = release("R0", version=version, state=state)
        fill(connection, [hub(TOP, ALPHA, BETA)], [release(), others])
        standing = Instruction("R0", instructed_by, "g", Stage.PILOT, PERIOD, NOW, (TOP,))
        schedules.put_instructions(connection, [standing])
        assert hubs.named(connection, [TOP], "R1", asked_by, NOW)[TOP].in_progress is in_progress
        assert hubs.named(connection, [TOP], "R0", asked_by, NOW)[TOP].in_progress is False
        assert hubs.named(connection, [TOP], "R1", asked_by, PERIOD.end)[TOP].in_progress is False, "it is over"


@pytest.mark.parametrize(
    ("put", "chosen_for", "in_progress"),
    [
        (direct.put_batch, None, True),
        (direct.put_selection, BETA, True),
        (direct.put_selection, GAMMA, False),  # who is responsible no longer
    ],
)
def test_what_dcc_instructed_under_another_live_release_is_in_progress_too(
    store: Store, put: Callable[[Connection, DirectGroup], None], chosen_for: int | None, in_progress: bool
) -> None:
    with store.write() as connection:
        fill(connection, [hub(TOP, ALPHA, BETA)], [release(), release("R0", version="09", state=ReleaseState.PILOTING)])
        put(connection, DirectGroup("R0", PERIOD, NOW, (TOP,), "B1", chosen_for))
        assert hubs.named(connection, [TOP], "R1", ALPHA, NOW)[TOP].in_progress is in_progress
        assert hubs.named(connection, [TOP], "R0", ALPHA, NOW)[TOP].in_progress is False
        assert hubs.named(connection, [TOP], "R1", ALPHA, PERIOD.end)[TOP].in_progress is False, "it is over"


# --- a supplier's estate ----------------------------------------------------------------------------------------------


def test_eligible_hubs_are_those_of_the_model_in_either_role_once(store: Store) -> None:
    estate = [
        hub(1, ALPHA, ALPHA),
        hub(2, BETA, ALPHA),
        hub(3, None, ALPHA),
        hub(TOP, ALPHA, None),
        hub(5, BETA, GAMMA),
        hub(6, ALPHA, ALPHA, model="Hub2"),
        hub(7, ALPHA, ALPHA, version="01020305"),
    ]
    with store.write() as connection:
        fill(connection, estate)
    with store.read() as connection:
        eligible = list(hubs.eligible(connection, ALPHA, release()))
    assert sorted(one.device_id for one in eligible) == [1, 2, 3, TOP]
    assert all(isinstance(one, Hub) for one in eligible)


@pytest.mark.once
def test_a_list_of_50_000_hubs_takes_few_statements(store: Store) -> None:
    """Linear, and no limit on bound values is met on the way."""
    ids = [TOP + 3 * number for number in range(50_000)]
    with store.write(alone=True) as connection:
        fill(connection, [hub(device_id) for device_id in ids], [release()])
        pilots.replace_default_list(connection, "R1", "North", ids)
        pilots.replace_preferred(connection, "R1", ALPHA, "01020305", ids, NOW)
    with store.read() as connection:
        found = hubs.named(connection, [*ids, 5], "R1", ALPHA, NOW)
        assert len(found) == 50_000
        assert all(one.in_default_list for one in found.values())
        assert pilots.preferred(connection, "R1", ALPHA) == [HubInRegion(device_id, "North") for device_id in ids]
