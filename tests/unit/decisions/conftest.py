"""One steered installation a test, on SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.steering import Steering, steering


@pytest.fixture
def dcc(tmp_path: Path) -> Iterator[Steering]:
    """DCC at the wheel."""
    with steering("sqlite", tmp_path) as made:
        yield made
