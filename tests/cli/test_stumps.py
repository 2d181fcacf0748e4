"""What a command could not finish is gone, on a full disk or by a signal, and the same command works afterwards."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.machine.files import put_whole, write_bytes
from duis_gateway.store.engine import Store
from tests.support.cli import SUPPLIER, Installation, done, refused

ROOT = Path(__file__).resolve().parents[2]
_ABOUT: tuple[object, ...] = ("--release", "R1", "--party", SUPPLIER, "--firmware-version", "9002")
Words = Callable[[Installation, Path], tuple[object, ...]]


@contextmanager
def room_for(octets: int) -> Iterator[None]:
    """No file of this process can become longer than that, as on a disk with no more room."""
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, most[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)


def left_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


# A database needs 400 kB, a key 250 octets, a certificate 700.
@pytest.mark.parametrize(
    ("words", "octets"),
    [
        (("init", "{folder}/in"), 0),
        (("init", "{folder}/in"), 100_000),
        (("conformance", "init", "{folder}/in"), 100_000),
        (("example", "--folder", "{folder}/in"), 0),
        (("example", "--folder", "{folder}/in"), 600),
    ],
    ids=str,
)
def test_a_folder_that_could_not_be_finished_is_not_there(tmp_path: Path, words: tuple[str, ...], octets: int) -> None:
    arguments = [word.format(folder=tmp_path) for word in words]
    with room_for(octets):
        said = refused(2, *arguments)
    assert str(tmp_path / "in") in said
    assert left_in(tmp_path) == []
    done(*arguments)


@pytest.mark.parametrize("command", [("init",), ("conformance", "init")], ids=" ".join)
def test_an_installation_that_lacks_its_last_file_is_not_there(
    tmp_path: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder was there before, and stays with what was in it."""
    (tmp_path / "own").touch()

    def full(path: Path, content: bytes) -> None:
        if path.suffix == ".toml":
            path.write_bytes(content[:10])
            raise OSError(28, "No space left on device", str(path))
        path.write_bytes(content)

    for module in ("init", "conformance_init"):
        monkeypatch.setattr(f"duis_gateway.cli.{module}.write_new", full)
    said = refused(2, *command, tmp_path)
    assert "gateway.toml: No space left on device" in said
    assert left_in(tmp_path) == ["own"]
    monkeypatch.undo()
    done(*command, tmp_path)


@pytest.mark.parametrize("octets", [0, 100, 300])
def test_a_key_that_could_not_be_written_is_not_there(installation: Installation, octets: int) -> None:
    words = ("certificate", "make", SUPPLIER, "--role", "87", "--pki", installation.pki)
    before = left_in(installation.pki)
    with room_for(octets):
        said = refused(2, *words)
    assert f"{SUPPLIER:016X}-87." in said
    assert left_in(installation.pki) == before
    done(*words)


@pytest.mark.parametrize(
    "words",
    [
        lambda _, file: ("inventory", "export", file),
        lambda _, file: ("audit", "export", file),
        lambda given, file: ("pilot", "select", *_ABOUT, "--hubs", given.folder / "eligible.csv", "--request", file),
        lambda given, file: ("pilot", "select", *_ABOUT, "--hubs", given.folder / "eligible.csv", "--list", file),
    ],
    ids=["inventory export", "audit export", "pilot request", "pilot list"],
)
def test_a_file_that_could_not_be_finished_is_not_there(
    installation: Installation, tmp_path: Path, words: Words
) -> None:
    (installation.folder / "eligible.csv").write_text("device_id,import\n00-DB-12-34-56-00-00-01,true\n")
    folder = tmp_path / "exports"
    folder.mkdir()
    file, store = folder / "out", Store.open(f"sqlite:///{installation.folder}/gateway.db")
    arguments = (*words(installation, file), *installation.config)
    with store.read():  # whoever comes second finds the index that SQLite's readers share
        with room_for(0):
            said = refused(2, *arguments)
        assert str(file) in said
        assert "File too large" in said
        assert left_in(folder) == []
        done(*arguments)
    store.close()


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_a_signal_interrupts_is_taken_away(tmp_path: Path, number: signal.Signals) -> None:
    """The command ends by the signal itself, so that no script takes its end for an answer."""
    folder = tmp_path / "in"
    words = [sys.executable, "-m", "duis_gateway", "init", str(folder)]
    hears = partial(signal.signal, number, signal.SIG_DFL)  # also where the tests run under nohup
    with subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True, preexec_fn=hears) as process:
        while not folder.exists():
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(number)
        assert process.wait(60) == -number
        assert process.stderr is not None
        assert "interrupted" in process.stderr.read()
    assert left_in(tmp_path) == []
    done("init", folder)


@pytest.mark.processes
@pytest.mark.parametrize("code", [2, 1], ids=["a full disk", "a closed pipe"])
def test_a_token_that_nobody_could_read_replaces_none(installation: Installation, code: int) -> None:
    installation.add_supplier(SUPPLIER)
    done("party", "token", SUPPLIER, *installation.config)

    def kept() -> list[tuple[str]]:
        with closing(sqlite3.connect(installation.folder / "gateway.db")) as database:
            return database.execute("SELECT token_hash FROM party").fetchall()

    before = kept()
    words = ["party", "token", format_eui(SUPPLIER), *map(str, installation.config)]
    reading, writing = os.pipe()
    os.close(reading)
    with open("/dev/full", "wb") as full, open(writing, "wb") as pipe:
        output = full if code == 2 else pipe
        ended = subprocess.run([sys.executable, "-m", "duis_gateway", *words], cwd=ROOT, stdout=output, timeout=60)
    assert ended.returncode == code
    assert kept() == before


def test_a_file_that_cannot_be_replaced_stays_and_is_named(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    put_whole(file, b"old")
    with room_for(0), pytest.raises(OSError, match="File too large") as refusal:
        put_whole(file, b"new")
    assert refusal.value.filename == str(file)
    assert left_in(tmp_path) == ["clock"]
    assert file.read_bytes() == b"old"


@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_a_private_key_is_never_overwritten(installation: Installation, tmp_path: Path, form: str) -> None:
    from cryptography.hazmat.primitives import serialization

    key, certificate = installation.make_certificate(SUPPLIER)
    if form == "DER":
        read = serialization.load_pem_private_key(key.read_bytes(), None)
        encoding, pkcs8 = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8
        key.write_bytes(read.private_bytes(encoding, pkcs8, serialization.NoEncryption()))
    before, document = key.read_bytes(), tmp_path / "request.xml"
    document.write_bytes(done("example", "11.5").encode())
    url = ("--url", "http://127.0.0.1:9/")
    for words in (("sign", document, "--key", key, "--certificate", certificate), ("send", document, *url)):
        said = refused(2, *words, "--out", key)
        assert said == f"{key}: it holds a private key, which is not overwritten; name another"
    assert key.read_bytes() == before
    done("sign", document, "--key", key, "--certificate", certificate, "--out", document)


def test_devices_without_an_end_are_refused_unread(installation: Installation) -> None:
    for words in (("protect", "load", "/dev/zero", "--party", SUPPLIER), ("inventory", "load", "/dev/urandom")):
        assert "it is a device and no file" in refused(2, *words, *installation.config)


def test_a_place_that_takes_nothing_is_named(installation: Installation, tmp_path: Path) -> None:
    (installation.folder / "eligible.csv").write_text("device_id,import\n00-DB-12-34-56-00-00-01,true\n")
    words = ("pilot", "select", *_ABOUT, "--hubs", installation.folder / "eligible.csv", *installation.config)
    assert refused(2, *words, "--request", "/dev/full") == "/dev/full: No space left on device"


def test_places_that_are_no_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for words in (("init", tmp_path / "loop"), ("conformance", "init", tmp_path / "loop")):
        assert str(tmp_path / "loop") in refused(2, *words)
    with pytest.raises(OSError, match="/proc/self/mem"):
        write_bytes(Path("/proc/self/mem"), b"x")


@pytest.mark.parametrize("most", [9, 10, 11, 12, 13, 14, 24, 63])
def test_too_few_files_that_may_be_open_are_no_bug(installation: Installation, most: int) -> None:
    """The migrations or the schemas could not be read any more, the listener not be opened, or nothing be accepted."""
    words = [sys.executable, "-m", "duis_gateway", "serve", *map(str, installation.config)]
    few = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (most, most))
    ran = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT, preexec_fn=few)
    assert ran.returncode == 2, ran.stderr
    assert "raise the limit (ulimit -n)" in ran.stderr
