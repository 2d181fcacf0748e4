"""From when hubs were instructed, where their instruction took the place of another one that still counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021_since"
down_revision = "0020_hub_events"
branch_labels = None
depends_on = None

_COUNTED = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for table in ("instruction_hub", "selected_hub"):
        op.add_column(table, sa.Column("since", _COUNTED, nullable=True))
