"""DUIS versions as text: read as numbers, written in one way."""

from __future__ import annotations

import re
from decimal import Decimal

from duis_gateway.namespaces import DUIS_SCHEMA_FOLDERS
from duis_gateway.text.numbers import check_length

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_KNOWN = {version: version for version in DUIS_SCHEMA_FOLDERS}


def parse_version(text: str) -> Decimal:
    """Return the DUIS version that an xs:decimal names: 5.40 is 5.4, and 5.10 is 5.1.

    Raises:
        ValueError: no decimal, or no version that the gateway serves.
    """
    text = text.strip(" \t\r\n")
    check_length(text)
    if not _DECIMAL.fullmatch(text):
        raise ValueError("not a decimal")
    version = _KNOWN.get(Decimal(text))
    if version is None:
        raise ValueError(f"not one of the versions served: {', '.join(map(format_version, _KNOWN))}")
    return version


def format_version(version: Decimal) -> str:
    """Return the version as the gateway writes it (5.4, 6.0), however the number was written."""
    return str(_KNOWN.get(version, version))
