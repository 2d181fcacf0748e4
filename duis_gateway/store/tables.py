"""Every table of the gateway, for SQLite and PostgreSQL alike.

The migrations beside this file make the same tables; a test compares the two.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeEngine

from duis_gateway.store.types import Names, Unsigned64, UtcTime, Version

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_COUNTED: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")


def _number() -> Column[int]:
    return Column("id", _COUNTED, primary_key=True, autoincrement=True)


def _needed(name: str, kind: Any = Text, *constraints: ForeignKey, **options: Any) -> Column[Any]:
    return Column(name, kind, *constraints, nullable=False, **options)


def _key(name: str, kind: Any, *constraints: ForeignKey) -> Column[Any]:
    return Column(name, kind, *constraints, primary_key=True, autoincrement=False)


def _owned_by(table: str, name: str) -> Column[int]:
    return _key(name, _COUNTED, ForeignKey(f"{table}.id", ondelete="CASCADE"))


# --- parties and certificates -------------------------------------------------------------------------------------

party = Table(
    "party",
    metadata,
    _key("eui", Unsigned64),
    _needed("kind"),
    _needed("url"),
    Column("email", Text),
    _needed("status"),
    _needed("roles", Names),
    _needed("duis_version", Version),
    _needed("published_schema_only", Boolean),
    _needed("regions", Names),
    Column("token_hash", Text, unique=True),
)

certificate = Table(
    "certificate",
    metadata,
    _key("issuer_key", Text),
    _key("serial", Text),
    _needed("party", Unsigned64, ForeignKey("party.eui"), index=True),
    _needed("der", LargeBinary),
    _needed("trusted_directly", Boolean),
    Column("revoked_at", UtcTime),
)

# --- the inventory ------------------------------------------------------------------------------------------------

device_model = Table(
    "device_model",
    metadata,
    _number(),
    _needed("manufacturer"),
    _needed("model"),
    UniqueConstraint("manufacturer", "model"),
)

hub = Table(
    "hub",
    metadata,
    _key("device_id", Unsigned64),
    _needed("device_type"),
    _needed("model_id", _COUNTED, ForeignKey("device_model.id")),
    _needed("firmware_version"),
    _needed("status"),
    _needed("csp_region"),
    Column("import_supplier", Unsigned64),
    Column("gas_supplier", Unsigned64),
    Column("told_version", Text),
    Column("completed_at", UtcTime),
    # With millions of hubs, "the hubs of this supplier and model" is read from the index alone up to the row.
    Index(None, "import_supplier", "model_id", "csp_region"),
    Index(None, "gas_supplier", "model_id", "csp_region"),
)

# --- releases and pilots ------------------------------------------------------------------------------------------

release = Table(
    "release",
    metadata,
    _key("release_id", Text),
    _needed("revision", Integer),
    _needed("release_type"),
    _needed("model_id", _COUNTED, ForeignKey("device_model.id"), index=True),
    _needed("firmware_version"),
    _needed("release_note"),
    _needed("severity"),
    _needed("priority"),
    _needed("notified_at", UtcTime),
    _needed("automatic_date", UtcTime),
    Column("pilot_start", UtcTime),
    Column("pilot_end", UtcTime),
    Column("pilot_limit", Integer),
    Column("pilot_minimum", Integer),
    Column("pilot_share_percent", Integer),
    Column("pilot_share_by", UtcTime),
    _needed("obligations", Boolean),
    _needed("state"),
    _needed("paused", Boolean),
)

release_hub = Table(
    "release_hub",
    metadata,
    _key("release_id", Text, ForeignKey("release.release_id")),
    _key("device_id", Unsigned64),
    _needed("mark"),
    sqlite_with_rowid=False,
)

default_list = Table(
    "default_list",
    metadata,
    _number(),
    _needed("release_id", Text, ForeignKey("release.release_id")),
    _needed("csp_region"),
    UniqueConstraint("release_id", "csp_region"),
)

default_hub = Table(
    "default_hub",
    metadata,
    _owned_by("default_list", "list_id"),
    _key("device_id", Unsigned64),
    sqlite_with_rowid=False,
)

preferred_list = Table(
    "preferred_list",
    metadata,
    _number(),
    _needed("release_id", Text, ForeignKey("release.release_id")),
    _needed("supplier", Unsigned64),
    _needed("firmware_version"),
    _needed("received_at", UtcTime),
    UniqueConstraint("release_id", "supplier"),
)

preferred_hub = Table(
    "preferred_hub",
    metadata,
    _owned_by("preferred_list", "list_id"),
    _key("device_id", Unsigned64),
    sqlite_with_rowid=False,
)

# --- schedules and instructions -----------------------------------------------------------------------------------

default_schedule = Table(
    "default_schedule",
    metadata,
    _number(),
    _needed("release_id", Text, ForeignKey("release.release_id")),
    _needed("stage"),
    _needed("csp_region"),
    UniqueConstraint("release_id", "stage", "csp_region"),
)

default_group = Table(
    "default_group",
    metadata,
    _number(),
    _needed("schedule_id", _COUNTED, ForeignKey("default_schedule.id", ondelete="CASCADE")),
    _needed("group_id"),
    _needed("starts", UtcTime),
    _needed("ends", UtcTime),
    UniqueConstraint("schedule_id", "group_id"),
)

default_group_hub = Table(
    "default_group_hub",
    metadata,
    _owned_by("default_group", "group_number"),
    _key("device_id", Unsigned64),
    sqlite_with_rowid=False,
)

offered_constraint = Table(
    "offered_constraint",
    metadata,
    _owned_by("default_schedule", "schedule_id"),
    _key("code", Text),
    _needed("description"),
    sqlite_with_rowid=False,
)

instruction = Table(
    "instruction",
    metadata,
    _number(),
    _needed("release_id", Text, ForeignKey("release.release_id")),
    _needed("supplier", Unsigned64),
    _needed("stage"),
    _needed("group_id"),
    _needed("starts", UtcTime),
    _needed("ends", UtcTime),
    _needed("received_at", UtcTime),
    UniqueConstraint("release_id", "supplier", "stage", "group_id"),
)

instruction_hub = Table(
    "instruction_hub",
    metadata,
    _owned_by("instruction", "instruction_id"),
    _key("device_id", Unsigned64),
    Index(None, "device_id"),
    sqlite_with_rowid=False,
)

instruction_constraint = Table(
    "instruction_constraint",
    metadata,
    _owned_by("instruction", "instruction_id"),
    _key("code", Text),
    sqlite_with_rowid=False,
)

# --- what came in -------------------------------------------------------------------------------------------------


def _message_columns() -> list[Column[Any]]:
    return [
        _needed("door"),
        _needed("kind"),
        _needed("outcome"),
        _needed("received_at", UtcTime),
        _needed("digest", LargeBinary),
    ]


service_request = Table(
    "service_request",
    metadata,
    _number(),
    _needed("originator", Unsigned64),
    _needed("target", Unsigned64),
    _needed("counter", Unsigned64),
    *_message_columns(),
    # What makes a RequestID good for one request only, whatever arrives at once (threats T39 to T42).
    UniqueConstraint("originator", "target", "counter"),
)

partner_message = Table(
    "partner_message",
    metadata,
    _number(),
    _needed("sender", Unsigned64),
    _needed("message_id"),
    *_message_columns(),
    UniqueConstraint("sender", "message_id"),
)

# Evidence is large and seldom read; in tables of its own it keeps the look-ups by identity small.
service_request_evidence = Table(
    "service_request_evidence",
    metadata,
    _owned_by("service_request", "message"),
    _needed("raw", LargeBinary),
    _needed("answer", LargeBinary),
)

partner_message_evidence = Table(
    "partner_message_evidence",
    metadata,
    _owned_by("partner_message", "message"),
    _needed("raw", LargeBinary),
    _needed("answer", LargeBinary),
)

message_part = Table(
    "message_part",
    metadata,
    _key("sender", Unsigned64),
    _key("list_id", Text),
    _key("number", Integer),
    _needed("of", Integer),
    _needed("content", LargeBinary),
)

# --- activations --------------------------------------------------------------------------------------------------

activation_request = Table(
    "activation_request",
    metadata,
    _key("device_id", Unsigned64),
    _key("firmware_version", Text),
    _key("csp", Unsigned64),
    _needed("issued_at", UtcTime),
    Column("release_id", Text),
    sqlite_with_rowid=False,
)

activation_outcome = Table(
    "activation_outcome",
    metadata,
    _number(),
    _needed("device_id", Unsigned64),
    _needed("csp", Unsigned64),
    _needed("stage"),
    _needed("success", Boolean),
    _needed("firmware_version"),
    _needed("completed_at", UtcTime),
    _needed("received_at", UtcTime),
    Column("failure_reason", Text),
    Column("commentary", Text),
    _needed("matched", Boolean),
    Column("release_id", Text),
    Index(None, "device_id", "id"),
)

operator_flag = Table(
    "operator_flag",
    metadata,
    _number(),
    _needed("kind"),
    _needed("subject"),
    _needed("text"),
    _needed("at", UtcTime),
)

# --- what goes out ------------------------------------------------------------------------------------------------

alert_counter = Table(
    "alert_counter",
    metadata,
    _key("recipient", Unsigned64),
    _needed("value", _COUNTED),
)

outbox = Table(
    "outbox",
    metadata,
    _number(),
    _needed("recipient", Unsigned64),
    _needed("channel"),
    # Of email; a party's URL is looked up when sending.
    Column("address", Text),
    _needed("kind"),
    _needed("message_id", Text, unique=True),
    Column("release_id", Text),
    Column("device_id", Unsigned64),
    # Messages with the same key are delivered one after another; without one, in any order.
    Column("order_key", Text),
    _needed("content", LargeBinary),
    _needed("content_type"),
    _needed("state", Text, server_default="pending"),
    _needed("attempts", Integer, server_default="0"),
    _needed("created_at", UtcTime),
    # The next four are database time in seconds (engine.database_time), never business time (threat F23).
    _needed("enqueued_at", Float(53)),
    _needed("due_at", Float(53)),
    Column("lease_until", Float(53)),
    Column("delivered_at", Float(53)),
    Column("lease_token", Text),
    Column("last_error", Text),
    CheckConstraint("state IN ('pending', 'in_flight', 'delivered', 'dead')", name="state"),
    CheckConstraint("channel IN ('http', 'email')", name="channel"),
    # Each index holds only the rows that its question is about, so that history slows nothing (threats F12, F20).
    *(
        Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))
        for name, columns, where in (
            # In the order of claiming; with the last column the age of what waits is read from the index alone.
            ("ix_outbox_due", ("recipient", "channel", "due_at", "id", "enqueued_at"), "state = 'pending'"),
            ("ix_outbox_open", ("order_key", "id"), "state IN ('pending', 'in_flight')"),
            ("ix_outbox_leased", ("lease_until",), "state = 'in_flight'"),
            ("ix_outbox_dead", ("recipient", "id"), "state = 'dead'"),
        )
    ),
    sqlite_autoincrement=True,
)
