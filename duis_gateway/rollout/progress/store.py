"""How far releases are, counted: with all hubs, by region and by supplier, and for a supplier with its own.

The hubs are counted by kind, from indexes, and each kind is judged by the one rule; what only outcomes tell (which
have failed, and which were active before a later release came) is counted beside it. With 15 million hubs it takes
seconds: whoever shows it remembers it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, select, true, union

from duis_gateway.rollout.deadlines.scopes import live_releases
from duis_gateway.rollout.eligibility import ROLES, fits, fits_sql, later_sql, passes_sql, responsible_sql
from duis_gateway.rollout.estate.eligible_hubs import Scope, of_kind
from duis_gateway.rollout.estate.rules import HubState
from duis_gateway.rollout.estate.view import KindCount, counts_for_model
from duis_gateway.rollout.hubs.device_models import model_names
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.pilot_lists.membership import pilot_sql
from duis_gateway.rollout.progress.records import Breakdown, Far, OwnFar, Progress
from duis_gateway.rollout.progress.rules import (
    HubProgress,
    failed_sql,
    progress_of,
    progress_sql,
    updated_in_pilot_sql,
    was_activated_sql,
)
from duis_gateway.rollout.releases.records import Release
from duis_gateway.store.tables import hub


class HubCount(NamedTuple):
    """How many hubs there are of one kind; `supplier` None: nobody is registered in the role."""

    supplier: int | None
    model: tuple[str, str]
    csp_region: str
    firmware_version: str
    status: str
    device_type: str
    hubs: int

    @property
    def hub(self) -> Hub:
        """A hub of this kind, without its identity and its suppliers."""
        kind = (self.device_type, *self.model, self.firmware_version, self.status, self.csp_region)
        return Hub(0, *kind, import_supplier=None, gas_supplier=None)


@dataclass(frozen=True, slots=True)
class Estate:
    """All Communications Hubs: each once by its Import Supplier, and again by a Gas Supplier that is another party."""

    every: Sequence[HubCount]
    by_other_gas_supplier: Sequence[HubCount]


@dataclass(frozen=True, slots=True)
class Told:
    """What outcomes and lists tell of a release's hubs, and the inventory does not.

    Attributes:
        outcomes: those that failed, and those that were active before a later release came.
        pilot: how far it is with the hubs of its pilot, None without one.
        next_by: how many hubs that it has not updated other releases move before it.
    """

    outcomes: Breakdown
    pilot: Breakdown | None
    next_by: dict[str, int]


def estate_of(connection: Connection) -> Estate:
    """Count all Communications Hubs, by two indexes in their order."""
    kind = (hub.c.model_id, hub.c.csp_region, hub.c.firmware_version, hub.c.status, hub.c.device_type)
    names = model_names(connection)

    def counted(role: ColumnElement[int], *conditions: ColumnElement[bool]) -> list[HubCount]:
        query = select(role, *kind, func.count()).where(*conditions).group_by(role, *kind)
        return [HubCount(supplier, names[model], *rest) for supplier, model, *rest in connection.execute(query)]

    other = and_(hub.c.gas_supplier.is_not(None), hub.c.gas_supplier.is_distinct_from(hub.c.import_supplier))
    return Estate(counted(hub.c.import_supplier), counted(hub.c.gas_supplier, other))


def told_of(connection: Connection, release: Release, now: datetime) -> Told:
    """Count what `how_far` needs besides the inventory."""
    pilot = None if release.pilot is None else _gathered(_pilot(connection, release))
    outcomes = _gathered(_outcomes(connection, release))
    return Told(outcomes, pilot, _next_by_others(_of_all_hubs(connection, release, now), release))


def _of_all_hubs(connection: Connection, release: Release, now: datetime) -> list[KindCount]:
    """Count the hubs by the release that moves them next, where another one can."""
    model = (release.manufacturer, release.model)
    live = [one for one in live_releases(connection) if (one.manufacturer, one.model) == model]
    if all(one.release_id == release.release_id for one in live):
        return []
    return counts_for_model(connection, Scope(), live, now)


def _next_by_others(counts: Iterable[KindCount], release: Release) -> dict[str, int]:
    """Return how many hubs other releases move before this one, of those that it can be applied to, by release."""
    found: Counter[str] = Counter()
    for one in counts:
        elsewhere = one.release not in ("", release.release_id) and one.state not in _NOT_MOVED
        if elsewhere and fits(of_kind(one.kind), release):
            found[one.release] += one.hubs
    return dict(found)


_NOT_MOVED = (HubState.ACTIVATED, HubState.NOT_PLANNED)


def how_far(estate: Estate, release: Release, told: Told | None) -> Far:
    """Return how far a release is; without what outcomes tell, what the inventory alone shows."""
    own = [
        ((one.supplier, None), one.csp_region, counted)
        for one in estate.every
        if (counted := _of_kind(one.hub, one.hubs, release)) is not None
    ]
    of_second = [
        ((None, one.supplier), one.csp_region, counted)
        for one in estate.by_other_gas_supplier
        if (counted := _of_kind(one.hub, one.hubs, release)) is not None
    ]
    every = _gathered(own)
    seen = Breakdown(every.whole, every.by_region, _gathered((*own, *of_second)).by_supplier)
    if told is None:
        return Far(seen)
    whole = seen.with_outcomes(told.outcomes)
    rest = None if told.pilot is None else whole.without(told.pilot)
    return Far(whole, told.pilot, rest, told.next_by)


def own_far(connection: Connection, supplier: int, release: Release, counts: Sequence[KindCount]) -> OwnFar:
    """Return how far a release is with a supplier's hubs, which are in its status in these numbers."""
    seen = Progress()
    for one in counts:
        seen += _of_kind(of_kind(one.kind), one.hubs, release) or Progress()
    told = _gathered(_outcomes(connection, release, supplier))
    return OwnFar(seen.with_outcomes(told.whole), _next_by_others(counts, release))


def failed_of(connection: Connection, supplier: int, releases: Iterable[Release]) -> int:
    """Return how many of a supplier's hubs failed last under one of these releases or several, each counted once."""
    own = responsible_sql(supplier)
    under = [select(hub.c.device_id).where(failed_sql(one), fits_sql(one), own) for one in releases]
    every = union(*under).subquery() if under else None
    return 0 if every is None else connection.execute(select(func.count()).select_from(every)).scalar_one()


def _of_kind(one: Hub, hubs: int, release: Release) -> Progress | None:
    standing = progress_of(one, release)
    return None if standing is None else _progress(standing, hubs)


def _progress(standing: HubProgress, hubs: int) -> Progress:
    return Progress(
        hubs,
        hubs if standing is HubProgress.ACTIVATED else 0,
        hubs if standing is HubProgress.FAILED else 0,
        hubs if standing is HubProgress.PASSED_BY else 0,
    )


_Suppliers = tuple[int | None, int | None]
_Group = tuple[_Suppliers, str, Progress]
"""Import and Gas Supplier, region, and the progress of the hubs that have them."""


def _gathered(groups: Iterable[_Group]) -> Breakdown:
    whole = Progress()
    regions: defaultdict[str, Progress] = defaultdict(Progress)
    suppliers: defaultdict[int, Progress] = defaultdict(Progress)
    for both, region, own in groups:
        whole += own
        regions[region] += own
        for supplier in set(both):
            if supplier is not None:
                suppliers[supplier] += own
    return Breakdown(whole, dict(regions), dict(suppliers))


_KEYS = (*ROLES, hub.c.csp_region)


def _outcomes(connection: Connection, release: Release, supplier: int | None = None) -> Iterator[_Group]:
    """Count the hubs that failed last, and those that were active and have been updated by a later release since.

    The former are few and found by their index, the latter looked up one by one, where a later release was approved.
    """
    own = () if supplier is None else (responsible_sql(supplier),)
    failed = select(*_KEYS, func.count()).where(failed_sql(release), fits_sql(release), *own).group_by(*_KEYS)
    for importer, gas, region, number in connection.execute(failed):
        yield (importer, gas), region, Progress(failed=number)
    if release.later_versions:
        for whose in (true(),) if supplier is None else passes_sql(supplier):
            moved_on = select(*_KEYS, func.count()).where(whose, later_sql(release), was_activated_sql(release))
            for importer, gas, region, number in connection.execute(moved_on.group_by(*_KEYS)):
                yield (importer, gas), region, Progress(activated=number)


def _pilot(connection: Connection, release: Release) -> list[_Group]:
    """Count the hubs of the pilot: what is in it as things stand, and whatever it has updated, listed still or not."""
    members = hub.c.device_id.in_(union(*pilot_sql(release.release_id).selects, updated_in_pilot_sql(release)))
    standing = progress_sql(release).label("standing")
    each = select(*_KEYS, standing).where(members).subquery()
    query = select(each, func.count()).where(each.c.standing.is_not(None)).group_by(*each.c)
    return [
        ((importer, gas), region, _progress(HubProgress(word), number))
        for importer, gas, region, word, number in connection.execute(query)
    ]
