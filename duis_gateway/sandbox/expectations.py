"""What can be expected of a scenario's step: in which words, whether they can come true, and how it is seen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.sandbox.cast import BY_NAME, hub_name
from duis_gateway.sandbox.parameters import HUB, MOMENT, WrongCommand, known_words
from duis_gateway.sandbox.vocabulary import answers, kinds_by_email, kinds_for, lists, states

_SEVERAL = re.compile(r"([0-9]{1,5}) x (.+)")
_NUMBERED = re.compile(r"([^A-Za-z]*[0-9][^A-Za-z]*) x (.+)")
_PAUSED = ", paused"


@dataclass(frozen=True, slots=True)
class _Expectation:
    """One thing that can be expected.

    `form` says what it must be, `fits` whether it is. `check` raises `WrongCommand` where it names what does not exist.
    `asked` brings it into the form of what is `seen`: of the command's result, and of how the sandbox stands then.
    """

    form: str
    fits: Callable[[Any], bool]
    check: Callable[[Any, Collection[str]], None]
    asked: Callable[[Any], Any]
    seen: Callable[[Any, Any, Any], Any]


def check(expect: Mapping[str, Any], releases: Collection[str]) -> None:
    """See that what is expected of a step could come about; `releases` are those that can have been announced by then.

    Raises:
        WrongCommand: a word, hub, party or release is not known; the text names those that are.
    """
    for key, value in expect.items():
        known_words("the expectation", key, EXPECTATIONS)
        one = EXPECTATIONS[key]
        if not one.fits(value):
            raise WrongCommand(f"expect.{key} must be {one.form}, not {str(value)[:60]!r}")
        try:
            one.check(value, releases)
        except WrongCommand as error:
            raise WrongCommand(f"expect.{key}: {error}") from None


def differences(expect: Mapping[str, Any], result: Any, status: Any) -> list[str]:
    """Return what did not come out as expected, a line each."""
    found = []
    for key, value in expect.items():
        one = EXPECTATIONS[key]
        found += (differs := _compared(key, one.asked(value), one.seen(value, result, status)))
        if key == "answers" and differs:
            found += [f"{answer['code']}: {answer['text']}" for answer in result["answers"] if answer["text"]]
    return found


def _compared(name: str, asked: Any, seen: Any) -> list[str]:
    """Return what differs, each by the key under which it was expected."""
    if isinstance(asked, Mapping):
        return [line for key in {**asked, **seen} for line in _compared(f"{name}.{key}", asked.get(key), seen.get(key))]
    return [] if asked == seen else [f"{name}: expected {_in_words(asked)}, seen {_in_words(seen)}"]


def _in_words(one: Any) -> str:
    if isinstance(one, list):
        counted = Counter(map(str, one))
        return ", ".join(kind if number == 1 else f"{number} x {kind}" for kind, number in counted.items()) or "nothing"
    return "nothing" if one is None else str(one)


# --- what fits ------------------------------------------------------------------------------------------------------


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_listing(value: Any) -> bool:
    return isinstance(value, list)


def _table_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(map(fits, value.values()))


# --- whether it can come true ---------------------------------------------------------------------------------------


def _answers(value: Any, _releases: Collection[str]) -> None:
    for one in value:
        if not re.fullmatch(r"HTTP [1-5][0-9][0-9]", one):
            known_words("the answer", one, answers())


def _kinds(of: Callable[[str], Collection[str]]) -> Callable[[Any, Collection[str]], None]:
    def check_kinds(value: Any, _releases: Collection[str]) -> None:
        for party, kinds in value.items():
            known_words("the party", party, BY_NAME)
            for kind in kinds:
                if (numbered := _NUMBERED.fullmatch(kind)) and not _SEVERAL.fullmatch(kind):
                    raise WrongCommand(f"{numbered[1]!r} in {kind[:60]!r} must be a whole number, 99999 at most")
            for kind in set(_one_by_one(kinds)):
                known_words(f"the kind of message to {party}", kind, of(party))

    return check_kinds


def _lists(value: Any, _releases: Collection[str]) -> None:
    for name, hubs in value.items():
        known_words("the list", name, lists())
        for one in hubs:
            _hub(one)


def _runs(value: Any, _releases: Collection[str]) -> None:
    for number in value:
        _hub(number)


def _hub(given: Any) -> int:
    try:
        return int(HUB.read(given))
    except ValueError as error:
        raise WrongCommand(f"each hub must be {error}, not {str(given)[:60]!r}") from None


def _states(value: Any, releases: Collection[str]) -> None:
    for release, state in value.items():
        known_words("the release", release, releases)
        known_words("the state", state.removesuffix(_PAUSED), states())


def _clock(value: Any, _releases: Collection[str]) -> None:
    if not isinstance(_moment(value), datetime):
        raise WrongCommand(f"it must be a time such as 2027-03-01T09:00:00Z, not {value!r}")


def _moment(value: str) -> Any:
    try:
        return MOMENT.read(value)
    except ValueError as error:
        raise WrongCommand(f"it must be {error}, not {value[:60]!r}") from None


def _anything(_value: Any, _releases: Collection[str]) -> None:
    """What is expected is free text."""


# --- what is asked, and what was seen -------------------------------------------------------------------------------


def _one_by_one(kinds: Iterable[str]) -> list[str]:
    """Return kinds one by one, in order: "3 x N64" stands for three of them."""
    several = ((_SEVERAL.fullmatch(kind), kind) for kind in kinds)
    return sorted(one for found, kind in several for one in ([found[2]] * int(found[1]) if found else [kind]))


def _each(of: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: {key: of(one) for key, one in value.items()}


def _as_it_is(value: Any) -> Any:
    return value


def _as_time(value: str) -> str:
    return str(_moment(value).astimezone(UTC).isoformat()).replace("+00:00", "Z")


def _as_euis(hubs: Any) -> list[str]:
    return sorted(format_eui(_hub(one)) for one in hubs)


def _sent(*, delivered: bool) -> Callable[[Any, Any, Any], Any]:
    def seen(expected: Mapping[str, Any], result: Any, _status: Any) -> dict[str, list[str]]:
        return {
            party: sorted(
                one["kind"]
                for one in result["messages"]
                if (one["from"], one["to"], one["channel"]) == ("gateway", party, "http")
                and (one["state"] == "delivered") == delivered
            )
            for party in expected
        }

    return seen


def _mailed(expected: Mapping[str, Any], result: Any, _status: Any) -> dict[str, list[str]]:
    return {party: sorted(one["kind"] for one in result["mails"] if one["to"] == party) for party in expected}


def _codes(_expected: Any, result: Any, _status: Any) -> list[str]:
    return [one["code"] for one in result["answers"]]


def _listed(_expected: Any, result: Any, _status: Any) -> dict[str, list[str]]:
    return {name: sorted(hubs) for one in result["answers"] for name, hubs in one.get("lists", {}).items()}


def _running(expected: Mapping[str, Any], _result: Any, status: Any) -> dict[str, str]:
    versions = {one["number"]: one["version"] for one in status["hubs"]}
    names = {key: hub_name(_hub(key)) for key in expected}
    return {key: versions[name] for key, name in names.items() if name in versions}


def _standing(expected: Mapping[str, Any], _result: Any, status: Any) -> dict[str, str]:
    return {
        one["release"]: one["state"] + (_PAUSED if one["paused"] else "")
        for one in status["releases"]
        if one["release"] in expected
    }


def _time(_expected: Any, result: Any, _status: Any) -> Any:
    return result["clock"]


def _error(expected: Any, _result: Any, _status: Any) -> Any:
    return expected


_KINDS = 'a table of lists such as { you = ["N64"] }'
_TEXTS = "a table of texts such as "
EXPECTATIONS: Mapping[str, _Expectation] = {
    "answers": _Expectation('a list of codes such as ["I99"]', _is_list, _answers, _as_it_is, _codes),
    "lists": _Expectation(
        "a table of lists of hubs such as { NotResponsibleDeviceIDList = [1] }",
        _table_of(_is_listing),
        _lists,
        _each(_as_euis),
        _listed,
    ),
    "received": _Expectation(_KINDS, _table_of(_is_list), _kinds(kinds_for), _each(_one_by_one), _sent(delivered=True)),
    "waiting": _Expectation(_KINDS, _table_of(_is_list), _kinds(kinds_for), _each(_one_by_one), _sent(delivered=False)),
    "mails": _Expectation(
        _KINDS, _table_of(_is_list), _kinds(lambda _party: kinds_by_email()), _each(_one_by_one), _mailed
    ),
    "runs": _Expectation(f'{_TEXTS}{{ 1 = "9002" }}', _table_of(_is_text), _runs, _as_it_is, _running),
    "states": _Expectation(
        f'{_TEXTS}{{ SEC-2027-A = "piloting" }}', _table_of(_is_text), _states, _as_it_is, _standing
    ),
    "clock": _Expectation("a text", _is_text, _clock, _as_time, _time),
    "error": _Expectation("a text", _is_text, _anything, _as_it_is, _error),
}
"""Every expectation by its key: what it brought about, or how the sandbox stands then."""
