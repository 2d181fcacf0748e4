"""The emails on a release's way: stages, the pilot's outcome, closure, supersession (A06, A07, A11, A12, X05).

Also what suppliers did not provide for a pilot (PIA-A9): to DCC, and to each supplier what it missed itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from duis_gateway.duis.alerts.pilot_outcome import PilotOutcome
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.flow.reply import CsvTable, Email
from duis_gateway.parties.records import Party
from duis_gateway.rollout.obligations.rules import Obligation
from duis_gateway.rollout.releases.records import Release, Stage
from duis_gateway.text.times import show_time

_STAGES = {Stage.PILOT: "the pilot", Stage.SAFE_LAUNCH: "safe launch"}


def stage_change(
    release: Release, recipient: Party, ended: Stage | None, begun: Stage | None, at: datetime, why: str | None
) -> Email:
    """X05: a stage of the release ended, another began, or both."""
    parts = [f"{_STAGES[stage]} has {how}" for stage, how in ((ended, "ended"), (begun, "begun")) if stage is not None]
    what = " and ".join(parts)
    return Email(
        recipient,
        "X05",
        f"Firmware release {release.release_id}: {what}",
        (f"{what[0].upper()}{what[1:]}, at {show_time(at)}.", *((why,) if why else ()), *_what_now(release, begun)),
        release.release_id,
    )


def _what_now(release: Release, begun: Stage | None) -> tuple[str, ...]:
    automatic = f"Hubs that nobody instructs are updated by the automatic date, {show_time(release.automatic_date)}."
    if begun is Stage.PILOT and release.pilot is not None:
        return (f"The pilot lasts until {show_time(release.pilot.period.end)}. {automatic}",)
    return (automatic,) if begun is not None else ()


def pilot_outcome(body: PilotOutcome, recipient: Party) -> Email:
    """A06 and A07: how the pilot went as a whole."""
    words = body.words()
    kind = "A06" if body.success else "A07"
    return Email(recipient, kind, words.subject, words.paragraphs, body.release_id, words.facts)


def closure(release: Release, recipient: Party, at: datetime, commentary: str | None) -> Email:
    """A11: the roll-out is over."""
    text = f"DCC has closed the roll-out of firmware release {release.release_id}, at {show_time(at)}."
    return Email(
        recipient,
        "A11",
        f"Firmware release {release.release_id} is closed",
        (text, *((commentary,) if commentary else ())),
        release.release_id,
    )


def supersession(release: Release, recipient: Party, successor: str, at: datetime, commentary: str | None) -> Email:
    """A12: another release replaces this one."""
    text = (
        f"Firmware release {release.release_id} is superseded by release {successor}, as of {show_time(at)}. Pending "
        f"requests under {release.release_id} are cancelled: no further hub will be updated under it."
    )
    return Email(
        recipient,
        "A12",
        f"Firmware release {release.release_id} is superseded by {successor}",
        (text, *((commentary,) if commentary else ())),
        release.release_id,
        (("Successor", successor),),
    )


def missed_obligations(release: Release, recipient: Party, missed: Sequence[Obligation]) -> Email:
    """PIA-A9, to DCC: who did not provide what is due, so that DCC can choose on its behalf (`PilotSelection`)."""
    suppliers = len({owed.supplier for owed in missed})
    who = "1 supplier has" if suppliers == 1 else f"{suppliers:,} suppliers have"
    columns = ("supplier", "obligation", "required", "provided", "missing", "due")
    rows = tuple(
        (
            format_eui(owed.supplier),
            str(owed.kind),
            str(owed.required),
            str(owed.provided),
            str(owed.missing),
            owed.due.isoformat(),
        )
        for owed in missed
    )
    return Email(
        recipient,
        "X08",
        f"Firmware release {release.release_id}: pilot hubs not provided in time",
        (
            f"{who} not provided the hubs due for the pilot of firmware release {release.release_id}.",
            "You can choose hubs on a supplier's behalf with a PilotSelection.",
        ),
        release.release_id,
        attachment=CsvTable(f"obligations-{release.release_id}", columns, rows),
    )


def obligation_missed(
    release: Release, recipient: Party, missed: Sequence[Obligation], still_until: datetime | None
) -> Email:
    """PIA-A9, to the supplier that missed it: what it did not provide, and what follows.

    `still_until`: until when its lists are still accepted, None if they no longer are.
    """
    still = (
        "It is too late to provide them yourself (Service Request 11.5)."
        if still_until is None
        else f"You can still provide them until {show_time(still_until)} (Service Request 11.5)."
    )
    what = (
        f"{owed.kind}: {owed.provided:,} of {owed.required:,} hubs were provided by {show_time(owed.due)}"
        for owed in missed
    )
    return Email(
        recipient,
        "X08",
        f"Firmware release {release.release_id}: you have not provided the pilot hubs that were due",
        (
            "You did not provide in time the hubs that were due for the pilot of firmware release "
            f"{release.release_id}. "
            f"DCC has been told, and may choose hubs on your behalf. {still}",
            *(f"{one[0].upper()}{one[1:]}." for one in what),
        ),
        release.release_id,
    )
