"""What a revision of a release makes void, and how it is told (BR-6.5): one digest to each supplier and each CSP.

Standing groups, and what DCC chose on suppliers' behalf, have periods that fitted the release as it was. Those that no
longer fit stand no more for the hubs that are not active yet: the period that the CSP fixed counts, where it fixed one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import csp_mgmt_gw.messages as csp
from duis_gateway.duis.alerts.firmware_rollout_decision import FirmwareRolloutDecision
from duis_gateway.flow.reply import Alert, PartnerSend, Send
from duis_gateway.flow.tx import Tx
from duis_gateway.parties.records import PartyKind
from duis_gateway.rollout.audience import registered
from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.eligibility import responsible, runs
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.periods import ends_before, instruction_in_time, one_month_before, safe_launch_opens
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans.records import HubInstruction
from duis_gateway.rollout.releases.records import HubMark, Instruction, Period, Release, Stage
from duis_gateway.rollout.rollout_decisions.records import Consequence, Standing
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.rollout.schedules.forwarding import forward_schedule

HUBS_AT_ONCE = 5_000

Group = tuple[Stage, str]
"""A supplier's group by its stage and name; what DCC chose has none, and is of the pilot."""


def why_void(stage: Stage, period: Period, mark: HubMark | None, release: Release, now: datetime) -> str | None:
    """Return why an instruction for this period cannot stand under the release as it is now, None if it can.

    What is over already is left as it is: there is nothing to be carried out.
    """
    pilot, opens = release.pilot, safe_launch_opens(release, now)
    if period.end <= now:
        return None
    if not ends_before(period, release.automatic_date):
        return f"the period does not end before the automatic date, {_moment(release.automatic_date)}"
    if stage is Stage.PILOT:
        if pilot is None:
            return "the release has no pilot any more"
        if mark is HubMark.EXCLUDED:
            return "the release excludes the hubs from its pilot"
        if period.start < pilot.period.start or period.end > pilot.period.end:
            return f"the period is not within the pilot, {_moment(pilot.period.start)} to {_moment(pilot.period.end)}"
    elif opens is not None and period.start < opens:
        return f"the period starts before the end of the pilot, {_moment(opens)}"
    return None


@dataclass
class Voided:
    """What one supplier's instructions lose: hubs by group, and how many for which reason."""

    by_group: defaultdict[Group, list[int]] = field(default_factory=lambda: defaultdict(list))
    chosen: list[int] = field(default_factory=list)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    own: list[int] = field(default_factory=list)

    def add(self, hub: Hub, one: HubInstruction, why: str) -> None:
        """Note that an instruction no longer stands for a hub."""
        if one.by_dcc:
            self.chosen.append(hub.device_id)
        else:
            self.by_group[one.stage, one.group_id].append(hub.device_id)
        if responsible(hub, one.supplier):
            self.own.append(hub.device_id)
            self.reasons["what DCC chose on your behalf" if one.by_dcc else f"group {one.group_id}", why] += 1

    @property
    def ids(self) -> list[int]:
        """Every hub that is not instructed any more."""
        return [*self.chosen, *(hub for ids in self.by_group.values() for hub in ids)]


def drop_what_is_void(release: Release, tx: Tx) -> list[int]:
    """Drop what stands no more under a release that was just revised, tell it, and return the hubs.

    Suppliers get N72 with their own hubs, the CSPs `RolloutDecision` and what is left of the schedules.
    """
    voided = _voided(release, tx)
    tx.send(_to_suppliers(release, voided, tx))
    tx.send(_to_csps(release, voided, tx))
    for supplier, void in sorted(voided.items()):
        standing = schedules.instructions(tx.conn, release.release_id, supplier)
        changed = [_without(group, frozenset(void.by_group[group.stage, group.group_id])) for group in standing]
        if void.by_group:
            tx.send(forward_schedule(release, supplier, changed, standing, tx))
        for (stage, _), ids in void.by_group.items():
            schedules.remove_hubs(tx.conn, release.release_id, supplier, stage, ids)
        if void.chosen:
            direct.remove_selected(tx.conn, release.release_id, supplier, void.chosen)
    return [hub for void in voided.values() for hub in void.ids]


def _voided(release: Release, tx: Tx) -> dict[int, Voided]:
    found: defaultdict[int, Voided] = defaultdict(Voided)
    shared = plans.of_release(tx.conn, release, tx.now)
    for chunk in _in_chunks(_instructed(release, tx)):
        known = hubs.get_many(tx.conn, chunk)
        for facts in plans.of_hubs(tx.conn, shared, list(known.values())):
            for one in () if runs(facts.hub, release) else facts.instructions:
                why = why_void(one.stage, one.counting_period, facts.mark, release, tx.now)
                if why is not None:
                    found[one.supplier].add(facts.hub, one, why)
    return dict(found)


def _instructed(release: Release, tx: Tx) -> list[int]:
    named = schedules.instructed_hubs(tx.conn, release.release_id)
    return sorted(named | direct.selected_hubs(tx.conn, release.release_id))


def _in_chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + HUBS_AT_ONCE] for start in range(0, len(ids), HUBS_AT_ONCE))


def _without(group: Instruction, gone: frozenset[int]) -> Instruction:
    return replace(group, device_ids=tuple(hub for hub in group.device_ids if hub not in gone))


# --- how it is told -----------------------------------------------------------------------------------------------


def _to_suppliers(release: Release, voided: dict[int, Voided], tx: Tx) -> Iterator[Send]:
    told = {supplier: void for supplier, void in voided.items() if void.own}
    for supplier, party in registered(told, release.release_id, tx).items():
        void = told[supplier]
        effect = f"Void: {_listed(f'{what}, {_hubs(n)}: {why}' for (what, why), n in void.reasons.items())}."
        body = FirmwareRolloutDecision(
            release.release_id,
            Consequence.REVISED,
            Standing.CONFIRMED,
            tx.party.name,
            f"DCC has revised the release (revision {release.revision}).",
            effect_on_pending=f"{effect} {_what_now(release, tx.now)}",
            device_ids=tuple(void.own),
        )
        yield Alert(party, body, release.release_id)


def _to_csps(release: Release, voided: dict[int, Voided], tx: Tx) -> Iterator[Send]:
    everything = {hub for void in voided.values() for hub in void.ids}
    regions = hubs.regions(tx.conn, everything)
    reasons = sorted({why for void in voided.values() for _, why in void.reasons})
    for party in tx.registered(PartyKind.CSP):
        here = sum(region in party.regions for region in regions.values())
        if here:
            effect = f"Instructions for {_hubs(here)} in your regions are void: {_listed(reasons)}."
            body = csp.RolloutDecision(
                release.release_id,
                Consequence.REVISED,
                f"DCC has revised the release (revision {release.revision}).",
                Standing.CONFIRMED,
                tx.party.name,
                effect_on_pending=effect,
            )
            yield PartnerSend(party, body, release.release_id)


def _what_now(release: Release, now: datetime) -> str:
    automatic = f"updated at the automatic date, {_moment(release.automatic_date)}"
    if not instruction_in_time(now, release.automatic_date):
        return f"These hubs are {automatic}."
    last = _moment(one_month_before(release.automatic_date))
    return f"Instruct these hubs anew by {last}; otherwise they are {automatic}."


def _listed(parts: Iterable[str]) -> str:
    return "; ".join(parts)


def _hubs(number: int) -> str:
    return "1 hub" if number == 1 else f"{number:,} hubs"


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%MZ")
