"""A01: the email by which suppliers and CSPs hear of a firmware release, or of a revision of it."""

from __future__ import annotations

from duis_gateway.flow.reply import EligibleHubs, Email
from duis_gateway.namespaces import DUIS_6_0
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.periods import one_month_before
from duis_gateway.rollout.releases.records import Release
from duis_gateway.text.times import show_time


def announcement(release: Release, recipient: Party, *, revised: bool) -> Email:
    """Return the email for one recipient; a supplier's lists its own hubs that the release may be applied to."""
    model = f"{release.manufacturer} {release.model}"
    supplier = recipient.kind is PartyKind.SUPPLIER
    revision = f", revision {release.revision}" if revised else ""
    return Email(
        recipient,
        "A01",
        f"Firmware release {release.release_id}{revision}: {release.firmware_version} for {model}",
        (
            _opening(release, model, revised) + _predecessors(release),
            *(_what_to_do(release, recipient) if supplier else (_BY_MESSAGE,)),
        ),
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
    until = show_time(one_month_before(release.automatic_date))
    instruct = f"You can instruct when your hubs are updated (Service Request 11.6) until {until}. {automatic}"
    if release.pilot is None:
        return (f"There is no pilot for this release. {instruct}",)
    window = show_time(release.pilot.period.end)
    return (f"You can choose your hubs for the pilot (Service Request 11.5) until {window}. {instruct}",)
