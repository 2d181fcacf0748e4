"""The facts of a release as an email shows them: a table of labels and values, for people."""

from __future__ import annotations

from duis_gateway.duis.alerts.words import Facts
from duis_gateway.rollout.releases.records import Release
from duis_gateway.text.counts import counted
from duis_gateway.text.times import show_time


def release_facts(release: Release) -> Facts:
    """Return what a person has to know about a release, in reading order."""
    pilot = release.pilot
    rows = [
        ("Release", release.release_id),
        ("Revision", str(release.revision)),
        ("Type", str(release.release_type)),
        ("Device model", f"{release.manufacturer} {release.model}"),
        ("Firmware version", release.firmware_version),
        ("Severity", release.severity),
        ("Priority", release.priority),
        ("Release note", release.release_note),
        ("Automatic date", show_time(release.automatic_date)),
    ]
    if pilot is None:
        rows.append(("Pilot", "none for this release"))
    else:
        rows.append(("Pilot", f"{show_time(pilot.period.start)} to {show_time(pilot.period.end)}"))
        least = f", at least {pilot.minimum:,}" if pilot.minimum else ""
        rows.append(("Pilot group", f"at most {counted(pilot.limit, 'hub')} per supplier{least}"))
        if pilot.share_percent is not None and pilot.share_by is not None:
            rows.append(("Pilot share", f"{pilot.share_percent}% by {show_time(pilot.share_by)}"))
    state = str(release.state).replace("_", " ")
    rows.append(("State", f"{state}, paused" if release.paused else state))
    return tuple(rows)
