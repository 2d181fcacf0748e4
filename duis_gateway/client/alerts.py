"""The bodies of DCC Alerts, read from documents that are proven and valid (the gateway's own renderer writes them)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lxml import etree

from duis_gateway.duis.alerts.duis_version_mismatch import DUISVersionMismatch
from duis_gateway.duis.alerts.table import ALERTS
from duis_gateway.namespaces import SR, sr

__all__ = ["Alert", "DUISVersionMismatch", "PartOf", "read_alert"]


class Alert(StrEnum):
    """The codes of the DCC Alerts that the gateway raises."""

    N64 = "N64"
    """A hub now runs a firmware version."""
    N66 = "N66"
    """A CSP's default pilot list."""
    N67 = "N67"
    """A CSP's default pilot schedule."""
    N68 = "N68"
    """A CSP's safe launch schedule."""
    N69 = "N69"
    """Safe launch succeeded."""
    N70 = "N70"
    """Safe launch failed."""
    N71 = "N71"
    """Distribution to a hub, or activation there, failed."""
    N72 = "N72"
    """A roll-out decision, or hubs that DCC instructs itself."""
    N73 = "N73"
    """What the second supplier of hubs has done."""
    N74 = "N74"
    """The CSP's final say on a group of a preferred schedule."""
    N75 = "N75"
    """The pilot succeeded."""
    N76 = "N76"
    """The pilot failed."""
    N999 = "N999"
    """Something that the recipient's DUIS version cannot be told."""


@dataclass(frozen=True, slots=True)
class PartOf:
    """This alert is part `number` of `count`: its lists go on in the others."""

    number: int
    count: int


_SKIP = len(SR) + 2
_PARTS = ("PartNumber", "PartCount")


def read_alert(message: etree._Element) -> tuple[Any, PartOf | None]:
    """Return the body of a valid `DCCAlertMessage`, and which part it is of what was too long for one alert.

    The body is None where the alert is of a code that this version does not know.

    Raises:
        NotValid: a value that the schema could not refuse, such as a day that no month has.
    """
    kind = ALERTS.get(message.findtext(sr("DCCAlertCode")) or "")
    element = message.find(f"{sr('DCCAlert')}/*")
    if element is None or kind is None:
        return None, None
    part = _take_part(element)
    return kind.record.read(element, _SKIP), part


def _take_part(element: etree._Element) -> PartOf | None:
    found = [one for name in _PARTS for one in element.findall(sr(name))]
    for one in found:
        element.remove(one)
    return PartOf(*(int(one.text or "") for one in found)) if found else None
