"""What was told of the plans: which hubs are planned for what, as CSPs, suppliers and DCC know it (X09).

Hubs that nothing but the automatic date moves are not kept. Whoever changes it holds the release's lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from heapq import merge
from itertools import groupby, islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    select,
)

from duis_gateway.rollout.periods import is_over_sql
from duis_gateway.rollout.plans.records import PlanBasis, PlanStanding, ToldHub, ToldPlan
from duis_gateway.rollout.releases.records import Period, Stage
from duis_gateway.store.bulk import GIVEN, given, given_ids, stored_columns, upsert_many
from duis_gateway.store.rollout_tables import (
    batch,
    batch_hub,
    pilot_selection,
    plan_revision,
    planned_hub,
    selected_hub,
    told_plan,
)
from duis_gateway.store.tables import instruction, instruction_hub
from duis_gateway.store.types import few_unsigned, unsigned
from duis_gateway.store.upsert import insert_into

_COLUMNS = ("release_id", "device_id", "plan_id", "csp_region", "import_supplier", "gas_supplier")
_LEAST_PAGE = 1000


def told(connection: Connection, release_id: str, ids: Iterable[int]) -> dict[int, ToldHub]:
    """Return what was told of these hubs, as far as they are planned; hubs told alike share one object."""
    bound = {"release": release_id, GIVEN: given(connection, ids)}
    device, *columns = stored_columns(connection, _select_told(connection.dialect.name), bound)
    if not device:
        return {}
    plans = {number: plan for plan, number in numbers(connection, release_id).items()}
    met: dict[tuple[Any, ...], ToldHub] = {}
    found: dict[int, ToldHub] = {}
    for device_id, *known in zip(unsigned(device), *columns, strict=True):
        key = tuple(known)
        hub = met.get(key)
        if hub is None:
            number, region, importer, gas = key
            hub = met[key] = ToldHub(plans[number], region, *few_unsigned((importer, gas)))
        found[device_id] = hub
    return found


# Put together once: every 11.5, 11.6 and activation runs some of them.

_RELEASE = bindparam("release", type_=Text())
_NUMBERS = select(told_plan).where(told_plan.c.release_id == _RELEASE)


def _planned(dialect: str) -> ColumnElement[bool]:
    """Not joined: SQLite would look through the whole list for each hub that is planned."""
    in_list = planned_hub.c.device_id.in_(select(given_ids(dialect).c.value))
    return and_(planned_hub.c.release_id == _RELEASE, in_list)


@cache
def _select_told(dialect: str) -> Select[Any]:
    return select(
        planned_hub.c.device_id,
        planned_hub.c.plan_id,
        planned_hub.c.csp_region,
        planned_hub.c.import_supplier,
        planned_hub.c.gas_supplier,
    ).where(_planned(dialect))


@cache
def _forget(dialect: str) -> Delete:
    return delete(planned_hub).where(_planned(dialect))


def numbers(connection: Connection, release_id: str) -> dict[ToldPlan, int]:
    """Return the numbers of the plans that were told of hubs of a release."""
    return {
        ToldPlan(
            Stage(row.stage), PlanBasis(row.basis), PlanStanding(row.standing), Period(row.starts, row.ends)
        ): row.id
        for row in connection.execute(_NUMBERS, {"release": release_id})
    }


def remember(connection: Connection, release_id: str, planned: Mapping[ToldHub, Sequence[int]]) -> None:
    """Keep that these hubs were told to be planned so, in the place of what was told of them before."""
    known = numbers(connection, release_id)
    for plan in {hub.plan for hub in planned} - known.keys():
        known[plan] = _added(connection, release_id, plan)
    rows = (
        (release_id, device_id, known[hub.plan], hub.csp_region, hub.import_supplier, hub.gas_supplier)
        for hub, ids in planned.items()
        for device_id in ids
    )
    upsert_many(connection, planned_hub, _COLUMNS, rows, _COLUMNS[2:])


def _added(connection: Connection, release_id: str, plan: ToldPlan) -> int:
    new = insert(told_plan).values(
        release_id=release_id,
        stage=plan.stage,
        basis=plan.basis,
        standing=plan.standing,
        starts=plan.period.start,
        ends=plan.period.end,
    )
    return int(connection.execute(new.returning(told_plan.c.id)).scalar_one())


def forget(connection: Connection, release_id: str, ids: Iterable[int]) -> None:
    """Keep no longer that these hubs are planned."""
    bound = {"release": release_id, GIVEN: given(connection, ids)}
    connection.execute(_forget(connection.dialect.name), bound)


def watch(connection: Connection, release_id: str, plans: Iterable[ToldPlan]) -> None:
    """Have the end of these periods looked at, although no hub is told to be planned for them."""
    for plan in set(plans) - numbers(connection, release_id).keys():
        _added(connection, release_id, plan)


def ends_passed(connection: Connection, release_id: str, now: datetime) -> frozenset[datetime]:
    """Return the ends that have passed and were not looked at since."""
    query = select(told_plan.c.ends).where(told_plan.c.release_id == release_id, is_over_sql(told_plan.c.ends, now))
    return frozenset(connection.execute(query).scalars())


def has_ended(connection: Connection, release_id: str, now: datetime) -> bool:
    """Whether the period of a plan that was told has ended, and that was not looked at since."""
    ended = exists().where(told_plan.c.release_id == release_id, is_over_sql(told_plan.c.ends, now))
    return bool(connection.execute(select(ended)).scalar_one())


def ended(connection: Connection, release_id: str, now: datetime) -> Iterator[tuple[Period, list[int]]]:
    """Yield the periods told that have ended, each with the hubs that are still told to be planned for it."""
    query = (
        select(planned_hub.c.device_id, told_plan.c.starts, told_plan.c.ends)
        .join_from(told_plan, planned_hub, planned_hub.c.plan_id == told_plan.c.id)
        .where(told_plan.c.release_id == release_id, is_over_sql(told_plan.c.ends, now))
    )
    found: dict[Period, list[int]] = {}
    for row in connection.execute(query):
        found.setdefault(Period(row.starts, row.ends), []).append(row.device_id)
    yield from found.items()


def drop_ended(connection: Connection, release_id: str, now: datetime) -> None:
    """Forget the plans told whose period has ended, once no hub is planned for them any more."""
    in_use = exists().where(planned_hub.c.plan_id == told_plan.c.id)
    connection.execute(
        delete(told_plan).where(told_plan.c.release_id == release_id, is_over_sql(told_plan.c.ends, now), ~in_use)
    )


def next_revision(connection: Connection, release_id: str, recipient: int) -> int:
    """Return the next `PlanRevision` of a recipient for a release: 1, 2, 3, ..."""
    statement = insert_into(connection, plan_revision).values(release_id=release_id, recipient=recipient, value=1)
    counted = statement.on_conflict_do_update(
        index_elements=[plan_revision.c.release_id, plan_revision.c.recipient],
        set_={"value": plan_revision.c.value + 1},
    )
    return int(connection.execute(counted.returning(plan_revision.c.value)).scalar_one())


def concerned(connection: Connection, release_id: str, *, named: bool, size: int) -> Iterator[list[int]]:
    """Yield every hub that was told to be planned, and (`named`) every one that something instructs, in chunks.

    Each comes once, in the order of the tables' keys, also where several lists name it and it is planned. What is
    written about one chunk changes no later one.
    """
    sources = [(planned_hub, planned_hub.c.release_id == release_id)]
    if named:
        for heads, members in ((instruction, instruction_hub), (batch, batch_hub), (pilot_selection, selected_hub)):
            owner = next(iter(members.primary_key.columns))
            lists = connection.execute(select(heads.c.id).where(heads.c.release_id == release_id)).scalars()
            sources += [(members, owner == number) for number in lists]
    # As much is held at once as one chunk is long, however many lists there are.
    page = max(_LEAST_PAGE, size // len(sources))
    merged = merge(*(_in_order(connection, members, mine, page) for members, mine in sources))
    each = (device_id for device_id, _ in groupby(merged))
    while chunk := list(islice(each, size)):
        yield unsigned(chunk)


def _in_order(connection: Connection, members: Table, mine: ColumnElement[bool], page: int) -> Iterator[int]:
    """Yield the hubs of one list in the order of its key, as they are stored; no statement stays open meanwhile."""
    device_id = members.c.device_id
    first = select(device_id).where(mine).order_by(device_id).limit(page)
    (found,) = stored_columns(connection, first)
    while found:
        yield from found
        (found,) = stored_columns(connection, first.where(device_id > unsigned(found[-1:])[0]))
