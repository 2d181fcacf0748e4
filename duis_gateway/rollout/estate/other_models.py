"""Hubs that were planned under a release for another model than the inventory has them with now: shown as told (X09).

The inventory was corrected, or the hub was exchanged under its EUI-64. No release for the model that it has now says
why what was instructed is void; the one under which it was told so does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from duis_gateway.rollout.deadlines.scopes import given_way, live_releases
from duis_gateway.rollout.estate import eligible_hubs as estate
from duis_gateway.rollout.estate.eligible_hubs import Scope
from duis_gateway.rollout.estate.prospects import judged_prospects
from duis_gateway.rollout.estate.rules import Prospect
from duis_gateway.rollout.hub_events import store as events
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans.records import VoidReason
from duis_gateway.rollout.releases.records import Release


class OtherModels:
    """What was planned for hubs under releases in flight, or given way to, for models that they no longer have.

    For the eyes of a supplier (`viewer`), or of all others (None). Where nobody was told of any, nothing is looked at.
    """

    def __init__(self, conn: Connection, now: datetime, viewer: int | None) -> None:
        self._conn = conn
        self._now = now
        self._viewer = viewer
        every = ((one, events.told_void(conn, one.release_id, VoidReason.OTHER_MODEL)) for one in _releases(conn))
        self._told = [(release, heads) for release, heads in every if heads]

    def hubs(self, scope: Scope) -> Iterator[list[Hub]]:
        """Yield the hubs of an estate of which anybody was told so, whatever model they have now, in chunks."""
        if self._told:
            releases = [release for release, _ in self._told]
            yield from estate.told_void(self._conn, scope, releases, VoidReason.OTHER_MODEL)

    def prospects(self, chunk: Sequence[Hub]) -> Mapping[int, list[Prospect]]:
        """Return what these hubs, some thousand, were planned for, by hub, the newest release first."""
        found: defaultdict[int, list[Prospect]] = defaultdict(list)
        for release, heads in self._told:
            model = (release.manufacturer, release.model)
            others = {one.device_id: one for one in chunk if (one.manufacturer, one.model) != model}
            told = events.told_void_of(self._conn, heads, others)
            if told:
                own = [others[one] for one in told]
                shared = plans.of_release(self._conn, release, self._now)
                judged = judged_prospects(self._conn, shared, own, self._viewer)
                for hub, one in zip(own, judged, strict=True):
                    if one.void is VoidReason.OTHER_MODEL:
                        found[hub.device_id].append(one)
        return found


def _releases(conn: Connection) -> Iterator[Release]:
    yield from live_releases(conn)
    yield from given_way(conn)
