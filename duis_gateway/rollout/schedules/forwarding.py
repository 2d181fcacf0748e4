"""Schedules on their way to the CSPs and to DCC: each CSP gets what lies in its regions (PIA-D1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup
from duis_gateway.flow.reply import PartnerSend
from duis_gateway.flow.tx import Tx
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.partners.bodies import SupplierPilotSchedule
from duis_gateway.partners.portions import in_parts
from duis_gateway.rollout.audience import within_regions
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.releases.records import Instruction, Release, Stage


def forward_schedule(
    release: Release, supplier: int, changed: Sequence[Instruction], standing: Sequence[Instruction], tx: Tx
) -> list[PartnerSend]:
    """Return the messages that tell a supplier's schedule, whole, to the CSPs concerned and to DCC.

    `changed` take the place of those of `standing` that have the same stage and name. A CSP is concerned if one of
    the groups changed has a hub in its regions, or had; it gets every group with a hub there, cut down to these, and
    a group that has lost all its hubs there once more, empty. Where that is more than a message holds, it comes in
    parts.
    """
    before = {_name(group): group for group in standing}
    after = {**before, **{_name(group): group for group in changed}}
    regions = hubs.regions(tx.conn, {d for group in (*standing, *changed) for d in group.device_ids})
    sends: list[PartnerSend] = []
    for party in tx.registered(PartyKind.CSP):
        own = {name: _within(group, regions, party) for name, group in after.items()}
        had = {name for name, group in before.items() if _within(group, regions, party)}
        if any(own[_name(group)] or _name(group) in had for group in changed):
            groups = [_as_group(after[name], ids) for name, ids in own.items() if ids or name in had]
            sends += _messages(party, csp.PreferredPilotSchedule, release, supplier, groups)
    everything = [_as_group(group, group.device_ids) for group in after.values()]
    for party in tx.registered(PartyKind.DCC):
        sends += _messages(party, esi.PreferredPilotScheduleReport, release, supplier, everything)
    return sends


def _messages(
    party: Party,
    kind: type[SupplierPilotSchedule],
    release: Release,
    supplier: int,
    groups: Sequence[DeploymentGroup],
) -> Iterator[PartnerSend]:
    """Yield the schedule, in parts where it has more hubs than a message may: they count together."""
    for portion, part in in_parts(groups):
        body = kind(release.release_id, release.firmware_version, supplier, tuple(portion), part)
        yield PartnerSend(party, body, release.release_id)


def _name(group: Instruction) -> tuple[Stage, str]:
    return group.stage, group.group_id


def _within(group: Instruction, regions: Mapping[int, str], party: Party) -> tuple[int, ...]:
    return within_regions(((d, regions.get(d)) for d in group.device_ids), party.regions)


def _as_group(instruction: Instruction, device_ids: tuple[int, ...]) -> DeploymentGroup:
    return DeploymentGroup(
        instruction.group_id, instruction.stage, device_ids, instruction.period, instruction.constraints
    )
