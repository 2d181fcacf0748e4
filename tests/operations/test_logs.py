"""The log: one object a line, nothing forged, nobody held up."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest

from duis_gateway.config.settings import LogConfig, load_config
from duis_gateway.errors import ConfigurationError
from duis_gateway.operations.logs import configure_logging
from tests.support.installation import installed
from tests.support.processes import GatewayProcess
from tests.support.writing import wait_until

ROOT = Path(__file__).resolve().parents[2]
log = logging.getLogger("duis_gateway.test")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "gateway.log"


@pytest.fixture
def pipe() -> Iterator[tuple[int, Path]]:
    """A pipe that nobody reads, as a log collector that hangs."""
    reading, writing = os.pipe()
    yield reading, Path(f"/proc/self/fd/{writing}")
    os.close(reading)
    os.close(writing)


def written(config: LogConfig, *records: str, **extra: object) -> list[str]:
    stop = configure_logging(config)
    for record in records:
        log.info(record, extra=extra)
    stop()
    assert config.file is not None
    return config.file.read_text(encoding="utf-8").splitlines()


def test_a_line_is_a_json_object_with_the_fields_operators_expect(file: Path) -> None:
    [line] = written(LogConfig(file=file), "request.refused", stage="verify", status=401)
    entry = json.loads(line)
    assert (entry["event"], entry["text"]) == ("request-refused", "request.refused")
    assert entry["level"] == "info"
    assert (entry["stage"], entry["status"]) == ("verify", 401)
    assert entry["time"].endswith("Z")
    assert datetime.fromisoformat(entry["time"]).utcoffset() is not None


@pytest.mark.parametrize(
    ("text", "values", "event"),
    [
        ("a recipient's URL cannot be read: %s", ["no route to host"], "a-recipients-url-cannot-be-read"),
        ("%s cannot be read within %g s", ["the outbox", 2.5], "cannot-be-read-within-s"),
        ("100%", [], "100"),
        ("%s", ["anything"], "unnamed"),
    ],
)
def test_an_event_is_a_name_that_is_the_same_whatever_the_values(
    file: Path, text: str, values: list[object], event: str
) -> None:
    stop = configure_logging(LogConfig(file=file))
    log.info(text, *values)
    log.info(text, *values, extra={"event": "named"})
    stop()
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [line["event"] for line in lines] == [event, "named"]


@pytest.mark.parametrize("form", ["json", "text"])
def test_line_ends_in_hostile_input_forge_no_line(file: Path, form: str) -> None:
    lines = written(LogConfig(file=file, format=form), "evil\r\n{}\u2028x\x1b[0m", sender="a\nb")
    assert len(lines) == 1
    assert "\x1b" not in lines[0]


def test_the_level_is_kept(file: Path) -> None:
    assert written(LogConfig(file=file, level="warning"), "not this") == []


def test_a_traceback_stays_inside_its_object(file: Path) -> None:
    stop = configure_logging(LogConfig(file=file))
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        log.exception("defect")
    stop()
    [line] = file.read_text(encoding="utf-8").splitlines()
    assert "ValueError: first\nsecond" in json.loads(line)["traceback"]


def test_a_sink_that_blocks_holds_up_nobody(pipe: tuple[int, Path]) -> None:
    """F27: twelve thousand lines into a pipe that nobody reads; the caller goes on, and the loss is reported."""
    reading, path = pipe
    stop = configure_logging(LogConfig(file=path))
    done = threading.Event()

    def work() -> None:
        for number in range(12_000):
            log.info("x" * 100, extra={"number": number})
        done.set()

    threading.Thread(target=work, daemon=True).start()
    assert done.wait(20), "logging blocked its caller"
    drained = bytearray()
    reader = threading.Thread(target=lambda: drained.extend(_read_until(reading, b'"last"')), daemon=True)
    reader.start()
    while reader.is_alive():
        log.info("last")
        reader.join(0.05)
    stop()
    dropped = [json.loads(line) for line in drained.splitlines() if b"records dropped" in line]
    assert dropped
    assert dropped[0]["dropped"] > 0


def _read_until(descriptor: int, mark: bytes) -> bytes:
    read = bytearray()
    while mark not in read[-70_000:]:
        read += os.read(descriptor, 65536)
    return bytes(read)


def test_a_log_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no/such\.log cannot be opened: No such file"):
        configure_logging(LogConfig(file=tmp_path / "no" / "such.log"))


SERVE = """
import logging, sys
from pathlib import Path
from duis_gateway.config.settings import LogConfig
from duis_gateway.operations.logs import configure_logging
stop = configure_logging(LogConfig(file=Path(sys.argv[1])))
for number in range(50):
    logging.getLogger("duis_gateway.test").warning("line %d", number)
stop()
"""


def run(file: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", SERVE, file]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


def test_a_full_disk_costs_lines_and_is_said_once() -> None:
    ended = run("/dev/full")
    assert ended.returncode == 0
    [said] = ended.stderr.splitlines()
    assert said == "duis-gateway: the log /dev/full cannot be written, and lines are lost: No space left on device"


@pytest.mark.parametrize("name", ["/dev/stdout", "-", "/dev/stderr", "/proc/self/fd/2"])
def test_the_streams_of_the_process_are_logs_also_where_they_are_pipes(name: str) -> None:
    ended = run(name)
    written, other = (ended.stderr, ended.stdout) if name.endswith(("stderr", "2")) else (ended.stdout, ended.stderr)
    assert (ended.returncode, len(written.splitlines()), other) == (0, 50, "")


def test_a_log_that_can_be_written_again_goes_on_and_says_what_was_lost(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its folder is gone for a while, as a volume that is taken away."""
    folder, away = tmp_path / "logs", tmp_path / "away"
    folder.mkdir()
    stop = configure_logging(LogConfig(file=folder / "gateway.log"))
    log.warning("before")
    wait_until(lambda: "before" in (folder / "gateway.log").read_text(encoding="utf-8"))
    folder.rename(away)
    log.warning("lost")
    wait_until(lambda: "cannot be written" in capfd.readouterr().err)
    folder.mkdir()
    log.warning("after")
    stop()
    lines = [json.loads(line) for line in (folder / "gateway.log").read_text(encoding="utf-8").splitlines()]
    assert [line.get("dropped", line["text"]) for line in lines] == [1, "after"]


@pytest.mark.parametrize("name", ["/dev/stdout", "-", "/dev/fd/{writing}"])
def test_pipes_can_be_named_in_the_configuration(name: str, pipe: tuple[int, Path], tmp_path: Path) -> None:
    named = name.format(writing=pipe[1].name)
    signing = '[signing]\neui = "90-B3-D5-1F-30-00-00-02"\nkey = "gateway.key"\ncertificate = "gateway.pem"\n'
    config = tmp_path / "gateway.toml"
    config.write_text(f'{signing}[log]\nfile = "{named}"\n', encoding="utf-8")
    assert load_config(config, {}).log.file == Path(named)


@pytest.fixture
def named_pipe(tmp_path: Path) -> Path:
    path = tmp_path / "lines"
    os.mkfifo(path)
    return path


LIMIT = 6.0
"""Seconds below which an end is the process's own: it is killed after nine and a half."""


@pytest.mark.processes
def test_a_log_that_is_a_named_pipe_without_a_reader_holds_up_neither_start_nor_end(
    tmp_path: Path, named_pipe: Path
) -> None:
    """F24, F27: it listens at once; who begins to read later gets the lines so far."""
    with installed("sqlite", tmp_path, {("log", "file"): str(named_pipe)}) as installation:
        with GatewayProcess(["serve"], installation.config) as gateway:
            assert gateway.url
            assert gateway.terminate(LIMIT) == 0
        with GatewayProcess(["serve"], installation.config) as gateway:
            assert gateway.url
            with named_pipe.open("rb") as reader:
                assert json.loads(reader.readline())["event"] == "started"
            assert gateway.terminate(LIMIT) == 0, "its reader has gone"


@pytest.mark.processes
def test_standard_error_that_nobody_reads_holds_up_no_end(tmp_path: Path) -> None:
    """F24, F27: a full pipe."""
    with installed("sqlite", tmp_path, {("log", "level"): "debug"}) as installation:
        words = [sys.executable, "-m", "duis_gateway", "serve", "--config", str(installation.config)]
        ports = {"DUIS_GATEWAY_SERVER_PORT": "0", "DUIS_GATEWAY_OPERATIONS_PORT": "0"}
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        with suppress(BlockingIOError):
            while True:
                os.write(writing, b"x" * 4096)
        os.set_blocking(writing, True)
        with subprocess.Popen(
            words, cwd=ROOT, env={**os.environ, **ports}, stdout=subprocess.PIPE, stderr=writing, text=True
        ) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline().startswith("listening on")
                process.terminate()
                assert process.wait(LIMIT) == 0
            finally:
                process.kill()
                os.close(reading)
                os.close(writing)
