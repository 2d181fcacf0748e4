"""The estate and what is planned for it: parties, hubs, releases, pilots, schedules, instructions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_estate"
down_revision = None
branch_labels = None
depends_on = None

INTEGER_64 = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _make_parties()
    _make_inventory()
    _make_releases()
    _make_schedules()
    _make_instructions()


def _make_parties() -> None:
    op.create_table(
        "party",
        sa.Column("eui", INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("duis_version", sa.Text(), nullable=False),
        sa.Column("published_schema_only", sa.Boolean(), nullable=False),
        sa.Column("regions", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("eui", name="pk_party"),
        sa.UniqueConstraint("token_hash", name="uq_party_token_hash"),
    )
    op.create_table(
        "certificate",
        sa.Column("issuer_key", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("serial", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("party", INTEGER_64, nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.Column("trusted_directly", sa.Boolean(), nullable=False),
        sa.Column("revoked_at", INTEGER_64, nullable=True),
        sa.ForeignKeyConstraint(["party"], ["party.eui"], name="fk_certificate_party"),
        sa.PrimaryKeyConstraint("issuer_key", "serial", name="pk_certificate"),
    )
    op.create_index("ix_certificate_party", "certificate", ["party"], unique=False)


def _make_inventory() -> None:
    op.create_table(
        "device_model",
        sa.Column("id", INTEGER_64, nullable=False),
        sa.Column("manufacturer", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_device_model"),
        sa.UniqueConstraint("manufacturer", "model", name="uq_device_model_manufacturer_model"),
    )
    op.create_table(
        "hub",
        sa.Column("device_id", INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("device_type", sa.Text(), nullable=False),
        sa.Column("model_id", INTEGER_64, nullable=False),
        sa.Column("firmware_version", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("csp_region", sa.Text(), nullable=False),
        sa.Column("import_supplier", INTEGER_64, nullable=True),
        sa.Column("gas_supplier", INTEGER_64, nullable=True),
        sa.Column("told_version", sa.Text(), nullable=True),
        sa.Column("completed_at", INTEGER_64, nullable=True),
        sa.ForeignKeyConstraint(["model_id"], ["device_model.id"], name="fk_hub_model_id"),
        sa.PrimaryKeyConstraint("device_id", name="pk_hub"),
    )
    op.create_index(
        "ix_hub_gas_supplier_model_id_csp_region", "hub", ["gas_supplier", "model_id", "csp_region"], unique=False
    )
    op.create_index(
        "ix_hub_import_supplier_model_id_csp_region", "hub", ["import_supplier", "model_id", "csp_region"], unique=False
    )


def _make_releases() -> None:
    op.create_table(
        "release",
        sa.Column("release_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("release_type", sa.Text(), nullable=False),
        sa.Column("model_id", INTEGER_64, nullable=False),
        sa.Column("firmware_version", sa.Text(), nullable=False),
        sa.Column("release_note", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("notified_at", INTEGER_64, nullable=False),
        sa.Column("automatic_date", INTEGER_64, nullable=False),
        sa.Column("pilot_start", INTEGER_64, nullable=True),
        sa.Column("pilot_end", INTEGER_64, nullable=True),
        sa.Column("pilot_limit", sa.Integer(), nullable=True),
        sa.Column("pilot_minimum", sa.Integer(), nullable=True),
        sa.Column("pilot_share_percent", sa.Integer(), nullable=True),
        sa.Column("pilot_share_by", INTEGER_64, nullable=True),
        sa.Column("obligations", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["device_model.id"], name="fk_release_model_id"),
        sa.PrimaryKeyConstraint("release_id", name="pk_release"),
    )
    op.create_index("ix_release_model_id", "release", ["model_id"], unique=False)
    op.create_table(
        "release_hub",
        sa.Column("release_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("device_id", INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("release_id", "device_id", name="pk_release_hub"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "default_list",
        sa.Column("id", INTEGER_64, nullable=False),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("csp_region", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["release.release_id"], name="fk_default_list_release_id"),
        sa.PrimaryKeyConstraint("id", name="pk_default_list"),
        sa.UniqueConstraint("release_id", "csp_region", name="uq_default_list_release_id_csp_region"),
    )
    op.create_table(
        "default_hub",
        sa.Column("list_id", INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("device_id", INTEGER_64, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("list_id", "device_id", name="pk_default_hub"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "preferred_list",
        sa.Column("id", INTEGER_64, nullable=False),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("supplier", INTEGER_64, nullable=False),
        sa.Column("firmware_version", sa.Text(), nullable=False),
        sa.Column("received_at", INTEGER_64, nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["release.release_id"], name="fk_preferred_list_release_id"),
        sa.PrimaryKeyConstraint("id", name="pk_preferred_list"),
        sa.UniqueConstraint("release_id", "supplier", name="uq_preferred_list_release_id_supplier"),
    )
    op.create_table(
        "preferred_hub",
        sa.Column("list_id", INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("device_id", INTEGER_64, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("list_id", "device_id", name="pk_preferred_hub"),
        sqlite_with_rowid=False,
    )


def _make_schedules() -> None:
    op.create_table(
        "default_schedule",
        sa.Column("id", INTEGER_64, nullable=False),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("csp_region", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["release.release_id"], name="fk_default_schedule_release_id"),
        sa.PrimaryKeyConstraint("id", name="pk_default_schedule"),
        sa.UniqueConstraint(
            "release_id", "stage", "csp_region", name="uq_default_schedule_release_id_stage_csp_region"
        ),
    )
    op.create_table(
        "default_group",
        sa.Column("id", INTEGER_64, nullable=False),
        sa.Column("schedule_id", INTEGER_64, nullable=False),
        sa.Column("group_id", sa.Text(), nullable=False),
        sa.Column("starts", INTEGER_64, nullable=False),
        sa.Column("ends", INTEGER_64, nullable=False),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["default_schedule.id"], name="fk_default_group_schedule_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_default_group"),
        sa.UniqueConstraint("schedule_id", "group_id", name="uq_default_group_schedule_id_group_id"),
    )
    op.create_table(
        "default_group_hub",
        sa.Column("group_number", INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("device_id", INTEGER_64, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("group_number", "device_id", name="pk_default_group_hub"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "offered_constraint",
        sa.Column("schedule_id", INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["default_schedule.id"], name="fk_offered_constraint_schedule_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("schedule_id", "code", name="pk_offered_constraint"),
        sqlite_with_rowid=False,
    )


def _make_instructions() -> None:
    op.create_table(
        "instruction",
        sa.Column("id", INTEGER_64, nullable=False),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("supplier", INTEGER_64, nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("group_id", sa.Text(), nullable=False),
        sa.Column("starts", INTEGER_64, nullable=False),
        sa.Column("ends", INTEGER_64, nullable=False),
        sa.Column("received_at", INTEGER_64, nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["release.release_id"], name="fk_instruction_release_id"),
        sa.PrimaryKeyConstraint("id", name="pk_instruction"),
        sa.UniqueConstraint(
            "release_id", "supplier", "stage", "group_id", name="uq_instruction_release_id_supplier_stage_group_id"
        ),
    )
    op.create_table(
        "instruction_hub",
        sa.Column("instruction_id", INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("device_id", INTEGER_64, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("instruction_id", "device_id", name="pk_instruction_hub"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_instruction_hub_device_id", "instruction_hub", ["device_id"], unique=False)
    op.create_table(
        "instruction_constraint",
        sa.Column("instruction_id", INTEGER_64, autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["instruction_id"], ["instruction.id"], name="fk_instruction_constraint_instruction_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("instruction_id", "code", name="pk_instruction_constraint"),
        sqlite_with_rowid=False,
    )
