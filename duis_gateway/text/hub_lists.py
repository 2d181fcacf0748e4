"""Lists of hubs as people write them: CSV with a column `device_id` (or one EUI-64 a line), or JSON.

All or nothing: a line whose hub is missing is a mistake as one whose hub is none, since an export that failed looks
so. Only lines with nothing in them at all are passed over. A list is read line by line, or item by item, each of a
bounded length, so that it takes no more memory than its text and its hubs.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from duis_gateway.duis.identifiers import parse_eui
from duis_gateway.text.json_reader import read_json_items

LONGEST_LINE = 64 * 1024
MOST_LINES = 500_000
"""More than any list has that fits into a body."""
_COLUMN = "device_id"
_MOST_NAMED = 10
_LINE = re.compile(r"([^\r\n]*+)(?:\r\n|\r|\n|\Z)")


def read_hub_list(text: str, *, as_json: bool = False) -> frozenset[int]:
    """Return the hubs that a text lists; one that is named twice counts once.

    Args:
        text: CSV whose first line names a column `device_id`, or whose first column holds the hubs.
        as_json: it is an array of EUI-64s instead, or of objects with a member `device_id`.

    Raises:
        ValueError: no such list; the text names the lines or items that are wrong, of many the first ten.
    """
    if not text.strip():
        raise ValueError(f"it is empty: a list of no hubs is just the line {_COLUMN}, or [] in JSON")
    found: set[int] = set()
    wrong: list[str] = []
    what, named = ("item", _of_json(text)) if as_json else ("line", _of_csv(text))
    for number, name in named:
        try:
            found.add(parse_eui(_given(name)))
        except ValueError as error:
            wrong.append(f"{what} {number}: {error}")
            if len(wrong) == _MOST_NAMED:
                wrong.append("and perhaps more")
                break
    if wrong:
        raise ValueError("; ".join(wrong))
    return frozenset(found)


def _given(name: object) -> str:
    if name is None:
        raise ValueError(f"it ends before its {_COLUMN}")
    if not isinstance(name, str):
        raise ValueError(f"it is neither an EUI-64 nor an object with a member {_COLUMN}")
    if not name:
        raise ValueError(f"its {_COLUMN} is empty")
    return name


def _of_json(text: str) -> Iterator[tuple[int, object]]:
    if not text.lstrip().startswith("["):
        raise ValueError(f"the list must be an array of EUI-64s, or of objects with a member {_COLUMN}")
    items = enumerate(read_json_items(text), start=1)
    try:
        for number, item in items:
            named = item.get(_COLUMN) if isinstance(item, dict) else item
            yield number, named if isinstance(named, str) else item
    except ValueError as error:
        raise ValueError(f"the list cannot be read: {error}") from None


def _of_csv(text: str) -> Iterator[tuple[int, object]]:
    lines = _Lines(text)
    column = 0
    try:
        for line in csv.reader(lines, strict=True):
            number = lines.begin_record()
            if number == 1 and _COLUMN in line:
                column = _only_column(line)
            elif line:
                yield number, line[column].strip() if column < len(line) else None
    except csv.Error as error:
        raise ValueError(f"the list is not CSV: {error}") from None


class _Lines:
    """The lines of a text for a CSV reader, which holds a whole record, however many lines and cells that has."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._number = 0
        self._began = 0
        self._size = 0

    def begin_record(self) -> int:
        """Return the line in which the record begins that has just been read; what comes next is of another."""
        began, self._began, self._size = self._began + 1, self._number, 0
        return began

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        match = _LINE.match(self._text, self._at)
        if match is None or self._at == len(self._text):
            raise StopIteration
        self._at = match.end()
        self._number += 1
        self._size += match.end() - match.start()
        if self._number > MOST_LINES:
            raise ValueError(f"the list has more than {MOST_LINES} lines")
        if self._size > LONGEST_LINE:
            raise ValueError(f"line {self._began + 1}: it has more than {LONGEST_LINE} characters")
        return match[1] + "\n"


def _only_column(header: list[str]) -> int:
    if header.count(_COLUMN) > 1:
        raise ValueError(f"line 1: it names {_COLUMN} more than once")
    return header.index(_COLUMN)
