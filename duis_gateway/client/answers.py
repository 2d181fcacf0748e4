"""What the gateway answers to a message that it took in: a signed Service Response, or a signed Acknowledgement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import etree

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.client.errors import NotProven, NotUnderstood
from duis_gateway.client.trust import Proof
from duis_gateway.duis.codes import RESPONSE_CODES
from duis_gateway.duis.eui import Eui
from duis_gateway.errors import MessageRefused
from duis_gateway.namespaces import CSP, ESI, sr
from duis_gateway.partners.messages import Acknowledgement, Interface
from duis_gateway.rollout.activations.records import RefusedItem

INTERFACES: Mapping[str, Interface] = {CSP: csp.INTERFACE, ESI: esi.INTERFACE}
"""The two interfaces of the partners, by their namespaces."""

_STATUS = {"I": "Accepted", "W": "PartlyAccepted", "E": "Refused"}


@dataclass(frozen=True, slots=True)
class Device:
    """A device as the inventory has it (8.2); what the answer does not say is ""."""

    device: Eui
    type: str
    manufacturer: str
    model: str
    firmware_version: str
    status: str
    region: str


@dataclass(frozen=True)
class Answer:
    """A signed answer, proven.

    Attributes:
        code: the response code (`I0`, `W110501`, `E110503`), or the code of an acknowledgement.
        status: `Accepted`, `PartlyAccepted` or `Refused`.
        meaning: the same in words.
        warning: the hubs that an 11.5 or 11.6 did not get, by the name of their list.
        refused: the items of a CSP's or DCC's message that were not taken, with the reason of each.
        devices: the inventory that an 8.2 asked for.
        raw: the body of the HTTP answer, as it came.
        document: the signed document; of a SOAP answer, cut out of its envelope.
        proven: what the signature proves, and whose it is.
    """

    code: str
    status: str
    meaning: str
    warning: Mapping[str, tuple[Eui, ...]] = field(default_factory=dict)
    refused: tuple[RefusedItem, ...] = ()
    devices: tuple[Device, ...] = ()
    raw: bytes = field(default=b"", repr=False)
    document: bytes = field(default=b"", repr=False)
    proven: Proof | None = field(default=None, repr=False)

    @property
    def root(self) -> etree._Element:
        """The proven content as a tree of its own."""
        assert self.proven is not None, "only a verified answer is read"
        return self.proven.root

    @property
    def accepted(self) -> bool:
        """Whether the gateway did what was asked, at least for a part."""
        return self.status != "Refused"


def read_answer(proof: Proof, identity: str, raw: bytes, document: bytes) -> Answer:
    """Return what a proven answer says to the message of this RequestID or MessageID.

    Raises:
        NotProven: it is the answer to another message.
        NotUnderstood: it is no answer that this party knows.
    """
    root = proof.root
    if root.tag == sr("Response"):
        _check_identity(root.findtext(f"{sr('Header')}/{sr('RequestID')}") or "", identity)
        return _read_response(root, proof, raw, document)
    interface = INTERFACES.get(etree.QName(root).namespace or "")
    try:
        message = None if interface is None else interface.read_message(root)
    except (MessageRefused, LookupError):
        message = None
    if message is None or not isinstance(message.body, Acknowledgement):
        raise NotUnderstood(f"the answer is a signed {root.tag[:100]}, but neither a Response nor an Acknowledgement")
    body = message.body
    _check_identity(body.message_id, identity)
    return Answer(
        body.code,
        str(body.status),
        body.text or "",
        refused=body.refused,
        raw=raw,
        document=document,
        proven=proof,
    )


def _read_response(root: etree._Element, proof: Proof, raw: bytes, document: bytes) -> Answer:
    code = root.findtext(f"{sr('Header')}/{sr('ResponseCode')}") or ""
    known = RESPONSE_CODES.get(code)
    lists = root.iterfind(f".//{sr('DSPPilotListWarning')}/*")
    return Answer(
        code,
        _STATUS.get(code[:1], "Refused"),
        known.meaning if known else "",
        warning={etree.QName(one).localname: read_devices(one) for one in lists},
        devices=tuple(map(_read_device, root.iterfind(f".//{sr('DSPInventory')}/{sr('Device')}"))),
        raw=raw,
        document=document,
        proven=proof,
    )


def read_devices(element: etree._Element | None) -> tuple[Eui, ...]:
    """Return the devices of a list; none where there is no such element."""
    text = "" if element is None else element.text or ""
    return tuple(map(Eui, filter(None, text.split(","))))


def _read_device(element: etree._Element) -> Device:
    def text(name: str) -> str:
        return element.findtext(sr(name)) or ""

    return Device(
        Eui(text("DeviceID")),
        text("DeviceType"),
        text("DeviceManufacturer"),
        text("DeviceModel"),
        text("DeviceFirmwareVersion"),
        text("DeviceStatus"),
        text("CSPRegion"),
    )


def _check_identity(found: str, wanted: str) -> None:
    if found.upper() != wanted.upper():
        raise NotProven(
            f"the answer is to {found[:80]!r}, not to {wanted!r}", "do not act on it; post the message again"
        )
