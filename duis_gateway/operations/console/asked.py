"""What a request asks the console for: its path and its query, read with care."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from duis_gateway.clock import business_time
from duis_gateway.doors.wire import HttpRequest
from duis_gateway.duis.identifiers import eui_as_typed
from duis_gateway.errors import FieldRefused, HttpRefused, NoSuchPath
from duis_gateway.operations.console.search import WAITING, Wanted, Way
from duis_gateway.text.numbers import is_digits, parse_digits

T = TypeVar("T")


def query(request: HttpRequest) -> dict[str, str]:
    """Return the fields of the query, each once.

    Raises:
        HttpRefused: it cannot be read, or has too many fields.
    """
    try:
        fields = parse_qs(request.query, max_num_fields=32, errors="strict")
    except ValueError:
        raise HttpRefused("the query cannot be read, or has too many fields") from None
    return {name: values[0].strip() for name, values in fields.items()}


def only(fields: Mapping[str, str], *names: str) -> Mapping[str, str]:
    """Return the fields of a query, of which each has to be one of these.

    Raises:
        HttpRefused: one is not: what is asked for by a wrong name would be left out without a word.
    """
    unknown = next((name for name in fields if name not in names), None)
    if unknown is not None:
        raise HttpRefused(f"There is no field {unknown[:40]!r} here, only {', '.join(names)}.")
    return fields


def last_part(request: HttpRequest) -> str:
    """Return the last part of the path; names that hold a slash are encoded twice (`text.pages.path_part`)."""
    return unquote(request.path.rpartition("/")[2])


def came_from(request: HttpRequest) -> str | None:
    """Return the page of the console whose form was sent, as the browser says; None: it says none, or no such page."""
    try:
        place = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return None
    return page_of_ours(place.path) if place.netloc == request.headers.get("host") else None


def page_of_ours(path: str) -> str | None:
    """Return the path if it is that of a page with a form; else None: nothing may lead elsewhere."""
    return path if _WITH_A_FORM.fullmatch(path) else None


_WITH_A_FORM = re.compile("/(?:dead-letters|flags|hubs/[0-9A-Za-z-]+|messages/[0-9a-z-]+)")


@contextmanager
def field(name: str) -> Iterator[None]:
    """Say of what is refused herein that it is this field of a form.

    Raises:
        FieldRefused: it cannot be read.
    """
    try:
        yield
    except HttpRefused as error:
        raise FieldRefused(name, error.detail) from None


def eui(text: str, what: str) -> int:
    """Read an EUI-64 as people type it; `what` is said of one that is none.

    Raises:
        HttpRefused: it is none.
    """
    read = eui_as_typed(text)
    if read is None:
        raise HttpRefused(f"{what}: not an EUI-64: {text[:40]!r}")
    return read


def number(text: str, what: str) -> int:
    """Read a whole number.

    Raises:
        HttpRefused: it is none.
    """
    try:
        return parse_digits(text)
    except ValueError:
        raise HttpRefused(f"{what} must be a number") from None


def moment(text: str, what: str) -> datetime:
    """Read a time, in UTC where it has no zone.

    Raises:
        HttpRefused: it is none, or outside business time.
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise HttpRefused(f"{what} must be a time in UTC such as 2027-03-30 09:00, not {text[:40]!r}") from None
    try:
        return business_time(read.replace(tzinfo=UTC) if read.tzinfo is None else read)
    except ValueError as error:
        raise HttpRefused(f"{what}: {error}") from None


OF_MESSAGES = ("way", "party", "hub", "kind", "state", "release", "channel", "since", "until", "before")
"""All fields that messages can be asked for by."""


_ONLY_OF_SENT = {"hub": "Hub", "release": "Release", "channel": "By"}
"""Fields by which only what is sent can be asked for: of what came in, it is known after it was read."""


def wanted(asked: Mapping[str, str]) -> Wanted:
    """Return which messages the fields of a query ask for.

    Raises:
        HttpRefused: a field cannot be read, or asks for nothing of what came in.
    """
    given = {name: value for name, value in asked.items() if value}
    way = given.get("way", Way.SENT.value)
    if way not in list(Way):
        raise FieldRefused("way", f"way must be one of {', '.join(Way)}")
    for name, called in _ONLY_OF_SENT.items():
        if name in given and way != Way.SENT:
            raise FieldRefused(name, f"{called} is only for sent messages: choose these, or leave it empty.")
    return Wanted(
        Way(way),
        party=_read("party", given, lambda text: eui(text, "the party")),
        hub=_read("hub", given, lambda text: eui(text, "the hub")),
        kind=given.get("kind"),
        state=_read("state", given, lambda text: _state(text, Way(way))),
        release=given.get("release"),
        channel=_read("channel", given, _channel),
        since=_read("since", given, lambda text: moment(text, "the start time")),
        until=_read("until", given, lambda text: moment(text, "the end time")),
        before=number(given.get("before", "0"), "before"),
    )


def _read(name: str, given: Mapping[str, str], how: Callable[[str], T]) -> T | None:
    """Return what a field says, None where it is empty."""
    if name not in given:
        return None
    with field(name):
        return how(given[name])


_STATES = {"pending": "pending", "inflight": "in_flight", "delivered": "delivered", "dead": "dead"}
_STATES |= {"deadletter": "dead", "deadletters": "dead", "waiting": WAITING}


def _channel(text: str) -> str:
    """Return by what messages are sent.

    Raises:
        HttpRefused: nothing is sent by that.
    """
    if text.lower() not in ("http", "email"):
        raise HttpRefused(f"what is sent goes by http or email, not {text[:40]!r}")
    return text.lower()


def _state(text: str, way: Way) -> str:
    """Return a state, or an outcome, that may be written as the pages show it.

    Raises:
        HttpRefused: a message that is sent is in no such state.
    """
    bare = "".join(filter(str.isalnum, text.lower()))
    if way is not Way.SENT:
        return bare
    if bare not in _STATES:
        states = "waiting (one of the next two), pending, in flight, delivered or a dead letter"
        raise HttpRefused(f"what is sent is {states}, not {text[:40]!r}")
    return _STATES[bare]


def message_key(name: str) -> tuple[Way, int]:
    """Return which message a page's name means.

    Raises:
        NoSuchPath: it is no such name.
    """
    way, _, place = name.partition("-")
    if way not in list(Way) or not is_digits(place):
        raise NoSuchPath(f"there is no message {name[:40]!r}")
    return Way(way), number(place, "the message")
