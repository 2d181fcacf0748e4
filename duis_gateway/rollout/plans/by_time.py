"""What time does to plans: periods end, and a month before the automatic date what remains is told to go then."""

from __future__ import annotations

from duis_gateway.flow.tx import Moment
from duis_gateway.rollout.activations import store as activations
from duis_gateway.rollout.plans import half_instructed, held, remaining, told
from duis_gateway.rollout.plans.deviations import missed
from duis_gateway.rollout.plans.replan import HUBS_AT_ONCE, replan
from duis_gateway.rollout.releases.effects import current
from duis_gateway.rollout.releases.records import Release
from duis_gateway.rollout.second_suppliers.handle import alerts_on_end


def plans_due(release: Release, moment: Moment) -> bool:
    """Whether time has ended the period of a hub, or the time for instructions."""
    return told.has_ended(moment.conn, release.release_id, moment.now) or remaining.due(release, moment)


def let_plans_pass(release_id: str, moment: Moment) -> bool:
    """Do what is due; return False if another process was faster."""
    release = current(moment, release_id)
    if release is None or not plans_due(release, moment):
        return False
    _end_periods(release, moment)
    if remaining.due(release, moment):
        remaining.tell(release, moment)
    return True


def _end_periods(release: Release, moment: Moment) -> None:
    """A hub of which nothing was reported in its period has missed it; without another plan it falls back (BR-3.6)."""
    for period, device_ids in told.ended(moment.conn, release.release_id, moment.now):
        for start in range(0, len(device_ids), HUBS_AT_ONCE):
            ended = device_ids[start : start + HUBS_AT_ONCE]
            reported = activations.reported_since(moment.conn, release.release_id, ended, period.start)
            silent = [device_id for device_id in ended if device_id not in reported]
            missed(moment, release, period, silent).tell(moment)
            replan(moment, release, ended)
    held.tell_ended(release, moment)
    for supplier, ids in half_instructed.tell_ended(release, moment).items():
        moment.send(alerts_on_end(release, supplier, ids, moment))
    told.drop_ended(moment.conn, release.release_id, moment.now)
