"""One installation with 300,000 hubs, loaded by the command line, for all tests of scale."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.databases import KINDS, fresh_database
from tests.support.fault_world import FaultWorld, fault_world
from tests.support.million import HUBS, load


@pytest.fixture(scope="module", params=KINDS[:1])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultWorld]:
    """An installation whose inventory holds 300,000 hubs."""
    folder = tmp_path_factory.mktemp("estate")
    with fresh_database(request.param, folder) as url, fault_world(url, folder, hub_count=0) as world:
        load(world, HUBS)
        yield world
