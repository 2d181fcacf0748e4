"""Messages as JSON, and back: one mapping for requests, answers, alerts and partners' messages, read from the schemas.

An element is a member of its own name, and its children are the members of its object, in any order. What the schema
lets come more than once is an array; so is a list of devices. Whole numbers and booleans are JSON's, all other text is
a string; an attribute is a member too. Signatures are left out: JSON is not signed, the document that it becomes is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from lxml import etree

from duis_gateway.client.arguments import expect, shown
from duis_gateway.client.errors import CannotSend
from duis_gateway.envelope.escape import escape_text
from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.errors import ALL_KNOWN, meant
from duis_gateway.namespaces import CSP, DS, DUIS_SCHEMA_FOLDERS, ESI, SR
from duis_gateway.text.numbers import LONGEST, is_digits
from schemas import schema_path

Json: TypeAlias = dict[str, Any] | list[Any] | str | int | bool

_XS = "{http://www.w3.org/2001/XMLSchema}"
_SCHEMAS = {SR: f"duis/{DUIS_SCHEMA_FOLDERS[max(DUIS_SCHEMA_FOLDERS)]}", CSP: "csp_mgmt_gw/1", ESI: "esi/1"}
_NUMBERS = frozenset({"integer", "positiveInteger", "nonNegativeInteger", "int", "long", "unsignedInt", "unsignedLong"})
_DEVICES = "DeviceIDList"


@dataclass(frozen=True, slots=True)
class _Shape:
    """An element as its schema declares it: whether it may come again, and its children or the kind of its text."""

    many: bool
    declared: etree._Element
    kind: str


def to_json(root: etree._Element) -> dict[str, Json]:
    """Return a proven document, or any element that a schema declares at its top, as an object with one member.

    Raises:
        CannotSend: it is no element.
    """
    expect("root", root, etree._Element, "an element: `answer.root`, `message.root`", CannotSend)
    namespace, name = _names(root)
    shape = _Schema.of(namespace).top(name) if namespace in _SCHEMAS else None
    return {name: _value(root, namespace, shape)}


def from_json(value: object, namespace: str) -> etree._Element:
    """Return the body of a message as an element, from an object with one member of its name.

    Args:
        value: what JSON gave.
        namespace: of DUIS, of the CSP Management Gateway interface, or of ESI.

    Raises:
        CannotSend: it is no such object; the text says where.
    """
    if namespace not in list(_SCHEMAS):
        raise CannotSend(f"namespace must be one of {', '.join(_SCHEMAS)}, not {shown(namespace)}")
    if not isinstance(value, Mapping) or len(value) != 1:
        raise CannotSend("the JSON must be an object with one member, named after the message's body")
    ((name, content),) = value.items()
    schema = _Schema.of(namespace)
    shape = schema.bodies().get(str(name))
    if shape is None:
        raise CannotSend(
            f"there is no message {str(name)[:80]!r}{meant(str(name), schema.bodies(), otherwise=ALL_KNOWN)}"
        )
    return schema.element(str(name), content, shape, str(name))


def _names(element: etree._Element) -> tuple[str, str]:
    found = etree.QName(element)
    return found.namespace or "", found.localname


def _value(element: etree._Element, namespace: str, shape: _Shape | None) -> Json:
    children = [child for child in element.iterchildren("*") if _names(child)[0] != DS]
    if not children and not element.attrib:
        return _text(element.text or "", "" if shape is None else shape.kind)
    known = _Schema.of(namespace).children(shape) if shape is not None else {}
    found: dict[str, Any] = {str(name): value for name, value in element.attrib.items()}
    for child in children:
        name = _names(child)[1]
        inside = known.get(name)
        value = _value(child, namespace, inside)
        if inside is not None and inside.many:
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    return found


def _text(text: str, kind: str) -> Json:
    if kind == _DEVICES:
        return [one.strip() for one in text.split(",") if one.strip()]
    if kind == "boolean":
        return text.strip() in ("true", "1")
    if kind in _NUMBERS and is_digits(text.strip().lstrip("+-"), LONGEST):
        return int(text) if len(text) < 20 else text.strip()
    return text


class _Schema:
    """One schema, as far as the mapping asks: which elements stand in which, in which order, and what their text is."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        root = etree.parse(schema_path(_SCHEMAS[namespace])).getroot()
        self._named = {(etree.QName(one).localname, one.get("name")): one for one in root.iterchildren("*")}

    @classmethod
    @cache
    def of(cls, namespace: str) -> _Schema:
        """Return the schema of a namespace."""
        return cls(namespace)

    def top(self, name: str) -> _Shape | None:
        """Return what the schema declares at its top."""
        declared = self._named.get(("element", name))
        return None if declared is None else self._shape(declared)

    def bodies(self) -> dict[str, _Shape]:
        """Return what may stand in the body of a message."""
        root = self.top("Request" if self._namespace == SR else "Message")
        body = self.children(root).get("Body") if root else None
        return self.children(body) if body else {}

    def children(self, shape: _Shape) -> dict[str, _Shape]:
        """Return the elements that may stand in one, by name and in their order."""
        return {name: one for name, one in self._children(self._type(shape.declared)) if name}

    def element(self, name: str, value: object, shape: _Shape, where: str) -> etree._Element:
        """Return an element of this schema with what JSON has for it."""
        tag = f'sr:{name} xmlns:sr="{SR}"' if self._namespace == SR else f'{name} xmlns="{self._namespace}"'
        made = parse_trusted(f"<{tag}/>".encode())
        self._fill(made, value, shape, where)
        return made

    def _fill(self, made: etree._Element, value: object, shape: _Shape, where: str) -> None:
        known, attributes = self.children(shape), self._attributes(shape)
        if not known and not attributes and value != {}:
            made.text = _written(value, shape.kind, where)
            return
        if not isinstance(value, Mapping):
            raise CannotSend(f"{where} must be an object")
        for name in value:
            if name in attributes:
                made.set(str(name), _written(value[name], "", f"{where}.{name}"))
            elif name not in known:
                has = ", ".join((*known, *attributes)) or "none"
                raise CannotSend(f"{where} has no member {str(name)[:80]!r}; it has {has}")
        for name, inside in known.items():
            if name not in value:
                continue
            many = inside.many and isinstance(value[name], list)
            for number, one in enumerate(value[name] if many else [value[name]]):
                child = etree.SubElement(made, f"{{{self._namespace}}}{name}")
                self._fill(child, one, inside, f"{where}.{name}[{number}]" if many else f"{where}.{name}")

    def _children(self, holder: etree._Element | None) -> Iterator[tuple[str, _Shape]]:
        for one in () if holder is None else holder.iterchildren("*"):
            kind = etree.QName(one).localname
            if kind == "element" and one.get("name"):
                yield str(one.get("name")), self._shape(one)
            elif kind == "group":
                yield from self._children(self._named.get(("group", _local(one.get("ref")))))
            elif kind in ("sequence", "choice", "complexContent", "extension"):
                again = one.get("maxOccurs", "1") != "1"
                for name, shape in self._children(one):
                    yield name, _Shape(shape.many or again, shape.declared, shape.kind)

    def _attributes(self, shape: _Shape) -> list[str]:
        holder = self._type(shape.declared)
        return [] if holder is None else [str(one.get("name")) for one in holder.iter(f"{_XS}attribute")]

    def _shape(self, declared: etree._Element) -> _Shape:
        return _Shape(declared.get("maxOccurs", "1") != "1", declared, self._kind(declared))

    def _type(self, declared: etree._Element) -> etree._Element | None:
        inline = declared.find(f"{_XS}complexType")
        return inline if inline is not None else self._named.get(("complexType", _local(declared.get("type"))))

    def _kind(self, declared: etree._Element) -> str:
        """Return the built-in type under a simple one, or that it is a list of devices."""
        name = _local(declared.get("type"))
        simple = declared.find(f"{_XS}simpleType")
        while name != _DEVICES:
            simple = self._named.get(("simpleType", name)) if simple is None else simple
            restricted = None if simple is None else simple.find(f"{_XS}restriction")
            if restricted is None:
                return name
            name, simple = _local(restricted.get("base")), None
        return name


def _local(name: str | None) -> str:
    return (name or "").rpartition(":")[2]


def _written(value: object, kind: str, where: str) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | str():
            try:
                escape_text(str(value))
            except ValueError as error:
                raise CannotSend(f"{where}: {error}") from None
            return str(value)
        case list() if kind == _DEVICES and all(isinstance(one, str) for one in value):
            return ",".join(value)
    raise CannotSend(
        f"{where} must be {'an array of EUI-64s' if kind == _DEVICES else 'a string, whole number or boolean'}"
    )
