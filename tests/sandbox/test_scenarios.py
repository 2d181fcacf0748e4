"""Scenarios: what a file may say, and how it is judged; those that come with the gateway are played in a sandbox."""

from __future__ import annotations

import ast
import inspect
import io
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import duis_gateway
from duis_gateway.cli.screen import TerminalScreen
from duis_gateway.errors import ConfigurationError
from duis_gateway.sandbox.cast import device_id
from duis_gateway.sandbox.commands import BY_COMMAND, COMMANDS
from duis_gateway.sandbox.demo.story import PARTS, SCENARIO
from duis_gateway.sandbox.main import teller
from duis_gateway.sandbox.parameters import WrongCommand
from duis_gateway.sandbox.scenario import play, read_scenario, shipped
from duis_gateway.sandbox.vocabulary import answers

pytestmark = pytest.mark.requirement("EX-5")


def written(folder: Path, text: str) -> str:
    file = folder / "scenario.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.name)
def test_a_command_takes_what_carries_it_out(command: Any) -> None:
    """The table's parameters are the function's."""
    _turn, *taken = inspect.signature(command.do).parameters
    assert set(taken) == {one.name.replace("-", "_") for one in command.parameters}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", r"a scenario has \[\[step\]\] tables"),
        ("titel = 'x'\n[[step]]\ndo = 'replay'", "there is no key 'titel'"),
        ("[[step]]\nhub = [1]", "`do` is missing: it names a command"),
        ("[[step]]\ndo = 'explode'", r"step 1 \(line 1\): the command 'explode' is not known; there are announce"),
        ("[[step]]\ndo = 'activat'", "did you mean activate"),
        ("[[step]]\ndo = 'replay'\n[[step]]\ndo = 'activate'\nhubs = [1]", r"step 2 \(line 3\): .* did you mean hub"),
        ("[[step]]\ndo = 'activate'", "step 1 .*: activate needs `hub`"),
        ("[[step]]\ndo = 'activate'\nhub = [1, 121]", "each `hub` must be a number from 1 to 120.*, not 121$"),
        ("[[step]]\ndo = 'activate'\nhub = [true]", "each `hub` must be a number from 1 to 120.*, not true$"),
        (f"[[step]]\ndo = 'fail'\nhub = [1]\nreason = '{'x' * 2_500}'", r"not 'x{60}'\.\.\. \(2,500 characters\)$"),
        (
            "[[step]]\ndo = 'activate'\nhub = 1\nrelease = 'SEC-2027-C'",
            "'SEC-2027-C' is not known; did you mean SEC-2027-A",
        ),
        ("[[step]]\ndo = 'read'\nsupplier = 'me'\nhub = 1", "`supplier` must be one of you, gas, older, oldest"),
        ("[[step]]\ndo = 'clock'\nto = 'soon'", "`to` must be a time such as"),
        ("[[step]]\ndo = 'announce'\ndays = inf", "`days` must be a whole number"),
        ("[[step]]\ndo = 'clock'\nto = 2999-01-01T00:00:00Z\nby = 1", "clock does not take 'by'"),
        ("[[step]]\ndo = 'clock'\nto = '2027-02-30'", r"must be a time that exists \(day is out of range"),
        ("[[step]]\ndo = 'replay'\nexpect.answer = []", "the expectation 'answer' is not known; did you mean answers"),
        (
            "[[step]]\ndo = 'replay'\nexpect.received = { me = [] }",
            "the party 'me' is not known; there are north, south",
        ),
        (
            "[[step]]\ndo = 'replay'\nexpect.received = { you = ['2 x N46'] }",
            "the kind of message to you 'N46' is not known; did you mean N",
        ),
        *(
            (
                f"[[step]]\ndo = 'replay'\nexpect.received = {{ you = ['{number} x N64'] }}",
                f"expect.received: '{number}' in '{number} x N64' must be a whole number, 99999 at most",
            )
            for number in ("1000000", "-1", "1.5")
        ),
        (
            "[[step]]\ndo = 'replay'\nexpect.waiting = { north = ['N64'] }",
            "expect.waiting: the kind of message to north 'N64'",
        ),
        ("[[step]]\ndo = 'replay'\nexpect.mails = { you = ['A99'] }", "expect.mails: .*'A99'"),
        ("[[step]]\ndo = 'replay'\nexpect.answers = ['Acepted']", "the answer 'Acepted' .* did you mean Accepted"),
        ("[[step]]\ndo = 'replay'\nexpect.lists = { InvalidDeviceIDLst = [1] }", "did you mean InvalidDeviceIDList"),
        (
            "[[step]]\ndo = 'replay'\nexpect.lists = { InvalidDeviceIDList = [121] }",
            "each hub must be a number from 1 to 120",
        ),
        ("[[step]]\ndo = 'replay'\nexpect.runs = { 121 = '9002' }", "each hub must be a number from 1 to 120"),
        ("[[step]]\ndo = 'replay'\nexpect.states = { SEC-2027-B = 'piloting' }", "'SEC-2027-B' is not known"),
        (
            "[[step]]\ndo = 'replay'\nexpect.states = { SEC-2027-A = 'pilot, paused' }",
            "'pilot' .* did you mean piloting",
        ),
        ("[[step]]\ndo = 'replay'\nexpect.clock = '+2d'", "expect.clock: it must be a time such as 2027"),
        ("[[step]]\ndo = 'replay'\nid = 'a'\n[[step]]\ndo = 'replay'\nid = 'a'", "another step has the id 'a'"),
        ("[[step]]\ndo = 'replay'\nsay = 1", "`say` must be a text"),
        ("[[step]]\ndo = 'replay'\nexpect.clock = 07:30:00", "expect.clock: it must be a time such as 2027"),
        ("[[step]\n", "not TOML"),
    ],
)
def test_a_scenario_that_cannot_be_played_is_refused_before_anything_is_done(
    tmp_path: Path, text: str, expected: str
) -> None:
    """And the file is named first, whatever is wrong in it, TOML included."""
    file = written(tmp_path, text)
    with pytest.raises(ConfigurationError, match=f"^{re.escape(file)}[:,] .*{expected}"):
        read_scenario(file)


@pytest.mark.parametrize(
    "text",
    [
        "[[step]]\ndo = 'announce'\n[[step]]\ndo = 'activate'\nhub = 101\nrelease = 'SEC-2027-B'",
        "[[step]]\ndo = 'announce'\nmodel = '433100AC'\nexpect.states = { SEC-2027-C = 'piloting' }",
        "[[step]]\ndo = 'announce'\nrelease = 'MINE'\n[[step]]\ndo = 'close'\nrelease = 'MINE'",
        "[[step]]\ndo = 'say'\nparty = 'dcc'\nxml = '<F><FirmwareReleaseID>R1</FirmwareReleaseID></F>'\n"
        "expect.states = { R1 = 'notified' }",
        "[[step]]\ndo = 'close'\nrelease = 'NONE'\nexpect.error = 'no release'",
        "[[step]]\ndo = 'read'\nsupplier = 'you'\nhub = '00-DB-12-34-56-00-03-E7'\nexpect.answers = ['E19']",
    ],
)
def test_what_a_scenario_makes_known_can_be_named_from_then_on(tmp_path: Path, text: str) -> None:
    """Releases that it announces, by name, in their turn or in a document; what is to be an error can be unknown."""
    assert read_scenario(written(tmp_path, text)).steps


def test_every_code_that_refuses_a_partner_can_be_expected() -> None:
    """Those that the gateway's source refuses with, written out."""
    source = Path(duis_gateway.__file__).parent
    calls = (
        node
        for path in source.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "refused" and len(node.args) > 1
    )
    codes = {call.args[1].value for call in calls if isinstance(call.args[1], ast.Constant)}
    assert {"DecisionRefused", "NoHubAcceptable"} <= codes <= set(answers())


def test_the_demonstration_plays_every_step_of_its_scenario() -> None:
    """And nothing besides: a step that is added, removed or renamed on one side fails here."""
    steps = read_scenario(SCENARIO).steps
    assert list(PARTS) == [step.id for step in steps]


def test_a_time_may_be_written_as_toml_has_it(tmp_path: Path) -> None:
    file = tmp_path / "clock.toml"
    file.write_text("[[step]]\ndo = 'clock'\nto = 2027-03-01\n[[step]]\ndo = 'clock'\nto = 2027-03-01T09:00:00Z\n")
    assert [json.loads(json.dumps(step.members)) for step in read_scenario(str(file)).steps] == [
        {"to": "2027-03-01"},
        {"to": "2027-03-01T09:00:00+00:00"},
    ]


def test_of_a_list_the_value_that_is_wrong_is_named() -> None:
    with pytest.raises(WrongCommand, match=r"^each `hub` must be a number from 1 to 120, .*, not 'abc'$"):
        BY_COMMAND["activate"].read({"hub": ["1", "abc"]})


def test_several_hubs_are_named_by_ranges_too_and_one_is_not() -> None:
    """The page alone took 101-103: in a command it was "not a number"."""
    activate = BY_COMMAND["activate"]
    for given in (["101-103", 7], "101-103, 7", "101 \u2013 103 7", ["101", "102-103", "7"]):
        assert activate.read({"hub": given})["hub"] == [device_id(one) for one in (101, 102, 103, 7)], given
    assert activate.read({"hub": "00 DB 12 34 56 00 00 01"})["hub"] == [device_id(1)]
    announced = BY_COMMAND["announce"].read({"proving": "1-2"})
    assert announced["proving"] == [device_id(1), device_id(2)]
    with pytest.raises(WrongCommand, match=r"^each `hub` must be written as 101-103, not '103-101'$"):
        activate.read({"hub": ["103-101"]})
    with pytest.raises(WrongCommand, match=r"^each `hub` must be a number from 1 to 120, .*, not '119-121'$"):
        activate.read({"hub": "119-121"})
    with pytest.raises(WrongCommand, match=r"^`hub` must be a number from 1 to 120, .*, not '1-2'$"):
        BY_COMMAND["read"].read({"supplier": "you", "hub": "1-2"})


def test_commands_are_known_without_the_gateway() -> None:
    """Who gives one from another terminal does not wait until all of it is loaded."""
    probe = "import sys, duis_gateway.cli.sandbox; print('sqlalchemy' in sys.modules, 'lxml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_a_scenario_that_is_not_there_is_told_with_those_that_are() -> None:
    there = "demo, failures, pause, split-suppliers"
    with pytest.raises(ConfigurationError, match=f"cannot be read: No such file or directory; .* gateway: {there}"):
        read_scenario("none")


class Terminal(io.StringIO):
    """Standard output that a person looks at."""

    def isatty(self) -> bool:
        return True


class Told:
    """A sandbox that always comes to the same: what is judged is the scenario."""

    def do(self, name: str, members: Mapping[str, Any]) -> Any:
        if name == "replay":
            raise WrongCommand("nothing to replay")
        sent = {"from": "gateway", "channel": "http", "to": "you"}
        return {
            "clock": "2027-01-04T09:00:00Z",
            "answers": [{"code": "I99", "text": "accepted"}],
            "failed": None,
            "messages": [
                {**sent, "kind": "N64", "state": "delivered"},
                {**sent, "kind": "N64", "state": "delivered"},
                {**sent, "kind": "N71", "state": "pending"},
            ],
            "mails": [],
        }

    def status(self) -> Any:
        return {"hubs": [{"number": "1", "version": "9002"}], "releases": []}


@pytest.mark.parametrize(
    ("expectation", "held"),
    [
        ('answers = ["I99"]', True),
        ('answers = ["I0"]', False),
        ('received = { you = ["2 x N64"], gas = [] }', True),
        ('received = { you = ["N64"] }', False),
        ('received = { gas = ["N64"] }', False),
        ('waiting = { you = ["N71"] }', True),
        ("waiting = { you = [] }", False),
        ("mails = { you = [] }", True),
        ('mails = { you = ["N64"] }', False),
        ('runs = { 1 = "9002" }', True),
        ('runs = { 1 = "9003" }', False),
        ('states = { SEC-2027-A = "closed" }', False),
        ('clock = "2027-01-04T09:00:00Z"', True),
        ("lists = { NotResponsibleDeviceIDList = [1] }", False),
        ('error = "refused"', False),
    ],
)
def test_what_is_expected_is_held_against_what_came(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], expectation: str, held: bool
) -> None:
    text = f"[[step]]\ndo = 'activate'\nhub = [1]\nexpect.{expectation}"
    assert play(read_scenario(written(tmp_path, text)), Told(), teller(TerminalScreen())) is held
    lines = capsys.readouterr().out.splitlines()
    told = 1 if "answers" in expectation else 0  # what the code means, too
    assert len(lines) == (1 if held else 2 + told)
    assert ("NOT HELD" in lines[0]) is not held


def test_of_what_differs_only_that_is_told(tmp_path: Path) -> None:
    """By the key of the scenario's file, with what was expected and what was seen."""
    expected = (
        'received = { you = ["2 x N64"], gas = ["N64", "N64"], older = [] }\nexpect.runs = { 1 = "9003", 2 = "1" }'
    )
    differing: list[str] = []
    text = f"[[step]]\ndo = 'activate'\nhub = [1]\nexpect.{expected}\nexpect.answers = []"
    play(read_scenario(written(tmp_path, text)), Told(), lambda _step, differences: differing.extend(differences))
    assert differing == [
        "received.gas: expected 2 x N64, seen nothing",
        "runs.1: expected 9003, seen 9002",
        "runs.2: expected 1, seen nothing",
        "answers: expected nothing, seen I99",
        "I99: accepted",
    ]


def test_on_a_terminal_what_does_not_hold_stands_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    text = '[[step]]\ndo = "activate"\nhub = [1]\nsay = "one\\u001b[2J"\nexpect.answers = []'
    play(read_scenario(written(tmp_path, text)), Told(), teller(TerminalScreen()))
    assert "\x1b[31m\x1b[1mNOT HELD\x1b[0m" in terminal.getvalue()
    assert "\\x1b[2J" in terminal.getvalue(), "what a file says is shown, and not obeyed"


def test_an_error_can_be_expected_and_one_that_is_not_fails_the_step(tmp_path: Path) -> None:
    differences: list[str] = []
    for expect, held in [("", False), ("expect.error = 'nothing to replay'", True), ("expect.error = 'other'", False)]:
        scenario = read_scenario(written(tmp_path, f"[[step]]\ndo = 'replay'\n{expect}"))
        assert play(scenario, Told(), lambda _step, found: differences.extend(found)) is held
    assert differences[0].startswith("could not be done: ")
    assert differences[1].startswith("error: expected other, seen ")


def test_a_step_without_words_is_told_by_its_command_and_never_by_what_a_file_holds(tmp_path: Path) -> None:
    (tmp_path / "long.xml").write_text("<Long/>", encoding="utf-8")
    scenario = read_scenario(written(tmp_path, "[[step]]\ndo = 'say'\nparty = 'dcc'\nfile = 'long.xml'"))
    with pytest.raises(ConfigurationError, match=r"step 1 \(line 1\): say takes xml or file, not both"):
        read_scenario(written(tmp_path, "[[step]]\ndo = 'say'\nparty = 'dcc'\nfile = 'long.xml'\nxml = '<a/>'"))
    assert [(one.say, one.members["xml"]) for one in scenario.steps] == [("say dcc long.xml", "<Long/>")]


def test_every_scenario_that_comes_with_the_gateway_can_be_read() -> None:
    assert shipped() == ["demo", "failures", "pause", "split-suppliers", "taken-back"]
    for name in shipped():
        assert all(step.expect or step.do == "csp" for step in read_scenario(name).steps)
