"""What each DCC Alert says, in words for people and a table for their programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from duis_gateway.duis import alert_bodies as bodies
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.outbox.emails.facts import Facts, show_time
from duis_gateway.rollout.releases.records import DefaultGroup, OfferedConstraint, Period
from duis_gateway.rollout.rollout_decisions.records import HubCounts

GROUPS_IN_WORDS = 20
"""More groups than these stand in the table alone."""

Row = tuple[str, ...]

_OTHER_SUPPLIER = {
    bodies.OtherSupplier.INSTRUCTED: "has instructed",
    bodies.OtherSupplier.NOT_INSTRUCTED: "has not instructed",
    bodies.OtherSupplier.CANNOT_INSTRUCT: "cannot instruct, as its DUIS version does not have the request",
}


@dataclass(frozen=True, slots=True)
class Words:
    """What an alert says: a subject, sentences, facts, and a table (its columns and rows) where it lists hubs."""

    subject: str
    paragraphs: tuple[str, ...]
    facts: Facts = ()
    columns: Row = ()
    rows: tuple[Row, ...] = ()


def words_of(body: bodies.AlertBody) -> Words:
    """Return what one alert about a release says. N64 and N71, of single hubs, are told by the many instead."""
    return _WORDS[type(body)](body)


def activations(told: Sequence[tuple[bodies.CommsHubFirmwareActivation, str | None]]) -> Words:
    """Return what the N64s of one message say to a supplier, each with its release if that is known."""
    rows = tuple((format_eui(body.device_id), body.firmware_version, release or "") for body, release in told)
    what = _hubs(rows, "now runs firmware", "now run new firmware")
    return Words(
        f"New firmware active at {_count(len(rows))}", (f"{what}.",), columns=("device_id", *_VERSION), rows=rows
    )


def failures(told: Sequence[tuple[bodies.CommsHubFirmwareFailure, str | None]]) -> Words:
    """Return what the N71s of one message say to a supplier, each with its release if that is known."""
    rows = tuple(
        (
            format_eui(body.device_id),
            body.firmware_version,
            release or "",
            str(body.stage),
            body.reason or "",
            body.commentary or "",
        )
        for body, release in told
    )
    what = _hubs(rows, "did not take firmware", "did not take new firmware")
    one = f" ({rows[0][3]}: {rows[0][4] or 'no reason stated'})" if len(rows) == 1 else ""
    columns = ("device_id", *_VERSION, "stage", "failure_reason", "commentary")
    return Words(f"Firmware failed at {_count(len(rows))}", (f"{what}{one}.",), columns=columns, rows=rows)


_VERSION = ("firmware_version", "release")


def _hubs(rows: Sequence[Row], singular: str, plural: str) -> str:
    if len(rows) == 1:
        return f"Communications Hub {rows[0][0]} {singular} {rows[0][1]}"
    return f"{_count(len(rows))} {plural}"


def _count(number: int) -> str:
    return f"{number:,} Communications Hub{'' if number == 1 else 's'}"


def _default_list(body: bodies.DefaultPilotList) -> Words:
    return Words(
        f"Default Pilot List for {body.release_id}, {body.csp_region}",
        (f"The CSP of {body.csp_region} has {_count(len(body.device_ids))} of yours on its Default Pilot List.",),
        columns=("device_id",),
        rows=_ids(body.device_ids),
    )


def _default_schedule(body: bodies.DefaultPilotSchedule) -> Words:
    return _schedule("Default Pilot Schedule", body.release_id, body.csp_region, body.groups, body.constraints)


def _safe_launch_schedule(body: bodies.SafeLaunchSchedule) -> Words:
    return _schedule("Safe Launch Schedule", body.release_id, body.csp_region, body.groups, ())


def _schedule(
    name: str,
    release_id: str,
    region: str,
    groups: Sequence[DefaultGroup],
    constraints: Sequence[OfferedConstraint],
) -> Words:
    listed = [f"Group {g.group_id}: {_shown(g.period)}, {_members(g)}." for g in groups[:GROUPS_IN_WORDS]]
    offered = [f"Constraint offered: {one.code}, {one.description}." for one in constraints]
    rows = tuple(
        (group.group_id, device, show_time(group.period.start), show_time(group.period.end))
        for group in groups
        for device in map(format_eui, group.device_ids)
    )
    return Words(
        f"{name} for {release_id}, {region}",
        (f"The CSP of {region} has set out its {name} in {_number(len(groups), 'group')}.", *listed, *offered),
        columns=("group_id", "device_id", "earliest_start", "latest_end"),
        rows=rows,
    )


def _members(group: DefaultGroup) -> str:
    return f"{len(group.device_ids):,} of your hubs" if group.device_ids else "naming no hubs"


def _pilot_outcome(body: bodies.PilotOutcome) -> Words:
    return _outcome("pilot", body.release_id, body.success, body.counts, body.commentary)


def _safe_launch_outcome(body: bodies.SafeLaunchOutcome) -> Words:
    return _outcome("safe launch", body.release_id, body.success, body.counts, body.commentary)


def _outcome(stage: str, release_id: str, success: bool, counts: HubCounts, commentary: str | None) -> Words:
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


def _rollout_decision(body: bodies.FirmwareRolloutDecision) -> Words:
    facts = [("Decision", f"{body.decision}, {str(body.standing).lower()}")]
    facts += [
        (label, value)
        for label, value in (
            ("Decided by", body.decided_by),
            ("Reason", body.reason),
            ("New date", show_time(body.new_date) if body.new_date else None),
            ("Period", _shown(body.period) if body.period else None),
            ("Pending requests", body.effect_on_pending),
        )
        if value
    ]
    return Words(
        f"{body.decision} for {body.release_id}",
        (f"There is a decision on the roll-out of firmware release {body.release_id}.",),
        tuple(facts),
        ("device_id",),
        _ids(body.device_ids),
    )


def _split_supplier(body: bodies.SplitSupplierInstruction) -> Words:
    other = _OTHER_SUPPLIER[body.other]
    return Words(
        f"Second supplier's instruction under {body.release_id}",
        (f"{_count(len(body.device_ids))} of yours have a second supplier, which {other}.",),
        columns=("device_id",),
        rows=_ids(body.device_ids),
    )


def _schedule_decision(body: bodies.PreferredPilotScheduleDecision) -> Words:
    period = f" Its period is {_shown(body.period)}." if body.period else ""
    reason = (f"Reason: {body.reason}",) if body.reason else ()
    piece = f"{_count(len(body.device_ids))} of " if body.device_ids else ""
    return Words(
        f"Group {body.group_id} of {body.release_id}: {body.decision}",
        (f"The CSP has decided on {piece}your group {body.group_id}: {str(body.decision).lower()}.{period}", *reason),
        columns=("device_id",),
        rows=_ids(body.device_ids),
    )


def _ids(device_ids: Sequence[int]) -> tuple[Row, ...]:
    return tuple((format_eui(device_id),) for device_id in device_ids)


def _shown(period: Period) -> str:
    return f"{show_time(period.start)} to {show_time(period.end)}"


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


_WORDS: dict[type, Callable[[Any], Words]] = {
    bodies.DefaultPilotList: _default_list,
    bodies.DefaultPilotSchedule: _default_schedule,
    bodies.SafeLaunchSchedule: _safe_launch_schedule,
    bodies.SafeLaunchOutcome: _safe_launch_outcome,
    bodies.PilotOutcome: _pilot_outcome,
    bodies.FirmwareRolloutDecision: _rollout_decision,
    bodies.SplitSupplierInstruction: _split_supplier,
    bodies.PreferredPilotScheduleDecision: _schedule_decision,
}
