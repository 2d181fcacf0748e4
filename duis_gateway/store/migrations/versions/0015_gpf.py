"""The second device of a Communications Hub: which GPF belongs to which hub."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015_gpf"
down_revision = "0014_failures"
branch_labels = None
depends_on = None

INTEGER_64 = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PAIRED = sa.text("gpf_device_id IS NOT NULL")


def upgrade() -> None:
    op.add_column("hub", sa.Column("gpf_device_id", INTEGER_64, nullable=True))
    op.create_index(
        "ix_hub_gpf_device_id",
        "hub",
        ["gpf_device_id"],
        unique=True,
        sqlite_where=PAIRED,
        postgresql_where=PAIRED,
    )
