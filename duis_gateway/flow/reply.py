"""What a handler returns (the answer), and what it sends: alerts, messages for partners, emails."""

from __future__ import annotations

from dataclasses import dataclass

from duis_gateway.duis.alerts.kind import AlertBody
from duis_gateway.duis.responses import PilotListWarning
from duis_gateway.parties.records import Party
from duis_gateway.partners.messages import Acknowledgement, PartnerBody
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.releases.records import Release


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """The answer to a Service Request: a response code, and what DUIS lets it carry.

    `explanation`: what the code means for this request, in words. DUIS has no place for it: it is for those who ask in
    advance (`flow.dry_run`), and is kept for the pages.
    """

    code: str
    inventory: tuple[Hub, ...] | None = None
    warning: PilotListWarning | None = None
    explanation: str | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """A DCC Alert for one supplier; a supplier on an older DUIS version gets N999 instead."""

    recipient: Party
    body: AlertBody
    release_id: str | None = None
    device_id: int | None = None


@dataclass(frozen=True, slots=True)
class PartnerSend:
    """A message for a CSP or for DCC. `ordered`: it keeps its place among those to its recipient about its release."""

    recipient: Party
    body: PartnerBody
    release_id: str | None = None
    ordered: bool = True


@dataclass(frozen=True, slots=True)
class EligibleHubs:
    """An attachment: the recipient's own hubs that the release may be applied to, with its role for each (A01)."""

    release: Release


@dataclass(frozen=True, slots=True)
class CsvTable:
    """An attachment: a table, as a CSV file of this name."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Email:
    """An email in words for people.

    `kind` is the interaction ("A06", "X05"), or the alert that it accompanies. `facts` are names and values, to be
    shown as a table below the paragraphs.
    """

    recipient: Party
    kind: str
    subject: str
    paragraphs: tuple[str, ...]
    release_id: str | None = None
    facts: tuple[tuple[str, str], ...] = ()
    attachment: EligibleHubs | CsvTable | None = None


Send = Alert | PartnerSend | Email


Reply = ServiceAnswer | Acknowledgement
"""What a handler returns: the answer to the message, unsigned."""
