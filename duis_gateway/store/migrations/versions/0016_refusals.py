"""How often a recipient has refused a message, apart from how often it was tried."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016_refusals"
down_revision = "0015_gpf"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("refusals", sa.Integer(), server_default="0", nullable=False))
