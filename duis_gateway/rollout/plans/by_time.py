"""What time does to plans: periods end, and a month before the automatic date what remains is told to go then."""

from __future__ import annotations

from duis_gateway.flow.tx import Moment
from duis_gateway.rollout.plans import remaining, told
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.effects import current
from duis_gateway.rollout.releases.records import Release


def plans_due(release: Release, moment: Moment) -> bool:
    """Whether time has ended the period of a hub, or the time for instructions."""
    return told.has_ended(moment.conn, release.release_id, moment.now) or remaining.due(release, moment)


def let_plans_pass(release_id: str, moment: Moment) -> bool:
    """Do what is due; return False if another process was faster."""
    moment.exclude_others(release_id)
    standing = releases.find(moment.conn, release_id)
    was_due = standing is not None and plans_due(standing, moment)
    release = current(moment, release_id)
    if release is not None and remaining.due(release, moment):
        remaining.tell(release, moment)
    return was_due
