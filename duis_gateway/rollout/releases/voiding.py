"""What a revision of a release makes void (BR-6.5): each supplier is told of it once, by N77, with its plan.

Standing groups, and what DCC chose on suppliers' behalf or in batches, have periods that fitted the release as it was.
Those that no longer fit stand no more for the hubs that are not active yet: the period that the CSP fixed counts, where
it fixed one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from duis_gateway.flow.tx import Tx
from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.eligibility import runs
from duis_gateway.rollout.hub_events.records import Ending
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.periods import ends_before, is_over, safe_launch_opens
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans.counting import never_counts
from duis_gateway.rollout.plans.records import Lost, VoidReason
from duis_gateway.rollout.plans.rules import plan_hub
from duis_gateway.rollout.plans.void import told_to
from duis_gateway.rollout.releases.records import HubMark, Instruction, Period, Release, Stage
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.rollout.schedules.forwarding import forward_schedule
from duis_gateway.rollout.second_suppliers.handle import alerts_on_halves, halves

HUBS_AT_ONCE = 5_000

Group = tuple[Stage, str]
"""A supplier's group by its stage and name; what DCC chose has none, and is of the pilot."""


def why_void(stage: Stage, period: Period, mark: HubMark | None, release: Release, now: datetime) -> VoidReason | None:
    """Return why an instruction for this period cannot stand under the release as it is now, None if it can.

    What is over already is left as it is: there is nothing to be carried out.
    """
    pilot, opens = release.pilot, safe_launch_opens(release, now)
    if is_over(period, now):
        return None
    if not ends_before(period, release.automatic_date):
        return VoidReason.TOO_LATE
    if stage is Stage.PILOT:
        if mark is HubMark.EXCLUDED:
            return VoidReason.EXCLUDED
        if pilot is None or period.start < pilot.period.start or period.end > pilot.period.end:
            return VoidReason.OUTSIDE_PILOT
    elif opens is not None and period.start < opens:
        return VoidReason.BEFORE_SAFE_LAUNCH
    return None


@dataclass
class Voided:
    """Why hubs of one supplier's instructions are void: by group, of what DCC chose, and what it is told of its own."""

    by_group: defaultdict[Group, dict[int, VoidReason]] = field(default_factory=lambda: defaultdict(dict))
    chosen: dict[int, VoidReason] = field(default_factory=dict)
    own: dict[int, VoidReason] = field(default_factory=dict)

    @property
    def of_choice(self) -> frozenset[int]:
        """The hubs of which no group of the supplier's own ended, but what DCC chose alone."""
        return frozenset(self.own).difference(*self.by_group.values())


def drop_what_is_void(release: Release, tx: Tx) -> Lost:
    """Drop what stands no more under a release that was just revised, and return it; the plan tells of it.

    The CSPs and DCC get what is left of the schedules; second suppliers are told of halves that are gone (N73).
    """
    reasons, voided = _voided(release, tx)
    instructing = halves(release, reasons, tx)
    for supplier, void in sorted(voided.items()):
        # First: of what ended of one supplier, its own counts as its last.
        for why, gone in _by_reason(void.chosen):
            direct.remove_selected(tx.conn, release.release_id, supplier, gone, Ending(tx.now, why))
        standing = schedules.instructions(tx.conn, release.release_id, supplier)
        changed = [
            _without(group, frozenset(lost))
            for group in standing
            if (lost := void.by_group.get((group.stage, group.group_id)))
        ]
        if changed:
            tx.send(forward_schedule(release, supplier, changed, standing, tx))
        for (stage, _), hubs_of_group in void.by_group.items():
            for why, gone in _by_reason(hubs_of_group):
                schedules.remove_hubs(tx.conn, release.release_id, supplier, stage, gone, Ending(tx.now, why))
    tx.send(alerts_on_halves(release, instructing, tx))
    _end_batches(release, tx)
    return _as_shown(voided, reasons, release, tx)


def _end_batches(release: Release, tx: Tx) -> None:
    """End DCC's batches that are too late now, but for hubs that are active."""
    for group_id, period in direct.periods_of_batches(tx.conn, release.release_id).items():
        if is_over(period, tx.now) or ends_before(period, release.automatic_date):
            continue
        for chunk in _in_chunks(sorted(direct.batch_hubs(tx.conn, release.release_id, group_id))):
            gone = [device_id for device_id, hub in hubs.get_many(tx.conn, chunk).items() if not runs(hub, release)]
            ending = Ending(tx.now, VoidReason.TOO_LATE)
            direct.remove_batched(tx.conn, release.release_id, group_id, gone, ending)


_REVISED = (VoidReason.TOO_LATE, VoidReason.OUTSIDE_PILOT, VoidReason.BEFORE_SAFE_LAUNCH, VoidReason.EXCLUDED)


def _as_shown(voided: Mapping[int, Voided], ids: Iterable[int], release: Release, tx: Tx) -> Lost:
    """Return how hubs that lost instructions stand now, as it is shown: another instruction may carry on.

    The CSPs and DCC hear of those that are void by the revision: of the others they have nothing new to hear.
    """
    reasons: dict[int, VoidReason] = {}
    told: defaultdict[int, dict[int, VoidReason]] = defaultdict(dict)
    shared = plans.of_release(tx.conn, release, tx.now)
    for facts, members in plans.kinds(tx.conn, shared, ids, ended=True):
        why = told_to(facts, None)
        if why in _REVISED:
            reasons.update(dict.fromkeys(members, why))
        for supplier in facts.hub.suppliers & voided.keys():
            its = [device_id for device_id in members if device_id in voided[supplier].own]
            if isinstance(plan_hub(facts).told, VoidReason):
                told[supplier].update(dict.fromkeys(its, told_to(facts, supplier)))
            else:  # its group has ended all the same
                told[supplier].update((device_id, voided[supplier].own[device_id]) for device_id in its)
    return Lost(reasons, told, {supplier: void.of_choice for supplier, void in voided.items()})


def _by_reason(void: Mapping[int, VoidReason]) -> Iterator[tuple[VoidReason, list[int]]]:
    for why in sorted(set(void.values())):
        yield why, [device_id for device_id, one in void.items() if one is why]


def _voided(release: Release, tx: Tx) -> tuple[dict[int, VoidReason], dict[int, Voided]]:
    """Return why hubs lose instructions, and whose they are; of a hub that loses several, the newest one's reason.

    What counted for nothing already was told as void then: it goes without a word, and keeps why.
    """
    reasons: dict[int, VoidReason] = {}
    found: defaultdict[int, Voided] = defaultdict(Voided)
    shared = plans.of_release(tx.conn, release, tx.now)
    for chunk in _in_chunks(_named_by_groups(release, tx)):
        known = hubs.get_many(tx.conn, chunk)
        for facts in plans.of_hubs(tx.conn, shared, list(known.values())):
            given = () if runs(facts.hub, release) else sorted(facts.instructions, key=lambda one: one.received_at)
            for one in given:
                why = why_void(one.stage, one.counting_period, facts.mark, release, tx.now)
                if why is None:
                    continue
                before, device_id, void = never_counts(facts, one), facts.hub.device_id, found[one.supplier]
                ended = void.chosen if one.by_dcc else void.by_group[one.stage, one.group_id]
                ended[device_id] = before or why
                if before is None:
                    void.own[device_id] = reasons[device_id] = why
    return reasons, dict(found)


def instructed_hubs(release: Release, tx: Tx) -> list[int]:
    """Return the hubs of which a revision can make something void, in order."""
    return sorted(direct.batched_hubs(tx.conn, release.release_id).union(_named_by_groups(release, tx)))


def _named_by_groups(release: Release, tx: Tx) -> list[int]:
    named = schedules.instructed_hubs(tx.conn, release.release_id)
    return sorted(named | direct.selected_hubs(tx.conn, release.release_id))


def _in_chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + HUBS_AT_ONCE] for start in range(0, len(ids), HUBS_AT_ONCE))


def _without(group: Instruction, gone: frozenset[int]) -> Instruction:
    return replace(group, device_ids=tuple(hub for hub in group.device_ids if hub not in gone))
