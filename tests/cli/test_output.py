"""Rows as a table, as CSV and as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from duis_gateway.cli.output import print_rows

ROWS = [("=cmd|' /C calc'!A0", None, True, datetime(2027, 1, 4, 9, tzinfo=UTC)), ("x\x1b[2Jy\nz", 7, False, None)]
NAMES = ("text", "number", "flag", "time")


def printed(capsys: pytest.CaptureFixture[str], form: str) -> str:
    print_rows(NAMES, ROWS, form)
    return capsys.readouterr().out


def test_a_formula_in_csv_is_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    """T59"""
    assert printed(capsys, "csv").splitlines()[1] == "'=cmd|' /C calc'!A0,,yes,2027-01-04T09:00:00Z"


def test_a_table_obeys_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "table").splitlines()
    assert len(lines) == 3
    assert lines[2].split() == ["x\\x1b[2Jy\\nz", "7", "no"]


def test_json_keeps_the_kinds_of_values(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = json.loads(printed(capsys, "json"))
    assert first == {"text": ROWS[0][0], "number": None, "flag": True, "time": "2027-01-04T09:00:00Z"}
    assert second["number"] == 7
