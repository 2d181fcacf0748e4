"""The counters of what the gateway sends: strictly rising for each recipient, gaps allowed (design section 5)."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from duis_gateway.store.tables import alert_counter
from duis_gateway.store.upsert import insert_into


def reserve(connection: Connection, needed: Mapping[int, int]) -> dict[int, int]:
    """Reserve counters for recipients.

    On PostgreSQL other blocks that send to the same recipient wait until this one ends, so that counters rise in
    the order of the commits.

    Args:
        connection: of a write block.
        needed: how many, by the recipient's EUI-64.

    Returns:
        The first counter of each recipient; the others follow it.
    """
    first = {}
    for recipient in sorted(needed):  # always in one order, so that two blocks cannot wait for each other
        count = needed[recipient]
        new = insert_into(connection, alert_counter).values(recipient=recipient, value=count)
        statement = new.on_conflict_do_update(
            index_elements=["recipient"], set_={"value": alert_counter.c.value + count}
        )
        last = connection.execute(statement.returning(alert_counter.c.value)).scalar_one()
        first[recipient] = last - count + 1
    return first
