"""Random roll-outs in a real store: the plans are those of an independent model, and tell nobody who the other is.

The model (`tests.support.plan_model`) is independent of the rules.
"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.estate.eligible_hubs import Scope
from duis_gateway.rollout.estate.history import history_rows
from duis_gateway.rollout.estate.hub_by_hub import estate_rows, hub_row
from duis_gateway.rollout.estate.view import status_rows
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans.view import plan_of, plans_under
from duis_gateway.store.engine import Store
from tests.support.plan_model import LIVE, Expected, expected_plan
from tests.support.roll_out_scenario import (
    IDS,
    NORTH,
    REGIONS,
    SUPPLIERS,
    Scenario,
    scenarios,
    stored,
)

EXAMPLES = settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.mark.once
@pytest.mark.requirement("BR-3.2", "BR-3.3", "BR-3.6", "BR-4.1", "BR-4.2", "PIA-C2", "PIA-S2", "PIA-S5")
@EXAMPLES
@given(scenario=scenarios())
def test_the_plans_are_those_of_an_independent_model(store: Store, scenario: Scenario) -> None:
    with stored(store, scenario) as connection:
        for release in scenario.releases:
            planned = {hub.device_id: plan for hub, plan in plans_under(connection, release, Scope(), scenario.now)}
            for hub in scenario.hubs:
                plan = plan_of(connection, hub, release, scenario.now)
                shown = Expected(
                    plan.basis.value,
                    plan.period,
                    plan.due,
                    plan.stage and plan.stage.value,
                    plan.indicative,
                    plan.held,
                )
                assert shown == expected_plan(scenario, release, hub)
                assert planned.get(hub.device_id) == (plan if hub.model == release.model and is_hub(hub) else None)


@pytest.mark.once
@EXAMPLES
@given(scenario=scenarios())
def test_each_party_is_planned_its_own_hubs_and_reads_nothing_of_the_others(store: Store, scenario: Scenario) -> None:
    """Not even where the CSP says it: its words to one supplier are shown to no other."""
    with stored(store, scenario) as connection:
        for release in scenario.releases:
            of_model = [hub for hub in scenario.hubs if hub.model == release.model and is_hub(hub)]
            for supplier in SUPPLIERS:
                plans = list(plans_under(connection, release, Scope(supplier=supplier), scenario.now, supplier))
                assert sorted(hub.device_id for hub, _ in plans) == [
                    hub.device_id for hub in of_model if supplier in hub.suppliers
                ]
                words = " ".join(plan.explanation for _, plan in plans)
                others = {group.supplier for group in scenario.instructions} | set(SUPPLIERS) - {supplier}
                assert not [one for one in others - {supplier} if format_eui(one) in words]
            in_north = plans_under(connection, release, Scope(regions=frozenset(REGIONS[NORTH])), scenario.now)
            assert sorted(hub.device_id for hub, _ in in_north) == [
                hub.device_id for hub in of_model if hub.csp_region in REGIONS[NORTH]
            ]


def expected_state(scenario: Scenario, hub: Hub) -> tuple[str | None, str]:
    """The release that has the hub next, and the hub's state under it."""
    live = [r for r in scenario.releases if r.state.value in LIVE and r.model == hub.model]
    if not live:
        return None, "not_planned"
    plans = {release.release_id: expected_plan(scenario, release, hub) for release in live}
    latest_first = sorted(live, key=lambda release: release.notified_at, reverse=True)
    dates = {release.release_id: release.automatic_date for release in live}
    only_announced = {release.release_id for release in live if release.state.value == "notified"}
    waiting: list[str] = []
    chosen = latest_first[0].release_id
    for release in reversed(latest_first):  # what is active takes the hub from all older ones
        name, basis = release.release_id, plans[release.release_id].basis
        waiting = [name, *waiting] if basis == "automatic_date" else [] if basis == "active" else waiting
        chosen = name if basis == "active" else chosen
    busy = [one.release_id for one in latest_first if plans[one.release_id].basis in ("instructed", "batch")]
    if busy or waiting:
        chosen = min(busy or waiting, key=lambda name: (plans[name].due or dates[name], name in only_announced))
    basis = plans[chosen].basis
    attempts = [one for one in scenario.reports if (one.outcome.device_id, one.release_id) == (hub.device_id, chosen)]
    if attempts and not attempts[-1].outcome.success and basis not in ("active", "not_planned"):
        return chosen, "failed"
    return chosen, {"active": "activated", "automatic_date": "planned"}.get(basis, basis)


_COUNTED_BY = ("release", "state", "model", "firmware_version", "status")


@pytest.mark.once
@pytest.mark.requirement("BR-5.3", "BR-5.5", "BR-5.7")
@EXAMPLES
@given(scenario=scenarios())
def test_the_status_counts_every_hub_once_in_its_state(store: Store, scenario: Scenario) -> None:
    """Counted by the database where nothing names a hub, and one by one where something does: the same in the end."""
    everyone = [Party(one, PartyKind.SUPPLIER, "") for one in SUPPLIERS]
    everyone += [Party(one, PartyKind.CSP, "", regions=frozenset(regions)) for one, regions in REGIONS.items()]
    everyone.append(Party(1, PartyKind.DCC, ""))
    with stored(store, scenario) as connection:
        for party in everyone:
            devices = [hub for hub in scenario.hubs if _is_affair_of(party, hub)]
            own = [hub for hub in devices if is_hub(hub)]
            wanted = Counter(
                (*expected_state(scenario, hub), hub.model, hub.firmware_version, hub.status) for hub in own
            )
            shown: Counter[tuple[object, ...]] = Counter()
            explained: Counter[tuple[object, ...]] = Counter()
            for row in status_rows(connection, party, scenario.now):  # by why it is void, too
                shown[tuple(row[name] for name in _COUNTED_BY)] += int(str(row["hubs"]))
                explained[row["state"], row["void"], row["off_plan"]] += int(str(row["hubs"]))
            assert shown == wanted
            listed = {row["device_id"]: row for row in estate_rows(connection, party, scenario.now)}
            assert explained == Counter((row["state"], row["void"], row["off_plan"]) for row in listed.values())
            assert listed.keys() == {format_eui(hub.device_id) for hub in own}
            for hub in own:
                row = listed[format_eui(hub.device_id)]
                assert (row["release"], row["state"]) == expected_state(scenario, hub)
                last = [one for one in scenario.reports if one.outcome.device_id == hub.device_id][-1:]
                assert row["outcome"] == (("Success" if last[0].outcome.success else "Failure") if last else None)
                assert row == hub_row(connection, party, hub.device_id, scenario.now)
                others = {format_eui(one) for one in SUPPLIERS} - {format_eui(party.eui)}
                said = " ".join(map(str, row.values())) + str(history_rows(connection, party, hub.device_id))
                assert party.kind is not PartyKind.SUPPLIER or not [one for one in others if one in said]
            foreign = next((hub for hub in scenario.hubs if hub not in devices), None)
            assert foreign is None or hub_row(connection, party, foreign.device_id, scenario.now) is None
    assert len(scenario.hubs) == len(IDS)


def is_hub(device: Hub) -> bool:
    """Plans and estates have Communications Hubs alone, whatever else the inventory knows."""
    return device.device_type == "CHF"


def _is_affair_of(party: Party, hub: Hub) -> bool:
    if party.kind is PartyKind.SUPPLIER:
        return party.eui in hub.suppliers
    return party.kind is PartyKind.DCC or hub.csp_region in party.regions
