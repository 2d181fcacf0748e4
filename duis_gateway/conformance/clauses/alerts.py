"""N64 and the alerts of Option 1 about hubs and schedules, and what becomes of them for users on an older DUIS."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from duis_gateway.conformance.clause import Clause, Era, Play, brings
from duis_gateway.conformance.clauses.said import (
    UNKNOWN,
    batch,
    csp_schedule,
    decide,
    default_list,
    group,
    heard,
    pilot_list,
    plan_now,
    report,
    requested,
    schedule,
)
from duis_gateway.conformance.notices import Release, Terms
from duis_gateway.conformance.subject import Reply, Subject, expect


def _new_version() -> str:
    return secrets.token_hex(4).upper()


def _activate(subject: Subject, version: str, times: int = 1) -> str:
    """Let a hub be activated as it is planned, and reported so many times; return the version that it runs now."""
    hub = subject.supplier(version).hubs[-1]
    with subject.release() as release:
        plan_now(subject, release.id, (hub,))
        requested(subject, release, (hub,)).is_code("Accepted")
        for _ in range(times):
            report(subject, hub, release.firmware).is_code("Accepted")
        subject.alert(subject.supplier(version), f"<sr:FirmwareVersion>{release.firmware}<", f"<sr:DeviceID>{hub}<")
    return release.firmware


@brings("N64")
def _activation_is_told(subject: Subject, version: str) -> None:
    firmware = _activate(subject, version)
    hub = subject.supplier(version).hubs[-1]
    heard(subject, version, "N64", "5.1", f"<sr:DeviceID>{hub}<", f"<sr:FirmwareVersion>{firmware}<")


def _planned_goes(subject: Subject, version: str) -> None:
    hub = subject.supplier(version).hubs[0]
    with subject.release() as release:
        plan_now(subject, release.id, (hub,))
        requested(subject, release, (hub,)).is_code("Accepted")


def _unplanned_stops(subject: Subject, version: str) -> None:
    """The acknowledgement names the hub and says why: in the message of another that may go, and while paused."""
    planned, other = subject.supplier(version).hubs[:2]
    with subject.release() as release:
        plan_now(subject, release.id, (planned,))
        reply = requested(subject, release, (planned, other))
        reply.is_code("PartlyAccepted")
        expect((reply.text("Item"), reply.text("Reason").partition(":")[0]), (other, "NotInstructed"), "who stops")
        decide(subject, release.id).is_code("Accepted")
        reply = requested(subject, release, (planned,))
        reply.is_code("Refused")
        expect((reply.text("Item"), reply.text("Reason").partition(":")[0]), (planned, "ReleasePaused"), "who stops")


def _unknown_hub(subject: Subject, version: str) -> None:
    report(subject, UNKNOWN, _new_version()).is_code("Refused")


@brings("N64")
def _other_version_is_told(subject: Subject, version: str) -> None:
    hub = subject.supplier(version).hubs[-1]
    for firmware in (_activate(subject, version), _activate(subject, version)):
        heard(subject, version, "N64", "5.1", f"<sr:DeviceID>{hub}<", f"<sr:FirmwareVersion>{firmware}<")


@brings("N64")
def _same_version_is_no_news(subject: Subject, version: str) -> None:
    """When the alert for the last report has come, one for the report before it would be there too."""
    by = subject.supplier(version)
    reported = [_activate(subject, version, times=2), _activate(subject, version)]
    hub = f"<sr:DeviceID>{by.hubs[-1]}<"
    found = [len(subject.came(by, f"<sr:FirmwareVersion>{firmware}<", hub)) for firmware in reported]
    expect(found, [1, 1], "alerts for the two versions")


@brings("N999", "N71")
def _older_user_is_told_that_there_is_news(subject: Subject, version: str) -> None:
    """N999 says the code and the hub; the firmware version stands in that for N64 only."""
    hub = subject.supplier(version).hubs[-1]
    report(subject, hub, "PACK", "pack").is_code("Accepted")
    alert = subject.alert(subject.supplier(version), ">N71<", f"<sr:DeviceID>{hub}<")
    expect([one.text for one in alert.iter("{*}DCCAlertCode")], ["N999", "N71"], "the codes of the alert")
    expect([one.text for one in alert.iter("{*}ServiceUserDUISVersion")], [version], "the user's DUIS version")
    expect([one.text for one in alert.iter("{*}FirmwareVersion")], [], "firmware versions of the alert")


@brings("N71")
def _failure_is_told(subject: Subject, version: str) -> None:
    hub = subject.supplier(version).hubs[-1]
    reason = f"pack-{secrets.token_hex(3)}"
    report(subject, hub, "PACK", reason).is_code("Accepted")
    words = (f">{reason}<",) if version == "6.0" else (f"<sr:DeviceID>{hub}<",)
    heard(subject, version, "N71", "6.0", *words)


def _unknown_failure(subject: Subject, version: str) -> None:
    report(subject, UNKNOWN, "PACK", "pack").is_code("Refused")


def _named(release: Release, version: str) -> tuple[str, ...]:
    """What an alert about a release has in it; an N999 does not name the release."""
    return (f">{release.id}<",) if version == "6.0" else ()


@brings("N72")
def _threshold_holds(subject: Subject, version: str) -> None:
    """At the second hub that fails, and not at the first; then CS06 stops, until DCC proceeds."""
    hubs = subject.supplier(version).hubs[:2]
    with subject.release(Terms(failing=2)) as release:
        plan_now(subject, release.id, hubs)
        for hub in hubs:
            requested(subject, release, (hub,)).is_code("Accepted")
            report(subject, hub, release.firmware, "pack").is_code("Accepted")
        heard(subject, version, "N72", "6.0", *_named(release, version))
        subject.message(subject.profile["csp"], "RolloutDecision>", f">{release.id}<", ">Provisional<")
        reply = requested(subject, release, hubs)
        reply.is_code("Refused")
        expect(reply.text("Reason").partition(":")[0], "ReleasePaused", "why CS06 stops")
        decide(subject, release.id, "Proceed").is_code("Accepted")
        requested(subject, release, hubs).is_code("Accepted")


def _threshold_of_nothing(subject: Subject, _: str) -> None:
    """A threshold of no hubs is not one."""
    made = Release("PACK-NONE", "9002")
    subject.announce(made, Terms(failing=0)).is_status(400)


@brings("N66")
def _default_list_is_told(subject: Subject, version: str) -> None:
    with subject.release() as release:
        default_list(subject, release.id, subject.supplier(version).hubs[:2]).is_code("Accepted")
        heard(subject, version, "N66", "6.0", *_named(release, version))


def _default_list_of_nothing(subject: Subject, version: str) -> None:
    default_list(subject, "PACK-NONE", subject.supplier(version).hubs[:2]).is_code("Refused")


def _schedule_is_told(code: str, body: str, terms: Terms) -> Play:
    """The supplier learns its own hubs and the period, and no other supplier's hubs."""

    def play(subject: Subject, version: str) -> None:
        mine, other = subject.supplier(version).hubs[0], subject.supplier("5.0" if version != "5.0" else "5.1").hubs[0]
        with subject.release(terms) as release:
            csp_schedule(subject, body, release.id, (mine, other)).is_code("Accepted")
            heard(subject, version, code, "6.0", *_named(release, version))
            if version == "6.0":
                alert = subject.alert(subject.supplier(version), f">{code}<", f">{release.id}<")
                expect([one.text for one in alert.iter("{*}DeviceIDList")], [mine], "hubs of the alert")
                expect(len(list(alert.iter("{*}EarliestStart"))), 1, "periods of the alert")

    return brings(code)(play)


def _schedule_that_cannot_be(body: str, terms: Terms) -> Play:
    def play(subject: Subject, version: str) -> None:
        hubs = subject.supplier(version).hubs[:1]
        with subject.release(terms) as release:
            csp_schedule(subject, body, release.id, hubs, (9, 2)).is_code("Refused")
            csp_schedule(subject, body, "PACK-NONE", hubs).is_code("Refused")

    return play


@brings("N72")
def _decision_is_told(subject: Subject, version: str) -> None:
    with subject.release() as release:
        decide(subject, release.id).is_code("Accepted")
        heard(subject, version, "N72", "6.0", *_named(release, version))


def _decision_on_nothing(subject: Subject, version: str) -> None:
    decide(subject, "PACK-NONE").is_code("Refused")


@brings("N72")
def _batch_is_told(subject: Subject, _: str) -> None:
    """Of a batch with a hub of another supplier, each learns its own."""
    mine, other = subject.supplier("6.0"), subject.supplier("5.0")
    with subject.release() as release:
        batch(subject, release.id, (mine.hubs[0], other.hubs[0])).is_code("Accepted")
        alert = subject.alert(mine, ">N72<", f">{release.id}<", ">BatchInstruction<")
        expect([one.text for one in alert.iter("{*}DeviceIDList")], [mine.hubs[0]], "hubs of the alert")


def _batch_of_unknown(subject: Subject, _: str) -> None:
    with subject.release() as release:
        batch(subject, release.id, (UNKNOWN,)).is_code("Refused")


def _say(subject: Subject, release: str, name: str, hubs: Sequence[str] = ()) -> Reply:
    piece = f"<DeviceIDList>{','.join(hubs)}</DeviceIDList>" if hubs else ""
    return subject.tell(
        "csp",
        f"<ScheduleDecision><FirmwareReleaseID>{release}</FirmwareReleaseID><SupplierID>{subject.supplier('6.0').eui}"
        f"</SupplierID><GroupID>{name}</GroupID><Decision>Accepted</Decision>{piece}</ScheduleDecision>",
    )


@brings("N74", "N77")
def _say_is_told(subject: Subject, version: str) -> None:
    """On the whole group, and then on a piece of it, whose hubs are listed."""
    with subject.release(Terms(days=(-30, -1))) as release:
        hubs = subject.supplier(version).hubs[:2]
        schedule(subject, release, group(subject, "G1", hubs, "SafeLaunch")).is_code("I99")
        heard(subject, version, "N77", "6.0", f">{release.id}<", ">Requested<")
        _say(subject, release.id, "G1").is_code("Accepted")
        heard(subject, version, "N74", "6.0", f">{release.id}<")
        _say(subject, release.id, "G1", (*hubs[:1], UNKNOWN)).is_code("PartlyAccepted")
        heard(subject, version, "N74", "6.0", f">{release.id}<", f"<sr:DeviceIDList>{hubs[0]}<")


def _say_on_nothing(subject: Subject, version: str) -> None:
    """On an unknown release, and on a hub that is not in the group."""
    _say(subject, "PACK-NONE", "G1").is_code("Refused")
    with subject.release(Terms(days=(-30, -1))) as release:
        hubs = subject.supplier(version).hubs[:1]
        schedule(subject, release, group(subject, "G1", hubs, "SafeLaunch")).is_code("I99")
        _say(subject, release.id, "G1", (UNKNOWN,)).is_code("Refused")


def _is_of_6_0(subject: Subject, version: str) -> None:
    """8.2 goes on in every version; 11.5 is there in 6.0."""
    with subject.release() as release:
        pilot_list(subject, release, subject.supplier("6.0").hubs[:2]).is_code("I99")


def _is_not_of_5(subject: Subject, version: str) -> None:
    hubs = subject.supplier(version).hubs[:2]
    made = Release("PACK-NONE", "9002")
    if version == "6.0":
        pilot_list(subject, made, hubs).is_code("E110501")
    else:
        pilot_list(subject, made, hubs, version).is_status(400)


_PILOTING, _LAUNCHING = Terms(), Terms(days=(-30, -1))

CLAUSES = (
    Clause("n64", "FIA table 2; N64 since 5.1, N999 before", Era.NEW, _activation_is_told, _unknown_hub,
           requirements=("FIA-1", "FIA-2", "FIA-3", "X01")),
    Clause("cs06", "X01; CS06 is for hubs whose planned period is open", Era.NEW, _planned_goes, _unplanned_stops,
           requirements=("X01", "BR-3.5")),
    Clause("n64_again", "FIA table 2; the same version again is no news", Era.NEW, _other_version_is_told,
           _same_version_is_no_news, requirements=("FIA-2", "X01")),
    Clause("n999", "N999 for an alert that the user's DUIS does not know", Era.NEW,
           _older_user_is_told_that_there_is_news, _unknown_failure, ("5.0", "5.1"), ("FIA-3",)),
    Clause("n66", "A02; N66, N999 below 6.0", Era.NEW, _default_list_is_told, _default_list_of_nothing,
           requirements=("A02", "FIA-3")),
    Clause("n67", "A03; N67, N999 below 6.0", Era.NEW, _schedule_is_told("N67", "DefaultPilotSchedule", _PILOTING),
           _schedule_that_cannot_be("DefaultPilotSchedule", _PILOTING), requirements=("A03", "FIA-3")),
    Clause("n68", "A08; N68, N999 below 6.0", Era.NEW, _schedule_is_told("N68", "SafeLaunchSchedule", _LAUNCHING),
           _schedule_that_cannot_be("SafeLaunchSchedule", _LAUNCHING), requirements=("A08", "FIA-3")),
    Clause("n71", "X02; N71, N999 below 6.0", Era.NEW, _failure_is_told, _unknown_failure,
           requirements=("X02", "FIA-3")),
    Clause("n72", "X03; N72, N999 below 6.0", Era.NEW, _decision_is_told, _decision_on_nothing,
           requirements=("X03", "FIA-3")),
    Clause("failure_threshold", "X11; at a release's failure threshold the plan is held until DCC decides", Era.NEW,
           _threshold_holds, _threshold_of_nothing, requirements=("X11", "X03", "BR-6.4")),
    Clause("n72_batch", "X08; N72 for DCC's own instruction", Era.NEW, _batch_is_told, _batch_of_unknown, ("6.0",),
           ("X08", "BR-3.7")),
    Clause("n74", "X07; N74", Era.NEW, _say_is_told, _say_on_nothing, ("6.0",), ("X07", "PIA-C4")),
    Clause("option_1_version", "11.5 and 11.6 are of DUIS 6.0", Era.NEW, _is_of_6_0, _is_not_of_5,
           requirements=("PIA-1", "FIA-4")),
)  # fmt: skip
"""What the gateway sends by itself."""
