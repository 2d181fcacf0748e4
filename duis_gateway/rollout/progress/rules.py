"""How a release stands with a hub, for "how far a release is": in Python and in SQL, side by side.

It follows from what the hub runs, and from what was reported of it under the release. Which release moves the hub next
makes no difference to it: neither the notice nor the approval of another release takes back what this one has done.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, literal, literal_column, null, select

from duis_gateway.rollout.activations.records import OutcomeStage
from duis_gateway.rollout.eligibility import Unfit, active_sql, fits_sql, later_sql, unfit
from duis_gateway.rollout.hubs.records import Hub, NamedHub
from duis_gateway.rollout.releases.records import Release
from duis_gateway.store.tables import activation_outcome
from duis_gateway.store.tables import hub as hub_table


class HubProgress(StrEnum):
    """Each hub that is, or was, a release's is in one of these."""

    ACTIVATED = "activated"  # it runs the version, or did until a later release came
    FAILED = "failed"  # the newest outcome under the release is a failure
    PASSED_BY = "passed by"  # a later release has updated it, and this one never had
    LEFT = "left"  # the release can still be applied to it


def progress_of(
    hub: Hub | NamedHub, release: Release, *, was_activated: bool = False, failed: bool = False
) -> HubProgress | None:
    """Return how a release stands with a hub, None if the hub is not and was not the release's.

    Args:
        hub: the hub as it is now.
        release: the release, whether or not it is over.
        was_activated: an activation under the release was reported as a success.
        failed: the newest outcome under the release is a failure.
    """
    match unfit(hub, release):
        case None:
            return HubProgress.FAILED if failed else HubProgress.LEFT
        case Unfit.ACTIVE:
            return HubProgress.ACTIVATED
        case Unfit.LATER_VERSION:
            return HubProgress.ACTIVATED if was_activated else HubProgress.PASSED_BY
    return None


def progress_sql(release: Release) -> ColumnElement[str | None]:
    """Return the column of `progress_of` of the table `hub`."""
    later, fits = later_sql(release), fits_sql(release)
    return case(
        (active_sql(release), literal(HubProgress.ACTIVATED)),
        (and_(later, was_activated_sql(release)), literal(HubProgress.ACTIVATED)),
        (later, literal(HubProgress.PASSED_BY)),
        (and_(fits, failed_sql(release)), literal(HubProgress.FAILED)),
        (fits, literal(HubProgress.LEFT)),
        else_=null(),
    )


def was_activated_sql(release: Release) -> ColumnElement[bool]:
    """Return the condition that an activation of the hub under the release was reported as a success.

    It is found by the hub. The release's index of activations has no hubs, and SQLite would read all of it for each
    hub, if it saw that the release is the column's and not what comes of it.
    """
    return exists().where(
        activation_outcome.c.device_id == hub_table.c.device_id,
        func.coalesce(activation_outcome.c.release_id, "") == release.release_id,
        *SUCCESS,
    )


def failed_sql(release: Release) -> ColumnElement[bool]:
    """Return the condition that the newest outcome of the hub under the release is a failure.

    It is found from the failures, which have an index of their own and are few.
    """
    newer = activation_outcome.alias()
    since = exists().where(
        newer.c.device_id == activation_outcome.c.device_id,
        newer.c.id > activation_outcome.c.id,
        newer.c.release_id == release.release_id,
        newer.c.success,
    )
    failures = select(activation_outcome.c.device_id).where(
        activation_outcome.c.release_id == release.release_id, ~activation_outcome.c.success, ~since
    )
    return hub_table.c.device_id.in_(failures)


def updated_in_pilot_sql(release: Release) -> Select[int]:
    """Return the query for the hubs that a release with a pilot reached before that ended, whoever had listed them."""
    assert release.pilot is not None
    return select(activation_outcome.c.device_id).where(
        activation_outcome.c.release_id == release.release_id,
        *SUCCESS,
        activation_outcome.c.completed_at < release.pilot.period.end,
    )


SUCCESS = (
    activation_outcome.c.success,
    # As the index has it, so that the planner takes it.
    activation_outcome.c.stage == literal_column(f"'{OutcomeStage.ACTIVATION}'"),
)
"""The conditions that an outcome is a successful activation."""
