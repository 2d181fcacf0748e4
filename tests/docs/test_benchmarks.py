"""Every benchmark runs, as small as it can be: so that none can rot between two measurements. No figure is judged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from benchmarks.estate import build
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.store.tables import hub
from tests.support.databases import KINDS, fresh_database, opened
from tests.support.fault_world import fault_world
from tests.support.million import load

pytestmark = [pytest.mark.processes, pytest.mark.once]

ROOT = Path(__file__).resolve().parents[2]
SMALLEST: dict[str, tuple[str, ...]] = {
    "audit": ("--messages", "100"),
    "bench": ("--least",),
    "delivery": ("50", "2"),
    "estate": ("2000", "500"),
    "failover": ("--least",),
    "groups": ("200", "20", "sqlite"),
    "growth": ("1",),
    "past": ("1000", "50"),
    "kills": ("1",),
    "longlists": ("1000",),
    "plans": ("100", "500", "50"),
    "pruning": ("--messages", "500"),
    "refusals": ("2",),
    "shut_out": ("1", "50"),
    "steps": ("50",),
    "throughput": ("0.1", "1"),
    "verification": ("1",),
    "waiting": ("200", "1"),
    "walks": (),
    "wire": ("1",),
}


def test_every_benchmark_is_run_here() -> None:
    found = {path.stem for path in (ROOT / "benchmarks").glob("*.py")} - {
        "__init__",
        "arguments",
        "floor",
    }  # `bench` runs the floor
    assert found == SMALLEST.keys()


@pytest.mark.parametrize("name", SMALLEST)
def test_it_runs_and_prints_its_figures(name: str, tmp_path: Path) -> None:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("DUIS_GATEWAY_")}
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *SMALLEST[name]],
        cwd=tmp_path,
        env=clean | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert any(character.isdigit() for character in done.stdout)


TOO_FEW = {
    "audit": ("--messages", "0"),
    "estate": ("9",),
    "kills": ("0",),
    "longlists": ("9",),
    "past": ("1", "0"),
    "plans": ("1", "9"),
    "pruning": ("--messages", "0"),
    "shut_out": ("0",),
    "steps": ("5",),
    "throughput": ("nan",),
    "waiting": ("many",),
} | dict.fromkeys(("delivery", "groups", "growth", "refusals", "verification", "wire"), ("0",))


@pytest.mark.parametrize("name", TOO_FEW)
def test_numbers_that_are_too_small_are_refused_in_words(name: str) -> None:
    """`steps 5` was a division by zero after the inventory had been loaded, and `kills 0` said that all was well."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *TOO_FEW[name]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "is too small: at least" in done.stderr or "is not a number" in done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_an_inventory_that_is_built_quickly_is_the_one_of_the_file(kind: str, tmp_path: Path) -> None:
    with fresh_database(kind, tmp_path) as url, fault_world(url, tmp_path, hub_count=0) as world:
        load(world, 300)
        with world.store.read() as conn:
            loaded = hubs.get_many(conn, conn.execute(select(hub.c.device_id)).scalars())
    with fresh_database(kind, tmp_path) as url, opened(url) as store:
        build(store, 300)
        with store.read() as conn:
            built = hubs.get_many(conn, conn.execute(select(hub.c.device_id)).scalars())
    assert built == loaded
