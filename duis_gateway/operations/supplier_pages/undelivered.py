"""What has not reached a supplier, and why: first what has a reason of its own, then what waits behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from duis_gateway.operations.console import search
from duis_gateway.operations.console.search import Line
from duis_gateway.operations.console.waiting import Why, why_waits
from duis_gateway.outbox import view as outbox_view


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message that has not arrived, and why."""

    line: Line
    why: Why

    @property
    def waits_behind(self) -> bool:
        """Whether another message has to be delivered first."""
        return self.why.first is not None


def undelivered_to(conn: Connection, supplier: int, most: int, *, relay: bool) -> Sequence[Undelivered]:
    """Return what was given up, what is tried again just now and what waits for a supplier, each the oldest first.

    At most so many of each. What waits behind others comes last: nothing has to be done about it. `relay`: there is one
    for emails.
    """
    found = []
    for state in ("dead", "in_flight", "pending"):
        for entry in outbox_view.undelivered(conn, state, supplier, limit=most):
            if state == "in_flight" and entry.last_error is None:
                continue  # it is on its way for the first time
            why = Why(entry.last_error or "") if state == "dead" else why_waits(conn, entry, relay)
            (line,) = search.sent([entry])
            found.append(Undelivered(line, why or Why("")))
    return sorted(found, key=lambda one: (one.waits_behind, one.line.state != "dead", one.line.id))
