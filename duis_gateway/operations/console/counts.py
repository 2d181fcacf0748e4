"""What is shown of releases in numbers of hubs besides how far they are: what failed, when, and which versions run.

Counted from indexes, and remembered by the caller: with 15 million hubs it takes seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, not_, select

from duis_gateway.rollout.eligibility import in_use
from duis_gateway.rollout.progress.rules import SUCCESS
from duis_gateway.rollout.progress.store import Estate, Told, told_of
from duis_gateway.rollout.releases.records import Release
from duis_gateway.store.tables import activation_outcome

_MOST_REASONS = 50
_MOST_STEPS = 90
_STEPS = tuple(timedelta(hours=hours) for hours in (1, 6, 24, 7 * 24, 28 * 24, 364 * 24))


@dataclass(frozen=True, slots=True)
class Failure:
    """Hubs that failed for one reason at least once, whatever became of them since; `stage`: of what, or of both."""

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

    told: Told
    failures: Sequence[Failure]
    activations: Activations | None


def versions_of(estate: Estate) -> list[tuple[str, str, str, int]]:
    """Return the commissioned hubs by manufacturer, model and firmware version."""
    counted: Counter[tuple[str, str, str]] = Counter()
    for one in estate.every:
        if in_use(one.hub):
            counted[*one.model, one.firmware_version] += one.hubs
    return [(*kind, number) for kind, number in sorted(counted.items())]


def counts_of(connection: Connection, release: Release, now: datetime) -> ReleaseCounts:
    """Count a release's pilot, failures and activations."""
    told = told_of(connection, release, now)
    return ReleaseCounts(told, _failures(connection, release), _by_time(connection, release))


def _failures(connection: Connection, release: Release) -> list[Failure]:
    hubs = func.count(activation_outcome.c.device_id.distinct())
    stage, reason = activation_outcome.c.stage, activation_outcome.c.failure_reason
    # The two stages together: a hub that failed in both for this reason is one hub, and stands once in the list.
    query = (
        select(reason, func.min(stage), func.max(stage), hubs)
        .where(activation_outcome.c.release_id == release.release_id, not_(activation_outcome.c.success))
        .group_by(reason)
        .order_by(hubs.desc(), reason)
        .limit(_MOST_REASONS)
    )
    return [
        Failure(one if one == other else f"{other}, {one}", why or "", number)
        for why, one, other, number in connection.execute(query)
    ]


def _by_time(connection: Connection, release: Release) -> Activations | None:
    """Count the activations by hours, days or weeks, each step by a range of the index."""
    at = activation_outcome.c.completed_at
    activated = and_(activation_outcome.c.release_id == release.release_id, *SUCCESS)
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
