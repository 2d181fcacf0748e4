"""A01: the email that tells suppliers and CSPs about a firmware release, or a revision of one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.flow.reply import EligibleHubs, Email
from duis_gateway.namespaces import DUIS_6_0
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.deadlines.rules import CspFacts
from duis_gateway.rollout.obligations.rules import due_date
from duis_gateway.rollout.releases.records import PilotTerms, Release, Stage, VoidSchedule
from duis_gateway.rollout.releases.rules import last_for_the_pilot, last_to_instruct, pilot_window_open
from duis_gateway.text.times import show_time


def announcement(
    release: Release,
    recipient: Party,
    now: datetime,
    *,
    revised: bool,
    void: Iterable[VoidSchedule] = (),
    csp: CspFacts | None = None,
) -> Email:
    """Return the email for one recipient; a supplier's lists those of its own hubs that the release may be applied to.

    No day that is past at `now` is described as still to come, and nothing as due that has been done. `void`: what the
    revision makes void in a CSP's own schedules. `csp`: how a CSP stands to the release, None where it has sent
    nothing and has hubs in all of its regions.
    """
    model = f"{release.manufacturer} {release.model}"
    supplier = recipient.kind is PartyKind.SUPPLIER
    if supplier:
        what = _what_to_do(release, recipient, now)
    else:
        standing = csp or CspFacts(recipient.eui, recipient.regions)
        what = (*map(_void, void), *_what_csps_do(release, standing, now))
    revision = f", revision {release.revision}" if revised else ""
    return Email(
        recipient,
        "A01",
        f"Firmware release {release.release_id}{revision}: {release.firmware_version} for {model}",
        (_opening(release, model, revised) + _predecessors(release), *what),
        release.release_id,
        attachment=EligibleHubs(release) if supplier else None,
    )


HUBS_NAMED = 20
"""How many of a schedule's hubs an email names: it may have lost many thousands."""

_BY_MESSAGE = "The gateway also sends you this as a FirmwareReleaseNotice, which is the one that counts."


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


def _what_to_do(release: Release, recipient: Party, now: datetime) -> tuple[str, ...]:
    automatic = _automatic(release, now)
    if recipient.duis_version < DUIS_6_0:
        return (
            f"Your registered DUIS version ({recipient.duis_version}) does not have the Service Requests that choose "
            f"and schedule hubs (11.5 and 11.6, from DUIS {DUIS_6_0}). {automatic}",
        )
    until = last_to_instruct(release)
    instruct = f"{_while(until, now, 'instruct when your hubs are updated (Service Request 11.6)')} {automatic}"
    if release.pilot is None:
        return (f"There is no pilot for this release. {instruct}",)
    window = last_for_the_pilot(release) if pilot_window_open(release, now) else None
    choose = _while(window, now, "choose your hubs for the pilot (Service Request 11.5)")
    return (f"{choose} {instruct}", *_what_is_owed(release, release.pilot, now))


def _while(until: datetime | None, now: datetime, what: str) -> str:
    """Say until when something can be done, or that it no longer can: a revision may come late."""
    if until is None or until < now:
        return f"It is too late to {what}."
    return f"You can {what} until {show_time(until)}."


def _automatic(release: Release, now: datetime) -> str:
    date = show_time(release.automatic_date)
    if release.automatic_date <= now:
        return f"The automatic date, {date}, has come: the CSPs update whatever remains."
    return f"Hubs that nobody instructs are updated by the automatic date, {date}."


def _what_is_owed(release: Release, pilot: PilotTerms, now: datetime) -> tuple[str, ...]:
    """PIA-A9: what a supplier has to provide, and by when."""
    share = pilot.share_percent
    parts = ([f"at least {pilot.minimum:,} of them"] if pilot.minimum else []) + (
        [f"{share}% of your hubs"] if share else []
    )
    if not release.obligations or not parts:
        return ()
    what, due = " and ".join(parts), due_date(pilot)
    if due < now:
        return (
            f"Every supplier had to provide {what} by {show_time(due)}; DCC may choose on your behalf what is missing.",
        )
    return (
        f"Every supplier has to provide {what} by {show_time(due)}; DCC may choose on your behalf what is still "
        "missing then.",
    )


def _what_csps_do(release: Release, csp: CspFacts, now: datetime) -> tuple[str, ...]:
    """BR-5.4: each actor is shown how long it has, for what it has not done yet."""
    pilot = release.pilot
    said = [_BY_MESSAGE]
    if not csp.regions:
        return (*said, "You have nothing to upload: the inventory has no hub of this model in your regions.")
    if pilot is not None:
        sent = {"Default Pilot List": csp.default_lists, "Default Pilot Schedule": csp.default_schedules}
        lists = {name: csp.regions - regions for name, regions in sent.items()}
        said.append(_upload(lists, pilot.period.start, now, possible=pilot_window_open(release, now)))
    launch = release.automatic_date if pilot is None else pilot.period.end
    schedule = {"Safe Launch Schedule": csp.regions - csp.safe_launch_schedules}
    said.append(_upload(schedule, launch, now, possible=now < release.automatic_date))
    if now >= release.automatic_date:
        said.append(_automatic(release, now))
    return tuple(said)


def _void(lost: VoidSchedule) -> str:
    """BR-6.5: what a decision means for what stands."""
    name = "Default Pilot Schedule" if lost.stage is Stage.PILOT else "Safe Launch Schedule"
    if not lost.hubs:
        return f"Your {name} for {lost.csp_region} is void; it no longer counts as sent. {lost.why}"
    named = ", ".join(map(format_eui, lost.hubs[:HUBS_NAMED]))
    more = f" and {len(lost.hubs) - HUBS_NAMED:,} more" if len(lost.hubs) > HUBS_NAMED else ""
    return (
        f"These hubs were taken out of your {name} for {lost.csp_region}, because they are {lost.why}: {named}{more}."
    )


def _listed(regions: Collection[str]) -> str:
    *others, last = sorted(regions) or [""]
    return " and ".join(filter(None, (", ".join(others), last)))


def _upload(missing: Mapping[str, frozenset[str]], due: datetime, now: datetime, *, possible: bool) -> str:
    """Say what is to be uploaded for which of a CSP's regions (`missing`, by name), or that all of it is there."""
    by_regions: dict[frozenset[str], list[str]] = {}
    for name, regions in missing.items():
        by_regions.setdefault(regions, []).append(name)
    theirs = {f"your {' and '.join(names)}": _listed(regions) for regions, names in by_regions.items()}
    what = ", and ".join(f"{names} for {regions}" for names, regions in theirs.items() if regions)
    if not what:
        return f"Nothing is outstanding of {' and '.join(theirs)}: every region has what it needs."
    if not possible:
        return f"It is too late to upload {what}."
    if due < now:
        return f"Upload {what} now: it was due on {show_time(due)}."
    return f"Upload {what} by {show_time(due)}."
