"""Device models: each pair of manufacturer and model has one number."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, Select, select
from sqlalchemy.dialects import postgresql, sqlite

from duis_gateway.store.tables import device_model


def model_numbers(connection: Connection, models: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Return the number of each (manufacturer, model), giving one to those that have none yet."""
    wanted = sorted(set(models))  # in one order, so that two writers cannot wait for each other
    if not wanted:
        return {}
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(
        dialect.insert(device_model).on_conflict_do_nothing(),
        [{"manufacturer": manufacturer, "model": model} for manufacturer, model in wanted],
    )
    return {pair: _number_of(connection, *pair) for pair in wanted}


def _number_of(connection: Connection, manufacturer: str, model: str) -> int:
    return connection.execute(model_number(manufacturer, model)).scalar_one()


def model_number(manufacturer: str, model: str) -> Select[int]:
    """Return the query for one model's number."""
    return select(device_model.c.id).where(device_model.c.manufacturer == manufacturer, device_model.c.model == model)


def model_names(connection: Connection) -> dict[int, tuple[str, str]]:
    """Return manufacturer and model by number; device models are few."""
    return {number: (manufacturer, model) for number, manufacturer, model in connection.execute(_NAMES)}


_NAMES = select(device_model.c.id, device_model.c.manufacturer, device_model.c.model)  # made once: every list runs it
