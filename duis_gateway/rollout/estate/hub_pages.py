"""A party's hubs a page at a time, by what is asked for: for people who look, whatever the size of the estate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple, Protocol

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from duis_gateway.duis.identifiers import to_signed
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party
from duis_gateway.rollout.deadlines.asked import DCC
from duis_gateway.rollout.deadlines.rules import Task
from duis_gateway.rollout.deadlines.scopes import given_way, live_releases, open_releases, scope_of
from duis_gateway.rollout.deadlines.turns import WhoIsAsked
from duis_gateway.rollout.eligibility import fits_sql, is_hub, is_hub_sql
from duis_gateway.rollout.estate.departures import Departures
from duis_gateway.rollout.estate.eligible_hubs import Scope, failed_sql, looked_at_sql, off_plan_sql, touched_sql
from duis_gateway.rollout.estate.hub_by_hub import EstateReader, with_not_told
from duis_gateway.rollout.estate.rules import HubState, and_protected
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.hubs.store import HUB_COLUMNS
from duis_gateway.rollout.plans.records import DeviationKind, VoidReason
from duis_gateway.rollout.protection import store as protection
from duis_gateway.rollout.releases import store as releases
from duis_gateway.store.tables import device_model, hub, instruction, instruction_hub

PAGE = 100
_AT_ONCE = 1_000
_STRETCH = 5_000
_LOOKED_AT = 5_000
_READ = 20_000
_WINDOW = 100_000
_NAMED = frozenset({HubState.FAILED, HubState.INSTRUCTED, HubState.BATCH})
"""States that a hub is in only where something names it: these hubs are looked at alone."""
_OF_THE_NAMED = frozenset({Task.SEND_PREFERRED_SCHEDULE, Task.INSTRUCT_SPLIT_HUBS})
"""Tasks that are about such hubs, or about those on a pilot list."""

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class WantedHubs:
    """Which hubs are looked for; None: whatever it is. `after`: the hub to go on behind, in the database's order.

    `release` is the one that has a hub next, `state` how it stands under that (as in the columns of the estate), `void`
    and `off_plan` why it is not moved or how it departed from its plan (as in the status). `supplier` narrows down what
    whoever may read all looks at, `csp` to a CSP's regions (`csp_regions`, which are looked up then). `group` is the
    deployment group that has it, under `release` where one is named.
    `task` is what a supplier is asked for of it under `release`, which then need not have it next.
    `failed_under` are releases under one of which it failed, for this `reason` at least once, or (without) which has
    yet to update it; a `reason` alone is one for which it failed under any release.
    """

    manufacturer: str | None = None
    model: str | None = None
    firmware_version: str | None = None
    status: str | None = None
    csp_region: str | None = None
    release: str | None = None
    state: HubState | None = None
    supplier: int | None = None
    csp: int | None = None
    csp_regions: frozenset[str] | None = None
    void: VoidReason | None = None
    off_plan: DeviationKind | None = None
    group: str | None = None
    failed_under: tuple[str, ...] = ()
    reason: str | None = None
    task: Task | None = None
    after: int | None = None

    @property
    def is_of_a_kind(self) -> bool:
        """Whether something is asked for that the inventory says, and an index with it."""
        return any((self.manufacturer, self.model, self.firmware_version, self.status, self.csp_region))

    def is_kind_of(self, one: Hub) -> bool:
        """Whether a hub is of the kind that is asked for."""
        given = (
            (self.manufacturer, one.manufacturer),
            (self.model, one.model),
            (self.firmware_version, one.firmware_version),
            (self.status, one.status),
            (self.csp_region, one.csp_region),
        )
        there = self.csp_regions is None or one.csp_region in self.csp_regions
        return there and all(wanted in (None, own) for wanted, own in given)

    @property
    def is_judged(self) -> bool:
        """Whether hubs have to be planned before it is known which are wanted."""
        return any((self.state, self.task, self.release and not self.group, self.is_explained))

    @property
    def is_explained(self) -> bool:
        """Whether it has to be known why a hub is void, or off the plan."""
        return self.void is not None or self.off_plan is not None

    def fits(self, row: Row) -> bool:
        """Whether a row of the estate is wanted, as far as planning decides."""
        release = None if self.group or self.task else self.release
        # What a task is about is told by the rule of the task: another release may have the hub next.
        void = None if self.task is Task.INSTRUCT_ANEW else self.void
        off_plan = None if self.task is Task.LOOK_INTO_DEVIATIONS else self.off_plan
        wanted = ((self.state, "state"), (release, "release"), (void, "void"), (off_plan, "off_plan"))
        return all(one is None or one == row[name] for one, name in wanted)


@dataclass(frozen=True, slots=True)
class FoundHubs:
    """Rows of the estate. `further`: the hub to go on behind, None at the end; fewer than a page may be found."""

    rows: Sequence[Row]
    further: int | None = None


def hub_page(conn: Connection, party: Party, now: datetime, wanted: WantedHubs) -> FoundHubs:
    """Return a page of a party's hubs as rows of `hub_by_hub.ESTATE_COLUMNS`; `why` says, too, who was not told.

    At most some thousand are looked at; where fewer than a page of them are wanted, the next page goes on from there.
    """
    found, further = _page(conn, party, now, wanted)
    rows = with_not_told(conn, party, found)
    return FoundHubs(_with_protection(conn, [hub for hub, _ in found], rows) if _reads_all(party) else rows, further)


def _reads_all(party: Party) -> bool:
    return scope_of(party) == Scope()


def _with_protection(conn: Connection, own: Sequence[Hub], rows: Sequence[Row]) -> Sequence[Row]:
    """Return the operator's rows: `why` says, too, who protects a hub that nothing else moves."""
    protectors = protection.protectors(conn, [one.device_id for one in own])
    found = []
    for one, row in zip(own, rows, strict=True):
        left = row["due"] is not None and row["earliest_start"] is None and row["state"] != HubState.BATCH
        said = and_protected(one, protectors.get(one.device_id, ())) if left else ""
        found.append({**row, "why": f"{row['why']}{said}"})
    return found


def _page(
    conn: Connection, party: Party, now: datetime, wanted: WantedHubs
) -> tuple[list[tuple[Hub, Row]], int | None]:
    """Return the hubs of a page with their rows, and the hub to go on behind."""
    reader = EstateReader(conn, party, now)
    if wanted.csp is not None:
        csp = parties.find(conn, wanted.csp)
        wanted = replace(wanted, csp_regions=frozenset() if csp is None else csp.regions)
    scope = scope_of(party) if wanted.supplier is None else Scope(supplier=wanted.supplier)
    only = _only(conn, scope, now, wanted)
    if wanted.task is not None and only is None:
        return [], None
    rows: list[tuple[Hub, Row]] = []
    looked, read = 0, 0
    for chunk in _chunks(conn, scope, wanted):
        needed = chunk.own if wanted.is_judged else chunk.own[: PAGE + 1 - len(rows)]
        needed = needed if only is None else _among(only, needed)
        rows += [(hub, row) for hub, row in zip(needed, reader.rows(needed), strict=True) if wanted.fits(row)]
        if len(rows) > PAGE:
            return rows[:PAGE], rows[PAGE - 1][0].device_id
        looked, read = looked + len(chunk.own), read + chunk.read
        if chunk.to is not None and (len(rows) == PAGE or looked >= _LOOKED_AT or read >= _READ):
            return rows, chunk.to
    return rows, None


class _Only(Protocol):
    """Tells which of some hubs a task is about."""

    def among(self, chunk: Sequence[Hub]) -> frozenset[int]: ...


class _OffPlan:
    """Those that were moved, or were not, otherwise than planned under a release, as they are counted."""

    def __init__(self, departures: Departures, release_id: str, kind: DeviationKind | None) -> None:
        self._departures = departures
        self._release_id = release_id
        self._kind = kind

    def among(self, chunk: Sequence[Hub]) -> frozenset[int]:
        """Return those of some thousand hubs."""
        found = self._departures.among(chunk)
        own = ((device_id, one.kind) for device_id, one in found.items() if one.release_id == self._release_id)
        return frozenset(device_id for device_id, kind in own if self._kind in (None, kind))


def _only(conn: Connection, scope: Scope, now: datetime, wanted: WantedHubs) -> _Only | None:
    """Return what tells which hubs the task that is asked for is about, None where there is none such."""
    release = None if wanted.task is None else releases.find(conn, wanted.release or "")
    if wanted.task is None or release is None:
        return None
    if wanted.task is Task.LOOK_INTO_DEVIATIONS:
        departures = Departures(conn, (release.manufacturer, release.model), now, scope.supplier)
        return _OffPlan(departures, release.release_id, wanted.off_plan)
    if release.state.is_over or (scope.supplier is None and wanted.task is not Task.INSTRUCT_ANEW):
        return None
    return WhoIsAsked(conn, release, wanted.task, {DCC if scope.supplier is None else scope.supplier}, now, wanted.void)


def _among(only: _Only, chunk: Sequence[Hub]) -> list[Hub]:
    about = only.among(chunk)
    return [one for one in chunk if one.device_id in about]


class _Chunk(NamedTuple):
    """Some hubs of an estate. `read`: how many were read for it, `to`: up to which hub; None at the end."""

    own: list[Hub]
    read: int
    to: int | None


def _chunks(conn: Connection, scope: Scope, wanted: WantedHubs) -> Iterator[_Chunk]:
    """Yield an estate's hubs in the database's order, by the way on which the next are found soonest.

    Of whoever has a good part of all hubs, the next hundred lie among the next few thousand that there are; of whoever
    has few, all are sorted faster than they are found there. To sort a large supplier's millions would take seconds.
    """
    named, subset = _named(conn, wanted), _subset(conn, scope, wanted)
    if not subset and (scope == Scope() or not wanted.is_of_a_kind):
        in_windows = named is None and wanted.is_of_a_kind
        after = wanted.after
        chunk = _window(conn, wanted, after) if in_windows else _stretch(conn, scope, named, wanted, after)
        if scope == Scope() or len(chunk.own) >= PAGE or chunk.to is None:
            yield chunk
            while chunk.to is not None:
                after = chunk.to
                chunk = _window(conn, wanted, after) if in_windows else _stretch(conn, scope, named, wanted, after)
                yield chunk
            return
    conditions = [*_conditions(wanted), *subset]
    if named is not None:
        conditions.append(hub.c.device_id.in_(named))
    after = wanted.after
    while True:
        own = _sorted(conn, scope, conditions, after, _AT_ONCE)
        after = own[-1].device_id if len(own) == _AT_ONCE else None
        yield _Chunk(own, len(own), after)
        if after is None:
            return


def _named(conn: Connection, wanted: WantedHubs) -> Any:
    """Return the query for the hubs that something under releases names, where only these can be wanted; else None."""
    live = [one.release_id for one in live_releases(conn)]
    if wanted.task is Task.INSTRUCT_ANEW:
        return looked_at_sql([one.release_id for one in open_releases(conn)])
    if wanted.task is Task.LOOK_INTO_DEVIATIONS:
        return off_plan_sql([wanted.release or ""])
    if wanted.is_explained:
        every = [*live, *(one.release_id for one in given_way(conn))]
        return touched_sql(every) if wanted.off_plan is None else off_plan_sql(every)
    if wanted.task in _OF_THE_NAMED:
        return looked_at_sql(live)
    if wanted.state not in _NAMED:
        return None
    named = live if wanted.group else [one for one in live if wanted.release in (None, one)]
    return failed_sql(named) if wanted.state is HubState.FAILED else touched_sql(named)


def _subset(conn: Connection, scope: Scope, wanted: WantedHubs) -> list[ColumnElement[bool]]:
    """Return the conditions of a group, or of what failed: these hubs are few enough to be sorted."""
    found: list[ColumnElement[bool]] = []
    if wanted.group is not None:
        given = ((instruction.c.release_id, wanted.release), (instruction.c.supplier, scope.supplier))
        members = (
            select(instruction_hub.c.device_id)
            .join_from(instruction, instruction_hub, instruction_hub.c.instruction_id == instruction.c.id)
            .where(instruction.c.group_id == wanted.group, *(column == one for column, one in given if one is not None))
        )
        found.append(hub.c.device_id.in_(members))
    if wanted.reason is not None:
        under = wanted.failed_under or [one.release_id for one in releases.all_releases(conn)]
        found.append(hub.c.device_id.in_(failed_sql(list(under), wanted.reason)))
    elif wanted.failed_under:
        found.append(or_(*(_yet_to_update(conn, one) for one in wanted.failed_under)))
    return found


def _yet_to_update(conn: Connection, release_id: str) -> ColumnElement[bool]:
    """Return the condition of a hub that failed under a release, which has yet to update it."""
    failed = hub.c.device_id.in_(failed_sql([release_id]))
    release = releases.find(conn, release_id)
    return failed if release is None else and_(failed, fits_sql(release))


def _stretch(conn: Connection, scope: Scope, named: Any, wanted: WantedHubs, after: int | None) -> _Chunk:
    """Return the estate's part of the next hubs of the inventory, or of those that something under releases names."""
    ids = hub.c.device_id if named is None else named.subquery().c.device_id
    behind = () if after is None else (ids > after,)
    found = conn.execute(select(ids).where(*behind).distinct().order_by(ids).limit(_STRETCH)).scalars().all()
    known = hubs.get_many(conn, found)
    every = [known[one] for one in found if one in known]
    own = [one for one in every if is_hub(one) and scope.has(one) and wanted.is_kind_of(one)]
    return _Chunk(own, len(found), found[-1] if len(found) == _STRETCH else None)


def _window(conn: Connection, wanted: WantedHubs, after: int | None) -> _Chunk:
    """Return the hubs of a kind among the next many of the inventory: no index has them in order, the rare lie far."""
    behind = () if after is None else (hub.c.device_id > after,)
    last = select(hub.c.device_id).where(*behind).order_by(hub.c.device_id).offset(_WINDOW - 1).limit(1)
    end = conn.execute(last).scalar_one_or_none()
    within = () if end is None else (hub.c.device_id <= end,)
    own = _sorted(conn, Scope(), [*_conditions(wanted), *within], after, _AT_ONCE)
    if len(own) == _AT_ONCE:
        return _Chunk(own, len(own), own[-1].device_id)
    return _Chunk(own, _READ, end)


def _conditions(wanted: WantedHubs) -> list[ColumnElement[bool]]:
    given = (
        (device_model.c.manufacturer, wanted.manufacturer),
        (device_model.c.model, wanted.model),
        (hub.c.firmware_version, wanted.firmware_version),
        (hub.c.status, wanted.status),
        (hub.c.csp_region, wanted.csp_region),
    )
    there = [] if wanted.csp_regions is None else [hub.c.csp_region.in_(sorted(wanted.csp_regions))]
    return [is_hub_sql(), *there, *(column == value for column, value in given if value is not None)]


def _sorted(
    conn: Connection, scope: Scope, conditions: Sequence[ColumnElement[bool]], after: int | None, number: int
) -> list[Hub]:
    """Return the next hubs of an estate that fit these conditions, each once."""
    behind = () if after is None else (hub.c.device_id > after,)
    found = []
    for whose in scope.passes():
        query = (
            select(*HUB_COLUMNS)
            .join_from(hub, device_model, device_model.c.id == hub.c.model_id)
            .where(*whose, *conditions, *behind)
            .order_by(hub.c.device_id)
            .limit(number)
        )
        found.append([Hub(*row) for row in conn.execute(query)])
    return list(islice(merge(*found, key=lambda one: to_signed(one.device_id)), number))
