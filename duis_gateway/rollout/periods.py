"""Business time: calendar months, the dates that follow from a notice, and which periods can be (design section 7).

Every time is an aware UTC datetime. A month is a calendar month: one month before 31 March is the last
day of February, at the same time of day.
"""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement

from duis_gateway.rollout.releases.records import Period, Release, ReleaseState, Stage

MONTHS_TO_AUTOMATIC_DATE = 6
"""BR-1.2: the automatic date is normally six months after the notice."""

MONTHS_OF_WARNING = 1
"""BR-3.4: an instruction arrives at least one month before the automatic date."""


def add_months(at: datetime, months: int) -> datetime:
    """Return the same day and time `months` calendar months later (earlier if negative).

    Where that month is too short the last day of it is taken.

    Raises:
        ValueError: the year leaves the range 1 to 9999.
    """
    index = at.year * 12 + at.month - 1 + months
    year, month = divmod(index, 12)
    last_day = calendar.monthrange(year, month + 1)[1] if 1 <= year <= 9999 else at.day
    return at.replace(year=year, month=month + 1, day=min(at.day, last_day))


def one_month_before(at: datetime) -> datetime:
    """Return the last moment at which an instruction for something due at `at` is in time (BR-3.4)."""
    return add_months(at, -MONTHS_OF_WARNING)


def automatic_date(notified_at: datetime, given: datetime | None) -> datetime:
    """Return when DCC deploys the firmware by itself: as given, or six months after the notice (BR-1.2)."""
    return given if given is not None else add_months(notified_at, MONTHS_TO_AUTOMATIC_DATE)


def instruction_in_time(received_at: datetime, automatic: datetime) -> bool:
    """Whether an instruction received now may still name an earlier period (BR-3.4; one second late is late)."""
    return received_at <= one_month_before(automatic)


def is_over(period: Period, at: datetime) -> bool:
    """Whether a period has passed: it is over at its end (`LatestEnd`), for whatever is told, checked or accepted."""
    return period.end <= at


def is_over_sql(ends: ColumnElement[datetime], at: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """Return the condition of `is_over`, by the column with the end of a period."""
    return ends <= at


def to_come_sql(ends: ColumnElement[datetime], at: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """Return the condition that a period is not over, by the column with its end."""
    return ends > at


def just_before(at: datetime) -> datetime:
    """Return the last moment before another, such as the last one of a period that ends there."""
    return at - timedelta(microseconds=1)


def is_empty(period: Period) -> bool:
    """Whether nothing can be done within a period, as it ends when it starts, or before: it is refused everywhere."""
    return period.end <= period.start


def ends_before(period: Period, automatic: datetime) -> bool:
    """Whether a period is earlier than the automatic date: it has ended when that date comes (BR-3.1, BR-4.2)."""
    return period.end < automatic


def starts_within(period: Period, span: Period) -> bool:
    """Whether a period starts in a span of time; where the span ends, the next begins."""
    return span.start <= period.start < span.end


def stage_time(release: Release, stage: Stage) -> Period | None:
    """Return when hubs are updated in a stage of a release, or None if it has no such stage.

    The pilot has its own period; safe launch comes after it (PIA 2.4.3), and ends before the automatic date.
    """
    pilot = release.pilot
    if stage is Stage.PILOT:
        return None if pilot is None else pilot.period
    if pilot is None or release.state is ReleaseState.SAFE_LAUNCH:
        return Period(release.notified_at, release.automatic_date)
    return Period(pilot.period.end, release.automatic_date)


def safe_launch_opens(release: Release, now: datetime) -> datetime | None:
    """Return when hubs may be updated in safe launch at the earliest, None if nothing stands in the way any more.

    That is the end of the pilot. A release in safe launch has left its pilot, whatever its period was.
    """
    pilot = release.pilot
    if pilot is None or release.state is ReleaseState.SAFE_LAUNCH or is_over(pilot.period, now):
        return None
    return pilot.period.end
