"""The tables of the audit log: what waits, the chain, and its checkpoints."""

from __future__ import annotations

from sqlalchemy import Float, LargeBinary, Table

from duis_gateway.store import tables
from duis_gateway.store.columns import COUNTED, key, needed, number

metadata = tables.metadata

# What transactions have recorded and no entry of the chain covers yet.
audit_waiting = Table(
    "audit_waiting",
    metadata,
    number(),
    needed("content"),
    needed("recorded_at", Float(53)),  # database time in seconds
)

# The chain. Rows are only ever added; `audit/chain.py` says what a link covers.
audit_entry = Table(
    "audit_entry",
    metadata,
    key("sequence", COUNTED),
    needed("sealed_at"),  # as text, since it is covered as it stands here
    needed("content"),
    needed("link"),
)

audit_checkpoint = Table(
    "audit_checkpoint",
    metadata,
    key("sequence", COUNTED),
    needed("signed_at", Float(53)),  # database time in seconds
    needed("document", LargeBinary),
)
