"""What suppliers have and what they provided for a pilot, in numbers (PIA-A9)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Connection, Select, Table, and_, exists, func, or_, select, union

from duis_gateway.rollout.eligibility import active_sql, fits_or_active_sql, fits_sql, passes_sql, responsible_sql
from duis_gateway.rollout.progress.rules import updated_in_pilot_sql, was_activated_sql
from duis_gateway.rollout.releases.records import HubMark, Release
from duis_gateway.store.rollout_tables import batch, batch_hub, pilot_selection, selected_hub
from duis_gateway.store.tables import hub, preferred_hub, preferred_list, release_hub


@dataclass(frozen=True, slots=True)
class Provided:
    """A supplier's hubs that count for the pilot, and those of them that it has provided (`obligations.rules`)."""

    supplier: int
    eligible: int
    provided: int


def provided(connection: Connection, release: Release, suppliers: Iterable[int]) -> list[Provided]:
    """Count for each supplier; proving and excluded hubs are in neither number.

    Counting a supplier's hubs takes as long as reading them from an index: do it outside of transactions that write.
    """
    counts = _Counts(connection, release)
    return [Provided(one, counts.eligible(one), counts.provided(one)) for one in sorted(suppliers)]


def provided_and_active(connection: Connection, release: Release, supplier: int) -> int:
    """Count the hubs that a supplier has provided whatever its list names: those that the pilot has updated."""
    return _Counts(connection, release).active(supplier)


def brought_and_active(connection: Connection, release: Release, supplier: int) -> int:
    """Count those of them that DCC neither chose nor had in a batch of its own: the supplier brought them itself."""
    return _Counts(connection, release).active(supplier, by_dcc=False)


class _Counts:
    def __init__(self, connection: Connection, release: Release) -> None:
        self._connection = connection
        self._release = release
        self._counts = fits_or_active_sql(release)
        self._fits = fits_sql(release)
        self._activated = was_activated_sql(release)
        marked = release_hub.c.mark.in_([HubMark.PROVING, HubMark.EXCLUDED])
        self._marked = exists().where(
            release_hub.c.release_id == release.release_id, release_hub.c.device_id == hub.c.device_id, marked
        )

    def eligible(self, supplier: int) -> int:
        """In two passes, one for each role, each answered from its index.

        A hub that ran the version before the release reached it can be provided by nobody, and does not count.
        """
        theirs = or_(self._fits, self._activated, self._named(supplier))
        return sum(self._number(self._hubs(condition, theirs)) for condition in passes_sql(supplier))

    def provided(self, supplier: int) -> int:
        theirs = or_(self._named(supplier), self._active())
        return self._number(self._hubs(theirs, responsible_sql(supplier)))

    def active(self, supplier: int, *, by_dcc: bool = True) -> int:
        own = () if by_dcc else (hub.c.device_id.not_in(self._named_by_dcc()),)
        return self._number(self._hubs(self._active(), responsible_sql(supplier), *own))

    def _named_by_dcc(self) -> CompoundSelect[Any]:
        lists = ((pilot_selection, selected_hub, "selection_id"), (batch, batch_hub, "batch_id"))
        return union(
            *(
                select(members.c.device_id)
                .join_from(heads, members, members.c[owner] == heads.c.id)
                .where(heads.c.release_id == self._release.release_id)
                for heads, members, owner in lists
            )
        )

    def _active(self) -> ColumnElement[bool]:
        """A hub that the release reached before the pilot's end, and that runs it; what safe launch brings is none."""
        return and_(active_sql(self._release), hub.c.device_id.in_(updated_in_pilot_sql(self._release)))

    def _named(self, supplier: int) -> ColumnElement[bool]:
        return hub.c.device_id.in_(union(*(self._listed(supplier, *tables) for tables in _LISTS)))

    def _hubs(self, *conditions: ColumnElement[bool]) -> Select[Any]:
        return select(func.count()).select_from(hub).where(*conditions, self._counts, ~self._marked)

    def _number(self, query: Select[Any]) -> int:
        return int(self._connection.execute(query).scalar_one())

    def _listed(self, supplier: int, lists: Table, members: Table, owner: str) -> Select[Any]:
        mine = (lists.c.release_id == self._release.release_id, lists.c.supplier == supplier)
        return select(members.c.device_id).join_from(lists, members, members.c[owner] == lists.c.id).where(*mine)


_LISTS = ((preferred_list, preferred_hub, "list_id"), (pilot_selection, selected_hub, "selection_id"))
