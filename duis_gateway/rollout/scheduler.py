"""What is due by the business clock is done, once, whatever number of processes looks (design sections 5 and 7).

Nothing is remembered except in the store: what is due is found from the releases as they stand, and checked again
inside the transaction that does it, where other processes are kept out. So anything that fell due while nothing was
running is done when a process next runs, and a process that dies half-way has done nothing. Whatever fails is retried
with growing delays (`setbacks`), counted, and flagged to the operator once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from duis_gateway.errors import GatewayError
from duis_gateway.flow.tx import Moment
from duis_gateway.machine.recurring import Recurring
from duis_gateway.operations import flags
from duis_gateway.outbox.setbacks import Setbacks
from duis_gateway.rollout.deadlines import reminders
from duis_gateway.rollout.moments import Moments
from duis_gateway.rollout.obligations import by_time
from duis_gateway.rollout.plans.by_time import let_plans_pass, plans_due
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import Release

log = logging.getLogger(__name__)

POLL = 1.0
"""Seconds between two looks at what is due; a change of a release brings the next look at once."""


NOT_DONE = "not done in time"
"""The kind of the flag on what failed."""

STAGE, PLANS, OBLIGATIONS, REMINDERS, LOOK = "stage", "plans", "obligations", "reminders", "look"
BY_TIME = (STAGE, PLANS, OBLIGATIONS, REMINDERS, LOOK)
"""What can fail, as the metrics name it; the last is the look at all releases."""

_Task = Callable[[Moment], bool]
"""Does one thing in a transaction; False if another process was faster."""


@dataclass(frozen=True, slots=True)
class _Due:
    """One thing that has to be done, and what the transaction has to do for it."""

    release: Release
    what: str
    do: _Task

    @property
    def name(self) -> tuple[str, str]:
        return self.release.release_id, self.what


@dataclass(frozen=True, slots=True)
class Agenda:
    """Does what is due at the moment that the clock shows; `failed` is told what failed, each time."""

    moments: Moments
    remind_before: timedelta | None = None
    failed: Callable[[str], None] = lambda _what: None
    setbacks: Setbacks = field(default_factory=Setbacks)

    def run(self) -> int:
        """Do everything that is due, and return how many things this process did.

        Without a usable signing key nothing is done: what would have to be sent could not be signed. A release with
        which something is wrong holds up no other.

        Raises:
            NotDurable: the database cannot be read.
        """
        if self.moments.signer() is None:
            return 0
        store, now = self.moments.store, self.moments.clock.now()
        with store.read() as conn:
            found = list(self._look(Moment(conn, now, store.lock_release)))
        return sum(self._do(one, now) for one in found)

    def _look(self, moment: Moment) -> Iterator[_Due]:
        for release in releases.live(moment.conn):
            tasks = ((STAGE, _stage), (PLANS, _plans), (OBLIGATIONS, _obligations), (REMINDERS, self._reminders))
            for what, task_of in tasks:
                if not self.setbacks.may_try((release.release_id, what), release):
                    continue
                try:
                    task = task_of(release, moment)
                except (GatewayError, SQLAlchemyError):
                    raise
                except Exception as error:
                    task = partial(_fail, error)
                if task is not None:
                    yield _Due(release, what, task)

    def _reminders(self, release: Release, moment: Moment) -> _Task | None:
        before = self.remind_before
        date = None if before is None else reminders.date_near(release, moment, before)
        if before is None or date is None:
            return None
        return partial(reminders.remind, release.release_id, date, reminders.due_at(release, date, moment), before)

    def _do(self, one: _Due, now: datetime) -> bool:
        try:
            with self.moments.open(now) as moment:
                done = one.do(moment)
        except Exception as error:
            self._not_done(one, error, now)
            return False
        self.setbacks.succeeded(one.name)
        if done:
            log.info("done in time", extra={"event": "done-in-time", **_about(one)})
        return done

    def _not_done(self, one: _Due, error: Exception, now: datetime) -> None:
        failures = self.setbacks.failed(one.name, one.release)
        # What the database refuses may go well the next time; anything else is a defect of ours.
        defect = not isinstance(error, GatewayError)
        about = {"event": "not-done-in-time", **_about(one), "failures": failures}
        level = logging.ERROR if defect else logging.WARNING
        log.log(level, "%s", error, exc_info=error if defect else None, extra=about)
        self.failed(one.what)
        subject = f"{one.release.release_id} {one.what} ({one.release.state.value})"
        text = f"{type(error).__name__}; it will be retried with growing delays; see the log"
        try:
            with self.moments.store.write() as conn:
                self.moments.store.lock_release(conn, subject)
                flags.raise_once(conn, NOT_DONE, subject, now, text)
        except (GatewayError, SQLAlchemyError) as problem:
            log.warning("no flag could be raised: %s", problem, extra=about)


def _stage(release: Release, moment: Moment) -> _Task | None:
    return partial(by_time.begin_stages, release.release_id) if by_time.stage_due(release, moment) else None


def _plans(release: Release, moment: Moment) -> _Task | None:
    return partial(let_plans_pass, release.release_id) if plans_due(release, moment) else None


def _obligations(release: Release, moment: Moment) -> _Task | None:
    if not by_time.obligations_due(release, moment):
        return None
    return partial(by_time.report_missed, release.release_id, by_time.count_missed(release, moment))


def _fail(error: Exception, _moment: Moment) -> bool:
    raise error


def _about(one: _Due) -> dict[str, str]:
    return {"release": one.release.release_id, "what": one.what}


class Scheduler(Recurring):
    """A thread that runs the agenda, every second and whenever it is woken; `beside` is called each time."""

    def __init__(self, agenda: Agenda, poll: float = POLL, beside: Callable[[], None] = lambda: None) -> None:
        super().__init__("scheduler", poll)
        self._agenda = agenda
        self._beside = beside
        self._failing = False

    def do_what_is_due(self) -> int:
        """Do in this thread, and now, what is due; return how many things that was (NotDurable as `Agenda.run`)."""
        return self._agenda.run()

    def _run(self) -> None:
        """Look once; of a look that fails again and again the first failure alone is logged."""
        try:
            self._agenda.run()
            self._beside()
        except Exception as error:
            self._agenda.failed(LOOK)
            if not self._failing:
                defect = not isinstance(error, GatewayError)
                level = logging.ERROR if defect else logging.WARNING
                about = {"event": "scheduler-failing"}
                log.log(level, "the scheduler keeps trying: %s", error, exc_info=defect, extra=about)
            self._failing = True
            return
        if self._failing:
            log.info("the scheduler works again", extra={"event": "scheduler-works"})
        self._failing = False
