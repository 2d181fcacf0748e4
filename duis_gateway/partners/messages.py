"""What the messages of the CSP Management Gateway and of the ESI have in common (design section 4).

`Message { Header { MessageID, SenderID, CreatedAt }, Body { one element }, ds:Signature }`, the same in both
namespaces; an `Interface` is a namespace and its bodies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from lxml import etree

from duis_gateway.duis.identifiers import MessageId, format_eui, parse_eui
from duis_gateway.envelope.escape import escape_attribute
from duis_gateway.errors import NotValid
from duis_gateway.partners.xml import (
    HUBS_IN_A_LIST,
    TEXT,
    Field,
    Record,
    enumerated,
    format_time,
    not_valid,
    parse_time,
)
from duis_gateway.rollout.activations.records import RefusedItem
from duis_gateway.text.numbers import parse_whole_number

_MESSAGE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")

ENVELOPE_ELEMENTS = 50
"""What header, body and signature of a message need at most, beside the elements of its body."""


class PartnerBody:
    """The base of everything that a message of either interface carries; the class is named as its element."""

    __slots__ = ()


class Direction(StrEnum):
    """Which way a message goes, seen from the gateway."""

    IN = "in"
    OUT = "out"
    ANSWER = "answer"


Body_co = TypeVar("Body_co", bound=PartnerBody, covariant=True)


@dataclass(frozen=True, slots=True)
class PartnerMessage(Generic[Body_co]):
    """A message of either interface, read from proven bytes. `message_id` is the sender's own."""

    message_id: str
    sender: int
    created_at: datetime
    body: Body_co

    @property
    def body_name(self) -> str:
        """The name of the body's element."""
        return type(self.body).__name__


AnyMessage = PartnerMessage[PartnerBody]


@dataclass(frozen=True, slots=True)
class Part:
    """Part `number` of `of` of a list of more than 50,000 hubs; the list takes effect when all are in."""

    list_id: str
    number: int
    of: int


def split_list(list_id: str, device_ids: Sequence[int]) -> list[tuple[Part | None, tuple[int, ...]]]:
    """Return the list as messages carry it: as it is up to 50,000 hubs, otherwise in parts of one `list_id`."""
    if len(device_ids) <= HUBS_IN_A_LIST:
        return [(None, tuple(device_ids))]
    starts = range(0, len(device_ids), HUBS_IN_A_LIST)
    return [
        (Part(list_id, number, len(starts)), tuple(device_ids[start : start + HUBS_IN_A_LIST]))
        for number, start in enumerate(starts, start=1)
    ]


class _PartShape:
    """`<Part ListID="..." Number="1" Of="3"></Part>`."""

    def read(self, element: etree._Element, skip: int) -> Part:
        """Return the part (ValueError where its number is above the number of parts)."""
        number, of = (parse_whole_number(element.get(name, "0")) for name in ("Number", "Of"))
        part = Part(element.get("ListID", ""), number, of)
        if not 1 <= part.number <= part.of:
            raise ValueError(f"there is no part {part.number} of {part.of}")
        return part

    def write(self, name: str, value: Part, out: list[str]) -> None:
        """Append the element; canonical XML has attributes in the order of their names."""
        list_id = escape_attribute(value.list_id)
        out.append(f'<{name} ListID="{list_id}" Number="{value.number}" Of="{value.of}"></{name}>')


PART = Field("Part", "part", _PartShape(), optional=True)


class AcknowledgementStatus(StrEnum):
    """What became of a message."""

    ACCEPTED = "Accepted"
    PARTLY_ACCEPTED = "PartlyAccepted"
    REFUSED = "Refused"


@dataclass(frozen=True, slots=True)
class Acknowledgement(PartnerBody):
    """The answer to a message: `message_id` is the one answered, `refused` the items that were not taken."""

    message_id: str
    status: AcknowledgementStatus
    code: str
    text: str | None = None
    refused: tuple[RefusedItem, ...] = ()

    @property
    def taken(self) -> bool:
        """Whether the message is taken, whole or in part."""
        return self.status is not AcknowledgementStatus.REFUSED


ACKNOWLEDGEMENT = Record(
    Acknowledgement,
    Field("MessageID", "message_id", TEXT),
    Field("Status", "status", enumerated(AcknowledgementStatus)),
    Field("Code", "code", TEXT),
    Field("Text", "text", TEXT, optional=True),
    Field(
        "RefusedItem",
        "refused",
        Record(RefusedItem, Field("Item", "item", TEXT), Field("Reason", "reason", TEXT)),
        many=True,
    ),
    elements=3 * HUBS_IN_A_LIST,
)


class Interface:
    """One of the two interfaces: reads and renders its messages."""

    def __init__(
        self, namespace: str, schema: str, incoming: Sequence[Record], outgoing: Sequence[tuple[Record, str]]
    ) -> None:
        """Take the records of all bodies; what goes out comes with the interactions that tell by it."""
        self.namespace = namespace
        self.schema = schema
        records = (*incoming, *(record for record, _ in outgoing), ACKNOWLEDGEMENT)
        self._records: dict[str, Record] = {record.kind.__name__: record for record in records}
        self._skip = len(namespace) + 2
        self.rows: Mapping[str, frozenset[str]] = {
            record.kind.__name__: frozenset(rows.split()) for record, rows in outgoing
        }
        self.directions: Mapping[str, Direction] = {
            **{record.kind.__name__: Direction.IN for record in incoming},
            **dict.fromkeys(self.rows, Direction.OUT),
            "Acknowledgement": Direction.ANSWER,
        }

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all bodies, whichever way they go."""
        return tuple(self._records)

    @property
    def kinds(self) -> tuple[type, ...]:
        """The classes of all bodies."""
        return tuple(record.kind for record in self._records.values())

    def carries(self, body: PartnerBody) -> bool:
        """Tell whether this body is one of the interface's own: the two have bodies of the same names."""
        record = self._records.get(type(body).__name__)
        return record is not None and record.kind is type(body)

    def element_caps(self, names: Iterable[str]) -> dict[tuple[str, str], int]:
        """Return the caps of those of these bodies that need more elements than messages have by default (T07)."""
        message = f"{{{self.namespace}}}Message"
        return {
            (message, f"{{{self.namespace}}}{name}"): most + ENVELOPE_ELEMENTS
            for name in names
            if (most := self._records[name].elements) is not None
        }

    def read_message(self, root: etree._Element) -> AnyMessage:
        """Return the message that a proven, schema-valid document carries.

        Raises:
            NotValid: what the schema cannot refuse: times outside the calendar, a part beyond the last.
        """
        header, body = root[0], root[1]
        try:
            created_at = parse_time(header[2].text or "")
        except ValueError as error:
            raise not_valid(header[2], str(error)) from None
        content = self.read_body(body[0])
        return PartnerMessage(header[0].text or "", parse_eui(header[1].text or ""), created_at, content)

    def read_body(self, element: etree._Element) -> PartnerBody:
        """Return what the element of a body carries, as `render_body` wrote it (NotValid as above)."""
        content: PartnerBody = self._records[element.tag[self._skip :]].read(element, self._skip)
        return content

    def read_identity(self, root: etree._Element) -> MessageId:
        """Return whose message it is, and its id, from a proven document that no schema has seen yet.

        Raises:
            NotValid: not a message of this interface, or its header does not begin with the two.
        """
        header = self._child(root, "Message", 0, "Header")
        message_id = self._child(header, "Header", 0, "MessageID").text or ""
        if not _MESSAGE_ID.fullmatch(message_id):
            raise not_valid(header[0], "not a MessageID: 1 to 64 of A-Z, a-z, 0-9, '.', '_', ':' and '-'")
        sender = self._child(header, "Header", 1, "SenderID")
        try:
            return MessageId(parse_eui(sender.text or ""), message_id)
        except ValueError as error:
            raise not_valid(sender, str(error)) from None

    def _child(self, parent: etree._Element, parent_name: str, index: int, name: str) -> etree._Element:
        if parent.tag != f"{{{self.namespace}}}{parent_name}":
            raise NotValid(f"The root element is not Message of {self.namespace}.")
        if len(parent) <= index or parent[index].tag != f"{{{self.namespace}}}{name}":
            raise not_valid(parent, f"{name} of {self.namespace} is not where it has to be")
        return parent[index]

    def render_message(self, message_id: str, sender: int, created_at: datetime, body: PartnerBody) -> bytes:
        """Return the unsigned message; the bytes are their own inclusive C14N 1.0.

        Raises:
            ValueError: a value that the message cannot carry: a list of no hub or of over 50,000, a
                character outside XML, a time without a zone.
        """
        if not _MESSAGE_ID.fullmatch(message_id):
            raise ValueError(f"not a MessageID: {message_id[:80]!r}")
        out = [
            f'<Message xmlns="{self.namespace}"><Header><MessageID>{message_id}</MessageID>',
            f"<SenderID>{format_eui(sender)}</SenderID><CreatedAt>{format_time(created_at)}</CreatedAt></Header><Body>",
        ]
        self._record_of(body).write(type(body).__name__, body, out)
        out.append("</Body></Message>")
        return "".join(out).encode()

    def render_body(self, body: PartnerBody) -> bytes:
        """Return the body's element alone, as a document of the interface's namespace (ValueError as above)."""
        name = type(body).__name__
        out: list[str] = []
        self._record_of(body).write(name, body, out)
        out[0] = f'<{name} xmlns="{self.namespace}">'
        return "".join(out).encode()

    def _record_of(self, body: PartnerBody) -> Record:
        if not self.carries(body):
            raise ValueError(f"{type(body).__name__} is not a body of {self.namespace}")
        return self._records[type(body).__name__]
