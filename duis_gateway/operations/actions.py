"""What operators changed on the console, kept as evidence beside the change itself and said in the audit log."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from duis_gateway.audit import recording
from duis_gateway.store.tables import operator_action

audit_log = logging.getLogger("duis_gateway.audit")


@dataclass(frozen=True, slots=True)
class OperatorAction:
    """One change: when, what was done to what, and from which address."""

    at: datetime
    action: str
    subject: str
    remote: str


def record(connection: Connection, done: OperatorAction) -> None:
    """Keep a change; called in the block that makes it, so that none is without the other."""
    values = {"at": done.at, "action": done.action, "subject": done.subject, "remote": done.remote}
    row = connection.execute(insert(operator_action).values(**values).returning(operator_action.c.id)).scalar_one()
    recording.record(connection, [recording.changed(row, done.at, done.action, done.subject, done.remote)])


def say(done: OperatorAction, correlation_id: str) -> None:
    """Write a change that is durable to the audit log."""
    about = {"action": done.action, "subject": done.subject, "remote": done.remote, "correlation_id": correlation_id}
    audit_log.info("changed by an operator", extra={"event": "operator_action", **about})


def newest(connection: Connection, limit: int = 50) -> list[OperatorAction]:
    """Return what was done last, the newest first."""
    columns = (operator_action.c[name] for name in ("at", "action", "subject", "remote"))
    query = select(*columns).order_by(operator_action.c.id.desc()).limit(limit)
    return [OperatorAction(*row) for row in connection.execute(query)]
