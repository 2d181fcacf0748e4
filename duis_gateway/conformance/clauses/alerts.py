"""N64 and the alerts of Option 1, and what becomes of them for users on an older DUIS."""

from __future__ import annotations

import secrets
from datetime import timedelta

from duis_gateway.conformance.clause import Clause, Era
from duis_gateway.conformance.clauses.pilot import UNKNOWN, group, pilot_list, schedule
from duis_gateway.conformance.subject import Release, Reply, Subject, expect, stamp


def _report(subject: Subject, hub: str, firmware: str, failure: str = "") -> Reply:
    outcome = "Failure" if failure else "Success"
    reason = f"<FailureReason>{failure}</FailureReason>" if failure else ""
    return subject.tell(
        "csp",
        f"<ActivateFirmwareResponses><Hub><DeviceID>{hub}</DeviceID><Outcome>{outcome}</Outcome><FirmwareVersion>{firmware}"
        f"</FirmwareVersion><CompletedAt>{stamp(subject.now - timedelta(seconds=1))}</CompletedAt>{reason}</Hub>"
        "</ActivateFirmwareResponses>",
    )


def _heard(subject: Subject, version: str, code: str, since: str, *words: str) -> None:
    """The supplier on this version gets the alert, or N999 in its place where its DUIS does not know it."""
    alert = subject.alert(subject.supplier(version), f">{code}<", *words)
    codes = [found.text for found in alert.iter("{*}DCCAlertCode")]
    expect(codes, [code] if version >= since else ["N999", code], "the codes of the alert")
    expect(alert.get("schemaVersion"), version, "schemaVersion of the alert")


def _new_version() -> str:
    return secrets.token_hex(4).upper()


def _activation_is_told(subject: Subject, version: str) -> None:
    hub, firmware = subject.supplier(version).hubs[-1], _new_version()
    _report(subject, hub, firmware).is_code("Accepted")
    _heard(subject, version, "N64", "5.1", f"<sr:DeviceID>{hub}<", f"<sr:FirmwareVersion>{firmware}<")


def _unknown_hub(subject: Subject, version: str) -> None:
    _report(subject, UNKNOWN, _new_version()).is_code("Refused")


def _failure_is_told(subject: Subject, version: str) -> None:
    hub = subject.supplier(version).hubs[-1]
    reason = f"pack-{secrets.token_hex(3)}"
    _report(subject, hub, "PACK", reason).is_code("Accepted")
    words = (f">{reason}<",) if version == "6.0" else (f"<sr:DeviceID>{hub}<",)
    _heard(subject, version, "N71", "6.0", *words)


def _unknown_failure(subject: Subject, version: str) -> None:
    _report(subject, UNKNOWN, "PACK", "pack").is_code("Refused")


def _default_list(subject: Subject, release: str, hubs: tuple[str, ...]) -> Reply:
    return subject.tell(
        "csp",
        f"<DefaultPilotList><FirmwareReleaseID>{release}</FirmwareReleaseID><CSPRegion>{subject.profile.region}"
        f"</CSPRegion><DeviceIDList>{','.join(hubs)}</DeviceIDList></DefaultPilotList>",
    )


def _default_list_is_told(subject: Subject, version: str) -> None:
    with subject.release() as release:
        _default_list(subject, release.id, subject.supplier(version).hubs[:2]).is_code("Accepted")
        _heard(subject, version, "N66", "6.0", *((f">{release.id}<",) if version == "6.0" else ()))


def _default_list_of_nothing(subject: Subject, version: str) -> None:
    _default_list(subject, "PACK-NONE", subject.supplier(version).hubs[:2]).is_code("Refused")


def _decide(subject: Subject, release: str, by: str = "SEC Panel") -> Reply:
    return subject.tell(
        "dcc",
        f"<RolloutDecision><FirmwareReleaseID>{release}</FirmwareReleaseID><Decision>Pause</Decision>"
        f"<Reason>pack</Reason><DecisionStatus>Confirmed</DecisionStatus><DecidedBy>{by}</DecidedBy></RolloutDecision>",
    )


def _decision_is_told(subject: Subject, version: str) -> None:
    with subject.release() as release:
        _decide(subject, release.id).is_code("Accepted")
        _heard(subject, version, "N72", "6.0", *((f">{release.id}<",) if version == "6.0" else ()))


def _decision_on_nothing(subject: Subject, version: str) -> None:
    _decide(subject, "PACK-NONE").is_code("Refused")


def _say(subject: Subject, release: str, name: str) -> Reply:
    return subject.tell(
        "csp",
        f"<ScheduleDecision><FirmwareReleaseID>{release}</FirmwareReleaseID><SupplierID>{subject.supplier('6.0').eui}"
        f"</SupplierID><GroupID>{name}</GroupID><Decision>Accepted</Decision></ScheduleDecision>",
    )


def _say_is_told(subject: Subject, version: str) -> None:
    with subject.release(days=(-30, -1)) as release:
        hubs = subject.supplier(version).hubs[:1]
        schedule(subject, release, group(subject, "G1", hubs, "SafeLaunch")).is_code("I99")
        _say(subject, release.id, "G1").is_code("Accepted")
        _heard(subject, version, "N74", "6.0", f">{release.id}<")


def _say_on_nothing(subject: Subject, version: str) -> None:
    _say(subject, "PACK-NONE", "G1").is_code("Refused")


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
        pilot_list(subject, made, hubs, version).is_refused(400)


CLAUSES = (
    Clause("n64", "FIA table 2; N64 since 5.1, N999 before", Era.NEW, _activation_is_told, _unknown_hub,
           requirements=("FIA-1", "FIA-2", "FIA-3", "X01")),
    Clause("n66", "A02; N66, N999 below 6.0", Era.NEW, _default_list_is_told, _default_list_of_nothing,
           requirements=("A02", "FIA-3")),
    Clause("n71", "X02; N71, N999 below 6.0", Era.NEW, _failure_is_told, _unknown_failure,
           requirements=("X02", "FIA-3")),
    Clause("n72", "X03; N72, N999 below 6.0", Era.NEW, _decision_is_told, _decision_on_nothing,
           requirements=("X03", "FIA-3")),
    Clause("n74", "X07; N74", Era.NEW, _say_is_told, _say_on_nothing, ("6.0",), ("X07",)),
    Clause("option_1_version", "11.5 and 11.6 are of DUIS 6.0", Era.NEW, _is_of_6_0, _is_not_of_5,
           requirements=("PIA-1", "FIA-4")),
)  # fmt: skip
"""What the gateway sends by itself."""
