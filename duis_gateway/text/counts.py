"""How many there are of something, in words."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it is not one: "1 flag", "1,200 flags"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
