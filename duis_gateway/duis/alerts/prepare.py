"""What one recipient gets for an alert's body, complete except for its ResponseID (design section 5).

The store asks `prepare` how many alerts a body makes for a recipient, takes as many counters, and then renders each
with its ResponseID. All that differs between recipients is the ResponseID and the recipient's DUIS version.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache

from duis_gateway.duis.alerts.content import PART_ROOM, numbered
from duis_gateway.duis.alerts.duis_version_mismatch import N999, DUISVersionMismatch
from duis_gateway.duis.alerts.kind import AlertBody, AlertKind
from duis_gateway.duis.alerts.table import ALERTS, kind_of
from duis_gateway.duis.codes import SUCCESS
from duis_gateway.duis.identifiers import RequestId
from duis_gateway.duis.rendering import RESPONSE_END, leaf, response_start
from duis_gateway.duis.times import format_date_time
from duis_gateway.parties.records import Party

MAX_SIGNED_OCTETS = 95_000
"""How long an alert may be once it is signed; receivers take less than 100 kB."""

SIGNATURE_ROOM = 2_000
"""Octets kept free for the signature: about 1,000 and the issuer's name."""

_ENVELOPE_ROOM = 800


@dataclass(frozen=True, slots=True)
class PreparedAlert:
    """One alert to one recipient, complete except for its ResponseID and time.

    `kind` is the alert that is meant, `sent_code` the code that the recipient sees: they differ if the recipient's DUIS
    version does not know the alert (N999).
    """

    kind: AlertKind
    sent_code: str
    start: str
    end: str

    def render(self, response_id: RequestId, at: datetime) -> bytes:
        """Return the unsigned `sr:Response` as UTF-8 that is already its own inclusive C14N 1.0."""
        return (
            f"{self.start}{response_id}</sr:ResponseID><sr:ResponseCode>{SUCCESS}</sr:ResponseCode>"
            f"<sr:ResponseDateTime>{format_date_time(at)}</sr:ResponseDateTime>{self.end}"
        ).encode()


def knows(recipient: Party, kind: AlertKind) -> bool:
    """Whether the recipient's DUIS version has this alert; a recipient that does not know it gets N999 instead."""
    return recipient.duis_version >= kind.since


def prepare(body: AlertBody, recipient: Party, max_signed_octets: int = MAX_SIGNED_OCTETS) -> tuple[PreparedAlert, ...]:
    """Return the alerts that tell this recipient about `body`: one, or several if its lists are long.

    A recipient whose DUIS version does not know the alert gets one N999 instead.

    Raises:
        ValueError: the body holds what an alert cannot carry.
    """
    kind = sent = kind_of(body)
    if not knows(recipient, kind):
        sent, body = N999, DUISVersionMismatch.of(body, kind.code, recipient)
    contents = numbered(body.parts(max_signed_octets - SIGNATURE_ROOM - _ENVELOPE_ROOM - PART_ROOM))
    start, opening, closing = _frame(recipient.duis_version, sent.code)
    return tuple(PreparedAlert(kind, sent.code, start, f"{opening}{content}{closing}") for content in contents)


@cache
def _frame(version: Decimal, code: str) -> tuple[str, str, str]:
    """What comes before the ResponseID, between time and content, and after the content."""
    element = ALERTS[code].element
    opening = leaf("DCCAlertCode", code) + f"<sr:DCCAlert><sr:{element}>"
    return (
        f"{response_start(version)}<sr:Header><sr:ResponseID>",
        f"</sr:Header><sr:Body><sr:DCCAlertMessage>{opening}",
        f"</sr:{element}></sr:DCCAlert></sr:DCCAlertMessage></sr:Body>{RESPONSE_END}",
    )
