"""The CSPs' say on suppliers' groups, and indexes by which plans and the states of hubs are found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004_says"
down_revision = "0003_rollout"
branch_labels = None
depends_on = None

INTEGER_64 = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "group_say",
        sa.Column("instruction_id", INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("csp_region", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("csp", INTEGER_64, nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("starts", INTEGER_64, nullable=True),
        sa.Column("ends", INTEGER_64, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_at", INTEGER_64, nullable=False),
        sa.ForeignKeyConstraint(
            ["instruction_id"], ["instruction.id"], name="fk_group_say_instruction_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("instruction_id", "csp_region", name="pk_group_say"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_default_group_hub_device_id", "default_group_hub", ["device_id"], unique=False)
    op.create_index(
        "ix_activation_outcome_failed",
        "activation_outcome",
        ["release_id", "device_id"],
        unique=False,
        sqlite_where=sa.text("success = 0"),
        postgresql_where=sa.text("NOT success"),
    )
