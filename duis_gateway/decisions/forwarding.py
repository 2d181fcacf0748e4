"""Schedules on their way to the CSPs and to DCC: each CSP gets what lies in its regions (PIA-D1)."""

from __future__ import annotations

from collections.abc import Sequence

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.decision import PartnerSend
from duis_gateway.decisions.context import Context
from duis_gateway.model.parties import PartyKind
from duis_gateway.model.releases import Instruction, Release
from duis_gateway.model.requests import DeploymentGroup
from duis_gateway.store import hubs


def forward_schedule(
    release: Release, groups: Sequence[Instruction], context: Context, before: Sequence[Instruction] = ()
) -> list[PartnerSend]:
    """Return the messages that tell a supplier's groups to the CSPs concerned and to DCC.

    Each CSP gets the groups with a hub in its regions, cut down to these hubs; `before` are the groups
    that these replace: a CSP that loses all hubs of a group gets it once more, empty.
    """
    regions = hubs.regions(context.conn, {d for group in (*groups, *before) for d in group.device_ids})
    replaced = {(group.stage, group.group_id): group for group in before}
    sends: list[PartnerSend] = []
    for party in context.registered(PartyKind.CSP):
        own: list[DeploymentGroup] = []
        for group in groups:
            cut = tuple(d for d in group.device_ids if regions.get(d) in party.regions)
            old = replaced.get((group.stage, group.group_id), group)
            if cut or any(regions.get(d) in party.regions for d in old.device_ids) or not group.device_ids:
                own.append(_as_group(group, cut))
        if own:
            body = csp.PreferredPilotSchedule(
                release.release_id, release.firmware_version, context.party.eui, tuple(own)
            )
            sends.append(PartnerSend(party, body, release.release_id))
    report = esi.PreferredPilotScheduleReport(
        release.release_id,
        release.firmware_version,
        context.party.eui,
        tuple(_as_group(group, group.device_ids) for group in groups),
    )
    sends += [PartnerSend(party, report, release.release_id) for party in context.registered(PartyKind.DCC)]
    return sends


def _as_group(instruction: Instruction, device_ids: tuple[int, ...]) -> DeploymentGroup:
    return DeploymentGroup(
        instruction.group_id, instruction.stage, device_ids, instruction.period, instruction.constraints
    )
