"""Rows of docs/requirements.md that hold in part: the page says what is missing, and hears of it when it is there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from tests.support.traceability import rows

MARK = "(In part: "


def csps_are_told_a_joint_plan(_folder: Path) -> bool:
    return "PlannedDeployment" in csp.DIRECTIONS


def what_moves_outside_its_plan_is_told(_folder: Path) -> bool:
    return "PlanDeviation" in csp.DIRECTIONS and "PlanDeviation" in esi.DIRECTIONS


MISSING: dict[str, Callable[[Path], bool]] = {
    "BR-3.3": csps_are_told_a_joint_plan,
    "PIA-A11": what_moves_outside_its_plan_is_told,
}


def test_the_page_says_of_exactly_these_rows_that_they_hold_in_part() -> None:
    assert {row.id for row in rows() if MARK in row.text} == MISSING.keys()


@pytest.mark.parametrize("row", MISSING)
def test_what_is_missing_is_missing_still(row: str, tmp_path: Path) -> None:
    """Where this fails, the promise is kept: take the words "In part" from the row, and its line from here."""
    assert not MISSING[row](tmp_path), f"{row} holds now; the page has to say so"
