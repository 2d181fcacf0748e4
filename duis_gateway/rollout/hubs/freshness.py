"""When something changed that a party is shown of a hub, so that a back office need not read its estate whole (BR-5.3).

A hub that the inventory has otherwise says so itself (`hub.changed_at`). What is said of hubs in a roll-out is noted
hub by hub; what concerns all hubs of a device model (a release, a CSP's schedule), once for the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, literal, select, true

from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.store.bulk import id_list, insert_many
from duis_gateway.store.rollout_tables import former_hub, hub_news, model_news
from duis_gateway.store.tables import device_model
from duis_gateway.store.types import UtcTime
from duis_gateway.store.upsert import insert_into


def of_hubs(connection: Connection, ids: Iterable[int], at: datetime) -> None:
    """Note that something was said of these hubs."""
    given = id_list(connection, set(ids))
    # Without a WHERE, SQLite would take ON CONFLICT for a join's ON.
    _note(connection, hub_news, select(given.c.value, literal(at, UtcTime)).where(true()))


def of_model(connection: Connection, manufacturer: str, model: str, at: datetime) -> None:
    """Note that something changed that concerns every hub of a device model."""
    this = (device_model.c.manufacturer == manufacturer, device_model.c.model == model)
    _note(connection, model_news, select(device_model.c.id, literal(at, UtcTime)).where(*this))


def of_every_model(connection: Connection, at: datetime) -> None:
    """Note that something changed that may concern any hub: who can instruct."""
    _note(connection, model_news, select(device_model.c.id, literal(at, UtcTime)).where(true()).order_by("id"))


def _note(connection: Connection, table: Table, rows: Select[Any]) -> None:
    names = table.columns.keys()
    new = insert_into(connection, table).from_select(names, rows)
    connection.execute(new.on_conflict_do_update(index_elements=names[:1], set_={names[1]: new.excluded[names[1]]}))


def of_change(connection: Connection, changed: Iterable[tuple[Hub, Hub]], at: datetime) -> None:
    """Note whose these hubs are no longer, each given as it was and as it is from now on."""
    rows = (row for was, now in changed for row in _left(was, now, at))
    insert_many(connection, former_hub, ("device_id", "supplier", "csp_region", "left_at"), rows)


def _left(was: Hub, now: Hub, at: datetime) -> Iterator[tuple[int, int | None, str | None, datetime]]:
    """Yield a row for each former supplier, one for a former region, and one for DCC where it is no hub any more."""
    ended = now.device_type != was.device_type
    for supplier in was.suppliers if ended else was.suppliers - now.suppliers:
        yield was.device_id, supplier, None, at
    if ended or now.csp_region != was.csp_region:
        yield was.device_id, None, was.csp_region, at
    if ended:
        yield was.device_id, None, None, at
