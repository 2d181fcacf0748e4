"""What passes through the gateway: messages with their evidence, activations, the outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002_traffic"
down_revision = "0001_estate"
branch_labels = None
depends_on = None

INTEGER_64 = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _make_messages()
    _make_activations()
    _make_deliveries()


def _make_messages() -> None:
    op.create_table(
        "service_request",
        sa.Column("id", INTEGER_64, nullable=False),
        sa.Column("originator", INTEGER_64, nullable=False),
        sa.Column("target", INTEGER_64, nullable=False),
        sa.Column("counter", INTEGER_64, nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("received_at", INTEGER_64, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_service_request"),
        sa.UniqueConstraint("originator", "target", "counter", name="uq_service_request_originator_target_counter"),
    )
    op.create_table(
        "partner_message",
        sa.Column("id", INTEGER_64, nullable=False),
        sa.Column("sender", INTEGER_64, nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("received_at", INTEGER_64, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_partner_message"),
        sa.UniqueConstraint("sender", "message_id", name="uq_partner_message_sender_message_id"),
    )
    op.create_table(
        "service_request_evidence",
        sa.Column("message", INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message"], ["service_request.id"], name="fk_service_request_evidence_message", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message", name="pk_service_request_evidence"),
    )
    op.create_table(
        "partner_message_evidence",
        sa.Column("message", INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message"], ["partner_message.id"], name="fk_partner_message_evidence_message", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message", name="pk_partner_message_evidence"),
    )
    op.create_table(
        "message_part",
        sa.Column("sender", INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("list_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("of", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sender", "list_id", "number", name="pk_message_part"),
    )


def _make_activations() -> None:
    op.create_table(
        "activation_request",
        sa.Column("device_id", INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("firmware_version", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("csp", INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("issued_at", INTEGER_64, nullable=False),
        sa.Column("release_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("device_id", "firmware_version", "csp", name="pk_activation_request"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "activation_outcome",
        sa.Column("id", INTEGER_64, nullable=False),
        sa.Column("device_id", INTEGER_64, nullable=False),
        sa.Column("csp", INTEGER_64, nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("success", sa.Boolean(), nullable=False),
        sa.Column("firmware_version", sa.Text(), nullable=False),
        sa.Column("completed_at", INTEGER_64, nullable=False),
        sa.Column("received_at", INTEGER_64, nullable=False),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        sa.Column("commentary", sa.Text(), nullable=True),
        sa.Column("matched", sa.Boolean(), nullable=False),
        sa.Column("release_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_activation_outcome"),
    )
    op.create_index("ix_activation_outcome_device_id_id", "activation_outcome", ["device_id", "id"], unique=False)
    op.create_table(
        "operator_flag",
        sa.Column("id", INTEGER_64, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", INTEGER_64, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_operator_flag"),
    )


def _make_deliveries() -> None:
    op.create_table(
        "alert_counter",
        sa.Column("recipient", INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("value", INTEGER_64, nullable=False),
        sa.PrimaryKeyConstraint("recipient", name="pk_alert_counter"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", INTEGER_64, nullable=False),
        sa.Column("recipient", INTEGER_64, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("release_id", sa.Text(), nullable=True),
        sa.Column("device_id", INTEGER_64, nullable=True),
        sa.Column("order_key", sa.Text(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", INTEGER_64, nullable=False),
        sa.Column("enqueued_at", sa.Float(precision=53), nullable=False),
        sa.Column("due_at", sa.Float(precision=53), nullable=False),
        sa.Column("lease_until", sa.Float(precision=53), nullable=True),
        sa.Column("delivered_at", sa.Float(precision=53), nullable=True),
        sa.Column("lease_token", sa.Text(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("channel IN ('http', 'email')", name=op.f("ck_outbox_channel")),
        sa.CheckConstraint("state IN ('pending', 'in_flight', 'delivered', 'dead')", name=op.f("ck_outbox_state")),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("message_id", name="uq_outbox_message_id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_outbox_dead",
        "outbox",
        ["recipient", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'dead'"),
        postgresql_where=sa.text("state = 'dead'"),
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["recipient", "channel", "due_at", "id", "enqueued_at"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_outbox_leased",
        "outbox",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("state = 'in_flight'"),
        postgresql_where=sa.text("state = 'in_flight'"),
    )
    op.create_index(
        "ix_outbox_open",
        "outbox",
        ["order_key", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('pending', 'in_flight')"),
        postgresql_where=sa.text("state IN ('pending', 'in_flight')"),
    )
