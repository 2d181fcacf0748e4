"""One hub: what it runs, who is responsible, what is planned and why, and all that happened to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from sqlalchemy import Connection

from duis_gateway.operations.console import search
from duis_gateway.operations.console.search import Line, Way
from duis_gateway.operations.console.waiting import Why, whys
from duis_gateway.outbox import view as outbox_view
from duis_gateway.outbox.not_arrived import NotArrived
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.activations import store as activations
from duis_gateway.rollout.activations.records import OutcomeStage
from duis_gateway.rollout.activations.store import RecordedOutcome
from duis_gateway.rollout.deadlines.not_told import not_told_of_hub, outcomes_of_hub
from duis_gateway.rollout.deadlines.of_hub import tasks_of_hub
from duis_gateway.rollout.deadlines.rules import Deadline
from duis_gateway.rollout.estate.history import history_rows
from duis_gateway.rollout.estate.hub_by_hub import hub_on_a_page
from duis_gateway.rollout.estate.over import OverRelease, ReleasesOver
from duis_gateway.rollout.estate.rules import HubState
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans.rules import HubPlan
from duis_gateway.rollout.plans.view import plans_and_not_told, releases_for
from duis_gateway.rollout.releases.records import Release

OPERATOR = Party(0, PartyKind.DCC, "")
"""Whoever looks at the console sees what DCC may see: everything."""

_LINKED = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a CSP reported of the hub, and the message that brought it, where it is found."""

    recorded: RecordedOutcome
    message: Line | None


@dataclass(frozen=True, slots=True)
class HubPage:
    """A hub with its plan under each live release, its history, what was told about it alone, and what was for it.

    `not_told`: what its CSP and its suppliers should know of it, and has not arrived. `whys`: why what was told about
    it alone (`told`) has not, by message. `tasks`: whose turn it is with it. `told_of`: when the version was activated
    of which its suppliers were told last, None if no CSP has reported that; `not_told_of`: those of them whom a message
    about what became of it has not reached.
    """

    hub: Hub
    told_of: datetime | None
    not_told_of: Sequence[int]
    standing: Mapping[str, object]
    plans: Sequence[tuple[Release, HubPlan]]
    outcomes: Sequence[Outcome]
    history: Sequence[Mapping[str, object]]
    told: Sequence[Line]
    not_told: Sequence[NotArrived]
    over: Sequence[OverRelease]
    whys: Mapping[int, Why]
    tasks: Sequence[Deadline]


def page_of(conn: Connection, device_id: int, now: datetime, relay: bool) -> HubPage | None:
    """Return a hub's page; None if it is not in the inventory. `relay`: there is one for emails."""
    hub, standing = hubs.get(conn, device_id), hub_on_a_page(conn, OPERATOR, device_id, now)
    if hub is None or standing is None:
        return None
    outcomes = activations.outcomes_of(conn, device_id)
    live = releases_for(conn, hub)
    told = search.sent(outbox_view.about_hub(conn, device_id))
    outcomes_not_told = outcomes_of_hub(conn, hub)
    is_active = standing["state"] == HubState.ACTIVATED
    return HubPage(
        hub,
        _told_of(hub, outcomes),
        sorted({one.recipient for one in outcomes_not_told}),
        standing,
        plans_and_not_told(conn, hub, live, now),
        [_linked(conn, one, place < _LINKED) for place, one in enumerate(outcomes)],
        history_rows(conn, OPERATOR, device_id),
        told,
        [
            *([] if is_active else not_told_of_hub(conn, hub, [one.release_id for one in live])),
            *outcomes_not_told,
        ],
        ReleasesOver(conn).of(hub),
        whys(conn, [one.id for one in told if one.state != "delivered"], relay),
        tasks_of_hub(conn, hub, now),
    )


def _told_of(hub: Hub, outcomes: Sequence[RecordedOutcome]) -> datetime | None:
    """The first of the newest successes of this version: a repeat raises no N64, and a failure has its own time."""
    activated = (
        one.outcome for one in outcomes if one.outcome.success and one.outcome.stage is OutcomeStage.ACTIVATION
    )
    of_version = list(takewhile(lambda one: one.firmware_version == hub.told_version, activated))
    return of_version[-1].completed_at if of_version else None


def _linked(conn: Connection, one: RecordedOutcome, looked_up: bool) -> Outcome:
    found = search.received_at(conn, Way.PARTNERS, one.csp, one.received_at) if looked_up else None
    return Outcome(one, found)
