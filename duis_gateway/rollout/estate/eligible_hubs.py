"""A party's estate: whose hubs, how many of what, and which need a look of their own; never all held at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Connection, Select, exists, func, not_, select, union

from duis_gateway.rollout.activations.store import newest_of
from duis_gateway.rollout.eligibility import ROLES, is_hub_sql, passes_sql, responsible, responsible_sql, split_sql
from duis_gateway.rollout.hub_events.records import Happened
from duis_gateway.rollout.hubs.device_models import model_names, model_number
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.hubs.store import HUB_COLUMNS
from duis_gateway.rollout.releases.records import Release
from duis_gateway.store.rollout_tables import (
    batch,
    batch_hub,
    hub_event,
    hub_event_hub,
    pilot_selection,
    protected_hub,
    selected_hub,
)
from duis_gateway.store.tables import (
    activation_outcome,
    default_hub,
    default_list,
    device_model,
    hub,
    instruction,
    instruction_hub,
    preferred_hub,
    preferred_list,
    release_hub,
)

HUBS_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose hubs: those of a supplier, those in a CSP's regions, or (neither) all."""

    supplier: int | None = None
    regions: frozenset[str] | None = None

    def has(self, hub: Hub) -> bool:
        """Whether the estate has this hub."""
        if self.supplier is not None:
            return responsible(hub, self.supplier)
        return self.regions is None or hub.csp_region in self.regions

    def passes(self) -> tuple[tuple[ColumnElement[bool], ...], ...]:
        """Return the conditions of one query or two, which find every hub once; a supplier's, by the role's index."""
        supplier = self.supplier
        if supplier is not None:
            return tuple((condition,) for condition in passes_sql(supplier))
        return ((),) if self.regions is None else ((hub.c.csp_region.in_(sorted(self.regions)),),)


def all_hubs(connection: Connection, scope: Scope, *which: ColumnElement[bool]) -> Iterator[list[Hub]]:
    """Yield the Communications Hubs of an estate (that these conditions choose), some thousand at once."""
    yield from _in_chunks(connection, scope, (is_hub_sql(), *which))


@dataclass(frozen=True, slots=True)
class HubKind:
    """What hubs have in common that are counted together."""

    manufacturer: str
    model: str
    device_type: str
    firmware_version: str
    status: str


def kind_of(hub: Hub) -> HubKind:
    """Return the kind that a hub is of."""
    return HubKind(hub.manufacturer, hub.model, hub.device_type, hub.firmware_version, hub.status)


def of_kind(kind: HubKind) -> Hub:
    """Return a hub of a kind that stands for all that nothing names; who supplies them makes no difference then."""
    return Hub(
        0,
        kind.device_type,
        kind.manufacturer,
        kind.model,
        kind.firmware_version,
        kind.status,
        csp_region="",
        import_supplier=None,
        gas_supplier=None,
    )


def kinds(connection: Connection, scope: Scope) -> dict[HubKind, int]:
    """Count the Communications Hubs of an estate by kind.

    They are grouped by all columns of an index in their order, which needs neither the hubs nor sorting them.
    """
    kind = (hub.c.model_id, hub.c.csp_region, hub.c.firmware_version, hub.c.status, hub.c.device_type)
    names = model_names(connection)
    found: Counter[HubKind] = Counter()
    for conditions, supplier in zip(scope.passes(), ROLES, strict=False):
        query = select(*kind, func.count()).where(*conditions, is_hub_sql()).group_by(supplier, *kind)
        for model, _, version, status, device_type, number in connection.execute(query):
            found[HubKind(*names[model], device_type, version, status)] += number
    return dict(found)


def protected_kinds(connection: Connection, scope: Scope, releases: Iterable[Release]) -> dict[int, Counter[HubKind]]:
    """Count by supplier and kind the hubs that their suppliers protect, without those that are `looked_at`."""
    kind = (hub.c.model_id, hub.c.firmware_version, hub.c.status, hub.c.device_type)
    query = (
        select(protected_hub.c.supplier, *kind, func.count())
        .join_from(protected_hub, hub, hub.c.device_id == protected_hub.c.device_id)
        .where(is_hub_sql(), responsible_sql(protected_hub.c.supplier))
        .where(hub.c.device_id.not_in(looked_at_sql([release.release_id for release in releases])))
        .group_by(protected_hub.c.supplier, *kind)
    )
    if scope.supplier is not None:
        query = query.where(protected_hub.c.supplier == scope.supplier)
    names = model_names(connection)
    found: defaultdict[int, Counter[HubKind]] = defaultdict(Counter)
    for supplier, model, version, status, device_type, number in connection.execute(query):
        found[supplier][HubKind(*names[model], device_type, version, status)] += number
    return dict(found)


def kinds_beside(
    connection: Connection, scope: Scope, releases: Iterable[Release], others: Collection[int]
) -> defaultdict[int, Counter[HubKind]]:
    """Count by supplier and kind the split hubs of which one of these others is the second supplier.

    Without those that are `looked_at`, and those that the supplier protects.
    """
    found: defaultdict[int, Counter[HubKind]] = defaultdict(Counter)
    if not others:
        return found
    kind = (hub.c.model_id, hub.c.firmware_version, hub.c.status, hub.c.device_type)
    named, names = looked_at_sql([release.release_id for release in releases]), model_names(connection)
    for mine, other in (ROLES, ROLES[::-1]):
        protected = exists().where(protected_hub.c.device_id == hub.c.device_id, protected_hub.c.supplier == mine)
        query = (
            select(mine, *kind, func.count())
            .where(other.in_(sorted(others)), split_sql(), is_hub_sql(), hub.c.device_id.not_in(named), ~protected)
            .group_by(mine, *kind)
        )
        if scope.supplier is not None:
            query = query.where(mine == scope.supplier)
        for supplier, model, version, status, device_type, number in connection.execute(query):
            found[supplier][HubKind(*names[model], device_type, version, status)] += number
    return found


def hubs_of_model(connection: Connection, scope: Scope, release: Release) -> Iterator[list[Hub]]:
    """Yield the estate's Communications Hubs of the release's model, some thousand at once."""
    number = model_number(release.manufacturer, release.model).scalar_subquery()
    yield from _in_chunks(connection, scope, (is_hub_sql(), hub.c.model_id == number))


def touched(connection: Connection, scope: Scope, releases: Iterable[Release]) -> Iterator[list[Hub]]:
    """Yield the estate's hubs that an instruction, a batch, a choice of DCC's or a failure under these names.

    Those too of which an instruction under them ended, or that were off the plan.
    """
    named = touched_sql([release.release_id for release in releases])
    yield from _in_chunks(connection, scope, (is_hub_sql(), hub.c.device_id.in_(named)))


def looked_at(connection: Connection, scope: Scope, releases: Iterable[Release]) -> Iterator[list[Hub]]:
    """Yield the estate's hubs that something under these releases names: `touched`, a pilot list or a mark."""
    named = looked_at_sql([release.release_id for release in releases])
    yield from _in_chunks(connection, scope, (is_hub_sql(), hub.c.device_id.in_(named)))


def looked_at_sql(ids: list[str]) -> CompoundSelect[Any]:
    """Return the query for the hubs that `looked_at` says."""
    return union(
        *_touched(ids),
        _named(preferred_list, preferred_hub, "list_id", ids),
        _named(default_list, default_hub, "list_id", ids),
        select(release_hub.c.device_id).where(release_hub.c.release_id.in_(ids)),
    )


def touched_sql(ids: list[str]) -> CompoundSelect[Any]:
    """Return the query for the hubs that something under these releases names, as `touched` says."""
    return union(*_touched(ids))


def _touched(ids: list[str]) -> tuple[Select[Any], ...]:
    return (
        _named(instruction, instruction_hub, "instruction_id", ids),
        _named(batch, batch_hub, "batch_id", ids),
        _named(pilot_selection, selected_hub, "selection_id", ids),
        failed_sql(ids),
        _happened(ids, Happened.ENDED, Happened.CHOICE_ENDED, Happened.OFF_PLAN),
    )


def failed_sql(ids: list[str], reason: str | None = None) -> Select[tuple[int]]:
    """Return the query for the hubs that failed under these releases, for this reason or any."""
    failed = (not_(activation_outcome.c.success), activation_outcome.c.release_id.in_(ids))
    why = () if reason is None else (activation_outcome.c.failure_reason == reason,)
    return select(activation_outcome.c.device_id).where(*failed, *why)


def off_plan_sql(ids: list[str]) -> Select[tuple[int]]:
    """Return the query for the hubs that were moved, or were not, otherwise than planned under these releases."""
    return _happened(ids, Happened.OFF_PLAN)


def off_the_plan(connection: Connection, scope: Scope, releases: Iterable[Release]) -> Iterator[list[Hub]]:
    """Yield the estate's hubs that were moved, or were not, otherwise than planned under these releases."""
    told = off_plan_sql([release.release_id for release in releases])
    yield from _in_chunks(connection, scope, (is_hub_sql(), hub.c.device_id.in_(told)))


def told_void(connection: Connection, scope: Scope, releases: Iterable[Release], word: str) -> Iterator[list[Hub]]:
    """Yield the estate's hubs of which a supplier was told under these releases that they are void for this reason."""
    told = _happened([release.release_id for release in releases], Happened.VOID).where(hub_event.c.word == word)
    yield from _in_chunks(connection, scope, (is_hub_sql(), hub.c.device_id.in_(told)))


def _happened(releases: list[str], *what: Happened) -> Select[Any]:
    return (
        select(hub_event_hub.c.device_id)
        .join_from(hub_event, hub_event_hub, hub_event_hub.c.event_id == hub_event.c.id)
        .where(
            hub_event.c.release_id.in_(releases),
            hub_event.c.what.in_(what),
        )
    )


def _named(groups: Any, members: Any, owner: str, releases: list[str]) -> Select[Any]:
    return (
        select(members.c.device_id)
        .join_from(groups, members, members.c[owner] == groups.c.id)
        .where(groups.c.release_id.in_(releases))
    )


def _in_chunks(connection: Connection, scope: Scope, which: tuple[ColumnElement[bool], ...]) -> Iterator[list[Hub]]:
    for conditions in scope.passes():
        query = (
            select(*HUB_COLUMNS)
            .join_from(hub, device_model, device_model.c.id == hub.c.model_id)
            .where(*conditions, *which)
        )
        rows = iter(connection.execute(query, execution_options={"yield_per": HUBS_AT_ONCE}))
        while chunk := [Hub(*row) for row in islice(rows, HUBS_AT_ONCE)]:
            yield chunk


def failed(connection: Connection, release_id: str, ids: Iterable[int]) -> frozenset[int]:
    """Return those of the hubs whose newest outcome under the release is a failure."""
    newest = newest_of(connection, ids, release_id)
    query = (
        select(activation_outcome.c.device_id)
        .join_from(newest, activation_outcome, activation_outcome.c.id == newest.c.id)
        .where(not_(activation_outcome.c.success))
    )
    return frozenset(connection.execute(query).scalars())
