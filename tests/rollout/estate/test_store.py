"""How parties stand to a release in numbers, and what the CSPs have uploaded."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from duis_gateway.rollout.activations import store as activations
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.estate import eligible_hubs as estate
from duis_gateway.rollout.estate import store as tallies
from duis_gateway.rollout.estate.eligible_hubs import HubKind, Scope
from duis_gateway.rollout.pilot_lists import store as pilots
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.releases.records import DefaultGroup, DefaultSchedule, Instruction, Period, Stage
from duis_gateway.rollout.rollout_decisions.records import DirectGroup
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.store.engine import Store
from tests.support.estate import ALPHA, BETA, GAMMA, NOW, PERIOD, TOP, fill, hub, release
from tests.support.roll_out_scenario import Reported

NEW = "01020305"


def given(supplier: int, name: str, *ids: int, stage: Stage = Stage.PILOT) -> Instruction:
    return Instruction("R1", supplier, name, stage, PERIOD, NOW, ids)


def test_the_gpf_of_a_hub_is_no_hub_of_the_estate(store: Store) -> None:
    """A Communications Hub is two devices of one model, and counted, planned and shown once."""
    with store.write() as connection:
        fill(connection, [hub(1), replace(hub(2), device_type="GPF")], [release()])
        scope = Scope(supplier=ALPHA)
        assert list(estate.kinds(connection, scope).values()) == [1]
        for chunks in (
            estate.hubs_of_model(connection, scope, release()),
            estate.all_hubs(connection, scope),
        ):
            assert [one.device_id for chunk in chunks for one in chunk] == [1]


def test_a_list_is_counted_as_it_was_sent_and_an_empty_one_is_a_list(store: Store) -> None:
    with store.write() as connection:
        fill(connection, [hub(1)], [release()])
        assert tallies.listed(connection, "R1", ALPHA) is None
        pilots.replace_preferred(connection, "R1", ALPHA, NEW, [], NOW)
        assert tallies.listed(connection, "R1", ALPHA) == 0
        pilots.replace_preferred(connection, "R1", ALPHA, NEW, [1, 2], NOW)
        assert tallies.listed(connection, "R1", ALPHA) == 2


def test_what_the_csps_have_uploaded(store: Store) -> None:
    groups = (DefaultGroup("A", PERIOD),)
    with store.write() as connection:
        fill(connection, [], [release()])
        pilots.replace_default_list(connection, "R1", "North", [1])
        for region, stage in (("North", Stage.PILOT), ("South", Stage.PILOT), ("South", Stage.SAFE_LAUNCH)):
            schedules.replace_default(connection, DefaultSchedule("R1", region, stage, groups))
        assert tallies.default_list_regions(connection, "R1") == {"North"}
        assert tallies.schedule_regions(connection, "R1", Stage.PILOT) == {"North", "South"}
        assert tallies.schedule_regions(connection, "R1", Stage.SAFE_LAUNCH) == {"South"}
        assert tallies.default_list_regions(connection, "R2") == frozenset()


def test_an_estate_by_kind(store: Store) -> None:
    devices = [
        hub(1),
        hub(2, BETA, ALPHA),
        hub(3, version=NEW),
        hub(4, BETA, BETA),
        hub(TOP, None, None, region="South"),
    ]
    with store.write() as connection:
        fill(connection, devices)
        old = HubKind("Acme", "Hub1", "CHF", "01020304", "Commissioned")
        assert estate.kinds(connection, Scope(supplier=ALPHA)) == {old: 2, replace(old, firmware_version=NEW): 1}
        assert estate.kinds(connection, Scope(regions=frozenset({"South", "Central"}))) == {old: 1}
        assert estate.kinds(connection, Scope())[old] == 4
        assert estate.kinds(connection, Scope(supplier=GAMMA)) == {}
        assert estate.kinds(connection, Scope(regions=frozenset())) == {}


def test_the_hubs_that_something_names(store: Store) -> None:
    """Each once, however often it is named; under these releases only."""
    failure = HubOutcome(5, OutcomeStage.ACTIVATION, False, NEW, NOW)
    with store.write() as connection:
        fill(connection, [hub(number) for number in range(1, 9)], [release(), release("R2", version="07")])
        schedules.put_instructions(connection, [given(ALPHA, "G1", 1, 2), given(BETA, "G1", 2)])
        schedules.put_instructions(connection, [replace(given(ALPHA, "G1", 8), release_id="R2")])
        direct.put_batch(connection, DirectGroup("R1", PERIOD, NOW, (2, 3), "B1"))
        direct.put_selection(connection, DirectGroup("R1", PERIOD, NOW, (4,), supplier=ALPHA))
        for hub_id, success in ((5, False), (6, False), (6, True), (7, True)):
            one = replace(failure, device_id=hub_id, success=success)
            activations.record_outcomes(connection, GAMMA, [Reported(one, "R1")], NOW, ())
        found = [one.device_id for chunk in estate.touched(connection, Scope(), [release()]) for one in chunk]
        assert sorted(found) == [1, 2, 3, 4, 5, 6]
        assert estate.failed(connection, "R1", range(1, 9)) == {5}
        assert estate.failed(connection, "R2", range(1, 9)) == frozenset()


def test_a_hub_is_scheduled_by_the_group_that_names_it_and_else_by_its_region_s_open_groups(store: Store) -> None:
    week = timedelta(days=7)
    first, second, late = (Period(NOW + n * week, NOW + (n + 1) * week) for n in (1, 2, 20))
    pilot = DefaultSchedule("R1", "North", Stage.PILOT, (DefaultGroup("P", first, (1, 2)), DefaultGroup("Q", late)))
    launch = (DefaultGroup("L", second, (2,)), DefaultGroup("X", second), DefaultGroup("Y", late))
    with store.write() as connection:
        fill(connection, [], [release()])
        schedules.replace_default(connection, pilot)
        schedules.replace_default(connection, DefaultSchedule("R1", "North", Stage.SAFE_LAUNCH, launch))
        shared = plans.of_release(connection, release(), NOW)
        facts = plans.of_hubs(connection, shared, [hub(1), hub(2), hub(3), hub(4, region="South")])
    assert [one.scheduled for one in facts] == [first, second, Period(second.start, late.end), None]
