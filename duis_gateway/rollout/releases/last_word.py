"""What ended a release, or keeps it from going on, as its history has it: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from duis_gateway.duis.identifiers import eui_as_typed
from duis_gateway.rollout.releases.records import Release, ReleaseState
from duis_gateway.rollout.rollout_decisions.records import ReleaseEvent


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
    by = said.by if eui_as_typed(said.by) is None else "DCC"
    is_bad = release.state not in (ReleaseState.CLOSED, ReleaseState.SUPERSEDED)
    what = said.event.replace("_", " ").capitalize()
    return LastWord(what, said.at, by, said.commentary or "", is_bad)
