"""Lists of hubs as people write them: CSV with a column `device_id` (or one EUI-64 a line), or JSON.

All or nothing: a line whose hub is missing is a mistake as one whose hub is none, since an export that failed looks so.
Only lines with nothing in them at all are passed over. A line with more fields than its header, or fewer, is a mistake
too: of hubs in one line, with commas between them, all but the first would be lost. A list is read line by line, or
item by item, each of a bounded length, so that it takes no more memory than its text and its hubs.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping

from duis_gateway.duis.identifiers import parse_eui
from duis_gateway.text.cells import check_width, unguarded
from duis_gateway.text.json_reader import read_json_items

LONGEST_LINE = 64 * 1024
MOST_LINES = 500_000
"""More than any list has that fits into a body."""
_COLUMN = "device_id"
_MOST_NAMED = 10
_NO_HEADER = f" (a header has to name the column {_COLUMN}, with commas between the columns)"
_OPEN_QUOTE = "unexpected end of data"
_LINE = re.compile(r"([^\r\n]*+)(?:\r\n|\r|\n|\Z)")


def read_hub_list(text: str, *, as_json: bool = False) -> frozenset[int]:
    """Return the hubs that a text lists; one that is named twice counts once.

    Args:
        text: CSV whose first line names a column `device_id`, or lines of one EUI-64 each.
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
            wrong.append(f"{what} {number}: {error}" + ("" if as_json or number > 1 else _NO_HEADER))
            if len(wrong) == _MOST_NAMED:
                wrong.append("and perhaps more")
                break
    if wrong:
        raise ValueError("; ".join(wrong))
    return frozenset(found)


def read_hub_rows(text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield the number of each line of CSV after the header, and what stands in its columns.

    Raises:
        ValueError: the text is not CSV with a column `device_id`, or a line has not as many fields as the header.
    """
    rows = _records(text)
    names = _header(*next(rows, (1, [])))
    if names is None:
        raise ValueError(f"it has no column {_COLUMN}")
    for number, line in rows:
        _check_width(number, line, names)
        yield number, dict(zip(names, map(unguarded, line), strict=True))


def _given(name: object) -> str:
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
    names: list[str] | None = None
    column = 0
    for count, (number, line) in enumerate(_records(text)):
        if count == 0 and (names := _header(number, line)) is not None:
            column = names.index(_COLUMN)
            continue
        _check_width(number, line, names or [_COLUMN])
        yield number, line[column].strip()


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of the line in which each record begins, and its fields; lines with nothing in them are not."""
    lines = _Lines(text)
    try:
        for line in csv.reader(lines, strict=True):
            number = lines.begin_record()
            if line:
                yield number, line
    except csv.Error as error:
        why = "a quotation mark is not closed" if str(error) == _OPEN_QUOTE else error
        raise ValueError(f"line {lines.begin_record()}: it is not CSV: {why}") from None


def _header(number: int, line: list[str]) -> list[str] | None:
    """Return the names of the columns; None: the line is no header."""
    names = [_COLUMN if name.strip().casefold() == _COLUMN else name for name in line]
    if _COLUMN not in names:
        return None
    if names.count(_COLUMN) > 1:
        raise ValueError(f"line {number}: it names {_COLUMN} more than once")
    return names


def _check_width(number: int, line: list[str], names: list[str]) -> None:
    """Refuse a line that has not a field for each column, or says something after the last that has a name."""
    if len(line) > len(names) == 1:
        hint = _NO_HEADER if number == 1 else ""
        raise ValueError(
            f"line {number} has {len(line)} fields where one EUI-64 is expected: write one hub a line{hint}"
        )
    try:
        check_width(line, names)
    except ValueError as error:
        raise ValueError(f"line {number} has {error}") from None
    if not names[-1].strip() and any(cell.strip() for cell in line[_named(names) :]):
        raise ValueError(f"line {number} has something in a column that the header does not name: write one hub a line")


def _named(names: list[str]) -> int:
    return max(place for place, name in enumerate(names, start=1) if name.strip())


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
