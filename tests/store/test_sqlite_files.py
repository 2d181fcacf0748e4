"""The files of a SQLite database: whose they are, who may read them, and that a path is a path."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from duis_gateway.errors import NotDurable
from duis_gateway.store.engine import Store
from tests.support.databases import opened
from tests.support.descriptors import no_more_descriptors
from tests.support.writing import notes, write_note

ROOT = Path(__file__).resolve().parents[2]
SERVICE, GROUP = (65_534, 65_534) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
"""A user and a group that are not root's; only root may give files to another."""


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def test_everything_is_for_its_owner_alone_from_the_beginning(tmp_path: Path) -> None:
    """Under the widest umask, and with a write-ahead log that is there."""
    before = os.umask(0)
    try:
        store = Store.open(f"sqlite:///{tmp_path}/gateway.db")
        assert modes(tmp_path) == {}, "nothing is made before there is a database"
        store.migrate()
        with store.write() as connection:
            connection.exec_driver_sql("CREATE TABLE more (x)")
        names = ("gateway.db", "gateway.db-wal", "gateway.db-shm", "gateway.db.lock", "gateway.db.lock-turn")
        assert modes(tmp_path) == dict.fromkeys(names, 0o600)
        store.close()
    finally:
        os.umask(before)


@pytest.mark.parametrize("mode", [0o600, 0o660])
def test_locks_take_after_the_database(tmp_path: Path, mode: int) -> None:
    """A group that shares the database shares its locks."""
    store = Store.open(f"sqlite:///{tmp_path}/gateway.db")
    store.migrate()
    store.close()
    (tmp_path / "gateway.db").chmod(mode)
    for lock in tmp_path.glob("*.lock*"):
        lock.unlink()
    Store.open(f"sqlite:///{tmp_path}/gateway.db").close()
    assert {modes(tmp_path)[f"gateway.db.{name}"] for name in ("lock", "lock-turn")} == {mode}


def test_too_many_open_files_are_no_matter_of_rights(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/gateway.db")
    store.migrate()
    store.close()
    store = Store.open(f"sqlite:///{tmp_path}/gateway.db")
    with no_more_descriptors(), pytest.raises(NotDurable) as refusal, store.read():
        pass
    assert "unable to open database file (this process has as many files open as it may" in refusal.value.reason
    with store.read():
        pass
    store.close()


@pytest.mark.parametrize("replaced", [False, True], ids=["removed", "replaced"])
def test_a_file_that_is_not_that_of_the_start_takes_nothing_in(tmp_path: Path, replaced: bool) -> None:
    """What is written to a file without a name, or beside a restored one, would be lost; put back, it is used again."""
    file, aside = tmp_path / "gateway.db", tmp_path / "aside.db"
    store = Store.open(f"sqlite:///{file}")
    store.migrate()
    store.probe()
    file.rename(aside)
    if replaced:
        shutil.copy(aside, file)
    for use in (store.probe, lambda: store.read().__enter__(), lambda: store.write().__enter__()):
        with pytest.raises(NotDurable, match=r"gateway\.db is .*put it back, or restart"):
            use()
    aside.rename(file)
    store.probe()
    store.close()


@pytest.mark.parametrize("ending", ["wal", "shm"])
def test_a_log_that_is_removed_while_it_is_used_is_noticed_and_nothing_of_it_is_lost(
    tmp_path: Path, ending: str
) -> None:
    """SQLite would go on writing into the file without a name, and others beside it into a new one."""
    url = f"sqlite:///{tmp_path}/gateway.db"
    store = Store.open(url)
    store.migrate()
    store.probe()
    write_note(store, "accepted")
    (tmp_path / f"gateway.db-{ending}").unlink()
    for use in (store.probe, lambda: store.read().__enter__(), lambda: store.write().__enter__()):
        with pytest.raises(NotDurable, match=rf"gateway\.db-{ending} was removed.*stop the gateway.*start it again"):
            use()
    store.close()
    with opened(url) as again:
        again.probe()
        assert notes(again) == ["accepted"]


def test_a_log_that_went_with_the_last_connection_is_nobodys_fault(tmp_path: Path) -> None:
    with opened(f"sqlite:///{tmp_path}/gateway.db") as store:
        store.migrate()
        store.probe()
        for engine in store.engines:
            engine.dispose()
        store.probe()
        write_note(store, "next")
        store.probe()


@pytest.mark.parametrize("left_by_root", [False, True], ids=["made now", "left by root before"])
def test_what_root_did_does_not_lock_the_service_out(tmp_path: Path, left_by_root: bool) -> None:
    file = tmp_path / "gateway.db"
    store = Store.open(f"sqlite:///{file}")
    store.migrate()
    store.close()
    for path in tmp_path.iterdir():
        if path.name.startswith("gateway.db.lock") and not left_by_root:
            path.unlink()
        elif path == file:
            os.chown(path, SERVICE, GROUP)
    Store.open(f"sqlite:///{file}").close()
    assert {(path.stat().st_uid, path.stat().st_gid) for path in tmp_path.iterdir()} == {(SERVICE, GROUP)}


@pytest.mark.parametrize(
    ("one", "other"), [("q?1", "q?2"), ("50%25", "50%"), ("a#b", "a#c"), ("a b", "a+b"), ("ä", "a")]
)
def test_a_path_is_a_path(tmp_path: Path, one: str, other: str) -> None:
    """Two installations never share a database."""
    for name in (one, other):
        store = Store.open(f"sqlite:///{tmp_path}/{name}.db")
        store.migrate()
        assert store.shown_url == f"sqlite:///{tmp_path}/{name}.db"
        with store.write() as connection:
            connection.exec_driver_sql("CREATE TABLE mine (x)")  # fails where the other has made it
        store.close()
    assert {path.name for path in tmp_path.glob("*.db")} == {f"{one}.db", f"{other}.db"}


def test_looking_makes_no_files(tmp_path: Path) -> None:
    """A command that finds no database leaves nothing behind, least of all under another user's name."""
    command = [sys.executable, "-m", "duis_gateway", "party", "list", "--config", str(tmp_path / "gateway.toml")]
    text = '[signing]\neui = "90-B3-D5-1F-30-00-00-02"\nkey = "k"\ncertificate = "c"\n'
    (tmp_path / "gateway.toml").write_text(text, encoding="utf-8")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert "there is no database" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["gateway.toml"]
