"""Every fault test that uses `world` runs on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fault_world import FaultWorld, fault_world


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[FaultWorld]:
    """A small installation on a fresh database."""
    with fault_world(database_url, tmp_path) as world:
        yield world
