"""The kit's types, as the type checker of somebody who writes an adapter sees them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.requirement("EX-6")


def checked(program: str, folder: Path) -> str:
    """What mypy says of a program that knows the kit only as a package that it uses."""
    (folder / "adapter.py").write_text(program, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "adapter.py"],
        cwd=folder,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return ran.stdout + ran.stderr


def documented() -> str:
    """The adapter that docs/client.md gives as one with types."""
    page = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")
    [program] = re.findall(r"^### With types$.*?^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return str(program)


@pytest.mark.once
def test_the_documented_adapter_passes_a_strict_type_checker(tmp_path: Path) -> None:
    program = documented()
    assert checked(program, tmp_path).startswith("Success")
    mistaken = program.replace("body.firmware_version", "body.version").replace("map(Eui, one.device_ids)", "one.hubs")
    found = checked(mistaken, tmp_path)
    assert 'has no attribute "version"' in found, "it has looked at the kit's classes"
    assert 'has no attribute "hubs"' in found
