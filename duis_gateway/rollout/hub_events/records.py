"""Events in the history of hubs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from duis_gateway.rollout.releases.records import Period, Stage


class Happened(StrEnum):
    """What happened to hubs. What stands still is in its own tables, and no event yet."""

    INSTRUCTED = "Instructed"
    """Its supplier had instructed it, in a group that stands so no more."""
    DECIDED = "Decided"
    """Its CSP had decided on the group that it was in."""
    ENDED = "Ended"
    """The instruction ended; the event's word says how."""
    VOID = "Void"
    """The supplier was told that the plan is void; the event's word is the reason."""
    OFF_PLAN = "OffPlan"
    """The supplier was told of a deviation; the event's word is its kind."""


TAKEN_BACK = "TakenBack"
"""The word of an instruction that its supplier cancelled, or sent again without the hub."""

OFF_THE_LIST = "OffTheList"
"""The word of an instruction that ended with a preferred list which does not name the hub any more."""

ON_THE_LIST = "OnTheList"
"""The word of a SafeLaunch instruction that ended with a preferred list which puts the hub into the pilot."""


@dataclass(frozen=True, slots=True)
class Ending:
    """When instructions end, and how: in one of the words above, or in that of a `VoidReason`."""

    at: datetime
    word: str


@dataclass(frozen=True, slots=True)
class HubEvent:
    """What happened to hubs, as far as one of their suppliers is concerned.

    Attributes:
        release_id: the release under which it happened.
        supplier: whose instruction it was, or who was told. No other supplier may see it.
        what: what happened.
        at: when.
        noted_at: when it was noted here, which is when it ended.
        stage: the stage of the supplier's group.
        group_id: the group's name.
        period: the period instructed, fixed or missed.
        word: what more there is to say, in a word for programs.
        reason: a CSP's reason, in its own words.
    """

    release_id: str
    supplier: int
    what: Happened
    at: datetime
    noted_at: datetime
    stage: Stage | None = None
    group_id: str | None = None
    period: Period | None = None
    word: str | None = None
    reason: str | None = None
