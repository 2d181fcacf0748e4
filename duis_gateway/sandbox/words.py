"""What a command brought about, in words: for the command line and the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

_MANY, _LONGEST = 12, 400
_OF_ANOTHER_RUN = "HTTP 409"
_STATES = {"dead": "given up", "in_flight": "being delivered", "pending": "waiting to be delivered"}


class Refused(NamedTuple):
    """What a form of the page asked for and did not get: the command, and the fields as they were filled in."""

    command: str
    fields: Mapping[str, str]


class Line(NamedTuple):
    """A line about what a command brought about; `bad`: it tells of a failure."""

    text: str
    bad: bool = False


class News(NamedTuple):
    """What a form of the page brought about, and the form itself where that was refused."""

    lines: Sequence[Line] = ()
    refused: Refused | None = None


NO_NEWS = News()


def forget_first(error: str | None) -> str:
    """Return what helps where a party's own program took other messages under these ids before; "" for other errors.

    A sandbox that begins anew gives the same ids once more, and HTTP 409 is how such a program refuses them.
    """
    if _OF_ANOTHER_RUN not in (error or ""):
        return ""
    return "have the program there forget what it has taken, as the ids began again with the sandbox"


def in_lines(result: Mapping[str, Any]) -> list[Line]:
    """Return what a command brought about, a line for each thing."""
    return [
        *(line for one in result["answers"] for line in _answer(one)),
        *map(Line, result["notes"]),
        *_sent(result),
        *_to_forget(result),
        *([] if result["failed"] is None else [Line(result["failed"], bad=True)]),
        *([] if result["quiet"] else [Line("messages are still being delivered")]),
    ]


def _answer(one: Mapping[str, Any]) -> Iterator[Line]:
    code = one["code"] if one["code"] == one["status"] else f"{one['code']} ({one['status']})"
    about = f" for {one['release']}" if one["release"] else ""
    text = one["text"] if len(one["text"]) <= _LONGEST else f"{one['text'][:_LONGEST]}..."
    answered = f"{code}{': ' if text else ''}{text}"
    yield Line(f"{one['from']}: {one['kind']}{about} -> {answered}", one["status"] == "Refused")
    yield from map(Line, _details(one))


def _details(one: Mapping[str, Any]) -> Iterator[str]:
    for name, hubs in one.get("lists", {}).items():
        yield f"    {name}: {', '.join(hubs)}"
    for item in one.get("refused", ()):
        yield f"    {item['item']}: {item['reason']}"
    for device in one.get("devices", ()):
        yield f"    {device['device']} runs {device['version']}, {device['status']}"


def _sent(result: Mapping[str, Any]) -> Iterator[Line]:
    """Tell what the gateway sent: one by one, or how many of each kind where there are many."""
    sent = [one for one in result["messages"] if one["from"] == "gateway"]
    if len(sent) <= _MANY:
        for one in sent:
            ids = f"message {one['number']}, outbox {one['outbox']}"
            yield Line(f"gateway: {_named(one)} to {one['to']}: {_state(one)} ({ids})", bool(one["error"]))
        return
    counted = Counter((_named(one), one["to"], _state(one), bool(one["error"])) for one in sent)
    for (kind, recipient, state, bad), number in counted.items():
        yield Line(f"gateway: {number} x {kind} to {recipient}: {state}", bad)


def _to_forget(result: Mapping[str, Any]) -> Iterator[Line]:
    errors = {one["to"]: one["error"] for one in result["messages"] if forget_first(one["error"])}
    for name, error in errors.items():
        yield Line(f"{name}: {forget_first(error)}; then `sandbox replay`", bad=True)


def _named(one: Mapping[str, Any]) -> str:
    kind = f"email {one['kind']}" if one["channel"] == "email" else str(one["kind"])
    return f"{kind} (for {one['stands_for']})" if one["stands_for"] else kind


def _state(one: Mapping[str, Any]) -> str:
    state = _STATES.get(one["state"], str(one["state"]))
    if one["error"]:
        waits = "waiting for the next try" if one["attempts"] else "not tried yet"
        return f"{waits if one['state'] == 'pending' else state}, {one['error']}"
    return f"{state} behind message {one['behind']}" if one["behind"] else state
