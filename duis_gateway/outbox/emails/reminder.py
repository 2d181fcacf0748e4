"""The email that reminds a party of what it has not yet done under a release, some days before it is due (BR-5.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from duis_gateway.flow.reply import Email
from duis_gateway.parties.records import Party
from duis_gateway.rollout.releases.records import Release
from duis_gateway.text.counts import counted
from duis_gateway.text.times import show_time


@dataclass(frozen=True, slots=True)
class Reminded:
    """One thing that a party has not done: what, for which region or group, how many hubs, whether optional."""

    task: str
    subject: str = ""
    hubs: int = 0
    optional: bool = False


def reminder(release: Release, recipient: Party, date: datetime, due: Sequence[Reminded]) -> Email:
    """Return the reminder of everything that is due at this date."""
    what = "1 task" if len(due) == 1 else f"{len(due):,} tasks"
    return Email(
        recipient,
        "reminder",
        f"Firmware release {release.release_id}: {what} due by {date:%Y-%m-%d}",
        (
            f"By {show_time(date)} you can still do the following under firmware release {release.release_id}.",
            *map(_line, due),
            "Your deadlines at the party door, GET /party/v1/deadlines, show everything that is outstanding.",
        ),
        release.release_id,
    )


def _line(one: Reminded) -> str:
    about = f", {one.subject}" if one.subject else ""
    hubs = f": {counted(one.hubs, 'hub')}" if one.hubs else ""
    need = " (you are not obliged to)" if one.optional else ""
    return f"{one.task[:1].upper()}{one.task[1:]}{about}{hubs}{need}."
