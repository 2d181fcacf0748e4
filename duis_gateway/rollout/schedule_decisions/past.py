"""What CSPs had said of groups, kept as events of hubs' history; and what stands of it, for the same history."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, select

from duis_gateway.rollout.hub_events import store as events
from duis_gateway.rollout.hub_events.records import Happened, HubEvent
from duis_gateway.rollout.plans.records import GroupSay
from duis_gateway.rollout.releases.records import Instruction, Period, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from duis_gateway.store.bulk import stored_columns
from duis_gateway.store.rollout_tables import piece_hub, piece_say
from duis_gateway.store.tables import group_say, hub, instruction, instruction_hub
from duis_gateway.store.types import unsigned

NOTHING_SAID = 0
"""The piece of hubs that came into another CSP's regions after it had its say: of them it has said nothing yet."""


def said(row: Row[Any], *, piece: bool = False) -> GroupSay:
    """Return what a row of either table says: of whole groups, or of a piece of one."""
    period = None if row.starts is None else Period(row.starts, row.ends)
    return GroupSay(GroupDecision(row.decision), period, row.reason, piece, row.decided_at)


def note_said(
    connection: Connection,
    number: int,
    event: HubEvent,
    *,
    regions: Collection[str] | None = None,
    only: Collection[int] | None = None,
    of_pieces: bool = False,
) -> None:
    """Note for the history of hubs what was said of the group of this number, which is to be forgotten.

    Args:
        connection: the transaction.
        number: the group's number.
        event: the group, as it is noted itself, and when its say ends.
        regions: what was said in these; None: everywhere.
        only: of these hubs; None: of all.
        of_pieces: what was said of single hubs alone.
    """
    for row in connection.execute(select(piece_say).where(piece_say.c.instruction_id == number)).all():
        query = select(piece_hub.c.device_id, piece_hub.c.csp_region).where(piece_hub.c.piece_id == row.id)
        query = query.where(piece_hub.c.instruction_id == number)
        _note(connection, row, event, query, regions, only)
    if of_pieces:
        return
    in_piece = select(piece_hub.c.device_id).where(
        piece_hub.c.instruction_id == number,
        piece_hub.c.device_id == hub.c.device_id,
        piece_hub.c.csp_region == hub.c.csp_region,
    )
    for row in connection.execute(select(group_say).where(group_say.c.instruction_id == number)).all():
        if regions is not None and row.csp_region not in regions:
            continue
        query = (
            select(hub.c.device_id, hub.c.csp_region)
            .join_from(instruction_hub, hub, hub.c.device_id == instruction_hub.c.device_id)
            .where(instruction_hub.c.instruction_id == number, hub.c.csp_region == row.csp_region, ~in_piece.exists())
        )
        _note(connection, row, event, query, regions, only)


def _note(
    connection: Connection,
    row: Row[Any],
    event: HubEvent,
    query: Select[Any],
    regions: Collection[str] | None,
    only: Collection[int] | None,
) -> None:
    device, region = stored_columns(connection, query)
    said_of = {
        device_id
        for device_id, here in zip(unsigned(device), region, strict=True)
        if (only is None or device_id in only) and (regions is None or here in regions)
    }
    events.note(connection, _decided(row, event), said_of)


def _decided(row: Row[Any], event: HubEvent) -> HubEvent:
    say = said(row)
    return replace(
        event,
        what=Happened.DECIDED,
        at=row.decided_at,
        period=say.period,
        word=say.decision.value,
        reason=say.reason,
    )


def event_of(group: Instruction, at: datetime) -> HubEvent:
    """Return a standing group as it is noted once something of it ends."""
    return HubEvent(
        group.release_id,
        group.supplier,
        Happened.INSTRUCTED,
        group.received_at,
        at,
        group.stage,
        group.group_id,
        group.period,
    )


def standing_on(connection: Connection, device_id: int) -> list[HubEvent]:
    """Return what stands of what CSPs decided on a hub, as an event of its history, what was decided last first."""
    piece = (
        select(instruction.c.id.label("number"), piece_say)
        .join_from(piece_hub, piece_say, piece_say.c.id == piece_hub.c.piece_id)
        .join(instruction, instruction.c.id == piece_hub.c.instruction_id)
        .join(hub, and_(hub.c.device_id == piece_hub.c.device_id, hub.c.csp_region == piece_hub.c.csp_region))
        .where(piece_hub.c.device_id == device_id)
    )
    reopened = select(piece_hub.c.piece_id).where(
        piece_hub.c.instruction_id == instruction.c.id,
        piece_hub.c.device_id == hub.c.device_id,
        piece_hub.c.csp_region == hub.c.csp_region,
        piece_hub.c.piece_id == NOTHING_SAID,
    )
    whole = (
        select(instruction.c.id.label("number"), group_say)
        .join_from(instruction_hub, instruction, instruction.c.id == instruction_hub.c.instruction_id)
        .join(hub, hub.c.device_id == instruction_hub.c.device_id)
        .join(
            group_say, and_(group_say.c.instruction_id == instruction.c.id, group_say.c.csp_region == hub.c.csp_region)
        )
        .where(instruction_hub.c.device_id == device_id, ~reopened.exists())
    )
    found: dict[int, Row[Any]] = {row.number: row for row in connection.execute(whole)}
    found |= {row.number: row for row in connection.execute(piece)}
    heads = connection.execute(select(instruction).where(instruction.c.id.in_(list(found))))
    decided = [
        _decided(
            found[head.id],
            HubEvent(
                head.release_id,
                head.supplier,
                Happened.INSTRUCTED,
                head.received_at,
                head.received_at,
                Stage(head.stage),
                head.group_id,
            ),
        )
        for head in heads
    ]
    return sorted(decided, key=lambda one: one.at, reverse=True)
