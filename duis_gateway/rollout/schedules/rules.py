"""Preferred Pilot Schedules: the instruction to deploy (SRV 11.6; PIA-1, PIA-C2, PIA-C3, PIA-R5, BR-3.1 to BR-3.9).

The codes and the order in which they are looked for: E110601 the release; E110607 no pilot and E110603 the window, if a
Pilot group is sent; E110605 received too late, or a period that cannot be; E110602 or E110605 a group that cannot be
cancelled; E110605 hubs under way that would be left out or go later; E110609 a hub in two groups; E110608 a Pilot
group's hub on no preferred list; E110602 no good hub; E110604 the limit; E110605 a Pilot period outside the pilot or
what the CSPs offered; E110606 a constraint not offered. An error refuses all groups.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup, PreferredPilotSchedule
from duis_gateway.rollout.device_lists import NOTHING_FOUND, HubFindings, classify, merged
from duis_gateway.rollout.hubs.records import NamedHub
from duis_gateway.rollout.periods import ends_before, instruction_in_time, is_empty, is_over, safe_launch_opens
from duis_gateway.rollout.releases.records import DefaultSchedule, HubMark, Instruction, Period, Release, Stage
from duis_gateway.rollout.releases.rules import last_to_instruct, pilot_window_open, why_not_live
from duis_gateway.text.times import show_time

ACCEPTED = "I99"
ACCEPTED_IN_PART = "W110601"


@dataclass(frozen=True, slots=True)
class ScheduleFacts:
    """What a Preferred Pilot Schedule is judged by.

    Attributes:
        release: the release that the request names, if there is one.
        supplier: the requester's EUI.
        named: what the inventory knows of each hub that the request names.
        preferred: the requester's preferred list that stands, None where it sent none.
        standing: the requester's own standing instructions for this release; of safe launch only groups that the
            request names, and those that name one of its hubs.
        offered: the CSPs' schedules for this release, with the periods and constraints that they offer.
        proving: the requester's own proving hubs; needed only to leave those of standing groups uncounted.
        in_pilot: the requester's own hubs that are in the pilot, which has not ended; needed for SafeLaunch groups.
        protected: those of the hubs named that the requester itself lets into no period.
        lapsed: those of the hubs named that stand in another group, of the requester's, by which nothing moves them any
            more: its period has ended, or the CSP refused it. They can be instructed anew.
        under_way: the hubs of standing groups that the request sends again or cancels which move by those already: the
            period that is planned for them has begun.
        begun: those of the hubs named that move already by whatever, also by DCC's choice or batch.
    """

    release: Release | None
    supplier: int
    named: Mapping[int, NamedHub] = field(default_factory=dict)
    preferred: frozenset[int] | None = None
    standing: tuple[Instruction, ...] = ()
    offered: tuple[DefaultSchedule, ...] = ()
    proving: frozenset[int] = frozenset()
    in_pilot: frozenset[int] = frozenset()
    protected: frozenset[int] = frozenset()
    lapsed: frozenset[int] = frozenset()
    under_way: frozenset[int] = frozenset()
    begun: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class ScheduleJudgement:
    """The answer's code and lists, and the groups that stand from now on in place of those of the same name.

    `explanation`: what the code means here, in words, where lists cannot say it.
    """

    code: str
    findings: HubFindings = NOTHING_FOUND
    instructions: tuple[Instruction, ...] = ()
    explanation: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether the instructions stand from now on."""
        return not self.code.startswith("E")


def judge_schedule(request: PreferredPilotSchedule, facts: ScheduleFacts, now: datetime) -> ScheduleJudgement:
    """Judge a Preferred Pilot Schedule: deployment groups of both stages with their periods.

    A group sent again (same stage and GroupID) replaces the standing one. A group left with no good hub is left
    out, and what stands under its name stays. A group that is cancelled stands without hubs from now on, unless it is
    sent again in the same request. A paused release takes schedules; they are held.
    """
    release, not_live = facts.release, why_not_live(facts.release, request.firmware_version)
    if release is None or not_live is not None:
        return ScheduleJudgement("E110601", explanation=not_live)
    refusal = _stage_refusal(request, release, now)
    if refusal is not None:
        return ScheduleJudgement(refusal)
    why = _why_not_the_periods(request, release, now)
    if why is not None:
        return ScheduleJudgement("E110605", explanation=why)
    taken_back = _taken_back(request, facts, now)
    if isinstance(taken_back, ScheduleJudgement):
        return taken_back
    instructions, findings = _classified(request, facts, release, now)
    held = _under_way(instructions, taken_back, facts, now)
    if held:
        words = "nothing is instructed: hubs that are already under way would be left out, or go later"
        return ScheduleJudgement("E110605", replace(findings, under_way=held), explanation=words)
    refusal, details = _hub_refusal(request, facts, release, (*instructions, *taken_back))
    if refusal is not None:
        twice = _why_repeated(request) if refusal == "E110609" else None
        return ScheduleJudgement(refusal, merged((findings, details)), explanation=twice)
    why = _why_not_offered(instructions, facts, release)
    if why is not None:
        return ScheduleJudgement("E110605", findings, explanation=why)
    why = _of_all(_constraints_not_offered(instructions, facts))
    if why is not None:
        return ScheduleJudgement("E110606", findings, explanation=why)
    return ScheduleJudgement(ACCEPTED_IN_PART if findings.any else ACCEPTED, findings, (*instructions, *taken_back))


def _stage_refusal(request: PreferredPilotSchedule, release: Release, now: datetime) -> str | None:
    if all(group.stage is not Stage.PILOT for group in request.groups):
        return None
    if release.pilot is None or not release.release_type.has_pilot:
        return "E110607"
    return None if pilot_window_open(release, now) else "E110603"


def _why_not_the_periods(request: PreferredPilotSchedule, release: Release, now: datetime) -> str | None:
    """Return in words why groups cannot have their periods, each for its own reason; None where all can.

    BR-3.4; a period that is over already can be met no more than an empty one. Safe launch is after the pilot (BR-0.3,
    PIA-A12).
    """
    if request.groups and not instruction_in_time(now, release.automatic_date):
        last = show_time(last_to_instruct(release))
        return f"it was received later than one month before the automatic date: instructions were taken until {last}"
    opens = safe_launch_opens(release, now)
    return _of_all(_why_not_the_period(one, release, opens, now) for one in request.groups)


_MOST_REASONS = 10
"""How many reasons an answer is explained by: there may be as many groups as hubs."""


def _of_all(reasons: Iterable[str | None]) -> str | None:
    """Return what is wrong with groups in one sentence: of very many the first, and how many more; None for none."""
    found = [*dict.fromkeys(filter(None, reasons))]
    more = [f"and {len(found) - _MOST_REASONS:,} more like these"] if len(found) > _MOST_REASONS else []
    return "; ".join([*found[:_MOST_REASONS], *more]) or None


def _why_not_the_period(group: DeploymentGroup, release: Release, opens: datetime | None, now: datetime) -> str | None:
    """`opens`: when safe launch does, None where it has, or the release is not there yet."""
    period, whose = group.period, f"the period of the group {group.group_id}/{group.stage.value}"
    start, end = show_time(period.start), show_time(period.end)
    if opens is not None and group.stage is Stage.SAFE_LAUNCH and period.start < opens:
        return f"{whose} starts before safe launch does, on {show_time(opens)}: it starts on {start}"
    if is_empty(period):
        return f"{whose} does not end after it starts: it starts on {start} and ends on {end}"
    if is_over(period, now):
        return f"{whose} was over when the request was received: it ends on {end}"
    if not ends_before(period, release.automatic_date):
        return f"{whose} does not end before the automatic date, {show_time(release.automatic_date)}: it ends on {end}"
    return None


def _taken_back(
    request: PreferredPilotSchedule, facts: ScheduleFacts, now: datetime
) -> ScheduleJudgement | tuple[Instruction, ...]:
    """Return the cancelled groups as they stand from now on, without hubs; or why one cannot be cancelled.

    E110602 where none of that name and stage has hubs, E110605 once a hub of it is under way (design section 5). Until
    then it may be taken back at any time: its hubs go at DCC's.
    """
    standing = {(group.stage, group.group_id): group for group in facts.standing}
    sent = {(group.stage, group.group_id) for group in request.groups}
    taken_back: dict[tuple[Stage, str], Instruction] = {}
    for cancelled in request.cancelled:
        name = (cancelled.stage, cancelled.group_id)
        if name in sent:
            continue
        group = standing.get(name)
        words = f"nothing is cancelled: the group {cancelled.group_id}/{cancelled.stage.value}"
        if group is None:
            return ScheduleJudgement("E110602", explanation=f"{words} is not known")
        if not group.device_ids:
            return ScheduleJudgement("E110602", explanation=f"{words} no longer has any hubs")
        held = tuple(hub for hub in group.device_ids if hub in facts.under_way)
        if held:
            return ScheduleJudgement("E110605", HubFindings(under_way=held), explanation=f"{words} has begun")
        taken_back[name] = replace(group, received_at=now, device_ids=())
    return tuple(taken_back.values())


def _under_way(
    instructions: Iterable[Instruction], taken_back: Iterable[Instruction], facts: ScheduleFacts, now: datetime
) -> tuple[int, ...]:
    """Return the hubs that move already and would not go on: left out of their group, or sent for a later start.

    Those of groups that stay, and can still move them, are in two groups: E110609.
    """
    sent = {(group.stage, group.group_id): group for group in instructions}
    gone = {(group.stage, group.group_id) for group in taken_back}
    again, elsewhere = set[int](), set[int]()
    for group in facts.standing:
        name = (group.stage, group.group_id)
        if name in sent:
            again.update(group.device_ids)
        elif name not in gone:
            elsewhere.update(group.device_ids)
    named = {hub for group in sent.values() for hub in group.device_ids}
    going_on = {hub for group in sent.values() if group.period.start <= now for hub in group.device_ids}
    moved = facts.begun & (named - (elsewhere - facts.lapsed))
    return tuple(sorted((facts.under_way & again | moved) - going_on))


def _classified(
    request: PreferredPilotSchedule, facts: ScheduleFacts, release: Release, now: datetime
) -> tuple[tuple[Instruction, ...], HubFindings]:
    """Return each group that has a good hub left as the instruction it would be, and what is wrong with the rest."""
    instructions: list[Instruction] = []
    findings: list[HubFindings] = []
    for group in request.groups:
        pilot = group.stage is Stage.PILOT
        good, found = classify(
            group.device_ids, facts.named, release, facts.supplier, pilot=pilot, protected=facts.protected
        )
        if not pilot:
            found = replace(found, in_pilot=tuple(hub for hub in good if hub in facts.in_pilot))
            good = [hub for hub in good if hub not in facts.in_pilot]
        findings.append(found)
        if good:
            instructions.append(_instruction(group, tuple(good), facts.supplier, release, now))
    return tuple(instructions), merged(findings)


def _instruction(
    group: DeploymentGroup, good: tuple[int, ...], supplier: int, release: Release, now: datetime
) -> Instruction:
    return Instruction(
        release_id=release.release_id,
        supplier=supplier,
        group_id=group.group_id,
        stage=group.stage,
        period=group.period,
        received_at=now,
        device_ids=good,
        constraints=group.constraints,
    )


def _hub_refusal(
    request: PreferredPilotSchedule, facts: ScheduleFacts, release: Release, instructions: tuple[Instruction, ...]
) -> tuple[str | None, HubFindings]:
    replaced = {(group.stage, group.group_id) for group in instructions}
    staying = [group for group in facts.standing if (group.stage, group.group_id) not in replaced]
    repeated = _repeated(request, staying, instructions, facts.lapsed)
    if repeated:
        return "E110609", HubFindings(repeated=repeated)
    pilot = [hub for group in instructions if group.stage is Stage.PILOT for hub in group.device_ids]
    unlisted = tuple(hub for hub in pilot if not _in_pilot(hub, facts))
    if unlisted:
        return "E110608", HubFindings(not_on_preferred_list=unlisted)
    if not instructions:
        return "E110602", NOTHING_FOUND
    # One that is over keeps hubs that are on the list no more; they are not in the pilot.
    pilot += [hub for one in staying if one.stage is Stage.PILOT for hub in one.device_ids if _in_pilot(hub, facts)]
    over = bool(instructions) and release.pilot is not None and _counted({*pilot}, facts) > release.pilot.limit
    sends_pilot = any(group.stage is Stage.PILOT for group in instructions)
    return ("E110604" if over and sends_pilot else None), NOTHING_FOUND


def _repeated(
    request: PreferredPilotSchedule,
    staying: Iterable[Instruction],
    instructions: Iterable[Instruction],
    lapsed: frozenset[int],
) -> tuple[int, ...]:
    """Return the hubs in two groups of the request, or in one of it and in another that stays and can still move them.

    A group that is sent twice in one request counts as two groups, for which of them stands is not said.
    """
    seen: set[int] = set()
    repeated: dict[int, None] = {}
    names: set[tuple[Stage, str]] = set()
    for group in request.groups:
        ids = set(group.device_ids)
        twice = ids if (group.stage, group.group_id) in names else ids & seen
        repeated.update((hub, None) for hub in group.device_ids if hub in twice)
        seen |= ids
        names.add((group.stage, group.group_id))
    elsewhere = {hub for group in staying for hub in group.device_ids} - lapsed
    repeated.update((hub, None) for group in instructions for hub in group.device_ids if hub in elsewhere)
    return tuple(repeated)


def _why_repeated(request: PreferredPilotSchedule) -> str | None:
    """Return in words which groups are sent twice, whose hubs may be in no other; None: the list of hubs says all."""
    names = Counter(f"{group.group_id}/{group.stage.value}" for group in request.groups)
    once = "is sent twice in this request: send it once, with all its hubs"
    return _of_all(f"the group {name} {once}" for name, times in names.items() if times > 1)


def _proves(hub: int, facts: ScheduleFacts) -> bool:
    named = facts.named.get(hub)
    return hub in facts.proving or (named is not None and named.mark == HubMark.PROVING)


def _in_pilot(hub: int, facts: ScheduleFacts) -> bool:
    return (facts.preferred is not None and hub in facts.preferred) or _proves(hub, facts)


def _counted(hubs: Iterable[int], facts: ScheduleFacts) -> int:
    return sum(not _proves(hub, facts) for hub in hubs)


def _why_not_offered(instructions: Iterable[Instruction], facts: ScheduleFacts, release: Release) -> str | None:
    """Return in words which Pilot groups have periods outside the pilot, or what a CSP offered; None where none has."""

    def reasons() -> Iterator[str]:
        for group in instructions:
            for region in sorted(_regions(group, facts)) if group.stage is Stage.PILOT else ():
                outside = [span for span in _spans((region,), facts, release) if not _inside(group.period, span)]
                if outside:
                    span = f"{show_time(outside[-1].start)} to {show_time(outside[-1].end)}"
                    of_pilot = release.pilot is not None and outside[-1] == release.pilot.period
                    what = "the pilot" if of_pilot else f"what the CSP of {region} offered"
                    yield f"the period of the group {group.group_id}/Pilot does not lie within {what}, {span}"

    return _of_all(reasons())


def _constraints_not_offered(instructions: Iterable[Instruction], facts: ScheduleFacts) -> Iterator[str]:
    """Yield in words which constraints groups name that the CSP of a region of theirs has not offered."""
    for group in instructions:
        for region in sorted(_regions(group, facts)):
            unknown = sorted(set(group.constraints) - _constraints(region, group.stage, facts))
            if unknown:
                named = f"{', '.join(unknown)}, which the group {group.group_id}/{group.stage.value} names"
                yield f"the CSP of {region} has not offered {named}"


def _regions(group: Instruction, facts: ScheduleFacts) -> set[str]:
    return {facts.named[hub].csp_region for hub in group.device_ids}


def _inside(period: Period, span: Period) -> bool:
    return span.start <= period.start and period.end <= span.end


def _spans(regions: Iterable[str], facts: ScheduleFacts, release: Release) -> list[Period]:
    """Return what is offered in each region: from its first default group to its last, else the whole pilot.

    Where the pilot was moved since, only what still lies in it is on offer.
    """
    spans: list[Period] = []
    for region in regions:
        periods = [
            group.period
            for schedule in facts.offered
            if schedule.csp_region == region and schedule.stage is Stage.PILOT
            for group in schedule.groups
        ]
        if periods:
            spans.append(Period(min(p.start for p in periods), max(p.end for p in periods)))
        if release.pilot is not None:
            spans.append(release.pilot.period)
    return spans


def _constraints(region: str, stage: Stage, facts: ScheduleFacts) -> set[str]:
    """Return the codes offered in a region; to safe-launch groups those of both schedules are open."""
    return {
        constraint.code
        for schedule in facts.offered
        if schedule.csp_region == region and (schedule.stage is Stage.PILOT or stage is Stage.SAFE_LAUNCH)
        for constraint in schedule.constraints
    }
