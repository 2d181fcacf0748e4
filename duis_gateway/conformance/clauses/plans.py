"""The plan, as CSPs are told of it: what to deploy and what is void, hubs off it, stages; and who takes part at all."""

from __future__ import annotations

from collections.abc import Sequence

from duis_gateway.conformance.clause import Clause, Era, brings
from duis_gateway.conformance.clauses.said import (
    close,
    group,
    heard,
    own,
    pilot_list,
    plan_now,
    report,
    requested,
    schedule,
)
from duis_gateway.conformance.clauses.submitting import LAUNCHING
from duis_gateway.conformance.notices import Release, Terms
from duis_gateway.conformance.subject import Reply, Subject, expect

_NOT_YET = Terms(days=(5, 60))
_NOBODY_RUNS = "PACKNONE"
_ON = ("6.0",)


def _instruct(
    subject: Subject, release: Release, name: str, hubs: Sequence[str], days: tuple[int, int] = (2, 9)
) -> Reply:
    return schedule(subject, release, group(subject, name, hubs, "SafeLaunch", days))


def _take_back(subject: Subject, release: Release, name: str) -> Reply:
    named = f"<sr:GroupID>{name}</sr:GroupID><sr:Stage>SafeLaunch</sr:Stage>"
    return schedule(subject, release, f"<sr:CancelledGroup>{named}</sr:CancelledGroup>")


def _csp_gets(subject: Subject, body: str, release: Release, *words: str) -> None:
    subject.message(subject.profile["csp"], f"{body}>", f">{release.id}<", *words)


def _csp_got(subject: Subject, body: str, release: Release) -> int:
    """Count what the CSP has had of a release: when its closure has come, what was sent before it is there too."""
    close(subject, release.id).is_code("Accepted")
    _csp_gets(subject, "Closure", release)
    return len(subject.came(subject.profile["csp"], f"{body}>", f">{release.id}<"))


@brings("I99", "N77")
def _is_taken_back(subject: Subject, version: str) -> None:
    """The plan is void, for the supplier and for the CSP, and the hubs are free for another group."""
    with subject.release(LAUNCHING) as release:
        hubs = own(subject)
        _instruct(subject, release, "G1", hubs).is_code("I99")
        _csp_gets(subject, "PlannedDeployment", release, ">Requested<")
        _take_back(subject, release, "G1").is_code("I99")
        _csp_gets(subject, "PlannedDeployment", release, ">NotInstructed<")
        heard(subject, version, "N77", "6.0", f">{release.id}<", ">NotInstructed<")
        _instruct(subject, release, "G2", hubs).is_code("I99")


@brings("E110602", "E110605")
def _is_not_taken_back(subject: Subject, _: str) -> None:
    """A group that there is not, and one whose period has begun."""
    with subject.release(LAUNCHING) as release:
        _take_back(subject, release, "G1").is_code("E110602")
        _instruct(subject, release, "G1", own(subject), (-1, 9)).is_code("I99")
        reply = _take_back(subject, release, "G1")
        reply.is_code("E110605")
        expect(sorted(reply.listed("UnderWayDeviceIDList")), sorted(own(subject)), "the hubs that move already")


@brings("I99")
def _follows(subject: Subject, _: str) -> None:
    """The CSP is told which versions the release may follow."""
    hubs = own(subject, 1)
    running = subject.running(subject.supplier("6.0"), hubs[0])
    with subject.release(Terms(predecessors=(_NOBODY_RUNS, running))) as release:
        _csp_gets(subject, "FirmwareReleaseNotice", release, f"PermittedPredecessorVersion>{running}<")
        pilot_list(subject, release, hubs).is_code("I99")


@brings("E110502")
def _does_not_follow(subject: Subject, _: str) -> None:
    hubs = own(subject, 1)
    with subject.release(Terms(predecessors=(_NOBODY_RUNS,))) as release:
        reply = pilot_list(subject, release, hubs)
        reply.is_code("E110502")
        expect(reply.listed("NotApplicableFirmwareDeviceIDList"), list(hubs), "the hubs that run another version")


@brings("I99")
def _plan_is_told(subject: Subject, _: str) -> None:
    with subject.release(LAUNCHING) as release:
        (hub,) = own(subject, 1)
        _instruct(subject, release, "G1", (hub,)).is_code("I99")
        _csp_gets(subject, "PlannedDeployment", release, f">{hub}<", ">Suppliers<", ">Requested<")


@brings("E110605")
def _what_is_refused_is_no_plan(subject: Subject, _: str) -> None:
    with subject.release(LAUNCHING) as release:
        _instruct(subject, release, "G1", own(subject, 1), (9, 2)).is_code("E110605")
        expect(_csp_got(subject, "PlannedDeployment", release), 0, "plans of what was refused")


def _deviates(subject: Subject, version: str) -> None:
    hub = subject.supplier(version).hubs[-1]
    with subject.release() as release:
        report(subject, hub, release.firmware).is_code("Accepted")
        _csp_gets(subject, "PlanDeviation", release, f">{hub}<", ">NotPlanned<")


def _goes_as_planned(subject: Subject, version: str) -> None:
    hub = subject.supplier(version).hubs[-1]
    with subject.release() as release:
        plan_now(subject, release.id, (hub,))
        requested(subject, release, (hub,)).is_code("Accepted")
        report(subject, hub, release.firmware).is_code("Accepted")
        expect(_csp_got(subject, "PlanDeviation", release), 0, "deviations of what goes as planned")


def _stage_begins(subject: Subject, _: str) -> None:
    with subject.release(LAUNCHING) as release:
        _csp_gets(subject, "StageChange", release, ">SafeLaunch<")


def _stage_does_not_begin(subject: Subject, _: str) -> None:
    """The pilot of a release that is approved begins in five days."""
    with subject.release(_NOT_YET) as release:
        expect(_csp_got(subject, "StageChange", release), 0, "stages begun")


CLAUSES = (
    Clause("group_cancelled", "11.6, CancelledGroup: an instruction is taken back before its period begins", Era.NEW,
           _is_taken_back, _is_not_taken_back, _ON, ("EX-11", "X09")),
    Clause("predecessors", "A01, PermittedPredecessorVersion: the versions that a release may follow", Era.NEW,
           _follows, _does_not_follow, _ON, ("EX-12", "A01")),
    Clause("plan", "X09; the CSP is told what is planned", Era.NEW, _plan_is_told, _what_is_refused_is_no_plan, _ON,
           ("X09",)),
    Clause("plan_deviation", "X10; the CSP is told of hubs off the plan", Era.NEW, _deviates, _goes_as_planned,
           requirements=("X10", "BR-3.5")),
    Clause("stage_change", "X05; the CSP is told that a stage has begun", Era.NEW, _stage_begins,
           _stage_does_not_begin, _ON, ("X05",)),
)  # fmt: skip
"""What follows from the plan."""
