"""Hubs are found by the time at which they changed: looking through a large estate for them took half a minute."""

from __future__ import annotations

from alembic import op

revision = "0025_changed"
down_revision = "0023_past_dates"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_hub_changed_at", "hub", ["changed_at"])
    op.create_index("ix_hub_news_changed_at", "hub_news", ["changed_at"])
