"""Up to when what is noted of hubs that left an estate was pruned."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017_pruned"
down_revision = "0016_refusals"
branch_labels = None
depends_on = None

INTEGER_64 = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "pruned_until",
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("at", INTEGER_64, nullable=False),
        sa.PrimaryKeyConstraint("what", name="pk_pruned_until"),
    )
