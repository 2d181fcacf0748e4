"""JSON as others write it (RFC 8259): nothing of it is a surprise, and what is wrong is said in words of our own.

Python's reader takes a nesting until its stack is full, refuses long numbers by naming a function of its own, lets the
last of two members of one name win, and takes numbers that JSON does not have (NaN), and halves of characters.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from duis_gateway.text.numbers import check_length

DEEPEST = 100
LONGEST_ITEM = 64 * 1024
"""Characters of one item of a list that is read item by item."""
_SHORT_ITEM = 512
_LONGEST_FRACTION = 100
_SPACE = re.compile(r"[ \t\r\n]*+")


def read_json(content: str | bytes) -> Any:
    """Return what a JSON text says.

    Raises:
        ValueError: it is no JSON, not UTF-8, nested more than 100 deep, or has a number of more than 20 digits, a
            member twice or half of a character; the text says which.
    """
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
        value = _DECODER.decode(text)
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise _too_deep() from None
    _check_depth(value)
    if "\\u" in text:
        _check_characters(value)
    return value


def read_json_items(text: str) -> Iterator[Any]:
    """Yield the items of a JSON array one after another: a list of millions takes no more memory than its text.

    Raises:
        ValueError: as `read_json`; or it is no array, or an item has more than 65,536 characters.
    """
    at = _after_space(text, 0)
    if not text.startswith("[", at):
        raise ValueError("it is not an array")
    at = _after_space(text, at + 1)
    if not text.startswith("]", at):
        while True:
            item, at = _item(text, at)
            yield item
            at = _after_space(text, at)
            if not text.startswith(",", at):
                break
            at = _after_space(text, at + 1)
    if not text.startswith("]", at):
        raise _not_json("Expecting ',' or ']'", text, at)
    if (at := _after_space(text, at + 1)) < len(text):
        raise _not_json("Extra data", text, at)


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return at if match is None else match.end()


def _item(text: str, at: int) -> tuple[Any, int]:
    """Return the item that begins here, and where it ends; of a long text only what one item may have is looked at."""
    for size in (_SHORT_ITEM, LONGEST_ITEM):
        piece = text[at : at + size]
        try:
            value, end = _DECODER.raw_decode(piece)
        except json.JSONDecodeError as error:
            if len(piece) < size:
                raise _not_json(error.msg, text, at + error.pos) from None
        except RecursionError:
            raise _too_deep() from None
        else:
            if end < len(piece) or len(piece) < size:  # a number may go on where the piece ends
                _check_depth(value)
                if "\\u" in piece[:end]:
                    _check_characters(value)
                return value, at + end
    raise _not_json(f"there is no item of at most {LONGEST_ITEM} characters", text, at)


def _not_json(what: str, text: str, at: int) -> ValueError:
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return ValueError(f"not JSON: {what} (line {line}, column {column})")


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the member {twice[:60]!r} appears twice")
    return members


def _whole(text: str) -> int:
    check_length(text)
    return int(text)


def _fraction(text: str) -> float:
    check_length(text, _LONGEST_FRACTION)
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"the number {text} is too large")
    return number


def _constant(name: str) -> Any:
    raise ValueError(f"not JSON: {name} is not a JSON number")


def _too_deep() -> ValueError:
    return ValueError(f"it is nested more than {DEEPEST} levels deep")


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for one in level if isinstance(one, list | dict) for inner in _inside(one)]
        if not level:
            return
    raise _too_deep()


def _inside(one: list[Any] | dict[str, Any]) -> list[Any]:
    """Return the lists and objects in one."""
    return [inner for inner in (one.values() if isinstance(one, dict) else one) if isinstance(inner, list | dict)]


def _check_characters(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("it contains half a character (a surrogate without its other half)") from None


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_whole, parse_float=_fraction, parse_constant=_constant
)
