"""What the gateway sends to a party by itself: DCC Alerts to suppliers, messages to the CSPs and to DCC."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from lxml import etree

from duis_gateway.client.alerts import PartOf, read_alert
from duis_gateway.client.answers import INTERFACES
from duis_gateway.client.errors import NotProven, NotUnderstood
from duis_gateway.client.trust import Proof, may_sign_for_another
from duis_gateway.duis.eui import Eui
from duis_gateway.duis.identifiers import RequestId
from duis_gateway.duis.times import parse_date_time
from duis_gateway.duis.versions import parse_version
from duis_gateway.envelope.parse import Document
from duis_gateway.envelope.schema import Schema
from duis_gateway.errors import MessageRefused
from duis_gateway.namespaces import DUIS_SCHEMA_FOLDERS, sr
from schemas import schema_path

RESPONSE = "Response"
"""The kind of a Service Response that comes by itself and is no alert."""


@dataclass(frozen=True)
class Message:
    """A message of the gateway: proven, valid, and, where it names a recipient, for this party.

    Alerts and Service Responses name one; messages of the CSPs' and DCC's interfaces do not.

    Attributes:
        kind: the alert's code (`N64`), or the name of a partner's message (`PreferredPilotList`).
        id: the ResponseID or MessageID: a repeat has the same.
        sender: who it is from: its signer, or the device whose answer DCC has signed.
        at: when the gateway made it.
        body: the content as a dataclass: `CommsHubFirmwareActivation` of an N64, `csp_mgmt_gw.messages` for a CSP,
            `esi.messages` for DCC; None for what this version does not know.
        part: which part of an alert that was too long for one; partners' messages have it in the body.
        repeat: the same message had come before.
        raw: the bytes as they came.
        proven: what the signature proves.
    """

    kind: str
    id: str
    sender: Eui
    at: datetime
    body: Any
    part: PartOf | None = None
    repeat: bool = False
    raw: bytes = field(default=b"", repr=False)
    proven: Proof | None = field(default=None, repr=False)

    @property
    def root(self) -> etree._Element:
        """The proven content as a tree of its own."""
        assert self.proven is not None, "only a verified message is read"
        return self.proven.root


def read_message(proof: Proof, recipient: Eui, raw: bytes = b"") -> Message:
    """Return the message that a document proves.

    Raises:
        NotProven: the signer is not who the message says that it is from, or it is for another party.
        NotUnderstood: it is not valid.
    """
    document = Document(proof.content)
    try:
        if document.beginning.tag == sr("Response"):
            return _read_response(document, proof, recipient, raw)
        return _read_partner_message(document, proof, raw)
    except MessageRefused as error:
        where = "".join(f"; {one.path} (line {one.line}): {one.reason}" for one in error.findings)
        raise NotUnderstood(error.detail + where) from None


def _read_response(document: Document, proof: Proof, recipient: Eui, raw: bytes) -> Message:
    root = _schema_of(document.beginning).check(document)
    header, alert = root[0], root.find(f".//{sr('DCCAlertMessage')}")
    named = header.findtext(sr("ResponseID"))
    identity = RequestId.parse(named or header.findtext(sr("RequestID")) or "")
    # An answer has the asker's RequestID: there the two have changed places.
    sender, target = (identity.originator, identity.target) if named else (identity.target, identity.originator)
    if not may_sign_for_another(root, proof.signer):
        _check_sender(proof, sender)
    if target != recipient:
        raise NotProven(f"the message is for {Eui(target)}, not for {recipient}", "tell the gateway's operator")
    body, part = (None, None) if alert is None else read_alert(alert)
    return Message(
        kind=RESPONSE if alert is None else alert.findtext(sr("DCCAlertCode")) or "",
        id=str(identity),
        sender=Eui(sender),
        at=parse_date_time(header.findtext(sr("ResponseDateTime")) or ""),
        body=body,
        part=part,
        raw=raw,
        proven=proof,
    )


def _read_partner_message(document: Document, proof: Proof, raw: bytes) -> Message:
    tag = document.beginning.tag
    interface = INTERFACES.get(etree.QName(tag).namespace or "")
    if interface is None:
        raise NotUnderstood(f"a signed {tag[:100]} is not a message of the gateway's interfaces")
    root = _schema(interface.schema).check(document)
    message = interface.read_message(root)
    _check_sender(proof, message.sender)
    return Message(
        kind=message.body_name,
        id=message.message_id,
        sender=Eui(message.sender),
        at=message.created_at,
        body=message.body,
        raw=raw,
        proven=proof,
    )


def _check_sender(proof: Proof, sender: int) -> None:
    if proof.signer.eui != sender:
        raise NotProven(
            "the certificate belongs to another party than the sender that the message names",
            "do not act on it; tell the gateway's operator",
        )


def _schema_of(root: etree._Element) -> Schema:
    try:
        return _schema(f"duis/{DUIS_SCHEMA_FOLDERS[parse_version(root.get('schemaVersion') or '')]}")
    except ValueError as error:
        raise NotUnderstood(f"schemaVersion {root.get('schemaVersion')!r}: {error}") from None


@cache
def _schema(name: str) -> Schema:
    return Schema(schema_path(name))
