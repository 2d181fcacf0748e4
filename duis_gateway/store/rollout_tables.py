"""The tables of what becomes of releases: their history, what was decided, and what DCC and CSPs say of single hubs."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from duis_gateway.store import audit_tables
from duis_gateway.store.columns import COUNTED, key, needed, number, owned_by
from duis_gateway.store.types import Unsigned64, UtcTime

metadata = audit_tables.metadata
"""Once this module is there, every table of the gateway is in it."""


def _of_release() -> Column[str]:
    return needed("release_id", Text, ForeignKey("release.release_id"))


permitted_predecessor = Table(
    "permitted_predecessor",
    metadata,
    key("release_id", Text, ForeignKey("release.release_id", ondelete="CASCADE")),
    key("firmware_version", Text),
)

release_event = Table(
    "release_event",
    metadata,
    number(),
    _of_release(),
    needed("at", UtcTime),
    needed("event"),
    needed("state"),
    needed("paused", Boolean),
    needed("by_whom"),
    Column("commentary", Text),
    Index(None, "release_id", "id"),
)

past_date = Table(
    "past_date",
    metadata,
    key("release_id", Text, ForeignKey("release.release_id")),
    key("date", UtcTime),
    needed("noticed_at", UtcTime),
)
"""Dates of a release that were past already when a notice set them, and when the newest such notice came."""

rollout_decision = Table(
    "rollout_decision",
    metadata,
    number(),
    _of_release(),
    needed("action"),
    needed("standing"),
    needed("decided_by"),
    needed("reason"),
    needed("received_at", UtcTime),
    Column("new_date", UtcTime),
    Index(None, "release_id", "id"),
)

incident = Table(
    "incident",
    metadata,
    key("reference", Text),
    needed("supplier", Unsigned64),
    _of_release(),
    needed("severity"),
    needed("emergency_stop", Boolean),
    needed("received_at", UtcTime),
    Column("decided_at", UtcTime),
    Index(None, "release_id"),
)

failure_threshold = Table(
    "failure_threshold",
    metadata,
    key("release_id", Text, ForeignKey("release.release_id", ondelete="CASCADE")),
    needed("share_percent", Integer),
    needed("window_hours", Integer),
    needed("least_hubs", Integer),
    needed("hold", Boolean),
)

# The hubs that failed, for the failure threshold: by the hour in which their newest outcome was received.
failure_count = Table(
    "failure_count",
    metadata,
    key("release_id", Text, ForeignKey("release.release_id")),
    key("hour", UtcTime),
    needed("after_outcome", COUNTED),
    needed("hubs", COUNTED),
    needed("failed", COUNTED),
)

# A pause that was proposed to DCC; its decision takes the row away.
pause_proposal = Table(
    "pause_proposal",
    metadata,
    key("release_id", Text, ForeignKey("release.release_id")),
    needed("proposed_at", UtcTime),
    needed("hubs", COUNTED),
    needed("failed", COUNTED),
    needed("share_percent", Integer),
    needed("window_hours", Integer),
    needed("least_hubs", Integer),
    needed("hold", Boolean),
)

stage_report = Table(
    "stage_report",
    metadata,
    key("release_id", Text, ForeignKey("release.release_id")),
    key("stage", Text),
    needed("success", Boolean),
    needed("targeted", Integer),
    needed("activated", Integer),
    needed("failed", Integer),
    Column("commentary", Text),
    needed("reported_at", UtcTime),
    needed("decided", Boolean),
)

batch = Table(
    "batch",
    metadata,
    number(),
    _of_release(),
    needed("group_id"),
    Column("starts", UtcTime),
    Column("ends", UtcTime),
    needed("received_at", UtcTime),
    UniqueConstraint("release_id", "group_id"),
)

batch_hub = Table(
    "batch_hub",
    metadata,
    owned_by("batch", "batch_id"),
    key("device_id", Unsigned64),
    Column("since", UtcTime),  # not used any more; gateways before used it, so that only a later migration may drop it
    Index(None, "device_id"),
    sqlite_with_rowid=False,
)

pilot_selection = Table(
    "pilot_selection",
    metadata,
    number(),
    _of_release(),
    needed("supplier", Unsigned64),
    needed("starts", UtcTime),
    needed("ends", UtcTime),
    needed("received_at", UtcTime),
    UniqueConstraint("release_id", "supplier"),
)

selected_hub = Table(
    "selected_hub",
    metadata,
    owned_by("pilot_selection", "selection_id"),
    key("device_id", Unsigned64),
    Column("since", UtcTime),  # NULL: since the choice came
    Index(None, "device_id"),
    sqlite_with_rowid=False,
)

# A CSP's decision on part of a supplier's group; its hubs are below. Like one on a whole group it goes with its
# instruction.
piece_say = Table(
    "piece_say",
    metadata,
    number(),
    needed("instruction_id", COUNTED, ForeignKey("instruction.id", ondelete="CASCADE"), index=True),
    needed("csp", Unsigned64),
    needed("decision"),
    Column("starts", UtcTime),
    Column("ends", UtcTime),
    Column("reason", Text),
    needed("decided_at", UtcTime),
)

# One piece for each hub of a group: the key looks it up for a hub, and lets no hub be in two. Without foreign keys,
# like the other long lists (`tables`). The region is the hub's when it was said.
piece_hub = Table(
    "piece_hub",
    metadata,
    key("instruction_id", COUNTED),
    key("device_id", Unsigned64),
    needed("csp_region"),
    needed("piece_id", COUNTED),
    sqlite_with_rowid=False,
)

# What was told of hubs' plans (X09): the plans, and the hubs that were last told to be planned so. A hub whose plan is
# void, or that goes at the automatic date, is in no row. The region and the suppliers are those that it was told to.
told_plan = Table(
    "told_plan",
    metadata,
    number(),
    _of_release(),
    needed("stage"),
    needed("basis"),
    needed("standing"),
    needed("starts", UtcTime),
    needed("ends", UtcTime),
    UniqueConstraint("release_id", "ends", "starts", "stage", "basis", "standing"),
)

planned_hub = Table(
    "planned_hub",
    metadata,
    key("release_id", Text),
    key("device_id", Unsigned64),
    needed("plan_id", COUNTED, index=True),
    needed("csp_region"),
    Column("import_supplier", Unsigned64),
    Column("gas_supplier", Unsigned64),
    sqlite_with_rowid=False,
)

# Without foreign keys: a list may name hubs that the inventory does not have yet.
protected_hub = Table(
    "protected_hub",
    metadata,
    key("supplier", Unsigned64),
    key("device_id", Unsigned64),
    Index(None, "device_id"),
    sqlite_with_rowid=False,
)

# When something was last said of a hub in a roll-out (`hub.changed_at`: when the inventory got it as it is). Apart from
# `hub`, whose rows are dear to write, and without foreign keys, like the other long lists.
hub_news = Table(
    "hub_news",
    metadata,
    key("device_id", Unsigned64),
    needed("changed_at", UtcTime, index=True),
)

model_news = Table(
    "model_news",
    metadata,
    key("model_id", COUNTED),
    needed("changed_at", UtcTime),
)

# Whose a hub was: a supplier's, a region's, or (neither) a hub at all.
former_hub = Table(
    "former_hub",
    metadata,
    number(),
    needed("device_id", Unsigned64),
    Column("supplier", Unsigned64),
    Column("csp_region", Text),
    needed("left_at", UtcTime, index=True),
)

# What became of hubs' instructions and plans, kept once it stands no more: a hub's history (`rollout.hub_events`). What
# stands is in its own tables. The hubs are without foreign keys, like the other long lists.
hub_event = Table(
    "hub_event",
    metadata,
    number(),
    _of_release(),
    needed("supplier", Unsigned64),
    needed("what"),
    needed("at", UtcTime),
    needed("noted_at", UtcTime, index=True),
    Column("stage", Text),
    Column("group_id", Text),
    Column("starts", UtcTime),
    Column("ends", UtcTime),
    Column("word", Text),
    Column("reason", Text),
    Index(None, "release_id", "noted_at"),
)

hub_event_hub = Table(
    "hub_event_hub",
    metadata,
    key("event_id", COUNTED),
    key("device_id", Unsigned64),
    Index(None, "device_id"),
    sqlite_with_rowid=False,
)

# What was noted before this moment is not complete any more: old notes were pruned.
pruned_until = Table(
    "pruned_until",
    metadata,
    key("what", Text),
    needed("at", UtcTime),
)

plan_revision = Table(
    "plan_revision",
    metadata,
    key("release_id", Text, ForeignKey("release.release_id")),
    key("recipient", Unsigned64),
    needed("value", COUNTED),
)
