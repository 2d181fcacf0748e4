"""11.5: which hubs a supplier may name for its pilot, and each code and list of what it may not."""

from __future__ import annotations

from datetime import timedelta

from duis_gateway.conformance.clause import brings
from duis_gateway.conformance.clauses.said import UNKNOWN, group, own, pilot_list, schedule
from duis_gateway.conformance.clauses.submitting import (
    LAUNCHING,
    PLAIN,
    WITHOUT_PILOT,
    Submit,
    case,
    clause,
    each_in_its_list,
)
from duis_gateway.conformance.notices import Release, Terms
from duis_gateway.conformance.subject import Reply, Subject, expect

_NARROW = Terms(limit=2, minimum=2)
_TOO_SOON = Terms(days=(-1, 15), automatic=timedelta(days=20))


def _list(*more: str, number: int = 2) -> Submit:
    return lambda subject, release: pilot_list(subject, release, (*own(subject, number), *more))


def _of_unknown(subject: Subject, release: Release) -> Reply:
    return pilot_list(subject, Release(f"{release.id}-NONE", release.firmware), own(subject))


def _of_another_version(subject: Subject, release: Release) -> Reply:
    return pilot_list(subject, Release(release.id, "PACK"), own(subject))


def _others(subject: Subject, release: Release) -> Reply:
    return pilot_list(subject, release, (UNKNOWN, subject.supplier("5.0").hubs[0]))


def _reserved(subject: Subject, code: str, good: int) -> None:
    """One hub is excluded from the pilot, one instructed under an older release that is in safe launch."""
    fine, excluded, busy = own(subject, 3)
    with subject.release(LAUNCHING) as older:
        schedule(subject, older, group(subject, "G1", (busy,), "SafeLaunch")).is_code("I99")
        with subject.release(Terms(excluded=(excluded,))) as newer:
            reply = pilot_list(subject, newer, (*((fine,) * good), excluded, busy))
    reply.is_code(code)
    found = [reply.listed(name) for name in ("ExcludedDeviceIDList", "OtherRequestInProgressList")]
    expect(found, [[excluded], [busy]], "the hubs excluded, and those with another request in progress")


@brings("W110501")
def _reserved_are_listed(subject: Subject, _: str) -> None:
    _reserved(subject, "W110501", 1)


@brings("E110502")
def _all_are_reserved(subject: Subject, _: str) -> None:
    _reserved(subject, "E110502", 0)


def _regrouped(subject: Subject, release: Release, *later: str) -> Reply:
    """A list and a group of two hubs stand; another list comes."""
    hubs = own(subject)
    pilot_list(subject, release, hubs).is_code("I99")
    schedule(subject, release, group(subject, "G1", hubs, "Pilot")).is_code("I99")
    return pilot_list(subject, release, later)


@brings("W110501")
def _groups_lose_hubs(subject: Subject, _: str) -> None:
    kept, dropped = own(subject)
    with subject.release() as release:
        reply = _regrouped(subject, release, kept)
        reply.is_code("W110501")
        expect(reply.listed("RemovedFromGroupDeviceIDList"), [dropped], "the hubs that groups lost")


@brings("E110502", "E110609")
def _groups_keep_hubs(subject: Subject, _: str) -> None:
    """A refused list changes nothing: the group still has both hubs, so that no other may."""
    with subject.release() as release:
        _regrouped(subject, release, UNKNOWN).is_code("E110502")
        reply = schedule(subject, release, group(subject, "G2", own(subject), "Pilot"))
        reply.is_code("E110609")
        expect(sorted(reply.listed("RepeatedDeviceIDList")), sorted(own(subject)), "the hubs of the standing group")


_GOOD = case(PLAIN, _list(), "I99")

CLAUSES = (
    clause("list_release", "11.5, E110501: the release is known", _GOOD, case(PLAIN, _of_unknown, "E110501"), "A04"),
    clause(
        "list_version",
        "11.5, E110501: the version is the release's",
        _GOOD,
        case(PLAIN, _of_another_version, "E110501"),
        "A04",
    ),
    clause(
        "list_hubs",
        "11.5, W110501 and E110502: bad hubs are listed",
        case(PLAIN, _list(UNKNOWN), "W110501", "InvalidDeviceIDList"),
        case(PLAIN, _others, "E110502", "InvalidDeviceIDList", "NotResponsibleDeviceIDList"),
        "A04",
        "BR-5.2",
    ),
    clause(
        "list_warnings",
        "11.5, DSPPilotListWarning: what a hub is",
        each_in_its_list(PLAIN, pilot_list, "W110501", 1),
        each_in_its_list(PLAIN, pilot_list, "E110502", 0),
        "A04",
        "BR-5.2",
    ),
    clause(
        "list_reserved",
        "11.5, DSPPilotListWarning: excluded, in progress",
        _reserved_are_listed,
        _all_are_reserved,
        "PIA-R3",
        "BR-5.2",
    ),
    clause("list_regroups", "11.5, a later list: W110501", _groups_lose_hubs, _groups_keep_hubs, "A04", "A05"),
    clause("list_window", "11.5, E110503: the pilot window is open", _GOOD, case(LAUNCHING, _list(), "E110503"), "A04"),
    clause(
        "list_limit",
        "11.5, E110504: no more hubs than the release allows",
        case(_NARROW, _list(), "I99"),
        case(_NARROW, _list(number=3), "E110504"),
        "BR-0.2",
    ),
    clause(
        "list_too_late",
        "11.5, E110505: a month before the automatic date",
        _GOOD,
        case(_TOO_SOON, _list(), "E110505"),
        "BR-3.4",
    ),
    clause(
        "list_no_pilot",
        "11.5, E110507: the release has a pilot",
        _GOOD,
        case(WITHOUT_PILOT, _list(), "E110507"),
        "PIA-A3",
    ),
    clause(
        "list_minimum",
        "11.5, E110510: no fewer hubs than the release's minimum",
        case(_NARROW, _list(), "I99"),
        case(_NARROW, _list(number=1), "E110510"),
        "PIA-C5",
    ),
)
"""11.5, which is of DUIS 6.0."""
