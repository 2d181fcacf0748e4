"""What the plans for hubs follow from, read for thousands of hubs at once (`rollout.plans.rules` makes the plans)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Row, and_, select

from duis_gateway.parties import store as parties
from duis_gateway.parties.records import PartyKind
from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans.records import GroupSay, HubInstruction, PlanFacts
from duis_gateway.rollout.releases.records import HubMark, Period, Release, Stage
from duis_gateway.rollout.rollout_decisions.records import DirectGroup
from duis_gateway.rollout.schedule_decisions import store as says
from duis_gateway.store.bulk import id_list
from duis_gateway.store.rollout_tables import piece_hub
from duis_gateway.store.tables import (
    default_group,
    default_group_hub,
    default_schedule,
    instruction,
    instruction_hub,
    release_hub,
)


@dataclass(frozen=True, slots=True)
class _Naming:
    """A group that names a hub, by number; and the piece of it that a CSP said something of while the hub was there."""

    number: int
    piece: int | None
    csp_region: str | None


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """What all hubs of a release have in common: the groups, and who can instruct at all.

    Attributes:
        release: the release.
        groups: the suppliers' standing groups by number, without their hubs and what was said of them.
        says: what the CSPs said of them as a whole, by number and region.
        scheduled: the periods of the CSPs' groups that name hubs, by number; those of safe launch come last.
        open_periods: by region the period of the CSP's safe-launch groups that name no hubs, from first to last.
        able: the suppliers that have the Service Requests to instruct with.
    """

    release: Release
    groups: Mapping[int, HubInstruction]
    says: Mapping[tuple[int, str], GroupSay]
    scheduled: Mapping[int, Period]
    open_periods: Mapping[str, Period]
    able: frozenset[int]


def of_release(connection: Connection, release: Release) -> ReleaseFacts:
    """Read what the plans for all hubs of a release share; a group has no hubs here, so that this stays small."""
    suppliers = parties.all_parties(connection, PartyKind.SUPPLIER)
    scheduled, open_periods = _scheduled(connection, release.release_id)
    return ReleaseFacts(
        release,
        _groups(connection, release.release_id),
        says.says(connection, release.release_id),
        scheduled,
        open_periods,
        frozenset(party.eui for party in suppliers if party.can_instruct),
    )


def of_hubs(
    connection: Connection, shared: ReleaseFacts, hubs: Sequence[Hub], viewer: int | None = None
) -> list[PlanFacts]:
    """Return what the plan for each of the hubs follows from, in their order.

    Args:
        connection: where to look.
        shared: what `of_release` returned in the same transaction.
        hubs: some thousand at most.
        viewer: the supplier for whose eyes the plans are, None for the operator's.
    """
    ids = [hub.device_id for hub in hubs]
    release_id = shared.release.release_id
    marks = _marks(connection, release_id, ids)
    naming = _naming(connection, release_id, ids)
    pieces = says.pieces(connection, {one.piece for found in naming.values() for one in found if one.piece is not None})
    selections = direct.selections_naming(connection, release_id, ids)
    batches = direct.batch_periods(connection, release_id, ids)
    scheduled = _scheduled_for(connection, shared, ids)
    return [
        PlanFacts(
            hub=hub,
            release=shared.release,
            mark=marks.get(hub.device_id),
            instructions=(
                *_instructions(hub, shared, naming.get(hub.device_id, ()), pieces),
                *_chosen(selections.get(hub.device_id, ())),
            ),
            batch=batches.get(hub.device_id),
            undated_batch=hub.device_id in batches and batches[hub.device_id] is None,
            scheduled=scheduled.get(hub.device_id) or shared.open_periods.get(hub.csp_region),
            unable=hub.suppliers - shared.able,
            viewer=viewer,
        )
        for hub in hubs
    ]


def _instructions(
    hub: Hub, shared: ReleaseFacts, naming: Iterable[_Naming], pieces: Mapping[int, GroupSay]
) -> Iterator[HubInstruction]:
    """Yield the groups that name the hub, each with the say that applies to it: its own before that on its region."""
    for one in naming:
        of_hub = pieces.get(one.piece) if one.piece is not None and one.csp_region == hub.csp_region else None
        yield _with_say(shared.groups[one.number], of_hub or shared.says.get((one.number, hub.csp_region)))


def _chosen(selections: Iterable[DirectGroup]) -> Iterator[HubInstruction]:
    for group in selections:
        if group.supplier is not None and group.period is not None:
            yield HubInstruction(group.supplier, "", Stage.PILOT, group.period, group.received_at, by_dcc=True)


def _with_say(group: HubInstruction, say: GroupSay | None) -> HubInstruction:
    if say is None:
        return group
    return HubInstruction(group.supplier, group.group_id, group.stage, group.period, group.received_at, say)


def _groups(connection: Connection, release_id: str) -> dict[int, HubInstruction]:
    query = select(instruction).where(instruction.c.release_id == release_id)
    return {row.id: _group(row) for row in connection.execute(query)}


def _group(row: Row[*tuple[object, ...]]) -> HubInstruction:
    return HubInstruction(row.supplier, row.group_id, Stage(row.stage), Period(row.starts, row.ends), row.received_at)


def _naming(connection: Connection, release_id: str, ids: Iterable[int]) -> dict[int, list[_Naming]]:
    wanted = id_list(connection, ids)
    of_hub = and_(
        piece_hub.c.instruction_id == instruction_hub.c.instruction_id,
        piece_hub.c.device_id == instruction_hub.c.device_id,
    )
    query = (
        select(
            instruction_hub.c.device_id, instruction_hub.c.instruction_id, piece_hub.c.piece_id, piece_hub.c.csp_region
        )
        .select_from(wanted)
        .join(instruction_hub, instruction_hub.c.device_id == wanted.c.value)
        .join(instruction, instruction.c.id == instruction_hub.c.instruction_id)
        .outerjoin(piece_hub, of_hub)
        .where(instruction.c.release_id == release_id)
        .order_by(instruction_hub.c.instruction_id)
    )
    found: defaultdict[int, list[_Naming]] = defaultdict(list)
    for device_id, *rest in connection.execute(query):
        found[device_id].append(_Naming(*rest))
    return found


def _marks(connection: Connection, release_id: str, ids: Iterable[int]) -> dict[int, HubMark]:
    wanted = id_list(connection, ids)
    query = (
        select(release_hub.c.device_id, release_hub.c.mark)
        .join_from(wanted, release_hub, release_hub.c.device_id == wanted.c.value)
        .where(release_hub.c.release_id == release_id)
    )
    return {device_id: HubMark(mark) for device_id, mark in connection.execute(query)}


def _scheduled(connection: Connection, release_id: str) -> tuple[dict[int, Period], dict[str, Period]]:
    """Return the periods of the groups that name hubs, by number, and of those that name none, by region."""
    names_hubs = select(default_group_hub.c.device_id).where(default_group_hub.c.group_number == default_group.c.id)
    query = (
        select(
            default_group.c.id,
            default_schedule.c.stage,
            default_schedule.c.csp_region,
            default_group.c.starts,
            default_group.c.ends,
            names_hubs.exists().label("named"),
        )
        .join_from(default_schedule, default_group, default_group.c.schedule_id == default_schedule.c.id)
        .where(default_schedule.c.release_id == release_id)
    )
    named: dict[int, tuple[bool, Period]] = {}
    unnamed: dict[str, Period] = {}
    for row in connection.execute(query):
        launch = Stage(row.stage) is Stage.SAFE_LAUNCH
        period = Period(row.starts, row.ends)
        if row.named:
            named[row.id] = (launch, period)
        elif launch:
            before = unnamed.get(row.csp_region, period)
            unnamed[row.csp_region] = Period(min(before.start, period.start), max(before.end, period.end))
    return {number: period for number, (_, period) in sorted(named.items(), key=lambda item: item[1][0])}, unnamed


def _scheduled_for(connection: Connection, shared: ReleaseFacts, ids: Iterable[int]) -> dict[int, Period]:
    """Return the period for which the CSPs' groups have each hub that they name: safe launch before the pilot."""
    if not shared.scheduled:
        return {}
    wanted = id_list(connection, ids)
    query = select(default_group_hub.c.device_id, default_group_hub.c.group_number).join_from(
        wanted, default_group_hub, default_group_hub.c.device_id == wanted.c.value
    )
    order = {number: position for position, number in enumerate(shared.scheduled)}
    found: dict[int, int] = {}
    for device_id, number in connection.execute(query):
        if number in order and order[number] >= order.get(found.get(device_id, number), -1):
            found[device_id] = number
    return {device_id: shared.scheduled[number] for device_id, number in found.items()}
