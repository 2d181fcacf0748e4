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
    CHOSEN = "Chosen"
    """DCC had chosen it on its supplier's behalf (`PilotSelection`), which stands so no more."""
    BATCH = "Batch"
    """DCC had instructed it by itself (`BatchInstruction`), which stands so no more; `OF_DCC`, and no supplier's."""
    ENDED = "Ended"
    """The instruction ended, a supplier's or DCC's batch; the event's word says how."""
    CHOICE_ENDED = "ChoiceEnded"
    """What DCC had chosen on its supplier's behalf ended; the event's word says how."""
    VOID = "Void"
    """The supplier was told that the plan is void; the event's word is the reason.

    `OF_DCC`: a batch that had planned nothing, as another counted in its place, is void; or the hub has no supplier,
    and its CSP and DCC alone were told.
    """
    PLANNED = "Planned"
    """The supplier was told of the plan, new or again, as DCC proceeded with a release that was paused."""
    OFF_PLAN = "OffPlan"
    """The supplier was told of a deviation; the event's word is its kind. `OF_DCC`: as of what is void."""
    UNDER_WAY = "UnderWay"
    """It moved already when its release was paused, by whatever plan; kept until the pause ends, and in no history."""


OF_DCC = 0
"""Whose DCC's batches are, in the place of a supplier: no party has this EUI-64. Whoever has the hub may see them."""

TAKEN_BACK = "TakenBack"
"""The word of an instruction that its supplier cancelled, or sent again without the hub; or DCC what it instructed."""

DATE_TAKEN_BACK = "DateTakenBack"
"""The word of a batch that DCC took back and that planned nothing, so that nothing is void.

It was for the automatic date, or a newer batch counted in its place.
"""

DATE_ENDED = "DateEnded"
"""The word of such a batch that ended with its release."""

OFF_THE_LIST = "OffTheList"
"""The word of an instruction that ended with a preferred list which does not name the hub any more."""

ON_THE_LIST = "OnTheList"
"""The word of a SafeLaunch instruction that ended with a preferred list which puts the hub into the pilot."""


PROTECTED = "Protected"
"""The word of an instruction that ended as its supplier named the hub again while it protected it."""

NOT_ACCEPTED = "NotAccepted"
"""The word of an instruction that ended as its supplier named the hub again, and the hub was not accepted any more."""


@dataclass(frozen=True, slots=True)
class Ending:
    """When instructions end, and how: in one of the words above, or in that of a `VoidReason`."""

    at: datetime
    word: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How and when the last instruction of a hub ended: in one of the words above, or in that of a `VoidReason`.

    `by_dcc`: it was DCC's choice on its supplier's behalf. `end`: of its period, where that had passed by then.
    `reason`: for which its CSP had refused it, in its own words, where that is known of all its hubs.
    """

    word: str
    at: datetime
    by_dcc: bool = False
    end: datetime | None = None
    reason: str | None = None

    @property
    def over(self) -> bool:
        """Whether its period had passed by then."""
        return self.end is not None

    @property
    def since(self) -> datetime:
        """From when on it moved the hub no more: the end of its period, where that came first."""
        return self.end or self.at


@dataclass(frozen=True, slots=True)
class HubEvent:
    """What happened to hubs, as far as one of their suppliers is concerned.

    Attributes:
        release_id: the release under which it happened.
        supplier: whose instruction it was, for whom DCC chose, or who was told. No other supplier may see it. `OF_DCC`
            for what DCC instructed by itself.
        what: what happened.
        at: when.
        noted_at: when it was noted here, which is when it ended.
        stage: the stage of the supplier's group.
        group_id: the group's name.
        period: the period instructed, fixed or missed; of what ended, where it had passed by then.
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


@dataclass(frozen=True, slots=True)
class ToldDeviation:
    """What deviation of a hub a supplier was told of: its kind, and when the planned period began, if there was one."""

    supplier: int
    kind: str
    since: datetime | None = None
