"""EUI-64s that print as DUIS writes them."""

from __future__ import annotations

from collections.abc import Iterable

from duis_gateway.duis.identifiers import format_eui, parse_eui


class Eui(int):
    """An EUI-64: a number to compute and compare with, `90-B3-D5-1F-30-01-00-00` to read and print.

    Raises:
        ValueError: a text that is no EUI-64 in DUIS's form, or a number that is none.
    """

    def __new__(cls, eui: str | int) -> Eui:
        """Take a text in either case, or a number."""
        if isinstance(eui, bool) or not isinstance(eui, str | int):
            raise ValueError(f"not an EUI-64, as a text or as a number: {eui!r:.40}")
        number = parse_eui(eui) if isinstance(eui, str) else int(eui)
        if not 0 <= number < 1 << 64:
            raise ValueError(f"not an EUI-64: {number}")
        return super().__new__(cls, number)

    def __str__(self) -> str:
        return format_eui(self)

    def __repr__(self) -> str:
        return f"Eui({str(self)!r})"


def euis(devices: Iterable[str | int]) -> tuple[Eui, ...]:
    """Return devices given as text or numbers, in order, each once (ValueError as `Eui`)."""
    return tuple(dict.fromkeys(map(Eui, devices)))
