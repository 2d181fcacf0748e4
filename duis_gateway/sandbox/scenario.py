"""Scenarios: a roll-out as a TOML file of steps, each a command of the sandbox with what is expected of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.errors import ConfigurationError, GatewayError
from duis_gateway.machine.files import read_text
from duis_gateway.sandbox.cast import BY_NAME
from duis_gateway.sandbox.commands import BY_COMMAND
from duis_gateway.sandbox.parameters import HUB, Command, WrongCommand
from duis_gateway.text.toml_reader import NotToml, read_toml

_SEVERAL = re.compile(r"([0-9]{1,5}) x (.+)")
_OWN = ("do", "say", "expect")
_FILE = "file"


class Stage(Protocol):
    """A sandbox in which a scenario is played."""

    def do(self, name: str, members: Mapping[str, Any]) -> Any:
        """Carry out a command."""

    def status(self) -> Any:
        """Return how the sandbox stands."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command with its members; `say` tells people what it is, `expect` what has to come of it."""

    number: int
    do: str
    members: Mapping[str, Any]
    say: str
    expect: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A title, and steps that are played one after another in a sandbox as it is at first."""

    title: str
    steps: tuple[Step, ...]


def shipped() -> list[str]:
    """Return the names of the scenarios that come with the gateway."""
    return sorted(one.name.removesuffix(".toml") for one in _folder().iterdir() if one.name.endswith(".toml"))


def read_scenario(name: str) -> Scenario:
    """Return the scenario in a file, or the one of this name that comes with the gateway.

    Raises:
        ConfigurationError: it cannot be read, or a step is wrong; the text says which.
    """
    own = name not in shipped()
    try:
        text = read_text(Path(name)) if own else _folder().joinpath(f"{name}.toml").read_text("utf-8")
        return _scenario(name, read_toml(text), Path(name).parent)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        hint = f"these come with the gateway: {', '.join(shipped())}"
        raise ConfigurationError(f"the scenario {name} cannot be read: {why}; {hint}") from None
    except NotToml as error:
        raise ConfigurationError(f"{name}: {error}") from None


def _folder() -> Any:
    return resources.files("duis_gateway.sandbox").joinpath("scenarios")


def document_of(file: Path) -> str:
    """Return the document in a file (ConfigurationError: it cannot be read)."""
    try:
        return read_text(file)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file} cannot be read: it is not UTF-8") from None


def _scenario(name: str, content: Mapping[str, Any], folder: Path) -> Scenario:
    steps = content.get("step")
    if not isinstance(steps, list) or not steps:
        raise ConfigurationError(f"{name}: a scenario has [[step]] tables")
    for number, one in enumerate(steps, 1):
        if not isinstance(one, dict):
            raise ConfigurationError(f"{name}, step {number}: it is {str(one)[:60]!r}, not a [[step]] table")
    for key in content:
        if key not in ("title", "step"):
            raise ConfigurationError(f"{name}: there is no key {key!r}; a scenario has title and [[step]] tables")
    read = tuple(_step(name, number, one, folder) for number, one in enumerate(steps, 1))
    return Scenario(str(content.get("title", name)), read)


def _step(name: str, number: int, given: Mapping[str, Any], folder: Path) -> Step:
    do, expect = str(given.get("do", "")), given.get("expect", {})
    members: Mapping[str, Any] = {key: value for key, value in given.items() if key not in _OWN}
    try:
        if not isinstance(expect, dict):
            raise WrongCommand(f"expect is a table of what has to come of the step, not {str(expect)[:60]!r}")
        if do not in BY_COMMAND:
            raise WrongCommand(f"do must be one of {', '.join(BY_COMMAND)}, not {do!r}")
        members = _with_documents(BY_COMMAND[do], members, folder)
        if "error" not in expect:
            BY_COMMAND[do].read(members)
        for key, value in expect.items():
            if key not in _EXPECTATIONS:
                raise WrongCommand(f"nothing called {key!r} can be expected; there are {', '.join(_EXPECTATIONS)}")
            if not _SHAPES[key][0](value):
                raise WrongCommand(f"expect.{key} must be {_SHAPES[key][1]}, not {str(value)[:60]!r}")
        for key in ("received", "waiting", "mails"):
            for party in expect.get(key, {}):
                if party not in BY_NAME:
                    raise WrongCommand(f"{key}: there is no party {party!r}; there are {', '.join(BY_NAME)}")
    except WrongCommand as error:
        raise ConfigurationError(f"{name}, step {number}: {error}") from None
    said = str(given.get("say", "")) or f"{do} {' '.join(map(str, members.values()))}".strip()
    return Step(number, do, members, said, expect)


def _with_documents(command: Command, members: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """Return the members of a step; `file`, as seen from the scenario's folder, holds what it stands for."""
    held = next((one.name for one in command.parameters if one.content), None)
    if held is None or _FILE not in members:
        return members
    rest = {key: value for key, value in members.items() if key != _FILE}
    return {**rest, held: document_of(folder / str(members[_FILE]))}


# --- playing ------------------------------------------------------------------------------------------------------


def play(scenario: Scenario, stage: Stage, tell: Callable[[Step, list[str]], None]) -> bool:
    """Play a scenario to its end; `tell` is given each step, and what differs from what was expected of it.

    Returns whether every step held.
    """
    good = True
    for step in scenario.steps:
        differences = _differences(step, stage)
        tell(step, differences)
        good = good and not differences
    return good


def _differences(step: Step, stage: Stage) -> list[str]:
    """Carry out a step, and return what did not come out as expected."""
    wanted = step.expect.get("error")
    try:
        result = stage.do(step.do, step.members)
    except GatewayError as error:
        return [] if wanted is not None and str(wanted) in str(error) else [f"could not be done: {error}"]
    if wanted is not None:
        return [f"was done, where an error was expected: {wanted}"]
    status = stage.status()
    found = []
    for name, expected in step.expect.items():
        seen = _EXPECTATIONS[name](expected, result, status)
        found += _compared(name, _asked(name, expected), seen)
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


def _asked(name: str, expected: Any) -> Any:
    """Return an expectation in the form in which what was seen is compared with it."""
    if name in ("received", "waiting", "mails"):
        return {party: _listed(kinds) for party, kinds in expected.items()}
    if name == "lists":
        return {key: sorted(format_eui(HUB.read(one)) for one in hubs) for key, hubs in expected.items()}
    return expected


def _listed(kinds: Iterable[str]) -> list[str]:
    """Return kinds one by one, in order: "3 x N64" stands for three of them."""
    several = ((_SEVERAL.fullmatch(str(kind)), str(kind)) for kind in kinds)
    return sorted(one for found, kind in several for one in ([found[2]] * int(found[1]) if found else [kind]))


def _sent(expected: Mapping[str, Any], result: Any, *, delivered: bool) -> dict[str, list[str]]:
    return {
        party: sorted(
            one["kind"]
            for one in result["messages"]
            if (one["from"], one["to"], one["channel"]) == ("gateway", party, "http")
            and (one["state"] == "delivered") == delivered
        )
        for party in expected
    }


def _mails(expected: Mapping[str, Any], result: Any, _status: Any) -> dict[str, list[str]]:
    return {party: sorted(one["kind"] for one in result["mails"] if one["to"] == party) for party in expected}


def _lists(_expected: Any, result: Any, _status: Any) -> dict[str, list[str]]:
    return {name: sorted(hubs) for one in result["answers"] for name, hubs in one.get("lists", {}).items()}


def _runs(expected: Mapping[str, Any], _result: Any, status: Any) -> dict[str, str]:
    return {one["number"]: one["version"] for one in status["hubs"] if one["number"] in expected}


def _states(expected: Mapping[str, Any], _result: Any, status: Any) -> dict[str, str]:
    return {
        one["release"]: one["state"] + (", paused" if one["paused"] else "")
        for one in status["releases"]
        if one["release"] in expected
    }


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_table(value: Any, of: Callable[[Any], bool]) -> bool:
    return isinstance(value, dict) and all(map(of, value.values()))


def _is_hubs(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_hub, value))


def _is_hub(one: Any) -> bool:
    try:
        HUB.read(one)
    except ValueError:
        return False
    return True


_Shape = tuple[Callable[[Any], bool], str]
_KINDS: _Shape = (lambda value: _is_table(value, _is_list), 'a table of lists such as { you = ["N64"] }')
_TEXTS: _Shape = (lambda value: _is_table(value, _is_text), 'a table of texts such as { 1 = "9002" }')
_TEXT: _Shape = (_is_text, "a text")
_SHAPES: Mapping[str, _Shape] = {
    "answers": (_is_list, 'a list of codes such as ["I99"]'),
    "lists": (
        lambda value: _is_table(value, _is_hubs),
        "a table of lists of hubs such as { NotResponsibleDeviceIDList = [1] }",
    ),
    "received": _KINDS,
    "waiting": _KINDS,
    "mails": _KINDS,
    "runs": _TEXTS,
    "states": _TEXTS,
    "clock": _TEXT,
    "error": _TEXT,
}
_EXPECTATIONS: Mapping[str, Callable[[Any, Any, Any], Any]] = {
    "answers": lambda _expected, result, _status: [one["code"] for one in result["answers"]],
    "lists": _lists,
    "received": lambda expected, result, _status: _sent(expected, result, delivered=True),
    "waiting": lambda expected, result, _status: _sent(expected, result, delivered=False),
    "mails": _mails,
    "runs": _runs,
    "states": _states,
    "clock": lambda _expected, result, _status: result["clock"],
    "error": lambda expected, _result, _status: expected,
}
"""What can be expected of a step, and how it is seen: what it brought about, or how the sandbox stands then."""
