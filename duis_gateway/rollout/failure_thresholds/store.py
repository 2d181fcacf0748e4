"""What was counted of the hubs that fail under releases, by hours; and the pauses on which DCC has not decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select

from duis_gateway.rollout.activations.records import OutcomeStage
from duis_gateway.rollout.activations.store import newest_of
from duis_gateway.rollout.failure_thresholds.records import EarlierOutcome, Failures, HourCount, ProposedPause
from duis_gateway.rollout.releases.records import Release
from duis_gateway.rollout.releases.store import threshold_of
from duis_gateway.store.bulk import upsert_many
from duis_gateway.store.rollout_tables import failure_count, pause_proposal
from duis_gateway.store.tables import activation_outcome

_HOUR_COLUMNS = ("release_id", "hour", "after_outcome", "hubs", "failed")


def hours_since(connection: Connection, release_id: str, since: datetime) -> list[HourCount]:
    """Return what was counted under a release, by the hour, from this hour on."""
    query = select(*(failure_count.c[name] for name in _HOUR_COLUMNS[1:])).where(
        failure_count.c.release_id == release_id, failure_count.c.hour >= since
    )
    return [HourCount(*row) for row in connection.execute(query)]


def put_hours(connection: Connection, release_id: str, hours: Iterable[HourCount]) -> None:
    """Write hours in the place of what was counted in them before."""
    rows = ((release_id, one.hour, one.after, one.hubs, one.failed) for one in hours)
    upsert_many(connection, failure_count, _HOUR_COLUMNS, rows, _HOUR_COLUMNS[2:])


def begin_anew(connection: Connection, release_id: str) -> None:
    """Forget what was counted under a release: what is recorded from now on counts."""
    connection.execute(delete(failure_count).where(failure_count.c.release_id == release_id))


def changed(connection: Connection, release: Release) -> None:
    """Begin anew under the threshold that a revision brings.

    A pause that was proposed under the former one is proposed no more; but where the plan is held, DCC decides on that.
    """
    if release.paused:
        begin_anew(connection, release.release_id)
    else:
        answer(connection, release.release_id)


def last_outcome(connection: Connection) -> int:
    """Return the number of the outcome that was recorded last, 0 where none was."""
    return int(connection.execute(select(func.coalesce(func.max(activation_outcome.c.id), 0))).scalar_one())


def earlier_outcomes(connection: Connection, release_id: str, device_ids: Iterable[int]) -> list[EarlierOutcome]:
    """Return the newest outcome recorded under a release of each of these hubs that has any."""
    newest = newest_of(connection, device_ids, release_id)
    query = select(
        activation_outcome.c.id,
        activation_outcome.c.received_at,
        activation_outcome.c.stage,
        activation_outcome.c.success,
    ).join_from(newest, activation_outcome, activation_outcome.c.id == newest.c.id)
    return [EarlierOutcome(row[0], row[1], OutcomeStage(row[2]), row[3]) for row in connection.execute(query)]


def put_proposal(connection: Connection, proposed: ProposedPause) -> None:
    """Keep that a pause was proposed to DCC."""
    values = {
        "release_id": proposed.release_id,
        "proposed_at": proposed.at,
        "hubs": proposed.failures.hubs,
        "failed": proposed.failures.failed,
        **asdict(proposed.threshold),
    }
    connection.execute(insert(pause_proposal).values(**values))


def find_proposal(connection: Connection, release_id: str) -> ProposedPause | None:
    """Return the pause on which DCC has not decided, None where none is proposed."""
    row = connection.execute(select(pause_proposal).where(pause_proposal.c.release_id == release_id)).one_or_none()
    if row is None:
        return None
    return ProposedPause(release_id, row.proposed_at, Failures(row.hubs, row.failed), threshold_of(row))


def answer(connection: Connection, release_id: str) -> None:
    """Keep that DCC has decided, or that the release is over: nothing is proposed any more, nothing counted."""
    connection.execute(delete(pause_proposal).where(pause_proposal.c.release_id == release_id))
    begin_anew(connection, release_id)
