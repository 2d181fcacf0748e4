"""Hubs that DCC named itself (X08): batches, and what it chose on suppliers' behalf."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, Table, bindparam, delete, insert, or_, select

from duis_gateway.rollout.eligibility import responsible_sql
from duis_gateway.rollout.hub_events import store as events
from duis_gateway.rollout.hub_events.records import (
    DATE_ENDED,
    DATE_TAKEN_BACK,
    OF_DCC,
    TAKEN_BACK,
    Ending,
    Happened,
    HubEvent,
)
from duis_gateway.rollout.periods import is_over, is_over_sql, to_come_sql
from duis_gateway.rollout.plans.records import VoidReason
from duis_gateway.rollout.releases.records import Period, Stage
from duis_gateway.rollout.rollout_decisions.records import DirectGroup
from duis_gateway.store.bulk import (
    id_list,
    insert_ids,
    insert_ids_with,
    of_head,
    stored_columns,
)
from duis_gateway.store.rollout_tables import batch, batch_hub, pilot_selection, selected_hub
from duis_gateway.store.tables import hub
from duis_gateway.store.types import unsigned


def put_batch(connection: Connection, group: DirectGroup) -> None:
    """Keep a batch, in the place of the one of the same release and name."""
    key = {"release_id": group.release_id, "group_id": group.group_id}
    had_a_period = _with_a_period(connection, group) if group.period is None else {}
    _end(connection, batch, batch_hub, _equal(batch, key), Ending(group.received_at, TAKEN_BACK), staying=group)
    for was, ids in had_a_period.items():
        events.note(connection, _period_gone(was, group.received_at), ids)
    number = _put(connection, batch, key, group)
    insert_ids(connection, batch_hub, "batch_id", number, group.device_ids)


def _with_a_period(connection: Connection, group: DirectGroup) -> Mapping[DirectGroup, list[int]]:
    """Return those of a batch's hubs that another one, or the one of its name until now, has a period for."""
    found: defaultdict[DirectGroup, list[int]] = defaultdict(list)
    for device_id, was in batches_naming(connection, group.release_id, group.device_ids).items():
        if was.period is not None:
            found[was].append(device_id)
    return found


def _period_gone(was: DirectGroup, at: datetime) -> HubEvent:
    """Return that the period of a batch ends with one for the automatic date that takes its place for its hubs."""
    passed = was.period if was.period is not None and is_over(was.period, at) else None
    event = HubEvent(was.release_id, OF_DCC, Happened.ENDED, at, at, group_id=was.group_id, period=passed)
    return replace(event, word=TAKEN_BACK)


def put_selection(
    connection: Connection, group: DirectGroup, since: Mapping[int, datetime] = MappingProxyType({})
) -> None:
    """Keep what DCC chose on a supplier's behalf, in the place of what it chose for it before.

    The hubs of `since` were instructed for the supplier from then on, without a gap.
    """
    key = {"release_id": group.release_id, "supplier": group.supplier}
    ending = Ending(group.received_at, TAKEN_BACK)
    _end(connection, pilot_selection, selected_hub, _equal(pilot_selection, key), ending, staying=group)
    number = _put(connection, pilot_selection, key, group)
    insert_ids_with(connection, selected_hub, "selection_id", number, group.device_ids, "since", since)


def _put(connection: Connection, groups: Table, key: dict[str, Any], group: DirectGroup) -> int:
    connection.execute(delete(groups).where(*_equal(groups, key)))
    period = group.period
    times = {"starts": period and period.start, "ends": period and period.end, "received_at": group.received_at}
    new = insert(groups).values(**key, **times).returning(groups.c.id)
    return int(connection.execute(new).scalar_one())


def selected_hubs(connection: Connection, release_id: str) -> set[int]:
    """Return every hub that DCC chose on some supplier's behalf for the release."""
    return _hubs(connection, release_id, pilot_selection, selected_hub.c.selection_id, selected_hub.c.device_id)


def batched_hubs(connection: Connection, release_id: str) -> set[int]:
    """Return every hub of the release's batches."""
    return _hubs(connection, release_id, batch, batch_hub.c.batch_id, batch_hub.c.device_id)


def _hubs(
    connection: Connection, release_id: str, groups: Table, of_group: Column[int], device_id: Column[int]
) -> set[int]:
    query = select(device_id).join_from(groups, device_id.table, of_group == groups.c.id)
    return set(connection.execute(query.where(groups.c.release_id == release_id)).scalars())


def remove_selected(
    connection: Connection, release_id: str, supplier: int, ids: Collection[int], ending: Ending
) -> None:
    """Take these hubs out of what DCC chose on the supplier's behalf."""
    here = _equal(pilot_selection, {"release_id": release_id, "supplier": supplier})
    _take_out(connection, pilot_selection, selected_hub, here, ids, ending)


def periods_of_batches(connection: Connection, release_id: str) -> dict[str, Period]:
    """Return the periods of the release's batches, by name, the oldest first; those without one are left out."""
    rows = connection.execute(_in_order(batch), {"of": release_id}).all()
    return {row.group_id: Period(row.starts, row.ends) for row in rows if row.ends is not None}


def remove_batched(
    connection: Connection, release_id: str, group_id: str, ids: Collection[int], ending: Ending
) -> None:
    """Take these hubs out of the batch of this name."""
    here = _equal(batch, {"release_id": release_id, "group_id": group_id})
    _take_out(connection, batch, batch_hub, here, ids, ending)


def _take_out(
    connection: Connection,
    groups: Table,
    members: Table,
    which: Sequence[ColumnElement[bool]],
    ids: Collection[int],
    ending: Ending,
) -> None:
    """Take hubs out of the groups that these conditions choose, and note how that ended for them."""
    _end(connection, groups, members, which, ending, only=frozenset(ids))
    mine, dropped = select(groups.c.id).where(*which), id_list(connection, ids)
    named = members.c.device_id.in_(select(dropped.c.value))
    connection.execute(delete(members).where(_owner(members).in_(mine), named))


def _owner(members: Table) -> Column[int]:
    """Return the column that says which group a hub is in."""
    return next(iter(members.primary_key.columns))


def drop(connection: Connection, release_id: str, ending: Ending, *, over: Ending) -> None:
    """Drop the release's batches, and what DCC chose on suppliers' behalf for it; `over`: of batches that had ended."""
    of_batches = _equal(batch, {"release_id": release_id})
    had_ended = is_over_sql(batch.c.ends, over.at)
    _end(connection, batch, batch_hub, [*of_batches, had_ended], over)
    _end(connection, batch, batch_hub, [*of_batches, or_(batch.c.ends.is_(None), ~had_ended)], ending)
    of_choices = _equal(pilot_selection, {"release_id": release_id})
    _end(connection, pilot_selection, selected_hub, of_choices, ending)
    for groups, which in ((batch, of_batches), (pilot_selection, of_choices)):
        connection.execute(delete(groups).where(*which))


def _end(
    connection: Connection,
    groups: Table,
    members: Table,
    which: Sequence[ColumnElement[bool]],
    ending: Ending,
    only: Collection[int] | None = None,
    staying: DirectGroup | None = None,
) -> None:
    """Note for the history of their hubs (or of `only` these) that DCC's instructions end.

    `staying`: what takes their place; for its hubs they go on.
    """
    owner = _owner(members)
    for row in connection.execute(select(groups).where(*which).order_by(groups.c.id)).all():
        query = select(members.c.device_id).where(owner == row.id)
        named = set(unsigned(stored_columns(connection, query)[0]))
        if only is not None:
            named.intersection_update(only)
        given = _event(groups, row, ending.at)
        events.note(connection, given, named)
        what = Happened.ENDED if groups is batch else Happened.CHOICE_ENDED
        passed = given.period if given.period is not None and is_over(given.period, ending.at) else None
        ended = replace(given, what=what, at=ending.at, period=passed, word=ending.word)
        named.difference_update(() if staying is None else staying.device_ids)
        if groups is batch and (ending.word == TAKEN_BACK or passed is None):
            nothing = named if given.period is None else _behind_another(connection, given, named)
            events.note(connection, _of_no_plan(ended), nothing)
            named = named.difference(nothing)
        events.note(connection, ended, named)


def _of_no_plan(ended: HubEvent) -> HubEvent:
    """Return the end of a batch that planned nothing for its hubs: nothing that moved them ends with it."""
    if ended.word == VoidReason.TOO_LATE:
        return replace(ended, what=Happened.VOID)
    return replace(ended, word=DATE_TAKEN_BACK if ended.word == TAKEN_BACK else DATE_ENDED)


def _behind_another(connection: Connection, one: HubEvent, ids: Collection[int]) -> set[int]:
    """Return those of a batch's hubs for which a newer one counts in its place."""
    counting = batches_naming(connection, one.release_id, ids)
    return {device_id for device_id, other in counting.items() if other.group_id != one.group_id}


def _event(groups: Table, row: Row[Any], noted_at: datetime) -> HubEvent:
    """Return a batch, or a choice on a supplier's behalf, as it is told in the history of its hubs."""
    of_batch = groups is batch
    return HubEvent(
        row.release_id,
        OF_DCC if of_batch else row.supplier,
        Happened.BATCH if of_batch else Happened.CHOSEN,
        row.received_at,
        noted_at,
        None if of_batch else Stage.PILOT,  # a batch is of the stage that the hub is in
        row.group_id if of_batch else None,
        _period(row.starts, row.ends),
    )


def standing_on(connection: Connection, device_id: int) -> Iterator[HubEvent]:
    """Yield what stands of what DCC instructed of a hub, for any release, as events of its history."""
    for groups, members in ((batch, batch_hub), (pilot_selection, selected_hub)):
        owner = next(iter(members.primary_key.columns))
        query = select(groups).join(members, owner == groups.c.id).where(members.c.device_id == device_id)
        for row in connection.execute(query.order_by(groups.c.received_at, groups.c.id)):
            yield _event(groups, row, row.received_at)


def _equal(table: Table, values: dict[str, Any]) -> list[ColumnElement[bool]]:
    return [table.c[name] == value for name, value in values.items()]


def batches(connection: Connection, release_id: str) -> list[DirectGroup]:
    """Return the release's batches with their hubs, the oldest first."""
    mine = batch.c.release_id == release_id
    members = _members(connection, batch, batch_hub, mine)
    query = select(batch).where(mine).order_by(batch.c.received_at, batch.c.id)
    return [
        DirectGroup(
            release_id, _period(row.starts, row.ends), row.received_at, tuple(sorted(members[row.id])), row.group_id
        )
        for row in connection.execute(query)
    ]


def batch_hubs(connection: Connection, release_id: str, group_id: str) -> frozenset[int]:
    """Return the hubs of the batch of this name."""
    query = (
        select(batch_hub.c.device_id)
        .join_from(batch, batch_hub, batch_hub.c.batch_id == batch.c.id)
        .where(batch.c.release_id == release_id, batch.c.group_id == group_id)
    )
    return frozenset(connection.execute(query).scalars())


def selections(connection: Connection, release_id: str) -> list[DirectGroup]:
    """Return what DCC chose on suppliers' behalf for the release, the oldest first."""
    mine = pilot_selection.c.release_id == release_id
    members = _members(connection, pilot_selection, selected_hub, mine)
    query = select(pilot_selection).where(mine).order_by(pilot_selection.c.received_at, pilot_selection.c.id)
    return [
        DirectGroup(
            release_id,
            Period(row.starts, row.ends),
            row.received_at,
            tuple(sorted(members[row.id])),
            supplier=row.supplier,
        )
        for row in connection.execute(query)
    ]


def selected_for(connection: Connection, release_id: str, supplier: int, now: datetime | None = None) -> frozenset[int]:
    """Return the hubs that DCC chose on this supplier's behalf; with `now` those chosen for a time to come."""
    to_come = () if now is None else (to_come_sql(pilot_selection.c.ends, now),)
    query = (
        select(selected_hub.c.device_id)
        .join_from(pilot_selection, selected_hub, selected_hub.c.selection_id == pilot_selection.c.id)
        .where(pilot_selection.c.release_id == release_id, pilot_selection.c.supplier == supplier, *to_come)
    )
    return frozenset(connection.execute(query).scalars())


def selected_for_other(
    connection: Connection, release_id: str, supplier: int, ids: Iterable[int], now: datetime
) -> frozenset[int]:
    """Return those of the hubs that DCC chose, for a time to come, for another supplier, responsible for them now."""
    wanted = id_list(connection, ids)
    whose = pilot_selection.c.supplier
    query = (
        select(selected_hub.c.device_id)
        .select_from(wanted)
        .join(selected_hub, selected_hub.c.device_id == wanted.c.value)
        .join(hub, hub.c.device_id == selected_hub.c.device_id)
        .where(
            of_head(
                pilot_selection,
                selected_hub.c.selection_id,
                pilot_selection.c.release_id == release_id,
                whose != supplier,
                responsible_sql(whose),
                to_come_sql(pilot_selection.c.ends, now),
            )
        )
    )
    return frozenset(connection.execute(query).scalars())


def batches_naming(connection: Connection, release_id: str, ids: Iterable[int]) -> dict[int, DirectGroup]:
    """Return the newest batch of the release of each of these hubs that is in one; without the hubs of each.

    Hubs of one batch share one object.
    """
    heads = connection.execute(_in_order(batch), {"of": release_id})
    batches = {
        row.id: DirectGroup(release_id, _period(row.starts, row.ends), row.received_at, (), row.group_id)
        for row in heads
    }
    newest = {number: place for place, number in enumerate(batches)}
    found: dict[int, int] = {}
    for device_id, number in _naming(connection, batch_hub, batches, tuple(ids)):
        other = found.get(device_id)
        if other is None or newest[number] > newest[other]:
            found[device_id] = number
    return {device_id: batches[number] for device_id, number in found.items()}


def _period(starts: datetime | None, ends: datetime | None) -> Period | None:
    return None if starts is None or ends is None else Period(starts, ends)


def selections_naming(
    connection: Connection, release_id: str, ids: Iterable[int]
) -> dict[int, tuple[DirectGroup, ...]]:
    """Return, for each of these hubs that DCC chose, what it is in, the oldest first; without the hubs of each.

    Hubs that DCC chose alike share one object.
    """
    heads = connection.execute(_in_order(pilot_selection), {"of": release_id})
    groups = {
        row.id: DirectGroup(release_id, Period(row.starts, row.ends), row.received_at, (), supplier=row.supplier)
        for row in heads
    }
    oldest = {number: place for place, number in enumerate(groups)}
    choices: dict[int, tuple[_Choice, ...]] = {}
    given = tuple(ids)
    since = _since(connection, groups, given)
    for device_id, number in _naming(connection, selected_hub, groups, given):
        choices[device_id] = (*choices.get(device_id, ()), (number, since.get((number, device_id))))
    alike = {
        several: tuple(replace(groups[number], since=at) for number, at in sorted(several, key=lambda c: oldest[c[0]]))
        for several in {*choices.values()}
    }
    return {device_id: alike[several] for device_id, several in choices.items()}


_Choice = tuple[int, datetime | None]
"""What DCC chose, by number, and from when a hub was instructed that it names."""


def _since(connection: Connection, groups: Collection[int], ids: Iterable[int]) -> dict[tuple[int, int], datetime]:
    """Return from when hubs were instructed where that is not when DCC chose them, by choice and hub."""
    if not groups:
        return {}
    wanted = id_list(connection, ids)
    query = (
        select(selected_hub.c.selection_id, selected_hub.c.device_id, selected_hub.c.since)
        .join_from(wanted, selected_hub, selected_hub.c.device_id == wanted.c.value)
        .where(selected_hub.c.since.is_not(None))
    )
    return {(row.selection_id, row.device_id): row.since for row in connection.execute(query)}


@cache  # every list asks for batches, and mostly there are none
def _in_order(groups: Table) -> Select[Any]:
    return select(groups).where(groups.c.release_id == bindparam("of")).order_by(groups.c.received_at, groups.c.id)


def _naming(
    connection: Connection, members: Table, groups: Collection[int], ids: Iterable[int]
) -> Iterator[tuple[int, int]]:
    """Yield each of the hubs with the number of a group that names it, for each of these groups.

    A hub is in few groups, so that those of other releases are left out here: to join and to sort in the database would
    take longer than the rest.
    """
    if not groups:
        return
    owner = next(iter(members.primary_key.columns))
    wanted = id_list(connection, ids)
    query = select(members.c.device_id, owner).join_from(wanted, members, members.c.device_id == wanted.c.value)
    device, number = stored_columns(connection, query)
    for device_id, group in zip(unsigned(device), number, strict=True):
        if group in groups:
            yield device_id, group


def _members(connection: Connection, groups: Table, members: Table, mine: Any) -> defaultdict[int, list[int]]:
    owner = next(iter(members.primary_key.columns))
    query = select(owner, members.c.device_id).join_from(groups, members, owner == groups.c.id).where(mine)
    found: defaultdict[int, list[int]] = defaultdict(list)
    for number, device_id in connection.execute(query):
        found[number].append(device_id)
    return found
