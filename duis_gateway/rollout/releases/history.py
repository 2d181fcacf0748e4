"""What happened to each release, line by line: for people, for the status of releases, and to do things once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from duis_gateway.rollout.releases.lifecycle import Event
from duis_gateway.rollout.releases.records import Release, ReleaseState
from duis_gateway.rollout.rollout_decisions.records import ReleaseEvent
from duis_gateway.store.rollout_tables import past_date, release_event
from duis_gateway.store.upsert import upsert_one
from duis_gateway.text.times import show_time

_COLUMNS = (
    release_event.c.release_id,
    release_event.c.at,
    release_event.c.event,
    release_event.c.state,
    release_event.c.paused,
    release_event.c.by_whom,
    release_event.c.commentary,
)


def record(connection: Connection, event: ReleaseEvent) -> None:
    """Add a line."""
    values = {
        "release_id": event.release_id,
        "at": event.at,
        "event": event.event,
        "state": event.state,
        "paused": event.paused,
        "by_whom": event.by,
        "commentary": event.commentary,
    }
    connection.execute(insert(release_event).values(**values))


def of_release(connection: Connection, release_id: str) -> list[ReleaseEvent]:
    """Return what happened to the release, the oldest line first."""
    query = select(*_COLUMNS).where(release_event.c.release_id == release_id).order_by(release_event.c.id)
    return [ReleaseEvent(row[0], row[1], row[2], ReleaseState(row[3]), *row[4:]) for row in connection.execute(query)]


def newest(connection: Connection, release_id: str, *events: str) -> ReleaseEvent | None:
    """Return the last time that one of these happened to the release, or None."""
    mine = (release_event.c.release_id == release_id, release_event.c.event.in_(events))
    row = connection.execute(select(*_COLUMNS).where(*mine).order_by(release_event.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _event(row)


def paused_since(connection: Connection, release: Release) -> datetime | None:
    """Return from when the release has been paused without a break, None where it is not."""
    if not release.paused:
        return None
    mine = release_event.c.release_id == release.release_id
    went_on = select(func.max(release_event.c.id)).where(mine, release_event.c.paused.is_(False)).scalar_subquery()
    query = select(func.min(release_event.c.at)).where(mine, release_event.c.id > func.coalesce(went_on, 0))
    since: datetime | None = connection.execute(query).scalar_one()
    return since


def was_paused(connection: Connection, release_id: str, at: datetime) -> bool:
    """Whether the release was paused just before this moment."""
    before = release_event.c.release_id == release_id, release_event.c.at < at
    last = select(release_event.c.paused).where(*before).order_by(release_event.c.id.desc()).limit(1)
    return bool(connection.execute(last).scalar_one_or_none())


def pilot_never_was(connection: Connection, release: Release) -> bool:
    """Whether safe launch began without the pilot that the release has: its period was over before it could begin."""
    if release.pilot is None or release.state is not ReleaseState.SAFE_LAUNCH:
        return False
    return newest(connection, release.release_id, Event.PILOT_BEGINS) is None


def revision_event(revision: int) -> str:
    """Return what the history says of a notice that revises a release."""
    return f"{_REVISED} {revision}"


NOTIFIED = "notified"
_REVISED = "revised to"
_OF_NOTICES = (NOTIFIED, _REVISED)


def with_moved_date(commentary: str | None, before: Release, after: Release) -> str | None:
    """Return what the history says beside an event, with the automatic dates old and new where the event moved it."""
    if before.automatic_date == after.automatic_date:
        return commentary
    moved = f"the automatic date is {show_time(after.automatic_date)}, and was {show_time(before.automatic_date)}"
    return "; ".join(filter(None, ((commentary or "").rstrip(". "), moved)))


TOLD_TO_SUPPLIERS = frozenset(Event) - {Event.INCIDENT}
"""What happens to a release that suppliers are told of: of others' incidents, and what DCC is asked, they are not."""


def told_to_suppliers(events: Iterable[ReleaseEvent]) -> list[ReleaseEvent]:
    """Return those lines of a release's history of which every supplier that it concerns is told, and its notices."""
    return [one for one in events if one.event in TOLD_TO_SUPPLIERS or one.event.startswith(_OF_NOTICES)]


def note_past_dates(connection: Connection, release_id: str, dates: Iterable[datetime], at: datetime) -> None:
    """Keep that the notice which has just come put each of these dates into the past."""
    for date in dates:
        upsert_one(connection, past_date, {"release_id": release_id, "date": date, "noticed_at": at})


def past_dates(connection: Connection, release_id: str, dates: Iterable[datetime]) -> dict[datetime, datetime]:
    """Return those of the dates that a notice put into the past, each with when the newest such notice came."""
    mine = past_date.c.release_id == release_id, past_date.c.date.in_(tuple(dates))
    query = select(past_date.c.date, past_date.c.noticed_at).where(*mine)
    return {row.date: row.noticed_at for row in connection.execute(query)}


def _event(row: Row[*tuple[Any, ...]]) -> ReleaseEvent:
    return ReleaseEvent(row[0], row[1], row[2], ReleaseState(row[3]), *row[4:])
