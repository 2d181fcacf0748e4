"""What follows from a delivery attempt: a pure decision, with no clock, no randomness and no I/O.

Back-off doubles up to a cap and is spread by jitter that the caller draws, so that recipients that failed together are
not retried together (threats F13, F19).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from duis_gateway.clock import wait_after

_RETRIED_STATUSES = frozenset({408, 425, 429})
_SERVER_ERRORS = 500


class FailureKind(StrEnum):
    """What kept a message from being accepted; the closed set that metrics and logs use."""

    STATUS = "status"  # an HTTP or SMTP answer that is not an acceptance
    CONNECTION = "connection"  # refused, reset, no such name, or an answer that is not HTTP
    TIMEOUT = "timeout"  # no complete answer within the deadline
    TLS = "tls"  # the recipient's certificate does not prove its name
    ADDRESS = "address"  # none registered, or one the gateway must not connect to
    INTERRUPTED = "interrupted"  # the gateway stopped while the answer was outstanding
    DEFECT = "defect"  # the gateway's own sender broke


@dataclass(frozen=True, slots=True)
class Failure:
    """One attempt that was not accepted.

    `status` is HTTP's, `retry_after` what the recipient asked for, in seconds, and `refused` says for channels
    other than HTTP that the message itself was refused.
    """

    kind: FailureKind
    detail: str
    status: int | None = None
    retry_after: float | None = None
    refused: bool = False

    @property
    def concerns_message(self) -> bool:
        """Whether the recipient looked at this message and refused it, rather than being unable to take any."""
        status = self.status
        return self.refused or (status is not None and status < _SERVER_ERRORS and status not in _RETRIED_STATUSES)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long a message is tried for; times in seconds.

    `max_attempts` times the cap is more than five days by default, so a recipient that is away for a day
    loses nothing (F19). `refused_attempts` is the smaller budget of a message that the recipient refuses
    with 3xx or 4xx: enough for an adapter to be put right, and then the queue behind it moves (F15, F18).
    """

    base: float = 1.0
    cap: float = 300.0
    retry_after_cap: float = 3600.0
    max_attempts: int = 2000
    refused_attempts: int = 12

    @property
    def longest_pause(self) -> float:
        """The longest that a message ever waits for its next attempt, in seconds."""
        return max(self.cap, self.retry_after_cap)

    def backoff(self, attempts: int, jitter: float) -> float:
        """Return the seconds to wait after this many attempts: half to the whole of `wait_after`.

        `jitter` is in [0, 1).
        """
        return wait_after(attempts, self.base, self.cap) * (1.0 + jitter) / 2.0

    def pause(self, attempts: int, failure: Failure, jitter: float) -> float:
        """Return the seconds to wait; the recipient may have asked for longer (`Retry-After`, capped)."""
        asked = min(failure.retry_after or 0.0, self.retry_after_cap)
        return max(self.backoff(attempts, jitter), asked)


DEFAULT_RETRIES = RetryPolicy()


@dataclass(frozen=True, slots=True)
class Delivered:
    """The recipient accepted the message."""


@dataclass(frozen=True, slots=True)
class RetryIn:
    """The message is tried again after `seconds`."""

    seconds: float
    cause: str


@dataclass(frozen=True, slots=True)
class Dead:
    """The message becomes a dead letter, which an operator can see and replay."""

    cause: str


Decision = Delivered | RetryIn | Dead

_GIVEN_UP = "given up after attempt"
_NO_OUTCOME = "its sender ended without an outcome"


def worn_out(attempts: int, policy: RetryPolicy) -> Dead | None:
    """Return the end of a message that was claimed this many times without any outcome: its sender crashed each time.

    Attempts count when claimed, so this is checked before sending (F18).
    """
    if attempts <= policy.max_attempts:
        return None
    return Dead(f"{_NO_OUTCOME} ({policy.max_attempts} attempts)")


def decide(attempts: int, failure: Failure | None, policy: RetryPolicy, jitter: float, refusals: int = 0) -> Decision:
    """Return what becomes of a message after its `attempts`-th attempt (the first is 1).

    Accepted is delivered. 408, 425, 429, 5xx and everything that says nothing about the message itself is tried again
    up to `policy.max_attempts`; redirects (never followed, threat T62) and the other 4xx up to
    `policy.refused_attempts`, of which there were `refusals` before: attempts while the recipient was away do not
    count.
    """
    if failure is None:
        return Delivered()
    refused_enough = failure.concerns_message and refusals + 1 >= policy.refused_attempts
    if refused_enough or attempts >= policy.max_attempts:
        return Dead(f"{failure.detail} ({_GIVEN_UP} {attempts})")
    return RetryIn(policy.pause(attempts, failure, jitter), failure.detail)


def was_the_last(cause: str) -> bool:
    """Whether a message became a dead letter with the attempt that failed so; what follows it, a replay has brought."""
    return cause.startswith(_NO_OUTCOME) or re.search(rf" \({_GIVEN_UP} [0-9]+\)$", cause) is not None
