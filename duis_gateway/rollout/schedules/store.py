"""Schedules: what the CSPs offer, and what the suppliers instruct."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    insert,
    select,
)

from duis_gateway.rollout.eligibility import responsible_sql
from duis_gateway.rollout.hub_events import store as events
from duis_gateway.rollout.hub_events.records import TAKEN_BACK, Ending, Happened, HubEvent
from duis_gateway.rollout.periods import to_come_sql
from duis_gateway.rollout.releases.records import (
    DefaultGroup,
    DefaultSchedule,
    Instruction,
    OfferedConstraint,
    Period,
    Stage,
)
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from duis_gateway.rollout.schedule_decisions import store as says
from duis_gateway.rollout.schedule_decisions.of_hubs import counting_end, decision, passed, with_say
from duis_gateway.rollout.schedule_decisions.past import note_said
from duis_gateway.store.bulk import (
    delete_with_hubs,
    id_list,
    insert_ids,
    insert_ids_with,
    insert_many,
    of_head,
    stored_columns,
)
from duis_gateway.store.tables import (
    default_group,
    default_group_hub,
    default_schedule,
    hub,
    instruction,
    instruction_constraint,
    instruction_hub,
    offered_constraint,
)
from duis_gateway.store.types import unsigned

_NO_OTHER: Mapping[int, str] = MappingProxyType({})
_MEMBERSHIP = instruction_hub.c.instruction_id, instruction_hub.c.device_id


def replace_default(connection: Connection, schedule: DefaultSchedule) -> None:
    """Make this the CSP's schedule for its region and stage of the release."""
    drop_default(connection, schedule)
    schedule_id = _inserted(connection, default_schedule, _place(schedule))
    for group in schedule.groups:
        values = {
            "schedule_id": schedule_id,
            "group_id": group.group_id,
            "starts": group.period.start,
            "ends": group.period.end,
        }
        number = _inserted(connection, default_group, values)
        insert_ids(connection, default_group_hub, "group_number", number, group.device_ids)
    offered = {constraint.code: constraint.description for constraint in schedule.constraints}
    rows = ((schedule_id, code, description) for code, description in offered.items())
    insert_many(connection, offered_constraint, ("schedule_id", "code", "description"), rows)


def drop_default(connection: Connection, schedule: DefaultSchedule) -> None:
    """Drop the CSP's schedule for its region and stage of the release."""
    here = _equal(default_schedule, _place(schedule))
    standing = select(default_schedule.c.id).where(*here)
    delete_with_hubs(connection, default_group, default_group_hub, [default_group.c.schedule_id.in_(standing)])
    connection.execute(delete(default_schedule).where(*here))


def _place(schedule: DefaultSchedule) -> dict[str, Any]:
    return {"release_id": schedule.release_id, "stage": schedule.stage, "csp_region": schedule.csp_region}


def defaults(
    connection: Connection, release_id: str, stage: Stage, csp_region: str | None = None
) -> list[DefaultSchedule]:
    """Return the CSPs' schedules of this stage of the release (for a region), by region."""
    query = (
        select(default_schedule.c.id, default_schedule.c.csp_region)
        .where(default_schedule.c.release_id == release_id, default_schedule.c.stage == stage)
        .order_by(default_schedule.c.csp_region)
    )
    if csp_region is not None:
        query = query.where(default_schedule.c.csp_region == csp_region)
    return [
        DefaultSchedule(release_id, row.csp_region, stage, _groups(connection, row.id), _offered(connection, row.id))
        for row in connection.execute(query).all()
    ]


def scheduled_by_csps(
    connection: Connection, release_id: str, stage: Stage, ids: Iterable[int]
) -> dict[str, frozenset[int]]:
    """Return those of the hubs that the CSPs' schedules of this stage name, by the region of the schedule."""
    heads = connection.execute(_SCHEDULED, {"release": release_id, "in_stage": stage})
    regions: dict[int, str] = {row.id: row.csp_region for row in heads}
    if not regions:
        return {}
    wanted = id_list(connection, ids)
    query = select(default_group_hub.c.device_id, default_group_hub.c.group_number).join_from(
        wanted, default_group_hub, default_group_hub.c.device_id == wanted.c.value
    )
    device, number = stored_columns(connection, query)
    found: defaultdict[str, set[int]] = defaultdict(set)
    for device_id, group in zip(unsigned(device), number, strict=True):
        if group in regions:
            found[regions[group]].add(device_id)
    return {region: frozenset(named) for region, named in found.items()}


_SCHEDULED = (
    select(default_group.c.id, default_schedule.c.csp_region)
    .join_from(default_schedule, default_group, default_group.c.schedule_id == default_schedule.c.id)
    .where(default_schedule.c.release_id == bindparam("release"), default_schedule.c.stage == bindparam("in_stage"))
)  # made once: every 11.5 runs it


def instructions(
    connection: Connection, release_id: str, supplier: int, group_id: str | None = None
) -> list[Instruction]:
    """Return what the supplier has instructed for this release (under this name), both stages, by stage and group."""
    heads, members, constraints = _instructions(group_id is not None)
    bound = {"release": release_id, "by": supplier, "group": group_id}
    rows = connection.execute(heads, bound).all()
    if not rows:
        return []
    hubs = _collected(connection, members, bound)
    return _as_instructions(rows, hubs, _collected(connection, constraints, bound))


def instructions_around(
    connection: Connection,
    release_id: str,
    supplier: int,
    ids: Iterable[int],
    names: Collection[tuple[Stage, str]] = (),
) -> list[Instruction]:
    """Return those of the same groups that bear on a list of hubs: the pilot's, those naming one of them, and `names`.

    The others are not read, so that what a list costs does not grow with what stands already.
    """
    heads, _, constraints = _instructions(False)
    bound = {"release": release_id, "by": supplier}
    rows = connection.execute(heads, bound).all()
    if not rows:
        return []
    wanted = id_list(connection, ids)
    naming = select(instruction_hub.c.instruction_id).join_from(
        wanted, instruction_hub, instruction_hub.c.device_id == wanted.c.value
    )
    naming_any = set(connection.execute(naming.distinct()).scalars())
    near = [
        row
        for row in rows
        if row.stage == Stage.PILOT or row.id in naming_any or (Stage(row.stage), row.group_id) in names
    ]
    chosen = id_list(connection, [row.id for row in near])
    of_chosen = instruction_hub.c.instruction_id.in_(select(chosen.c.value))
    hubs = _collected(connection, select(*_MEMBERSHIP).where(of_chosen))
    return _as_instructions(near, hubs, _collected(connection, constraints, bound))


def _as_instructions(
    rows: Iterable[Row[Any]], hubs: defaultdict[int, list[int]], codes: defaultdict[int, list[str]]
) -> list[Instruction]:
    return [
        Instruction(
            release_id=row.release_id,
            supplier=row.supplier,
            group_id=row.group_id,
            stage=Stage(row.stage),
            period=Period(row.starts, row.ends),
            received_at=row.received_at,
            device_ids=tuple(sorted(hubs[row.id])),
            constraints=tuple(sorted(codes[row.id])),
        )
        for row in rows
    ]


@cache
def _instructions(of_group: bool) -> tuple[Select[Any], Select[Any], Select[Any]]:
    """Put together once: every 11.5 and 11.6 runs them. Of groups themselves, their hubs, and their constraints."""
    mine = and_(instruction.c.release_id == bindparam("release"), instruction.c.supplier == bindparam("by"))
    if of_group:
        mine = and_(mine, instruction.c.group_id == bindparam("group"))
    own = select(instruction.c.id).where(mine)
    return (
        select(instruction).where(mine).order_by(instruction.c.stage, instruction.c.group_id),
        select(*_MEMBERSHIP).where(instruction_hub.c.instruction_id.in_(own)),
        select(instruction_constraint).where(instruction_constraint.c.instruction_id.in_(own)),
    )


def instructed_by_other(
    connection: Connection, release_id: str, supplier: int, ids: Iterable[int], now: datetime
) -> frozenset[int]:
    """Return those of the hubs that another supplier, responsible for them now, has instructed for a time to come.

    What the CSP refused of it is left out.
    """
    wanted = id_list(connection, ids)
    query = (
        select(instruction_hub.c.device_id)
        .select_from(wanted)
        .join(instruction_hub, instruction_hub.c.device_id == wanted.c.value)
        .join(hub, hub.c.device_id == instruction_hub.c.device_id)
        .where(
            of_head(
                instruction,
                instruction_hub.c.instruction_id,
                instruction.c.release_id == release_id,
                instruction.c.supplier != supplier,
                responsible_sql(instruction.c.supplier),
                to_come_sql(counting_end, now),
            ),
            decision != GroupDecision.REFUSED,
        )
    )
    return frozenset(connection.execute(with_say(query)).scalars())


def naming(connection: Connection, device_id: int) -> list[Instruction]:
    """Return the standing groups that name a hub, whoever gave them, for any release; each with this hub alone."""
    query = (
        select(instruction)
        .join(instruction_hub, instruction_hub.c.instruction_id == instruction.c.id)
        .where(instruction_hub.c.device_id == device_id)
        .order_by(instruction.c.received_at, instruction.c.id)
    )
    return [
        Instruction(
            row.release_id,
            row.supplier,
            row.group_id,
            Stage(row.stage),
            Period(row.starts, row.ends),
            row.received_at,
            (device_id,),
        )
        for row in connection.execute(query)
    ]


def instructing(
    connection: Connection, release_id: str, ids: Iterable[int], now: datetime | None = None, *, refused: bool = False
) -> dict[int, frozenset[int]]:
    """Return the suppliers that have instructed each of these hubs for this release, responsible for it or not.

    With `now` only instructions for a time to come count, and what the CSP refused of them only with `refused`.
    """
    heads = select(instruction.c.id, instruction.c.supplier).where(instruction.c.release_id == release_id)
    suppliers_of: dict[int, int] = {row.id: row.supplier for row in connection.execute(heads)}
    wanted = id_list(connection, ids)
    naming = select(instruction_hub.c.device_id, instruction_hub.c.instruction_id).join_from(
        wanted, instruction_hub, instruction_hub.c.device_id == wanted.c.value
    )
    if now is not None:
        counts = of_head(instruction, instruction_hub.c.instruction_id, to_come_sql(counting_end, now))
        named = naming.join(hub, hub.c.device_id == instruction_hub.c.device_id)
        taken = () if refused else (decision != GroupDecision.REFUSED,)
        naming = with_say(named).where(counts, *taken)
    device, number = stored_columns(connection, naming) if suppliers_of else ((), ())
    found: defaultdict[int, set[int]] = defaultdict(set)
    # A hub is in few groups: those of other releases are left out here (`bulk.of_head` has why they are not joined).
    for device_id, group in zip(unsigned(device), number, strict=True):
        if group in suppliers_of:
            found[device_id].add(suppliers_of[group])
    return {device_id: frozenset(suppliers) for device_id, suppliers in found.items()}


def put_instructions(
    connection: Connection,
    instructions: Iterable[Instruction],
    since: Mapping[int, datetime] = MappingProxyType({}),
    words: Mapping[int, str] = _NO_OTHER,
) -> None:
    """Write instructions; each takes the place of the one of the same release, supplier, stage and group.

    What CSPs said of that one goes with it: the group is to be decided again. Hubs that it names no more were taken
    back, or left it as `words` says. Those of `since` were instructed from then on, without a gap.
    """
    for group in instructions:
        here = {
            "release_id": group.release_id,
            "supplier": group.supplier,
            "stage": group.stage,
            "group_id": group.group_id,
        }
        earlier = _equal(instruction, here)
        ending, staying = Ending(group.received_at, TAKEN_BACK), frozenset(group.device_ids)
        _end(connection, earlier, ending, words=words, staying=staying)
        says.forget_hubs(connection, select(instruction.c.id).where(*earlier))
        delete_with_hubs(connection, instruction, instruction_hub, earlier)
        times = {"starts": group.period.start, "ends": group.period.end, "received_at": group.received_at}
        number = _inserted(connection, instruction, {**here, **times})
        insert_ids_with(connection, instruction_hub, "instruction_id", number, group.device_ids, "since", since)
        codes = ((number, code) for code in dict.fromkeys(group.constraints))
        insert_many(connection, instruction_constraint, ("instruction_id", "code"), codes)


def instructed_hubs(connection: Connection, release_id: str) -> set[int]:
    """Return every hub that a standing instruction for the release names."""
    query = (
        select(instruction_hub.c.device_id)
        .join_from(instruction, instruction_hub, instruction_hub.c.instruction_id == instruction.c.id)
        .where(instruction.c.release_id == release_id)
    )
    return set(connection.execute(query).scalars())


def drop_instructions(connection: Connection, release_id: str, ending: Ending) -> None:
    """Drop every supplier's instructions for the release, with what CSPs said of them."""
    here = [instruction.c.release_id == release_id]
    _end(connection, here, ending)
    says.forget_hubs(connection, select(instruction.c.id).where(*here))
    delete_with_hubs(connection, instruction, instruction_hub, here)


def _end(
    connection: Connection,
    which: Sequence[ColumnElement[bool]],
    ending: Ending,
    only: Collection[int] | None = None,
    words: Mapping[int, str] = _NO_OTHER,
    staying: frozenset[int] = frozenset(),
) -> None:
    """Note for the history of their hubs (or of `only` these) that instructions end, and what CSPs had said of them.

    `words`: of those hubs for which another word than the ending's says how. `staying`: hubs that go on in a group of
    the same name.
    """
    for row in connection.execute(select(instruction).where(*which).order_by(instruction.c.id)).all():
        query = select(instruction_hub.c.device_id).where(instruction_hub.c.instruction_id == row.id)
        members = set(unsigned(stored_columns(connection, query)[0]))
        if only is not None:
            members.intersection_update(only)
        if not members:
            continue
        event = HubEvent(
            row.release_id,
            row.supplier,
            Happened.INSTRUCTED,
            row.received_at,
            ending.at,
            Stage(row.stage),
            row.group_id,
            Period(row.starts, row.ends),
        )
        events.note(connection, event, members)
        note_said(connection, row.id, event, only=only)
        left = members - staying
        over = left & passed(connection, row.id, ending.at) if left else left
        of_word: defaultdict[str, set[int]] = defaultdict(set)
        for device_id in left:
            of_word[words.get(device_id, ending.word)].add(device_id)
        for word, hubs in sorted(of_word.items()):
            ended = replace(event, what=Happened.ENDED, at=ending.at, word=word)
            events.note(connection, ended, hubs & over)
            events.note(connection, replace(ended, period=None), hubs - over)


def remove_hubs(
    connection: Connection,
    release_id: str,
    supplier: int,
    stage: Stage,
    ids: Collection[int],
    ending: Ending,
    words: Mapping[int, str] = _NO_OTHER,
) -> None:
    """Take these hubs out of the supplier's instructions of this stage; groups left without hubs stay, empty.

    What CSPs said of the hubs that are left stands. `words`: of those hubs that another word than the ending's is for.
    """
    mine = _equal(instruction, {"release_id": release_id, "supplier": supplier, "stage": stage})
    _end(connection, mine, ending, only=frozenset(ids), words=words)
    own = select(instruction.c.id).where(*mine)
    says.forget_hubs(connection, own, ids)
    dropped = id_list(connection, ids)
    connection.execute(
        delete(instruction_hub).where(
            instruction_hub.c.instruction_id.in_(own), instruction_hub.c.device_id.in_(select(dropped.c.value))
        )
    )


def _equal(table: Table, values: dict[str, Any]) -> list[ColumnElement[bool]]:
    return [table.c[name] == value for name, value in values.items()]


def _inserted(connection: Connection, table: Table, values: dict[str, Any]) -> int:
    return int(connection.execute(insert(table).values(**values).returning(table.c.id)).scalar_one())


def _groups(connection: Connection, schedule_id: int) -> tuple[DefaultGroup, ...]:
    of_schedule = default_group.c.schedule_id == schedule_id
    members = _collected(
        connection,
        select(default_group_hub)
        .join_from(default_group, default_group_hub, default_group_hub.c.group_number == default_group.c.id)
        .where(of_schedule),
    )
    query = select(default_group).where(of_schedule).order_by(default_group.c.id)
    return tuple(
        DefaultGroup(row.group_id, Period(row.starts, row.ends), tuple(sorted(members[row.id])))
        for row in connection.execute(query)
    )


def _offered(connection: Connection, schedule_id: int) -> tuple[OfferedConstraint, ...]:
    query = (
        select(offered_constraint.c.code, offered_constraint.c.description)
        .where(offered_constraint.c.schedule_id == schedule_id)
        .order_by(offered_constraint.c.code)
    )
    return tuple(OfferedConstraint(*row) for row in connection.execute(query))


def _collected(
    connection: Connection, query: Select[Any], bound: Mapping[str, Any] | None = None
) -> defaultdict[int, list[Any]]:
    """Return the second column's values by the first column's."""
    found: defaultdict[int, list[Any]] = defaultdict(list)
    for owner, value in connection.execute(query, bound):
        found[owner].append(value)
    return found
