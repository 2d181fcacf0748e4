"""What the parties of the clauses say: requests of suppliers, uploads of the CSP, decisions of DCC."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from duis_gateway.conformance.notices import Release, stamp
from duis_gateway.conformance.profile import Actor
from duis_gateway.conformance.subject import Reply, Subject, expect

UNKNOWN = "00-DB-12-FF-FF-FF-FF-FF"
"""A hub that no inventory has."""


def own(subject: Subject, number: int = 2) -> tuple[str, ...]:
    """Return so many hubs of the supplier on DUIS 6.0 alone."""
    return subject.supplier("6.0").hubs[:number]


def pilot_list(subject: Subject, release: Release, hubs: Sequence[str], version: str = "6.0") -> Reply:
    """Submit an 11.5 with a whole list."""
    by = subject.supplier(version)
    return subject.send(by, list_request(subject, release, hubs, version))


def list_request(subject: Subject, release: Release, hubs: Sequence[str], version: str = "6.0") -> bytes:
    """Return an unsigned 11.5 with a whole list."""
    body = (
        f"<sr:PreferredPilotList><sr:FirmwareReleaseID>{release.id}</sr:FirmwareReleaseID><sr:FirmwareVersion>"
        f"{release.firmware}</sr:FirmwareVersion><sr:DeviceIDList>{','.join(hubs)}</sr:DeviceIDList></sr:PreferredPilotList>"
    )
    return subject.request(subject.supplier(version), version, body, "11.5")


def group(
    subject: Subject, name: str, hubs: Sequence[str], stage: str, days: tuple[int, int] = (2, 9), constraint: str = ""
) -> str:
    """Return a deployment group of an 11.6, in a period of so many days from now."""
    asked = f"<sr:SchedulingConstraint>{constraint}</sr:SchedulingConstraint>" if constraint else ""
    return (
        f"<sr:DeploymentGroup><sr:GroupID>{name}</sr:GroupID><sr:Stage>{stage}</sr:Stage><sr:DeviceIDList>"
        f"{','.join(hubs)}</sr:DeviceIDList>{_period(subject, days, 'sr:')}{asked}</sr:DeploymentGroup>"
    )


def _period(subject: Subject, days: tuple[int, int], prefix: str = "") -> str:
    start, end = (stamp(subject.now + timedelta(days=number)) for number in days)
    return f"<{prefix}EarliestStart>{start}</{prefix}EarliestStart><{prefix}LatestEnd>{end}</{prefix}LatestEnd>"


def schedule(subject: Subject, release: Release, *groups: str, by: Actor | None = None) -> Reply:
    """Submit an 11.6, as the supplier on DUIS 6.0 unless told otherwise."""
    body = (
        f"<sr:PreferredPilotSchedule><sr:FirmwareReleaseID>{release.id}</sr:FirmwareReleaseID><sr:FirmwareVersion>"
        f"{release.firmware}</sr:FirmwareVersion>{''.join(groups)}</sr:PreferredPilotSchedule>"
    )
    sender = by or subject.supplier("6.0")
    return subject.send(sender, subject.request(sender, "6.0", body, "11.6"))


def report(subject: Subject, hub: str, firmware: str, failure: str = "") -> Reply:
    """Let the CSP report a hub's answer to CS06."""
    outcome = "Failure" if failure else "Success"
    reason = f"<FailureReason>{failure}</FailureReason>" if failure else ""
    return subject.tell(
        "csp",
        f"<ActivateFirmwareResponses><Hub><DeviceID>{hub}</DeviceID><Outcome>{outcome}</Outcome><FirmwareVersion>{firmware}"
        f"</FirmwareVersion><CompletedAt>{stamp(subject.moment)}</CompletedAt>{reason}</Hub>"
        "</ActivateFirmwareResponses>",
    )


def default_list(subject: Subject, release: str, hubs: Sequence[str]) -> Reply:
    """Let the CSP upload its default pilot list."""
    return subject.tell(
        "csp",
        f"<DefaultPilotList>{_of(release)}<CSPRegion>{subject.profile.region}</CSPRegion>"
        f"<DeviceIDList>{','.join(hubs)}</DeviceIDList></DefaultPilotList>",
    )


def csp_schedule(
    subject: Subject, body: str, release: str, hubs: Sequence[str], days: tuple[int, int] = (2, 9), offer: str = ""
) -> Reply:
    """Let the CSP upload a `DefaultPilotSchedule` or `SafeLaunchSchedule` of one group, with a constraint offered."""
    constraint = (
        f"<OfferedConstraint><Code>{offer}</Code><Description>pack</Description></OfferedConstraint>" if offer else ""
    )
    return subject.tell(
        "csp",
        f"<{body}>{_of(release)}<CSPRegion>{subject.profile.region}</CSPRegion><DeploymentGroup><GroupID>PACK</GroupID>"
        f"<DeviceIDList>{','.join(hubs)}</DeviceIDList>{_period(subject, days)}</DeploymentGroup>{constraint}</{body}>",
    )


def decide(subject: Subject, release: str, decision: str = "Pause") -> Reply:
    """Let DCC decide on a roll-out, confirmed by the Panel."""
    return subject.tell(
        "dcc",
        f"<RolloutDecision>{_of(release)}<Decision>{decision}</Decision><Reason>pack</Reason>"
        "<DecisionStatus>Confirmed</DecisionStatus><DecidedBy>SEC Panel</DecidedBy></RolloutDecision>",
    )


def outcome(subject: Subject, body: str, release: str, success: bool) -> Reply:
    """Let DCC report how a stage went: a `PilotOutcome` or a `SafeLaunchOutcome`."""
    word = "Success" if success else "Failure"
    return subject.tell(
        "dcc",
        f"<{body}>{_of(release)}<Outcome>{word}</Outcome><HubsTargeted>200</HubsTargeted><HubsActivated>197"
        f"</HubsActivated><HubsFailed>3</HubsFailed><Commentary>pack</Commentary></{body}>",
    )


def close(subject: Subject, release: str) -> Reply:
    """Let DCC close a release."""
    return subject.tell("dcc", f"<Closure>{_of(release)}<At>{stamp(subject.now)}</At></Closure>")


def supersede(subject: Subject, release: str, successor: str) -> Reply:
    """Let DCC supersede a release by another."""
    return subject.tell(
        "dcc",
        f"<Supersession>{_of(release)}<SuccessorReleaseID>{successor}</SuccessorReleaseID>"
        f"<At>{stamp(subject.now)}</At></Supersession>",
    )


def batch(subject: Subject, release: str, hubs: Sequence[str]) -> Reply:
    """Let DCC instruct a batch of hubs."""
    listed = f"<GroupID>PACK</GroupID><DeviceIDList>{','.join(hubs)}</DeviceIDList>"
    return subject.tell("dcc", f"<BatchInstruction>{_of(release)}{listed}{_period(subject, (2, 9))}</BatchInstruction>")


def plan_now(subject: Subject, release: str, hubs: Sequence[str]) -> None:
    """Let DCC instruct hubs for a period that is open, at the time of what is reported of them too."""
    start, end = stamp(subject.moment - timedelta(days=1)), stamp(subject.now + timedelta(days=9))
    period = f"<EarliestStart>{start}</EarliestStart><LatestEnd>{end}</LatestEnd>"
    listed = f"<GroupID>PACK-NOW</GroupID><DeviceIDList>{','.join(hubs)}</DeviceIDList>"
    subject.tell("dcc", f"<BatchInstruction>{_of(release)}{listed}{period}</BatchInstruction>").is_code("Accepted")


def requested(subject: Subject, release: Release, hubs: Sequence[str]) -> Reply:
    """Let the CSP say that it has sent CS06 to hubs."""
    return subject.tell(
        "csp",
        f"<ActivateFirmwareRequests>{_of(release.id)}<FirmwareVersion>{release.firmware}</FirmwareVersion>"
        f"<DeviceIDList>{','.join(hubs)}</DeviceIDList><IssuedAt>{stamp(subject.now)}</IssuedAt>"
        "</ActivateFirmwareRequests>",
    )


def _of(release: str) -> str:
    return f"<FirmwareReleaseID>{release}</FirmwareReleaseID>"


def heard(subject: Subject, version: str, code: str, since: str, *words: str) -> None:
    """The supplier on this version gets the alert, or N999 in its place where its DUIS does not know it.

    The words are looked for in both: an N999 has the code, and for N64 and N71 the hub.
    """
    alert = subject.alert(subject.supplier(version), f">{code}<", *words)
    codes = [found.text for found in alert.iter("{*}DCCAlertCode")]
    expect(codes, [code] if version >= since else ["N999", code], "the codes of the alert")
    expect(alert.get("schemaVersion"), version, "schemaVersion of the alert")
