"""When the hubs go that nothing but the automatic date moves: told a month before it, and with each new date since.

The newest word counts: a party to which a date was told is told every other one that takes its place, in the
transaction that brings it about (BR-3.4, BR-3.6).
"""

from __future__ import annotations

from duis_gateway.duis.alerts.firmware_deployment_plan import FirmwareDeploymentPlan
from duis_gateway.flow.reply import Alert
from duis_gateway.flow.tx import Moment
from duis_gateway.partners.bodies import Remaining
from duis_gateway.rollout.audience import suppliers_of_model
from duis_gateway.rollout.periods import instruction_in_time, one_month_before
from duis_gateway.rollout.plans.telling import Listeners, plan_messages
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import Release, ReleaseState
from duis_gateway.rollout.releases.rules import overtaken
from duis_gateway.rollout.rollout_decisions.records import ReleaseEvent

TOLD = "remaining hubs told"
"""No instruction is in time any more; its line has the time since when."""
MOVED = "remaining hubs told a later date"
"""They were told, and the date lies so far ahead now that instructions are in time again."""
_BY = "time"
_APPROVED = frozenset({ReleaseState.APPROVED, ReleaseState.PILOTING, ReleaseState.SAFE_LAUNCH})


def due(release: Release, moment: Moment) -> bool:
    """Whether it is to be told that no instruction for the release's date is in time any more.

    Not where a later release takes every hub first: what remains goes by that one, and is told under it.
    """
    closes = one_month_before(release.automatic_date)
    in_time = instruction_in_time(moment.now, release.automatic_date)
    if release.state not in _APPROVED or release.paused or in_time:
        return False
    last = history.newest(moment.conn, release.release_id, TOLD, MOVED)
    if last is not None and last.event != MOVED and last.at == closes:
        return False
    return not overtaken(release, releases.live(moment.conn))


def tell(release: Release, moment: Moment) -> None:
    """From now on no instruction is received in time: what is not planned goes at the automatic date (BR-3.4)."""
    _send(release, moment)
    _note(release, TOLD, moment)


def follow_the_date(before: Release, after: Release, moment: Moment) -> None:
    """Tell the automatic date anew where DCC has moved it and the one before was told, or this one is due."""
    if before.automatic_date == after.automatic_date:
        return
    if due(after, moment):
        tell(after, moment)
    elif history.newest(moment.conn, after.release_id, TOLD, MOVED) is not None:
        _send(after, moment)
        _note(after, MOVED, moment)


def _send(release: Release, moment: Moment) -> None:
    listeners = Listeners(moment)
    for party in listeners.partners.values():
        moment.send(plan_messages(party, release, (), Remaining(release.automatic_date), moment))
    concerned = suppliers_of_model(moment.conn, release.manufacturer, release.model)
    body = FirmwareDeploymentPlan(release.release_id, release.firmware_version, remaining=release.automatic_date)
    moment.send(Alert(supplier, body, release.release_id) for supplier in listeners.suppliers(concerned, release))


def _note(release: Release, event: str, moment: Moment) -> None:
    at = one_month_before(release.automatic_date) if event == TOLD else moment.now
    line = ReleaseEvent(release.release_id, at, event, release.state, release.paused, _BY)
    history.record(moment.conn, line)
