"""The dates at which something is due under a release: pure."""

from __future__ import annotations

from datetime import datetime

from duis_gateway.rollout.obligations.rules import due_date
from duis_gateway.rollout.releases.records import Release
from duis_gateway.rollout.releases.rules import last_for_the_pilot, last_to_instruct


def dates_of(release: Release) -> tuple[datetime, ...]:
    """Return the dates at which something is due under a release, in order."""
    dates = {last_to_instruct(release), release.automatic_date}
    if release.pilot is not None:
        dates |= {release.pilot.period.start, release.pilot.period.end}
        dates |= {last_for_the_pilot(release) or release.pilot.period.end}
        dates |= {due_date(release.pilot)} if release.obligations else set()
    return tuple(sorted(dates))


def put_into_the_past(before: Release | None, after: Release, now: datetime) -> tuple[datetime, ...]:
    """Return the dates that a notice sets and that are past as it comes: nobody ever has had that time.

    What was due then before the notice, too, was due.
    """
    known = () if before is None else dates_of(before)
    return tuple(date for date in dates_of(after) if date < now and date not in known)
