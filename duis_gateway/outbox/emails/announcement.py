"""A01: the email by which suppliers and CSPs hear of a firmware release, or of a revision of it."""

from __future__ import annotations

from duis_gateway.flow.reply import EligibleHubs, Email
from duis_gateway.namespaces import DUIS_6_0
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.obligations.rules import due_date
from duis_gateway.rollout.releases.records import PilotTerms, Release
from duis_gateway.rollout.releases.rules import last_for_the_pilot, last_to_instruct
from duis_gateway.text.times import show_time


def announcement(release: Release, recipient: Party, *, revised: bool) -> Email:
    """Return the email for one recipient; a supplier's lists its own hubs that the release may be applied to."""
    model = f"{release.manufacturer} {release.model}"
    supplier = recipient.kind is PartyKind.SUPPLIER
    what = _what_to_do(release, recipient) if supplier else _what_csps_do(release)
    revision = f", revision {release.revision}" if revised else ""
    return Email(
        recipient,
        "A01",
        f"Firmware release {release.release_id}{revision}: {release.firmware_version} for {model}",
        (_opening(release, model, revised) + _predecessors(release), *what),
        release.release_id,
        attachment=EligibleHubs(release) if supplier else None,
    )


_BY_MESSAGE = "The gateway sends you the same as a FirmwareReleaseNotice, which is the one that counts."


def _opening(release: Release, model: str, revised: bool) -> str:
    if revised:
        return (
            f"DCC has revised firmware release {release.release_id}, which brings version {release.firmware_version} "
            f"to Communications Hubs {model}. Revision {release.revision} replaces what you were told before."
        )
    return (
        f"DCC announces firmware version {release.firmware_version} for Communications Hubs {model}, "
        f"as release {release.release_id}."
    )


def _predecessors(release: Release) -> str:
    if not release.permitted_predecessors:
        return ""
    return f" It is for hubs that run version {' or '.join(sorted(release.permitted_predecessors))}."


def _what_to_do(release: Release, recipient: Party) -> tuple[str, ...]:
    automatic = f"Hubs that nobody instructs are updated by the automatic date, {show_time(release.automatic_date)}."
    if recipient.duis_version < DUIS_6_0:
        return (
            f"Your registered DUIS version ({recipient.duis_version}) does not have the Service Requests by which "
            f"hubs are chosen and scheduled (11.5 and 11.6, from DUIS {DUIS_6_0}). {automatic}",
        )
    until = show_time(last_to_instruct(release))
    instruct = f"You can instruct when your hubs are updated (Service Request 11.6) until {until}. {automatic}"
    if release.pilot is None:
        return (f"There is no pilot for this release. {instruct}",)
    window = last_for_the_pilot(release)
    assert window is not None
    choose = f"You can choose your hubs for the pilot (Service Request 11.5) until {show_time(window)}. {instruct}"
    return (choose, *_what_is_owed(release, release.pilot))


def _what_is_owed(release: Release, pilot: PilotTerms) -> tuple[str, ...]:
    """PIA-A9: what a supplier has to provide, and until when."""
    share = pilot.share_percent
    parts = ([f"at least {pilot.minimum:,} of them"] if pilot.minimum else []) + (
        [f"{share}% of your hubs"] if share else []
    )
    if not release.obligations or not parts:
        return ()
    due = show_time(due_date(pilot))
    return (
        f"Every supplier provides {' and '.join(parts)} by {due}; DCC may choose on your behalf what is missing then.",
    )


def _what_csps_do(release: Release) -> tuple[str, ...]:
    """BR-5.4: each actor is shown how long it has."""
    pilot = release.pilot
    launch = show_time(release.automatic_date if pilot is None else pilot.period.end)
    tasks = f"your Safe Launch Schedule by {launch}"
    if pilot is not None:
        start = show_time(pilot.period.start)
        tasks = f"your Default Pilot List and Default Pilot Schedule by {start}, and {tasks}"
    return (_BY_MESSAGE, f"Upload {tasks}, for each of your regions.")
