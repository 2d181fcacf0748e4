"""What became of hubs' instructions and plans: kept when it stands no more, for the history of a hub."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020_hub_events"
down_revision = "0019_order_of_releases"
branch_labels = None
depends_on = None

_COUNTED = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "hub_event",
        sa.Column("id", _COUNTED, autoincrement=True, nullable=False),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("supplier", _COUNTED, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("at", _COUNTED, nullable=False),
        sa.Column("noted_at", _COUNTED, nullable=False),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("group_id", sa.Text(), nullable=True),
        sa.Column("starts", _COUNTED, nullable=True),
        sa.Column("ends", _COUNTED, nullable=True),
        sa.Column("word", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_hub_event"),
        sa.ForeignKeyConstraint(["release_id"], ["release.release_id"], name="fk_hub_event_release_id"),
    )
    op.create_index("ix_hub_event_release_id_noted_at", "hub_event", ["release_id", "noted_at"])
    op.create_index("ix_hub_event_noted_at", "hub_event", ["noted_at"])
    op.create_table(
        "hub_event_hub",
        sa.Column("event_id", _COUNTED, autoincrement=False, nullable=False),
        sa.Column("device_id", _COUNTED, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("event_id", "device_id", name="pk_hub_event_hub"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_hub_event_hub_device_id", "hub_event_hub", ["device_id"])
