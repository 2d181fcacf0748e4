"""Which gateways work on the tables as they are, so that older ones run on while newer ones take their place."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027_usable_by"
down_revision = "0026_batch_since"
branch_labels = None
depends_on = None

oldest_gateway = "0026_batch_since"  # while it runs: started anew, it refuses whatever it does not know


def upgrade() -> None:
    op.add_column("alembic_version", sa.Column("usable_by", sa.Text))
