"""What becomes of releases: their history, decisions, incidents, outcomes, and what DCC instructs itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003_rollout"
down_revision = "0002_traffic"
branch_labels = None
depends_on = None

INTEGER_64 = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _make_history()
    _make_reports()
    _make_groups("batch", sa.Column("group_id", sa.Text(), nullable=False), "batch_hub", "batch_id")
    _make_groups("pilot_selection", sa.Column("supplier", INTEGER_64, nullable=False), "selected_hub", "selection_id")


def _of_release(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["release_id"], ["release.release_id"], name=f"fk_{table}_release_id")


def _make_history() -> None:
    op.create_table(
        "release_event",
        sa.Column("id", INTEGER_64, nullable=False),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("at", INTEGER_64, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("by_whom", sa.Text(), nullable=False),
        sa.Column("commentary", sa.Text(), nullable=True),
        _of_release("release_event"),
        sa.PrimaryKeyConstraint("id", name="pk_release_event"),
    )
    op.create_index("ix_release_event_release_id_id", "release_event", ["release_id", "id"], unique=False)
    op.create_table(
        "rollout_decision",
        sa.Column("id", INTEGER_64, nullable=False),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("received_at", INTEGER_64, nullable=False),
        sa.Column("new_date", INTEGER_64, nullable=True),
        _of_release("rollout_decision"),
        sa.PrimaryKeyConstraint("id", name="pk_rollout_decision"),
    )
    op.create_index("ix_rollout_decision_release_id_id", "rollout_decision", ["release_id", "id"], unique=False)


def _make_reports() -> None:
    op.create_table(
        "incident",
        sa.Column("reference", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("supplier", INTEGER_64, nullable=False),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("emergency_stop", sa.Boolean(), nullable=False),
        sa.Column("received_at", INTEGER_64, nullable=False),
        sa.Column("decided_at", INTEGER_64, nullable=True),
        _of_release("incident"),
        sa.PrimaryKeyConstraint("reference", name="pk_incident"),
    )
    op.create_index("ix_incident_release_id", "incident", ["release_id"], unique=False)
    op.create_table(
        "stage_report",
        sa.Column("release_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("stage", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("success", sa.Boolean(), nullable=False),
        sa.Column("targeted", sa.Integer(), nullable=False),
        sa.Column("activated", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("commentary", sa.Text(), nullable=True),
        sa.Column("reported_at", INTEGER_64, nullable=False),
        sa.Column("decided", sa.Boolean(), nullable=False),
        _of_release("stage_report"),
        sa.PrimaryKeyConstraint("release_id", "stage", name="pk_stage_report"),
    )


def _make_groups(table: str, whose: sa.Column[object], hubs: str, owner: str) -> None:
    op.create_table(
        table,
        sa.Column("id", INTEGER_64, nullable=False),
        sa.Column("release_id", sa.Text(), nullable=False),
        whose,
        sa.Column("starts", INTEGER_64, nullable=False),
        sa.Column("ends", INTEGER_64, nullable=False),
        sa.Column("received_at", INTEGER_64, nullable=False),
        _of_release(table),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("release_id", whose.name, name=f"uq_{table}_release_id_{whose.name}"),
    )
    op.create_table(
        hubs,
        sa.Column(owner, INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("device_id", INTEGER_64, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint([owner], [f"{table}.id"], name=f"fk_{hubs}_{owner}", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint(owner, "device_id", name=f"pk_{hubs}"),
        sqlite_with_rowid=False,
    )
    op.create_index(f"ix_{hubs}_device_id", hubs, ["device_id"], unique=False)
