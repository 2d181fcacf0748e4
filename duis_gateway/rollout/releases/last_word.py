"""What ended a release, or keeps it from going on, and what stands until DCC decides on it: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from duis_gateway.duis.identifiers import eui_as_typed
from duis_gateway.rollout.releases.records import Release, ReleaseState
from duis_gateway.rollout.rollout_decisions.records import ReleaseEvent

PILOT_INVALIDATED_MEANS = (
    "The pilot is invalidated. Pending requests are void, and no new ones are accepted until DCC decides on the "
    "release: it is superseded or withdrawn, or proceeds with safe launch, for which hubs are instructed again."
)


@dataclass(frozen=True, slots=True)
class LastWord:
    """What ended a release, or keeps it from going on; `why` is "" where nothing was said."""

    what: str
    at: datetime
    by: str
    why: str
    is_bad: bool


def last_word(release: Release, events: Sequence[ReleaseEvent]) -> LastWord | None:
    """Return what brought a release to where it stands, if that is its end, a pause, or a pilot that is invalidated.

    All of them are DCC's: where no body that decided is named, DCC's own system said it.
    """
    if release.state.is_live and not release.paused:
        return None
    stands = (release.state, release.paused)
    since = list(takewhile(lambda one: (one.state, one.paused) == stands, reversed(events)))
    if not since:
        return None
    said = since[-1]
    by = said_by(said)
    is_bad = release.state not in (ReleaseState.CLOSED, ReleaseState.SUPERSEDED)
    what = said.event.replace("_", " ").capitalize()
    return LastWord(what, said.at, by, said.commentary or "", is_bad)


def said_by(event: ReleaseEvent) -> str:
    """Return who brought an event about, in words: where no body that decided is named, DCC's own system said it."""
    return event.by if eui_as_typed(event.by) is None else "DCC"


def until_decided(release: Release, awaited: bool, held: bool = False) -> str:
    """Return what stands until DCC has decided on a release, "" where it has nothing to decide on.

    Args:
        release: the release; where it is paused, or its pilot is invalidated, a decision is awaited in any case.
        awaited: there is something else that DCC has not decided on: a stage that failed, an incident, a pause.
        held: the pause that is proposed holds the plan meanwhile.
    """
    if release.state is ReleaseState.INVALIDATED:
        return PILOT_INVALIDATED_MEANS
    if release.state.is_over or not (awaited or release.paused):
        return ""
    if release.paused or held:
        return "Until DCC decides, no hub that is not active yet is updated."
    launch = " Safe launch begins by itself when the pilot ends." if release.state is ReleaseState.PILOTING else ""
    return f"Until DCC decides, the release goes on: hubs are updated as they are planned.{launch}"
