"""The hubs that suppliers let into no pilot and no period."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012_protection"
down_revision = "0011_organisation"
branch_labels = None
depends_on = None

INTEGER_64 = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "protected_hub",
        sa.Column("supplier", INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("device_id", INTEGER_64, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("supplier", "device_id", name="pk_protected_hub"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_protected_hub_device_id", "protected_hub", ["device_id"], unique=False)
