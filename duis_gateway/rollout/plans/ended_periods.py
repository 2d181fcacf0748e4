"""What happens to plans when their periods end: done by the scheduler, and before anything is decided on a release."""

from __future__ import annotations

from duis_gateway.flow.tx import Moment
from duis_gateway.rollout.activations import store as activations
from duis_gateway.rollout.plans import half_instructed, held, told
from duis_gateway.rollout.plans.deviations import missed
from duis_gateway.rollout.plans.replan import HUBS_AT_ONCE, replan
from duis_gateway.rollout.releases.records import Release, ReleaseState
from duis_gateway.rollout.second_suppliers.handle import alerts_on_end


def end_periods(release: Release, moment: Moment) -> None:
    """Tell of every period that has ended and was not looked at since; the caller has the lock of the release.

    A hub of which nothing was reported in its period has missed it; without another plan it falls back (BR-3.6). Where
    the release was not approved by then, its CSP could not update it: it was passed over by nobody.
    """
    if not release.state.is_live or not told.has_ended(moment.conn, release.release_id, moment.now):
        return
    for period, device_ids in told.ended(moment.conn, release.release_id, moment.now):
        for start in range(0, len(device_ids), HUBS_AT_ONCE):
            ended = device_ids[start : start + HUBS_AT_ONCE]
            if release.state is not ReleaseState.NOTIFIED:
                reported = activations.reported_since(moment.conn, release.release_id, ended, period.start)
                silent = [device_id for device_id in ended if device_id not in reported]
                missed(moment, release, period, silent).tell(moment)
            replan(moment, release, ended)
    held.tell_ended(release, moment)
    for supplier, ids in half_instructed.tell_ended(release, moment).items():
        moment.send(alerts_on_end(release, supplier, ids, moment))
    told.drop_ended(moment.conn, release.release_id, moment.now)
