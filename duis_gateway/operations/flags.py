"""What is flagged to the operator: nothing failed, but somebody should look at it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, exists, select, update

from duis_gateway.store.bulk import insert_many
from duis_gateway.store.tables import operator_flag


@dataclass(frozen=True, slots=True)
class OperatorFlag:
    """One flag: a kind (short, fixed), whom or what it is about, and what happened."""

    kind: str
    subject: str
    text: str
    at: datetime
    id: int = 0
    acknowledged_at: datetime | None = None


def raise_flags(connection: Connection, raised: Iterable[tuple[str, str]], at: datetime, text: str = "") -> None:
    """Raise flags, each a kind and a subject; `text` is said of all of them."""
    rows = ((str(kind), subject, text, at) for kind, subject in raised)
    insert_many(connection, operator_flag, ("kind", "subject", "text", "at"), rows)


def raise_once(connection: Connection, kind: str, subject: str, at: datetime, text: str) -> bool:
    """Raise a flag unless one of this kind and subject was raised before; return whether it was raised now.

    It looks through all flags; whoever calls it excludes others that might raise the same one.
    """
    same = (operator_flag.c.kind == kind, operator_flag.c.subject == subject)
    if connection.execute(select(exists().where(*same))).scalar_one():
        return False
    raise_flags(connection, [(kind, subject)], at, text)
    return True


def of_kind(connection: Connection, kind: str, limit: int = 100) -> list[OperatorFlag]:
    """Return the newest flags of one kind; it looks through all flags."""
    return _newest(connection, _SHOWN.where(operator_flag.c.kind == kind), limit)


def newest(connection: Connection, limit: int = 100) -> list[OperatorFlag]:
    """Return the flags raised last, the newest first."""
    return _newest(connection, _SHOWN, limit)


def unacknowledged(connection: Connection, limit: int = 100) -> list[OperatorFlag]:
    """Return the flags that nobody has acknowledged, the newest first."""
    return _newest(connection, _SHOWN.where(operator_flag.c.acknowledged_at.is_(None)), limit)


def acknowledge(connection: Connection, ids: Iterable[int], at: datetime) -> int:
    """Note that an operator has seen these flags; return how many were not acknowledged before."""
    chosen = (operator_flag.c.id.in_(list(ids)), operator_flag.c.acknowledged_at.is_(None))
    return connection.execute(update(operator_flag).where(*chosen).values(acknowledged_at=at)).rowcount


_SHOWN = select(*(operator_flag.c[name] for name in ("kind", "subject", "text", "at", "id", "acknowledged_at")))


def _newest(connection: Connection, query: Select[Any], limit: int) -> list[OperatorFlag]:
    return [OperatorFlag(*row) for row in connection.execute(query.order_by(operator_flag.c.id.desc()).limit(limit))]
