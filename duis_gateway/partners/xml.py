"""Records: how a frozen dataclass stands in XML, said once and used both to read and to write.

The messages of the CSP Management Gateway and of the ESI are tables of these records. What a record reads
has been validated against the interface's schema, so order and presence are given; what is left to refuse
here is what XSD 1.0 cannot say, such as a time that no calendar has. What a record writes is its own
inclusive C14N 1.0: no white space between elements, no prefixes, values escaped as canonical XML escapes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

from lxml import etree

from duis_gateway.clock import business_time
from duis_gateway.duis.identifiers import format_eui, format_euis, parse_eui
from duis_gateway.envelope.escape import escape_text
from duis_gateway.errors import Finding, NotValid
from duis_gateway.text.numbers import parse_whole_number

HUBS_IN_A_LIST = 50_000
"""The most hubs that one DeviceIDList holds: 50,000 EUI-64s are DUIS's 1,199,999 characters."""


def parse_time(text: str) -> datetime:
    """Return an xs:dateTime with a zone as aware UTC.

    Raises:
        ValueError: no zone (times without one are refused, design section 7), no time of the calendar, or outside
            business time.
    """
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError("not a time in the calendar") from None
    return business_time(read)


def format_time(time: datetime) -> str:
    """Return an aware time as xs:dateTime in UTC, with a fraction only where there is one."""
    if time.tzinfo is None:
        raise ValueError("a time without a zone is never written")
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_device_list(text: str) -> tuple[int, ...]:
    """Return the hubs of a `DeviceIDList` in the order given; a hub named twice counts once."""
    return tuple(dict.fromkeys([int(eui, 16) for eui in text.replace("-", "").split(",")]))


def format_device_list(device_ids: Iterable[int]) -> str:
    """Return a `DeviceIDList`.

    Raises:
        ValueError: no hub, or more than `HUBS_IN_A_LIST`; longer lists go as parts (`split_list`).
    """
    listed = tuple(device_ids)
    if not 0 < len(listed) <= HUBS_IN_A_LIST:
        raise ValueError(f"a DeviceIDList holds 1 to {HUBS_IN_A_LIST} hubs, not {len(listed)}")
    return format_euis(listed)


def _parse_flag(text: str) -> bool:
    return text.strip() in {"true", "1"}


class Shape(Protocol):
    """How one value stands in an element of its own."""

    def read(self, element: etree._Element, skip: int) -> Any:
        """Return the value; `skip` is the length of the namespace part of every tag."""

    def write(self, name: str, value: Any, out: list[str]) -> None:
        """Append the element `name` that carries `value`."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value written as text. `encode` returns text that needs no more escaping."""

    decode: Callable[[str], Any]
    encode: Callable[[Any], str]

    def read(self, element: etree._Element, skip: int) -> Any:
        """Return the element's text as a value (ValueError where it is none)."""
        return self.decode(element.text or "")

    def write(self, name: str, value: Any, out: list[str]) -> None:
        """Append the element with the value's text."""
        out.append(f"<{name}>{self.encode(value)}</{name}>")


def enumerated(*kinds: type[StrEnum]) -> Scalar:
    """Return the shape of an enumeration, written by its values; of several, no two have a value in common."""
    members = {str(member): member for kind in kinds for member in kind}

    def decode(text: str) -> StrEnum:
        if text not in members:
            raise ValueError(f"none of {', '.join(members)}")
        return members[text]

    return Scalar(decode, str)


TEXT = Scalar(str, escape_text)
EUI = Scalar(parse_eui, format_eui)
DEVICE_LIST = Scalar(parse_device_list, format_device_list)
TIME = Scalar(parse_time, format_time)
COUNT = Scalar(parse_whole_number, str)
FLAG = Scalar(_parse_flag, lambda flag: "true" if flag else "false")
SUCCESS = Scalar(lambda text: text == "Success", lambda success: "Success" if success else "Failure")


@dataclass(frozen=True, slots=True)
class Field:
    """One element of a record and the attribute of the dataclass that it fills.

    `many`: the element repeats, the attribute is a tuple. `optional`: it is left out where the attribute
    has the dataclass's default, or is None.
    """

    element: str
    attribute: str
    shape: Shape
    optional: bool = False
    many: bool = False


@dataclass(frozen=True, slots=True)
class Wrapped:
    """An element that only groups fields of the same dataclass (`DeviceModel`)."""

    element: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Inline:
    """An attribute that is a dataclass of its own, whose elements stand directly in the parent (`Period`)."""

    attribute: str
    record: Record


class Record:
    """How a dataclass stands in an element: its items in the order of the schema.

    `given` are attributes that the wire does not carry, with the value they have when read. `elements` is how many
    elements it may have at most, where that is more than messages have by default.
    """

    def __init__(
        self,
        kind: type,
        *items: Field | Wrapped | Inline,
        given: Mapping[str, Any] | None = None,
        elements: int | None = None,
    ) -> None:
        self.kind = kind
        self.elements = elements
        self._items = items
        self._given = dict(given or {})
        self._inlines = [item for item in items if isinstance(item, Inline)]
        self._many = [item.attribute for item in items if isinstance(item, Field) and item.many]
        self._fields: dict[str, Field | None] = {}
        for item in items:
            self._register(item)
        defaults = {f.name: f.default for f in fields(kind) if f.default is not MISSING}
        self._defaults = {**self._given, **defaults}

    def _register(self, item: Field | Wrapped | Inline) -> None:
        match item:
            case Field():
                self._fields[item.element] = item
            case Wrapped():
                self._fields[item.element] = None
                self._fields.update({inner.element: inner for inner in item.fields})
            case Inline():
                self._fields.update(item.record._fields)

    def read(self, element: etree._Element, skip: int) -> Any:
        """Return the dataclass that this schema-valid element carries.

        Raises:
            NotValid: a value that the schema could not refuse.
        """
        values = self._given.copy()
        self._collect(element, skip, values)
        for name in self._many:
            values[name] = tuple(values.get(name, ()))
        for inline in self._inlines:
            inline.record._gather(inline.attribute, values)
        return self.kind(**values)

    def _collect(self, element: etree._Element, skip: int, values: dict[str, Any]) -> None:
        for child in element:
            field = self._fields[child.tag[skip:]]
            if field is None:
                self._collect(child, skip, values)
                continue
            try:
                value = field.shape.read(child, skip)
            except ValueError as error:
                raise not_valid(child, str(error)) from None
            if field.many:
                values.setdefault(field.attribute, []).append(value)
            else:
                values[field.attribute] = value

    def _gather(self, attribute: str, values: dict[str, Any]) -> None:
        """Make this record's dataclass from what was collected among its parent's values, if any was."""
        for inline in self._inlines:
            inline.record._gather(inline.attribute, values)
        names = [f.name for f in fields(self.kind)]
        own = {name: values.pop(name) for name in names if name in values}
        if own:
            values[attribute] = self.kind(**own)

    def write(self, name: str, value: Any, out: list[str]) -> None:
        """Append the element `name` that carries the dataclass (ValueError where a value cannot be carried)."""
        out.append(f"<{name}>")
        self.write_items(value, out)
        out.append(f"</{name}>")

    def write_items(self, value: Any, out: list[str]) -> None:
        """Append the record's elements without one around them."""
        for item in self._items:
            match item:
                case Field():
                    self._write_field(item, value, out)
                case Wrapped():
                    out.append(f"<{item.element}>")
                    for field in item.fields:
                        self._write_field(field, value, out)
                    out.append(f"</{item.element}>")
                case Inline():
                    inner = getattr(value, item.attribute)
                    if inner is not None:
                        item.record.write_items(inner, out)

    def _write_field(self, field: Field, value: Any, out: list[str]) -> None:
        content = getattr(value, field.attribute)
        try:
            self._write_content(field, content, out)
        except (TypeError, AttributeError, struct.error) as error:
            raise ValueError(f"{field.element} cannot be written from {content!r:.60}{_number_for(content)}") from error

    def _write_content(self, field: Field, content: Any, out: list[str]) -> None:
        if field.many:
            for one in content:
                field.shape.write(field.element, one, out)
        elif content is None and not field.optional:
            raise ValueError(f"{field.element} is missing")
        elif not (field.optional and (content is None or content == self._defaults.get(field.attribute, MISSING))):
            field.shape.write(field.element, content, out)


def _number_for(content: Any) -> str:
    """Say what was wanted where EUI-64s were given as texts."""
    first = next(iter(content), None) if isinstance(content, list | tuple) else content
    try:
        return f"; an EUI-64 is a number here: Eui({format_eui(parse_eui(str(first)))!r})"
    except (ValueError, TypeError):
        return ""


def not_valid(element: etree._Element, reason: str) -> NotValid:
    """Return the refusal of a value that the schema could not refuse, with where it stands."""
    chain = [element, *element.iterancestors()]
    path = "".join(f"/{etree.QName(one).localname}" for one in reversed(chain))
    return NotValid(f"{path}: {reason}.", (Finding(path, _line_of(element), reason),))


def _line_of(element: etree._Element) -> int | None:
    line: object = element.sourceline
    return line if isinstance(line, int) else None
