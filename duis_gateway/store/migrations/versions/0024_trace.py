"""The trace that a message was caused under (W3C `traceparent`), for those who deliver it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024_trace"
down_revision = "0022_waiting"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("traceparent", sa.Text))
