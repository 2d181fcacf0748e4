"""Random roll-outs in a real store: the plans are those of an independent model, and tell nobody who the other is.

The model is written from the design's section 7 alone, by brute force, and imports none of the rules.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.estate.eligible_hubs import Scope
from duis_gateway.rollout.estate.hub_by_hub import estate_rows, history_rows, hub_row
from duis_gateway.rollout.estate.view import status_rows
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans.view import plan_of, plans_under
from duis_gateway.rollout.releases.records import HubMark, Instruction, Period, Release, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from duis_gateway.store.engine import Store
from tests.support.roll_out_scenario import (
    IDS,
    NORTH,
    REGIONS,
    SUPPLIERS,
    Scenario,
    scenarios,
    stored,
)

LIVE = {"notified", "approved", "piloting", "safe_launch"}
EXAMPLES = settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@dataclass(frozen=True)
class Expected:
    """What the model plans for a hub."""

    basis: str
    period: Period | None = None
    due: datetime | None = None
    stage: str | None = None
    indicative: bool = False
    held: bool = False


@dataclass(frozen=True)
class Counting:
    """The instruction of one supplier that counts."""

    period: Period
    stage: Stage
    decided: bool


def said_of(scenario: Scenario, group: Instruction, hub: Hub) -> tuple[GroupDecision | None, Period | None]:
    """What a CSP said last of the hub, where it is: as a whole for its regions, or for hubs that it named there."""
    regions = {one.device_id: one.csp_region for one in scenario.before}
    last: tuple[GroupDecision | None, Period | None] = None, None
    for said in scenario.said:
        if said.group != group or hub.csp_region not in REGIONS[said.csp]:
            continue
        if not said.named or (hub.device_id in said.named and hub.csp_region == regions[hub.device_id]):
            last = said.say.decision, said.say.period
    return last


def counting(scenario: Scenario, release: Release, hub: Hub, supplier: int) -> Counting | None:
    """The supplier's own newest group that names the hub and was not refused; else what DCC chose for it."""
    own = []
    excluded = scenario.marks[release.release_id].get(hub.device_id) is HubMark.EXCLUDED
    for group in scenario.instructions:
        mine = group.release_id == release.release_id and group.supplier == supplier
        if not mine or hub.device_id not in group.device_ids or (excluded and group.stage is Stage.PILOT):
            continue
        decision, fixed = said_of(scenario, group, hub)
        if decision is not GroupDecision.REFUSED:
            own.append((group.received_at, Counting(fixed or group.period, group.stage, decision is not None)))
    if own:
        return max(own, key=lambda pair: pair[0])[1]
    for choice in scenario.selections:
        chosen = choice.release_id == release.release_id and choice.supplier == supplier
        if chosen and hub.device_id in choice.device_ids and not excluded:
            assert choice.period is not None
            return Counting(choice.period, Stage.PILOT, decided=False)
    return None


def expected_plan(scenario: Scenario, release: Release, hub: Hub) -> Expected:
    if hub.model != release.model:
        return Expected("not_planned")
    if hub.firmware_version == release.firmware_version:
        return Expected("active")
    if hub.device_type != "CHF" or hub.status != "Commissioned" or release.state.value not in LIVE:
        return Expected("not_planned")
    responsible = {one for one in (hub.import_supplier, hub.gas_supplier) if one is not None}
    given_by_all = [counting(scenario, release, hub, supplier) for supplier in sorted(responsible)]
    found = [one for one in given_by_all if one is not None]
    if found and len(found) == len(responsible):
        period = Period(max(one.period.start for one in found), max(one.period.end for one in found))
        if period.end < release.automatic_date:
            stage = "Pilot" if {one.stage for one in found} == {Stage.PILOT} else "SafeLaunch"
            undecided = not all(one.decided for one in found)
            return Expected("instructed", period, period.end, stage, undecided, release.paused)
    batch = None
    for group in scenario.batches:
        if group.release_id == release.release_id and hub.device_id in group.device_ids:
            batch = group if batch is None or group.received_at >= batch.received_at else batch
    if batch is not None and (batch.period is None or batch.period.end < release.automatic_date):
        due = release.automatic_date if batch.period is None else batch.period.end
        return Expected("batch", batch.period, due, "SafeLaunch", held=release.paused)
    return Expected("automatic_date", None, release.automatic_date, "SafeLaunch", indicative=True, held=release.paused)


@pytest.mark.once
@pytest.mark.requirement("BR-3.2", "BR-3.3", "BR-3.6", "BR-4.1", "BR-4.2", "PIA-C2", "PIA-S2", "PIA-S5")
@EXAMPLES
@given(scenario=scenarios())
def test_the_plans_are_those_of_an_independent_model(store: Store, scenario: Scenario) -> None:
    with stored(store, scenario) as connection:
        for release in scenario.releases:
            planned = {hub.device_id: plan for hub, plan in plans_under(connection, release, Scope())}
            for hub in scenario.hubs:
                plan = plan_of(connection, hub, release)
                shown = Expected(
                    plan.basis.value,
                    plan.period,
                    plan.due,
                    plan.stage and plan.stage.value,
                    plan.indicative,
                    plan.held,
                )
                assert shown == expected_plan(scenario, release, hub)
                assert planned.get(hub.device_id) == (plan if hub.model == release.model else None)


@pytest.mark.once
@EXAMPLES
@given(scenario=scenarios())
def test_each_party_is_planned_its_own_hubs_and_reads_nothing_of_the_others(store: Store, scenario: Scenario) -> None:
    """Not even where the CSP says it: its words to one supplier are shown to no other."""
    with stored(store, scenario) as connection:
        for release in scenario.releases:
            of_model = [hub for hub in scenario.hubs if hub.model == release.model]
            for supplier in SUPPLIERS:
                plans = list(plans_under(connection, release, Scope(supplier=supplier), supplier))
                assert sorted(hub.device_id for hub, _ in plans) == [
                    hub.device_id for hub in of_model if supplier in hub.suppliers
                ]
                words = " ".join(plan.explanation for _, plan in plans)
                others = {group.supplier for group in scenario.instructions} | set(SUPPLIERS) - {supplier}
                assert not [one for one in others - {supplier} if format_eui(one) in words]
            in_north = plans_under(connection, release, Scope(regions=frozenset(REGIONS[NORTH])))
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
    waiting: list[str] = []
    chosen = latest_first[0].release_id
    for release in reversed(latest_first):  # what is active takes the hub from all older ones
        name, basis = release.release_id, plans[release.release_id].basis
        waiting = [name, *waiting] if basis == "automatic_date" else [] if basis == "active" else waiting
        chosen = name if basis == "active" else chosen
    busy = [one.release_id for one in latest_first if plans[one.release_id].basis in ("instructed", "batch")]
    if busy or waiting:
        chosen = min(busy or waiting, key=lambda name: plans[name].due or dates[name])
    basis = plans[chosen].basis
    attempts = [one for one in scenario.reports if (one.outcome.device_id, one.release_id) == (hub.device_id, chosen)]
    if attempts and not attempts[-1].outcome.success and basis not in ("active", "not_planned"):
        return chosen, "failed"
    return chosen, {"active": "activated", "automatic_date": "planned"}.get(basis, basis)


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
            own = [hub for hub in scenario.hubs if _is_affair_of(party, hub)]
            wanted = Counter(
                (*expected_state(scenario, hub), hub.model, hub.firmware_version, hub.status) for hub in own
            )
            shown = Counter(
                {
                    (row["release"], row["state"], row["model"], row["firmware_version"], row["status"]): row["hubs"]
                    for row in status_rows(connection, party)
                }
            )
            assert shown == wanted
            listed = {row["device_id"]: row for row in estate_rows(connection, party)}
            mine = [hub for hub in own if hub.device_type == "CHF"]
            assert listed.keys() == {format_eui(hub.device_id) for hub in mine}
            for hub in mine:
                row = listed[format_eui(hub.device_id)]
                assert (row["release"], row["state"]) == expected_state(scenario, hub)
                last = [one for one in scenario.reports if one.outcome.device_id == hub.device_id][-1:]
                assert row["outcome"] == (("Success" if last[0].outcome.success else "Failure") if last else None)
                assert row == hub_row(connection, party, hub.device_id)
                others = {format_eui(one) for one in SUPPLIERS} - {format_eui(party.eui)}
                said = " ".join(map(str, row.values())) + str(history_rows(connection, party, hub.device_id))
                assert party.kind is not PartyKind.SUPPLIER or not [one for one in others if one in said]
            foreign = next((hub for hub in scenario.hubs if hub not in own), None)
            assert foreign is None or hub_row(connection, party, foreign.device_id) is None
    assert len(scenario.hubs) == len(IDS)


def _is_affair_of(party: Party, hub: Hub) -> bool:
    if party.kind is PartyKind.SUPPLIER:
        return party.eui in hub.suppliers
    return party.kind is PartyKind.DCC or hub.csp_region in party.regions
