"""When a part of a list came, so that parts of lists that are never completed can be pruned."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005_parts"
down_revision = "0004_says"
branch_labels = None
depends_on = None

_NOW = {
    "postgresql": sa.text("UPDATE message_part SET kept_at = extract(epoch FROM clock_timestamp())"),
    "sqlite": sa.text("UPDATE message_part SET kept_at = (julianday('now') - 2440587.5) * 86400.0"),
}


def upgrade() -> None:
    """The age of a part that is there already is counted from now."""
    op.add_column("message_part", sa.Column("kept_at", sa.Float(precision=53), nullable=True))
    op.execute(_NOW[op.get_bind().dialect.name])
