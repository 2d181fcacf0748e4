"""DUIS's simple types, for what comes in by no XML: CSV files and the command line.

The types are those of the schema itself, so that what is taken in is valid wherever it is sent on. The gateway asks for
a little more: names are not empty, and hold no control characters and no spaces at either end (`text.controls`), since
a model with a space at its end would be another model.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from lxml import etree

from duis_gateway.text.controls import name_fault, shown
from schemas import schema_path

_XS = "{http://www.w3.org/2001/XMLSchema}"
_MOST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class SimpleType:
    """One type: the values that it lists, or how long a text may be."""

    name: str
    values: tuple[str, ...]
    longest: int

    def fault(self, text: str) -> str | None:
        """Return what is wrong with a text, in words that follow the name of its column, or None."""
        if not text:
            return "is empty"
        if self.values and text not in self.values:
            return f"is '{shown(text[:_MOST_SHOWN])}', but must be one of {', '.join(self.values)}"
        if len(text) > self.longest:
            return f"has {len(text)} characters, but may have only {self.longest}"
        return name_fault(text)


@cache
def duis_type(name: str) -> SimpleType:
    """Return the type that DUIS's schema has under this name.

    Raises:
        LookupError: it has no simple type of this name.
    """
    schema = etree.parse(schema_path("duis/6.0"))
    restriction = schema.find(f"{_XS}simpleType[@name='{name}']/{_XS}restriction")
    if restriction is None:
        raise LookupError(f"DUIS's schema has no simple type {name}")
    values = tuple(_facets(restriction, "enumeration"))
    longest = max((int(text) for text in _facets(restriction, "maxLength")), default=max(map(len, values), default=0))
    return SimpleType(name, values, longest)


def _facets(restriction: etree._Element, facet: str) -> Iterable[str]:
    return (str(one.get("value")) for one in restriction.iterchildren(f"{_XS}{facet}"))
