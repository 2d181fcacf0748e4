"""What the plans for hubs follow from, read for thousands of hubs at once (`rollout.plans.rules` makes the plans)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, Text, and_, bindparam, exists, select

from duis_gateway.rollout.audience import who_can_instruct
from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.hub_events import store as events
from duis_gateway.rollout.hub_events.records import Ended
from duis_gateway.rollout.hubs.device_models import model_names
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.pilot_lists.membership import in_pilot
from duis_gateway.rollout.plans.records import GroupSay, HubInstruction, PlanFacts, VoidReason
from duis_gateway.rollout.protection import store as protection
from duis_gateway.rollout.releases.records import HubMark, Period, Release, ReleaseState, Stage
from duis_gateway.rollout.rollout_decisions.records import DirectGroup
from duis_gateway.rollout.schedule_decisions import store as says
from duis_gateway.store.bulk import GIVEN, given, given_ids, id_list, of_head, stored_columns
from duis_gateway.store.rollout_tables import piece_hub
from duis_gateway.store.tables import (
    default_group,
    default_group_hub,
    default_schedule,
    hub,
    instruction,
    instruction_hub,
    release_hub,
)
from duis_gateway.store.types import few_unsigned, unsigned, utc_time


class _Naming(NamedTuple):
    """A group that names a hub, by number; and the piece of it that a CSP said something of while the hub was there.

    `since`: from when the hub stands in it, as the database has it, where that is not since the group came.
    """

    number: int
    piece: int | None
    csp_region: str | None
    since: int | None


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """What all hubs of a release have in common: the groups, and who can instruct at all.

    Attributes:
        release: the release.
        now: the time of the plans.
        groups: the suppliers' standing groups by number, without their hubs and what was said of them.
        says: what the CSPs said of them as a whole, by number and region.
        scheduled: the periods of the CSPs' groups that name hubs, by number; those of safe launch come last.
        open_periods: by region the period of the CSP's safe-launch groups that name no hubs, from first to last.
        able: the suppliers that have the Service Requests to instruct with.
        registered: all suppliers that are registered.
        endings: whose instructions under the release ended, and how, by the number of the event.
        losses: who was told that hubs changed supplier, and when, by the number of the event.
    """

    release: Release
    now: datetime
    groups: Mapping[int, HubInstruction]
    says: Mapping[tuple[int, str], GroupSay]
    scheduled: Mapping[int, Period]
    open_periods: Mapping[str, Period]
    able: frozenset[int]
    registered: frozenset[int]
    endings: Mapping[int, tuple[int, Ended]]
    losses: Mapping[int, tuple[int, datetime]]


def of_release(connection: Connection, release: Release, now: datetime) -> ReleaseFacts:
    """Read what the plans for all hubs of a release share; a group has no hubs here, so that this stays small."""
    suppliers = who_can_instruct(connection)
    scheduled, open_periods = _scheduled(connection, release.release_id)
    return ReleaseFacts(
        release,
        now,
        _groups(connection, release.release_id),
        says.says(connection, release.release_id),
        scheduled,
        open_periods,
        frozenset(one for one, can in suppliers.items() if can),
        frozenset(suppliers),
        events.endings(connection, release.release_id),
        events.told_void(connection, release.release_id, VoidReason.CHANGED_SUPPLIER),
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
    marks = _marks(connection, shared.release.release_id, ids)
    said = _said(connection, shared, ids)
    scheduled = _scheduled_for(connection, shared, ids)
    endings = events.endings_of(connection, shared.endings, ids)
    losses = events.told_void_of(connection, shared.losses, ids)
    return [
        _facts(
            shared,
            hub,
            marks.get(hub.device_id),
            said.of(hub.device_id),
            said.pieces,
            scheduled.get(hub.device_id) or shared.open_periods.get(hub.csp_region),
            viewer,
            withheld=said.withheld.get(hub.device_id, _NOBODY),
            endings=endings.get(hub.device_id, {}),
            losses=losses.get(hub.device_id, {}),
        )
        for hub in hubs
    ]


def kinds(
    connection: Connection, shared: ReleaseFacts, ids: Iterable[int], *, ended: bool = False
) -> list[tuple[PlanFacts, list[int]]]:
    """Return what the plans for these hubs follow from: once for all hubs of which the same is known and said.

    A list of 50,000 hubs has a few kinds, and is planned as fast as its hubs are read. Hubs that the inventory does
    not know are left out; the `hub` of the facts stands for all of its kind, and has no identifier. How instructions
    ended is known of them where it is asked for (`ended`).
    """
    listed = tuple(ids)
    said = _said(connection, shared, listed)
    bound = {"release": shared.release.release_id, GIVEN: given(connection, listed)}
    device, *columns = stored_columns(connection, _select_hubs(connection.dialect.name), bound)
    known = unsigned(device)
    endings = events.endings_of(connection, shared.endings, known) if ended else {}
    losses = events.told_void_of(connection, shared.losses, known) if ended else {}
    endings_of = (frozenset(endings.get(device_id, _NONE).items()) for device_id in known)
    losses_of = (frozenset(losses.get(device_id, _NONE).items()) for device_id in known)
    alike: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
    withheld_of = map(said.withheld.get, known)
    every = zip(*columns, map(said.of, known), withheld_of, endings_of, losses_of, strict=True)
    for device_id, kind in zip(known, every, strict=True):
        alike[kind].append(device_id)
    names = model_names(connection)
    found = []
    for kind, members in alike.items():
        device_type, model, version, status, region, importer, gas, mark, told, held, ends, left = kind
        import_supplier, gas_supplier = few_unsigned((importer, gas))
        one = Hub(0, device_type, *names[model], version, status, region, import_supplier, gas_supplier)
        marked_as = None if mark is None else HubMark(mark)
        facts = _facts(shared, one, marked_as, told, said.pieces, withheld=held or _NOBODY)
        found.append((replace(facts, endings=dict(ends), losses=dict(left)), members))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _OfHub:
    """What was said about one hub: the groups that name it, and what DCC instructed.

    The same object for all hubs of which the same was said, so that they need not be compared by what it was.
    """

    naming: tuple[_Naming, ...] = ()
    selections: tuple[DirectGroup, ...] = ()
    batch: DirectGroup | None = None
    in_pilot: bool = False


_NOTHING = _OfHub()
_NONE: Mapping[int, Any] = MappingProxyType({})
_NOBODY: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class _Said:
    """What was said about some hubs under a release, and the pieces that CSPs made of groups that name them.

    `withheld`: the suppliers of which nothing is said of a hub, although they have instructed it, as they protect it.
    Hubs that DCC named alike share one object: those are told apart by identity, which costs a tenth of a comparison.
    """

    naming: Mapping[int, tuple[_Naming, ...]]
    selections: Mapping[int, tuple[DirectGroup, ...]]
    batches: Mapping[int, DirectGroup]
    pieces: Mapping[int, GroupSay]
    withheld: Mapping[int, frozenset[int]]
    in_pilot: frozenset[int]
    met: dict[tuple[object, ...], _OfHub] = field(default_factory=dict)

    def of(self, device_id: int) -> _OfHub:
        """Return what was said about a hub; the same object for all of which the same was said."""
        naming, selections = self.naming.get(device_id, ()), self.selections.get(device_id, ())
        batch = self.batches.get(device_id)
        if not (naming or selections or batch):
            return _NOTHING
        in_pilot = device_id in self.in_pilot
        key = naming, id(selections), id(batch), in_pilot
        known = self.met.get(key)
        if known is None:
            known = self.met[key] = _OfHub(naming, selections, batch, in_pilot)
        return known


def _said(connection: Connection, shared: ReleaseFacts, ids: Sequence[int]) -> _Said:
    release_id = shared.release.release_id
    naming, selections = _naming(connection, release_id, ids), direct.selections_naming(connection, release_id, ids)
    left: dict[tuple[DirectGroup, ...], tuple[DirectGroup, ...]] = {}
    withheld: dict[int, frozenset[int]] = {}
    for device_id, suppliers in protection.protectors(connection, ids).items():
        groups = naming.get(device_id, ())
        given = {shared.groups[one.number].supplier for one in groups}
        given |= {one.supplier for one in selections.get(device_id, ()) if one.supplier is not None}
        withheld[device_id] = suppliers & given
        naming[device_id] = tuple(one for one in groups if shared.groups[one.number].supplier not in suppliers)
        if device_id in selections:
            chosen = tuple(one for one in selections[device_id] if one.supplier not in suppliers)
            selections[device_id] = left.setdefault(chosen, chosen)
    pieces = says.pieces(connection, {one.piece for found in naming.values() for one in found if one.piece is not None})
    batches = direct.batches_naming(connection, release_id, ids)
    dated = [device_id for device_id, one in batches.items() if one.period is not None]
    piloted = in_pilot(connection, release_id, dated) if dated and _may_pilot(shared.release) else frozenset[int]()
    return _Said(naming, selections, batches, pieces, withheld, piloted)


def _may_pilot(release: Release) -> bool:
    return release.pilot is not None and release.state.is_live and release.state is not ReleaseState.SAFE_LAUNCH


def _facts(
    shared: ReleaseFacts,
    hub: Hub,
    mark: HubMark | None,
    said: _OfHub,
    pieces: Mapping[int, GroupSay],
    scheduled: Period | None = None,
    viewer: int | None = None,
    *,
    withheld: frozenset[int] = frozenset(),
    endings: Mapping[int, Ended] = _NONE,
    losses: Mapping[int, datetime] = _NONE,
) -> PlanFacts:
    return PlanFacts(
        hub=hub,
        release=shared.release,
        at=shared.now,
        mark=mark,
        instructions=(*_instructions(hub, shared, said.naming, pieces), *_chosen(said.selections)),
        batch=None if said.batch is None else said.batch.period,
        undated_batch=said.batch is not None and said.batch.period is None,
        in_pilot=said.in_pilot,
        scheduled=scheduled,
        unable=hub.suppliers - shared.able,
        unregistered=hub.suppliers - shared.registered,
        withheld=withheld,
        endings=endings,
        losses=losses,
        viewer=viewer,
    )


def _instructions(
    hub: Hub, shared: ReleaseFacts, naming: Iterable[_Naming], pieces: Mapping[int, GroupSay]
) -> Iterator[HubInstruction]:
    """Yield the groups that name the hub, each with the say that applies to it: its own before that on its region.

    Where the hub has come from another CSP's regions since, and nothing was said of it here, none applies.
    """
    for one in naming:
        if one.piece is not None and one.csp_region == hub.csp_region:
            say = pieces.get(one.piece)
        else:
            say = shared.says.get((one.number, hub.csp_region))
        yield _of_hub(shared.groups[one.number], say, one.since)


def _chosen(selections: Iterable[DirectGroup]) -> Iterator[HubInstruction]:
    for group in selections:
        if group.supplier is not None and group.period is not None:
            given = group.supplier, "", Stage.PILOT, group.period, group.received_at
            yield HubInstruction(*given, by_dcc=True, since=group.since)


def _of_hub(group: HubInstruction, say: GroupSay | None, since: int | None) -> HubInstruction:
    if say is None and since is None:
        return group
    given = group.supplier, group.group_id, group.stage, group.period, group.received_at
    return HubInstruction(*given, say, since=utc_time(since))


def _groups(connection: Connection, release_id: str) -> dict[int, HubInstruction]:
    return {row.id: _group(row) for row in connection.execute(_EVERY_GROUP, {"release": release_id})}


def _group(row: Row[*tuple[object, ...]]) -> HubInstruction:
    return HubInstruction(row.supplier, row.group_id, Stage(row.stage), Period(row.starts, row.ends), row.received_at)


def _naming(connection: Connection, release_id: str, ids: Iterable[int]) -> dict[int, tuple[_Naming, ...]]:
    bound = {"release": release_id, GIVEN: given(connection, ids)}
    device, *columns = stored_columns(connection, _select_naming(connection.dialect.name), bound)
    found: dict[int, tuple[_Naming, ...]] = {}
    met: dict[tuple[Any, ...], tuple[_Naming, ...]] = {}
    for device_id, *naming in zip(unsigned(device), *columns, strict=True):
        key = tuple(naming)
        one = met.get(key)
        if one is None:
            one = met[key] = (_Naming(*key),)
        earlier = found.get(device_id)
        found[device_id] = one if earlier is None else (*earlier, *one)
    return found


def _marks(connection: Connection, release_id: str, ids: Iterable[int]) -> dict[int, HubMark]:
    bound = {"release": release_id, GIVEN: given(connection, ids)}
    rows = connection.execute(_select_marks(connection.dialect.name), bound)
    return {device_id: HubMark(mark) for device_id, mark in rows}


def _scheduled(connection: Connection, release_id: str) -> tuple[dict[int, Period], dict[str, Period]]:
    """Return the periods of the groups that name hubs, by number, and of those that name none, by region."""
    named: dict[int, tuple[bool, Period]] = {}
    unnamed: dict[str, Period] = {}
    for row in connection.execute(_SCHEDULED, {"release": release_id}):
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


# Put together once: every 11.6 and every activation runs them.

_RELEASE = bindparam("release", type_=Text())
_EVERY_GROUP = select(instruction).where(instruction.c.release_id == _RELEASE)
_SCHEDULED = (
    select(
        default_group.c.id,
        default_schedule.c.stage,
        default_schedule.c.csp_region,
        default_group.c.starts,
        default_group.c.ends,
        exists().where(default_group_hub.c.group_number == default_group.c.id).label("named"),
    )
    .join_from(default_schedule, default_group, default_group.c.schedule_id == default_schedule.c.id)
    .where(default_schedule.c.release_id == _RELEASE)
)


@cache
def _select_hubs(dialect: str) -> Select[Any]:
    wanted = given_ids(dialect)
    marked = and_(release_hub.c.release_id == _RELEASE, release_hub.c.device_id == hub.c.device_id)
    return (
        select(
            hub.c.device_id,
            hub.c.device_type,
            hub.c.model_id,
            hub.c.firmware_version,
            hub.c.status,
            hub.c.csp_region,
            hub.c.import_supplier,
            hub.c.gas_supplier,
            release_hub.c.mark,
        )
        .join_from(wanted, hub, hub.c.device_id == wanted.c.value)
        .outerjoin(release_hub, marked)
    )


@cache
def _select_naming(dialect: str) -> Select[Any]:
    wanted = given_ids(dialect)
    of_hub = and_(
        piece_hub.c.instruction_id == instruction_hub.c.instruction_id,
        piece_hub.c.device_id == instruction_hub.c.device_id,
    )
    return (
        select(
            instruction_hub.c.device_id,
            instruction_hub.c.instruction_id,
            piece_hub.c.piece_id,
            piece_hub.c.csp_region,
            instruction_hub.c.since,
        )
        .select_from(wanted)
        .join(instruction_hub, instruction_hub.c.device_id == wanted.c.value)
        .outerjoin(piece_hub, of_hub)
        .where(of_head(instruction, instruction_hub.c.instruction_id, instruction.c.release_id == _RELEASE))
        .order_by(instruction_hub.c.instruction_id)
    )


@cache
def _select_marks(dialect: str) -> Select[Any]:
    wanted = given_ids(dialect)
    return (
        select(release_hub.c.device_id, release_hub.c.mark)
        .join_from(wanted, release_hub, release_hub.c.device_id == wanted.c.value)
        .where(release_hub.c.release_id == _RELEASE)
    )
