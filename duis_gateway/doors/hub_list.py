"""A list of hubs in the body of a request: CSV with a column `device_id` (or one EUI-64 a line), or JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator

from duis_gateway.doors.wire import HttpRequest, check_media
from duis_gateway.duis.identifiers import parse_eui
from duis_gateway.errors import HttpRefused

_JSON, _CSV = "application/json", "text/csv"
COLUMN = "device_id"


def read_hub_list(request: HttpRequest, size_limit: int) -> frozenset[int]:
    """Return the hubs that a body of at most `size_limit` bytes lists; one that is named twice counts once.

    Raises:
        UnsupportedMedia: neither CSV nor JSON in UTF-8.
        TooLarge: over the limit.
        HttpRefused: no such list; the text names the first line or item that is wrong.
    """
    as_json = request.headers.get("content-type", "").partition(";")[0].strip().lower() == _JSON
    check_media(request, _JSON if as_json else _CSV)
    try:
        text = request.body(size_limit).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise HttpRefused("the body is not UTF-8") from None
    found = set()
    for place, name in _of_json(text) if as_json else _of_csv(text):
        try:
            found.add(parse_eui(name))
        except ValueError as error:
            raise HttpRefused(f"{place}: {error}") from None
    return frozenset(found)


def _of_json(text: str) -> Iterator[tuple[str, str]]:
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        raise HttpRefused("the body is not JSON") from None
    if not isinstance(items, list):
        raise HttpRefused(f"the body must be an array of EUI-64s, or of objects with a member {COLUMN}")
    for number, item in enumerate(items, start=1):
        yield f"item {number}", str(item.get(COLUMN) if isinstance(item, dict) else item)


def _of_csv(text: str) -> Iterator[tuple[str, str]]:
    lines = csv.reader(text.splitlines())
    column = 0
    try:
        for number, line in enumerate(lines, start=1):
            if number == 1 and COLUMN in line:
                column = line.index(COLUMN)
            elif any(line):
                yield f"line {number}", line[column].strip() if column < len(line) else ""
    except csv.Error as error:
        raise HttpRefused(f"the body is not CSV: {error}") from None
