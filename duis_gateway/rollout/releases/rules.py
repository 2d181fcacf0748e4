"""Notices of firmware releases, and where a release stands by time (design section 7; BR-1.1 to BR-1.4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from duis_gateway.clock import LATEST
from duis_gateway.rollout.periods import add_months, automatic_date, ends_before, is_empty, is_over, one_month_before
from duis_gateway.rollout.releases.records import FailureThreshold, PilotTerms, Release, ReleaseState, ReleaseType

EXCLUDED_HUBS_LIMIT = 100
"""PIA-R3: fewer hubs than this may be kept out of a pilot."""

PILOT_MONTHS_LIMIT = 6
"""PIA-A3: a pilot lasts up to six months."""


@dataclass(frozen=True, slots=True)
class ReleaseNotice:
    """DCC's word on a release, as ESI `FirmwareRelease` carries it (design section 4). Times are UTC."""

    release_id: str
    revision: int
    release_type: ReleaseType
    manufacturer: str
    model: str
    firmware_version: str
    release_note: str
    severity: str
    priority: str
    automatic_date: datetime | None = None
    pilot: PilotTerms | None = None
    proving: tuple[int, ...] = ()
    friendly: tuple[int, ...] = ()
    excluded: tuple[int, ...] = ()
    obligations: bool = False
    failure_threshold: FailureThreshold | None = None
    permitted_predecessors: tuple[str, ...] = ()


class NoticeKind(StrEnum):
    """What a notice is in relation to the one that stands."""

    NEW = "new"
    REVISION = "revision"
    REPEAT = "repeat"  # the revision that stands already


@dataclass(frozen=True, slots=True)
class NoticeJudgement:
    """Either the release as it stands from now on, or the reason why the notice is refused."""

    kind: NoticeKind
    release: Release | None = None
    refusal: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether the notice takes effect."""
        return self.release is not None


def receive_notice(notice: ReleaseNotice, previous: Release | None, now: datetime) -> NoticeJudgement:
    """Judge a notice of a release.

    A revision has a higher number than the one that stands, and keeps the state, the time of the first notice
    and (unless it gives another) the automatic date. What the release is, its model and version, never changes.

    Args:
        notice: what DCC says.
        previous: the release of that id as it stands, None if there is none.
        now: the gateway's business time.
    """
    kind = _kind(notice, previous)
    refusal = _refusal_of_revision(notice, previous, now) if previous is not None else None
    refusal = refusal or _refusal_of_dates(notice, previous, now) or _refusal_of_pilot(notice)
    refusal = refusal or _refusal_of_marks(notice) or _refusal_of_predecessors(notice)
    if refusal is not None:
        return NoticeJudgement(kind, refusal=refusal)
    return NoticeJudgement(kind, release=_release(notice, previous, now))


def _kind(notice: ReleaseNotice, previous: Release | None) -> NoticeKind:
    if previous is None:
        return NoticeKind.NEW
    return NoticeKind.REPEAT if notice.revision == previous.revision else NoticeKind.REVISION


def _refusal_of_revision(notice: ReleaseNotice, previous: Release, now: datetime) -> str | None:
    if notice.revision <= previous.revision:
        return f"revision {notice.revision} is not above revision {previous.revision}, the current one"
    if not previous.state.is_live:
        return f"the release is {previous.state.value.replace('_', ' ')} and cannot be revised"
    if (notice.manufacturer, notice.model) != (previous.manufacturer, previous.model):
        return "a revision cannot change the device model"
    if notice.firmware_version != previous.firmware_version:
        return "a revision cannot change the firmware version"
    if previous.state is ReleaseState.PILOTING and (notice.pilot is None or notice.pilot.period.start > now):
        return "the pilot has begun: a revision cannot remove it or begin it later"
    return None


def _automatic_date(notice: ReleaseNotice, previous: Release | None, now: datetime) -> datetime:
    if notice.automatic_date is None and previous is not None:
        return previous.automatic_date
    return automatic_date(now, notice.automatic_date)


def _refusal_of_dates(notice: ReleaseNotice, previous: Release | None, now: datetime) -> str | None:
    date = _automatic_date(notice, previous, now)
    if date <= now and (previous is None or date != previous.automatic_date):
        return "the automatic date is not in the future"
    if date > LATEST:
        return f"the automatic date would be after the year {LATEST.year}: give an earlier one"
    if notice.pilot is not None and not ends_before(notice.pilot.period, date):
        return "the pilot does not end before the automatic date"
    return None


def _refusal_of_pilot(notice: ReleaseNotice) -> str | None:
    pilot = notice.pilot
    if pilot is None:
        return None
    if not notice.release_type.has_pilot:
        return f"a release of type {notice.release_type.value} has no pilot"
    if is_empty(pilot.period):
        return "the pilot does not end after its start"
    if pilot.period.end > add_months(pilot.period.start, PILOT_MONTHS_LIMIT):
        return f"the pilot lasts longer than {PILOT_MONTHS_LIMIT} months"
    if not 0 <= pilot.minimum <= pilot.limit:
        return "the pilot's minimum is negative or above its limit"
    if pilot.share_percent is not None and not 0 <= pilot.share_percent <= 100:
        return "the pilot's share is not between 0 and 100 percent"
    if pilot.share_by is not None and pilot.share_by <= pilot.period.start:
        return "the pilot's share falls due before the pilot begins"
    if pilot.share_by is not None and pilot.share_by >= pilot.period.end:
        return "the pilot's share falls due after the pilot has ended, so DCC could not choose any hubs for it"
    return None


def _refusal_of_marks(notice: ReleaseNotice) -> str | None:
    if len(set(notice.excluded)) >= EXCLUDED_HUBS_LIMIT:
        return f"{len(set(notice.excluded))} hubs are excluded; fewer than {EXCLUDED_HUBS_LIMIT} may be"
    if set(notice.excluded) & {*notice.proving, *notice.friendly}:
        return "a hub that is excluded from the pilot is also marked as proving or friendly"
    return None


def _refusal_of_predecessors(notice: ReleaseNotice) -> str | None:
    if notice.firmware_version in notice.permitted_predecessors:
        return f"version {notice.firmware_version} is named as its own predecessor"
    return None


def _release(notice: ReleaseNotice, previous: Release | None, now: datetime) -> Release:
    return Release(
        release_id=notice.release_id,
        revision=notice.revision,
        release_type=notice.release_type,
        manufacturer=notice.manufacturer,
        model=notice.model,
        firmware_version=notice.firmware_version,
        release_note=notice.release_note,
        severity=notice.severity,
        priority=notice.priority,
        notified_at=now if previous is None else previous.notified_at,
        automatic_date=_automatic_date(notice, previous, now),
        pilot=notice.pilot,
        obligations=notice.obligations,
        failure_threshold=notice.failure_threshold,
        state=ReleaseState.NOTIFIED if previous is None else previous.state,
        paused=False if previous is None else previous.paused,
        permitted_predecessors=frozenset(notice.permitted_predecessors),
        later_versions=frozenset() if previous is None else previous.later_versions,
        number=0 if previous is None else previous.number,
    )


def stage_at(release: Release, now: datetime) -> ReleaseState:
    """Return the state that a release is in by time, whether or not the change was recorded yet.

    An approved release pilots from its pilot's start date, never merely because a list arrived; its safe launch
    begins by itself when the pilot period ends, unless the release is paused or no longer live (PIA-A12). A
    release without a pilot goes from approval straight to safe launch. Nothing happens before the approval.
    """
    state = release.state
    if release.paused or state not in (ReleaseState.APPROVED, ReleaseState.PILOTING):
        return state
    if release.pilot is None or is_over(release.pilot.period, now):
        return ReleaseState.SAFE_LAUNCH
    if now >= release.pilot.period.start:
        return ReleaseState.PILOTING
    return state


def pilot_window_open(release: Release, now: datetime) -> bool:
    """Whether pilot lists and pilot groups are still taken: from the notice until the pilot ends.

    The pilot also ends when the release leaves it early, such as by the approval of its successor (PIA-A13). A
    pause holds what was instructed and does not lengthen the window.
    """
    if release.pilot is None or not release.state.is_live or release.state is ReleaseState.SAFE_LAUNCH:
        return False
    return not is_over(release.pilot.period, now)


def last_to_instruct(release: Release) -> datetime:
    """Return until when suppliers may instruct hubs under a release (BR-3.4)."""
    return one_month_before(release.automatic_date)


def last_for_the_pilot(release: Release) -> datetime | None:
    """Return until when pilot lists and groups are taken (E110503, E110505), None without a pilot."""
    return None if release.pilot is None else min(release.pilot.period.end, last_to_instruct(release))


def lists_taken_until(release: Release, now: datetime) -> datetime | None:
    """Return until when pilot lists are taken, None where none is any more: also what a supplier has missed counts."""
    open_until = last_for_the_pilot(release)
    return open_until if open_until is not None and pilot_window_open(release, now) and now <= open_until else None


def overtaken(release: Release, others: Iterable[Release]) -> bool:
    """Whether another release takes every hub that this one could move by its own automatic date.

    It is for the same model, was announced later and is approved, its date is no later, and it may be applied to all.
    """
    return any(_takes_all(one, release) for one in others)


def _takes_all(later: Release, earlier: Release) -> bool:
    same_model = (later.manufacturer, later.model) == (earlier.manufacturer, earlier.model)
    approved = later.state.is_live and later.state is not ReleaseState.NOTIFIED
    comes_first = later.announced > earlier.announced and later.automatic_date <= earlier.automatic_date
    named, permitted = earlier.permitted_predecessors, later.permitted_predecessors
    applies = not permitted or (bool(named) and named <= permitted)
    return same_model and approved and comes_first and applies


def why_not_live(release: Release | None, firmware_version: str) -> str | None:
    """Return why a request that names this version cannot instruct under a release (E11xx01); None if it can."""
    if release is None:
        return "no release of this name was announced"
    if release.state is ReleaseState.INVALIDATED:
        return (
            "the pilot of the release was invalidated, as a newer release for the model was approved: nothing is "
            "accepted under it until DCC decides on it"
        )
    if not release.state.is_live:
        return f"the release is over: it is {release.state.value.replace('_', ' ')}"
    if release.firmware_version != firmware_version:
        return f"the release brings version {release.firmware_version}, and not {firmware_version}"
    return None
