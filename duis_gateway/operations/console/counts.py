"""How far releases are, in numbers of hubs: all of them, by region and by supplier; and what failed, and when.

Counted from indexes, and remembered by the caller: with 15 million hubs it takes seconds.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    and_,
    func,
    literal_column,
    not_,
    or_,
    select,
    union,
)

from duis_gateway.rollout.activations.records import OutcomeStage
from duis_gateway.rollout.eligibility import ROLES, Unfit, fits_or_active_sql, fits_sql, in_use, unfit
from duis_gateway.rollout.hubs.device_models import model_names
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.releases.records import HubMark, Release
from duis_gateway.store.tables import (
    activation_outcome,
    default_hub,
    default_list,
    hub,
    preferred_hub,
    preferred_list,
    release_hub,
)

_MOST_REASONS = 50
_MOST_STEPS = 90
_STEPS = tuple(timedelta(hours=hours) for hours in (1, 6, 24, 7 * 24, 28 * 24, 364 * 24))


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
class Progress:
    """Of how many hubs how many run the release's version, and of the others how many failed last."""

    hubs: int = 0
    active: int = 0
    failed: int = 0

    def __add__(self, other: Progress) -> Progress:
        return Progress(self.hubs + other.hubs, self.active + other.active, self.failed + other.failed)

    def __sub__(self, other: Progress) -> Progress:
        return Progress(
            max(0, self.hubs - other.hubs), max(0, self.active - other.active), max(0, self.failed - other.failed)
        )


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Progress as a whole, by region and by supplier; a split hub counts for both of its suppliers."""

    whole: Progress
    by_region: Mapping[str, Progress]
    by_supplier: Mapping[int, Progress]

    def without(self, part: Breakdown) -> Breakdown:
        """Return the progress of the hubs that are not in a part of these."""
        nothing = Progress()
        return Breakdown(
            self.whole - part.whole,
            {name: own - part.by_region.get(name, nothing) for name, own in self.by_region.items()},
            {eui: own - part.by_supplier.get(eui, nothing) for eui, own in self.by_supplier.items()},
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """Hubs that failed for one reason at least once, whatever became of them since."""

    stage: str
    reason: str
    hubs: int


@dataclass(frozen=True, slots=True)
class Activations:
    """Successes that CSPs reported, by steps of time: step n begins `n * step` after `start`."""

    start: datetime
    step: timedelta
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ReleaseCounts:
    """What is counted for one release besides the estate."""

    pilot: Breakdown
    failed: Breakdown
    failures: Sequence[Failure]
    activations: Activations | None


def estate_of(connection: Connection) -> Estate:
    """Count all Communications Hubs, by two indexes in their order."""
    kind = (hub.c.model_id, hub.c.csp_region, hub.c.firmware_version, hub.c.status, hub.c.device_type)
    names = model_names(connection)

    def counted(role: ColumnElement[int], *conditions: ColumnElement[bool]) -> list[HubCount]:
        query = select(role, *kind, func.count()).where(*conditions).group_by(role, *kind)
        return [HubCount(supplier, names[model], *rest) for supplier, model, *rest in connection.execute(query)]

    other = and_(hub.c.gas_supplier.is_not(None), hub.c.gas_supplier.is_distinct_from(hub.c.import_supplier))
    return Estate(counted(hub.c.import_supplier), counted(hub.c.gas_supplier, other))


def progress_of(estate: Estate, release: Release, failed: Breakdown | None = None) -> Breakdown:
    """Return how far a release is with the hubs that it may be applied to, or has been."""
    whole = Progress()
    regions: defaultdict[str, Progress] = defaultdict(Progress)
    suppliers: defaultdict[int, Progress] = defaultdict(Progress)
    for one in estate.every:
        own = _progress(one, release)
        if own is not None:
            whole += own
            regions[one.csp_region] += own
            if one.supplier is not None:
                suppliers[one.supplier] += own
    for one in estate.by_other_gas_supplier:
        own = _progress(one, release)
        if own is not None and one.supplier is not None:
            suppliers[one.supplier] += own
    counted = Breakdown(whole, dict(regions), dict(suppliers))
    return counted if failed is None else _with_failures(counted, failed)


def _progress(one: HubCount, release: Release) -> Progress | None:
    match unfit(one.hub, release):
        case None:
            return Progress(one.hubs)
        case Unfit.ACTIVE:
            return Progress(one.hubs, one.hubs)
    return None


def _with_failures(counted: Breakdown, failed: Breakdown) -> Breakdown:
    return Breakdown(
        counted.whole + failed.whole,
        {name: own + failed.by_region.get(name, Progress()) for name, own in counted.by_region.items()},
        {eui: own + failed.by_supplier.get(eui, Progress()) for eui, own in counted.by_supplier.items()},
    )


def versions_of(estate: Estate) -> list[tuple[str, str, str, int]]:
    """Return the commissioned hubs by manufacturer, model and firmware version."""
    counted: Counter[tuple[str, str, str]] = Counter()
    for one in estate.every:
        if in_use(one.hub):
            counted[*one.model, one.firmware_version] += one.hubs
    return [(*kind, number) for kind, number in sorted(counted.items())]


def counts_of(connection: Connection, release: Release) -> ReleaseCounts:
    """Count a release's pilot, failures and activations."""
    return ReleaseCounts(
        _pilot(connection, release),
        _gathered(_failing(connection, release)),
        _failures(connection, release),
        _by_time(connection, release),
    )


_Group = tuple[int | None, int | None, str, Progress]
"""Import Supplier, Gas Supplier, region, and the progress of the hubs that have them."""


def _gathered(groups: Iterable[_Group]) -> Breakdown:
    whole = Progress()
    regions: defaultdict[str, Progress] = defaultdict(Progress)
    suppliers: defaultdict[int, Progress] = defaultdict(Progress)
    for importer, gas, region, own in groups:
        whole += own
        regions[region] += own
        for supplier in {importer, gas} - {None}:
            assert supplier is not None
            suppliers[supplier] += own
    return Breakdown(whole, dict(regions), dict(suppliers))


_KEYS = (*ROLES, hub.c.csp_region)


def _failing(connection: Connection, release: Release) -> list[_Group]:
    """Count the hubs that failed under the release and that it may still be applied to."""
    failed = _failed_ids(release)
    query = select(*_KEYS, func.count()).where(hub.c.device_id.in_(failed), fits_sql(release)).group_by(*_KEYS)
    return [(*row[:3], Progress(failed=row[3])) for row in connection.execute(query)]


def _failed_ids(release: Release) -> Select[tuple[int]]:
    return select(activation_outcome.c.device_id).where(
        activation_outcome.c.release_id == release.release_id, not_(activation_outcome.c.success)
    )


def _pilot(connection: Connection, release: Release) -> Breakdown:
    """Count the hubs of the pilot: on a preferred list, or on the default list of suppliers that sent none; proving."""
    if release.pilot is None:
        return _gathered(())
    members = hub.c.device_id.in_(_pilot_ids(release))
    waits = fits_sql(release).label("waits")
    failed = hub.c.device_id.in_(_failed_ids(release)).label("failed")
    query = (
        select(*_KEYS, waits, failed, func.count())
        .where(members, fits_or_active_sql(release))
        .group_by(*_KEYS, "waits", "failed")
    )
    groups: list[_Group] = []
    for importer, gas, region, is_waiting, has_failed, number in connection.execute(query):
        own = Progress(number, 0 if is_waiting else number, number if is_waiting and has_failed else 0)
        groups.append((importer, gas, region, own))
    return _gathered(groups)


def _pilot_ids(release: Release) -> CompoundSelect[tuple[int]]:
    mine = preferred_list.c.release_id == release.release_id
    senders = select(preferred_list.c.supplier).where(mine)
    listed = (
        select(preferred_hub.c.device_id)
        .join_from(preferred_list, preferred_hub, preferred_hub.c.list_id == preferred_list.c.id)
        .where(mine)
    )
    silent = [or_(role.is_(None), role.not_in(senders)) for role in ROLES]
    by_default = (
        select(default_hub.c.device_id)
        .join_from(default_list, default_hub, default_hub.c.list_id == default_list.c.id)
        .join(hub, hub.c.device_id == default_hub.c.device_id)
        .where(default_list.c.release_id == release.release_id, *silent)
    )
    proving = select(release_hub.c.device_id).where(
        release_hub.c.release_id == release.release_id, release_hub.c.mark == HubMark.PROVING
    )
    return union(listed, by_default, proving)


def _failures(connection: Connection, release: Release) -> list[Failure]:
    hubs = func.count(activation_outcome.c.device_id.distinct())
    kind = (activation_outcome.c.stage, activation_outcome.c.failure_reason)
    query = (
        select(*kind, hubs)
        .where(activation_outcome.c.release_id == release.release_id, not_(activation_outcome.c.success))
        .group_by(*kind)
        .order_by(hubs.desc(), *kind)
        .limit(_MOST_REASONS)
    )
    return [Failure(stage, reason or "", number) for stage, reason, number in connection.execute(query)]


def _by_time(connection: Connection, release: Release) -> Activations | None:
    """Count the activations by hours, days or weeks, each step by a range of the index."""
    at = activation_outcome.c.completed_at
    activated = and_(
        activation_outcome.c.release_id == release.release_id,
        activation_outcome.c.success,
        # As the index has it, so that the planner takes it.
        activation_outcome.c.stage == literal_column(f"'{OutcomeStage.ACTIVATION}'"),
    )
    ends = [
        connection.execute(select(at).where(activated).order_by(order).limit(1)).scalar_one_or_none()
        for order in (at, at.desc())
    ]
    first, last = ends
    if first is None or last is None:
        return None
    step = next((one for one in _STEPS if (last - first) / one < _MOST_STEPS), _STEPS[-1])
    start = first.replace(minute=0, second=0, microsecond=0)
    if step >= timedelta(days=1):
        start = start.replace(hour=0)
    numbers: list[int] = []
    while start + len(numbers) * step <= last:
        begin = start + len(numbers) * step
        query = select(func.count()).select_from(activation_outcome).where(activated, at >= begin, at < begin + step)
        numbers.append(connection.execute(query).scalar_one())
    return Activations(start, step, tuple(numbers))
