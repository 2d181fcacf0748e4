"""What is flagged to the operator: nothing failed, but somebody should look at it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from duis_gateway.store.bulk import insert_many
from duis_gateway.store.tables import operator_flag


@dataclass(frozen=True, slots=True)
class OperatorFlag:
    """One flag: a kind (short, fixed), whom or what it is about, and what happened."""

    kind: str
    subject: str
    text: str
    at: datetime


def raise_flags(connection: Connection, raised: Iterable[tuple[str, str]], at: datetime, text: str = "") -> None:
    """Raise flags, each a kind and a subject; `text` is said of all of them."""
    rows = ((str(kind), subject, text, at) for kind, subject in raised)
    insert_many(connection, operator_flag, ("kind", "subject", "text", "at"), rows)


def newest(connection: Connection, limit: int = 100) -> list[OperatorFlag]:
    """Return the flags raised last, the newest first."""
    columns = (operator_flag.c.kind, operator_flag.c.subject, operator_flag.c.text, operator_flag.c.at)
    query = select(*columns).order_by(operator_flag.c.id.desc()).limit(limit)
    return [OperatorFlag(*row) for row in connection.execute(query)]
