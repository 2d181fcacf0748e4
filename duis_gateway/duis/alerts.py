"""DCC Alerts: which there are, who gets N999 instead, and their rendering (design section 5).

The store asks `prepare` how many alerts a body makes for a recipient, takes as many counters, and then renders each
with its ResponseID. All that differs between recipients is the ResponseID and the recipient's DUIS version.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache

from duis_gateway.duis import alert_bodies as bodies
from duis_gateway.duis.alert_bodies import AlertBody
from duis_gateway.duis.alert_content import render_parts
from duis_gateway.duis.codes import SUCCESS
from duis_gateway.duis.identifiers import RequestId, format_eui
from duis_gateway.duis.rendering import RESPONSE_END, leaf, node, response_start
from duis_gateway.duis.times import format_date_time
from duis_gateway.duis.versions import format_version
from duis_gateway.namespaces import DUIS_5_0, DUIS_5_1, DUIS_6_0
from duis_gateway.parties.records import Party

MAX_SIGNED_OCTETS = 95_000
"""How long an alert may be once it is signed; receivers take less than 100 kB."""

SIGNATURE_ROOM = 2_000
"""Octets kept free for the signature: about 1,000 and the issuer's name."""

_ENVELOPE_ROOM = 800
VERSION_MISMATCH = "N999"


@dataclass(frozen=True, slots=True)
class AlertKind:
    """One DCC Alert code, and the interactions that tell by it.

    `ordered`: it keeps its place among the alerts of one recipient and release.
    """

    code: str
    element: str
    since: Decimal
    ordered: bool
    rows: frozenset[str] = frozenset()


ALERTS: dict[str, AlertKind] = {
    kind.code: kind
    for kind in (
        AlertKind("N64", "CommsHubFirmwareActivation", DUIS_5_1, ordered=False, rows=frozenset({"X01"})),
        AlertKind("N66", "DefaultPilotList", DUIS_6_0, ordered=True, rows=frozenset({"A02"})),
        AlertKind("N67", "DefaultPilotSchedule", DUIS_6_0, ordered=True, rows=frozenset({"A03"})),
        AlertKind("N68", "SafeLaunchSchedule", DUIS_6_0, ordered=True, rows=frozenset({"A08"})),
        AlertKind("N69", "SafeLaunchOutcome", DUIS_6_0, ordered=True, rows=frozenset({"A09", "A10"})),
        AlertKind("N70", "SafeLaunchOutcome", DUIS_6_0, ordered=True, rows=frozenset({"A09", "A10"})),
        AlertKind("N71", "CommsHubFirmwareFailure", DUIS_6_0, ordered=False, rows=frozenset({"X02"})),
        AlertKind("N72", "FirmwareRolloutDecision", DUIS_6_0, ordered=True, rows=frozenset({"X03", "X08"})),
        AlertKind("N73", "SplitSupplierInstruction", DUIS_6_0, ordered=False, rows=frozenset({"X06"})),
        AlertKind("N74", "PreferredPilotScheduleDecision", DUIS_6_0, ordered=True, rows=frozenset({"X07"})),
        AlertKind("N75", "PilotOutcome", DUIS_6_0, ordered=True, rows=frozenset({"A06", "A07"})),
        AlertKind("N76", "PilotOutcome", DUIS_6_0, ordered=True, rows=frozenset({"A06", "A07"})),
        AlertKind(VERSION_MISMATCH, "DUISVersionMismatch", DUIS_5_0, ordered=False),
    )
}
"""Every DCC Alert that the gateway raises; N66 to N76 are provisional numbers."""

_CODES: dict[type, str] = {
    bodies.CommsHubFirmwareActivation: "N64",
    bodies.DefaultPilotList: "N66",
    bodies.DefaultPilotSchedule: "N67",
    bodies.SafeLaunchSchedule: "N68",
    bodies.CommsHubFirmwareFailure: "N71",
    bodies.FirmwareRolloutDecision: "N72",
    bodies.SplitSupplierInstruction: "N73",
    bodies.PreferredPilotScheduleDecision: "N74",
}


@dataclass(frozen=True, slots=True)
class PreparedAlert:
    """One alert to one recipient, complete but for its ResponseID and time.

    `kind` is the alert that is meant, `sent_code` the code that the recipient sees: they differ where the
    recipient's DUIS version does not know the alert (N999).
    """

    kind: AlertKind
    sent_code: str
    start: str
    end: str

    def render(self, response_id: RequestId, at: datetime) -> bytes:
        """Return the unsigned `sr:Response` as UTF-8 that is its own inclusive C14N 1.0."""
        return (
            f"{self.start}{response_id}</sr:ResponseID><sr:ResponseCode>{SUCCESS}</sr:ResponseCode>"
            f"<sr:ResponseDateTime>{format_date_time(at)}</sr:ResponseDateTime>{self.end}"
        ).encode()


def code_of(body: AlertBody) -> str:
    """Return the code of the alert that this body is raised as."""
    if isinstance(body, bodies.SafeLaunchOutcome):
        return "N69" if body.success else "N70"
    if isinstance(body, bodies.PilotOutcome):
        return "N75" if body.success else "N76"
    return _CODES[type(body)]


def knows(recipient: Party, kind: AlertKind) -> bool:
    """Whether the recipient's DUIS version has this alert; a recipient that does not know it gets N999 instead."""
    return recipient.duis_version >= kind.since


def prepare(body: AlertBody, recipient: Party, max_signed_octets: int = MAX_SIGNED_OCTETS) -> tuple[PreparedAlert, ...]:
    """Return the alerts that tell this recipient of `body`: one, or several where its lists are long.

    A recipient whose DUIS version does not know the alert gets one N999 instead.

    Raises:
        ValueError: the body holds what an alert cannot carry.
    """
    kind = ALERTS[code_of(body)]
    if not knows(recipient, kind):
        contents: tuple[str, ...] = (_version_mismatch(body, kind, recipient),)
        sent = ALERTS[VERSION_MISMATCH]
    else:
        contents = render_parts(body, max_signed_octets - SIGNATURE_ROOM - _ENVELOPE_ROOM)
        sent = kind
    start, opening, closing = _frame(recipient.duis_version, sent.code)
    return tuple(PreparedAlert(kind, sent.code, start, f"{opening}{content}{closing}") for content in contents)


@cache
def _frame(version: Decimal, code: str) -> tuple[str, str, str]:
    """What stands before the ResponseID, between time and content, and after the content."""
    element = ALERTS[code].element
    opening = leaf("DCCAlertCode", code) + f"<sr:DCCAlert><sr:{element}>"
    return (
        f"{response_start(version)}<sr:Header><sr:ResponseID>",
        f"</sr:Header><sr:Body><sr:DCCAlertMessage>{opening}",
        f"</sr:{element}></sr:DCCAlert></sr:DCCAlertMessage></sr:Body>{RESPONSE_END}",
    )


def _version_mismatch(body: AlertBody, kind: AlertKind, recipient: Party) -> str:
    """The content of N999. The FirmwareVersion is SECMP0024's wish and not in the published schema (FIA-3)."""
    content = [leaf("DCCAlertCode", kind.code)]
    if isinstance(body, bodies.CommsHubFirmwareActivation | bodies.CommsHubFirmwareFailure):
        content.append(leaf("DeviceID", format_eui(body.device_id)))
    if isinstance(body, bodies.CommsHubFirmwareActivation) and not recipient.published_schema_only:
        content.append(leaf("FirmwareVersion", body.firmware_version))
    return node("DCCAlertVersionMismatch", *content) + leaf(
        "ServiceUserDUISVersion", format_version(recipient.duis_version)
    )
