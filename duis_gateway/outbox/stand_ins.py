"""What an alert that was sent in another's place stands for: to older DUIS versions, most alerts are an N999."""

from __future__ import annotations

import re

from sqlalchemy import LargeBinary, case, func

from duis_gateway.store.tables import outbox

_STAND_IN = "N999"
_ENOUGH = 4096  # octets: the code stands near the beginning of a message that is not much longer itself
_MEANT = re.compile(rb"DCCAlertVersionMismatch>\s*<(?:\w+:)?DCCAlertCode>(\w+)<")

BEGINNING = case(
    (outbox.c.kind == _STAND_IN, func.substr(outbox.c.content, 1, _ENOUGH, type_=LargeBinary)), else_=None
).label("beginning")
"""The column that `stands_for` reads: nothing is read of messages that stand for themselves."""


def stands_for(beginning: bytes | None) -> str:
    """Return the code of the alert that a message was sent in the place of; "": none, or its bytes were pruned."""
    found = _MEANT.search(bytes(beginning or b""))
    return "" if found is None else found[1].decode()


def as_meant(code: str) -> str:
    """Return what a message has in it that was sent in the place of an alert with this code."""
    return f"DCCAlertCode>{code}<"


def in_full(kind: str, meant: str) -> str:
    """Return what people call a message: its kind, and what that stands for."""
    return f"{kind} (for {meant})" if meant else kind
