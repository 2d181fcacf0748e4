"""CSV as the gateway writes and reads it: one writer, and one guard against formulas (threat T59)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sized

from duis_gateway.text.controls import shown_lines
from duis_gateway.text.counts import counted

_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_GUARD = "'"


def guarded(text: str) -> str:
    """Return a text as it stands in a cell: an apostrophe before what a spreadsheet would run as a formula.

    What has apostrophes before a formula already gets one more, so that `unguarded` gives every text back.
    """
    return f"{_GUARD}{text}" if _FORMULA.match(text) else text


def unguarded(cell: str) -> str:
    """Return the text that `guarded` made this cell from; a formula without its guard is taken as it stands."""
    return cell[1:] if cell.startswith(_GUARD) and _FORMULA.match(cell) else cell


def check_width(fields: Sized, header: Sized) -> None:
    """Hold a record to the one rule of all that read CSV: a field for each column of its header line, and no more.

    Fields that are missing may have been cut off, and those that there is no column for have moved from another.

    Raises:
        ValueError: it has more, or fewer.
    """
    if len(fields) != len(header):
        raise ValueError(f"{counted(len(fields), 'field')} where the header has {len(header)}")


def csv_lines(rows: Iterable[Iterable[object]], line_end: str = "\r\n") -> str:
    """Return lines of RFC 4180 CSV: texts are guarded and without control characters, other values as `str` has them.

    A text of several lines keeps them, in quotes.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=line_end)
    writer.writerows([guarded(shown_lines(cell)) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return text.getvalue()
