"""The events of hubs: one head for all hubs to which the same happened at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Text, and_, bindparam, delete, func, insert, select

from duis_gateway.rollout.hub_events.records import (
    DATE_ENDED,
    DATE_TAKEN_BACK,
    Ended,
    Happened,
    HubEvent,
    ToldDeviation,
)
from duis_gateway.rollout.plans.records import VoidReason
from duis_gateway.rollout.releases.records import Period, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from duis_gateway.store.bulk import id_list, insert_ids, stored_columns
from duis_gateway.store.rollout_tables import hub_event, hub_event_hub
from duis_gateway.store.types import unsigned

_HUBS_AT_ONCE = 50_000
"""How many hubs one event has at most: what is pruned goes event by event."""


def note(connection: Connection, event: HubEvent, ids: Iterable[int]) -> None:
    """Keep that this happened to these hubs; nothing where there are none."""
    left = iter(ids)
    while some := list(islice(left, _HUBS_AT_ONCE)):
        insert_ids(connection, hub_event_hub, "event_id", _noted(connection, event), some)


def _noted(connection: Connection, event: HubEvent) -> int:
    new = insert(hub_event).values(
        release_id=event.release_id,
        supplier=event.supplier,
        what=event.what,
        at=event.at,
        noted_at=event.noted_at,
        stage=event.stage,
        group_id=event.group_id,
        starts=event.period and event.period.start,
        ends=event.period and event.period.end,
        word=event.word,
        reason=event.reason,
    )
    return int(connection.execute(new.returning(hub_event.c.id)).scalar_one())


def of_hub(connection: Connection, device_id: int) -> list[HubEvent]:
    """Return what happened to a hub, what was noted last first."""
    query = (
        select(hub_event)
        .join_from(hub_event_hub, hub_event, hub_event.c.id == hub_event_hub.c.event_id)
        .where(hub_event_hub.c.device_id == device_id, hub_event.c.what != Happened.UNDER_WAY)
        .order_by(hub_event.c.id.desc())
    )
    return [_event(row) for row in connection.execute(query)]


def left_groups(
    connection: Connection, release_id: str, ids: Iterable[int], now: datetime
) -> Iterator[tuple[HubEvent, list[int]]]:
    """Yield the groups in which these hubs were until this moment, each with those of the hubs that were in it."""
    query = (
        select(hub_event)
        .where(
            hub_event.c.release_id == release_id,
            hub_event.c.noted_at == now,
            hub_event.c.what == Happened.INSTRUCTED,
        )
        .order_by(hub_event.c.id)
    )
    heads = {row.id: _event(row) for row in connection.execute(query)}
    if heads:
        for number, members in _members(connection, heads, ids).items():
            yield heads[number], members


def endings(connection: Connection, release_id: str) -> dict[int, tuple[int, Ended]]:
    """Return whose instructions under a release ended, and how, by the event's number, the oldest first.

    `OF_DCC`: DCC's batches, but for those that had planned nothing (`DATE_TAKEN_BACK`, `DATE_ENDED`).
    """
    reasons = _refusals(connection, release_id)
    return {
        row.id: (
            row.supplier,
            Ended(
                row.word,
                row.at,
                row.what == Happened.CHOICE_ENDED,
                row.ends,
                reasons.get(tuple(row)[-len(_GROUP) :]) if row.word == VoidReason.REFUSED_BY_CSP else None,
            ),
        )
        for row in connection.execute(_ENDINGS, {"release": release_id})
    }


# Put together once: every 11.6 and every activation runs them.

_RELEASE = bindparam("release", type_=Text())
_GROUP = (hub_event.c.supplier, hub_event.c.stage, hub_event.c.group_id, hub_event.c.noted_at)
"""What a group's end has in common with what CSPs had said of it."""

_ENDINGS = (
    select(hub_event.c.id, hub_event.c.what, hub_event.c.at, hub_event.c.ends, hub_event.c.word, *_GROUP)
    .where(
        hub_event.c.release_id == _RELEASE,
        hub_event.c.what.in_((Happened.ENDED, Happened.CHOICE_ENDED)),
        hub_event.c.word.not_in((DATE_TAKEN_BACK, DATE_ENDED)),
    )
    .order_by(hub_event.c.id)
)
_REFUSALS = select(*_GROUP, hub_event.c.reason).where(
    hub_event.c.release_id == _RELEASE,
    hub_event.c.what == Happened.DECIDED,
    hub_event.c.word == GroupDecision.REFUSED,
)
_TOLD_VOID = (
    select(hub_event.c.id, hub_event.c.supplier, hub_event.c.at)
    .where(
        hub_event.c.release_id == _RELEASE,
        hub_event.c.what == Happened.VOID,
        hub_event.c.word == bindparam("told"),
    )
    .order_by(hub_event.c.id)
)


def _refusals(connection: Connection, release_id: str) -> dict[tuple[Any, ...], str]:
    """Return why CSPs had refused groups that have ended, where they gave one reason alone."""
    found: defaultdict[tuple[Any, ...], set[str | None]] = defaultdict(set)
    for *group, reason in connection.execute(_REFUSALS, {"release": release_id}):
        found[tuple(group)].add(reason)
    return {group: reason for group, (reason, *more) in found.items() if reason and not more}


def endings_of(
    connection: Connection, heads: Mapping[int, tuple[int, Ended]], ids: Iterable[int]
) -> dict[int, dict[int, Ended]]:
    """Return how instructions of these hubs ended, by hub and supplier (`heads`: `endings`).

    Of several it is the one that could move the hub last: one that was over before then may have been taken back since.
    """
    found: defaultdict[int, dict[int, Ended]] = defaultdict(dict)
    for number, members in sorted(_members(connection, heads, ids).items()) if heads else ():
        supplier, ended = heads[number]
        for device_id in members:
            known = found[device_id].get(supplier)
            if known is None or known.since <= ended.since:
                found[device_id][supplier] = ended
    return found


def told_void(connection: Connection, release_id: str, word: str) -> dict[int, tuple[int, datetime]]:
    """Return who was told that hubs are void for this reason, and when, by the event's number, the oldest first."""
    rows = connection.execute(_TOLD_VOID, {"release": release_id, "told": word})
    return {row.id: (row.supplier, row.at) for row in rows}


def told_void_of(
    connection: Connection, heads: Mapping[int, tuple[int, datetime]], ids: Iterable[int]
) -> dict[int, dict[int, datetime]]:
    """Return when that was told of these hubs last, by hub and supplier (`heads`: `told_void`)."""
    found: defaultdict[int, dict[int, datetime]] = defaultdict(dict)
    for number, members in sorted(_members(connection, heads, ids).items()) if heads else ():
        supplier, at = heads[number]
        for device_id in members:
            found[device_id][supplier] = at
    return found


def deviations(connection: Connection, release_id: str) -> dict[int, ToldDeviation]:
    """Return who was told of what kind of deviation under a release, by the number of the event, the oldest first."""
    query = (
        select(hub_event.c.id, hub_event.c.supplier, hub_event.c.word, hub_event.c.starts)
        .where(hub_event.c.release_id == release_id, hub_event.c.what == Happened.OFF_PLAN)
        .order_by(hub_event.c.id)
    )
    return {row.id: ToldDeviation(row.supplier, row.word, row.starts) for row in connection.execute(query)}


def deviations_of(
    connection: Connection, heads: Mapping[int, ToldDeviation], ids: Iterable[int]
) -> dict[int, list[ToldDeviation]]:
    """Return who was told of what deviations of these hubs, by hub, the oldest first (`heads`: `deviations`)."""
    found: defaultdict[int, list[ToldDeviation]] = defaultdict(list)
    for number, members in sorted(_members(connection, heads, ids).items()) if heads else ():
        for device_id in members:
            found[device_id].append(heads[number])
    return found


def under_way(connection: Connection, release_id: str, ids: Iterable[int]) -> frozenset[int]:
    """Return those of the hubs that moved already when the release was paused."""
    heads = connection.execute(_under_way(release_id)).scalars().all()
    found = _members(connection, heads, ids) if heads else {}
    return frozenset(device_id for members in found.values() for device_id in members)


def forget_under_way(connection: Connection, release_id: str) -> None:
    """Keep no longer which hubs moved when the release was paused: the pause is over."""
    for number in connection.execute(_under_way(release_id)).scalars().all():
        forget(connection, number)


def _under_way(release_id: str) -> Select[int]:
    return select(hub_event.c.id).where(hub_event.c.release_id == release_id, hub_event.c.what == Happened.UNDER_WAY)


def _members(connection: Connection, heads: Collection[int], ids: Iterable[int]) -> dict[int, list[int]]:
    """Return those of the hubs that these events are about, by event; looked up by hub, of which each has few."""
    wanted = id_list(connection, ids)
    query = select(hub_event_hub.c.event_id, hub_event_hub.c.device_id).join_from(
        wanted, hub_event_hub, hub_event_hub.c.device_id == wanted.c.value
    )
    number, device = stored_columns(connection, query)
    found: defaultdict[int, list[int]] = defaultdict(list)
    for event, device_id in zip(number, unsigned(device), strict=True):
        if event in heads:
            found[event].append(device_id)
    return found


def count_old(connection: Connection, until: datetime) -> int:
    """Return how many events were noted before then."""
    query = select(func.count()).select_from(hub_event).where(_is_old(until))
    return int(connection.execute(query).scalar_one())


def _is_old(until: datetime) -> ColumnElement[bool]:
    """What a pause needs stays as long as it lasts."""
    return and_(hub_event.c.noted_at < until, hub_event.c.what != Happened.UNDER_WAY)


def oldest(connection: Connection, until: datetime) -> int | None:
    """Return the number of the oldest event, if it was noted before then."""
    old = select(hub_event.c.id).where(_is_old(until)).order_by(hub_event.c.noted_at).limit(1)
    return connection.execute(old).scalar_one_or_none()


def forget(connection: Connection, number: int) -> int:
    """Remove an event, with its hubs, and return how many events went: none where another has removed it."""
    connection.execute(delete(hub_event_hub).where(hub_event_hub.c.event_id == number))
    return connection.execute(delete(hub_event).where(hub_event.c.id == number)).rowcount


def _event(row: Row[Any]) -> HubEvent:
    return HubEvent(
        row.release_id,
        row.supplier,
        Happened(row.what),
        row.at,
        row.noted_at,
        None if row.stage is None else Stage(row.stage),
        row.group_id,
        None if row.starts is None else Period(row.starts, row.ends),
        row.word,
        row.reason,
    )
