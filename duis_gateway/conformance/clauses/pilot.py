"""11.5 and 11.6: what a supplier may submit for a pilot and for safe launch, and each code of refusal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta

from duis_gateway.conformance.clause import Clause, Era, Play
from duis_gateway.conformance.subject import Release, Reply, Subject, expect, stamp

UNKNOWN = "00-DB-12-FF-FF-FF-FF-FF"
_ON = ("6.0",)
_SOON = timedelta(days=20)
Announce = Callable[[Subject], AbstractContextManager[Release]]
Submit = Callable[[Subject, Release], Reply]


def pilot_list(subject: Subject, release: Release, hubs: Sequence[str], version: str = "6.0") -> Reply:
    """Submit an 11.5 with a whole list."""
    body = (
        f"<sr:PreferredPilotList><sr:FirmwareReleaseID>{release.id}</sr:FirmwareReleaseID><sr:FirmwareVersion>"
        f"{release.firmware}</sr:FirmwareVersion><sr:DeviceIDList>{','.join(hubs)}</sr:DeviceIDList></sr:PreferredPilotList>"
    )
    by = subject.supplier(version)
    return subject.send(by, subject.request(by, version, body, "11.5"))


def group(
    subject: Subject, name: str, hubs: Sequence[str], stage: str, days: tuple[int, int] = (2, 9), constraint: str = ""
) -> str:
    """Return a deployment group of an 11.6, in a period of so many days from now."""
    start, end = (stamp(subject.now + timedelta(days=number)) for number in days)
    asked = f"<sr:SchedulingConstraint>{constraint}</sr:SchedulingConstraint>" if constraint else ""
    return (
        f"<sr:DeploymentGroup><sr:GroupID>{name}</sr:GroupID><sr:Stage>{stage}</sr:Stage><sr:DeviceIDList>"
        f"{','.join(hubs)}</sr:DeviceIDList><sr:EarliestStart>{start}</sr:EarliestStart><sr:LatestEnd>{end}</sr:LatestEnd>"
        f"{asked}</sr:DeploymentGroup>"
    )


def schedule(subject: Subject, release: Release, *groups: str, version: str = "6.0") -> Reply:
    """Submit an 11.6."""
    body = (
        f"<sr:PreferredPilotSchedule><sr:FirmwareReleaseID>{release.id}</sr:FirmwareReleaseID><sr:FirmwareVersion>"
        f"{release.firmware}</sr:FirmwareVersion>{''.join(groups)}</sr:PreferredPilotSchedule>"
    )
    by = subject.supplier(version)
    return subject.send(by, subject.request(by, version, body, "11.6"))


def _case(announce: Announce, submit: Submit, code: str, listed: str = "") -> Play:
    """A case: a release is announced, something submitted, and a code answered (with a hub in the list named)."""

    def play(subject: Subject, version: str) -> None:
        with announce(subject) as release:
            reply = submit(subject, release)
            reply.is_code(code)
            if listed:
                expect(bool(reply.text(listed)), True, f"the answer has {listed}")

    return play


def _own(subject: Subject, number: int = 2) -> tuple[str, ...]:
    return subject.supplier("6.0").hubs[:number]


def _plain(subject: Subject) -> AbstractContextManager[Release]:
    return subject.release()


def _launching(subject: Subject) -> AbstractContextManager[Release]:
    return subject.release(days=(-30, -1))


def _without_pilot(subject: Subject) -> AbstractContextManager[Release]:
    return subject.release(kind="Security", days=None)


def _narrow(subject: Subject) -> AbstractContextManager[Release]:
    return subject.release(limit=2, minimum=2)


def _too_soon(subject: Subject) -> AbstractContextManager[Release]:
    return subject.release(days=(-1, 15), automatic=_SOON)


def _of_nothing(release: Release) -> Release:
    return Release(f"{release.id}-NONE", release.firmware)


def _list(*more: str, number: int = 2) -> Submit:
    return lambda subject, release: pilot_list(subject, release, (*_own(subject, number), *more))


def _others_list(subject: Subject, release: Release) -> Reply:
    return pilot_list(subject, release, (UNKNOWN, subject.supplier("5.0").hubs[0]))


def _groups(
    stage: str, *, number: int = 1, days: tuple[int, int] = (2, 9), constraint: str = "", more: tuple[str, ...] = ()
) -> Submit:
    """Submit one group; for the pilot a list that has its hubs goes before it."""

    def submit(subject: Subject, release: Release) -> Reply:
        hubs = (*_own(subject, number), *more)
        if stage == "Pilot":
            pilot_list(subject, release, _own(subject, 4))
        return schedule(subject, release, group(subject, "G1", hubs, stage, days, constraint))

    return submit


def _two_groups(subject: Subject, release: Release) -> Reply:
    hubs = _own(subject)
    one, other = (group(subject, name, hubs, "SafeLaunch") for name in ("G1", "G2"))
    return schedule(subject, release, one, other)


def _foreign_group(subject: Subject, release: Release) -> Reply:
    return schedule(subject, release, group(subject, "G1", (UNKNOWN,), "SafeLaunch"))


def _unlisted_group(subject: Subject, release: Release) -> Reply:
    pilot_list(subject, release, _own(subject, 1)).is_code("I99")
    return schedule(subject, release, group(subject, "G1", _own(subject), "Pilot"))


def _list_of_unknown(subject: Subject, release: Release) -> Reply:
    return pilot_list(subject, _of_nothing(release), _own(subject))


def _schedule_of_unknown(subject: Subject, release: Release) -> Reply:
    return schedule(subject, _of_nothing(release), group(subject, "G1", _own(subject), "SafeLaunch"))


def _clause(name: str, source: str, accepts: Play, refuses: Play, *requirements: str) -> Clause:
    return Clause(name, source, Era.NEW, accepts, refuses, _ON, (*requirements, "PIA-5"))


_GOOD_LIST = _case(_plain, _list(), "I99")
_GOOD_GROUP = _case(_launching, _groups("SafeLaunch"), "I99")
_GOOD_PILOT_GROUP = _case(_plain, _groups("Pilot"), "I99")

CLAUSES = (
    _clause("list_release", "11.5, E110501", _GOOD_LIST, _case(_plain, _list_of_unknown, "E110501"), "A04"),
    _clause(
        "list_hubs",
        "11.5, W110501 and E110502",
        _case(_plain, _list(UNKNOWN), "W110501", "InvalidDeviceIDList"),
        _case(_plain, _others_list, "E110502", "NotResponsibleDeviceIDList"),
        "A04",
        "BR-5.2",
    ),
    _clause("list_window", "11.5, E110503", _GOOD_LIST, _case(_launching, _list(), "E110503"), "A04"),
    _clause(
        "list_limit",
        "11.5, E110504",
        _case(_narrow, _list(), "I99"),
        _case(_narrow, _list(number=3), "E110504"),
        "BR-0.2",
    ),
    _clause("list_too_late", "11.5, E110505", _GOOD_LIST, _case(_too_soon, _list(), "E110505"), "BR-3.4"),
    _clause("list_no_pilot", "11.5, E110507", _GOOD_LIST, _case(_without_pilot, _list(), "E110507"), "PIA-A3"),
    _clause(
        "list_minimum",
        "11.5, E110510",
        _case(_narrow, _list(), "I99"),
        _case(_narrow, _list(number=1), "E110510"),
        "PIA-C5",
    ),
    _clause("group_release", "11.6, E110601", _GOOD_GROUP, _case(_launching, _schedule_of_unknown, "E110601"), "A05"),
    _clause(
        "group_hubs",
        "11.6, W110601 and E110602",
        _case(_launching, _groups("SafeLaunch", more=(UNKNOWN,)), "W110601", "InvalidDeviceIDList"),
        _case(_launching, _foreign_group, "E110602", "InvalidDeviceIDList"),
        "A05",
        "BR-5.2",
    ),
    _clause("group_window", "11.6, E110603", _GOOD_PILOT_GROUP, _case(_launching, _groups("Pilot"), "E110603"), "A05"),
    _clause(
        "group_period",
        "11.6, E110605",
        _GOOD_GROUP,
        _case(_launching, _groups("SafeLaunch", days=(9, 2)), "E110605"),
        "BR-3.1",
    ),
    _clause(
        "group_too_late",
        "11.6, E110605",
        _GOOD_GROUP,
        _case(lambda subject: subject.release(days=(-30, -1), automatic=_SOON), _groups("SafeLaunch"), "E110605"),
        "BR-3.4",
    ),
    _clause(
        "group_constraint",
        "11.6, E110606",
        _GOOD_GROUP,
        _case(_launching, _groups("SafeLaunch", constraint="NOT-OFFERED"), "E110606"),
        "PIA-R5",
    ),
    _clause(
        "group_no_pilot",
        "11.6, E110607",
        _GOOD_PILOT_GROUP,
        _case(_without_pilot, _groups("Pilot"), "E110607"),
        "PIA-A3",
    ),
    _clause("group_unlisted", "11.6, E110608", _GOOD_PILOT_GROUP, _case(_plain, _unlisted_group, "E110608"), "A05"),
    _clause("group_twice", "11.6, E110609", _GOOD_GROUP, _case(_launching, _two_groups, "E110609"), "A05"),
)
"""11.5 and 11.6, which are of DUIS 6.0."""
