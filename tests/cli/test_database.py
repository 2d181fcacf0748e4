"""A database that cannot be used: one line with the driver's reason and the database, and never the password."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy.engine import make_url

from tests.support.cli import Installation, done, refused
from tests.support.databases import administrate, postgresql_server
from tests.support.ports import free_port


@pytest.fixture
def closed_port() -> int:
    """A port on which nobody listens."""
    return free_port()


@pytest.mark.postgresql
@pytest.mark.parametrize("command", [("migrate",), ("party", "list"), ("audit", "verify")], ids=" ".join)
def test_the_reason_and_the_place_are_said_and_the_password_is_not(
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    closed_port: int,
    command: tuple[str, ...],
) -> None:
    server = postgresql_server()
    secret = tmp_path / "password"
    secret.write_text("hush-hush", encoding="utf-8")
    monkeypatch.setenv("DUIS_GATEWAY_STORE_PASSWORD_FILE", str(secret))
    wrong = {
        ('role "nosuchrole" does not exist', "CREATE ROLE"): server.set(username="nosuchrole"),
        ('database "nosuchdatabase" does not exist', "CREATE DATABASE"): server.set(database="nosuchdatabase"),
        ("Connection refused", "is PostgreSQL running there"): make_url(
            f"postgresql://duis@127.0.0.1:{closed_port}/duis"
        ),
    }
    for (reason, remedy), url in wrong.items():
        shown = url.set(drivername="postgresql").render_as_string(hide_password=False).replace(":@", "@")
        monkeypatch.setenv("DUIS_GATEWAY_STORE_URL", shown)
        said = refused(2, *command, *installation.config)
        assert said.startswith("the gateway's database cannot be used: postgresql://"), said
        assert reason in said
        assert remedy in said
        assert "Is the server running" not in said, "the remedy asks it"
        assert f"/{url.database}" in said
        assert "hush" not in said


@pytest.mark.postgresql
def test_serve_refuses_a_database_that_cannot_hold_every_letter(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, name = postgresql_server(), f"duis_test_{uuid4().hex}"
    administrate(server, f"CREATE DATABASE {name} ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    try:
        url = server.set(database=name, drivername="postgresql").render_as_string(hide_password=False)
        monkeypatch.setenv("DUIS_GATEWAY_STORE_URL", url.replace(":@", "@"))
        said = refused(2, "serve", *installation.config)
        assert "server_encoding is LATIN1, but the gateway needs UTF8" in said
        assert len(said.splitlines()) == 1
    finally:
        administrate(server, f"DROP DATABASE {name}")


@pytest.mark.postgresql
def test_an_option_that_there_is_not_is_called_a_mistake_of_the_url(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUIS_GATEWAY_STORE_URL", "postgresql://duis@127.0.0.1/duis?sslmod=require")
    for command in ("migrate", "serve"):
        assert '[store] url: invalid connection option "sslmod"' in refused(2, command, *installation.config)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://duis@127.0.0.1:abc/duis", "no port from 1 to 65535"),
        ("postgresql://duis@127.0.0.1:99999/duis", "no port from 1 to 65535"),
        ("postgresql://duis@127.0.0.1:1,127.0.0.1:2/duis", "?host=ONE:5432&host=OTHER:5432"),
        ("postgresql://duis@127.0.0.1:5433/%00", "a NUL character (%00)"),
        ("postgresql://duis@127.0.0.1/duis?sslmode=requir", "sslmode=requir, which is not one of disable, allow"),
    ],
)
@pytest.mark.parametrize("command", ["migrate", "serve"])
def test_what_no_connection_can_be_made_with_is_a_mistake_of_the_url(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, url: str, said: str, command: str
) -> None:
    monkeypatch.setenv("DUIS_GATEWAY_STORE_URL", url)
    assert said in refused(2, command, *installation.config)


def test_a_folder_of_the_database_that_cannot_be_used_is_named(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DUIS_GATEWAY_STORE_URL", f"sqlite:///{tmp_path}/nowhere/gateway.db")
    said = refused(2, "party", "list", *installation.config)
    assert said.startswith("the database's directory cannot be used: ")
    assert said.endswith("/nowhere: No such file or directory; make it, or is [store] url right?")


@pytest.mark.parametrize("command", ["migrate", "party list"])
def test_a_path_that_is_too_long_for_sqlite_is_said_to_be(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    folder = tmp_path / ("d" * 200) / ("e" * 200)
    folder.mkdir(parents=True)
    length = 505
    monkeypatch.setenv("DUIS_GATEWAY_STORE_URL", f"sqlite:///{folder}/{'f' * (length - len(str(folder)) - 1)}")
    said = refused(2, *command.split(), *installation.config)
    assert said == "the path of the database has 505 bytes, and SQLite takes 504 at most: give it a shorter one"
    monkeypatch.setenv("DUIS_GATEWAY_STORE_URL", f"sqlite:///{folder}/{'f' * (length - len(str(folder)) - 2)}")
    assert "is up to date" in done("migrate", *installation.config)
