"""The order of releases that were announced at one time: a clock that stands still gives several the same."""

import sqlalchemy as sa
from alembic import op

revision = "0019_order_of_releases"
down_revision = "0018_audit"
branch_labels = None
depends_on = None

_COUNTED = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ORDERED = """
UPDATE release SET number = (
    SELECT count(*) FROM release AS other
    WHERE (other.notified_at, other.release_id) <= (release.notified_at, release.release_id)
)
"""


def upgrade() -> None:
    op.add_column("release", sa.Column("number", _COUNTED, nullable=False, server_default="0"))
    op.execute(_ORDERED)
