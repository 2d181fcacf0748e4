"""How parties stand to a release, in numbers of hubs and names of regions (BR-5.4, BR-5.7).

Counting a supplier's hubs takes as long as reading them from an index: do it outside of transactions that write.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    Exists,
    FromClause,
    Select,
    exists,
    func,
    literal,
    select,
    union,
    union_all,
)

from duis_gateway.rollout.eligibility import fits_sql, passes_sql, responsible_sql
from duis_gateway.rollout.releases.records import Release, Stage
from duis_gateway.store.rollout_tables import pilot_selection, protected_hub, selected_hub
from duis_gateway.store.tables import (
    default_list,
    default_schedule,
    hub,
    instruction,
    instruction_hub,
    preferred_hub,
    preferred_list,
)


@dataclass(frozen=True, slots=True)
class SupplierTally:
    """A supplier's own hubs that a release may be applied to (`rollout.eligibility`).

    Attributes:
        eligible: all of them.
        listed: hubs on its preferred list as it was sent, None where it sent none.
        unscheduled: those on its preferred list that none of its pilot groups names.
        uninstructed: those that none of its instructions names.

    What DCC chose on a supplier's behalf counts as that supplier's own. What it protects, it is not to schedule or to
    instruct.
    """

    eligible: int
    listed: int | None
    unscheduled: int
    uninstructed: int


def supplier_tally(connection: Connection, release: Release, supplier: int) -> SupplierTally:
    """Count a supplier's hubs by what is left to do about them."""
    counts = _Counts(connection, release, supplier)
    eligible = counts.eligible()
    listed = counts.listed()
    return SupplierTally(
        eligible,
        listed,
        counts.unscheduled() if listed else 0,
        eligible - counts.settled(),
    )


class _Counts:
    def __init__(self, connection: Connection, release: Release, supplier: int) -> None:
        self._connection = connection
        self._release = release.release_id
        self._supplier = supplier
        self._fits = fits_sql(release)

    def eligible(self) -> int:
        """In two passes, one for each role, each answered from its index."""
        return sum(
            self._number(select(func.count()).select_from(hub).where(condition, self._fits))
            for condition in passes_sql(self._supplier)
        )

    def listed(self) -> int | None:
        """Count the list as it was sent, hubs that have gone to others since included."""
        mine = (preferred_list.c.release_id == self._release, preferred_list.c.supplier == self._supplier)
        number = self._connection.execute(select(preferred_list.c.id).where(*mine)).scalar_one_or_none()
        if number is None:
            return None
        return self._number(select(func.count()).select_from(preferred_hub).where(preferred_hub.c.list_id == number))

    def unscheduled(self) -> int:
        query = (
            select(func.count())
            .select_from(preferred_list)
            .join(preferred_hub, preferred_hub.c.list_id == preferred_list.c.id)
            .join(hub, hub.c.device_id == preferred_hub.c.device_id)
            .where(preferred_list.c.release_id == self._release, preferred_list.c.supplier == self._supplier)
        )
        scheduled = self._named_for_me(Stage.PILOT)
        kept = exists().where(protected_hub.c.device_id == hub.c.device_id, protected_hub.c.supplier == self._supplier)
        return self._number(query.where(self._fits, responsible_sql(self._supplier), ~scheduled, ~kept))

    def settled(self) -> int:
        """Count what there is nothing to instruct of any more: it is named, or protected."""
        named = self._named()
        settled = union(
            select(named.c.device_id).where(named.c.supplier == self._supplier),
            select(protected_hub.c.device_id).where(protected_hub.c.supplier == self._supplier),
        ).subquery()
        query = select(func.count()).select_from(settled).join(hub, hub.c.device_id == settled.c.device_id)
        return self._number(query.where(self._fits, responsible_sql(self._supplier)))

    def _named(self) -> FromClause:
        """Return every hub that is named for a supplier: by its own instructions, or by DCC on its behalf."""
        own = (
            select(instruction_hub.c.device_id, instruction.c.supplier, instruction.c.stage)
            .join_from(instruction, instruction_hub, instruction_hub.c.instruction_id == instruction.c.id)
            .where(instruction.c.release_id == self._release)
        )
        pilot = literal(Stage.PILOT.value, instruction.c.stage.type).label("stage")
        by_dcc = (
            select(selected_hub.c.device_id, pilot_selection.c.supplier, pilot)
            .join_from(pilot_selection, selected_hub, selected_hub.c.selection_id == pilot_selection.c.id)
            .where(pilot_selection.c.release_id == self._release)
        )
        return union_all(own, by_dcc).subquery()

    def _named_for_me(self, stage: Stage) -> Exists:
        """Whether the hub is named for the supplier itself in a stage."""
        named = self._named()
        mine = named.c.supplier == self._supplier, named.c.stage == stage
        return exists().where(named.c.device_id == hub.c.device_id, *mine)

    def _number(self, query: Select[Any]) -> int:
        return int(self._connection.execute(query).scalar_one())


def remaining(connection: Connection, release: Release, regions: Iterable[str]) -> int:
    """Count the hubs in these regions that the release may be applied to and that are not active under it."""
    query = select(func.count()).select_from(hub).where(fits_sql(release), hub.c.csp_region.in_(sorted(regions)))
    return int(connection.execute(query).scalar_one())


def default_list_regions(connection: Connection, release_id: str) -> frozenset[str]:
    """Return the regions whose CSP has uploaded its pilot list."""
    query = select(default_list.c.csp_region).where(default_list.c.release_id == release_id)
    return frozenset(connection.execute(query).scalars())


def schedule_regions(connection: Connection, release_id: str, stage: Stage) -> frozenset[str]:
    """Return the regions whose CSP has uploaded its schedule of this stage."""
    here = (default_schedule.c.release_id == release_id, default_schedule.c.stage == stage)
    return frozenset(connection.execute(select(default_schedule.c.csp_region).where(*here)).scalars())
