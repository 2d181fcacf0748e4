"""Releases, pilots, schedules and instructions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from duis_gateway.rollout.hub_events.records import OFF_THE_LIST, Ending
from duis_gateway.rollout.hubs.records import HubInRegion
from duis_gateway.rollout.pilot_lists import store as pilots
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import (
    DefaultGroup,
    DefaultSchedule,
    HubMark,
    Instruction,
    OfferedConstraint,
    Period,
    ReleaseState,
    ReleaseType,
    Stage,
)
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.store.engine import Store
from duis_gateway.store.tables import default_group_hub, default_hub, instruction_hub, preferred_hub
from tests.support.estate import ALPHA, BETA, GAMMA, NOW, PERIOD, TOP, fill, hub, release

LATER = Period(NOW + timedelta(days=1), NOW + timedelta(days=2))


def test_a_release_comes_back_as_its_newest_notice_has_it(store: Store) -> None:
    without_pilot = replace(release("R2"), release_type=ReleaseType.SECURITY, pilot=None, paused=True)
    newer = replace(release(), revision=2, severity="Major", obligations=True)
    with store.write() as connection:
        releases.put(connection, release(), {HubMark.PROVING: [1]})
        releases.put(connection, newer, {HubMark.PROVING: [2]})
        releases.put(connection, without_pilot, {})
    with store.read() as connection:
        assert releases.find(connection, "R1") == newer
        assert releases.find(connection, "R2") == without_pilot
        assert releases.find(connection, "R3") is None
        assert releases.marks(connection, "R1") == {HubMark.PROVING: (2,)}


def test_a_later_notice_keeps_the_lists_that_belong_to_the_release(store: Store) -> None:
    with store.write() as connection:
        fill(connection, [hub(1)], [release()])
        pilots.replace_default_list(connection, "R1", "North", [1])
        releases.put(connection, replace(release(), revision=2), {})
        assert pilots.default_hubs(connection, "R1") == [HubInRegion(1, "North")]


def test_the_newest_release_that_brings_a_version_to_a_model_whatever_its_state(store: Store) -> None:
    earlier = NOW - timedelta(days=1)
    given = [
        release("R1", notified_at=earlier),
        release("R3", version="07"),
        release("R2", version="07"),
        release("R4", notified_at=NOW + timedelta(days=1), state=ReleaseState.SUPERSEDED),
        release("R5", model="Hub2", notified_at=NOW + timedelta(days=9)),
    ]
    with store.write() as connection:
        fill(connection, [], given)
        assert releases.set_state(connection, "R2", ReleaseState.WITHDRAWN, paused=False)
        found = releases.by_version(connection, "Acme", "Hub1", "07")
        assert found is not None
        assert (found.release_id, found.state) == ("R2", ReleaseState.WITHDRAWN)
        assert releases.by_version(connection, "Acme", "Hub2", "07") is None
        assert [one.release_id for one in releases.all_releases(connection)] == ["R5", "R4", "R2", "R3", "R1"]
        assert not releases.set_state(connection, "none", ReleaseState.CLOSED, paused=False)


# --- pilots -----------------------------------------------------------------------------------------------------------


def test_default_lists_by_region_and_supplier(store: Store) -> None:
    estate = [hub(1, ALPHA, BETA), hub(TOP, BETA, BETA), hub(3, ALPHA, None, region="South"), hub(4, None, None)]
    with store.write() as connection:
        fill(connection, estate, [release()])
        pilots.replace_default_list(connection, "R1", "North", [4, 4])
        pilots.replace_default_list(connection, "R1", "North", [1, TOP, 1, 4, 99])  # replaces; 99 is in no inventory
        pilots.replace_default_list(connection, "R1", "South", [3])
        every = [HubInRegion(1, "North"), HubInRegion(3, "South"), HubInRegion(4, "North"), HubInRegion(TOP, "North")]
        assert pilots.default_hubs(connection, "R1") == every
        assert pilots.default_hubs(connection, "R1", ALPHA) == every[:2]
        assert pilots.default_hubs(connection, "R1", GAMMA) == []


def test_proving_hubs_are_those_of_the_supplier_now(store: Store) -> None:
    with store.write() as connection:
        fill(connection, [hub(1), hub(2, BETA, ALPHA), hub(3, BETA, None), hub(4)])
        releases.put(connection, release(), {HubMark.PROVING: [1, 2, 3], HubMark.FRIENDLY: [4]})
        assert pilots.proving_hubs(connection, "R1", ALPHA) == [HubInRegion(1, "North"), HubInRegion(2, "North")]


def test_a_preferred_list_replaces_the_earlier_one_of_its_supplier_only(store: Store) -> None:
    with store.write() as connection:
        fill(connection, [hub(1), hub(TOP), hub(3)], [release()])
        assert pilots.preferred(connection, "R1", ALPHA) is None
        pilots.replace_preferred(connection, "R1", BETA, "01020305", [3], NOW)
        pilots.replace_preferred(connection, "R1", ALPHA, "01020305", [3, 1], NOW)
        pilots.replace_preferred(connection, "R1", ALPHA, "01020305", [TOP, 1], NOW)
        assert pilots.preferred(connection, "R1", ALPHA) == [HubInRegion(1, "North"), HubInRegion(TOP, "North")]
        assert pilots.preferred(connection, "R1", BETA) == [HubInRegion(3, "North")]
        pilots.replace_preferred(connection, "R1", ALPHA, "01020305", [], NOW)
        assert pilots.preferred(connection, "R1", ALPHA) == []


# --- schedules --------------------------------------------------------------------------------------------------------


def test_a_default_schedule_comes_back_by_stage_and_region(store: Store) -> None:
    groups = (DefaultGroup("b", PERIOD, (3, TOP)), DefaultGroup("a", LATER))
    north = DefaultSchedule("R1", "North", Stage.PILOT, groups, (OfferedConstraint("C1", "At night"),))
    south = DefaultSchedule("R1", "South", Stage.PILOT, (DefaultGroup("a", PERIOD),))
    launch = DefaultSchedule("R1", "North", Stage.SAFE_LAUNCH, (DefaultGroup("a", LATER, (1,)),))
    with store.write() as connection:
        fill(connection, [], [release()])
        schedules.replace_default(connection, replace(north, groups=(), constraints=()))
        for schedule in (north, south, launch):
            schedules.replace_default(connection, schedule)
    with store.read() as connection:
        assert schedules.defaults(connection, "R1", Stage.PILOT) == [north, south]
        assert schedules.defaults(connection, "R1", Stage.SAFE_LAUNCH) == [launch]
        assert schedules.defaults(connection, "R2", Stage.PILOT) == []


def _instruction(group_id: str, *ids: int, supplier: int = ALPHA, stage: Stage = Stage.PILOT) -> Instruction:
    return Instruction("R1", supplier, group_id, stage, PERIOD, NOW, ids, ("C1", "C2"))


def test_an_instruction_replaces_the_one_of_its_group(store: Store) -> None:
    others = [_instruction("g1", 7, supplier=BETA), _instruction("g1", 8, stage=Stage.SAFE_LAUNCH)]
    later = replace(_instruction("g1", 2, TOP), period=LATER, constraints=())
    with store.write() as connection:
        fill(connection, [], [release()])
        schedules.put_instructions(connection, [_instruction("g1", 1), _instruction("g2", 5), *others])
        schedules.put_instructions(connection, [later])
        assert schedules.instructions(connection, "R1", ALPHA) == [later, _instruction("g2", 5), others[1]]
        assert schedules.instructions(connection, "R1", BETA) == [others[0]]
        assert schedules.instructions(connection, "R2", ALPHA) == []


def test_dropped_hubs_leave_the_supplier_s_groups_of_that_stage(store: Store) -> None:
    kept = [_instruction("g1", 1, supplier=BETA), _instruction("g1", 1, stage=Stage.SAFE_LAUNCH)]
    with store.write() as connection:
        fill(connection, [], [release()])
        schedules.put_instructions(connection, [_instruction("g1", 1, 2), _instruction("g2", TOP), *kept])
        schedules.remove_hubs(connection, "R1", ALPHA, Stage.PILOT, [1, TOP, 99], Ending(NOW, OFF_THE_LIST))
        found = schedules.instructions(connection, "R1", ALPHA)
        assert [(one.group_id, one.device_ids) for one in found] == [("g1", (2,)), ("g2", ()), ("g1", (1,))]
        assert schedules.instructions(connection, "R1", BETA) == [kept[0]]


def test_nothing_is_left_of_lists_that_were_replaced(store: Store) -> None:
    """The hubs of lists have no foreign key that would clear them away."""
    schedule = DefaultSchedule("R1", "North", Stage.PILOT, (DefaultGroup("a", PERIOD, (1, 2)),))
    with store.write() as connection:
        fill(connection, [], [release()])
        for _ in range(2):
            pilots.replace_default_list(connection, "R1", "North", [1, 2])
            pilots.replace_preferred(connection, "R1", ALPHA, "01020305", [1, 2], NOW)
            schedules.replace_default(connection, schedule)
            schedules.put_instructions(connection, [_instruction("g1", 1, 2)])
    with store.read() as connection:
        for table in (default_hub, preferred_hub, default_group_hub, instruction_hub):
            assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 2


def test_a_time_without_a_zone_is_not_stored(store: Store) -> None:
    """Business time is UTC; a time that could mean several things is nobody's."""
    naive = replace(release(), notified_at=NOW.replace(tzinfo=None))
    with pytest.raises(Exception, match="without a zone"), store.write() as connection:
        releases.put(connection, naive, {})


def test_a_list_is_judged_by_the_groups_that_it_concerns(store: Store) -> None:
    """What a list costs must not grow with what stands: of 400,000 hubs in eight groups only the groups it touches."""
    launch = Instruction("R1", ALPHA, "A", Stage.SAFE_LAUNCH, PERIOD, NOW, (1, 2, TOP), ("NIGHT",))
    named, far = (replace(launch, group_id=name, device_ids=ids) for name, ids in (("B", (3, 4)), ("C", (8, 9))))
    pilot = replace(launch, stage=Stage.PILOT, device_ids=(5, 6), constraints=())
    theirs = replace(launch, supplier=BETA)
    with store.write() as connection:
        fill(connection, [hub(1)], [release()])
        schedules.put_instructions(connection, [launch, named, far, pilot, theirs])
    with store.read() as connection:
        found = schedules.instructions_around(connection, "R1", ALPHA, (TOP, 7), {(Stage.SAFE_LAUNCH, "B")})
        assert found == [pilot, launch, named]
        assert schedules.instructions_around(connection, "R1", ALPHA, (9,)) == [pilot, far]
        assert schedules.instructions_around(connection, "R1", GAMMA, (1,)) == []
