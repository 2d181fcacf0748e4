"""The pages can be read side by side with a change of them: no line of prose is longer than 120 characters."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 120
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def prose(path: Path) -> list[str]:
    """The page's lines without its tables and blocks of code."""
    lines, fenced = [], False
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced and not line.startswith(("|", "    ")):
            lines.append(line)
    return lines


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_prose_is_wrapped(path: Path) -> None:
    assert [line for line in prose(path) if len(line) > LONGEST] == []
