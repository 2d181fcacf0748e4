"""When something changed that a party is shown of a hub, so that a back office need not read its estate whole (BR-5.3).

A hub that the inventory has otherwise says so itself (`hub.changed_at`). What is said of hubs in a roll-out is noted
hub by hub; what concerns all hubs of a device model (a release, a CSP's schedule), once for the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, Table, delete, func, literal, select, true

from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.store.bulk import id_list, insert_many
from duis_gateway.store.rollout_tables import former_hub, hub_news, model_news, pruned_until
from duis_gateway.store.tables import device_model
from duis_gateway.store.types import UtcTime
from duis_gateway.store.upsert import insert_into

OVERLAP = timedelta(hours=1)
"""What was noted so long before a moment may have been seen only after it, and counts as changed since.

A change is noted with the time at which its message was received and is seen once it is stored: who read the estate in
between has not seen it. Nothing takes as long to be stored, and clocks do not differ by as much.
"""

_DEPARTURES = "departures"


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


def departures_known_since(connection: Connection) -> datetime | None:
    """Return since when it is known which hubs left an estate; None: from the beginning."""
    query = select(pruned_until.c.at).where(pruned_until.c.what == _DEPARTURES)
    return connection.execute(query).scalar_one_or_none()


def old_departures(connection: Connection, until: datetime, most: int) -> list[int]:
    """Return the numbers of the notes that are needed by nobody who asks for what has changed since `until`."""
    query = select(former_hub.c.id).where(former_hub.c.left_at < until - OVERLAP).order_by(former_hub.c.left_at)
    return list(connection.execute(query.limit(most)).scalars())


def count_old_departures(connection: Connection, until: datetime) -> int:
    """Return how many such notes there are."""
    query = select(func.count()).select_from(former_hub).where(former_hub.c.left_at < until - OVERLAP)
    return int(connection.execute(query).scalar_one())


def forget_departures(connection: Connection, numbers: Iterable[int], until: datetime) -> int:
    """Remove these notes, remember that those before `until` are not complete any more, and return how many went."""
    new = insert_into(connection, pruned_until).values(what=_DEPARTURES, at=until)
    later = new.on_conflict_do_update(
        index_elements=[pruned_until.c.what], set_={"at": new.excluded.at}, where=pruned_until.c.at < new.excluded.at
    )
    connection.execute(later)
    return connection.execute(delete(former_hub).where(former_hub.c.id.in_(list(numbers)))).rowcount
