"""Schedules on their way to the CSPs and to DCC: each CSP gets what lies in its regions (PIA-D1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup
from duis_gateway.flow.reply import PartnerSend
from duis_gateway.flow.tx import Moment, Tx
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.partners.bodies import SupplierPilotSchedule
from duis_gateway.partners.portions import in_parts
from duis_gateway.rollout.audience import within_regions
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.releases.records import Instruction, Release, Stage


def forward_schedule(
    release: Release, supplier: int, changed: Sequence[Instruction], standing: Sequence[Instruction], tx: Tx
) -> list[PartnerSend]:
    """Return the messages that tell groups of a supplier, as they stand now, to the CSPs concerned and to DCC.

    Hubs that are the supplier's no longer are not told, though it had instructed them.

    `changed` take the place of those of `standing` that have the same stage and name; the others are known and not
    told again, so that a message does not grow with what stands. A CSP gets the groups that have a hub in its
    regions, or had, cut down to these; one that has lost all its hubs there comes once more, empty. Where that is more
    than a message holds, it comes in parts.
    """
    names = {_name(group) for group in changed}
    before = [group for group in standing if _name(group) in names]
    were = hubs.regions(tx.conn, {d for group in before for d in group.device_ids})
    regions = _own_regions(changed, supplier, tx)
    sends: list[PartnerSend] = []
    for party in tx.registered(PartyKind.CSP):
        had = {_name(group) for group in before if _within(group, were, party)}
        own = [(group, _within(group, regions, party)) for group in changed]
        groups = [_as_group(group, ids) for group, ids in own if ids or _name(group) in had]
        if groups:
            sends += _messages(party, csp.PreferredPilotSchedule, release, supplier, groups)
    everything = [_as_group(group, tuple(d for d in group.device_ids if d in regions)) for group in changed]
    for party in tx.registered(PartyKind.DCC):
        sends += _messages(party, esi.PreferredPilotScheduleReport, release, supplier, everything)
    return sends


def forward_anew(
    party: Party, release: Release, supplier: int, groups: Sequence[Instruction], moment: Moment
) -> Iterator[PartnerSend]:
    """Yield the messages that tell a CSP groups of a supplier as they stand now, with what lies in its regions."""
    regions = _own_regions(groups, supplier, moment)
    own = [_as_group(group, _within(group, regions, party)) for group in groups]
    return _messages(party, csp.PreferredPilotSchedule, release, supplier, own)


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


def _own_regions(groups: Iterable[Instruction], supplier: int, moment: Moment) -> Mapping[int, str]:
    """Return the region of each hub of the groups that is the supplier's now."""
    return hubs.regions(moment.conn, {d for group in groups for d in group.device_ids}, supplier)


def _name(group: Instruction) -> tuple[Stage, str]:
    return group.stage, group.group_id


def _within(group: Instruction, regions: Mapping[int, str], party: Party) -> tuple[int, ...]:
    return within_regions(((d, regions.get(d)) for d in group.device_ids), party.regions)


def _as_group(instruction: Instruction, device_ids: tuple[int, ...]) -> DeploymentGroup:
    return DeploymentGroup(
        instruction.group_id, instruction.stage, device_ids, instruction.period, instruction.constraints
    )
