"""The table of defences fits the code: what it would take away stands there, and the tests that it names are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.defences.table import DEFENCES, Defence

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("defence", DEFENCES, ids=lambda one: one.name)
def test_it_can_be_taken_away(defence: Defence) -> None:
    assert (ROOT / defence.test_file).exists()
    for name, old, new in defence.edits:
        assert (ROOT / name).read_text(encoding="utf-8").count(old) == 1, old
        assert new != old


def test_no_two_have_one_name() -> None:
    assert len({one.name for one in DEFENCES}) == len(DEFENCES)
