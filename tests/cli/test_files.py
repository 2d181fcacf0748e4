"""Files, pipes, `-`, full disks and numbers, as every command meets them."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from duis_gateway.cli.main import _explain as explain
from tests.support.cli import SUPPLIER, Installation, done, refused, run

HUB = "00-DB-12-34-56-00-00-01,CHF,106C,433100AC,9001,Commissioned,North,90-B3-D5-1F-30-01-00-00,,"
INVENTORY = (
    "device_id,device_type,manufacturer,model,firmware_version,status,csp_region,import_supplier,gas_supplier,"
    "gpf_device_id\n" + HUB + "\n"
)
REQUEST = """<sr:Request xmlns:sr="http://www.dccinterface.co.uk/ServiceUserGateway" schemaVersion="5.4">\
<sr:Header><sr:RequestID>90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:1000</sr:RequestID>\
</sr:Header></sr:Request>"""
ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def fed(content: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Standard input is a pipe that has this content."""
    reading, writing = os.pipe()
    feeder = threading.Thread(target=_feed, args=(writing, content))
    feeder.start()
    with os.fdopen(reading, encoding="utf-8") as stream, monkeypatch.context() as patched:
        patched.setattr(sys, "stdin", stream)
        yield
    feeder.join()


def _feed(writing: int, content: bytes) -> None:
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(content)


def test_an_inventory_comes_and_goes_by_pipes(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standard input, a named pipe, standard output, a file for its owner alone; a byte-order mark first."""
    content = ("\ufeff" + INVENTORY).encode()
    with fed(content, monkeypatch):
        assert "Loaded 1 line." in done("inventory", "load", "-", *installation.config)
    os.mkfifo(tmp_path / "pipe")
    feeder = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(content,))
    feeder.start()
    assert "Loaded 1 line." in done("inventory", "load", tmp_path / "pipe", *installation.config)
    feeder.join()
    for name in ("-", "/dev/stdout", "/dev/fd/1"):
        assert run("inventory", "export", name, *installation.config).output == INVENTORY
    done("inventory", "export", tmp_path / "hubs.csv", *installation.config)
    assert (tmp_path / "hubs.csv").read_text(encoding="utf-8") == INVENTORY
    assert stat.S_IMODE((tmp_path / "hubs.csv").stat().st_mode) == 0o600


def test_a_pipe_leaves_the_room_that_a_running_gateway_needs(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much comes: the low-water mark stays free, and what could not be written is named, not the input."""
    monkeypatch.setenv("DUIS_GATEWAY_STORE_MIN_FREE_BYTES", str(10**15))
    with fed(INVENTORY.encode(), monkeypatch):
        said = refused(2, "inventory", "load", "-", *installation.config)
    assert said.startswith("standard input is read twice, and its copy cannot be kept in ")
    assert "bytes have to stay free there" in said
    file = installation.folder / "hubs.csv"
    file.write_text(INVENTORY, encoding="utf-8")
    assert "Loaded 1 line." in done("inventory", "load", file, *installation.config)


def test_documents_are_signed_and_verified_by_pipes(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = installation.make_certificate(SUPPLIER)
    with fed(REQUEST.encode(), monkeypatch):
        signed = run("sign", "-", "--key", key, "--certificate", certificate, "--out", "-")
    assert signed.code == 0, signed.error
    with fed(signed.raw, monkeypatch):
        verified = run("verify", "-", "--trust", installation.pki, "--out", "-")
    assert verified.code == 0, verified.error
    assert verified.raw.startswith(b"<sr:Request")
    assert "good" in verified.error, "what was found out does not stand among the bytes"


def test_a_pilot_is_selected_by_pipes(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    about = ("--release", "R1", "--party", SUPPLIER, "--firmware-version", "9002", *installation.config)
    with fed(b"device_id,import\n00-DB-12-34-56-00-00-01,true\n", monkeypatch):
        chosen = run("pilot", "select", *about, "--hubs", "-", "--request", "-")
    assert chosen.code == 0, chosen.error
    assert b"00-DB-12-34-56-00-00-01" in chosen.raw


def test_what_is_there_is_not_overwritten_but_devices_are_no_files(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "hubs.csv").touch()
    assert "already exists" in refused(2, "inventory", "export", tmp_path / "hubs.csv", *installation.config)
    assert "Exported 0 hubs" in done("inventory", "export", "/dev/null", *installation.config)


@pytest.fixture(scope="module")
def huge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 6 GB that takes no room."""
    path = tmp_path_factory.mktemp("huge") / "file"
    with path.open("wb") as sparse:
        sparse.truncate(6 * 1024**3)
    return path


Words = Callable[[Path], tuple[object, ...]]


@pytest.mark.parametrize(
    "words",
    [
        lambda file: ("sign", file, "--key", __file__, "--certificate", __file__),
        lambda file: ("sign", __file__, "--key", file, "--certificate", file),
        lambda file: ("verify", file, "--trust", file.parent),
        lambda file: ("send", file, "--url", "http://127.0.0.1:9/"),
        lambda file: ("party", "list", "--config", file),
        lambda file: ("conformance", "--url", "http://127.0.0.1:9/", "--profile", file),
        lambda file: ("conformance", "--url", "http://127.0.0.1:9/", "--defects", file),
        lambda file: ("pilot", "select", "--release", "R", "--party", SUPPLIER, "--exclude", file),
    ],
)
def test_a_huge_file_is_refused_and_not_read(huge: Path, words: Words, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duis_gateway.cli.sign.load_signing_key", load_certificate_first)
    monkeypatch.setattr("duis_gateway.cli.conformance.answer_to", lambda *_: None)
    assert "larger than" in refused(2, *words(huge))


def load_certificate_first(key: Path, certificate: Path) -> tuple[object, object]:
    from duis_gateway.pki.signing import read_certificate_file

    return (None, None) if certificate == Path(__file__) else (key, read_certificate_file(certificate))


@pytest.mark.parametrize(
    "words",
    [
        ("--version",),
        ("party", "list"),
        ("party", "list", "--format", "csv"),
        ("inventory", "export", "-"),
    ],
    ids=" ".join,
)
def test_a_full_disk_is_no_defect(installation: Installation, words: tuple[str, ...]) -> None:
    arguments = words if words[0].startswith("-") else (*words, *map(str, installation.config))
    with open("/dev/full", "w", encoding="utf-8") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "duis_gateway", *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == 2
    *progress, said = ended.stderr.splitlines()
    assert said.startswith("duis-gateway: ")
    assert said.endswith("the output cannot be written: No space left on device")
    assert progress in ([], ["Exporting"])


@pytest.mark.parametrize("words", [("party", "list"), ("inventory", "export", "-")], ids=" ".join)
def test_whoever_reads_may_go_and_is_told_nothing(installation: Installation, words: tuple[str, ...]) -> None:
    """`... | head`: the exit code says that something was not printed, and no line is in the reader's way."""
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-m", "duis_gateway", *words, *map(str, installation.config)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr.replace("Exporting", "").strip()) == (1, "")


@pytest.mark.parametrize(("words", "code"), [(("--version",), 2), (("verify", "none such", "--trust", "."), 2)])
def test_what_cannot_be_said_is_an_error(words: tuple[str, ...], code: int) -> None:
    """Started with standard output closed (`>&-`): exit code 0 would say that all has been printed."""
    ended = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" -m duis_gateway "$@" >&-', sys.executable, *words],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert ended.returncode == code
    said = "output cannot be written: Bad file descriptor" if words == ("--version",) else "'none such' does not exist"
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


NINES = "9" * 20


@pytest.mark.parametrize(
    ("code", "words", "expected"),
    [
        (1, ("outbox", "show", NINES), "there is no message"),
        (1, ("outbox", "show", "9" * 5000), "there is no message"),
        (2, ("outbox", "list", "--after", NINES), "is not a whole number from"),
        (2, ("outbox", "list", "--after", "9" * 5000), "Invalid value for '--after'"),
        (2, ("outbox", "list", "--limit", NINES), "is not a whole number from"),
        (2, ("outbox", "replay", NINES), "is not a whole number from"),
        (2, ("prune", "--older-than", NINES), "is not a whole number from"),
        (2, ("serve", "--workers", NINES), "is not a whole number from"),
        (2, ("certificate", "revoke", "9" * 5000), "is not a serial number"),
        (1, ("certificate", "revoke", NINES), "no certificate with the serial number"),
        (2, ("release", "show", "\udcff"), "not UTF-8"),
    ],
)
def test_numbers_and_words_that_nothing_can_have(
    installation: Installation, code: int, words: tuple[str, ...], expected: str
) -> None:
    ran = run(*words, *installation.config)
    assert "defect" not in ran.error
    assert len(ran.error) < 1200
    assert (ran.code, expected in ran.error) == (code, True), ran.error


@pytest.mark.parametrize("seconds", ["nan", "inf", "0", "1e300"])
def test_seconds_that_nobody_can_wait(seconds: str) -> None:
    said = refused(2, "send", __file__, "--url", "http://127.0.0.1:9/", "--timeout", seconds)
    assert "Invalid value for '--timeout'" in said


@pytest.mark.parametrize("command", ["init", "doctor", "migrate", "migrate --from"])
def test_a_path_that_is_not_utf8_is_refused_in_words(
    command: str, tmp_path: Path, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite has the names of its files in UTF-8; Linux has them in any octets."""
    folder = tmp_path / os.fsdecode(b"bad\xff")
    if command == "init":
        said = refused(2, command, folder)
        assert not folder.exists()
    elif command == "migrate --from":
        folder.mkdir()
        said = refused(2, *command.split(), f"sqlite:///{folder}/gateway.db", *installation.config)
    else:
        shutil.copytree(installation.folder, folder)
        monkeypatch.setenv("DUIS_GATEWAY_CONFIG", f"{folder}/gateway.toml")
        ran = run(command)
        said = ran.output + ran.error
        assert ran.code == (1 if command == "doctor" else 2)
    assert "is not UTF-8" in said
    assert "rename its folder or file" in said


def test_letters_that_the_terminal_does_not_have_are_named() -> None:
    """What is printed is not always ASCII, and some terminals are."""
    text, code = explain(UnicodeEncodeError("ascii", "a \N{EM DASH} b", 2, 3, "ordinal not in range(128)"))
    assert (code, text) == (2, r"ascii, the output's encoding, has no '\u2014': set PYTHONIOENCODING=utf-8")


@pytest.mark.parametrize(
    "words",
    [
        ("check", "{known}", "--url", "http://127.0.0.1:1", "--token-file", "{file}"),
        ("conformance", "--url", "http://127.0.0.1:1", "--defects", "{file}"),
        ("sandbox", "run", "{file}"),
        ("release", "list", "--config", "{file}"),
    ],
)
def test_a_file_that_is_no_text_is_named(tmp_path: Path, words: tuple[str, ...]) -> None:
    file, known = tmp_path / "file", tmp_path / "known"
    file.write_bytes(b"\xff\xfe")
    known.touch()
    said = refused(2, *(word.format(file=file, known=known) for word in words))
    assert str(file) in said
    assert "it is not UTF-8" in said
    assert "bug in" not in said


@pytest.mark.parametrize(
    "words",
    [
        ("sandbox", "--workdir"),
        ("demo", "--workdir"),
        ("init",),
        ("conformance", "init"),
        ("conformance", "--url", "http://127.0.0.1:1", "--reports"),
        ("example", "--folder"),
        ("certificate", "make", SUPPLIER, "--role", "87", "--out"),
        ("verify", "--crls"),
    ],
    ids=lambda words: " ".join(map(str, words)),
)
def test_what_is_no_folder_is_said_to_be_none(words: tuple[object, ...], tmp_path: Path) -> None:
    """A file, a device, a link to nowhere, and what would be in one of them."""
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("kept", encoding="utf-8")
    link.symlink_to(tmp_path / "nowhere")
    for there in (Path("/dev/null"), file, link):
        for named in (there, there / "in" / "it"):
            assert f"{there} is not a folder; name another" in refused(2, *words, named), named
    assert (file.read_text(encoding="utf-8"), sorted(tmp_path.iterdir())) == ("kept", [file, link])
