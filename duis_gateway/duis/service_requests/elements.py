"""The elements of a Service Request, read one by one; whatever is wrong says where.

All of these raise `Wrong` where an element is missing or does not hold what it has to.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from lxml import etree

from duis_gateway.duis.device_lists import parse_device_lists
from duis_gateway.duis.times import parse_date_time
from duis_gateway.errors import Finding, NotValid
from duis_gateway.namespaces import sr
from duis_gateway.text.numbers import parse_whole_number

_XML_SPACE = " \t\r\n"


class Wrong(Exception):
    """Something is wrong at one place of the request."""

    def __init__(self, element: etree._Element, reason: str) -> None:
        super().__init__(reason)
        self.finding = Finding(path(element), cast("int | None", element.sourceline), reason)


def devices(element: etree._Element | None, as_sent: dict[int, str]) -> tuple[int, ...]:
    """Return the devices of a list, none where there is no element; `as_sent` keeps how the sender wrote each."""
    if element is None:
        return ()
    return lists_of_devices([element], as_sent)[0]


def lists_of_devices(elements: Sequence[etree._Element], as_sent: dict[int, str]) -> list[tuple[int, ...]]:
    """Return the devices of each of these lists; `as_sent` keeps how the sender wrote each."""
    try:
        listed, as_written = parse_device_lists([verbatim(element) for element in elements])
    except ValueError as error:
        raise Wrong(_unreadable(elements), str(error)) from None
    for device_id, written in as_written.items():
        as_sent.setdefault(device_id, written)
    return listed


def _unreadable(elements: Sequence[etree._Element]) -> etree._Element:
    for element in elements:
        try:
            parse_device_lists([verbatim(element)])
        except ValueError:
            return element
    return elements[0]


def time(element: etree._Element) -> datetime:
    """Return the time that an element holds."""
    try:
        return parse_date_time(verbatim(element))
    except ValueError as error:
        raise Wrong(element, str(error)) from None


def child(parent: etree._Element, wanted: str) -> etree._Element:
    """Return the first child of a name."""
    for element in parent.iterchildren(sr(wanted)):  # half of what `find` takes
        return element
    raise Wrong(parent, f"{wanted} is missing")


def only_child(parent: etree._Element) -> etree._Element:
    """Return the first child element."""
    for element in parent.iterchildren("*"):
        return element
    raise Wrong(parent, "it is empty")


def number(element: etree._Element) -> int:
    """Return the whole number that an element holds."""
    try:
        return parse_whole_number(text(element))
    except ValueError as error:
        raise Wrong(element, str(error)) from None


def verbatim(element: etree._Element) -> str:
    """Return an element's text as it is."""
    return element.text or ""


def text(element: etree._Element) -> str:
    """Return an element's text without white space around it."""
    return (element.text or "").strip(_XML_SPACE)


def name(element: etree._Element) -> str:
    """Return an element's name without its namespace."""
    return etree.QName(element).localname


def path(element: etree._Element) -> str:
    """The element's path with DUIS's usual prefix, whatever prefix the sender uses."""
    steps = []
    step: etree._Element | None = element
    while step is not None:
        twins = list(step.itersiblings(step.tag, preceding=True))
        steps.append(f"sr:{name(step)}" + (f"[{len(twins) + 1}]" if twins else ""))
        step = step.getparent()
    return "/" + "/".join(reversed(steps))


def refusal(findings: list[Finding]) -> NotValid:
    """Return the refusal of a request for what was found."""
    return NotValid(findings[0].reason, tuple(findings))
