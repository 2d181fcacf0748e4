"""From when hubs were in a batch of DCC's, where it took the place of another one that still counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026_batch_since"
down_revision = "0025_changed"
branch_labels = None
depends_on = None

_COUNTED = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("batch_hub", sa.Column("since", _COUNTED, nullable=True))
