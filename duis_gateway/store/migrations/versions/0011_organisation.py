"""The organisation that a party's TLS client certificates name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011_organisation"
down_revision = "0010_plans"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("party", sa.Column("organisation", sa.Text(), nullable=True))
