"""The CSPs' says on pieces of suppliers' groups, hub by hub."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006_pieces"
down_revision = "0005_parts"
branch_labels = None
depends_on = None

INTEGER_64 = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "piece_say",
        sa.Column("id", INTEGER_64, nullable=False),
        sa.Column("instruction_id", INTEGER_64, nullable=False),
        sa.Column("csp", INTEGER_64, nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("starts", INTEGER_64, nullable=True),
        sa.Column("ends", INTEGER_64, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_at", INTEGER_64, nullable=False),
        sa.ForeignKeyConstraint(
            ["instruction_id"], ["instruction.id"], name="fk_piece_say_instruction_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_piece_say"),
    )
    op.create_index("ix_piece_say_instruction_id", "piece_say", ["instruction_id"], unique=False)
    op.create_table(
        "piece_hub",
        sa.Column("instruction_id", INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("device_id", INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("csp_region", sa.Text(), nullable=False),
        sa.Column("piece_id", INTEGER_64, nullable=False),
        sa.PrimaryKeyConstraint("instruction_id", "device_id", name="pk_piece_hub"),
        sqlite_with_rowid=False,
    )
