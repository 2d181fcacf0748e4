"""The audit log: what waits, the chain, its checkpoints. What is stored already lies before it, and is counted."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "0018_audit"
down_revision = "0017_pruned"
branch_labels = None
depends_on = None

_COUNTED = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BEFORE = ("service_request", "partner_message", "operator_action", "outbox")


def upgrade() -> None:
    op.create_table(
        "audit_waiting",
        sa.Column("id", _COUNTED, autoincrement=True, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_waiting"),
    )
    op.create_table(
        "audit_entry",
        sa.Column("sequence", _COUNTED, autoincrement=False, nullable=False),
        sa.Column("sealed_at", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_audit_entry"),
    )
    op.create_table(
        "audit_checkpoint",
        sa.Column("sequence", _COUNTED, autoincrement=False, nullable=False),
        sa.Column("signed_at", sa.Float(53), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_audit_checkpoint"),
    )
    _begin()


def _begin() -> None:
    """Where something is stored already, let the first entry say how much: the log proves nothing of it."""
    connection = op.get_bind()
    began: dict[str, object] = {}
    for name in _BEFORE:
        last, rows = connection.execute(sa.text(f"SELECT max(id), count(*) FROM {name}")).one()  # noqa: S608
        began[name] = [last or 0, rows]
    began["failed_attempt"] = connection.execute(sa.text("SELECT count(*) FROM failed_attempt")).scalar_one()
    if not any(began[name] != [0, 0] for name in _BEFORE):
        return
    sealed_at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    content = json.dumps([{"began": began}], sort_keys=True, separators=(",", ":"))
    link = sha256(f"{'0' * 64}\n1\n{sealed_at}\n{content}".encode()).hexdigest()
    statement = sa.text("INSERT INTO audit_entry (sequence, sealed_at, content, link) VALUES (1, :at, :content, :link)")
    connection.execute(statement, {"at": sealed_at, "content": content, "link": link})
