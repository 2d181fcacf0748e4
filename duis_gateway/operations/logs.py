"""The log of the processes: one JSON object a line, in UTC, and never in anyone's way.

A record's `extra` fields become members of the object. No bodies, keys or personal data belong into a log; hostile
input goes in by length and digest. A sink that blocks (a full pipe, a full disk) costs log lines, never a request
(threat F27): records wait in a bounded queue, and what does not fit is counted and reported later.
"""

from __future__ import annotations

import atexit
import copy
import errno
import json
import logging
import os
import queue
import re
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import QueueHandler
from pathlib import Path
from time import monotonic

from duis_gateway.config.settings import LogConfig
from duis_gateway.errors import ConfigurationError
from duis_gateway.machine.files import standard_stream
from duis_gateway.text.controls import shown, shown_lines

_LONGEST_QUEUE = 10_000
_SECONDS_TO_FLUSH = 2.0
_STANDARD_ERROR = 2
_FORMATTER = logging.Formatter()
_WORD = re.compile(r"[a-z0-9]+")
_VALUE = re.compile(r"%(?:\([^)]*\))?[-#0+ ]*[0-9.*]*[a-zA-Z]")
_WORDS = 8
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def _extras(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _instant(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _trace(record: logging.LogRecord) -> str | None:
    return _FORMATTER.formatException(record.exc_info) if record.exc_info else record.exc_text


def _slug(record: logging.LogRecord) -> str:
    """Return a name for records of this kind, made of the first words that they have in common: `recipient-is-down`."""
    words = _WORD.findall(_VALUE.sub(" ", str(record.msg)).lower().replace("'", ""))
    return "-".join(words[:_WORDS]) or "unnamed"


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (RFC 3339, UTC), level, logger, event, text, extra fields, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; control characters in values are escaped by JSON."""
        text, extras = record.getMessage(), _extras(record)
        line: dict[str, object] = {
            "time": _instant(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": extras.pop("event", None) or _slug(record),
            "text": text,
            **extras,
        }
        if trace := _trace(record):
            line["traceback"] = trace
        return json.dumps(line, default=str)


class TextFormatter(logging.Formatter):
    """The same for reading: one line a record. Line ends in values are escaped, so nobody can forge a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        words = [_instant(record), record.levelname.ljust(7), record.getMessage()]
        words += [f"{name}={value}" for name, value in _extras(record).items()]
        line = shown(" ".join(words))
        trace = _trace(record)
        return f"{line}\n{shown_lines(trace)}" if trace else line


class _BoundedQueueHandler(QueueHandler):
    """Never waits: drops a record where the queue is full, and says how many once there is room again."""

    def __init__(self, records: queue.Queue[logging.LogRecord | None]) -> None:
        super().__init__(records)
        self._dropped = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Hand the record on with its traceback as text: the frames would hold a whole message until it is written."""
        if record.exc_info:
            record = copy.copy(record)
            record.exc_text, record.exc_info = _trace(record), None
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        """Put the record into the queue if there is room."""
        try:
            if self._dropped:
                self.queue.put_nowait(_report_of(self._dropped))
                self._dropped = 0
            self.queue.put_nowait(record)
        except queue.Full:
            self._dropped += 1


class _Sink(ABC):
    """Where lines go. Only the writer's thread comes here.

    It is no handler of `logging`, which takes a handler's lock when the process ends: whoever writes may be blocked
    for ever.
    """

    def __init__(self, formatter: logging.Formatter) -> None:
        self._formatter = formatter

    def write(self, record: logging.LogRecord) -> None:
        """Write a line (OSError: it cannot be written)."""
        left = memoryview(f"{self._formatter.format(record)}\n".encode("utf-8", "backslashreplace"))
        descriptor = self.opened()
        while left:
            left = left[os.write(descriptor, left) :]

    @abstractmethod
    def opened(self) -> int:
        """Return the descriptor that the next line is written to."""

    @abstractmethod
    def give_up(self) -> None:
        """Forget what could not be written to."""


class _FileSink(_Sink):
    """A file, which may be renamed for rotation; or a named pipe, which is opened once somebody reads it.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path, formatter: logging.Formatter) -> None:
        super().__init__(formatter)
        self.path = path.absolute()
        self._descriptor: int | None = None
        self._file: tuple[int, int] | None = None
        if not path.is_fifo():
            self.opened()
        elif not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    def opened(self) -> int:
        """Return the file's descriptor; the file is opened anew where its path is another's."""
        if self._descriptor is not None and self._file != _identity(self.path):
            self.give_up()
        if self._descriptor is None:
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
            found = os.fstat(self._descriptor)
            self._file = found.st_dev, found.st_ino
        return self._descriptor

    def give_up(self) -> None:
        """Close the file, and open it anew for the next line."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):
                os.close(descriptor)


class _StreamSink(_Sink):
    """Standard output or standard error, whatever it is: a pipe, a socket, a device. Nothing is held back for it."""

    def __init__(self, descriptor: int, formatter: logging.Formatter) -> None:
        super().__init__(formatter)
        there = sys.stderr if descriptor == _STANDARD_ERROR else sys.stdout
        # Where the process was started without it, the number may be a file of ours by now, the database say.
        self._descriptor = os.open(os.devnull, os.O_WRONLY) if there is None else descriptor

    def opened(self) -> int:
        """Return its number."""
        return self._descriptor

    def give_up(self) -> None:
        """There is nothing to forget: the next line is written to the same."""


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


class _Writer(threading.Thread):
    """Takes records from the queue to the sink; only this thread ever waits for the sink.

    Where the sink cannot be written, standard error is told so once; how many lines were lost is said in the log, when
    it can be written again.
    """

    def __init__(self, records: queue.Queue[logging.LogRecord | None], sink: _FileSink | _StreamSink) -> None:
        super().__init__(name="log", daemon=True)
        self._records = records
        self._sink = sink
        self._lost = 0

    def run(self) -> None:
        while (record := self._records.get()) is not None:
            try:
                if self._lost:
                    self._sink.write(_report_of(self._lost))
                    self._lost = 0
                self._sink.write(record)
            except Exception as error:
                self._lose(error)

    def _lose(self, error: Exception) -> None:
        self._sink.give_up()
        self._lost += 1
        if self._lost > 1 or not isinstance(self._sink, _FileSink) or sys.stderr is None:
            return
        why = getattr(error, "strerror", None) or str(error)
        said = f"duis-gateway: the log {self._sink.path} cannot be written, and lines are lost: {why}\n"
        with suppress(OSError):
            os.write(_STANDARD_ERROR, said.encode("utf-8", "backslashreplace"))

    def stop(self) -> None:
        """Write what is left, unless the sink is blocked: then give up after a while."""
        deadline = monotonic() + _SECONDS_TO_FLUSH
        with suppress(queue.Full):
            self._records.put(None, timeout=_SECONDS_TO_FLUSH)
        self.join(max(0.0, deadline - monotonic()))
        if not self.is_alive():
            self._sink.give_up()


def _report_of(lost: int) -> logging.LogRecord:
    event = "log records dropped, as the log could not be written"
    about = {"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING", "msg": event}
    return logging.makeLogRecord({**about, "dropped": lost})


def _sink(config: LogConfig) -> _FileSink | _StreamSink:
    formatter = JsonFormatter() if config.format == "json" else TextFormatter()
    descriptor = _STANDARD_ERROR if config.file is None else standard_stream(config.file)
    if config.file is None or descriptor is not None:
        return _StreamSink(descriptor or _STANDARD_ERROR, formatter)
    try:
        return _FileSink(config.file, formatter)
    except OSError as error:
        raise ConfigurationError(f"the log file {config.file} cannot be opened: {error.strerror}") from None


def configure_logging(config: LogConfig) -> Callable[[], None]:
    """Send everything that is logged to where the configuration says; returns what flushes and stops it.

    It is also stopped when the process ends.

    Raises:
        ConfigurationError: the log file cannot be opened.
    """
    sink = _sink(config)
    records: queue.Queue[logging.LogRecord | None] = queue.Queue(_LONGEST_QUEUE)
    handler = _BoundedQueueHandler(records)
    writer = _Writer(records, sink)
    root = logging.getLogger()
    level_before = root.level
    root.setLevel(config.level.upper())
    root.addHandler(handler)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it reports every look at the schema's version
    writer.start()

    def stop() -> None:
        atexit.unregister(stop)
        root.removeHandler(handler)
        root.setLevel(level_before)
        writer.stop()

    atexit.register(stop)
    return stop
