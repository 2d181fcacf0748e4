"""What was told of the plans of hubs, and how often each recipient was told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010_plans"
down_revision = "0009_predecessors"
branch_labels = None
depends_on = None

INTEGER_64 = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "told_plan",
        sa.Column("id", INTEGER_64, nullable=False),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("starts", INTEGER_64, nullable=False),
        sa.Column("ends", INTEGER_64, nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["release.release_id"], name="fk_told_plan_release_id"),
        sa.PrimaryKeyConstraint("id", name="pk_told_plan"),
        sa.UniqueConstraint(
            "release_id",
            "ends",
            "starts",
            "stage",
            "basis",
            "standing",
            name="uq_told_plan_release_id_ends_starts_stage_basis_standing",
        ),
    )
    op.create_table(
        "planned_hub",
        sa.Column("release_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("device_id", INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("plan_id", INTEGER_64, nullable=False),
        sa.Column("csp_region", sa.Text(), nullable=False),
        sa.Column("import_supplier", INTEGER_64, nullable=True),
        sa.Column("gas_supplier", INTEGER_64, nullable=True),
        sa.PrimaryKeyConstraint("release_id", "device_id", name="pk_planned_hub"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_planned_hub_plan_id", "planned_hub", ["plan_id"], unique=False)
    op.create_table(
        "plan_revision",
        sa.Column("release_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("recipient", INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("value", INTEGER_64, nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["release.release_id"], name="fk_plan_revision_release_id"),
        sa.PrimaryKeyConstraint("release_id", "recipient", name="pk_plan_revision"),
    )
