"""The instructions to deploy, as the gateway has told them: added up, and what follows from them now (X09)."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from csp_mgmt_gw.hubs import Hubs
from csp_mgmt_gw.messages import (
    Closure,
    FirmwareReleaseNotice,
    PlannedDeployment,
    RolloutDecision,
    Supersession,
)
from duis_gateway.partners.messages import PartnerBody
from duis_gateway.rollout.releases.records import Period
from duis_gateway.rollout.rollout_decisions.records import Consequence, RolloutAction

_HALTS = frozenset({RolloutAction.PAUSE, Consequence.PILOT_INVALIDATED})
_ENDS = frozenset({RolloutAction.STOP, RolloutAction.REVOKE, RolloutAction.WITHDRAW})


@dataclass
class _Told:
    """What was told of one release; `early` has what came before a revision that is still missing, by revision."""

    version: str = ""
    model: tuple[str, str] | None = None
    revision: int = 0
    planned: dict[int, Period] = field(default_factory=dict)
    remaining: datetime | None = None
    halted: bool = False
    over: bool = False
    early: dict[int, dict[int, PlannedDeployment]] = field(default_factory=dict)

    def take(self, body: PlannedDeployment) -> None:
        if body.revision <= self.revision:
            return
        self.early.setdefault(body.revision, {})[1 if body.part is None else body.part.number] = body
        while (parts := self.early.get(self.revision + 1)) is not None and _is_whole(parts.values()):
            self.revision += 1
            for _, part in sorted(self.early.pop(self.revision).items()):
                self._add(part)

    def _add(self, body: PlannedDeployment) -> None:
        self.version = body.firmware_version
        for planned in body.deployments:
            self.planned.update(dict.fromkeys(planned.device_ids, planned.period))
        for void in body.voids:
            for device_id in void.device_ids:
                self.planned.pop(device_id, None)
        if body.remaining is not None:
            self.remaining = body.remaining.automatic_date

    def decided(self, decision: RolloutAction | Consequence) -> None:
        self.halted = decision in _HALTS or (self.halted and decision is not RolloutAction.PROCEED)
        self.over = self.over or decision in _ENDS


def _is_whole(parts: Iterable[PlannedDeployment]) -> bool:
    have = list(parts)
    return have[0].part is None or len(have) == have[0].part.of


class Deployments:
    """What is planned for the CSP's hubs under each release; nothing else lets it activate one.

    The changes are added up in the order of their `PlanRevision`; while one is missing, those after it wait.
    """

    def __init__(self, hubs: Hubs) -> None:
        self._hubs = hubs
        self._lock = threading.Lock()
        self._told: dict[str, _Told] = {}

    def take(self, body: PartnerBody) -> None:
        """Take whatever the gateway says of plans and of what halts a roll-out; other messages change nothing."""
        with self._lock:
            match body:
                case PlannedDeployment():
                    self._of(body.release_id).take(body)
                case FirmwareReleaseNotice():
                    told = self._of(body.release_id)
                    told.model, told.version = (body.manufacturer, body.model), body.firmware_version
                case RolloutDecision():
                    self._of(body.release_id).decided(body.decision)
                case Closure() | Supersession():
                    self._of(body.release_id).over = True

    def _of(self, release_id: str) -> _Told:
        return self._told.setdefault(release_id, _Told())

    def _known(self, release_id: str) -> _Told:
        """Return what was told of a release, without taking note of one of which nothing was."""
        return self._told.get(release_id, _Told())

    def releases(self) -> tuple[str, ...]:
        """Return the releases of which the gateway has told something."""
        with self._lock:
            return tuple(self._told)

    def version(self, release_id: str) -> str:
        """Return the version that a release brings, as far as it was told."""
        with self._lock:
            return self._known(release_id).version

    def planned(self, release_id: str) -> tuple[int, ...]:
        """Return the hubs that have a period, open or not."""
        with self._lock:
            return tuple(sorted(self._known(release_id).planned))

    def later(self, release_id: str, now: datetime) -> dict[int, datetime]:
        """Return the hubs whose period begins after now, and when."""
        with self._lock:
            return {d: one.start for d, one in self._known(release_id).planned.items() if one.start > now}

    def due(self, release_id: str, now: datetime) -> tuple[int, ...]:
        """Return the hubs to be activated now: their period is open, or the automatic date has come for the rest.

        A hub that runs the version is done: what has come true is not told as void.
        """
        with self._lock:
            told = self._known(release_id)
            if told.halted or told.over:
                return ()
            open_now = (d for d, period in told.planned.items() if period.start <= now < period.end)
            due = {d for d in open_now if self._hubs.versions.get(d) != told.version}
            if told.remaining is not None and told.model is not None and told.remaining <= now:
                due.update(self._hubs.without(told.version, told.model))
            return tuple(sorted(due))
