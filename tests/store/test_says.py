"""What CSPs said of suppliers' groups, and which groups wait for it."""

from __future__ import annotations

from dataclasses import replace

from duis_gateway.model.plans import GroupSay
from duis_gateway.model.releases import Instruction, Period, Stage
from duis_gateway.model.rollout import GroupDecision
from duis_gateway.store import hubs, plans, says, schedules
from duis_gateway.store.engine import Store
from duis_gateway.store.says import OpenGroup
from tests.support.estate import ALPHA, BETA, GAMMA, NOW, PERIOD, TOP, fill, hub, release

ACCEPTED = GroupSay(GroupDecision.ACCEPTED)
AMENDED = GroupSay(GroupDecision.AMENDED, Period(NOW, PERIOD.end), "too many")
ESTATE = [hub(1), hub(TOP, ALPHA, BETA, region="South"), hub(3, region="4G North"), hub(4)]


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
        schedules.remove_hubs(connection, "R1", ALPHA, Stage.PILOT, [3])
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
        OpenGroup(ALPHA, Stage.PILOT, "G1", "North", PERIOD.start, 2),  # 1 and 4: 5 runs it, 6 is another's by now
        OpenGroup(ALPHA, Stage.PILOT, "G1", "South", PERIOD.start, 1),
        OpenGroup(BETA, Stage.SAFE_LAUNCH, "L1", "South", PERIOD.start, 1),  # 4 is not its own
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
        shared = plans.of_release(connection, release())
        facts = plans.of_hubs(connection, shared, [hub(1), hub(TOP, region="South"), hub(3, region="4G North"), moved])
    assert [one.instructions[0].say for one in facts] == [ACCEPTED, AMENDED, None, AMENDED]
