"""What the code that a Service Request was answered with means for it, in words."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028_explanation"
down_revision = "0027_usable_by"
branch_labels = None
depends_on = None
oldest_gateway = "0027_usable_by"


def upgrade() -> None:
    op.add_column("service_request_evidence", sa.Column("explanation", sa.Text(), nullable=True))
