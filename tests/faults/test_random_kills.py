"""Gateways and deliverers killed at random moments under load, on both databases (threats F01 to F05, F11, F15, F21).

Meanwhile processes are stopped beyond their leases, PostgreSQL crashes, and receivers hang, cut off, or answer 1xx,
garbage, 500 and 429. `python -m benchmarks.kills 1000` does the same for as long as one likes.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.killing import kill_at_random, killable

pytestmark = [pytest.mark.processes, pytest.mark.once, pytest.mark.timeout(900)]

KILLS = int(os.environ.get("DUIS_GATEWAY_TEST_KILLS", "10"))
SEED, HUBS = 1, 15_000


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_kills_at_random_lose_double_and_misorder_nothing(kind: str, tmp_path: Path) -> None:
    with killable(kind, tmp_path, HUBS) as (world, restart):
        withstood = kill_at_random(world, KILLS, SEED, HUBS, restart)
    assert withstood.kills == KILLS < withstood.acknowledged
