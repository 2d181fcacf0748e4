"""The releases that are over, or wait for DCC, and were for hubs that no release in flight is for: which, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from duis_gateway.duis.identifiers import eui_as_typed
from duis_gateway.rollout.eligibility import awaits_dcc, runs, unfit
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.lifecycle import Event
from duis_gateway.rollout.releases.records import Release, ReleaseState
from duis_gateway.rollout.rollout_decisions.records import ReleaseEvent
from duis_gateway.text.times import show_time

_ENDS = (Event.STOPPED, Event.WITHDRAWN, Event.REVOKED, Event.SUPERSEDED, Event.CLOSED, Event.SUCCESSOR_APPROVED)
_TOLD = frozenset(_ENDS) - {Event.CLOSED}
"""Ends whose reason suppliers are told (N72)."""


@dataclass(frozen=True, slots=True)
class OverRelease:
    """A release that is no longer in flight, and what ended it."""

    release: Release
    end: ReleaseEvent | None

    @property
    def by(self) -> str:
        """Who ended it, as the decision says; DCC's EUI-64 is nobody's affair."""
        return "DCC" if self.end is None or eui_as_typed(self.end.by) is not None else self.end.by

    @property
    def why(self) -> str:
        """The reason that suppliers were told, if there is one."""
        return (self.end.commentary or "") if self.end is not None and self.end.event in _TOLD else ""

    @property
    def how(self) -> str:
        """What became of it, when, by whom and why."""
        state = self.release.state
        became = "lost its pilot" if state is ReleaseState.INVALIDATED else f"was {state.value.replace('_', ' ')}"
        when = "" if self.end is None else f" on {show_time(self.end.at)} by {self.by}"
        return f"{became}{when}" + (f": {self.why}" if self.why else "")


class ReleasesOver:
    """The releases that are not in flight by model, the newest first; how each ended is read when it is asked for."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._ends: dict[str, ReleaseEvent | None] = {}
        by_model: defaultdict[tuple[str, str], list[Release]] = defaultdict(list)
        for one in releases.all_releases(conn):
            if not one.state.is_live:
                by_model[one.manufacturer, one.model].append(one)
        self._by_model: Mapping[tuple[str, str], Sequence[Release]] = by_model

    def of(self, hub: Hub) -> list[OverRelease]:
        """Return those that were for a hub: it could have moved by them, or runs their version."""
        mine = self._by_model.get((hub.manufacturer, hub.model), ())
        return [self._with_end(one) for one in mine if runs(hub, one) or unfit(hub, one) is None]

    def why_nothing(self, hub: Hub) -> str:
        """Say why nothing is planned for a hub that no release in flight is for, and on which one DCC has to decide."""
        found = self.of(hub)
        if not found:
            return NO_RELEASE
        newest = found[0]
        name = newest.release.release_id
        what = f"it runs the version of {name}, which" if runs(hub, newest.release) else f"{name}, which was for it,"
        waits = next((one for one in found if awaits_dcc(hub, one.release)), None)
        which = "it" if waits is newest else waits and f"{waits.release.release_id}, whose pilot was invalidated"
        return f"{NO_RELEASE}; {what} {newest.how}" + (f"; DCC has to decide on {which}" if which else "")

    def _with_end(self, release: Release) -> OverRelease:
        if release.release_id not in self._ends:
            self._ends[release.release_id] = history.newest(self._conn, release.release_id, *_ENDS)
        return OverRelease(release, self._ends[release.release_id])


NO_RELEASE = "no release in flight is for this device model"
