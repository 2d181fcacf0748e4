"""What time does to plans: periods end, and a month before the automatic date no instruction can come any more."""

from __future__ import annotations

from duis_gateway.duis.alerts.firmware_deployment_plan import FirmwareDeploymentPlan
from duis_gateway.flow.reply import Alert
from duis_gateway.flow.tx import Moment
from duis_gateway.partners.bodies import Remaining
from duis_gateway.rollout.activations import store as activations
from duis_gateway.rollout.audience import suppliers_of_model
from duis_gateway.rollout.periods import one_month_before
from duis_gateway.rollout.plans import told
from duis_gateway.rollout.plans.deviations import missed
from duis_gateway.rollout.plans.replan import HUBS_AT_ONCE, replan
from duis_gateway.rollout.plans.telling import Listeners, plan_messages
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases.effects import TIME, current
from duis_gateway.rollout.releases.records import Release, ReleaseState
from duis_gateway.rollout.rollout_decisions.records import ReleaseEvent

REMAINING_TOLD = "remaining hubs told"
_APPROVED = frozenset({ReleaseState.APPROVED, ReleaseState.PILOTING, ReleaseState.SAFE_LAUNCH})


def plans_due(release: Release, moment: Moment) -> bool:
    """Whether time has ended the period of a hub, or the time for instructions."""
    return told.has_ended(moment.conn, release.release_id, moment.now) or _remaining_due(release, moment)


def _remaining_due(release: Release, moment: Moment) -> bool:
    closes = one_month_before(release.automatic_date)
    if release.state not in _APPROVED or release.paused or moment.now < closes:
        return False
    last = history.newest(moment.conn, release.release_id, REMAINING_TOLD)
    return last is None or last.at != closes


def let_plans_pass(release_id: str, moment: Moment) -> bool:
    """Do what is due; return False if another process was faster."""
    release = current(moment, release_id)
    if release is None or not plans_due(release, moment):
        return False
    _end_periods(release, moment)
    if _remaining_due(release, moment):
        _tell_remaining(release, moment)
    return True


def _end_periods(release: Release, moment: Moment) -> None:
    """A hub of which nothing was reported in its period has missed it; without another plan it falls back (BR-3.6)."""
    for period, device_ids in told.ended(moment.conn, release.release_id, moment.now):
        for start in range(0, len(device_ids), HUBS_AT_ONCE):
            ended = device_ids[start : start + HUBS_AT_ONCE]
            reported = activations.reported_since(moment.conn, release.release_id, ended, period.start)
            silent = [device_id for device_id in ended if device_id not in reported]
            moment.send(missed(moment, release, period, silent).sends())
            replan(moment, release, ended)
    told.drop_ended(moment.conn, release.release_id, moment.now)


def _tell_remaining(release: Release, moment: Moment) -> None:
    """From now on no instruction is received in time: what is not planned goes at the automatic date (BR-3.4)."""
    listeners = Listeners(moment)
    for party in listeners.partners.values():
        moment.send(plan_messages(party, release, (), Remaining(release.automatic_date), moment))
    concerned = suppliers_of_model(moment.conn, release.manufacturer, release.model)
    body = FirmwareDeploymentPlan(release.release_id, release.firmware_version, remaining=release.automatic_date)
    moment.send(Alert(supplier, body, release.release_id) for supplier in listeners.suppliers(concerned, release))
    closes = one_month_before(release.automatic_date)
    line = ReleaseEvent(release.release_id, closes, REMAINING_TOLD, release.state, release.paused, TIME)
    history.record(moment.conn, line)
