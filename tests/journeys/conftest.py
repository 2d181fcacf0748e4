"""One running installation on each kind of database for the tests that need nothing special of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.installation import Installation, running
from tests.support.mail_play import Mailed, MailedPlay, mailed
from tests.support.mail_relay import MailRelay
from tests.support.play import Play, playing


@pytest.fixture(scope="session")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A gateway and all its parties; tests take a lot of hubs each, and leave every party listening."""
    with running("sqlite", tmp_path_factory.mktemp("on-sqlite")) as made:
        yield made


@pytest.fixture(scope="session")
def on_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The same on PostgreSQL."""
    with running("postgresql", tmp_path_factory.mktemp("on-postgresql")) as made:
        yield made


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Play on SQLite, and where much depends on the database on PostgreSQL too: modules that say `DATABASES = KINDS`.

    Every interaction is played on both by `test_every_interaction.py`.
    """
    if "installation" in metafunc.fixturenames:
        kinds = getattr(metafunc.module, "DATABASES", ("sqlite",))
        metafunc.parametrize("installation", kinds, indirect=True, scope="session")


@pytest.fixture(scope="session")
def installation(request: pytest.FixtureRequest) -> Installation:
    """The installation on the database that the test is played on."""
    made: Installation = request.getfixturevalue(f"on_{request.param}")
    return made


@pytest.fixture
def play(installation: Installation, request: pytest.FixtureRequest) -> Iterator[Play]:
    """The parties, with hubs that no other test has touched.

    In modules that say `CHECKED_FIRST = True`, each 11.5 and 11.6 is checked before it is sent.
    """
    with playing(installation) as play:
        play.checks_first = getattr(request.module, "CHECKED_FIRST", False)
        yield play


@pytest.fixture(scope="session")
def mailed_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailed]:
    """A gateway that sends emails; a relay listens while a test has one."""
    with MailRelay() as relay:
        port = relay.port
    with mailed(tmp_path_factory.mktemp("mailed"), port) as made:
        yield made


@pytest.fixture
def mail(mailed_gateway: Mailed) -> Iterator[MailedPlay]:
    """The parties with hubs that no other test has touched, and a relay that takes their emails."""
    with MailRelay(mailed_gateway.port) as relay:
        yield MailedPlay(mailed_gateway.installation, relay)
    mailed_gateway.installation.end_releases()
