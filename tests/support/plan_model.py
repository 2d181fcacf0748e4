"""What is planned for a hub, by brute force: written from the design's section 7 alone, with none of the rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.releases.records import HubMark, Instruction, Period, Release, Stage
from duis_gateway.rollout.rollout_decisions.records import DirectGroup, GroupDecision
from tests.support.roll_out_scenario import REGIONS, Scenario, key_of

LIVE = {"notified", "approved", "piloting", "safe_launch"}


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
    """The instruction of one supplier that counts; `since`: from when it has instructed the hub without a gap."""

    period: Period
    stage: Stage
    decided: bool
    since: datetime


def going_on(before: Scenario, release: Release, given: Instruction | DirectGroup) -> dict[int, datetime]:
    """From when each hub of what is sent now was instructed for its supplier already, if anything moves it still."""
    found = {}
    for hub in before.hubs:
        was = counting(before, release, hub, given.supplier or 0) if hub.device_id in given.device_ids else None
        if was is not None and was.period.end > before.now:
            found[hub.device_id] = was.since
    return found


def said_of(scenario: Scenario, group: Instruction, hub: Hub) -> tuple[GroupDecision | None, Period | None]:
    """What a CSP said last of the hub, where it is: as a whole for its regions, or for hubs that it named there."""
    regions = {one.device_id: one.csp_region for one in scenario.before}
    last: tuple[GroupDecision | None, Period | None] = None, None
    for said in scenario.said:
        if said.group != group or hub.csp_region not in REGIONS[said.csp] or hub.device_id in said.moved:
            continue
        if not said.named or (hub.device_id in said.named and hub.csp_region == regions[hub.device_id]):
            last = said.say.decision, said.say.period
    return last


def counting(scenario: Scenario, release: Release, hub: Hub, supplier: int) -> Counting | None:
    """The supplier's own newest group that names the hub and was not refused; else what DCC chose for it."""
    own = own_of(scenario, release, hub, supplier)
    still = [one for one in own if one.period.end > scenario.now]
    if still:
        return still[-1]
    excluded = scenario.marks[release.release_id].get(hub.device_id) is HubMark.EXCLUDED
    for choice in scenario.selections:
        chosen = choice.release_id == release.release_id and choice.supplier == supplier
        if not chosen or choice.period is None:
            continue
        counts = not own or choice.period.end > scenario.now
        excludes = excluded and choice.period.end > scenario.now
        if hub.device_id in choice.device_ids and not excludes and counts:
            since = scenario.since.get(key_of(choice), {}).get(hub.device_id, choice.received_at)
            return Counting(choice.period, Stage.PILOT, decided=True, since=since)
    return own[-1] if own else None


def of_both(scenario: Scenario, release: Release, hub: Hub, suppliers: list[int]) -> list[Counting | None]:
    """What counts of each; its own goes on with the other's before DCC's choice until the end of both."""
    counts = [counting(scenario, release, hub, one) for one in suppliers]
    own = [own_of(scenario, release, hub, one) for one in suppliers]
    chosen_for = [bool(mine) and one not in mine for mine, one in zip(own, counts, strict=True)]
    if len(suppliers) < 2 or all(chosen_for):
        return counts
    found = list(counts)
    for which, other in enumerate(reversed(counts)):
        if chosen_for[which] and other is not None and other.period.end > scenario.now:
            met = [one for one in own[which] if one.period.end > other.since]
            found[which] = met[-1] if met else counts[which]
    return found


def own_of(scenario: Scenario, release: Release, hub: Hub, supplier: int) -> list[Counting]:
    """The supplier's own groups that name the hub and were not refused, the newest last."""
    own = []
    excluded = scenario.marks[release.release_id].get(hub.device_id) is HubMark.EXCLUDED
    for group in scenario.instructions:
        mine = group.release_id == release.release_id and group.supplier == supplier
        if not mine or hub.device_id not in group.device_ids:
            continue
        decision, fixed = said_of(scenario, group, hub)
        period = fixed or group.period
        if excluded and group.stage is Stage.PILOT and period.end > scenario.now:
            continue
        assert release.pilot is not None
        begins_in_pilot = release.pilot.period.start <= period.start < release.pilot.period.end
        begins_in_pilot = begins_in_pilot or period.end <= scenario.now  # a revision leaves what is over
        if decision is not GroupDecision.REFUSED and (group.stage is Stage.SAFE_LAUNCH or begins_in_pilot):
            since = scenario.since.get(key_of(group), {}).get(hub.device_id, group.received_at)
            own.append((group.received_at, Counting(period, group.stage, decision is not None, since)))
    # As `max` would: of several of one time the first, which is the last here.
    own.reverse()
    return [one for _, one in sorted(own, key=lambda pair: pair[0])]


def over_in_the_pause(before: Scenario, after: Scenario) -> dict[int, bool]:
    """The hubs whose plan was held before, each with whether nothing is planned now: it ended in the pause."""
    release, now = before.releases[0], after.releases[0]
    found = {}
    for hub in before.hubs:
        if hub in after.hubs and expected_plan(before, release, hub).period is not None and release.paused:
            is_over = expected_plan(after, now, hub)
            found[hub.device_id] = is_over.period is None and is_over.basis in ("automatic_date", "batch")
    return found


def pilots(scenario: Scenario, release: Release, hub: Hub, period: Period) -> bool:
    """Whether the hub is in the pilot, which the release has not left, and the period begins before its end."""
    listed = {hub_id for supplier in hub.suppliers for hub_id in scenario.listed.get(supplier, ())}
    for choice in scenario.selections:
        if choice.release_id == release.release_id and choice.supplier in hub.suppliers:
            listed.update(choice.device_ids)
    in_it = hub.device_id in listed or scenario.marks[release.release_id].get(hub.device_id) is HubMark.PROVING
    assert release.pilot is not None
    return in_it and release.state.value != "safe_launch" and period.start < release.pilot.period.end


def expected_plan(scenario: Scenario, release: Release, hub: Hub) -> Expected:
    if hub.model != release.model:
        return Expected("not_planned")
    if hub.firmware_version == release.firmware_version:
        return Expected("active")
    if hub.device_type != "CHF" or hub.status != "Commissioned" or release.state.value not in LIVE:
        return Expected("not_planned")
    responsible = {one for one in (hub.import_supplier, hub.gas_supplier) if one is not None}
    found = [one for one in of_both(scenario, release, hub, sorted(responsible)) if one is not None]
    # Whoever instructs when the other's period is over finds nothing to go with.
    last = max((one.since for one in found), default=None)
    found = [one for one in found if last is None or one.period.end > last]
    if found and len(found) == len(responsible):
        period = Period(max(one.period.start for one in found), max(one.period.end for one in found))
        if scenario.now < period.end < release.automatic_date:
            stage = "Pilot" if {one.stage for one in found} == {Stage.PILOT} else "SafeLaunch"
            undecided = not all(one.decided for one in found)
            return Expected("instructed", period, period.end, stage, undecided, release.paused)
    batch = None
    for group in scenario.batches:
        if group.release_id == release.release_id and hub.device_id in group.device_ids:
            batch = group if batch is None or group.received_at >= batch.received_at else batch
    open_batch = batch is not None and (
        batch.period is None or scenario.now < batch.period.end < release.automatic_date
    )
    if batch is not None and open_batch:
        due = release.automatic_date if batch.period is None else batch.period.end
        stage = "Pilot" if batch.period is not None and pilots(scenario, release, hub, batch.period) else "SafeLaunch"
        return Expected("batch", batch.period, due, stage, held=release.paused)
    return Expected("automatic_date", None, release.automatic_date, "SafeLaunch", indicative=True, held=release.paused)
