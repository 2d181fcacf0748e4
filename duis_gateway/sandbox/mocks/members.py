"""What a command of a control door takes: each member of its JSON object, or field of its query, before it is done."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from duis_gateway.client import ClientError
from duis_gateway.client.gateway import gateway_url
from duis_gateway.duis.identifiers import parse_eui
from duis_gateway.envelope.escape import escape_text
from duis_gateway.errors import GatewayError
from duis_gateway.text.json_reader import read_json
from duis_gateway.text.numbers import is_digits

_LONGEST_TEXT = 2_000  # of a remark, in every schema
_MOST_SHOWN = 60

Reader = Callable[[Any], Any]
"""Returns a value as the command takes it (ValueError: it is none; the text completes "must be")."""


class CommandRefused(GatewayError):
    """A command of the control door cannot be carried out as it was given."""


@dataclass(frozen=True)
class Taken:
    """What a command takes, by name, and what of that it `needs`."""

    readers: Mapping[str, Reader]
    needs: Sequence[str] = ()

    def of_body(self, body: bytes) -> dict[str, Any]:
        """Return what a JSON object gives; null is not given (CommandRefused: it is none, or as `read`)."""
        try:
            members = read_json(body or b"{}")
        except ValueError as error:
            raise CommandRefused(f"the body cannot be read: {error}") from None
        if not isinstance(members, dict):
            raise CommandRefused("the body must be a JSON object")
        return self.read(members)

    def of_query(self, query: str) -> dict[str, Any]:
        """Return what a query gives (CommandRefused as `read`)."""
        return self.read(dict(parse_qsl(query, keep_blank_values=True)))

    def read(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that are given.

        Raises:
            CommandRefused: one is missing, unknown or wrong; the text says which, and what it must be.
        """
        if unknown := next((name for name in given if name not in self.readers), None):
            raise CommandRefused(f"it takes no {unknown[:40]!r}; it takes {', '.join(self.readers)}")
        values = {name: self._read(name, value) for name, value in given.items() if value is not None}
        if missing := next((name for name in self.needs if name not in values), None):
            raise CommandRefused(f"it needs {missing!r}")
        return values

    def _read(self, name: str, value: Any) -> Any:
        try:
            return self.readers[name](value)
        except ValueError as error:
            raise CommandRefused(f"{name} must be {error}, not {json.dumps(value)[:_MOST_SHOWN]}") from None


def text(value: Any) -> str:
    """Read words that a message can carry."""
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST_TEXT:
        raise ValueError(f"a text of 1 to {_LONGEST_TEXT:,} characters")
    try:
        escape_text(value)
    except ValueError as error:
        raise ValueError(f"a text of characters that a message can carry ({error})") from None
    return value


def one_of(*words: str) -> Reader:
    """Return what reads one of these words."""

    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return str(value)

    return read


def whole_number(least: int, most: int) -> Reader:
    """Return what reads a whole number of this range, also where it is written as a text."""

    def read(value: Any) -> int:
        number = int(value) if isinstance(value, str) and is_digits(value) else value
        if isinstance(number, bool) or not isinstance(number, int | float) or not least <= number <= most:
            raise ValueError(f"a whole number from {least} to {most:,}")
        if number != int(number):
            raise ValueError(f"a whole number from {least} to {most:,}")
        return int(number)

    return read


def number(least: float, most: float, of: str = "a number") -> Reader:
    """Return what reads a number of this range, also where it is written as a text."""

    def read(value: Any) -> float:
        wrong = ValueError(f"{of} from {least} to {most}")
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise wrong
        try:
            found = float(value)
        except (ValueError, OverflowError):
            raise wrong from None
        if not least <= found <= most:
            raise wrong
        return found

    return read


SECONDS = number(0, 3600, "a number of seconds")


def euis(value: Any) -> tuple[int, ...]:
    """Read a list of EUI-64s, each of which counts once."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError("a list of EUI-64s")
    try:
        return tuple(dict.fromkeys(map(parse_eui, value)))
    except ValueError as error:
        raise ValueError(f"a list of EUI-64s ({error})") from None


def url_of_gateway(value: Any) -> str:
    """Read the URL of a gateway (CommandRefused: it is none)."""
    try:
        return gateway_url(value)
    except ClientError as error:
        raise CommandRefused(error.detail) from None
