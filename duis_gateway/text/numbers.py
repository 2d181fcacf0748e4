"""Numbers as others write them: none is read before its length is known.

XML Schema sets no limit to leading zeros, and Python refuses more than 4,300 digits in words of its own; it takes the
digits of every script for digits, too.
"""

from __future__ import annotations

import re

LONGEST = 20
"""Digits, leading zeros among them: what 64 bits need."""

_DIGITS = 18
"""Below what a database counts to, so that whoever asks for more asks for what is not there."""
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)")
_WHOLE = re.compile(r"[+-]?([0-9]+)")


def parse_whole_number(text: str) -> int:
    """Return a whole number, as xs:integer has it.

    Raises:
        ValueError: it is none, or has more than 20 digits.
    """
    return int(_held_to(_WHOLE, text, "not a whole number"))


def parse_decimal(text: str) -> float:
    """Return a number in the digits 0 to 9, with a point where it has a fraction.

    Raises:
        ValueError: it is none, or has more than 20 digits.
    """
    return float(_held_to(_DECIMAL, text, "not a number"))


def _held_to(pattern: re.Pattern[str], text: str, otherwise: str) -> str:
    text = text.strip(" \t\r\n")
    check_length(text)
    if not pattern.fullmatch(text):
        raise ValueError(otherwise)
    return text


def parse_digits(text: str, longest: int = _DIGITS) -> int:
    """Return the number that a text of nothing but the digits 0 to 9 is: in a path, a query, a header or a duration.

    Raises:
        ValueError: it has something else in it, nothing, or more than so many digits.
    """
    if not is_digits(text, longest):
        raise ValueError("not a whole number")
    return int(text)


def is_digits(text: str, longest: int = _DIGITS) -> bool:
    """Tell whether `parse_digits` reads it."""
    return text.isascii() and text.isdecimal() and len(text) <= longest


def check_length(text: str, longest: int = LONGEST) -> None:
    """Refuse a number before it is read (ValueError as above); a sign and a point are counted too."""
    if len(text) > longest + 2:
        raise ValueError(f"a number of more than {longest} digits")
