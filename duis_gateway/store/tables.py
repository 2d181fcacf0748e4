"""The tables of the estate, of what comes in and of what goes out, for SQLite and PostgreSQL alike.

Those of roll-outs are in `rollout_tables`. The migrations make the same tables; a test compares the two.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from duis_gateway.store import columns
from duis_gateway.store.columns import COUNTED, index_where, key, needed, number, owned_by
from duis_gateway.store.types import Names, Unsigned64, UtcTime, Version

metadata = columns.metadata
_IN_ORDER = "state IN ('pending', 'in_flight') AND order_key IS NOT NULL"

# --- parties and certificates -------------------------------------------------------------------------------------

party = Table(
    "party",
    metadata,
    key("eui", Unsigned64),
    needed("kind"),
    needed("url"),
    Column("email", Text),
    needed("status"),
    needed("roles", Names),
    needed("duis_version", Version),
    needed("published_schema_only", Boolean),
    needed("regions", Names),
    Column("token_hash", Text, unique=True),
    Column("organisation", Text),
)

certificate = Table(
    "certificate",
    metadata,
    key("issuer_key", Text),
    key("serial", Text),
    needed("party", Unsigned64, ForeignKey("party.eui"), index=True),
    needed("der", LargeBinary),
    needed("trusted_directly", Boolean),
    Column("revoked_at", UtcTime),
)

# --- the inventory ------------------------------------------------------------------------------------------------

device_model = Table(
    "device_model",
    metadata,
    number(),
    needed("manufacturer"),
    needed("model"),
    UniqueConstraint("manufacturer", "model"),
)

_KIND = ("model_id", "csp_region", "firmware_version", "status", "device_type")

hub = Table(
    "hub",
    metadata,
    key("device_id", Unsigned64),
    needed("device_type"),
    needed("model_id", COUNTED, ForeignKey("device_model.id")),
    needed("firmware_version"),
    needed("status"),
    needed("csp_region"),
    Column("import_supplier", Unsigned64),
    Column("gas_supplier", Unsigned64),
    Column("told_version", Text),
    Column("completed_at", UtcTime),
    Column("changed_at", UtcTime, index=True),  # what has changed lately is few of many, and found by its time
    Column("gpf_device_id", Unsigned64),
    # A device is the GPF of one hub at most. Rows without one are not in the index, so that they cost nothing.
    index_where("ix_hub_gpf_device_id", "gpf_device_id", where="gpf_device_id IS NOT NULL", unique=True),
    # With millions of hubs, those of a supplier and model, and how many of each kind, are read from the index alone.
    Index("ix_hub_of_import_supplier", "import_supplier", *_KIND),
    Index("ix_hub_of_gas_supplier", "gas_supplier", *_KIND, "import_supplier"),
)

# --- releases and pilots ------------------------------------------------------------------------------------------
# Lists of hubs have no foreign keys: PostgreSQL would check each row. Who writes a list's head writes its hubs.

release = Table(
    "release",
    metadata,
    key("release_id", Text),
    needed("revision", Integer),
    needed("release_type"),
    needed("model_id", COUNTED, ForeignKey("device_model.id"), index=True),
    needed("firmware_version"),
    needed("release_note"),
    needed("severity"),
    needed("priority"),
    needed("number", COUNTED, server_default="0"),
    needed("notified_at", UtcTime),
    needed("automatic_date", UtcTime),
    Column("pilot_start", UtcTime),
    Column("pilot_end", UtcTime),
    Column("pilot_limit", Integer),
    Column("pilot_minimum", Integer),
    Column("pilot_share_percent", Integer),
    Column("pilot_share_by", UtcTime),
    needed("obligations", Boolean),
    needed("state"),
    needed("paused", Boolean),
)

release_hub = Table(
    "release_hub",
    metadata,
    key("release_id", Text),
    key("device_id", Unsigned64),
    needed("mark"),
    sqlite_with_rowid=False,
)

default_list = Table(
    "default_list",
    metadata,
    number(),
    needed("release_id", Text, ForeignKey("release.release_id")),
    needed("csp_region"),
    UniqueConstraint("release_id", "csp_region"),
)

default_hub = Table(
    "default_hub",
    metadata,
    key("list_id", COUNTED),
    key("device_id", Unsigned64),
    sqlite_with_rowid=False,
)

preferred_list = Table(
    "preferred_list",
    metadata,
    number(),
    needed("release_id", Text, ForeignKey("release.release_id")),
    needed("supplier", Unsigned64),
    needed("firmware_version"),
    needed("received_at", UtcTime),
    UniqueConstraint("release_id", "supplier"),
)

preferred_hub = Table(
    "preferred_hub",
    metadata,
    key("list_id", COUNTED),
    key("device_id", Unsigned64),
    sqlite_with_rowid=False,
)

# --- schedules and instructions -----------------------------------------------------------------------------------

default_schedule = Table(
    "default_schedule",
    metadata,
    number(),
    needed("release_id", Text, ForeignKey("release.release_id")),
    needed("stage"),
    needed("csp_region"),
    UniqueConstraint("release_id", "stage", "csp_region"),
)

default_group = Table(
    "default_group",
    metadata,
    number(),
    needed("schedule_id", COUNTED, ForeignKey("default_schedule.id", ondelete="CASCADE")),
    needed("group_id"),
    needed("starts", UtcTime),
    needed("ends", UtcTime),
    UniqueConstraint("schedule_id", "group_id"),
)

default_group_hub = Table(
    "default_group_hub",
    metadata,
    key("group_number", COUNTED),
    key("device_id", Unsigned64),
    Index(None, "device_id"),
    sqlite_with_rowid=False,
)

offered_constraint = Table(
    "offered_constraint",
    metadata,
    owned_by("default_schedule", "schedule_id"),
    key("code", Text),
    needed("description"),
    sqlite_with_rowid=False,
)

instruction = Table(
    "instruction",
    metadata,
    number(),
    needed("release_id", Text, ForeignKey("release.release_id")),
    needed("supplier", Unsigned64),
    needed("stage"),
    needed("group_id"),
    needed("starts", UtcTime),
    needed("ends", UtcTime),
    needed("received_at", UtcTime),
    UniqueConstraint("release_id", "supplier", "stage", "group_id"),
)

instruction_hub = Table(
    "instruction_hub",
    metadata,
    key("instruction_id", COUNTED),
    key("device_id", Unsigned64),
    Column("since", UtcTime),  # NULL: since the group came
    Index(None, "device_id"),
    sqlite_with_rowid=False,
)

instruction_constraint = Table(
    "instruction_constraint",
    metadata,
    owned_by("instruction", "instruction_id"),
    key("code", Text),
    sqlite_with_rowid=False,
)

# A decision goes with its instruction: a group that the supplier sends again has to be decided again.
group_say = Table(
    "group_say",
    metadata,
    owned_by("instruction", "instruction_id"),
    key("csp_region", Text),
    needed("csp", Unsigned64),
    needed("decision"),
    Column("starts", UtcTime),
    Column("ends", UtcTime),
    Column("reason", Text),
    needed("decided_at", UtcTime),
    sqlite_with_rowid=False,
)

# --- what came in -------------------------------------------------------------------------------------------------


def _message_columns() -> list[Column[Any]]:
    return [
        needed("door"),
        needed("kind"),
        needed("outcome"),
        needed("received_at", UtcTime),
        needed("digest", LargeBinary),
    ]


service_request = Table(
    "service_request",
    metadata,
    number(),
    needed("originator", Unsigned64),
    needed("target", Unsigned64),
    needed("counter", Unsigned64),
    *_message_columns(),
    # What makes a RequestID good for one request only, whatever arrives at once (threats T39 to T42).
    UniqueConstraint("originator", "target", "counter"),
)

partner_message = Table(
    "partner_message",
    metadata,
    number(),
    needed("sender", Unsigned64),
    needed("message_id"),
    *_message_columns(),
    UniqueConstraint("sender", "message_id"),
)

# Evidence is large and seldom read; in tables of its own it keeps the look-ups by identity small.
service_request_evidence = Table(
    "service_request_evidence",
    metadata,
    owned_by("service_request", "message"),
    *(needed(name, LargeBinary) for name in ("raw", "answer")),
    Column("explanation", Text),  # of the answer's code, for people; NULL: the code says it all
)

partner_message_evidence = Table(
    "partner_message_evidence",
    metadata,
    owned_by("partner_message", "message"),
    needed("raw", LargeBinary),
    needed("answer", LargeBinary),
)

message_part = Table(
    "message_part",
    metadata,
    key("sender", Unsigned64),
    key("list_id", Text),
    key("number", Integer),
    needed("of", Integer),
    needed("content", LargeBinary),
    Column("kept_at", Float(53)),  # database time in seconds, as of the outbox
)

# --- activations --------------------------------------------------------------------------------------------------

activation_request = Table(
    "activation_request",
    metadata,
    key("device_id", Unsigned64),
    key("firmware_version", Text),
    key("csp", Unsigned64),
    needed("issued_at", UtcTime),
    Column("release_id", Text),
    sqlite_with_rowid=False,
)

activation_outcome = Table(
    "activation_outcome",
    metadata,
    number(),
    needed("device_id", Unsigned64),
    needed("csp", Unsigned64),
    needed("stage"),
    needed("success", Boolean),
    needed("firmware_version"),
    needed("completed_at", UtcTime),
    needed("received_at", UtcTime),
    Column("failure_reason", Text),
    Column("commentary", Text),
    needed("matched", Boolean),
    Column("release_id", Text),
    Index(None, "device_id", "id"),
    Index(
        "ix_activation_outcome_failed",
        "release_id",
        "device_id",
        sqlite_where=text("success = 0"),
        postgresql_where=text("NOT success"),
    ),
    # A release's activations are counted by ranges of time; SQLite still looks at each row for its stage.
    Index(
        "ix_activation_outcome_activated",
        "release_id",
        "completed_at",
        sqlite_where=text("success = 1 AND stage = 'Activation'"),
        postgresql_where=text("success AND stage = 'Activation'"),
    ),
)

operator_flag = Table(
    "operator_flag",
    metadata,
    number(),
    needed("kind"),
    needed("subject"),
    needed("text"),
    needed("at", UtcTime),
    Column("acknowledged_at", UtcTime),
    Index(None, "kind", "subject"),
    index_where("ix_operator_flag_open", "id", where="acknowledged_at IS NULL"),
)

# What operators changed on the console, as evidence; what they do on the command line is not in it.
operator_action = Table(
    "operator_action",
    metadata,
    number(),
    needed("at", UtcTime),
    needed("action"),
    needed("subject"),
    needed("remote"),
)

# --- what goes out ------------------------------------------------------------------------------------------------

alert_counter = Table("alert_counter", metadata, key("recipient", Unsigned64), needed("value", COUNTED))

outbox = Table(
    "outbox",
    metadata,
    number(),
    needed("recipient", Unsigned64),
    needed("channel"),
    Column("address", Text),  # of email; a party's URL is looked up when sending
    needed("kind"),
    needed("message_id", Text, unique=True),
    Column("release_id", Text),
    Column("device_id", Unsigned64),
    # Messages with the same key are delivered one after another; without one, in any order.
    Column("order_key", Text),
    needed("content", LargeBinary),
    needed("content_type"),
    needed("state", Text, server_default="pending"),
    needed("attempts", Integer, server_default="0"),
    needed("refusals", Integer, server_default="0"),
    needed("created_at", UtcTime),
    # The next four are database time in seconds (engine.database_time), never business time (threat F23).
    needed("enqueued_at", Float(53)),
    needed("due_at", Float(53)),
    Column("lease_until", Float(53)),
    Column("delivered_at", Float(53)),
    Column("lease_token", Text),
    Column("last_error", Text),
    Column("traceparent", Text),  # NULL: under no trace
    CheckConstraint("state IN ('pending', 'in_flight', 'delivered', 'dead')", name="state"),
    CheckConstraint("channel IN ('http', 'email')", name="channel"),
    # Each index holds only the rows that its question is about, so that history slows nothing (threats F12, F20).
    *(
        index_where(name, *of.split(), where=where)
        for name, of, where in (
            # In the order of claiming; what is asked about it is read from the index alone.
            ("ix_outbox_due", "recipient channel due_at id enqueued_at order_key", "state = 'pending'"),
            ("ix_outbox_ordered", "recipient channel order_key id", _IN_ORDER),
            ("ix_outbox_open", "order_key id", _IN_ORDER),
            ("ix_outbox_leased", "lease_until", "state = 'in_flight'"),
            ("ix_outbox_dead", "recipient id", "state = 'dead'"),
            ("ix_outbox_hub", "device_id id", "device_id IS NOT NULL"),
        )
    ),
    sqlite_autoincrement=True,
)

# The attempts that did not succeed; the one that did is the message's `delivered_at`. Database time, like the outbox.
failed_attempt = Table(
    "failed_attempt",
    metadata,
    owned_by("outbox", "message"),
    key("at", Float(53)),
    needed("error"),
    sqlite_with_rowid=False,
)
