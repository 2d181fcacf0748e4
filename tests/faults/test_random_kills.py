"""Gateways and deliverers killed at random moments under load, on both databases (threats F01 to F05, F21).

`python -m benchmarks.kills 1000` does the same for as long as one likes.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fault_world import fault_world
from tests.support.killing import kill_at_random

pytestmark = [pytest.mark.processes, pytest.mark.once, pytest.mark.timeout(900)]

KILLS, SEED, HUBS = 25, 1, 10_000


def test_kills_at_random_lose_double_and_misorder_nothing(database_url: str, tmp_path: Path) -> None:
    with fault_world(database_url, tmp_path, hub_count=HUBS) as world:
        assert kill_at_random(world, KILLS, SEED, HUBS) > KILLS
