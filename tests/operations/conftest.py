"""One gateway with something to see on each kind of database, for all tests of its console."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.console_scene import Shown, console
from tests.support.databases import KINDS


@pytest.fixture(scope="session")
def console_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """A gateway on SQLite."""
    with console("sqlite", tmp_path_factory.mktemp("console")) as made:
        yield made


@pytest.fixture(scope="session")
def console_on_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """The same on PostgreSQL."""
    with console("postgresql", tmp_path_factory.mktemp("console")) as made:
        yield made


@pytest.fixture(scope="module", params=KINDS)
def shown(request: pytest.FixtureRequest) -> Shown:
    """Each of the two in turn."""
    made: Shown = request.getfixturevalue(f"console_on_{request.param}")
    return made
