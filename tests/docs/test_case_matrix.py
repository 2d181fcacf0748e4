"""The case matrix of docs/testing.md: every interaction in every case, and the tests that it names are there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from duis_gateway.flow.interactions import INTERACTIONS

ROOT = Path(__file__).resolve().parents[2]
JOURNEYS = ROOT / "tests" / "journeys"
CASES = ("acknowledged", "partly accepted", "refused", "repeated", "recipients away")


def lines() -> list[list[str]]:
    """The cells of the matrix, the line with its heading first."""
    section = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8").partition("## The case matrix")[2]
    table = [line for line in section.partition("\n## ")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table if not line.startswith("|---")]


@cache
def defined_in(file: str) -> frozenset[str]:
    tree = ast.parse((JOURNEYS / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_interaction_has_every_case() -> None:
    heading, *rows = lines()
    assert tuple(heading[2:]) == CASES
    assert [row[0] for row in rows] == [interaction.id for interaction in INTERACTIONS]
    assert {len(row) for row in rows} == {len(heading)}


@pytest.mark.parametrize("row", lines()[1:], ids=lambda row: row[0])
def test_each_case_names_tests_that_are_there_or_says_why_it_cannot_be(row: list[str]) -> None:
    [own] = re.findall(r"`(test_\w+\.py)`", row[1])
    for case, cell in zip(CASES, row[2:], strict=True):
        named = re.findall(r"`(?:(test_\w+\.py)::)?(test_\w+)`", cell)
        assert named or re.match(r"none: \w+ \w+", cell), f"{row[0]}, {case}: neither tests nor a reason"
        assert [name for file, name in named if name not in defined_in(file or own)] == [], f"{row[0]}, {case}"
