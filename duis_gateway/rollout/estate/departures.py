"""Which hubs departed from their plan under a release, as the status and the estate say it: read a chunk at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from duis_gateway.rollout.deadlines.scopes import given_way, live_releases
from duis_gateway.rollout.estate.prospects import judged_prospects
from duis_gateway.rollout.estate.rules import departed
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans.records import DeviationKind
from duis_gateway.rollout.releases.records import Release


class Departures:
    """How hubs departed from their plan under one release: what is the same for all of them is read once.

    Each is of one release alone, so that it is looked at under every one that can have it.
    """

    def __init__(self, conn: Connection, release: Release, now: datetime, viewer: int | None) -> None:
        self._conn = conn
        self._release_id = release.release_id
        self._model = (release.manufacturer, release.model)
        self._viewer = viewer
        live, gone = (
            [one for one in every if (one.manufacturer, one.model) == self._model]
            for every in (live_releases(conn), given_way(conn))
        )
        self._shared = [plans.of_release(conn, one, now) for one in (*live, *gone)]
        self._live = len(live)

    def among(self, chunk: Sequence[Hub]) -> Mapping[int, DeviationKind]:
        """Return those of some thousand hubs, with how."""
        own = [one for one in chunk if (one.manufacturer, one.model) == self._model]
        under = [judged_prospects(self._conn, one, own, self._viewer) for one in self._shared]
        found: dict[int, DeviationKind] = {}
        for hub, *prospects in zip(own, *under, strict=True):
            one = departed(prospects[: self._live], prospects[self._live :])
            if one is not None and one.off_plan is not None and one.release.release_id == self._release_id:
                found[hub.device_id] = one.off_plan
        return found
