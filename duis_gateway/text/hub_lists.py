"""Lists of hubs as people write them: CSV with a column `device_id` (or one EUI-64 a line), or JSON.

A customer register may have lines without a hub, whose cell is empty; a line that is cut off before it is a mistake,
and so are lines of which none has a hub, since an export that failed looks so.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator

from duis_gateway.duis.identifiers import parse_eui
from duis_gateway.text.json_reader import read_json

_COLUMN = "device_id"


def read_hub_list(text: str, *, as_json: bool = False) -> frozenset[int]:
    """Return the hubs that a text lists; one that is named twice counts once.

    Args:
        text: CSV whose first line names a column `device_id`, or whose first column holds the hubs.
        as_json: it is an array of EUI-64s instead, or of objects with a member `device_id`.

    Raises:
        ValueError: no such list; the text names the first line or item that is wrong.
    """
    if not text.strip():
        raise ValueError(f"there is nothing in it: a list of no hubs is the line {_COLUMN} alone, or [] in JSON")
    found = set()
    for place, name in _of_json(text) if as_json else _of_csv(text):
        try:
            found.add(parse_eui(name))
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from None
    return frozenset(found)


def _of_json(text: str) -> Iterator[tuple[str, str]]:
    try:
        items = read_json(text)
    except ValueError as error:
        raise ValueError(f"the list cannot be read: {error}") from None
    if not isinstance(items, list):
        raise ValueError(f"the list must be an array of EUI-64s, or of objects with a member {_COLUMN}")
    for number, item in enumerate(items, start=1):
        yield f"item {number}", str(item.get(_COLUMN) if isinstance(item, dict) else item)


def _of_csv(text: str) -> Iterator[tuple[str, str]]:
    lines = csv.reader(text.splitlines(), strict=True)
    column, names_hubs, names_none = 0, False, False
    try:
        for number, line in enumerate(lines, start=1):
            if number == 1 and _COLUMN in line:
                column = _only_column(line)
            elif not any(line):
                names_none = names_none or number == 1  # without a header it is no list of no hubs
            elif column >= len(line):
                raise ValueError(f"line {number}: it ends before its {_COLUMN}")
            elif name := line[column].strip():
                names_hubs = True
                yield f"line {number}", name
            else:
                names_none = True
    except csv.Error as error:
        raise ValueError(f"the list is not CSV: {error}") from None
    if names_none and not names_hubs:
        raise ValueError(f"no line has a hub: a list of no hubs is the line {_COLUMN} alone")


def _only_column(header: list[str]) -> int:
    if header.count(_COLUMN) > 1:
        raise ValueError(f"line 1: it names {_COLUMN} more than once")
    return header.index(_COLUMN)
