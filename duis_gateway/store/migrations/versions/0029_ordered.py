"""The oldest message of each order is found at once, however many wait behind it; what has no order is in no index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029_ordered"
down_revision = "0028_explanation"
branch_labels = None
depends_on = None
oldest_gateway = "0027_usable_by"

_ORDERED = "state IN ('pending', 'in_flight') AND order_key IS NOT NULL"
_INDEXES = (
    ("ix_outbox_due", ["recipient", "channel", "due_at", "id", "enqueued_at", "order_key"], "state = 'pending'"),
    ("ix_outbox_ordered", ["recipient", "channel", "order_key", "id"], _ORDERED),
    ("ix_outbox_open", ["order_key", "id"], _ORDERED),
)


def upgrade() -> None:
    op.drop_index("ix_outbox_due", "outbox")
    op.drop_index("ix_outbox_open", "outbox")
    for name, columns, condition in _INDEXES:
        where = sa.text(condition)
        op.create_index(name, "outbox", columns, sqlite_where=where, postgresql_where=where)
