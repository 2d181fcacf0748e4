"""Scenarios: a roll-out as a TOML file of steps, each a command of the sandbox with what is expected of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time
from importlib import resources
from math import isfinite
from pathlib import Path
from typing import Any, Protocol

from duis_gateway.errors import ConfigurationError, GatewayError, meant
from duis_gateway.machine.files import read_text
from duis_gateway.sandbox.cast import MOST_RELEASES, upcoming
from duis_gateway.sandbox.commands import BY_COMMAND
from duis_gateway.sandbox.expectations import check, differences
from duis_gateway.sandbox.parameters import Command, WrongCommand, known_words
from duis_gateway.text.toml_reader import NotToml, read_toml

_TEXTS = ("do", "say", "id", "act")
_OWN = (*_TEXTS, "expect")
_BEGINS = re.compile(r"\s*\[\[\s*step\s*\]\]")
_ABOUT = re.compile(r"<(?:\w+:)?(?:FirmwareReleaseID|SuccessorID)>\s*([^<\s]+)\s*<")
_FILE = "file"


class Stage(Protocol):
    """A sandbox in which a scenario is played."""

    def do(self, name: str, members: Mapping[str, Any]) -> Any:
        """Carry out a command."""

    def status(self) -> Any:
        """Return how the sandbox stands."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command with its members; `say` tells people what it is, `expect` what has to come of it.

    `id` is what the step is called by whoever refers to it; `act` is the heading of a part that begins with it.
    """

    number: int
    do: str
    members: Mapping[str, Any]
    say: str
    expect: Mapping[str, Any]
    id: str = ""
    act: str = ""


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
        return _scenario(name, text, Path(name).parent)
    except OSError as error:
        hint = meant(name, shipped(), otherwise="; these come with the gateway: {}")
        raise ConfigurationError(f"the scenario {name} cannot be read: {error.strerror}{hint}") from None
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


def _scenario(name: str, text: str, folder: Path) -> Scenario:
    content = read_toml(text)
    steps = content.get("step")
    if not isinstance(steps, list) or not steps:
        raise ConfigurationError(f"{name}: a scenario has [[step]] tables")
    for key in content:
        if key not in ("title", "step"):
            raise ConfigurationError(f"{name}: there is no key {key!r}; a scenario has title and [[step]] tables")
    places, known, read = _places(name, text, len(steps)), Known(), list[Step]()
    for number, (place, one) in enumerate(zip(places, steps, strict=True), 1):
        try:
            read.append(_step(number, _plain(one), folder, known))
        except (WrongCommand, ConfigurationError) as error:
            raise ConfigurationError(f"{place}: {error}") from None
    return Scenario(str(content.get("title", name)), tuple(read))


def _plain(value: Any) -> Any:
    """Return a value of TOML as JSON would have it: dates and times, and numbers that are none, as texts."""
    match value:
        case dict():
            return {key: _plain(one) for key, one in value.items()}
        case list():
            return [_plain(one) for one in value]
        case date() | time():
            return value.isoformat()
        case float() if not isfinite(value):
            return str(value)
    return value


def _places(name: str, text: str, steps: int) -> list[str]:
    """Return where each step stands, in words: its number, and the line where it can be told."""
    lines = [number for number, line in enumerate(text.splitlines(), 1) if _BEGINS.match(line)]
    seen = lines if len(lines) == steps else [None] * steps
    return [f"{name}, step {number}{f' (line {at})' if at else ''}" for number, at in enumerate(seen, 1)]


class Known:
    """What the steps of a scenario can name by then: the releases that DCC has announced, and the ids of steps."""

    def __init__(self) -> None:
        self.releases = {upcoming(0).release_id}
        self.ids: set[str] = set()

    def announced(self, values: Mapping[str, Any]) -> None:
        """Take the release that an `announce` names, or the one that it comes to."""
        named, model = values["release"], values["model"]
        coming = (upcoming(number) for number in range(MOST_RELEASES))
        new = (one for one in coming if one.release_id not in self.releases)
        if named is None:
            named = next((one.release_id for one in new if model in (None, one.model.model)), None)
        self.releases |= {named} if named else set()

    def told(self, document: str) -> None:
        """Take the releases that a document of the scenario's own is about."""
        self.releases |= set(_ABOUT.findall(document))


def _step(number: int, given: Any, folder: Path, known: Known) -> Step:
    if not isinstance(given, dict):
        raise WrongCommand(f"it is {str(given)[:60]!r}, not a [[step]] table")
    expect = given.get("expect", {})
    if not isinstance(expect, dict):
        raise WrongCommand(f"expect is a table of what has to come of the step, not {str(expect)[:60]!r}")
    for key in _TEXTS:
        if not isinstance(given.get(key, ""), str):
            raise WrongCommand(f"`{key}` must be a text, not {str(given[key])[:60]!r}")
    do, own = given.get("do", ""), given.get("id", "")
    if own and own in known.ids:
        raise WrongCommand(f"another step has the id {own!r}")
    known.ids.add(own)
    if not do:
        raise WrongCommand("`do` is missing: it names a command, such as activate")
    known_words("the command", do, BY_COMMAND)
    command = BY_COMMAND[do]
    own_members = {key: one for key, one in given.items() if key not in _OWN}
    members = _with_documents(command, own_members, folder)
    if "error" not in expect:
        _judge(command, members, known)
    check(expect, known.releases)
    said = given.get("say", "") or f"{do} {' '.join(map(str, own_members.values()))}".strip()
    return Step(number, do, members, said, expect, own, given.get("act", ""))


def _judge(command: Command, members: Mapping[str, Any], known: Known) -> None:
    """See that a step can be done as far as that is known beforehand; take what it makes known."""
    values = command.read(members)
    if command.name == "announce":
        known.announced(values)
    if "xml" in values:
        known.told(values["xml"])
    for key in ("release", "successor"):
        if values.get(key) is not None:
            known_words("the release", values[key], known.releases)


def _with_documents(command: Command, members: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """Return the members of a step; `file`, as seen from the scenario's folder, holds what it stands for."""
    held = next((one.name for one in command.parameters if one.content), None)
    if held is None or _FILE not in members:
        return members
    if held in members:
        raise WrongCommand(f"{command.name} takes {held} or {_FILE}, not both")
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
        failed = result["failed"]
    except GatewayError as error:
        failed = str(error)
    if failed is not None:
        if wanted is None:
            return [f"could not be done: {failed}"]
        return [] if str(wanted) in failed else [f"error: expected {wanted}, seen {failed}"]
    if wanted is not None:
        return [f"was done, where an error was expected: {wanted}"]
    return differences(step.expect, result, stage.status())
