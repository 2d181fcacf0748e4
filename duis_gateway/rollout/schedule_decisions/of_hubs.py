"""What a CSP said of single hubs, in SQL: the rule of `HubInstruction.counting_period`, for long lists.

What it said of a hub itself counts before what it said of the group in the hub's region. Where it said neither, and of
a hub that came into its regions later, what the supplier asked for counts.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, func

from duis_gateway.store.rollout_tables import piece_hub, piece_say
from duis_gateway.store.tables import group_say, hub, instruction, instruction_hub

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
