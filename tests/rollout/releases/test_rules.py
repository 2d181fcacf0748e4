"""Notices of releases, and where a release stands by time (design section 7; BR-1.1 to BR-1.4, PIA-A3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.clock import LATEST
from duis_gateway.rollout.releases.records import LIVE_STATES, Period, PilotTerms, ReleaseState, ReleaseType
from duis_gateway.rollout.releases.rules import (
    NoticeKind,
    ReleaseNotice,
    pilot_window_open,
    receive_notice,
    stage_at,
    why_not_live,
)
from tests.support.rules import AUTOMATIC, NEW, NOW, PILOT, release, times

LATER = NOW + timedelta(days=3)


def notice(**changes: Any) -> ReleaseNotice:
    """The notice from which `release()` came."""
    standard = ReleaseNotice(
        release_id="R1",
        revision=1,
        release_type=ReleaseType.SEC_RELEASE,
        manufacturer="106C",
        model="433100AC",
        firmware_version=NEW,
        release_note="https://notes.example/R1",
        severity="high",
        priority="normal",
        pilot=PilotTerms(PILOT, limit=10),
    )
    return replace(standard, **changes)


def test_a_first_notice_makes_the_release_with_its_automatic_date_in_six_months() -> None:
    """BR-1.1, BR-1.2."""
    judged = receive_notice(notice(), None, NOW)
    assert judged.kind is NoticeKind.NEW
    assert judged.release == release()


@pytest.mark.requirement("BR-1.2")
def test_dcc_sets_the_automatic_date_earlier_or_later() -> None:
    """BR-1.2."""
    given_date = datetime(2027, 1, 5, tzinfo=UTC)
    judged = receive_notice(notice(automatic_date=given_date), None, NOW)
    assert judged.release is not None
    assert judged.release.automatic_date == given_date


@pytest.mark.requirement("BR-1.4")
def test_a_revision_takes_its_facts_and_keeps_state_first_notice_and_automatic_date() -> None:
    """BR-1.4."""
    standing = release(state=ReleaseState.APPROVED, paused=True)
    judged = receive_notice(notice(revision=4, release_note="https://notes.example/R1-b"), standing, LATER)
    assert judged.kind is NoticeKind.REVISION
    assert judged.release == replace(standing, revision=4, release_note="https://notes.example/R1-b")


@pytest.mark.parametrize(("revision", "kind"), [(3, NoticeKind.REPEAT), (2, NoticeKind.REVISION)])
def test_a_lower_or_equal_revision_is_refused_with_its_reason(revision: int, kind: NoticeKind) -> None:
    judged = receive_notice(notice(revision=revision), release(revision=3), LATER)
    assert (judged.accepted, judged.kind) == (False, kind)
    assert judged.refusal == f"revision {revision} is not above revision 3, the current one"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model": "other"}, "device model"),
        ({"manufacturer": "FFFF"}, "device model"),
        ({"firmware_version": "00000009"}, "firmware version"),
    ],
)
def test_a_revision_cannot_make_another_release_of_it(changes: dict[str, Any], reason: str) -> None:
    judged = receive_notice(notice(revision=2, **changes), release(), LATER)
    assert not judged.accepted
    assert reason in (judged.refusal or "")


@pytest.mark.parametrize("state", sorted(set(ReleaseState) - LIVE_STATES))
def test_a_release_that_is_over_cannot_be_revised(state: ReleaseState) -> None:
    judged = receive_notice(notice(revision=2), release(state=state), LATER)
    assert state.value in (judged.refusal or "")


@pytest.mark.requirement("PIA-A3", "BR-0.1")
@pytest.mark.parametrize("kind", [ReleaseType.SECURITY, ReleaseType.OPERATIONAL])
def test_security_and_operational_releases_have_no_pilot(kind: ReleaseType) -> None:
    """PIA-A3."""
    assert "no pilot" in (receive_notice(notice(release_type=kind), None, NOW).refusal or "")
    assert receive_notice(notice(release_type=kind, pilot=None), None, NOW).accepted


@pytest.mark.requirement("PIA-A3")
def test_a_pilot_is_optional_for_other_releases() -> None:
    """PIA-A3."""
    assert receive_notice(notice(pilot=None), None, NOW).accepted


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        (PilotTerms(Period(PILOT.end, PILOT.start), limit=10), "does not end after its start"),
        (PilotTerms(Period(PILOT.start, PILOT.start), limit=10), "does not end after its start"),
        (PilotTerms(Period(PILOT.start, AUTOMATIC), limit=10), "before the automatic date"),
        (PilotTerms(PILOT, limit=10, minimum=11), "above its limit"),
        (PilotTerms(PILOT, limit=10, minimum=-1), "negative"),
        (PilotTerms(PILOT, limit=10, share_percent=101), "percent"),
        (PilotTerms(PILOT, limit=10, share_percent=20, share_by=PILOT.start), "before the pilot begins"),
    ],
)
def test_pilot_terms_that_contradict_themselves_are_refused(terms: PilotTerms, reason: str) -> None:
    assert reason in (receive_notice(notice(pilot=terms), None, NOW).refusal or "")


@pytest.mark.parametrize("date", [NOW, NOW - timedelta(days=1)])
def test_the_automatic_date_lies_in_the_future(date: datetime) -> None:
    assert "future" in (receive_notice(notice(automatic_date=date, pilot=None), None, NOW).refusal or "")


def test_six_months_from_now_may_be_beyond_business_time() -> None:
    """T46: our own schemas would refuse the notice that goes out."""
    judged = receive_notice(notice(pilot=None), None, LATEST - timedelta(days=60))
    assert "after the year 2999" in str(judged.refusal)


def test_a_revision_after_the_automatic_date_may_leave_it_as_it_was() -> None:
    after = AUTOMATIC + timedelta(days=1)
    standing = release(state=ReleaseState.SAFE_LAUNCH)
    assert receive_notice(notice(revision=2), standing, after).accepted
    assert not receive_notice(notice(revision=2, automatic_date=after), standing, after).accepted


def test_a_running_pilot_cannot_be_taken_away_or_begun_later_by_a_revision() -> None:
    standing = release(state=ReleaseState.PILOTING)
    now = PILOT.start + timedelta(days=1)
    longer = PilotTerms(Period(PILOT.start, PILOT.end + timedelta(days=7)), limit=10)
    begun_later = PilotTerms(Period(now + timedelta(days=1), PILOT.end), limit=10)
    assert receive_notice(notice(revision=2, pilot=longer), standing, now).accepted
    assert not receive_notice(notice(revision=2, pilot=begun_later), standing, now).accepted
    assert not receive_notice(notice(revision=2, pilot=None), standing, now).accepted


@pytest.mark.requirement("PIA-R3")
def test_fewer_than_a_hundred_hubs_may_be_excluded() -> None:
    """PIA-R3; a hub named twice counts once."""
    assert receive_notice(notice(excluded=(*range(99), 0)), None, NOW).accepted
    assert "fewer than 100" in (receive_notice(notice(excluded=tuple(range(100))), None, NOW).refusal or "")


def test_an_excluded_hub_is_not_also_proving_or_friendly() -> None:
    """A proving hub of a friendly customer is no contradiction."""
    assert "excluded" in (receive_notice(notice(proving=(1,), excluded=(2, 1)), None, NOW).refusal or "")
    assert "excluded" in (receive_notice(notice(friendly=(1,), excluded=(1,)), None, NOW).refusal or "")
    assert receive_notice(notice(proving=(1,), friendly=(1,)), None, NOW).accepted


def test_a_pilot_lasts_six_months_at_most() -> None:
    """PIA-A3: calendar months, the last moment included."""
    begins = datetime(2026, 8, 31, tzinfo=UTC)
    longest = Period(begins, datetime(2027, 2, 28, tzinfo=UTC))
    longer = Period(begins, longest.end + timedelta(seconds=1))
    date = datetime(2027, 9, 1, tzinfo=UTC)
    assert receive_notice(notice(automatic_date=date, pilot=PilotTerms(longest, limit=10)), None, NOW).accepted
    judged = receive_notice(notice(automatic_date=date, pilot=PilotTerms(longer, limit=10)), None, NOW)
    assert judged.refusal == "the pilot lasts longer than 6 months"


@given(st.integers(0, 9), st.integers(0, 9))
def test_an_accepted_notice_sent_again_is_a_repeat_and_refused(first: int, second: int) -> None:
    standing = receive_notice(notice(revision=first), None, NOW).release
    judged = receive_notice(notice(revision=second), standing, LATER)
    assert judged.accepted == (second > first)
    assert (judged.kind is NoticeKind.REPEAT) == (first == second)


@pytest.mark.parametrize(
    ("state", "paused", "now", "expected"),
    [
        (ReleaseState.NOTIFIED, False, PILOT.end, ReleaseState.NOTIFIED),
        (ReleaseState.APPROVED, False, PILOT.start - timedelta(seconds=1), ReleaseState.APPROVED),
        (ReleaseState.APPROVED, False, PILOT.start, ReleaseState.PILOTING),
        (ReleaseState.PILOTING, False, PILOT.end - timedelta(seconds=1), ReleaseState.PILOTING),
        (ReleaseState.PILOTING, False, PILOT.end, ReleaseState.SAFE_LAUNCH),
        (ReleaseState.APPROVED, False, PILOT.end, ReleaseState.SAFE_LAUNCH),
        (ReleaseState.APPROVED, True, PILOT.start, ReleaseState.APPROVED),
        (ReleaseState.PILOTING, True, PILOT.end, ReleaseState.PILOTING),
        (ReleaseState.WITHDRAWN, False, PILOT.end, ReleaseState.WITHDRAWN),
        (ReleaseState.CLOSED, False, PILOT.end, ReleaseState.CLOSED),
    ],
)
def test_the_stage_follows_the_clock(state: ReleaseState, paused: bool, now: datetime, expected: ReleaseState) -> None:
    """PIA-A12: safe launch begins by itself, unless withdrawn or paused."""
    assert stage_at(release(state=state, paused=paused), now) is expected


def test_without_a_pilot_an_approved_release_goes_straight_to_safe_launch() -> None:
    assert stage_at(release(state=ReleaseState.APPROVED, pilot=None), NOW) is ReleaseState.SAFE_LAUNCH


def test_the_pilot_window_is_open_from_the_notice_to_the_last_second_of_the_pilot() -> None:
    assert pilot_window_open(release(), NOW)
    assert pilot_window_open(release(state=ReleaseState.PILOTING, paused=True), PILOT.end - timedelta(seconds=1))
    assert not pilot_window_open(release(state=ReleaseState.PILOTING), PILOT.end)


def test_the_pilot_window_closes_when_the_pilot_is_ended_early_or_there_is_none() -> None:
    """PIA-A13: the approval of the successor ends the pilot."""
    assert not pilot_window_open(release(state=ReleaseState.SAFE_LAUNCH), NOW)
    assert not pilot_window_open(release(state=ReleaseState.WITHDRAWN), NOW)
    assert not pilot_window_open(release(pilot=None), NOW)


@given(st.sampled_from(ReleaseState), st.booleans(), times)
def test_time_never_takes_a_release_back_and_the_stage_is_stable(
    state: ReleaseState, paused: bool, now: datetime
) -> None:
    order = [ReleaseState.NOTIFIED, ReleaseState.APPROVED, ReleaseState.PILOTING, ReleaseState.SAFE_LAUNCH]
    standing = release(state=state, paused=paused)
    stage = stage_at(standing, now)
    assert stage_at(replace(standing, state=stage), now) is stage
    if state in order:
        assert order.index(stage) >= order.index(state)
    else:
        assert stage is state


@pytest.mark.parametrize("state", sorted(ReleaseState))
def test_requests_are_taken_for_live_releases_that_run_under_the_version_named(state: ReleaseState) -> None:
    standing = release(state=state)
    assert (why_not_live(standing, NEW) is None) == state.is_live
    assert why_not_live(standing, "00000009")
    assert why_not_live(None, NEW)
