"""The failure threshold of a release: what is counted, when it is reached, and which decision answers it (X11): pure.

Each hub counts once, by its newest outcome: one that failed and then succeeded has not failed, one that is tried again
and again is one hub. A hub that took the image and was not activated yet does not count at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.failure_thresholds.records import EarlierOutcome, Failures, HourCount, ProposedPause
from duis_gateway.rollout.releases.records import FailureThreshold
from duis_gateway.rollout.rollout_decisions.records import RolloutAction, Standing
from duis_gateway.text.counts import counted


def window_begins(threshold: FailureThreshold, now: datetime) -> datetime:
    """Return from when on outcomes count: counted in full hours, the one in which the window begins included."""
    return full_hour(now - timedelta(hours=threshold.window_hours))


def full_hour(at: datetime) -> datetime:
    """Return the hour that a time lies in."""
    return at.replace(minute=0, second=0, microsecond=0)


def recounted(
    hours: Iterable[HourCount],
    earlier: Iterable[EarlierOutcome],
    newest: Iterable[HubOutcome],
    now: datetime,
    last: int,
) -> list[HourCount]:
    """Return the hours of a window with what comes in now: a hub counts in this hour, and no longer in an earlier one.

    Args:
        hours: what was counted before.
        earlier: the newest outcome before of each hub that has any.
        newest: the outcome of each hub that comes in now, one a hub.
        now: when it was received.
        last: the number of the last outcome recorded before.
    """
    counted = {one.hour: one for one in hours}
    this = full_hour(now)
    counted.setdefault(this, HourCount(this, after=last))
    hubs, failed = Counter[datetime](), Counter[datetime]()
    for before in earlier:
        hour = counted.get(full_hour(before.received_at))
        if hour is not None and before.number > hour.after:
            hubs[hour.hour] -= _counts(before.stage, before.success)
            failed[hour.hour] -= not before.success
    for outcome in newest:
        hubs[this] += _counts(outcome.stage, outcome.success)
        failed[this] += not outcome.success
    return [
        HourCount(hour, one.after, one.hubs + hubs[hour], one.failed + failed[hour]) for hour, one in counted.items()
    ]


def _counts(stage: OutcomeStage, success: bool) -> bool:
    return stage is OutcomeStage.ACTIVATION or not success


def failures_of(hours: Iterable[HourCount]) -> Failures:
    """Return what was counted in these hours altogether."""
    every = tuple(hours)
    return Failures(sum(one.hubs for one in every), sum(one.failed for one in every))


def reached(threshold: FailureThreshold, failures: Failures) -> bool:
    """Whether so many hubs have failed that a pause is to be proposed."""
    enough = failures.hubs >= threshold.least_hubs
    return enough and failures.failed * 100 >= threshold.share_percent * failures.hubs


def answers_proposal(action: RolloutAction, standing: Standing) -> bool:
    """Whether DCC's decision answers a proposed pause, so that it is told again if the threshold is reached anew.

    A delay says nothing of it, and a provisional proceeding changes nothing until it is confirmed (BR-6.4).
    """
    if action is RolloutAction.DELAY:
        return False
    return standing is Standing.CONFIRMED or action is not RolloutAction.PROCEED


def threshold_in_words(threshold: FailureThreshold) -> str:
    """Return what a threshold says, for people."""
    hold = "the plan is held until DCC decides" if threshold.hold else "a pause is proposed to DCC"
    hubs, hours = counted(threshold.least_hubs, "hub"), counted(threshold.window_hours, "hour")
    return f"{threshold.share_percent} % of at least {hubs} within {hours}: {hold}"


def reason_in_words(failures: Failures, threshold: FailureThreshold) -> str:
    """Return why a pause is proposed, for people."""
    return f"{_failed(failures, threshold)}; the release's threshold is {threshold.share_percent} %"


def proposal_in_words(proposed: ProposedPause) -> str:
    """Return what DCC has to decide on, and whether anything is held meanwhile."""
    held = "held: " if proposed.threshold.hold else ""
    return f"{held}{_failed(proposed.failures, proposed.threshold)}, awaiting DCC"


def _failed(failures: Failures, threshold: FailureThreshold) -> str:
    hubs, hours = counted(failures.hubs, "hub"), counted(threshold.window_hours, "hour")
    return f"{failures.failed:,} of {hubs} failed within {hours}"
