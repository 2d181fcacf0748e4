"""Firmware releases, and the hubs that they mark."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    union_all,
    update,
)

from duis_gateway.rollout.hubs.device_models import model_numbers
from duis_gateway.rollout.releases.lifecycle import Event
from duis_gateway.rollout.releases.records import (
    LIVE_STATES,
    FailureThreshold,
    HubMark,
    Period,
    PilotTerms,
    Release,
    ReleaseState,
    ReleaseType,
)
from duis_gateway.store.bulk import insert_many
from duis_gateway.store.rollout_tables import failure_threshold, permitted_predecessor, release_event
from duis_gateway.store.tables import device_model, release_hub
from duis_gateway.store.tables import release as release_table
from duis_gateway.store.upsert import upsert_one

_BY_WEIGHT = (HubMark.FRIENDLY, HubMark.PROVING, HubMark.EXCLUDED)
"""Of several marks on one hub the last of these counts."""

_THRESHOLD_COLUMNS = tuple(field.name for field in fields(FailureThreshold))


def find(connection: Connection, release_id: str) -> Release | None:
    """Return the release, or None."""
    return _first(_read(connection, _FIND, {"wanted": release_id}))


def model_of(connection: Connection, release_id: str) -> tuple[str, str] | None:
    """Return the manufacturer and model that a release is for, or None: of the release itself nothing is read."""
    query = (
        select(device_model.c.manufacturer, device_model.c.model)
        .join_from(release_table, device_model, device_model.c.id == release_table.c.model_id)
        .where(release_table.c.release_id == release_id)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.manufacturer, row.model)


def all_releases(connection: Connection) -> list[Release]:
    """Return every release, the newest notice first."""
    return _read(connection, _NEWEST_FIRST)


def live(connection: Connection) -> list[Release]:
    """Return the releases that are not over, the newest notice first."""
    return _read(connection, _LIVE)


def beside(connection: Connection, release_id: str) -> list[Release]:
    """Return the other releases that are not over, for the model of this one if it is not over either."""
    return _read(connection, _BESIDE, {"wanted": release_id})


def by_version(connection: Connection, manufacturer: str, model: str, version: str) -> Release | None:
    """Return the newest release that brings this version to this model, whatever its state, or None."""
    return _first(_read(connection, _BY_VERSION, {"made_by": manufacturer, "of_model": model, "version": version}))


def put(connection: Connection, release: Release, marks: Mapping[HubMark, Sequence[int]]) -> None:
    """Write a release as its newest notice has it, with its state, in the place of what is there.

    Of several marks on one hub excluded counts before proving, and proving before friendly.
    """
    upsert_one(connection, release_table, _values(connection, release))
    of_release = permitted_predecessor.c.release_id == release.release_id
    connection.execute(delete(permitted_predecessor).where(of_release))
    permitted = ((release.release_id, version) for version in release.permitted_predecessors)
    insert_many(connection, permitted_predecessor, ("release_id", "firmware_version"), permitted)
    _put_threshold(connection, release)
    connection.execute(delete(release_hub).where(release_hub.c.release_id == release.release_id))
    marked = {device_id: mark for mark in _BY_WEIGHT for device_id in marks.get(mark, ())}
    rows = ((release.release_id, device_id, str(mark)) for device_id, mark in marked.items())
    insert_many(connection, release_hub, ("release_id", "device_id", "mark"), rows)


def _put_threshold(connection: Connection, release: Release) -> None:
    threshold = release.failure_threshold
    if threshold is None:
        connection.execute(delete(failure_threshold).where(failure_threshold.c.release_id == release.release_id))
        return
    upsert_one(connection, failure_threshold, {"release_id": release.release_id, **asdict(threshold)})


def marks(connection: Connection, release_id: str) -> dict[HubMark, tuple[int, ...]]:
    """Return the hubs that the release marks, by their mark; a mark that no hub has is absent."""
    query = select(release_hub.c.mark, release_hub.c.device_id).where(release_hub.c.release_id == release_id)
    found: defaultdict[HubMark, list[int]] = defaultdict(list)
    for mark, device_id in connection.execute(query):
        found[HubMark(mark)].append(device_id)
    return {mark: tuple(sorted(ids)) for mark, ids in found.items()}


def set_state(connection: Connection, release_id: str, state: ReleaseState, paused: bool) -> bool:
    """Move a release to a state; return whether it exists."""
    change = update(release_table).where(release_table.c.release_id == release_id).values(state=state, paused=paused)
    return connection.execute(change).rowcount == 1


def move(connection: Connection, release: Release) -> None:
    """Write where a release stands: its state, its pause and its automatic date."""
    values = {"state": release.state, "paused": release.paused, "automatic_date": release.automatic_date}
    connection.execute(update(release_table).where(release_table.c.release_id == release.release_id).values(**values))


def _first(found: list[Release]) -> Release | None:
    return found[0] if found else None


def _read(connection: Connection, query: Select[Any], bound: Mapping[str, Any] | None = None) -> list[Release]:
    rows = connection.execute(query, bound).all()
    if not rows:
        return []
    permitted: defaultdict[str, set[str]] = defaultdict(set)
    later: defaultdict[str, set[str]] = defaultdict(set)
    for release_id, version, is_later in connection.execute(_VERSIONS, {"ids": [row.release_id for row in rows]}):
        (later if is_later else permitted)[release_id].add(version)
    return [_release(row, frozenset(permitted[row.release_id]), frozenset(later[row.release_id])) for row in rows]


# Put together once: most messages that come in run some of them.

_PERMITTED = select(
    permitted_predecessor.c.release_id, permitted_predecessor.c.firmware_version, literal_column("0").label("later")
)

_LATER_RELEASE = release_table.alias()
_LATER = select(release_table.c.release_id, _LATER_RELEASE.c.firmware_version, literal_column("1")).where(
    _LATER_RELEASE.c.model_id == release_table.c.model_id,
    or_(
        _LATER_RELEASE.c.notified_at > release_table.c.notified_at,
        and_(
            _LATER_RELEASE.c.notified_at == release_table.c.notified_at,
            _LATER_RELEASE.c.number > release_table.c.number,
        ),
    ),
    exists().where(release_event.c.release_id == _LATER_RELEASE.c.release_id, release_event.c.event == Event.APPROVED),
)
"""The versions of releases for the model that were notified after a release, and that DCC approved at some time."""


_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_VERSIONS = union_all(
    _PERMITTED.where(permitted_predecessor.c.release_id.in_(_IDS)), _LATER.where(release_table.c.release_id.in_(_IDS))
)

_SELECT = (
    select(
        release_table,
        device_model.c.manufacturer,
        device_model.c.model,
        *(failure_threshold.c[name] for name in _THRESHOLD_COLUMNS),
    )
    .join_from(release_table, device_model, device_model.c.id == release_table.c.model_id)
    .outerjoin(failure_threshold, failure_threshold.c.release_id == release_table.c.release_id)
)
_FIND = _SELECT.where(release_table.c.release_id == bindparam("wanted"))
_NEWEST_FIRST = _SELECT.order_by(release_table.c.notified_at.desc(), release_table.c.number.desc())
_NEXT_NUMBER = select(func.coalesce(func.max(release_table.c.number), 0) + 1)
_LIVE = _NEWEST_FIRST.where(release_table.c.state.in_(sorted(LIVE_STATES)))
_SAME = release_table.alias()
_BESIDE = _LIVE.where(
    release_table.c.release_id != bindparam("wanted"),
    release_table.c.model_id
    == select(_SAME.c.model_id)
    .where(_SAME.c.release_id == bindparam("wanted"), _SAME.c.state.in_(sorted(LIVE_STATES)))
    .scalar_subquery(),
)
_BY_VERSION = _NEWEST_FIRST.where(
    device_model.c.manufacturer == bindparam("made_by"),
    device_model.c.model == bindparam("of_model"),
    release_table.c.firmware_version == bindparam("version"),
).limit(1)


def _values(connection: Connection, given: Release) -> dict[str, Any]:
    pair = (given.manufacturer, given.model)
    pilot = given.pilot
    return {
        "release_id": given.release_id,
        "revision": given.revision,
        "release_type": given.release_type,
        "model_id": model_numbers(connection, [pair])[pair],
        "firmware_version": given.firmware_version,
        "release_note": given.release_note,
        "severity": given.severity,
        "priority": given.priority,
        "number": given.number or connection.execute(_NEXT_NUMBER).scalar_one(),
        "notified_at": given.notified_at,
        "automatic_date": given.automatic_date,
        "pilot_start": pilot and pilot.period.start,
        "pilot_end": pilot and pilot.period.end,
        "pilot_limit": pilot and pilot.limit,
        "pilot_minimum": pilot and pilot.minimum,
        "pilot_share_percent": pilot and pilot.share_percent,
        "pilot_share_by": pilot and pilot.share_by,
        "obligations": given.obligations,
        "state": given.state,
        "paused": given.paused,
    }


def _release(row: Row[Any], permitted: frozenset[str], later: frozenset[str]) -> Release:
    return Release(
        release_id=row.release_id,
        revision=row.revision,
        release_type=ReleaseType(row.release_type),
        manufacturer=row.manufacturer,
        model=row.model,
        firmware_version=row.firmware_version,
        release_note=row.release_note,
        severity=row.severity,
        priority=row.priority,
        number=row.number,
        notified_at=row.notified_at,
        automatic_date=row.automatic_date,
        pilot=_pilot(row),
        obligations=row.obligations,
        state=ReleaseState(row.state),
        paused=row.paused,
        failure_threshold=None if row.share_percent is None else threshold_of(row),
        permitted_predecessors=permitted,
        later_versions=later,
    )


def threshold_of(row: Row[Any]) -> FailureThreshold:
    """Return the failure threshold in a row that has its columns."""
    return FailureThreshold(*(getattr(row, name) for name in _THRESHOLD_COLUMNS))


def _pilot(row: Row[Any]) -> PilotTerms | None:
    if row.pilot_start is None:
        return None
    return PilotTerms(
        period=Period(row.pilot_start, row.pilot_end),
        limit=row.pilot_limit,
        minimum=row.pilot_minimum,
        share_percent=row.pilot_share_percent,
        share_by=row.pilot_share_by,
    )
