"""Reminders before the dates of a release, by email: what each party has not done yet, once for each date (BR-5.4).

A date that was close already when the release was announced is in the announcement, and nobody is reminded of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from duis_gateway.flow.tx import Moment
from duis_gateway.outbox.emails.reminder import reminder
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.audience import known
from duis_gateway.rollout.deadlines.dates import dates_of
from duis_gateway.rollout.deadlines.rules import Deadline, Task, TaskState
from duis_gateway.rollout.deadlines.view import remaining_then, tasks_of_everybody
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.effects import TIME
from duis_gateway.rollout.releases.records import Release
from duis_gateway.rollout.releases.rules import last_to_instruct
from duis_gateway.rollout.rollout_decisions.records import ReleaseEvent


def date_near(release: Release, moment: Moment, before: timedelta) -> datetime | None:
    """Return the next date that is so close that its parties are to be reminded and were not yet, None if none is."""
    for date in dates_of(release):
        near = release.notified_at < date - before <= moment.now < date
        if near and history.newest(moment.conn, release.release_id, _event(date)) is None:
            return date
    return None


def due_at(release: Release, date: datetime, moment: Moment) -> tuple[Deadline, ...]:
    """Return what is due at that date; counting the hubs of millions takes a while, and changes nothing.

    What is void has to be instructed anew by then, and split hubs while the other half lasts. At the automatic date the
    CSPs update what remains, which is no task of theirs before.
    """
    found = tasks_of_everybody(moment.conn, release, moment.now)
    if date == release.automatic_date:
        found += remaining_then(moment.conn, release, moment.now)
    return tuple(one for one in found if _by(date, one, release) and one.standing(moment.now) in _CAN_BE_DONE)


_CAN_BE_DONE = (TaskState.OPEN, TaskState.VOID, TaskState.NOT_TOLD)


def _by(date: datetime, one: Deadline, release: Release) -> bool:
    """Whether a task is to be done by this date: on it, or of split hubs before, as the other halves end earlier."""
    ends_earlier = one.kind is PartyKind.SUPPLIER and one.task in (Task.INSTRUCT_SPLIT_HUBS, Task.INSTRUCT_ANEW)
    return one.due == date or (ends_earlier and date == last_to_instruct(release))


def remind(release_id: str, date: datetime, due: Sequence[Deadline], before: timedelta, moment: Moment) -> bool:
    """Remind each party of what it has not done; return False if another process was faster, or the date has moved."""
    moment.exclude_others(release_id)
    release = releases.find(moment.conn, release_id)
    if release is None or not release.state.is_live or date_near(release, moment, before) != date:
        return False
    line = ReleaseEvent(release_id, moment.now, _event(date), release.state, release.paused, TIME)
    history.record(moment.conn, line)
    theirs: defaultdict[int, list[Deadline]] = defaultdict(list)
    for one in due:
        theirs[one.party].append(one)
    told = _parties(theirs, moment)
    moment.send(reminder(release, told[eui], date, theirs[eui]) for eui in sorted(theirs.keys() & told))
    return True


def _parties(wanted: Iterable[int], moment: Moment) -> dict[int, Party]:
    partners = (*moment.registered(PartyKind.CSP), *moment.registered(PartyKind.DCC))
    return known(moment.conn, wanted) | {party.eui: party for party in partners}


def _event(date: datetime) -> str:
    return f"reminded of {date:%Y-%m-%dT%H:%M:%SZ}"
