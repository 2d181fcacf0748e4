"""A lane: everything that goes to one destination, on its own threads (the bulkhead against threats F13, F14, F17).

While there is something to do, one thread coordinates: in one transaction it settles what has ended and claims what
comes next, and passes it to up to `in_flight` posting threads. So a slow destination ties up only its own threads, and
a fast one costs two transactions for a whole batch.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from time import monotonic, sleep
from uuid import uuid4

from sqlalchemy.exc import SQLAlchemyError

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.errors import GatewayError
from duis_gateway.machine.threads import started
from duis_gateway.outbox import store as outbox
from duis_gateway.outbox.breaker import Breaker
from duis_gateway.outbox.held import Held
from duis_gateway.outbox.observer import DeliveryObserver
from duis_gateway.outbox.retry import Dead, Decision, Delivered, Failure, FailureKind, RetryPolicy, decide, worn_out
from duis_gateway.outbox.senders import Sender
from duis_gateway.outbox.store import ClaimedMessage, Destination, Result, Settlement
from duis_gateway.store.engine import Store
from duis_gateway.store.failpoints import failpoint

log = logging.getLogger(__name__)

_GATHER_SECONDS = 0.05
_LEASE_MARGIN = 2.0
_WORTH_A_POSTER = 0.25
_DATABASE_PAUSE = 1.0
_LOOK_UP = 0.25
"""Seconds after which whoever waits looks whether the process stops: the order may come at any time."""
_BROKEN = Failure(FailureKind.DEFECT, "the gateway could not send this message; its log says why")


@dataclass(frozen=True, slots=True)
class LaneSettings:
    """What one lane may do at once.

    `lease` in seconds; it is extended if the sender's deadline leaves too little of it.
    """

    in_flight: int = 4
    batch: int = 100
    lease: float = 60.0

    def lease_with(self, deadline: float) -> float:
        """Return how many seconds messages are held for if each attempt may take `deadline` seconds."""
        return max(self.lease, 2 * deadline + _LEASE_MARGIN)


@dataclass(frozen=True, slots=True)
class _Job:
    """A claimed message, until when its attempt may begin so that it ends within the lease, and the lease's end."""

    message: ClaimedMessage
    start_before: float
    lease_end: float


@dataclass(frozen=True, slots=True)
class _Attempted:
    job: _Job
    failure: Failure | None
    seconds: float


def report_unreachable(error: Exception, **about: str) -> None:
    """Log that the outbox cannot be used; with the traceback, unless the database's state is the reason."""
    defect = not isinstance(error, GatewayError)
    extra = {"event": "outbox-unreachable", **about}
    log.warning("outbox unreachable, delivery waits: %s", error, exc_info=defect, extra=extra)


class Stopping:
    """How a process tells its lanes to end: start nothing new, and from `give_up_at` on wait no longer (threat F24)."""

    def __init__(self) -> None:
        self.requested = threading.Event()
        self.give_up_at = float("inf")

    def request(self, give_up_at: float) -> None:
        """Ask the lanes to end; the time is on the monotonic clock."""
        self.give_up_at = give_up_at
        self.requested.set()


class Lane:
    """One destination. `run` is called by one thread at a time, repeatedly; breaker and pace outlive a run.

    `turns`: how many lanes of the process settle and claim at once. It is held for one transaction alone. `held`: how
    many octets of messages may be in memory, of this lane or of several.
    """

    def __init__(
        self,
        destination: Destination,
        store: Store,
        sender: Sender,
        policy: RetryPolicy,
        settings: LaneSettings,
        observer: DeliveryObserver,
        stopping: Stopping,
        turns: threading.Semaphore,
        held: Held,
    ) -> None:
        self.destination = destination
        self.breaker = Breaker(policy, settings.batch)
        self._store = store
        self._sender = sender
        self._policy = policy
        self._settings = settings
        self._observer = observer
        self._stopping = stopping
        self._turns = turns
        self._held = held
        self._held_up = False
        self._lease = settings.lease_with(sender.deadline)
        self._attempt_seconds = 1.0  # how long attempts have been taking
        self._newest_share = 1.0  # what the newest attempt counts for in it
        self._came_back = False
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[_Attempted | _Job] = queue.SimpleQueue()
        self._enough = 1
        self._have_ended = threading.Event()
        """Set by the posters when as many attempts have ended as the coordinating thread is waiting for."""
        self._posting: dict[int, _Job] = {}
        self._settlements: list[Settlement] = []
        self._posters: list[threading.Thread] = []

    def run(self) -> bool:
        """Deliver until nothing is due, the breaker pauses the destination, or the process stops.

        Returns whether there was anything to do.
        """
        busy = False
        self._jobs = queue.SimpleQueue()
        try:
            while True:
                claimed = self._exchange()
                busy = busy or bool(claimed)
                self._hand_out(claimed)
                if not self._posting and not self._settlements:
                    if not self._held_up or self._stopping.requested.is_set():
                        return busy
                    self._held.wait(self, _LOOK_UP)
                self._collect()
                if self._forget_lost():
                    return True
                if self._stopping.requested.is_set() and monotonic() >= self._stopping.give_up_at:
                    self._give_up()
                    return busy
        finally:
            self._held.leave(self)
            for _ in self._posters:
                self._jobs.put(None)
            self._posters.clear()

    # --- the coordinating thread --------------------------------------------------------------------------------

    def _room(self) -> int:
        """How many messages to claim: about a second's work, but no more than the breaker allows."""
        if self._stopping.requested.is_set():
            return 0
        in_flight, batch = self._settings.in_flight, self._settings.batch
        pace = max(in_flight, min(batch, int(in_flight / max(self._attempt_seconds, 0.001))))
        return max(0, min(self.breaker.allowance, pace) - len(self._posting))

    def _exchange(self) -> list[_Job]:
        """Settle what has ended and claim more, in one transaction, when it is this lane's turn."""
        try:
            with self._turn():
                return self._settle_and_claim()
        except (GatewayError, SQLAlchemyError) as error:
            report_unreachable(error, **self._where())
            if self._stopping.requested.wait(_DATABASE_PAUSE):
                sleep(_DATABASE_PAUSE / 10)
            return []

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for a turn at the database; once the process stops nobody waits, since there may be no time for that."""
        had = False
        while not had and not self._stopping.requested.is_set():
            had = self._turns.acquire(timeout=_LOOK_UP)
        try:
            yield
        finally:
            if had:
                self._turns.release()

    def _settle_and_claim(self) -> list[_Job]:
        # While it waited for its turn more has ended. With two hundred lanes, as long as that had to wait for the next
        # one, a message took 298 to 385 us of processor time on SQLite in a process that only delivers; now 207 to 210.
        self._note_ended()
        room, octets = self._room(), self._held.room_for(self)
        settlements, came_back = self._settlements, self._came_back
        claims, self._held_up = room > 0 and octets > 0, room > 0 and octets == 0
        if not claims and not settlements:
            return []
        lease_end = monotonic() + self._lease
        with self._store.write() as conn:
            lost = outbox.settle(conn, settlements)
            if came_back:
                outbox.hurry(conn, self.destination)
            claimed = outbox.claim(conn, self.destination, room, self._lease, uuid4().hex, octets) if claims else []
        if claims:
            self._held.change(sum(len(one.content) for one in claimed))
            self._held.leave(self)
        self._settlements = []
        self._came_back = self._came_back and not came_back
        if settlements:
            failpoint("delivery.after-settle")
        if lost:
            log.warning("leases lost before the outcome was recorded", extra={**self._where(), "count": lost})
            self._observer.leases_lost(lost)
        if claimed:
            failpoint("delivery.after-claim")
        start_before = lease_end - self._sender.deadline - _LEASE_MARGIN
        return [_Job(message, start_before, lease_end) for message in claimed]

    def _hand_out(self, jobs: list[_Job]) -> None:
        for job in jobs:
            end = worn_out(job.message.attempts, self._policy)
            if end is not None:
                self._settlements.append(self._recorded(job.message, end))
                self._held.change(-len(job.message.content))
                continue
            self._posting[job.message.id] = job
            self._jobs.put(job)
        wanted = self._posters_wanted()
        while len(self._posters) > wanted:
            self._posters.pop()
            self._jobs.put(None)
        while len(self._posters) < wanted:
            name = f"deliver-{format_eui(self.destination.recipient)}-{len(self._posters)}"
            poster = started(self._post, self._jobs, name=name)
            if poster is None:
                break
            self._posters.append(poster)
        if jobs and not self._posters:
            # There is no thread to be had: this one posts by itself.
            self._jobs.put(None)
            self._post(self._jobs)

    def _posters_wanted(self) -> int:
        """How many threads are to post: no more than the work is worth.

        With four for each of two hundred quick destinations a message took 284 us of processor time, with one 186.
        """
        work = len(self._posting) * self._attempt_seconds
        return min(self._settings.in_flight, len(self._posting), ceil(work / _WORTH_A_POSTER))

    def _collect(self) -> None:
        """Wait for attempts to end, and gather those that end together.

        Waking up for each of them took 50 us of processor time per message, because Python's lock then changes hands.
        """
        if not self._posting:
            return
        # The posters have some left while these are settled. With half as many, commits took 5 us more per message.
        enough = max(1, 3 * len(self._posting) // 4 - len(self._settlements))
        if not self._wait_for(1, float("inf")):
            return
        self._wait_for(enough, monotonic() + _GATHER_SECONDS)
        self._note_ended()

    def _note_ended(self) -> None:
        for _ in range(self._ended.qsize()):
            self._note(self._ended.get_nowait())

    def _wait_for(self, enough: int, until: float) -> bool:
        """Wait until this many have ended; False at `until`, when a lease is over, or when the process gives up."""
        self._enough = enough
        lease_end = min(job.lease_end for job in self._posting.values())
        while self._ended.qsize() < enough:
            wait = min(until, self._stopping.give_up_at, lease_end) - monotonic()
            if wait <= 0:
                return False
            self._have_ended.wait(min(wait, _LOOK_UP))
            self._have_ended.clear()
        return True

    def _note(self, ended: _Attempted | _Job) -> None:
        job = ended.job if isinstance(ended, _Attempted) else ended
        if self._posting.get(job.message.id) is not job:
            return  # given up, or forgotten
        self._let_go(job)
        if isinstance(ended, _Job):
            self._settlements.append(Settlement(job.message.id, job.message.token, Result.UNTRIED))
            return
        self._learn(ended.seconds)
        self._settlements.append(self._settlement(job.message, ended.failure))

    def _learn(self, seconds: float) -> None:
        """Take the mean of the first ten attempts, and later of about the last ten.

        When the first counted for no more than a later one, a lane claimed 4, 4, 5, 6, ... messages of a quick
        recipient for some eight turns, and with two hundred lanes each turn takes seconds to come. On PostgreSQL, whose
        own time is included, a message took 951 and 906 us of processor time in the first seconds, and now 803 and 641.
        """
        self._attempt_seconds += self._newest_share * (seconds - self._attempt_seconds)
        self._newest_share = max(0.1, self._newest_share / (1 + self._newest_share))

    def _forget_lost(self) -> bool:
        """Forget attempts that had not ended when their leases were over; return whether there were any.

        Their poster hangs where no deadline reaches, or is gone. The messages are due again for everybody, and the next
        run has posters of its own.
        """
        now = monotonic()
        lost = [job for job in self._posting.values() if job.lease_end <= now]
        for job in lost:
            self._let_go(job)
        if lost:
            about = {**self._where(), "event": "attempts-lost", "count": len(lost)}
            log.warning("attempts did not end within their leases, and are made again", extra=about)
        return bool(lost)

    def _settlement(self, message: ClaimedMessage, failure: Failure | None) -> Settlement:
        if failure is not None and failure.kind is FailureKind.INTERRUPTED:
            return Settlement(message.id, message.token, Result.RETRY, 0.0, failure.detail)
        decision = decide(message.attempts, failure, self._policy, random.random(), message.refusals)
        return self._recorded(message, decision, refused=failure is not None and failure.concerns_message)

    def _recorded(self, message: ClaimedMessage, decision: Decision, *, refused: bool = False) -> Settlement:
        self._observer.decided(message, decision)
        if isinstance(decision, Delivered):
            return Settlement(message.id, message.token, Result.DELIVERED)
        extra = {**self._where(), "message_id": message.message_id, "attempt": message.attempts, "why": decision.cause}
        if isinstance(decision, Dead):
            log.error("message became a dead letter", extra=extra)
            return Settlement(message.id, message.token, Result.DEAD, error=decision.cause)
        log.info("delivery failed, to be tried again", extra=extra)
        return Settlement(message.id, message.token, Result.RETRY, decision.seconds, decision.cause, refused)

    def _give_up(self) -> None:
        """Give back the leases of what has not ended in time; it may have reached the recipient, so it counts."""
        failure = Failure(FailureKind.INTERRUPTED, "the gateway stopped before the answer came")
        self._settlements += [self._settlement(job.message, failure) for job in self._posting.values()]
        for job in list(self._posting.values()):
            self._let_go(job)
        self._exchange()

    def _let_go(self, job: _Job) -> None:
        del self._posting[job.message.id]
        self._held.change(-len(job.message.content))

    def _where(self) -> dict[str, str]:
        return {"recipient": format_eui(self.destination.recipient), "channel": self.destination.channel}

    # --- the posting threads ------------------------------------------------------------------------------------

    def _post(self, jobs: queue.SimpleQueue[_Job | None]) -> None:
        while (job := jobs.get()) is not None:
            ended: _Attempted | _Job = _Attempted(job, _BROKEN, 0.0)
            try:
                ended = self._attempt(job)
            finally:  # whatever happened: the lane waits for every job that it gave out
                self._ended.put(ended)
                if self._ended.qsize() >= self._enough:
                    self._have_ended.set()

    def _attempt(self, job: _Job) -> _Attempted | _Job:
        """Try a message; or give the job back untried if that is no longer wanted."""
        started = monotonic()
        if self._stopping.requested.is_set() or started > job.start_before or self.breaker.allowance == 0:
            return job
        try:
            failure = self._sender.send(job.message)
        except Exception:
            log.exception("a sender failed", extra={**self._where(), "message_id": job.message.message_id})
            failure = _BROKEN
        seconds = monotonic() - started
        failpoint("delivery.after-post")
        self._judge(failure)
        self._observer.attempted(job.message, failure, seconds)
        return _Attempted(job, failure, seconds)

    def _judge(self, failure: Failure | None) -> None:
        # A recipient that refuses a message answers, so it is not down: the messages queued after it go on (F15, F18).
        if failure is None or failure.concerns_message:
            if self.breaker.succeeded():
                self._came_back = True
                log.info("recipient is back", extra=self._where())
                self._observer.breaker_changed(self.destination, False)
        elif failure.kind is not FailureKind.INTERRUPTED and self.breaker.failed(failure):
            log.warning("recipient is down", extra={**self._where(), "why": failure.detail})
            self._observer.breaker_changed(self.destination, True)
