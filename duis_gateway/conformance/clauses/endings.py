"""The end of a release as its suppliers see it: what they send for it after that is refused."""

from __future__ import annotations

from duis_gateway.conformance.clause import Clause, Era, brings
from duis_gateway.conformance.clauses.said import close, decide, group, own, pilot_list, schedule, supersede
from duis_gateway.conformance.clauses.submitting import LAUNCHING
from duis_gateway.conformance.notices import Release
from duis_gateway.conformance.subject import Reply, Subject


def _instruct(subject: Subject, release: Release) -> Reply:
    return schedule(subject, release, group(subject, "G1", own(subject, 1), "SafeLaunch"))


def _refused(subject: Subject, release: Release) -> None:
    _instruct(subject, release).is_code("E110601")
    pilot_list(subject, release, own(subject)).is_code("E110501")


@brings("I99")
def _live(subject: Subject, _: str) -> None:
    """What comes before the closure is taken, and the closure reaches the CSP."""
    with subject.release(LAUNCHING) as release:
        _instruct(subject, release).is_code("I99")
        close(subject, release.id).is_code("Accepted")
        subject.message(subject.profile["csp"], "Closure>", f">{release.id}<")


@brings("E110501", "E110601")
def _closed(subject: Subject, _: str) -> None:
    with subject.release(LAUNCHING) as release:
        close(subject, release.id).is_code("Accepted")
        _refused(subject, release)


@brings("I99")
def _successor(subject: Subject, _: str) -> None:
    """A hub that was instructed under the older release is free for the successor's, once it supersedes."""
    with subject.release(LAUNCHING) as older:
        _instruct(subject, older).is_code("I99")
        with subject.release(LAUNCHING) as successor:
            _supersedes(subject, older, successor)


def _supersedes(subject: Subject, older: Release, successor: Release) -> None:
    supersede(subject, older.id, successor.id).is_code("Accepted")
    subject.message(subject.profile["csp"], "Supersession>", f">{older.id}<", f">{successor.id}<")
    _instruct(subject, successor).is_code("I99")


@brings("E110501", "E110601")
def _superseded(subject: Subject, _: str) -> None:
    with subject.release(LAUNCHING) as older, subject.release(LAUNCHING) as successor:
        supersede(subject, older.id, successor.id).is_code("Accepted")
        _refused(subject, older)


@brings("I99")
def _paused(subject: Subject, _: str) -> None:
    """While a release is paused, what is sent for it is accepted and held."""
    with subject.release(LAUNCHING) as release:
        decide(subject, release.id, "Pause").is_code("Accepted")
        _instruct(subject, release).is_code("I99")


@brings("E110501", "E110601")
def _stopped(subject: Subject, _: str) -> None:
    with subject.release(LAUNCHING) as release:
        decide(subject, release.id, "Stop").is_code("Accepted")
        _refused(subject, release)


CLAUSES = (
    Clause(
        "closure",
        "A11; after the closure nothing is taken: E110501, E110601",
        Era.NEW,
        _live,
        _closed,
        ("6.0",),
        ("A11", "PIA-9"),
    ),
    Clause(
        "supersession",
        "A12; after the supersession nothing is taken: E110501, E110601",
        Era.NEW,
        _successor,
        _superseded,
        ("6.0",),
        ("A12", "PIA-9"),
    ),
    Clause(
        "stop",
        "X03; while paused it is taken, after a stop nothing: E110501, E110601",
        Era.NEW,
        _paused,
        _stopped,
        ("6.0",),
        ("X03", "BR-6.3"),
    ),
)
"""What ends a release, and what does not."""
