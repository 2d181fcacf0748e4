"""What operators did, flags that somebody has seen, failed attempts to deliver, and indexes for the console."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from duis_gateway.store.columns import key, needed, number, owned_by
from duis_gateway.store.types import UtcTime

revision = "0008_console"
down_revision = "0007_kinds"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("operator_flag", sa.Column("acknowledged_at", UtcTime))
    op.create_index(
        "ix_operator_flag_open",
        "operator_flag",
        ["id"],
        sqlite_where=sa.text("acknowledged_at IS NULL"),
        postgresql_where=sa.text("acknowledged_at IS NULL"),
    )
    op.create_table(
        "operator_action",
        number(),
        needed("at", UtcTime),
        needed("action"),
        needed("subject"),
        needed("remote"),
    )
    op.create_table(
        "failed_attempt",
        owned_by("outbox", "message"),
        key("at", sa.Float(53)),
        needed("error"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_outbox_hub",
        "outbox",
        ["device_id", "id"],
        sqlite_where=sa.text("device_id IS NOT NULL"),
        postgresql_where=sa.text("device_id IS NOT NULL"),
    )
    activated = sa.text("success = 1 AND stage = 'Activation'"), sa.text("success AND stage = 'Activation'")
    op.create_index(
        "ix_activation_outcome_activated",
        "activation_outcome",
        ["release_id", "completed_at"],
        sqlite_where=activated[0],
        postgresql_where=activated[1],
    )
