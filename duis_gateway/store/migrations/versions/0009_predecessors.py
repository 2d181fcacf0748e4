"""Permitted predecessors of a release, batches without a period, and flags found by subject."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009_predecessors"
down_revision = "0008_console"
branch_labels = None
depends_on = None

INTEGER_64 = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "permitted_predecessor",
        sa.Column("release_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("firmware_version", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.release_id"], name="fk_permitted_predecessor_release_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("release_id", "firmware_version", name="pk_permitted_predecessor"),
    )
    _let_batches_have_no_period()
    op.create_index("ix_operator_flag_kind_subject", "operator_flag", ["kind", "subject"], unique=False)


def _let_batches_have_no_period() -> None:
    """A batch without a period had been given one from its receipt to the automatic date."""
    for name in ("starts", "ends"):
        if op.get_bind().dialect.name == "sqlite":  # it cannot change a column, and to make the table anew drops hubs
            op.add_column("batch", sa.Column("given", INTEGER_64, nullable=True))
            batch = sa.table("batch", sa.column("given"), sa.column(name))
            op.execute(batch.update().values(given=batch.c[name]))
            op.drop_column("batch", name)
            op.execute(f"ALTER TABLE batch RENAME COLUMN given TO {name}")
        else:
            op.alter_column("batch", name, nullable=True)
    op.execute("UPDATE batch SET starts = NULL, ends = NULL WHERE starts = received_at")
