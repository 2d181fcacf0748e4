"""docs/threat-model.md: every threat and fault is there, and each has a test that names it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
THREATS = [f"T{number:02}" for number in range(1, 74)]
FAULTS = [f"F{number:02}" for number in range(1, 32)]
WITHOUT_A_TEST = {
    "T58": "there is nothing to test: no upload, no archive",
}
# A range counts for all in it. `2026-03-01T12:00` names no threat.
_RANGE = re.compile(r"\b([TF])(\d{2}) to \1?(\d{2})\b")
_ONE = re.compile(r"(?<![\w:-])([TF]\d{2})\b(?!:\d)")
_NAME = re.compile(r"\bdef test_([tf]\d{2})_")


def ids_in(text: str) -> set[str]:
    """The ids that a text names, in words or in the names of tests."""
    found = set(_ONE.findall(text)) | {name.upper() for name in _NAME.findall(text)}
    for kind, first, last in _RANGE.findall(text):
        found |= {f"{kind}{number:02}" for number in range(int(first), int(last) + 1)}
    return found


@cache
def ids_with_a_test() -> frozenset[str]:
    """The ids that the modules with tests name, and the table of what goes over the wire."""
    files = [path for path in (ROOT / "tests").rglob("test_*.py") if path.parent.name != "docs"]
    files += (ROOT / "tests" / "wire").glob("*_cases.py")
    return frozenset(one for path in files for one in ids_in(path.read_text(encoding="utf-8")))


@pytest.mark.requirement("PIA-S3")
@pytest.mark.parametrize("one", [*THREATS, *FAULTS])
def test_each_id_is_explained_and_tested(one: str) -> None:
    rows = "\n".join(re.findall(r"^\| ([TF]\d{2}(?: to [TF]\d{2})?) \|", PAGE, re.MULTILINE))
    assert one in ids_in(rows), f"{one} has no row"
    assert one in ids_with_a_test() or one in WITHOUT_A_TEST, f"no test names {one}"


def test_what_has_a_test_is_not_excused() -> None:
    assert not WITHOUT_A_TEST.keys() & ids_with_a_test()
