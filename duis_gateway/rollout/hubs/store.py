"""The inventory of Communications Hubs: look-ups of long lists, and what activations change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache, lru_cache
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Exists,
    FromClause,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    exists,
    false,
    func,
    or_,
    select,
    update,
)

from duis_gateway.duis.identifiers import to_signed
from duis_gateway.rollout.eligibility import (
    fits_sql,
    is_hub,
    is_hub_sql,
    passes_sql,
    responsible_sql,
    roles_sql,
    split_sql,
)
from duis_gateway.rollout.hubs.device_models import model_names, model_numbers
from duis_gateway.rollout.hubs.records import Hub, NamedHub
from duis_gateway.rollout.periods import to_come_sql
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import Release
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from duis_gateway.rollout.schedule_decisions.of_hubs import counting_end, decision, with_say
from duis_gateway.store.bulk import (
    GIVEN,
    given,
    given_ids,
    id_list,
    named_tuples,
    of_head,
    stored_columns,
    update_many,
    upsert_many,
)
from duis_gateway.store.rollout_tables import batch, batch_hub, pilot_selection, selected_hub
from duis_gateway.store.tables import (
    default_hub,
    default_list,
    device_model,
    hub,
    instruction,
    instruction_hub,
    release_hub,
)
from duis_gateway.store.types import Unsigned64, UtcTime, few_unsigned, unsigned, utc_time

HUB_COLUMNS = (
    hub.c.device_id,
    hub.c.device_type,
    device_model.c.manufacturer,
    device_model.c.model,
    hub.c.firmware_version,
    hub.c.status,
    hub.c.csp_region,
    hub.c.import_supplier,
    hub.c.gas_supplier,
    hub.c.told_version,
    hub.c.completed_at,
    hub.c.gpf_device_id,
)
"""In the order of the fields of `Hub`."""

_ROWS_A_FETCH = 5_000
_LOADED = (
    "device_type",
    "model_id",
    "firmware_version",
    "status",
    "csp_region",
    "import_supplier",
    "gas_supplier",
    "gpf_device_id",
)


class EligibleHub(NamedTuple):
    """A hub that a release may be applied to, with the roles of the supplier that asks."""

    device_id: int
    firmware_version: str
    status: str
    csp_region: str
    is_import: bool
    is_gas: bool


def get(connection: Connection, device_id: int) -> Hub | None:
    """Return the hub, or None if the inventory does not know it."""
    row = connection.execute(_FIND, {"wanted": device_id}).one_or_none()
    return None if row is None else Hub(*row)


def get_many(connection: Connection, ids: Iterable[int], *, for_update: bool = False) -> dict[int, Hub]:
    """Return those of the hubs that the inventory knows.

    Args:
        connection: where to look.
        ids: duplicates do no harm.
        for_update: nobody else may change these hubs until the block ends (PostgreSQL; SQLite has one writer anyway).
    """
    query, bound = _get_many(connection.dialect.name, for_update), {GIVEN: given(connection, ids)}
    device, kind, maker, model, version, status, region, importer, gas, told, at, gpf = stored_columns(
        connection, query, bound
    )
    device_ids = unsigned(device)
    times = map(utc_time, at)
    suppliers = (few_unsigned(importer), few_unsigned(gas))
    gpfs = few_unsigned(gpf)
    hubs = map(Hub, device_ids, kind, maker, model, version, status, region, *suppliers, told, times, gpfs)
    return dict(zip(device_ids, hubs, strict=True))


def by_gpf(connection: Connection, ids: Iterable[int]) -> dict[int, Hub]:
    """Return the hub that each of these devices is the GPF of, by the device."""
    rows = connection.execute(_by_gpf(connection.dialect.name), {GIVEN: given(connection, ids)})
    found = (Hub(*row) for row in rows)
    return {one.gpf: one for one in found if one.gpf is not None}


def models_of(connection: Connection, ids: Iterable[int]) -> frozenset[tuple[str, str]]:
    """Return the device models, by manufacturer and name, of those of the hubs that the inventory knows."""
    names = model_names(connection)
    found = connection.execute(_models_of(connection.dialect.name), {GIVEN: given(connection, ids)})
    return frozenset(names[number] for number in found.scalars())


def regions(connection: Connection, ids: Iterable[int], supplier: int | None = None) -> dict[int, str]:
    """Return the CSP region of each Communications Hub that the inventory knows; given a supplier, of its own alone."""
    query = _regions(connection.dialect.name, supplier is not None)
    device, region = stored_columns(connection, query, {GIVEN: given(connection, ids), "by": supplier})
    return dict(zip(unsigned(device), region, strict=True))


def split(connection: Connection, ids: Iterable[int]) -> list[int]:
    """Return those of the hubs that have two suppliers."""
    wanted = id_list(connection, ids)
    query = select(hub.c.device_id).join_from(wanted, hub, hub.c.device_id == wanted.c.value).where(split_sql())
    return sorted(connection.execute(query).scalars())


def _select_hubs() -> Select[Any]:
    return select(*HUB_COLUMNS).join_from(hub, device_model, device_model.c.id == hub.c.model_id)


# Put together once: messages run them again and again.

_FIND = _select_hubs().where(hub.c.device_id == bindparam("wanted"))


@cache
def _get_many(dialect: str, for_update: bool) -> Select[Any]:
    wanted = given_ids(dialect)
    query = _select_hubs().join(wanted, hub.c.device_id == wanted.c.value)
    # Always in one order, so that two blocks cannot wait for each other.
    return query.order_by(hub.c.device_id).with_for_update(of=hub) if for_update else query


@cache
def _by_gpf(dialect: str) -> Select[Any]:
    wanted = given_ids(dialect)
    return _select_hubs().join(wanted, hub.c.gpf_device_id == wanted.c.value)


@cache
def _models_of(dialect: str) -> Select[Any]:
    wanted = given_ids(dialect)
    return select(hub.c.model_id).join_from(wanted, hub, hub.c.device_id == wanted.c.value).distinct()


@cache
def _regions(dialect: str, own: bool) -> Select[Any]:
    wanted = given_ids(dialect)
    located = select(hub.c.device_id, hub.c.csp_region)
    query = located.join_from(wanted, hub, hub.c.device_id == wanted.c.value).where(is_hub_sql())
    return query.where(responsible_sql(bindparam("by", type_=Unsigned64()))) if own else query


def named(
    connection: Connection, ids: Iterable[int], release_id: str, supplier: int | None, now: datetime
) -> dict[int, NamedHub]:
    """Return what the rules judge a list by, for the hubs of the list that the inventory knows.

    `in_progress` is looked at for the supplier's own hubs only (for every hub where the list is DCC's, None): an
    instruction of a supplier who is responsible now, or of DCC, under another live release that may be applied to the
    hub, for a period that has not ended.
    """
    query = _select_named(connection.dialect.name, supplier is not None, tuple(releases.beside(connection, release_id)))
    bound = {GIVEN: given(connection, ids), "release": release_id, "supplier": supplier, "now": now}
    device, kind, status, model, version, region, importer, gas, listed, mark, progress = stored_columns(
        connection, query, bound
    )
    device_ids = unsigned(device)
    names = model_names(connection)
    rows = zip(
        device_ids,
        kind,
        status,
        [names[number][0] for number in model],
        [names[number][1] for number in model],
        version,
        region,
        few_unsigned(importer),
        few_unsigned(gas),
        map(bool, listed),
        mark,
        map(bool, progress),
        strict=True,
    )
    return dict(zip(device_ids, named_tuples(NamedHub, rows), strict=True))


@lru_cache(32)  # most lists are judged while no other release is live for the model
def _select_named(dialect: str, of_supplier: bool, others: tuple[Release, ...]) -> Select[Any]:
    wanted, release_id = given_ids(dialect), bindparam("release", type_=Text())
    elsewhere = or_(false(), *(_stands(wanted, one) for one in others))
    if of_supplier:
        elsewhere = and_(responsible_sql(bindparam("supplier", type_=Unsigned64())), elsewhere)
    return (
        select(
            hub.c.device_id,
            hub.c.device_type,
            hub.c.status,
            hub.c.model_id,
            hub.c.firmware_version,
            hub.c.csp_region,
            hub.c.import_supplier,
            hub.c.gas_supplier,
            _in_default_list(release_id),
            release_hub.c.mark,
            elsewhere,
        )
        .select_from(wanted)
        .join(hub, hub.c.device_id == wanted.c.value)
        .outerjoin(
            release_hub, and_(release_hub.c.release_id == release_id, release_hub.c.device_id == hub.c.device_id)
        )
    )


def standing_under(connection: Connection, ids: Iterable[int], release: Release, now: datetime) -> frozenset[int]:
    """Return those of the hubs that no other release's request can have, as something stands under this live one.

    It is what makes them `in_progress` under the others (`named`).
    """
    query = _select_standing(connection.dialect.name, release)
    return frozenset(connection.execute(query, {GIVEN: given(connection, ids), "now": now}).scalars())


@lru_cache(32)
def _select_standing(dialect: str, release: Release) -> Select[Any]:
    wanted = given_ids(dialect)
    query = select(hub.c.device_id).join_from(wanted, hub, hub.c.device_id == wanted.c.value)
    return query.where(_stands(wanted, release))


def _stands(wanted: FromClause, release: Release) -> ColumnElement[bool]:
    """Whether an instruction stands under a release, while that may be applied to the hub."""
    return and_(fits_sql(release), _instructed(wanted, release.release_id))


def _in_default_list(release_id: BindParameter[str]) -> ColumnElement[bool]:
    return exists().where(
        default_list.c.release_id == release_id,
        default_hub.c.list_id == default_list.c.id,
        default_hub.c.device_id == hub.c.device_id,
    )


def _instructed(wanted: FromClause, release_id: str) -> ColumnElement[bool]:
    """Whoever gave the instruction: a supplier, DCC on a supplier's behalf, or DCC for a batch of its own."""
    for_supplier = _named_by(release_id, pilot_selection, selected_hub, selected_hub.c.selection_id)
    by_dcc = _named_by(release_id, batch, batch_hub, batch_hub.c.batch_id)
    now = bindparam("now", type_=UtcTime())
    return or_(
        hub.c.device_id.in_(_instructed_by_suppliers(wanted, release_id, now)),
        for_supplier.where(responsible_sql(pilot_selection.c.supplier), to_come_sql(pilot_selection.c.ends, now)),
        by_dcc.where(or_(batch.c.ends.is_(None), to_come_sql(batch.c.ends, now))),
    )


def _instructed_by_suppliers(wanted: FromClause, release_id: str, now: BindParameter[Any]) -> Select[Any]:
    """Return those of the hubs given that a supplier instructs whom the CSP did not refuse: the hub, or its region.

    A query of its own, from the hubs given: as a condition on each hub it went through all groups of the release.
    """
    counts = of_head(
        instruction,
        instruction_hub.c.instruction_id,
        instruction.c.release_id == release_id,
        responsible_sql(instruction.c.supplier),
        to_come_sql(counting_end, now),
    )
    query = (
        select(instruction_hub.c.device_id)
        .join_from(wanted, instruction_hub, instruction_hub.c.device_id == wanted.c.value)
        .join(hub, hub.c.device_id == instruction_hub.c.device_id)
        .where(counts, decision != GroupDecision.REFUSED)
    )
    return with_say(query).correlate(None)


def _named_by(release_id: str, groups: Table, members: Table, of_group: Column[int]) -> Exists:
    return exists().where(
        members.c.device_id == hub.c.device_id, groups.c.id == of_group, groups.c.release_id == release_id
    )


def upsert(connection: Connection, hubs: Iterable[Hub], at: datetime | None = None) -> int:
    """Write hubs into the inventory; return how many. The last one of an identifier counts.

    Always in one order, so that two writers of the same hubs cannot wait for each other: hubs before their GPFs, as
    activations come to them.

    A hub new to the inventory starts with its version as the one told (unless it brings another); one that is there
    keeps what its suppliers were told, and when it was last activated. `at`: when they became so, None for long ago.
    """
    newest = {given.device_id: given for given in hubs}
    numbers = model_numbers(connection, ((given.manufacturer, given.model) for given in newest.values()))
    rows = (
        (
            given.device_id,
            given.device_type,
            numbers[given.manufacturer, given.model],
            given.firmware_version,
            given.status,
            given.csp_region,
            given.import_supplier,
            given.gas_supplier,
            given.gpf,
            given.firmware_version if given.told_version is None else given.told_version,
            given.completed_at,
            at,
        )
        for given in sorted(newest.values(), key=lambda given: (not is_hub(given), to_signed(given.device_id)))
    )
    columns = ("device_id", *_LOADED, "told_version", "completed_at", "changed_at")
    return upsert_many(connection, hub, columns, rows, (*_LOADED, "changed_at"))


def unpair(connection: Connection, gpfs: Iterable[int], at: datetime) -> None:
    """Let these devices be no hub's GPF any more, as of this time."""
    owned = hub.c.gpf_device_id.in_(select(id_list(connection, gpfs).c.value))
    connection.execute(update(hub).where(owned).values(gpf_device_id=None, changed_at=at))


def record_activations(connection: Connection, after: Iterable[Hub]) -> None:
    """Write what activations changed into the inventory: the version, version told, and time of each hub and its GPF.

    Each hub comes once, as it is after all of them.
    """
    devices = chain.from_iterable(((one.device_id, one), (one.gpf, one)) for one in after)
    rows = (
        (device_id, one.firmware_version, one.told_version, one.completed_at)
        for device_id, one in devices
        if device_id is not None
    )
    update_many(connection, hub, ("device_id", "firmware_version", "told_version", "completed_at"), rows)


def eligible(connection: Connection, supplier: int, of: Release) -> Iterator[Hub]:
    """Yield the supplier's hubs that the release may be applied to (`rollout.eligibility.fits`).

    They are never all held at once, and come in two passes, one for each role, so that no sorting of millions of
    rows comes first.
    """
    for condition in passes_sql(supplier):
        query = _select_hubs().where(condition, fits_sql(of))
        for row in connection.execute(query, execution_options={"yield_per": _ROWS_A_FETCH}):
            yield Hub(*row)


def first_eligible(connection: Connection, supplier: int, of: Release, limit: int) -> list[EligibleHub]:
    """Return no more than `limit` of the hubs that `eligible` would yield: for a file, so without what it repeats."""
    found: list[EligibleHub] = []
    for condition in passes_sql(supplier):
        query = select(
            hub.c.device_id,
            hub.c.firmware_version,
            hub.c.status,
            hub.c.csp_region,
            *roles_sql(supplier),
        )
        device, version, status, region, importer, gas = stored_columns(
            connection, query.where(condition, fits_sql(of)).limit(limit - len(found))
        )
        columns = (unsigned(device), version, status, region, map(bool, importer), map(bool, gas))
        found += map(EligibleHub._make, zip(*columns, strict=True))
    return found


def count_eligible(connection: Connection, supplier: int, of: Release) -> int:
    """Return how many hubs `eligible` would yield."""
    return sum(
        connection.execute(select(func.count()).select_from(hub).where(condition, fits_sql(of))).scalar_one()
        for condition in passes_sql(supplier)
    )


def count(connection: Connection) -> int:
    """Return the number of hubs in the inventory."""
    return connection.execute(select(func.count()).select_from(hub)).scalar_one()
