"""When hubs, and what is known of a device model, changed last; and who was responsible for a hub before."""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0013_news"
down_revision = "0012_protection"
branch_labels = None
depends_on = None

INTEGER_64 = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("hub", sa.Column("changed_at", INTEGER_64, nullable=True))
    op.create_table(
        "hub_news",
        sa.Column("device_id", INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("changed_at", INTEGER_64, nullable=False),
        sa.PrimaryKeyConstraint("device_id", name="pk_hub_news"),
    )
    news = op.create_table(
        "model_news",
        sa.Column("model_id", INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("changed_at", INTEGER_64, nullable=False),
        sa.PrimaryKeyConstraint("model_id", name="pk_model_news"),
    )
    op.create_table(
        "former_hub",
        sa.Column("id", INTEGER_64, nullable=False),
        sa.Column("device_id", INTEGER_64, nullable=False),
        sa.Column("supplier", INTEGER_64, nullable=True),
        sa.Column("csp_region", sa.Text(), nullable=True),
        sa.Column("left_at", INTEGER_64, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_former_hub"),
    )
    op.create_index("ix_former_hub_left_at", "former_hub", ["left_at"], unique=False)
    # What changed before was not noted: everything that there is counts as changed now.
    models = sa.table("device_model", sa.column("id"))
    now = sa.literal(time.time_ns() // 1000, sa.BigInteger())
    op.execute(sa.insert(news).from_select(["model_id", "changed_at"], sa.select(models.c.id, now)))
