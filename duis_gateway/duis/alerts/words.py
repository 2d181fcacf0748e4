"""What an alert says to people: a subject, sentences, facts, and a table for their programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.rollout.releases.records import DefaultGroup, OfferedConstraint, Period
from duis_gateway.rollout.rollout_decisions.records import HubCounts
from duis_gateway.text.counts import counted
from duis_gateway.text.times import show_time

GROUPS_IN_WORDS = 20
"""Any more groups than this are only in the table."""

Facts = tuple[tuple[str, str], ...]
Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """What an alert says; the table (its columns and rows) if it lists hubs."""

    subject: str
    paragraphs: tuple[str, ...]
    facts: Facts = ()
    columns: Row = ()
    rows: tuple[Row, ...] = ()


def count_hubs(number: int) -> str:
    """Return a number of hubs in words."""
    return counted(number, "Communications Hub")


def of_hubs(rows: Sequence[Row], singular: str, plural: str) -> str:
    """Return what became of the hubs in a table whose first two columns are hub and firmware version."""
    if len(rows) == 1:
        return f"Communications Hub {rows[0][0]} {singular} {rows[0][1]}"
    return f"{count_hubs(len(rows))} {plural}"


def hub_rows(device_ids: Sequence[int]) -> tuple[Row, ...]:
    """Return a table of only hubs."""
    return tuple((format_eui(device_id),) for device_id in device_ids)


def show_period(period: Period) -> str:
    """Return a period in words."""
    return f"{show_time(period.start)} to {show_time(period.end)}"


def words_of_schedule(
    name: str, release_id: str, region: str, groups: Sequence[DefaultGroup], offered: Sequence[OfferedConstraint]
) -> Words:
    """Return what a CSP's schedule says: the first groups in words, all of them in the table."""
    listed = [f"Group {g.group_id}: {show_period(g.period)}, {_members(g)}." for g in groups[:GROUPS_IN_WORDS]]
    constraints = [f"Constraint offered: {one.code}, {one.description}." for one in offered]
    rows = tuple(
        (group.group_id, device, show_time(group.period.start), show_time(group.period.end))
        for group in groups
        for device in map(format_eui, group.device_ids)
    )
    number = f"{len(groups):,} group{'' if len(groups) == 1 else 's'}"
    return Words(
        f"{name} for {release_id}, {region}",
        (f"The CSP for {region} has set out its {name} in {number}.", *listed, *constraints),
        columns=("group_id", "device_id", "earliest_start", "latest_end"),
        rows=rows,
    )


def _members(group: DefaultGroup) -> str:
    return f"{len(group.device_ids):,} of your hubs" if group.device_ids else "naming no hubs"


def words_of_outcome(stage: str, release_id: str, success: bool, counts: HubCounts, commentary: str | None) -> Words:
    """Return what is said about a stage that ended."""
    how = "succeeded" if success else "failed"
    return Words(
        f"The {stage} of {release_id} {how}",
        (f"The {stage} of firmware release {release_id} {how}.", *((commentary,) if commentary else ())),
        (
            ("Hubs targeted", f"{counts.targeted:,}"),
            ("Hubs activated", f"{counts.activated:,}"),
            ("Hubs failed", f"{counts.failed:,}"),
        ),
    )
