"""Remove each defence in a copy of the checkout, and see that its tests fail: `tox -e defences`, or words of names.

The exit code is 1 where a defence can be removed and no test sees it, or where its tests fail as it is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from tests.defences.table import DEFENCES, Defence

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("benchmarks", "csp_mgmt_gw", "docs", "duis_gateway", "esi", "schemas", "tests")
FILES = ("conftest.py", "setup.cfg", "pyproject.toml")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def run(folder: Path, test_file: str, chosen: str) -> int:
    """Run the tests of a defence until the first fails; return pytest's exit code."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", test_file]
    command += ["-k", chosen] if chosen else []
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False).returncode


def without(folder: Path, defence: Defence) -> int:
    """Return what the tests say while the defence is not there."""
    before = {name: (folder / name).read_text(encoding="utf-8") for name, _, _ in defence.edits}
    try:
        for name, old, new in defence.edits:
            text = (folder / name).read_text(encoding="utf-8")
            (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
        return run(folder, defence.test_file, defence.chosen)
    finally:
        for name, text in before.items():
            (folder / name).write_text(text, encoding="utf-8")


def verdict(folder: Path, defence: Defence) -> str:
    """Return what is wrong with a defence, "" where it is seen."""
    if without(folder, defence) != 1:
        return "NO TEST SEES IT"
    return "" if run(folder, defence.test_file, defence.chosen) == 0 else "its tests fail as it is"


def main(words: Iterable[str]) -> int:
    """Look at the defences whose names have one of these words, or at all."""
    asked = [one for one in DEFENCES if not words or any(word in one.name for word in words)]
    wrong = 0
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        for name in COPIED:
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in FILES:
            shutil.copy(ROOT / name, folder / name)
        for one in asked:
            started = time.monotonic()
            found = verdict(folder, one)
            wrong += bool(found)
            say(f"{one.name}: {found or 'seen'} ({time.monotonic() - started:.0f} s)")
    say(f"{len(asked) - wrong} of {len(asked)} are seen")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
