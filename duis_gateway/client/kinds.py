"""The kinds of messages that the gateway sends and answers with, by name."""

from __future__ import annotations

from dataclasses import is_dataclass

from duis_gateway.client.answers import INTERFACES
from duis_gateway.client.errors import SetupWrong
from duis_gateway.client.messages import RESPONSE
from duis_gateway.duis.alerts.table import ALERTS
from duis_gateway.errors import ALL_KNOWN, meant

KINDS = (*ALERTS, RESPONSE, *(name for one in INTERFACES.values() for name in one.directions))


def expect_known(kind: str | type) -> None:
    """See that there are such messages (SetupWrong: nobody would ever get one)."""
    if isinstance(kind, str) and kind not in KINDS:
        raise SetupWrong(f"there is no message {kind[:80]!r}{meant(kind, KINDS, otherwise=ALL_KNOWN)}")
    if isinstance(kind, type) and not is_dataclass(kind):
        raise SetupWrong(f"{kind.__name__} is no class of a message's body")
