"""Which hubs departed from their plan, and under which release, as the status says it: read a chunk at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from duis_gateway.rollout.deadlines.scopes import given_way, live_releases
from duis_gateway.rollout.estate.prospects import judged_prospects
from duis_gateway.rollout.estate.rules import departed
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans.records import DeviationKind


class Departure(NamedTuple):
    """How a hub departed from its plan, and under which release."""

    release_id: str
    kind: DeviationKind


class Departures:
    """How hubs of a device model departed from their plans: what is the same for all of them is read once.

    Each hub departed under one release alone, so that it is looked at under every one that can have it.
    """

    def __init__(self, conn: Connection, device_model: tuple[str, str], now: datetime, viewer: int | None) -> None:
        self._conn = conn
        self._model = device_model
        self._viewer = viewer
        live, gone = (
            [one for one in every if (one.manufacturer, one.model) == self._model]
            for every in (live_releases(conn), given_way(conn))
        )
        self._shared = [plans.of_release(conn, one, now) for one in (*live, *gone)]
        self._live = len(live)

    def among(self, chunk: Sequence[Hub]) -> Mapping[int, Departure]:
        """Return those of some thousand hubs, with how, and under which release."""
        own = [one for one in chunk if (one.manufacturer, one.model) == self._model]
        under = [judged_prospects(self._conn, one, own, self._viewer) for one in self._shared]
        found: dict[int, Departure] = {}
        for hub, *prospects in zip(own, *under, strict=True):
            one = departed(prospects[: self._live], prospects[self._live :])
            if one is not None and one.off_plan is not None:
                found[hub.device_id] = Departure(one.release.release_id, one.off_plan)
        return found
