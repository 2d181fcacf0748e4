"""The README's first request by hand: every command as it is written there, with what it says that is seen."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND = ".venv/bin/duis-gateway"
DOORS = "http://127.0.0.1:8079"
SERVE = f"{COMMAND} serve &\n"

pytestmark = pytest.mark.processes


def blocks(language: str) -> list[str]:
    """The section's blocks of commands, or of what they print."""
    section = README.partition("## A first request by hand\n")[2].partition("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


class Shell:
    """Runs blocks as a person would paste them, with this checkout's command and free ports."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DUIS_GATEWAY_")}
        self._environ = {
            **clean,
            "PYTHONPATH": str(ROOT),
            "DUIS_GATEWAY_CONFIG": "try/gateway.toml",
            "DUIS_GATEWAY_SERVER_PORT": "0",
            "DUIS_GATEWAY_OPERATIONS_PORT": "0",
        }
        self._doors = DOORS

    def run(self, block: str) -> str:
        """Return what the block prints, on either stream."""
        command = f"{shlex.quote(sys.executable)} -m duis_gateway"
        script = "set -e\n" + block.replace(COMMAND, command).replace(DOORS, self._doors)
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self._folder,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}"
        return done.stdout

    def serve(self) -> Iterator[None]:
        """Run the gateway; from here on its doors are where it says that it listens."""
        with subprocess.Popen(
            [sys.executable, "-m", "duis_gateway", "serve"],
            cwd=self._folder,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as gateway:
            assert gateway.stdout is not None
            self._doors = gateway.stdout.readline().removeprefix("listening on ").strip()
            yield
            gateway.terminate()
            assert gateway.wait(30) == 0


def test_the_first_request_by_hand_works_as_it_is_written(tmp_path: Path) -> None:
    before, after = _around_serve()
    shell = Shell(tmp_path)
    for block in before:
        shell.run(block)
    said = ""
    for _ in shell.serve():
        for block in after:
            said += shell.run(block)
    shown = "".join(blocks("text"))
    lines = [line for line in shown.splitlines() if not line.startswith("serial:")]
    missing = [line for line in lines if line not in said.splitlines()]
    assert not missing, said


def _around_serve() -> tuple[list[str], list[str]]:
    commands = blocks("sh")
    assert commands.count(SERVE) == 1, "the block that starts the gateway has been changed"
    at = commands.index(SERVE)
    return commands[:at], commands[at + 1 :]
