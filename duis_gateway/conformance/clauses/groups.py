"""11.6: which groups a supplier may instruct, and each code and list of what it may not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from duis_gateway.conformance.clauses.said import UNKNOWN, csp_schedule, group, own, pilot_list, schedule
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
from duis_gateway.conformance.subject import Reply, Subject

_AUTOMATIC = 100
_SOON = Terms(days=(-30, -1), automatic=timedelta(days=20))
_LATER = Terms(days=(-30, -1), automatic=timedelta(days=_AUTOMATIC))


def _groups(
    stage: str, *, number: int = 1, days: tuple[int, int] = (2, 9), constraint: str = "", more: tuple[str, ...] = ()
) -> Submit:
    """Submit one group; for the pilot a list that has its hubs goes before it."""

    def submit(subject: Subject, release: Release) -> Reply:
        hubs = (*own(subject, number), *more)
        if stage == "Pilot":
            pilot_list(subject, release, own(subject, 4))
        return schedule(subject, release, group(subject, "G1", hubs, stage, days, constraint))

    return submit


def _two(subject: Subject, release: Release) -> Reply:
    hubs = own(subject)
    one, other = (group(subject, name, hubs, "SafeLaunch") for name in ("G1", "G2"))
    return schedule(subject, release, one, other)


def _foreign(subject: Subject, release: Release) -> Reply:
    return _launch(subject, release, (UNKNOWN,))


def _launch(subject: Subject, release: Release, hubs: Sequence[str]) -> Reply:
    return schedule(subject, release, group(subject, "G1", hubs, "SafeLaunch"))


def _unlisted(subject: Subject, release: Release) -> Reply:
    pilot_list(subject, release, own(subject, 1)).is_code("I99")
    return schedule(subject, release, group(subject, "G1", own(subject), "Pilot"))


def _of_unknown(subject: Subject, release: Release) -> Reply:
    nothing = Release(f"{release.id}-NONE", release.firmware)
    return schedule(subject, nothing, group(subject, "G1", own(subject), "SafeLaunch"))


def _after_the_limit_was_lowered(number: int) -> Submit:
    """A list of three hubs stands when a revision lowers the limit to two; then a group names so many of them."""

    def submit(subject: Subject, release: Release) -> Reply:
        pilot_list(subject, release, own(subject, 3)).is_code("I99")
        subject.announce(release, Terms(limit=2), revision=2).is_code("Accepted")
        return schedule(subject, release, group(subject, "G1", own(subject, number), "Pilot"))

    return submit


def _offered(days: tuple[int, int], constraint: str = "") -> Submit:
    """The CSP offers the first to the tenth day from now, and a constraint; then a pilot group asks for these."""

    def submit(subject: Subject, release: Release) -> Reply:
        hubs = own(subject, 1)
        csp_schedule(subject, "DefaultPilotSchedule", release.id, hubs, (1, 10), "NIGHT").is_code("Accepted")
        return _groups("Pilot", days=days, constraint=constraint)(subject, release)

    return submit


_GOOD = case(LAUNCHING, _groups("SafeLaunch"), "I99")
_GOOD_PILOT = case(PLAIN, _groups("Pilot"), "I99")

CLAUSES = (
    clause(
        "group_release", "11.6, E110601: the release is known", _GOOD, case(LAUNCHING, _of_unknown, "E110601"), "A05"
    ),
    clause(
        "group_hubs",
        "11.6, W110601 and E110602: bad hubs are listed",
        case(LAUNCHING, _groups("SafeLaunch", more=(UNKNOWN,)), "W110601", "InvalidDeviceIDList"),
        case(LAUNCHING, _foreign, "E110602", "InvalidDeviceIDList"),
        "A05",
        "BR-5.2",
    ),
    clause(
        "group_warnings",
        "11.6, DSPPilotListWarning: what a hub is",
        each_in_its_list(LAUNCHING, _launch, "W110601", 1),
        each_in_its_list(LAUNCHING, _launch, "E110602", 0),
        "A05",
        "BR-5.2",
    ),
    clause(
        "group_window",
        "11.6, E110603: the pilot window is open",
        _GOOD_PILOT,
        case(LAUNCHING, _groups("Pilot"), "E110603"),
        "A05",
    ),
    clause(
        "group_limit",
        "11.6, E110604: no more hubs in Pilot groups than the release allows",
        case(PLAIN, _after_the_limit_was_lowered(2), "I99"),
        case(PLAIN, _after_the_limit_was_lowered(3), "E110604"),
        "BR-0.2",
    ),
    clause(
        "group_period",
        "11.6, E110605: a period ends after it starts",
        _GOOD,
        case(LAUNCHING, _groups("SafeLaunch", days=(9, 2)), "E110605"),
        "BR-3.1",
    ),
    clause(
        "group_over",
        "11.6, E110605: a period is not over",
        case(LAUNCHING, _groups("SafeLaunch", days=(-9, 2)), "I99"),
        case(LAUNCHING, _groups("SafeLaunch", days=(-9, -2)), "E110605"),
        "BR-3.1",
    ),
    clause(
        "group_automatic_date",
        "11.6, E110605: a period ends before the automatic date",
        case(_LATER, _groups("SafeLaunch", days=(2, _AUTOMATIC - 1)), "I99"),
        case(_LATER, _groups("SafeLaunch", days=(2, _AUTOMATIC)), "E110605"),
        "BR-3.1",
        "BR-3.4",
    ),
    clause(
        "group_offer",
        "11.6, E110605: a Pilot period lies within what the CSP offered",
        case(PLAIN, _offered((2, 9)), "I99"),
        case(PLAIN, _offered((2, 11)), "E110605"),
        "PIA-C3",
    ),
    clause(
        "group_too_late",
        "11.6, E110605: a month before the automatic date",
        _GOOD,
        case(_SOON, _groups("SafeLaunch"), "E110605"),
        "BR-3.4",
    ),
    clause(
        "group_constraint",
        "11.6, E110606: constraints are those that the CSP offered",
        case(PLAIN, _offered((2, 9), "NIGHT"), "I99"),
        case(PLAIN, _offered((2, 9), "NOT-OFFERED"), "E110606"),
        "PIA-R5",
    ),
    clause(
        "group_no_pilot",
        "11.6, E110607: the release has a pilot",
        _GOOD_PILOT,
        case(WITHOUT_PILOT, _groups("Pilot"), "E110607"),
        "PIA-A3",
    ),
    clause(
        "group_unlisted",
        "11.6, E110608: Pilot groups name hubs of the preferred list",
        _GOOD_PILOT,
        case(PLAIN, _unlisted, "E110608", "NotOnPreferredListDeviceIDList"),
        "A05",
    ),
    clause(
        "group_twice",
        "11.6, E110609: a hub is in one group",
        _GOOD,
        case(LAUNCHING, _two, "E110609", "RepeatedDeviceIDList"),
        "A05",
    ),
)
"""11.6, which is of DUIS 6.0."""
