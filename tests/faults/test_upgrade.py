"""A rolling upgrade (threat F22): one gateway after another, under load, on tables that have changed already."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from duis_gateway.store import migrate
from tests.support.databases import fresh_database
from tests.support.fault_world import FaultWorld, fault_world, run_command
from tests.support.ledger import compare
from tests.support.load import under_load
from tests.support.processes import ROOT, GatewayProcess
from tests.support.versions import next_version, oldest_gateway, version_of

pytestmark = [pytest.mark.processes, pytest.mark.once]

KINDS = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql))
HUBS = 10_000
THE_RULE = "0027_usable_by"
"""The first version that can be started on tables of a later one."""


@pytest.mark.parametrize("kind", KINDS)
def test_this_version_runs_on_while_a_later_one_takes_its_place(kind: str, tmp_path: Path) -> None:
    """The next version is this one with a migration more, which adds to all that messages write, and fills it."""
    new = next_version(tmp_path / "next")
    with fresh_database(kind, tmp_path) as url, fault_world(url, tmp_path, HUBS) as world:
        upgrade(world, new, starts_anew=True)


@pytest.mark.may_skip_in_ci("a clone may be without the history")
@pytest.mark.parametrize("kind", KINDS)
def test_the_version_before_runs_on_while_this_one_takes_its_place(kind: str, tmp_path: Path) -> None:
    """The newest migration says which version that is; its code is the repository's."""
    revision = oldest_gateway()
    if revision == migrate.newest_revision():
        return  # it says that all have to stop; `migrate --rolling` refuses it (tests/store/test_migrations.py)
    before = version_of(revision, tmp_path / "before")
    if before is None:
        pytest.skip("the code of earlier versions is in the whole history of the repository alone")
    with (
        fresh_database(kind, tmp_path, migrated=False) as url,
        fault_world(url, tmp_path, HUBS, before) as world,
    ):
        upgrade(world, ROOT, starts_anew=revision >= THE_RULE)


def upgrade(world: FaultWorld, new: Path, *, starts_anew: bool) -> None:
    """Two old gateways under load: the tables change, one is killed and started anew, and new ones replace both."""
    with ExitStack() as processes:
        gateways = [starting(world, processes), starting(world, processes)]
        with under_load(world, [partial(where, gateways, number) for number in range(2)], 1, HUBS) as load:
            load.go_on(10)
            assert "is up to date" in run_command(new, world.config, "migrate", "--rolling")
            load.go_on(10)
            if starts_anew:
                gateways[0].kill()
                gateways[0] = starting(world, processes)
                assert "newer version of the gateway, with which this one works" in world.run("migrate")
                load.go_on(10)
            world.code = new
            for number in range(2):
                leaving, coming = gateways[number], starting(world, processes)
                assert coming.url
                gateways[number] = coming
                assert leaving.terminate() == 0
                load.go_on(10)
        world.wait_until_delivered()
        assert [one.terminate() for one in gateways] == [0, 0]
        compare(world.ledger, world.store, world.receivers, most_sends=2)


def starting(world: FaultWorld, processes: ExitStack) -> GatewayProcess:
    """A gateway of the world's version."""
    return processes.enter_context(world.serve(delivery_lease=5, delivery_total_timeout=2))


def where(gateways: list[GatewayProcess], number: int) -> str:
    """Where the gateway with this number is now."""
    return gateways[number].url
