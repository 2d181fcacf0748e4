"""What is due by the business clock is done, once, whatever number of processes looks (design sections 5 and 7).

Nothing is remembered but what the store holds: each thing is looked for in the releases as they stand, and looked at
again inside the transaction that does it, where other processes are kept out. So what fell due while nothing ran is
done when something runs again, and a process that dies half-way has done nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from duis_gateway.clock import Clock
from duis_gateway.decisions import by_time
from duis_gateway.decisions.context import Moment
from duis_gateway.decisions.effects import Consequences
from duis_gateway.emails.outbox_rows import DEFAULT_TERMS, EmailTerms
from duis_gateway.errors import GatewayError
from duis_gateway.outgoing import lay_in_outbox
from duis_gateway.signing import Signer
from duis_gateway.store import releases
from duis_gateway.store.engine import Store

log = logging.getLogger(__name__)

POLL = 1.0
"""Seconds between two looks at what is due; a change of a release brings the next look at once."""

_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class _Due:
    """One thing that has to be done, and what the transaction has to do for it."""

    release_id: str
    what: str
    judge: Callable[[Moment], Consequences]


@dataclass(frozen=True, slots=True)
class Agenda:
    """Does what is due at the moment that the clock shows."""

    store: Store
    clock: Clock
    signer: Callable[[], Signer | None]
    alert_bytes: int
    emails: EmailTerms = DEFAULT_TERMS
    stored: Callable[[], None] = lambda: None

    def run(self) -> int:
        """Do everything that is due, and return how many things this process did.

        Without a usable signing key nothing is done: what would have to be sent could not be signed. A release with
        which something is wrong holds up no other.

        Raises:
            NotDurable: the database cannot be read.
        """
        signer = self.signer()
        if signer is None:
            return 0
        now = self.clock.now()
        with self.store.read() as conn:
            found = list(self._look(self._moment(conn, now)))
        return sum(self._do(one, signer, now) for one in found)

    def _look(self, moment: Moment) -> Iterator[_Due]:
        for release in releases.live(moment.conn):
            name = release.release_id
            if by_time.stage_due(release, moment):
                yield _Due(name, "stage", partial(by_time.begin_stages, name))
            if by_time.obligations_due(release, moment):
                owed = by_time.count_missed(release, moment)
                yield _Due(name, "obligations", partial(by_time.report_missed, name, owed))

    def _do(self, one: _Due, signer: Signer, now: datetime) -> bool:
        try:
            done = self._carry_out(one, signer, now)
        except Exception as error:
            about = {"event": "not-done-in-time", "release": one.release_id, "what": one.what}
            # What the database refuses is tried again soon; anything else is a defect of ours.
            defect = not isinstance(error, GatewayError)
            log.log(logging.ERROR if defect else logging.WARNING, "%s", error, exc_info=defect, extra=about)
            return False
        if done:
            log.info("done in time", extra={"event": "done-in-time", "release": one.release_id, "what": one.what})
            self.stored()
        return done

    def _carry_out(self, one: _Due, signer: Signer, now: datetime) -> bool:
        with self.store.write() as conn:
            follows = one.judge(self._moment(conn, now))
            for write in follows.writes:
                write(conn)
            lay_in_outbox(follows.sends, conn, signer, now, self.alert_bytes, self.emails)
            return bool(follows.writes)

    def _moment(self, conn: Connection, now: datetime) -> Moment:
        return Moment(conn, now, self.store.lock_release)


class Scheduler:
    """A thread that runs the agenda, every second and whenever it is woken."""

    def __init__(self, agenda: Agenda, poll: float = POLL) -> None:
        self._agenda = agenda
        self._poll = poll
        self._wanted = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="scheduler", daemon=True)

    def start(self) -> None:
        """Begin, with a look at once at what fell due while nothing ran."""
        self._thread.start()

    def wake(self) -> None:
        """Look again at once: a release has changed."""
        self._wanted.set()

    def stop(self) -> None:
        """Let it finish what it does, and end it."""
        self._over.set()
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join(_PATIENCE)

    def _work(self) -> None:
        while not self._over.is_set():
            self._wanted.clear()
            self._run()
            self._wanted.wait(self._poll)

    def _run(self) -> None:
        try:
            self._agenda.run()
        except GatewayError as error:
            log.warning("%s", error, extra={"event": "scheduler"})
        except Exception:
            log.exception("the scheduler failed and goes on", extra={"event": "scheduler"})
