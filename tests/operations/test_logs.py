"""The log: one object a line, nothing forged, nobody held up."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from duis_gateway.config.settings import LogConfig
from duis_gateway.errors import ConfigurationError
from duis_gateway.operations.logs import configure_logging

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
    assert entry["event"] == "request.refused"
    assert entry["level"] == "info"
    assert (entry["stage"], entry["status"]) == ("verify", 401)
    assert entry["time"].endswith("Z")
    assert datetime.fromisoformat(entry["time"]).utcoffset() is not None


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
