"""What a CSP said of single hubs, in SQL: the rule of `HubInstruction.counting_period`, for long lists.

What it said of a hub itself counts before what it said of the group in the hub's region. Where it said neither, and of
a hub that came into its regions later, what the supplier asked for counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, exists, func, or_, select

from duis_gateway.rollout.periods import is_over, is_over_sql, to_come_sql
from duis_gateway.rollout.releases.records import Instruction, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from duis_gateway.store.bulk import of_head, stored_columns
from duis_gateway.store.rollout_tables import piece_hub, piece_say
from duis_gateway.store.tables import group_say, hub, instruction, instruction_hub
from duis_gateway.store.types import unsigned

counting_end = func.coalesce(piece_say.c.ends, group_say.c.ends, instruction.c.ends)
"""When the period ends that counts for a hub (PIA-C2): of the `instruction` that `bulk.of_head` looks up.

In a query that `with_say` has joined.
"""

decision = func.coalesce(piece_say.c.decision, group_say.c.decision, "")
"""What the CSP decided of a hub, "" where nothing, in a query that `with_say` has joined."""


def with_say(query: Select[Any]) -> Select[Any]:
    """Join what was said of each hub to a query of the hubs of instructions (`instruction_hub`, `hub`)."""
    of_hub = and_(
        piece_hub.c.instruction_id == instruction_hub.c.instruction_id,
        piece_hub.c.device_id == instruction_hub.c.device_id,
        piece_hub.c.csp_region == hub.c.csp_region,
    )
    of_region = and_(
        group_say.c.instruction_id == instruction_hub.c.instruction_id,
        group_say.c.csp_region == hub.c.csp_region,
        piece_hub.c.device_id.is_(None),
    )
    return (
        query.outerjoin(piece_hub, of_hub)
        .outerjoin(piece_say, piece_say.c.id == piece_hub.c.piece_id)
        .outerjoin(group_say, of_region)
    )


def passed(connection: Connection, number: int, at: datetime) -> frozenset[int]:
    """Return the hubs of the standing group of this number whose period, the CSP's where it fixed one, is over."""
    named = (
        select(instruction_hub.c.device_id)
        .join_from(instruction, instruction_hub, instruction_hub.c.instruction_id == instruction.c.id)
        .join(hub, hub.c.device_id == instruction_hub.c.device_id)
        .where(instruction.c.id == number, is_over_sql(counting_end, at))
    )
    return frozenset(unsigned(stored_columns(connection, with_say(named))[0]))


def to_come(
    connection: Connection, release_id: str, supplier: int, groups: Iterable[Instruction], now: datetime
) -> frozenset[int]:
    """Return the hubs of standing groups of a supplier whose period, the CSP's where it fixed one, is not over.

    Those that the CSP refused are none of them.
    """
    said = _said_by_csps(connection, release_id, supplier)
    found: set[int] = set()
    looked_up: list[int] = []
    for group in groups:
        number = said.get((group.stage, group.group_id))
        if number is not None:
            looked_up.append(number)
        elif not is_over(group.period, now):
            found.update(group.device_ids)
    if looked_up:
        query = (
            select(instruction_hub.c.device_id)
            .join(hub, hub.c.device_id == instruction_hub.c.device_id)
            .where(
                instruction_hub.c.instruction_id.in_(looked_up),
                decision != GroupDecision.REFUSED,
                of_head(instruction, instruction_hub.c.instruction_id, to_come_sql(counting_end, now)),
            )
        )
        found.update(connection.execute(with_say(query)).scalars())
    return frozenset(found)


def _said_by_csps(connection: Connection, release_id: str, supplier: int) -> dict[tuple[Stage, str], int]:
    """Return the numbers of a supplier's standing groups of which a CSP refused hubs, or fixed a period for some."""
    here = (instruction.c.release_id == release_id, instruction.c.supplier == supplier)
    said = (
        exists().where(
            one.c.instruction_id == instruction.c.id,
            or_(one.c.ends.is_not(None), one.c.decision == GroupDecision.REFUSED),
        )
        for one in (group_say, piece_say)
    )
    query = select(instruction.c.stage, instruction.c.group_id, instruction.c.id).where(*here, or_(*said))
    return {(Stage(row.stage), row.group_id): row.id for row in connection.execute(query)}
