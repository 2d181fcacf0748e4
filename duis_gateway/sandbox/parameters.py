"""What a sandbox command takes: read in the same way from JSON, a form, the command line or a scenario."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

from duis_gateway.clock import EARLIEST, LATEST, business_time
from duis_gateway.duis.identifiers import EUI_AS_TYPED_SCHEMA, eui_as_typed, format_eui
from duis_gateway.envelope.escape import escape_text
from duis_gateway.errors import ALL_KNOWN, GatewayError, meant
from duis_gateway.outbox.guard import AddressRefused, read_url
from duis_gateway.sandbox.cast import BY_EUI, BY_NAME, LAST_HUB, Member, device_id
from duis_gateway.text.numbers import LONGEST, is_digits

STEP = re.compile(r"([+-])([0-9]{1,5})\s*(min|[smhdw])")
"""A step forward or back in time."""
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}|$)")
_LONGEST_TEXT = 2_000  # of a remark, in every schema
_MOST_SHOWN = 60
_MOST_DIGITS = len(str(LAST_HUB))
_RANGE = re.compile(rf"([0-9]{{1,{_MOST_DIGITS}}})\s*[-\u2013]\s*([0-9]{{1,{_MOST_DIGITS}}})")
_WITHIN_RANGE = re.compile(r"(?<=[0-9])\s*[-\u2013]\s*(?=[0-9])")
_UNITS = {"s": "seconds", "m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class WrongCommand(GatewayError):
    """A sandbox command cannot be carried out as it was given; the text says what is wrong with it."""


class CannotBeDone(GatewayError):
    """A command is correct, but cannot be done as things stand in the sandbox; the text says why."""


def _parts(text: str) -> list[str]:
    return re.split(r"[,\s]+", text.strip(", \t\r\n"))


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value: its JSON schema, and how it is read (ValueError: it is not one; the text completes "must be").

    `words` are the choices that a person has, if there are only these. `parts` sets a text apart that holds several.
    `spread`: what is given as one value may stand for several, and `read` returns a list of them.
    """

    schema: Mapping[str, Any]
    read: Callable[[Any], Any]
    words: Sequence[str] = ()
    parts: Callable[[str], Sequence[str]] = _parts
    spread: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value that a command takes.

    `argument`: on the command line it is positional, not `--name`. `many`: a list of such values. `content`: on the
    command line and in scenarios it can be given as a file that holds it.
    """

    name: str
    about: str
    kind: Kind
    required: bool = False
    argument: bool = False
    many: bool = False
    content: bool = False
    default: Any = None

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of the value."""
        told = one = dict(self.kind.schema)
        if self.many:
            told = {"anyOf": [{"type": "array", "items": one, "minItems": int(self.required)}, one]}
        told = {**told, "description": self.about}
        default = self.default.name if isinstance(self.default, Member) else self.default
        return told if default is None else {**told, "default": default}

    def read(self, given: Any) -> Any:
        """Return a value as the command takes it.

        Raises:
            WrongCommand: it is not of its kind.
        """
        try:
            if not self.many:
                return self.kind.read(given)
            several = given if isinstance(given, list | tuple) else self.kind.parts(_typed(given))
            read = [self._one(one) for one in several]
            return [value for values in read for value in values] if self.kind.spread else read
        except ValueError as error:
            raise WrongCommand(f"`{self.name}` must be {error}, not {_shown(given)}") from None

    def _one(self, given: Any) -> Any:
        if given == "":
            raise WrongCommand(f"one of `{self.name}` is empty; leave it out, or give it ({self.about})")
        try:
            return self.kind.read(given)
        except ValueError as error:
            raise WrongCommand(f"each `{self.name}` must be {error}, not {_shown(given)}") from None


@dataclass(frozen=True)
class Command:
    """A command: its name and parameters, and the function of `doings` that carries it out.

    The function is named, and found when it is called: giving a command from another terminal does not wait for the
    whole gateway to load.
    """

    name: str
    about: str
    doing: str
    parameters: Sequence[Parameter] = field(default=())

    @property
    def do(self) -> Callable[..., Any]:
        """What carries it out."""
        found: Callable[..., Any] = getattr(import_module("duis_gateway.sandbox.doings"), self.doing)
        return found

    def read(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that were given, as `do` takes them; None, or an empty list, was not given.

        Raises:
            WrongCommand: a value is missing, unknown, empty or wrong.
        """
        known = {one.name: one for one in self.parameters}
        for name in members:
            if name not in known:
                close = meant(str(name), known, otherwise="; it takes {}" if known else "; it takes no parameters")
                raise WrongCommand(f"{self.name} does not take {str(name)[:40]!r}{close}")
        values: dict[str, Any] = {}
        for name, parameter in known.items():
            given = members.get(name)
            if given == "" and not parameter.required:
                raise WrongCommand(f"`{name}` is empty; leave it out, or give it ({parameter.about})")
            if given in (None, "") or (parameter.many and given in ([], ())):
                if parameter.required:
                    empty = ", and what was given is empty" if given is not None else ""
                    raise WrongCommand(f"{self.name} needs `{name}`: {parameter.about}{empty}")
                values[_python_name(name)] = parameter.default
            else:
                values[_python_name(name)] = parameter.read(given)
        return values


def known_words(what: str, word: str, known: Collection[str]) -> None:
    """Check that a word is a known one (WrongCommand: it is not; the text names the closest, or all)."""
    if word not in known:
        raise WrongCommand(f"{what} {word[:60]!r} is not known{meant(word, known, otherwise=ALL_KNOWN)}")


def _shown(given: Any) -> str:
    """Return a wrong value as it was given, cut where it is long: a text in quotes, all else as JSON has it."""
    if isinstance(given, bool | int | float | list | tuple | dict):
        text = json.dumps(given, default=str)
        return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
    text = str(given)
    return repr(text) if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]!r}... ({len(text):,} characters)"


def _python_name(name: str) -> str:
    return name.replace("-", "_")


def moment_of(to: datetime | timedelta, now: datetime) -> datetime:
    """Return the time that was given, or that far from now.

    Raises:
        WrongCommand: business time does not go that far.
    """
    try:
        return now + to if isinstance(to, timedelta) else to
    except OverflowError:
        raise WrongCommand("the clock does not go that far") from None


# --- kinds --------------------------------------------------------------------------------------------------------


def _typed(given: Any) -> str:
    """Return a value as somebody would type it; 1.0 is the whole number 1 (JSON Schema 2020-12, 6.1.1)."""
    return str(int(given) if isinstance(given, float) and given.is_integer() else given).strip()


def _text(given: Any) -> str:
    if not isinstance(given, str | int | float) or isinstance(given, bool) or not _typed(given):
        raise ValueError("a text")
    return _typed(given)


def _words(given: Any) -> str:
    text = _text(given)
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"a text of at most {_LONGEST_TEXT:,} characters")
    try:
        escape_text(text)
    except ValueError as error:
        raise ValueError(f"a text of characters that a message can carry: {error}") from None
    return text


_TRUE = ("true", "on", "yes", "1")
_FALSE = ("false", "off", "no", "0")


def _flag(given: Any) -> bool:
    if isinstance(given, bool):
        return given
    word = given.lower() if isinstance(given, str) else ""
    if word not in (*_TRUE, *_FALSE):
        raise ValueError("true or false")
    return word in _TRUE


def _hub(given: Any) -> int:
    text = _typed(given)
    if is_digits(text, _MOST_DIGITS) and 0 < int(text) <= LAST_HUB:
        return device_id(int(text))
    eui = eui_as_typed(text)
    if eui is None:
        raise ValueError(f"a number from 1 to {LAST_HUB}, or an EUI-64 such as 00-DB-12-34-56-00-00-01")
    return eui


class Backwards(ValueError):
    """The end of a range stands before its beginning; `meant` is how it was meant."""

    def __init__(self, given: str, meant: str) -> None:
        super().__init__(f"written as {meant}")
        self.given, self.meant = given, meant


def _hubs(given: Any) -> list[int]:
    """Read a hub, or a range of their numbers."""
    found = _RANGE.fullmatch(_typed(given))
    if found is None:
        return [_hub(given)]
    first, last = int(found[1]), int(found[2])
    if first > last:
        raise Backwards(f"{first}-{last}", f"{last}-{first}")
    return [_hub(one) for one in range(first, last + 1)]


def _parts_of_hubs(text: str) -> list[str]:
    """Set apart what names several hubs; an EUI-64, and a range, may be written with blanks."""
    return [text] if eui_as_typed(text) is not None else _parts(_WITHIN_RANGE.sub("-", text))


def hubs_as_typed(text: str) -> list[int]:
    """Return the hubs that a text names: by number, range or EUI-64, several of them with blanks or commas between.

    Raises:
        ValueError: one is no hub; the text completes "must be".
        Backwards: a range has its end first.
    """
    return [hub for one in _parts_of_hubs(text) for hub in _hubs(one)]


def _moment(given: Any) -> datetime | timedelta:
    """Read a time, or a step forward or back; a day alone is its midnight in UTC."""
    if isinstance(given, datetime):
        return _in_business_time(given)
    text = str(given).strip()
    if step := STEP.fullmatch(text):
        length = timedelta(**{_UNITS[step[3]]: int(step[2])})
        return length if step[1] == "+" else -length
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        if "timedelta" in str(error):
            raise ValueError("a time less than 24 hours before or after UTC, such as 09:00:00+01:00") from None
        if _DATE.match(text):
            raise ValueError(f"a time that exists ({error})") from None
        raise ValueError("a time such as 2027-03-01 or 2027-03-01T09:00:00Z, or a step such as +60d or +2h") from None
    return _in_business_time(read)


def _in_business_time(read: datetime) -> datetime:
    try:
        return business_time(read if read.tzinfo else read.replace(tzinfo=UTC))
    except ValueError:
        raise ValueError(f"a time between the years {EARLIEST.year} and {LATEST.year}") from None


def _url(given: Any) -> str:
    text = _text(given)
    try:
        read_url(text)
    except AddressRefused as error:
        raise WrongCommand(f"{error}; one is http://127.0.0.1:3000/alerts") from None
    return text


def whole_number(least: int, most: int) -> Kind:
    """Return the kind of whole numbers in this range."""

    def read(given: Any) -> int:
        text = _typed(given)
        if not is_digits(text) or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    schema = {"type": ["integer", "string"], "minimum": least, "maximum": most, "pattern": "^[0-9]+$"}
    return Kind(schema, read)


def choice(*words: str) -> Kind:
    """Return the kind of one of these words; each may be given in any case."""
    known = {word.lower(): word for word in words}

    def read(given: Any) -> str:
        word = str(given).strip().lower()
        if word not in known:
            raise ValueError(f"one of {', '.join(words)}")
        return known[word]

    return Kind({"type": "string", "enum": list(words)}, read, words)


def party(*members: Member) -> Kind:
    """Return the kind of one of these parties, by its name or EUI-64."""
    names = [one.name for one in members]

    def read(given: Any) -> Member:
        text = str(given).strip()
        found = BY_NAME.get(text.lower())
        if found is None and (eui := eui_as_typed(text)) is not None:
            found = BY_EUI.get(eui)
        if found is None or found.name not in names:
            raise ValueError(f"one of {', '.join(names)} (or its EUI-64)")
        return found

    euis = {**EUI_AS_TYPED_SCHEMA, "description": f"the EUI-64 of one of them: {_euis_of(members)}"}
    return Kind({"anyOf": [{"type": "string", "enum": names}, euis]}, read, names)


def _euis_of(members: Sequence[Member]) -> str:
    return ", ".join(f"{format_eui(one.eui)} is {one.name}" for one in members)


_LARGEST = int("9" * LONGEST)
_TEXT_OR_NUMBER = {"type": ["string", "number"], "minimum": -_LARGEST, "maximum": _LARGEST}
TEXT = Kind({**_TEXT_OR_NUMBER, "maxLength": _LONGEST_TEXT}, _words)
"""Words in a message; checked before a command's first message is sent."""
DOCUMENT = Kind(_TEXT_OR_NUMBER, _text)
"""Somebody else's document, right or wrong."""
_FLAG = {"anyOf": [{"type": "boolean"}, {"type": "string", "enum": [*_TRUE, *_FALSE]}]}
FLAG = Kind(_FLAG, _flag, (_TRUE[0], _FALSE[0]))
_NUMBER_OF_HUB = {"type": "integer", "minimum": 1, "maximum": LAST_HUB, "description": "the number of a hub"}
_DIGITS_OF_HUB = {"type": "string", "pattern": f"^[0-9]{{1,{_MOST_DIGITS}}}$", "description": "the same as a text"}
HUB = Kind({"anyOf": [_NUMBER_OF_HUB, _DIGITS_OF_HUB, dict(EUI_AS_TYPED_SCHEMA)]}, _hub)
_RANGE_OF_HUBS = {
    "type": "string",
    "pattern": f"^[0-9]{{1,{_MOST_DIGITS}}}[-\u2013][0-9]{{1,{_MOST_DIGITS}}}$",
    "description": "the hubs from one number to another, both included",
    "examples": ["101-103"],
}
HUBS = Kind({"anyOf": [*HUB.schema["anyOf"], _RANGE_OF_HUBS]}, _hubs, parts=_parts_of_hubs, spread=True)
"""A hub, or a range of them, where a command takes several."""
MOMENT = Kind({"type": "string", "examples": ["+60d", "2027-03-01", "2027-03-01T09:00:00Z"]}, _moment)
URL = Kind({"type": "string", "format": "uri"}, _url)
