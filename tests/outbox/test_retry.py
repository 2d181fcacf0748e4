"""The pure decision after an attempt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.outbox.retry import (
    Dead,
    Delivered,
    Failure,
    FailureKind,
    RetryIn,
    RetryPolicy,
    decide,
    was_the_last,
    worn_out,
)

POLICY = RetryPolicy(base=1.0, cap=300.0, retry_after_cap=3600.0, max_attempts=2000, refused_attempts=12)


def status(code: int, retry_after: float | None = None) -> Failure:
    return Failure(FailureKind.STATUS, f"HTTP {code}", code, retry_after)


@pytest.mark.parametrize(
    ("attempts", "failure", "decision"),
    [
        (1, None, Delivered()),
        (5000, None, Delivered()),
        (1, status(500), RetryIn(0.5, "HTTP 500")),
        (2, status(503), RetryIn(1.0, "HTTP 503")),
        (5, status(408), RetryIn(8.0, "HTTP 408")),
        (6, status(425), RetryIn(16.0, "HTTP 425")),
        (10, status(502), RetryIn(150.0, "HTTP 502")),
        (1999, status(502), RetryIn(150.0, "HTTP 502")),
        (2000, status(502), Dead("HTTP 502 (given up after attempt 2000)")),
        (1, status(429, 7.0), RetryIn(7.0, "HTTP 429")),
        (1, status(503, 0.0), RetryIn(0.5, "HTTP 503")),
        (1, status(429, 1e6), RetryIn(3600.0, "HTTP 429")),
        (12, status(429), RetryIn(150.0, "HTTP 429")),
        (40, Failure(FailureKind.TIMEOUT, "late"), RetryIn(150.0, "late")),
        (40, Failure(FailureKind.CONNECTION, "refused"), RetryIn(150.0, "refused")),
        (40, Failure(FailureKind.TLS, "expired"), RetryIn(150.0, "expired")),
        (40, Failure(FailureKind.ADDRESS, "private"), RetryIn(150.0, "private")),
    ],
)
def test_what_follows_from_an_attempt(attempts: int, failure: Failure | None, decision: object) -> None:
    """F15, F18, F19, with no jitter: half of the back-off."""
    assert decide(attempts, failure, POLICY, jitter=0.0) == decision


@pytest.mark.parametrize("refusal", [400, 404, 302])
@pytest.mark.parametrize("away", [0, 5, 1000])
def test_only_refusals_count_against_the_budget_of_refusals(refusal: int, away: int) -> None:
    """F15, F18: attempts while the recipient was away leave the message as many refusals as it has otherwise."""
    kept = decide(away + 11, status(refusal), POLICY, 0.0, refusals=10)
    assert isinstance(kept, RetryIn)
    assert decide(away + 12, status(refusal), POLICY, 0.0, refusals=11) == Dead(
        f"HTTP {refusal} (given up after attempt {away + 12})"
    )


@pytest.mark.parametrize("passing", [408, 425, 429, 500, 503])
def test_what_is_passing_counts_against_no_budget_of_refusals(passing: int) -> None:
    """F15: who is busy has not refused the message, however often it was refused before."""
    assert isinstance(decide(40, status(passing), POLICY, jitter=0.0, refusals=11), RetryIn)
    assert isinstance(decide(40, status(400), POLICY, jitter=0.0, refusals=11), Dead)


def test_no_message_is_tried_for_ever() -> None:
    assert decide(2000, status(404), POLICY, 0.0, refusals=1) == Dead("HTTP 404 (given up after attempt 2000)")


def test_a_day_without_the_recipient_costs_nothing() -> None:
    """F19: even if every attempt were as early as jitter allows, the budget lasts for days."""
    waits = [decide(n, Failure(FailureKind.CONNECTION, "x"), RetryPolicy(), 0.0) for n in range(1, 2000)]
    assert sum(w.seconds for w in waits if isinstance(w, RetryIn)) > 3 * 24 * 3600


@given(st.integers(1, 10**9), st.floats(0, 1, exclude_max=True), st.floats(0, 1e9))
def test_a_wait_is_never_nothing_and_never_beyond_the_cap(attempts: int, jitter: float, asked: float) -> None:
    """F13: doubling for ever must neither overflow nor exceed what is set; waits spread over half their length."""
    assert POLICY.base / 2 <= POLICY.backoff(attempts, jitter) <= POLICY.cap
    assert POLICY.pause(attempts, status(503, asked), jitter) <= max(POLICY.cap, POLICY.retry_after_cap)


def test_with_which_attempt_a_message_was_given_up_can_be_seen_of_it() -> None:
    """What `outbox show` tells attempts since a replay by."""
    ends = [decide(2000, status(502), POLICY, 0.0), decide(3, status(404), POLICY, 0.0, refusals=11)]
    for end in (*ends, worn_out(2001, POLICY)):
        assert isinstance(end, Dead)
        assert was_the_last(end.cause)
    again = decide(3, status(404), POLICY, 0.0)
    assert isinstance(again, RetryIn)
    assert not was_the_last(again.cause)
