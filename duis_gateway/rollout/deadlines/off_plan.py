"""What is off the plan, among the tasks of a party: nobody's turn, but to be looked into (X10). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from duis_gateway.parties.records import PartyKind
from duis_gateway.rollout.deadlines.rules import Deadline, Task, TaskState
from duis_gateway.rollout.plans.records import DeviationKind
from duis_gateway.rollout.releases.records import Release


def deviations(
    release: Release, kind: PartyKind, party: int, found: Mapping[DeviationKind, int]
) -> tuple[Deadline, ...]:
    """Return what is off the plan of a party's hubs under a release, by the kind of deviation."""
    task = Task.LOOK_INTO_DEVIATIONS
    return tuple(
        replace(
            Deadline(release.release_id, kind, party, task, None, found[one], one.value, optional=True),
            state=TaskState.OFF_PLAN,
            why=OFF_PLAN[one],
        )
        for one in sorted(found)
    )


OFF_PLAN = {
    DeviationKind.BEFORE_PERIOD: "activated before the planned period",
    DeviationKind.AFTER_PERIOD: "activated after the planned period",
    DeviationKind.NOT_PLANNED: "activated while nothing was planned",
    DeviationKind.RELEASE_NOT_APPROVED: "activated before the release was approved",
    DeviationKind.RELEASE_PAUSED: "activated while the release was paused",
    DeviationKind.RELEASE_OVER: "activated after the end of the release or of its pilot",
    DeviationKind.PERIOD_MISSED: "not activated in the planned period, and nothing was reported about them",
}
