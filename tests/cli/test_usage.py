"""How the command answers when it is called in a wrong way: one line, and exit code 2."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from duis_gateway import __version__
from duis_gateway.cli.help import RefusesEmpty
from duis_gateway.cli.main import program
from tests.support.cli import SUPPLIER, Installation, done, refused, run

pytestmark = pytest.mark.requirement("EX-10")

_TOP = click.Context(program)


def test_a_typo_in_the_configuration_is_named_with_its_line(installation: Installation) -> None:
    file = installation.folder / "gateway.toml"
    file.write_text(file.read_text(encoding="utf-8") + "\n[server2]\n", encoding="utf-8")
    lines = file.read_text(encoding="utf-8").splitlines()
    expected = f"{file}, line {len(lines)}: [server2]: there is no such section; did you mean [server]?"
    assert refused(2, "party", "list", *installation.config) == expected


def test_a_typo_in_the_environment_is_named(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUIS_GATEWAY_STORE_URLS", "x")
    said = refused(2, "party", "list", *installation.config)
    assert said.startswith("the environment variable DUIS_GATEWAY_STORE_URLS overrides no key")
    assert said.endswith("did you mean DUIS_GATEWAY_STORE_URL?")


def test_the_environment_may_name_the_configuration(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUIS_GATEWAY_CONFIG", str(installation.folder / "gateway.toml"))
    assert done("party", "list", "--format", "json") == "[]\n"


@pytest.mark.parametrize("command", [("party", "list"), ("serve",), ("pilot", "select")], ids=" ".join)
def test_where_there_is_no_configuration_it_is_said_how_to_go_on(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DUIS_GATEWAY_CONFIG", raising=False)
    given = ("--release", "REL-1", "--party", SUPPLIER) if command[0] == "pilot" else ()
    assert refused(2, *command, *given) == (
        "the configuration gateway.toml cannot be read: No such file or directory; "
        "--config or DUIS_GATEWAY_CONFIG names another, and `duis-gateway init` makes one"
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["stauts"], "No such command 'stauts'; did you mean status?"),
        (["outbox", "list", "--stat", "dead"], "; did you mean --state?"),
        (["sandbox", "activate", "1", "--relase", "x"], "; did you mean --release?"),
        (["sandbox", "activte", "1"], "sandbox: No such command 'activte'; did you mean activate?"),
        (["xylophone"], "No such command 'xylophone'."),
        (["party", "add"], "party add: Missing argument 'EUI'."),
        (["party", "suspend", "90-B3"], "party suspend: Invalid value for 'EUI': '90-B3' is not an EUI-64 such as"),
        (["party", "list", "--config", "none.toml"], "the configuration none.toml cannot be read: No such file"),
        (["party", "list", "--form", "xml"], "party list: No such option"),
        (["conformance"], "conformance needs --url, the gateway's http or https URL"),
        (["conformance", "--wait", "1"], "conformance needs --url"),
        (["conformance", "--version", "6.0"], "conformance needs --url"),
        (["conformance", "--url", "", "--list"], "conformance: Invalid value for '--url': it is empty"),
        (["conformance", "--reports=", "--url", "http://127.0.0.1:1"], "'--reports': it is empty"),
        (["conformance", "--case", "n64", "--case", "", "--list"], "'--case': it is empty"),
        (
            ["inbox", "list", "--kind", ""],
            "inbox list: Invalid value for '--kind': it is empty: give a value",
        ),
        (["send", "-", "--out", ""], "send: Invalid value for '--out': it is empty"),
        (["serve", "--config", ""], "serve: Invalid value for '--config': it is empty"),
        (["sandbox", "--workdir", ""], "sandbox: Invalid value for '--workdir': it is empty"),
        (["serve", "--workers", "0"], "serve: Invalid value for '--workers': 0 is not a whole number from 1 to 256"),
        (["serve", "--workers", "1_0"], "'--workers': '1_0' is not a whole number from 1 to 256"),
        (["demo", "--hubs", "200"], "200 is not a whole number from 2,000 to 15,000,000: the story has a pilot in"),
        (["demo", "--suppliers", "3"], "3 is not a whole number from 4 to 100: the story tells them apart by"),
        (["send", "-", "--timeout", "."], "'.' is not a number of seconds above 0 and up to 86,400"),
        (["send", "-", "--wait", "0"], "'0' is not a number of seconds above 0 and up to 86,400"),
        (["verify", "none.xml", "--trust", "."], "verify: Invalid value for 'FILE': File 'none.xml' does not exist."),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(words: list[str], expected: str) -> None:
    assert expected.casefold() in refused(2, *words).casefold()


def test_that_there_are_too_many_is_not_explained_as_too_few() -> None:
    assert refused(2, "demo", "--suppliers", "101").endswith("101 is not a whole number from 4 to 100")


def test_every_command_explains_itself() -> None:
    overview = run("--help")
    assert overview.code == 0
    names = [line.split()[0] for line in overview.output.partition("Commands:")[2].splitlines() if line[2:3].strip()]
    assert {"init", "serve", "deliver", "party", "sign", "verify", "send", "demo"} <= set(names)
    for name in names:
        assert f"duis-gateway {name}" in done(name, "--help")


_COMMANDS = {name: program.get_command(_TOP, name) for name in program.list_commands(_TOP)}
# The sandbox alone starts one, and `conformance` plays the pack; what runs something does not look like a success.
_GROUPS = [name for name, one in _COMMANDS.items() if isinstance(one, click.Group) and not one.invoke_without_command]


@pytest.mark.parametrize("words", [[], *([name] for name in _GROUPS)], ids=" ".join)
def test_a_group_alone_prints_its_help(words: list[str]) -> None:
    ran = run(*words)
    assert (ran.code, ran.error) == (0, "")
    assert ran.output == done(*words, "--help")
    assert len(ran.output.splitlines()) > 5


def test_the_pack_alone_prints_its_help_and_is_no_success() -> None:
    ran = run("conformance")
    assert (ran.code, ran.output) == (2, done("conformance", "--help"))
    assert "needs --url" in ran.error


def test_help_has_ranges_in_words_as_errors_have() -> None:
    """It had "[default: 52000; 2000<=x<=15000000]"."""
    said = " ".join(done("demo", "--help").split())
    assert "[default: 52,000; 2,000 to 15,000,000]" in said
    assert "not a whole number from 2,000 to 15,000,000" in refused(2, "demo", "--hubs", "200")
    assert "Seconds to wait for the answer. [above 0, up to 86,400]" in " ".join(done("send", "--help").split())


def test_every_command_refuses_an_option_with_nothing_in_it() -> None:
    """The sandbox's own refuse it with what they take; a running one reads them."""
    left_out = [path for path, one in _commands(program) if not isinstance(one, RefusesEmpty)]
    assert [path for path in left_out if path[:1] != ("sandbox",)] == [(), ("completion",)]


def test_whatever_prints_json_does_so_with_json(installation: Installation) -> None:
    """`--json` was the sandbox's, `listen`'s and `send`'s alone; elsewhere it was "No such option"."""
    having = {path: {name for option in one.params for name in option.opts} for path, one in _commands(program)}
    printing = [path for path, options in having.items() if "--format" in options]
    assert ("inbox", "list") in printing
    assert [path for path in printing if "--json" not in having[path]] == []
    installation.add_supplier(SUPPLIER)
    listed = [done("party", "list", *form, *installation.config) for form in (("--json",), ("--format", "json"), ())]
    assert listed[0] == listed[1] != listed[2]
    assert json.loads(listed[0])[0]["kind"] == "supplier"


def _commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, group
    for name in group.list_commands(_TOP):
        one = group.get_command(_TOP, name)
        assert one is not None
        if isinstance(one, click.Group):
            yield from _commands(one, *path, name)
        else:
            yield (*path, name), one


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_complete_commands(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The script calls the program as it is called here, with what was typed in the environment."""
    script = done("completion", shell)
    assert f"_DUIS_GATEWAY_COMPLETE={shell}_complete" in script
    typed = "duis-gateway outbox sh"
    monkeypatch.setenv("_DUIS_GATEWAY_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", "sh" if shell == "fish" else "2")
    assert "show" in run().output


def test_a_defect_is_one_line_too_and_traceback_shows_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duis_gateway.cli.sign.load_signing_key", lambda *_: 1 / 0)
    here = ["sign", __file__, "--key", __file__, "--certificate", __file__]
    assert refused(1, *here).startswith("a bug in the gateway: ZeroDivisionError: division by zero")
    assert "Traceback" in run("--traceback", *here).error


def test_it_runs_as_a_module_from_anywhere(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "duis_gateway"]
    root = Path(__file__).resolve().parents[2]
    version = subprocess.run(
        [*command, "--version"], cwd=root, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    )
    assert version.stdout == f"duis-gateway {__version__}\n"
    wrong = subprocess.run(
        [*command, "party", "list", "--config", str(tmp_path / "none.toml")],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.count("\n") == 1


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command and group."""
    yield path
    if isinstance(command, click.Group):
        for name in command.list_commands(_TOP):
            one = command.get_command(_TOP, name)
            assert one is not None
            yield from commands(one, (*path, name))


def test_every_help_can_be_read_in_forty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is longer, no text stands in a column of a word, and defaults have no brackets of their own."""
    monkeypatch.setenv("COLUMNS", "40")
    every = list(commands(program))
    assert len(every) > 70
    for path in every:
        told = run(*path, "--help").output
        assert max(map(len, told.splitlines())) <= 40, (path, told)
        assert "[default: (" not in told
        assert not re.search(r"[<>]=?x|x[<>]", told), "a range is in words, as in errors"
        assert not re.search(r"^ +--[\w-]+ _", told, re.MULTILINE), (
            "what an option takes is a word of ours, not of the code"
        )
    wide = [line for line in run("sandbox", "announce", "--help").output.splitlines() if len(line.strip()) > 25]
    assert len(wide) > 10


def test_the_help_of_a_wide_terminal_has_two_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    told = run("sandbox", "announce", "--help").output
    assert "  --proving HUB                Hubs that are in the pilot in any case.\n" in told
