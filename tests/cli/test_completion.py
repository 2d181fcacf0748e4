"""Completion in the real shells, where they are installed: the script that is printed, loaded and asked."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from duis_gateway.cli.main import program
from tests.support.processes import PATIENCE, ROOT

pytestmark = [pytest.mark.processes, pytest.mark.may_skip_in_ci("a shell that is no dependency")]

BASH = """eval "$(duis-gateway completion bash)"
ask() {
    COMPREPLY=() COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _duis_gateway_completion duis-gateway
    printf '%s\\n' "${COMPREPLY[@]}"
}
ask duis-gateway sandbox cl
ask duis-gateway sandbox csp no
"""
FISH = """duis-gateway completion fish | source
complete -C 'duis-gateway sandbox cl'
complete -C 'duis-gateway sandbox csp no'
"""
ZSH = """autoload -U compinit && compinit -u -D && eval "$(duis-gateway completion zsh)" && echo READ''Y\n"""


@pytest.mark.parametrize(
    ("words", "begun", "offered"),
    [
        (["sandbox", "run"], "", ["demo", "failures", "pause", "split-suppliers", "taken-back"]),
        (["sandbox", "run"], "fa", ["failures"]),
        (["sandbox", "--scenario"], "pa", ["pause"]),
        (["example"], "firmware", ["FirmwareRelease"]),
        (["example"], "h", ["hubs.csv"]),
        (["listen"], "y", ["you"]),
    ],
)
def test_what_comes_with_the_gateway_is_offered_by_name(words: list[str], begun: str, offered: list[str]) -> None:
    asked = ShellComplete(program, {}, "duis-gateway", "_DUIS_GATEWAY_COMPLETE")
    assert [one.value for one in asked.get_completions(words, begun)] == offered


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment in which `duis-gateway` is this one, and no settings of anybody's shell are read."""
    program = tmp_path / "bin" / "duis-gateway"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m duis_gateway "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(tmp_path), "TERM": "dumb", "LC_ALL": "C.UTF-8", "COLUMNS": "200"}


@pytest.mark.parametrize(
    ("shell", "options", "script"),
    [("bash", ("--norc", "-c"), BASH), ("fish", ("--no-config", "-c"), FISH)],
    ids=("bash", "fish"),
)
def test_the_shell_completes(shell: str, options: tuple[str, ...], script: str, environ: dict[str, str]) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    done = subprocess.run(
        [shell, *options, script],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE * 2,
        stdin=subprocess.DEVNULL,
    )
    assert done.stderr == ""
    about = {"clock": "Set the clock to a time, or move it by a", "close": "DCC closes a release."}
    words = [line.partition("\t") for line in done.stdout.splitlines()]
    assert [word for word, _, _ in words] == ["clock", "close", "north"]
    if shell == "fish":
        assert all(said.startswith(about.get(word, "")) for word, _, said in words), words


def test_zsh_completes_as_it_is_typed(environ: dict[str, str]) -> None:
    """In a terminal, as zsh completes nowhere else: after Tab the one word, or all that there are."""
    if shutil.which("zsh") is None:
        pytest.skip("there is no zsh here")
    process, terminal = pty.fork()
    if not process:
        os.execvpe("zsh", ["zsh", "-f", "-i"], environ)
    try:
        os.write(terminal, ZSH.encode())
        read_until(terminal, "READY")
        os.write(terminal, b"duis-gateway sandbox cl\t\t")
        assert "Set the clock to a time" in read_until(terminal, "DCC closes a release.")
        os.write(terminal, b"\x15duis-gateway sandbox csp no\t")
        read_until(terminal, "csp north ")
    finally:
        os.close(terminal)  # the terminal is gone: zsh ends
        os.waitpid(process, 0)


def read_until(terminal: int, words: str) -> str:
    said, until = b"", time.monotonic() + PATIENCE
    while words.encode() not in said:
        assert time.monotonic() < until, said
        if select.select([terminal], [], [], 0.2)[0]:
            said += os.read(terminal, 65536)
    return said.decode("utf-8", "replace")
