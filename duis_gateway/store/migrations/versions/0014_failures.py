"""Failure thresholds of releases, the hubs that failed by the hour, and pauses proposed to DCC."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014_failures"
down_revision = "0013_news"
branch_labels = None
depends_on = None

INTEGER_64 = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "failure_threshold",
        sa.Column("release_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("share_percent", sa.Integer(), nullable=False),
        sa.Column("window_hours", sa.Integer(), nullable=False),
        sa.Column("least_hubs", sa.Integer(), nullable=False),
        sa.Column("hold", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.release_id"], name="fk_failure_threshold_release_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("release_id", name="pk_failure_threshold"),
    )
    op.create_table(
        "failure_count",
        sa.Column("release_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("hour", INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("after_outcome", INTEGER_64, nullable=False),
        sa.Column("hubs", INTEGER_64, nullable=False),
        sa.Column("failed", INTEGER_64, nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["release.release_id"], name="fk_failure_count_release_id"),
        sa.PrimaryKeyConstraint("release_id", "hour", name="pk_failure_count"),
    )
    op.create_table(
        "pause_proposal",
        sa.Column("release_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("proposed_at", INTEGER_64, nullable=False),
        sa.Column("hubs", INTEGER_64, nullable=False),
        sa.Column("failed", INTEGER_64, nullable=False),
        sa.Column("share_percent", sa.Integer(), nullable=False),
        sa.Column("window_hours", sa.Integer(), nullable=False),
        sa.Column("least_hubs", sa.Integer(), nullable=False),
        sa.Column("hold", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["release.release_id"], name="fk_pause_proposal_release_id"),
        sa.PrimaryKeyConstraint("release_id", name="pk_pause_proposal"),
    )
