"""The kinds of messages that the gateway sends and answers with, by name."""

from __future__ import annotations

from duis_gateway.client.answers import INTERFACES
from duis_gateway.client.errors import SetupWrong
from duis_gateway.client.messages import RESPONSE
from duis_gateway.duis.alerts.table import ALERTS
from duis_gateway.errors import ALL_KNOWN, meant

KINDS = (*ALERTS, RESPONSE, *(name for one in INTERFACES.values() for name in one.directions))

BODIES = frozenset(
    (*(kind.record.kind for kind in ALERTS.values()), *(kind for one in INTERFACES.values() for kind in one.kinds))
)
"""The classes that a message's body may be of."""


def expect_known(kind: str | type) -> None:
    """See that there are such messages (SetupWrong: nobody would ever get one)."""
    if isinstance(kind, str) and kind not in KINDS:
        raise SetupWrong(f"there is no message {kind[:80]!r}{meant(kind, KINDS, otherwise=ALL_KNOWN)}")
    if isinstance(kind, type) and kind not in BODIES:
        known = [one for one in BODIES if one.__name__ == kind.__name__]
        if known:
            whole = " or ".join(sorted(f"{one.__module__}.{one.__name__}" for one in known))
            raise SetupWrong(
                f"no incoming message has {kind.__module__}.{kind.__name__} as its body",
                f"it is {whole}; or give its name, {kind.__name__!r}",
            )
        raise SetupWrong(f"{kind.__name__} is not the class of a message's body")
