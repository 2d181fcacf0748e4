"""A reader of the how-to guides: runs a page's commands as they stand, and looks for what the page says they print.

A page's blocks of `sh` are run in one shell, in their order; a block of `text` that follows one is what it prints, as
far as it is shown: each line must be printed, and `...` stands for anything. Where a machine like this one cannot run a
block, a comment before it says so (`<!-- not run: ... -->`).
"""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDES = ROOT / "docs" / "how-to"
_BLOCK = re.compile(r"(<!-- not run[^>]*-->\n)?^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NEXT = "== the next block =="
_PATIENCE = 120.0
_BEFORE = "set -euo pipefail\ntrap 'for job in $(jobs -p); do kill $job; done 2>/dev/null; wait' EXIT\n"


@dataclass(frozen=True)
class Block:
    """Commands of a page, and the lines that it says they print."""

    commands: str
    shown: list[str] = field(default_factory=list)


def blocks(page: str) -> list[Block]:
    """Return what of a guide is run."""
    found: list[Block] = []
    ran = False
    for skipped, language, text in _BLOCK.findall((GUIDES / page).read_text(encoding="utf-8")):
        if language == "sh":
            ran = not skipped
            if ran:
                found.append(Block(text))
        elif ran:
            found[-1].shown.extend(text.splitlines())
    return found


@dataclass(frozen=True)
class Reader:
    """Somebody who follows a guide in a folder, with this checkout's command and Python first in the PATH.

    Attributes:
        folder: where the commands are run.
        here: what the page has that is different here (a port, say), as patterns and their replacements.
        settings: further environment variables.
        sandbox: the port of the sandbox that runs here, in the place of the usual one.
    """

    folder: Path
    here: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    sandbox: int | None = None

    def follow(self, page: str) -> None:
        """Run a guide from its first command to its last, and compare what is printed with what it shows."""
        of_page = blocks(page)
        assert of_page, f"{page} has no commands"
        script = _BEFORE + f"echo '{_NEXT}'\n".join(self._as_here(block.commands) for block in of_page)
        printed = self._run(script).split(f"{_NEXT}\n")
        for block, text in zip(of_page, printed, strict=True):
            missing = [line for line in block.shown if not _is_printed(self._as_here(line), text)]
            assert missing == [], f"{page} shows what is not printed; this is:\n{block.commands}\n{text}"

    def _as_here(self, text: str) -> str:
        for pattern, replacement in self.here.items():
            text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
        return text

    def _run(self, script: str) -> str:
        with subprocess.Popen(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self._environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as shell:
            try:
                printed, _ = shell.communicate(timeout=_PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(shell.pid, signal.SIGKILL)
                printed, _ = shell.communicate()
                raise AssertionError(f"it does not end: {printed}") from None
        assert shell.returncode == 0, f"exit code {shell.returncode}: {printed}"
        return printed

    def _environ(self) -> dict[str, str]:
        programs = self.folder / ".programs"
        programs.mkdir(exist_ok=True)
        on_port = f'case $1 in sandbox|listen) set -- "$@" --port {self.sandbox};; esac\n' if self.sandbox else ""
        gateway = f'{on_port}exec "{sys.executable}" -m duis_gateway "$@"\n'
        for name, script in {"duis-gateway": gateway, "python3": f'exec "{sys.executable}" "$@"\n'}.items():
            program = programs / name
            program.write_text(f"#!/bin/sh\n{script}", encoding="utf-8")
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DUIS_GATEWAY_")}
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        return {**clean, "PATH": path, "PYTHONPATH": str(ROOT), "no_proxy": "*", **self.settings}


def _is_printed(line: str, text: str) -> bool:
    pattern = ".*".join(map(re.escape, line.split("...")))
    return re.search(rf"^{pattern}$", text, re.MULTILINE) is not None
