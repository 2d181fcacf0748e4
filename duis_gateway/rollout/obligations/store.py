"""What suppliers have and what they provided for a pilot, in numbers (PIA-A9)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    and_,
    bindparam,
    exists,
    false,
    func,
    not_,
    or_,
    select,
    union,
)

from duis_gateway.rollout.audience import unable_of_model
from duis_gateway.rollout.eligibility import (
    ROLES,
    active_sql,
    fits_or_active_sql,
    fits_sql,
    passes_sql,
    responsible_sql,
    split_sql,
)
from duis_gateway.rollout.progress.rules import updated_in_pilot_sql, was_activated_sql
from duis_gateway.rollout.releases.records import HubMark, Release
from duis_gateway.store.rollout_tables import batch, batch_hub, pilot_selection, selected_hub
from duis_gateway.store.tables import hub, preferred_hub, preferred_list, release_hub
from duis_gateway.store.types import Unsigned64


@dataclass(frozen=True, slots=True)
class Provided:
    """A supplier's hubs that count for the pilot, and those of them that it has provided (`obligations.rules`)."""

    supplier: int
    eligible: int
    provided: int


class Updated(NamedTuple):
    """How many of a supplier's hubs the pilot has updated, which it has provided whatever its list names.

    `brought`: those of them that DCC neither chose nor had in a batch of its own, so that the supplier brought them.
    """

    hubs: int
    brought: int


NOTHING = Updated(0, 0)


def provided(connection: Connection, release: Release, suppliers: Iterable[int]) -> list[Provided]:
    """Count for each supplier; proving and excluded hubs are in neither number.

    Nor does a split hub count whose other supplier cannot instruct, unless DCC has chosen it for that one: it would be
    provided in vain. Counting a supplier's hubs takes as long as reading them from an index: do it outside of
    transactions that write.
    """
    unable = unable_of_model(connection, release.manufacturer, release.model)
    eligible, of_them = _select_eligible(release, unable), _select_provided(release)
    return [
        Provided(one, sum(_number(connection, role, one) for role in eligible), _number(connection, of_them, one))
        for one in sorted(suppliers)
    ]


def updated(connection: Connection, release: Release, supplier: int) -> Updated:
    """Count what the pilot has updated."""
    return Updated(*connection.execute(_select_updated(release), {_BY: supplier}).one())


_BY = "by"
_SUPPLIER: BindParameter[int] = bindparam(_BY, type_=Unsigned64())
_KEPT = 32  # releases whose queries are kept: to put one together takes longer than to run it


@lru_cache(_KEPT)
def _select_eligible(release: Release, unable: frozenset[int]) -> tuple[Select[Any], ...]:
    """In two passes, one for each role, each answered from its index.

    A hub that ran the version before the release reached it can be provided by nobody, and does not count.
    """
    moved = and_(fits_sql(release), not_(_in_vain(release, unable)))
    theirs = or_(moved, was_activated_sql(release), _named(release))
    return tuple(_count(release, condition, theirs) for condition in passes_sql(_SUPPLIER))


def _in_vain(release: Release, unable: frozenset[int]) -> ColumnElement[bool]:
    """A split hub of which the other supplier is one of these, and for which DCC has not chosen it."""
    others = sorted(unable)
    chosen = (
        exists()
        .where(
            selected_hub.c.device_id == hub.c.device_id,
            selected_hub.c.selection_id == pilot_selection.c.id,
            pilot_selection.c.release_id == release.release_id,
            pilot_selection.c.supplier.in_(others),
            pilot_selection.c.ends.is_not(None),  # without a period it instructs nothing
        )
        .correlate(hub)
    )
    beside = or_(*(and_(role != _SUPPLIER, role.in_(others)) for role in ROLES))
    return and_(func.coalesce(and_(split_sql(), beside), False), ~chosen) if others else false()


@lru_cache(_KEPT)
def _select_provided(release: Release) -> Select[Any]:
    return _count(release, or_(_named(release), _active(release)), responsible_sql(_SUPPLIER))


@lru_cache(_KEPT)
def _select_updated(release: Release) -> Select[Any]:
    brought = func.count().filter(hub.c.device_id.not_in(_named_by_dcc(release)))
    return _count(release, _active(release), responsible_sql(_SUPPLIER)).add_columns(brought)


def _number(connection: Connection, query: Select[Any], supplier: int) -> int:
    return int(connection.execute(query, {_BY: supplier}).scalar_one())


def _count(release: Release, *conditions: ColumnElement[bool]) -> Select[Any]:
    unmarked = ~exists().where(
        release_hub.c.release_id == release.release_id,
        release_hub.c.device_id == hub.c.device_id,
        release_hub.c.mark.in_([HubMark.PROVING, HubMark.EXCLUDED]),
    )
    return select(func.count()).select_from(hub).where(*conditions, fits_or_active_sql(release), unmarked)


def _active(release: Release) -> ColumnElement[bool]:
    """A hub that the release reached before the pilot's end, and that runs it; what safe launch brings is none."""
    return and_(active_sql(release), hub.c.device_id.in_(updated_in_pilot_sql(release)))


def _named_by_dcc(release: Release) -> CompoundSelect[Any]:
    return union(
        *(
            select(members.c.device_id)
            .join_from(heads, members, members.c[owner] == heads.c.id)
            .where(heads.c.release_id == release.release_id)
            for heads, members, owner in _DCC_LISTS
        )
    )


def _named(release: Release) -> ColumnElement[bool]:
    return hub.c.device_id.in_(
        union(
            *(
                select(members.c.device_id)
                .join_from(lists, members, members.c[owner] == lists.c.id)
                .where(lists.c.release_id == release.release_id, lists.c.supplier == _SUPPLIER)
                for lists, members, owner in _LISTS
            )
        )
    )


_LISTS = ((preferred_list, preferred_hub, "list_id"), (pilot_selection, selected_hub, "selection_id"))
_DCC_LISTS = ((pilot_selection, selected_hub, "selection_id"), (batch, batch_hub, "batch_id"))
