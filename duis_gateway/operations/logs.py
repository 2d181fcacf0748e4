"""The log of the processes: one JSON object a line, in UTC, and never in anyone's way.

A record's `extra` fields become members of the object. No bodies, keys or personal data belong into a log; hostile
input goes in by length and digest. A sink that blocks (a full pipe, a full disk) costs log lines, never a request
(threat F27): records wait in a bounded queue, and what does not fit is counted and reported later.
"""

from __future__ import annotations

import atexit
import copy
import json
import logging
import queue
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import QueueHandler, WatchedFileHandler

from duis_gateway.config.settings import LogConfig
from duis_gateway.errors import ConfigurationError
from duis_gateway.text.controls import shown, shown_lines

_LONGEST_QUEUE = 10_000
_SECONDS_TO_FLUSH = 2.0
_FORMATTER = logging.Formatter()
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def _extras(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _instant(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _trace(record: logging.LogRecord) -> str | None:
    return _FORMATTER.formatException(record.exc_info) if record.exc_info else record.exc_text


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (RFC 3339, UTC), level, logger, event, text, extra fields, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; control characters in values are escaped by JSON."""
        text, extras = record.getMessage(), _extras(record)
        line: dict[str, object] = {
            "time": _instant(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": extras.pop("event", text),
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
                event = "log records dropped, as the log could not be written"
                report = {"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING", "msg": event}
                self.queue.put_nowait(logging.makeLogRecord({**report, "dropped": self._dropped}))
                self._dropped = 0
            self.queue.put_nowait(record)
        except queue.Full:
            self._dropped += 1


class _Writer(threading.Thread):
    """Takes records from the queue to the sink; only this thread ever waits for the sink."""

    def __init__(self, records: queue.Queue[logging.LogRecord | None], sink: logging.Handler) -> None:
        super().__init__(name="log", daemon=True)
        self._records = records
        self._sink = sink

    def run(self) -> None:
        while (record := self._records.get()) is not None:
            self._sink.handle(record)

    def stop(self) -> None:
        """Write what is left, unless the sink is blocked: then give up after a while."""
        with suppress(queue.Full):
            self._records.put(None, timeout=_SECONDS_TO_FLUSH)
        self.join(_SECONDS_TO_FLUSH)
        if not self.is_alive():
            self._sink.close()


def _sink(config: LogConfig) -> logging.Handler:
    if config.file is None:
        return logging.StreamHandler(sys.stderr)
    try:
        return WatchedFileHandler(config.file, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"the log file {config.file} cannot be opened: {error.strerror}") from None


def configure_logging(config: LogConfig) -> Callable[[], None]:
    """Send everything that is logged to where the configuration says; returns what flushes and stops it.

    It is also stopped when the process ends.

    Raises:
        ConfigurationError: the log file cannot be opened.
    """
    sink = _sink(config)
    sink.setFormatter(JsonFormatter() if config.format == "json" else TextFormatter())
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
