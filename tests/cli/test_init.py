"""`init` and `migrate`: a place to start from."""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
import stat
import tomllib
from pathlib import Path

import pytest

from duis_gateway.config.sample import render_sample
from duis_gateway.config.settings import SECTIONS, load_config, settings_of
from duis_gateway.errors import GatewayError
from duis_gateway.pki.signing import load_signing_key
from duis_gateway.store.engine import Store
from tests.support.cli import GATEWAY, Installation, done, refused
from tests.support.databases import postgresql_database
from tests.support.ports import free_port


def test_init_makes_what_a_gateway_needs_and_says_what_next(tmp_path: Path) -> None:
    said = done("init", tmp_path / "g")
    config = load_config(tmp_path / "g" / "gateway.toml", {})
    _, certificate = load_signing_key(config.signing.key, config.signing.certificate)
    assert (certificate.eui, certificate.role) == (GATEWAY, "89")
    assert f"duis-gateway serve --config {tmp_path / 'g' / 'gateway.toml'}" in said


@pytest.mark.parametrize("name", ["g", "a folder's & more"])
def test_the_commands_that_init_names_work_as_they_stand(tmp_path: Path, name: str) -> None:
    """In a shell, whatever the folder is called."""
    said = done("init", tmp_path / name).replace("\\\n", "")
    commands = [shlex.split(line)[1:] for line in said.splitlines() if line.startswith("  duis-gateway ")]
    assert [words[0] for words in commands] == ["certificate", "party", "inventory", "serve"]
    for words in commands[:2]:
        done(*words)


def test_the_keys_are_for_the_owner_alone(installation: Installation) -> None:
    keys = list(installation.pki.glob("*.key"))
    assert keys
    assert all(stat.S_IMODE(key.stat().st_mode) == 0o600 for key in keys)


def test_nothing_that_init_makes_may_be_changed_by_everybody(tmp_path: Path) -> None:
    """It refused its own configuration under a umask of 0, and anybody could have added an authority."""
    before = os.umask(0)
    try:
        done("init", tmp_path / "g")
        done("party", "list", "--config", tmp_path / "g" / "gateway.toml")
    finally:
        os.umask(before)
    made = [tmp_path / "g", *(tmp_path / "g").rglob("*")]
    assert [path for path in made if path.stat().st_mode & stat.S_IWOTH] == []


@pytest.mark.parametrize("mask", [0o777, 0o277])
def test_what_init_makes_is_its_owners_to_use_under_any_umask(tmp_path: Path, mask: int) -> None:
    """The owner could neither use nor take away the folder that it left, where it is not root."""
    before = os.umask(mask)
    try:
        done("init", tmp_path / "g")
        done("party", "list", "--config", tmp_path / "g" / "gateway.toml")
    finally:
        os.umask(before)
    for path in (tmp_path / "g", *(tmp_path / "g").rglob("*")):
        needed = 0o700 if path.is_dir() else 0o600
        assert path.stat().st_mode & needed == needed, path
        assert path.stat().st_mode & 0o077 == 0, path


def test_init_overwrites_nothing(installation: Installation) -> None:
    before = {path: path.read_bytes() for path in installation.folder.rglob("*") if path.is_file()}
    assert "already exists, and is not overwritten" in refused(2, "init", installation.folder)
    assert before == {path: path.read_bytes() for path in installation.folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("there", [False, True], ids=["new folder", "existing folder"])
def test_init_makes_all_or_nothing(tmp_path: Path, there: bool) -> None:
    """With the database away nothing is half made, so that the same command works once it is back."""
    folder = tmp_path / "g"
    if there:
        folder.mkdir()
    said = refused(2, "init", folder, "--store", f"postgresql://duis@127.0.0.1:{free_port()}/duis")
    assert "Connection refused" in said
    assert folder.exists() is there
    assert not there or not list(folder.iterdir())
    done("init", folder)


@pytest.mark.parametrize("by", ["option", "environment"])
def test_init_writes_the_database_that_it_uses(
    by: str, empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes after needs neither the option nor the environment."""
    url = empty_database_url.replace(":@", "@")
    if by == "option":
        said = done("init", tmp_path / "g", "--store", url)
    else:
        monkeypatch.setenv("DUIS_GATEWAY_STORE_URL", url)
        said = done("init", tmp_path / "g")
        monkeypatch.delenv("DUIS_GATEWAY_STORE_URL")
    config = tmp_path / "g" / "gateway.toml"
    assert load_config(config, {}).store.url == url
    assert not (tmp_path / "g" / "gateway.db").exists()
    shown = said.partition("the tables in ")[2].split()[0]
    assert shown.partition("?")[0] == url.replace("+psycopg", "").partition("?")[0]
    assert done("party", "list", "--format", "json", "--config", config) == "[]\n"


@pytest.mark.postgresql
def test_init_takes_no_database_of_another_gateway(tmp_path: Path) -> None:
    """The two would share their parties and their outbox; tables without a party are said to have been there."""
    with postgresql_database(migrated=False) as own:
        url = own.replace(":@", "@")
        assert "were already there" not in done("init", tmp_path / "one", "--store", url)
        again = done("init", tmp_path / "two", "--store", url)
        (made,) = re.findall(r"^Made .*$", again, re.MULTILINE)
        assert made.endswith("were already there.")
        config = ("--config", tmp_path / "one" / "gateway.toml")
        done("party", "add", 1, "--kind", "dcc", "--url", "http://127.0.0.1:9/", *config)
        said = refused(2, "init", tmp_path / "three", "--store", url)
        assert "is another gateway's database, with parties registered in it (1); name an empty database" in said
        assert not (tmp_path / "three").exists()


def test_init_makes_nothing_for_a_url_that_is_none(tmp_path: Path) -> None:
    assert "sqlite:///FILE or postgresql://" in refused(2, "init", tmp_path / "g", "--store", "mysql://x/y")
    assert not (tmp_path / "g").exists()


def test_init_reads_postgresqls_password_from_the_file_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def away(url: str) -> Store:
        opened.append(url)
        raise GatewayError("the database is away")

    monkeypatch.setattr("duis_gateway.cli.init.Store.open", away)
    (tmp_path / "password").write_text("p@ss\n", encoding="utf-8")
    words = ("init", tmp_path / "g", "--store")
    assert "the variable DUIS_GATEWAY_STORE_PASSWORD_FILE" in refused(2, *words, "postgresql://me:p@127.0.0.1/duis")
    monkeypatch.setenv("DUIS_GATEWAY_STORE_PASSWORD_FILE", "password")
    assert refused(2, *words, "postgresql://me@127.0.0.1/duis").endswith(
        "counts from the new folder: give a whole path"
    )
    monkeypatch.setenv("DUIS_GATEWAY_STORE_PASSWORD_FILE", str(tmp_path / "password"))
    assert refused(1, *words, "postgresql://me@127.0.0.1/duis") == "the database is away"
    assert refused(1, *words, "sqlite:///gateway.db") == "the database is away"
    assert opened == ["postgresql://me:p%40ss@127.0.0.1/duis", f"sqlite:///{tmp_path}/g/gateway.db"]


def test_the_variable_of_postgresqls_password_is_nothing_to_an_sqlite_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "password").write_text("p@ss\n", encoding="utf-8")
    monkeypatch.setenv("DUIS_GATEWAY_STORE_PASSWORD_FILE", str(tmp_path / "password"))
    done("init", tmp_path / "g")
    assert done("party", "list", "--format", "json", "--config", tmp_path / "g" / "gateway.toml") == "[]\n"


@pytest.mark.parametrize("command", [("init",), ("conformance", "init")])
def test_a_folder_whose_links_go_round_is_named(tmp_path: Path, command: tuple[str, ...]) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert f"{loop} cannot be used: Too many levels of symbolic links" in refused(2, *command, loop)


def test_init_takes_another_eui(tmp_path: Path) -> None:
    done("init", tmp_path / "g", "--eui", 0x90B3D51F30000099)
    assert load_config(tmp_path / "g" / "gateway.toml", {}).signing.eui == 0x90B3D51F30000099


def test_the_configuration_explains_every_key_with_its_default(installation: Installation) -> None:
    """With every `# key = value` line switched on, the file says what the defaults say."""
    text = (installation.folder / "gateway.toml").read_text(encoding="utf-8")
    explained = tomllib.loads(re.sub(r"(?m)^# (\w+ = .*)$", r"\1", text))
    assert {s: set(keys) for s, keys in explained.items()} == {s: set(settings_of(s)) for s in SECTIONS}
    everything = "\n".join(
        line for line in re.sub(r"(?m)^# (\w+ = .*)$", r"\1", text).splitlines() if '"..."' not in line
    )
    (installation.folder / "all.toml").write_text(everything, encoding="utf-8")
    given = load_config(installation.folder / "all.toml", {})
    default = load_config(installation.folder / "gateway.toml", {})
    assert [getattr(given, section) for section in SECTIONS] == [getattr(default, section) for section in SECTIONS]


def test_a_value_with_quotes_comes_back_as_it_was(tmp_path: Path) -> None:
    text = render_sample({("server", "host"): 'a "b" \\c'})
    assert tomllib.loads(text)["server"]["host"] == 'a "b" \\c'


def test_migrate_makes_the_tables_and_can_be_repeated(installation: Installation) -> None:
    (installation.folder / "gateway.db").unlink()
    assert "there is no database" in refused(2, "party", "list", *installation.config)
    done("migrate", *installation.config)
    done("migrate", "--rolling", *installation.config)
    assert done("party", "list", "--format", "json", *installation.config) == "[]\n"


def test_a_database_of_a_newer_gateway_is_refused(installation: Installation) -> None:
    """F06: it is not touched."""
    with sqlite3.connect(installation.folder / "gateway.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999', usable_by = '9999'")
    database.close()
    assert "newer version" in refused(2, "party", "list", *installation.config)
    assert "newer version" in refused(2, "migrate", *installation.config)


def test_a_database_of_a_newer_gateway_that_names_this_one_is_used(installation: Installation) -> None:
    """F22: an older gateway may be started again until all are of the newer version; its `migrate` changes nothing."""
    with sqlite3.connect(installation.folder / "gateway.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999', usable_by = '9999 ' || usable_by")
    database.close()
    assert done("party", "list", "--format", "json", *installation.config) == "[]\n"
    for rolling in ((), ("--rolling",)):
        assert "is of a newer version of the gateway, with which this one works, too." in done(
            "migrate", *rolling, *installation.config
        )
