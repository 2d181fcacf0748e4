"""The email that reminds a party of what it has not yet done under a release, some days before it is due (BR-5.4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.flow.reply import Email
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.deadlines.rules import Deadline, Task
from duis_gateway.rollout.releases.records import Release
from duis_gateway.text.counts import counted
from duis_gateway.text.times import show_time


def reminder(release: Release, recipient: Party, date: datetime, due: Sequence[Deadline]) -> Email:
    """Return the reminder of everything that is due at this date: first what the party owes, then what it can do."""
    what = "1 task" if len(due) == 1 else f"{len(due):,} tasks"
    return Email(
        recipient,
        "reminder",
        f"Firmware release {release.release_id}: {what} due by {date:%Y-%m-%d}",
        (
            *_paragraphs(release, date, due),
            "Your deadlines at the party door, GET /party/v1/deadlines, show everything that is outstanding.",
        ),
        release.release_id,
    )


def _paragraphs(release: Release, date: datetime, due: Sequence[Deadline]) -> Iterator[str]:
    under = f"under firmware release {release.release_id}"
    owed, possible = [one for one in due if not one.optional], [one for one in due if one.optional]
    if owed:
        yield f"By {show_time(date)} the following is due from you {under}."
        yield from (_in_words(one, release, date) for one in owed)
    if possible:
        yield f"By {show_time(date)} you can still do the following {under}. Nothing obliges you to."
        yield from (_in_words(one, release, date) for one in possible)


def _in_words(one: Deadline, release: Release, date: datetime) -> str:
    asked, otherwise = _WORDS.get(one.task, (one.task.value.replace("_", " ").capitalize(), ""))
    if one.task is Task.INSTRUCT_ANEW and one.kind is PartyKind.DCC:
        asked, otherwise = _ANEW_BY_DCC
    hubs = "" if one.hubs is None else counted(one.hubs, "hub")
    about = "a supplier" if one.about is None else format_eui(one.about)
    said = asked.format(hubs=hubs, subject=one.subject, about=about)
    background = f" ({one.why.partition(';')[0]})" if one.why else ""
    until = f" until {show_time(one.due)}" if one.due is not None and one.due != date else ""
    then = otherwise.format(automatic=show_time(release.automatic_date))
    return f"{said}{background}{until}.{' ' if then else ''}{then}"


_GO = "What nobody instructs is updated at the automatic date, {automatic}."
_CHOOSES = "Otherwise DCC may choose them on your behalf."
_ANEW_BY_DCC = ("Instruct {hubs} again (BatchInstruction or PilotSelection), as your instruction is void", _GO)

_WORDS = {
    Task.SEND_PREFERRED_LIST: (
        "Choose your hubs for the pilot (Service Request 11.5): {hubs} can be chosen",
        "Otherwise your hubs on the CSPs' default lists are your pilot.",
    ),
    Task.SEND_PREFERRED_SCHEDULE: (
        "Schedule the hubs that you have chosen for the pilot (Service Request 11.6): {hubs} without a period",
        _GO,
    ),
    Task.PROVIDE_MINIMUM: (
        "Provide the minimum of hubs for the pilot (Service Request 11.5): {hubs} missing",
        _CHOOSES,
    ),
    Task.PROVIDE_SHARE: (
        "Provide your share of hubs for the pilot (Service Request 11.5): {hubs} missing",
        _CHOOSES,
    ),
    Task.INSTRUCT_SPLIT_HUBS: (
        "Instruct {hubs} that the other supplier has instructed already (Service Request 11.6)",
        _GO,
    ),
    Task.INSTRUCT_SAFE_LAUNCH: (
        "Instruct when {hubs} are to be updated in safe launch (Service Request 11.6)",
        _GO,
    ),
    Task.INSTRUCT_ANEW: (
        "Instruct {hubs} again (Service Request 11.6), as your instruction is void",
        _GO,
    ),
    Task.SEND_DEFAULT_LIST: ("Upload your Default Pilot List for {subject} (DefaultPilotList)", ""),
    Task.SEND_DEFAULT_SCHEDULE: ("Upload your Default Pilot Schedule for {subject} (DefaultPilotSchedule)", ""),
    Task.SEND_SAFE_LAUNCH_SCHEDULE: ("Upload your Safe Launch Schedule for {subject} (SafeLaunchSchedule)", ""),
    Task.DECIDE_ON_GROUP: (
        "Decide on the group {subject} of {about}, {hubs} (ScheduleDecision)",
        "Otherwise its period stands as it was requested.",
    ),
    Task.UPDATE_REMAINING_HUBS: (
        "That is the automatic date: update whatever then remains. Not updated in your regions yet: {hubs}",
        "No other message comes at that date.",
    ),
    Task.APPROVE_RELEASE: ("Approve the release (ReleaseApproval)", "Otherwise nothing is updated under it."),
    Task.SELECT_FOR_SUPPLIER: (
        "Choose {hubs} for {about}, which has not provided what it owes to the pilot (PilotSelection)",
        "",
    ),
    Task.REPORT_PILOT_OUTCOME: ("Report how the pilot went (PilotOutcome)", ""),
    Task.DECIDE_ON_FAILED_PILOT: (
        "Decide on the release, whose pilot has failed (RolloutDecision)",
        "Otherwise safe launch begins by itself.",
    ),
    Task.REPORT_SAFE_LAUNCH_OUTCOME: ("Report how safe launch went (SafeLaunchOutcome)", ""),
    Task.CLOSE_RELEASE: ("Close the release (Closure)", ""),
}
"""What a reminder asks for, by which message, and what happens if it is not done."""
