"""What CSPs said of suppliers' groups, and which groups wait for it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Connection, func, select

from duis_gateway.rollout.hub_events.records import OFF_THE_LIST, Ending
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans.records import GroupSay
from duis_gateway.rollout.releases.records import Instruction, Period, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from duis_gateway.rollout.schedule_decisions import store as says
from duis_gateway.rollout.schedule_decisions.store import OpenGroup
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.store.engine import Store
from duis_gateway.store.rollout_tables import piece_hub, piece_say
from tests.support.estate import ALPHA, BETA, GAMMA, NOW, PERIOD, TOP, fill, hub, release

ACCEPTED = GroupSay(GroupDecision.ACCEPTED)
AMENDED = GroupSay(GroupDecision.AMENDED, Period(NOW, PERIOD.end), "too many")
MOVED = GroupSay(GroupDecision.AMENDED, Period(NOW, PERIOD.end), "in two waves", piece=True)
REFUSED = GroupSay(GroupDecision.REFUSED, None, "not at all", piece=True)
ESTATE = [hub(1), hub(TOP, ALPHA, BETA, region="South"), hub(3, region="4G North"), hub(4)]


def located(ids: list[int]) -> dict[int, str]:
    """The hubs with their regions."""
    return {one.device_id: one.csp_region for one in ESTATE if one.device_id in ids}


def group(name: str, *ids: int, supplier: int = ALPHA, stage: Stage = Stage.PILOT) -> Instruction:
    return Instruction("R1", supplier, name, stage, PERIOD, NOW, ids)


def test_a_say_is_kept_by_region_and_a_later_one_takes_its_place(store: Store) -> None:
    both = group("G1", 1, TOP, 3)
    with store.write() as connection:
        fill(connection, ESTATE, [release()])
        schedules.put_instructions(connection, [both, group("G1", 4, stage=Stage.SAFE_LAUNCH)])
        says.put_say(connection, both, ["North", "4G North"], GAMMA, ACCEPTED, NOW)
        says.put_say(connection, both, ["South"], BETA, AMENDED, NOW)
        says.put_say(connection, both, ["North"], GAMMA, AMENDED, NOW)
    with store.read() as connection:
        found = says.says(connection, "R1")
        assert {region: say for (_, region), say in found.items()} == {
            "North": AMENDED,
            "4G North": ACCEPTED,
            "South": AMENDED,
        }
        assert len({number for number, _ in found}) == 1, "the group of the other stage is another group"
        assert says.says(connection, "R2") == {}


def test_a_say_on_what_does_not_stand_is_not_kept(store: Store) -> None:
    with store.write() as connection:
        fill(connection, ESTATE, [release()])
        says.put_say(connection, group("G1", 1), ["North"], GAMMA, ACCEPTED, NOW)
        schedules.put_instructions(connection, [group("G1", 1)])
        says.put_say(connection, group("G1", 1), [], GAMMA, ACCEPTED, NOW)
        assert says.says(connection, "R1") == {}


def test_a_group_sent_again_is_to_be_decided_again_and_one_that_is_cut_is_not(store: Store) -> None:
    with store.write() as connection:
        fill(connection, ESTATE, [release()])
        schedules.put_instructions(connection, [group("G1", 1, 3), group("G2", 4)])
        says.put_say(connection, group("G1"), ["North"], GAMMA, ACCEPTED, NOW)
        says.put_say(connection, group("G2"), ["North"], GAMMA, ACCEPTED, NOW)
        schedules.remove_hubs(connection, "R1", ALPHA, Stage.PILOT, [3], Ending(NOW, OFF_THE_LIST))
        assert len(says.says(connection, "R1")) == 2
        schedules.put_instructions(connection, [group("G1", 1)])
        assert len(says.says(connection, "R1")) == 1


def test_the_groups_that_wait_for_a_say(store: Store) -> None:
    updated, gone = hub(5, version="01020305"), hub(6, GAMMA, GAMMA)
    launch = group("L1", 4, TOP, supplier=BETA, stage=Stage.SAFE_LAUNCH)
    with store.write() as connection:
        fill(connection, [*ESTATE, updated, gone], [release()])
        schedules.put_instructions(connection, [group("G1", 1, TOP, 3, 4, 5, 6), launch])
        says.put_say(connection, group("G1"), ["4G North"], GAMMA, ACCEPTED, NOW)
        waiting = says.undecided(connection, release())
    assert waiting == [
        OpenGroup(
            ALPHA, Stage.PILOT, "G1", "North", PERIOD.start, PERIOD.end, 2
        ),  # 1 and 4: 5 runs it, 6 is another's by now
        OpenGroup(ALPHA, Stage.PILOT, "G1", "South", PERIOD.start, PERIOD.end, 1),
        OpenGroup(BETA, Stage.SAFE_LAUNCH, "L1", "South", PERIOD.start, PERIOD.end, 1),  # 4 is not its own
    ]


def test_a_hub_has_the_say_of_its_own_region(store: Store) -> None:
    """Of a group across two CSPs each hub is decided by the CSP that serves it, also after it has moved."""
    moved = replace(hub(4), csp_region="South")
    with store.write() as connection:
        fill(connection, ESTATE, [release()])
        schedules.put_instructions(connection, [group("G1", 1, TOP, 3, 4)])
        says.put_say(connection, group("G1"), ["North"], GAMMA, ACCEPTED, NOW)
        says.put_say(connection, group("G1"), ["South"], BETA, AMENDED, NOW)
        hubs.upsert(connection, [moved])
        shared = plans.of_release(connection, release(), NOW)
        facts = plans.of_hubs(connection, shared, [hub(1), hub(TOP, region="South"), hub(3, region="4G North"), moved])
    assert [one.instructions[0].say for one in facts] == [ACCEPTED, AMENDED, None, AMENDED]


def say_on(connection: Connection, *estate: Hub) -> list[GroupSay | None]:
    """What applies to each of these hubs of ALPHA's group."""
    facts = plans.of_hubs(connection, plans.of_release(connection, release(), NOW), estate)
    return [one.instructions[0].say for one in facts]


def rows(connection: Connection) -> tuple[int, int]:
    """How many pieces are kept, and how many hubs in them."""
    pieces, members = (select(func.count()).select_from(table) for table in (piece_say, piece_hub))
    return connection.execute(pieces).scalar_one(), connection.execute(members).scalar_one()


@pytest.mark.requirement("PIA-C4", "X07")
def test_what_is_said_of_single_hubs_counts_before_what_is_said_of_their_region(store: Store) -> None:
    both = group("G1", 1, TOP, 3, 4)
    with store.write() as connection:
        fill(connection, ESTATE, [release()])
        schedules.put_instructions(connection, [both, group("G1", 1, stage=Stage.SAFE_LAUNCH)])
        says.put_say(connection, both, ["North", "4G North"], GAMMA, ACCEPTED, NOW)
        says.put_piece(connection, both, located([3, 4]), GAMMA, MOVED, NOW)
        assert say_on(connection, *ESTATE) == [ACCEPTED, None, MOVED, MOVED]
        says.put_piece(connection, both, located([4, TOP]), BETA, REFUSED, NOW)
        assert say_on(connection, *ESTATE) == [ACCEPTED, REFUSED, MOVED, REFUSED]
        assert rows(connection) == (2, 3)
    with store.read() as connection:
        assert len(says.says(connection, "R1")) == 2, "the says on whole regions stand beside"


@pytest.mark.requirement("PIA-C4")
def test_a_later_say_on_the_whole_takes_the_place_of_those_on_single_hubs_there(store: Store) -> None:
    both = group("G1", 1, TOP, 3, 4)
    with store.write() as connection:
        fill(connection, ESTATE, [release()])
        schedules.put_instructions(connection, [both])
        says.put_piece(connection, both, located([1, 3]), GAMMA, MOVED, NOW)
        says.put_piece(connection, both, located([TOP]), BETA, REFUSED, NOW)
        says.put_say(connection, both, ["North"], GAMMA, ACCEPTED, NOW)
        assert say_on(connection, *ESTATE) == [ACCEPTED, REFUSED, MOVED, ACCEPTED]
        says.put_say(connection, both, ["4G North"], GAMMA, ACCEPTED, NOW)
        assert say_on(connection, *ESTATE) == [ACCEPTED, REFUSED, ACCEPTED, ACCEPTED]
        assert rows(connection) == (1, 1), "a say that is left without hubs is dropped"


def test_a_say_on_single_hubs_goes_with_the_group_and_with_hubs_that_leave_it(store: Store) -> None:
    first, other = group("G1", 1, 3), group("G2", 4)
    with store.write() as connection:
        fill(connection, ESTATE, [release()])
        schedules.put_instructions(connection, [first, other])
        says.put_piece(connection, first, located([1, 3]), GAMMA, MOVED, NOW)
        says.put_piece(connection, other, located([4]), GAMMA, REFUSED, NOW)
        schedules.remove_hubs(connection, "R1", ALPHA, Stage.PILOT, [3], Ending(NOW, OFF_THE_LIST))
        assert say_on(connection, ESTATE[0], ESTATE[3]) == [MOVED, REFUSED]
        assert rows(connection) == (2, 2)
        schedules.put_instructions(connection, [first])
        assert say_on(connection, ESTATE[0], ESTATE[2], ESTATE[3]) == [None, None, REFUSED]
        assert rows(connection) == (1, 1)
        says.put_piece(connection, group("G3"), located([1]), GAMMA, MOVED, NOW)
        assert rows(connection) == (1, 1), "of a group that does not stand nothing is kept"


def test_hubs_of_which_nothing_was_said_are_counted_as_waiting(store: Store) -> None:
    with store.write() as connection:
        fill(connection, ESTATE, [release()])
        schedules.put_instructions(connection, [group("G1", 1, TOP, 3, 4)])
        says.put_piece(connection, group("G1"), located([1, 3]), GAMMA, MOVED, NOW)
        assert [(one.csp_region, one.hubs) for one in says.undecided(connection, release())] == [
            ("North", 1),
            ("South", 1),
        ]
        says.put_piece(connection, group("G1"), located([4, TOP]), GAMMA, REFUSED, NOW)
        assert says.undecided(connection, release()) == []
        hubs.upsert(connection, [replace(ESTATE[0], csp_region="South")])
        assert [one.hubs for one in says.undecided(connection, release())] == [1], "South has said nothing of it"


def test_a_say_on_a_single_hub_counts_where_it_was_said(store: Store) -> None:
    """The hub may be another CSP's by now; once it is back, it is decided as before."""
    moved = replace(ESTATE[0], csp_region="South")
    with store.write() as connection:
        fill(connection, ESTATE, [release()])
        schedules.put_instructions(connection, [group("G1", 1, TOP)])
        says.put_piece(connection, group("G1"), located([1]), GAMMA, REFUSED, NOW)
        says.put_say(connection, group("G1"), ["South"], BETA, AMENDED, NOW)
        hubs.upsert(connection, [moved])
        assert say_on(connection, moved) == [AMENDED]
        hubs.upsert(connection, [ESTATE[0]])
        assert say_on(connection, ESTATE[0]) == [REFUSED]


def test_the_hubs_to_decide_on_are_those_that_are_still_the_supplier_s(store: Store) -> None:
    gone, split = hub(5, GAMMA, GAMMA), hub(6, GAMMA, ALPHA, region="South")
    with store.write() as connection:
        fill(connection, [*ESTATE, gone, split], [release()])
        schedules.put_instructions(connection, [group("G1", 1, TOP, 5, 6, 99), group("G2", 3)])
        assert says.regions_of(connection, group("G1")) == {1: "North", 6: "South", TOP: "South"}
