"""`/events`: tells whoever looks at a page that something on it has changed, as server-sent events (HTML, 9.2).

One thread of the process looks at the database for all listeners together, and only while there are any. It does not
know what each page shows: it tells that something has changed, and the page fetches itself and takes what is new. So
nothing is lost where an event is: a page looks anew whenever it begins to listen.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable
from datetime import datetime
from time import monotonic

from sqlalchemy import Connection, func, literal_column, select

from duis_gateway.clock import Clock
from duis_gateway.doors.feeds import Feed
from duis_gateway.doors.wire import Answer
from duis_gateway.errors import GatewayError, TooBusy
from duis_gateway.machine.threads import started
from duis_gateway.store.audit_tables import audit_entry, audit_waiting
from duis_gateway.store.engine import Store
from duis_gateway.store.rollout_tables import release_event
from duis_gateway.store.tables import hub, operator_flag, outbox

_EVERY = 1.0  # seconds between two looks
_REST = 20.0  # a look may take a twentieth of the time
_SILENCE = 15.0  # seconds after which something is said in any case: proxies end what is silent
_GREETING = b"retry: 3000\n\n"
_CHANGED = b"event: changed\ndata:\n\n"
_STILL_HERE = b":\n\n"
_HEADERS = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Accel-Buffering", "no"),  # nginx passes on at once what comes
)
_log = logging.getLogger(__name__)

_MARKS = (
    # The audit log has every message, delivery, failed attempt and change of an operator.
    select(func.max(audit_entry.c.sequence)),
    select(func.max(audit_waiting.c.id)),
    select(func.max(release_event.c.id)),
    select(func.max(hub.c.changed_at)),
    select(func.max(operator_flag.c.id)),
    select(func.count()).select_from(operator_flag).where(operator_flag.c.acknowledged_at.is_(None)),
    select(func.count()).select_from(outbox).where(outbox.c.state == literal_column("'dead'")),
)
MARK = select(*(one.scalar_subquery() for one in _MARKS))
"""What is read at each look."""


def mark_of(conn: Connection, now: datetime) -> Hashable:
    """Return what is another value once something that the pages show has changed; read from indexes alone.

    With time goes what is left of it: each minute of business time is a change.
    """
    return (*conn.execute(MARK).one(), now.replace(second=0, microsecond=0))


class Events:
    """Looks for changes, and tells them to all who listen; thread-safe.

    Args:
        look: returns the mark of what is shown; may take time, and raise.
    """

    def __init__(self, look: Callable[[], Hashable]) -> None:
        self._look = look
        self._wanted = threading.Event()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._feed = Feed(_GREETING, self._wanted.set)

    def answer(self) -> Answer:
        """Answer who wants to listen; waits for nothing (TooBusy as `feed`)."""
        return Answer(200, "text/event-stream", self.feed(), _HEADERS)

    def feed(self) -> Feed:
        """Return what tells of changes.

        Raises:
            TooBusy: there is no thread to be had that looks for changes.
        """
        with self._lock:
            if self._thread is None:
                self._thread = started(self._work, name="console-events")
            if self._thread is None:
                raise TooBusy("there is no thread to look for changes just now")
        return self._feed

    def stop(self, deadline: float) -> bool:
        """Look no more; return whether the thread has ended by the deadline, on the monotonic clock."""
        self._over.set()
        self._wanted.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(max(0.0, deadline - monotonic()))
        return thread is None or not thread.is_alive()

    def _work(self) -> None:
        while not self._over.is_set():
            self._wanted.clear()
            if self._feed.is_heard:
                self._watch()
            else:
                self._wanted.wait()

    def _watch(self) -> None:
        """Tell of changes for as long as anybody listens."""
        known, said_at = self._mark(), monotonic()
        while self._feed.is_heard and not self._over.is_set():
            began = monotonic()
            mark = self._mark()
            ended = monotonic()
            if mark != known:
                self._feed.tell(_CHANGED)
                known, said_at = mark, ended
            elif ended - said_at > _SILENCE:
                self._feed.tell(_STILL_HERE)
                said_at = ended
            self._over.wait(max(_EVERY, _REST * (ended - began)))

    def _mark(self) -> Hashable:
        """Return the mark; None where it cannot be read, so that who listens hears of that as of a change."""
        try:
            return self._look()
        except GatewayError as error:
            _log.debug("changes cannot be looked for: %s", error)
            return None


def events_of(store: Store, clock: Clock) -> Events:
    """Return what tells of changes in this database."""

    def look() -> Hashable:
        with store.read() as conn:
            return mark_of(conn, clock.now())

    return Events(look)
