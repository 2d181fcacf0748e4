"""What CSPs said of suppliers' groups (X07): one say for each region that the CSP spoke for, or for single hubs.

What was said of a single hub counts before what was said of its region. It counts where it was said: for a hub that
has moved to another region since, what was said there counts; but not what another CSP had said there before it came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, delete, func, insert, or_, select

from duis_gateway.rollout.eligibility import fits_sql, is_hub_sql, responsible_sql
from duis_gateway.rollout.periods import to_come_sql
from duis_gateway.rollout.plans.records import GroupSay
from duis_gateway.rollout.releases.records import HubMark, Instruction, Release, Stage
from duis_gateway.rollout.schedule_decisions.past import NOTHING_SAID, event_of, note_said, said
from duis_gateway.store.bulk import GIVEN, given, given_ids, id_list, stored_columns, upsert_many
from duis_gateway.store.rollout_tables import piece_hub, piece_say, protected_hub
from duis_gateway.store.tables import group_say, hub, instruction, instruction_hub, release_hub
from duis_gateway.store.types import unsigned

_SAID = ("decision", "starts", "ends", "reason", "decided_at")


@dataclass(frozen=True, slots=True)
class OpenGroup:
    """The hubs of a standing group that lie in one region, and on which its CSP has not had its say."""

    supplier: int
    stage: Stage
    group_id: str
    csp_region: str
    starts: datetime
    ends: datetime
    hubs: int


def regions_of(connection: Connection, group: Instruction) -> dict[int, str]:
    """Return the region of each hub of a standing group that the group's supplier is responsible for now."""
    query = (
        select(hub.c.device_id, hub.c.csp_region)
        .select_from(instruction_hub)
        .join(hub, hub.c.device_id == instruction_hub.c.device_id)
        .where(
            instruction_hub.c.instruction_id.in_(_number_of(group)),
            is_hub_sql(),
            responsible_sql(group.supplier),
        )
    )
    device, region = stored_columns(connection, query)
    return dict(zip(unsigned(device), region, strict=True))


def put_say(
    connection: Connection, group: Instruction, regions: Iterable[str], csp: int, say: GroupSay, at: datetime
) -> None:
    """Keep what a CSP said of a standing group in these regions, in the place of all that was said there before.

    If the group does not stand any more, nothing is kept.
    """
    number = connection.execute(_number_of(group)).scalar_one_or_none()
    here = sorted(set(regions))
    if number is None or not here:
        return
    note_said(connection, number, event_of(group, at), regions=here)
    for table in (group_say, piece_hub):
        connection.execute(delete(table).where(table.c.instruction_id == number, table.c.csp_region.in_(here)))
    _drop_empty_pieces(connection, number)
    values = {"instruction_id": number, **_stored(csp, say, at)}
    connection.execute(insert(group_say), [{**values, "csp_region": region} for region in here])


def put_piece(
    connection: Connection, group: Instruction, regions: Mapping[int, str], csp: int, say: GroupSay, at: datetime
) -> None:
    """Keep what a CSP said of these hubs of a standing group, in the place of what was said of them before.

    If the group does not stand any more, nothing is kept.

    Args:
        connection: the transaction.
        group: the standing group.
        regions: the region of each hub of the group that the say is about.
        csp: who said it.
        say: what was said.
        at: when.
    """
    number = connection.execute(_number_of(group)).scalar_one_or_none()
    if number is None:
        return
    note_said(connection, number, event_of(group, at), only=regions, of_pieces=True)
    head = insert(piece_say).values(instruction_id=number, **_stored(csp, say, at)).returning(piece_say.c.id)
    piece = connection.execute(head).scalar_one()
    # Written by their keys: a planner that does not know yet how large a new group is would look for each of its hubs
    # through the whole list.
    names = ("instruction_id", "device_id", "csp_region", "piece_id")
    rows = ((number, device_id, region, piece) for device_id, region in regions.items())
    upsert_many(connection, piece_hub, names, rows, ("csp_region", "piece_id"))
    _drop_empty_pieces(connection, number)


def fixed_ahead(connection: Connection, group: Instruction, now: datetime) -> bool:
    """Whether a CSP has fixed a period for hubs of a standing group, and it is not over."""
    number = _number_of(group).scalar_subquery()
    later = (
        select(table.c.instruction_id).where(table.c.instruction_id == number, to_come_sql(table.c.ends, now)).limit(1)
        for table in (group_say, piece_say)
    )
    return any(connection.execute(one).first() is not None for one in later)


def reopen(connection: Connection, group: Instruction, regions: Mapping[int, str], at: datetime) -> None:
    """Let hubs of a standing group that have come into another CSP's regions, these, wait for its say."""
    number = connection.execute(_number_of(group)).scalar_one_or_none()
    if number is None or not regions:
        return
    note_said(connection, number, event_of(group, at), only=regions, of_pieces=True)
    names = ("instruction_id", "device_id", "csp_region", "piece_id")
    rows = ((number, device_id, region, NOTHING_SAID) for device_id, region in regions.items())
    upsert_many(connection, piece_hub, names, rows, ("csp_region", "piece_id"))
    _drop_empty_pieces(connection, number)


def forget_hubs(connection: Connection, numbers: Select[int], ids: Iterable[int] | None = None) -> None:
    """Drop what was said of single hubs, these or all, of the groups of these numbers."""
    mine = piece_hub.c.instruction_id.in_(numbers)
    if ids is None:
        connection.execute(delete(piece_hub).where(mine))
    else:
        dropped = id_list(connection, ids)
        connection.execute(delete(piece_hub).where(mine, piece_hub.c.device_id.in_(select(dropped.c.value))))


def says(connection: Connection, release_id: str) -> dict[tuple[int, str], GroupSay]:
    """Return every say on whole standing groups of a release, by the group's number and the region."""
    rows = connection.execute(_SAYS, {"release": release_id})
    return {(row.instruction_id, row.csp_region): said(row) for row in rows}


def pieces(connection: Connection, numbers: Iterable[int]) -> dict[int, GroupSay]:
    """Return what was said of the pieces of these numbers."""
    rows = connection.execute(_pieces(connection.dialect.name), {GIVEN: given(connection, numbers)})
    return {row.id: said(row, piece=True) for row in rows}


# Put together once: every 11.6 and every activation runs them.

_SAYS = (
    select(group_say.c.instruction_id, group_say.c.csp_region, *(group_say.c[name] for name in _SAID))
    .join_from(instruction, group_say, group_say.c.instruction_id == instruction.c.id)
    .where(instruction.c.release_id == bindparam("release"))
)


@cache
def _pieces(dialect: str) -> Select[Any]:
    wanted = given_ids(dialect)
    columns = (piece_say.c[name] for name in _SAID)
    return select(piece_say.c.id, *columns).join_from(wanted, piece_say, piece_say.c.id == wanted.c.value)


def undecided(
    connection: Connection, release: Release, device_id: int | None = None, *, in_vain: Iterable[int] = ()
) -> list[OpenGroup]:
    """Return the groups of which hubs wait for a CSP's say, with the number of these hubs.

    Hubs that the release may not be applied to any more, or that have gone to other suppliers, wait for nothing; nor do
    those that their own supplier protects, or the release excludes from the pilot that they were instructed for, nor
    those that no say moves any more (`in_vain`). `device_id`: only this hub is looked at.
    """
    moot = id_list(connection, in_vain)
    names = (instruction.c.supplier, instruction.c.stage, instruction.c.group_id, hub.c.csp_region)
    of_region = select(group_say.c.csp).where(
        group_say.c.instruction_id == instruction.c.id, group_say.c.csp_region == hub.c.csp_region
    )
    here = and_(
        piece_hub.c.instruction_id == instruction.c.id,
        piece_hub.c.device_id == hub.c.device_id,
        piece_hub.c.csp_region == hub.c.csp_region,
    )
    of_hub = select(piece_hub.c.piece_id).where(here, piece_hub.c.piece_id != NOTHING_SAID)
    reopened = select(piece_hub.c.piece_id).where(here, piece_hub.c.piece_id == NOTHING_SAID)
    protected = select(protected_hub.c.device_id).where(
        protected_hub.c.supplier == instruction.c.supplier, protected_hub.c.device_id == hub.c.device_id
    )
    excluded = select(release_hub.c.device_id).where(
        release_hub.c.release_id == release.release_id,
        release_hub.c.device_id == hub.c.device_id,
        release_hub.c.mark == HubMark.EXCLUDED,
        instruction.c.stage == Stage.PILOT,
    )
    query = (
        select(*names, instruction.c.starts, instruction.c.ends, func.count())
        .select_from(instruction)
        .join(instruction_hub, instruction_hub.c.instruction_id == instruction.c.id)
        .join(hub, hub.c.device_id == instruction_hub.c.device_id)
        .where(
            instruction.c.release_id == release.release_id,
            fits_sql(release),
            responsible_sql(instruction.c.supplier),
            or_(~of_region.exists(), reopened.exists()),
            ~of_hub.exists(),
            ~protected.exists(),
            ~excluded.exists(),
            hub.c.device_id.not_in(select(moot.c.value)),
            *(() if device_id is None else (hub.c.device_id == device_id,)),
        )
        .group_by(*names, instruction.c.starts, instruction.c.ends)
        .order_by(instruction.c.starts, instruction.c.group_id, hub.c.csp_region)
    )
    return [OpenGroup(row[0], Stage(row[1]), *row[2:]) for row in connection.execute(query)]


def _number_of(group: Instruction) -> Select[int]:
    return select(instruction.c.id).where(
        instruction.c.release_id == group.release_id,
        instruction.c.supplier == group.supplier,
        instruction.c.stage == group.stage,
        instruction.c.group_id == group.group_id,
    )


def _stored(csp: int, say: GroupSay, at: datetime) -> dict[str, Any]:
    return {
        "csp": csp,
        "decision": say.decision,
        "starts": say.period and say.period.start,
        "ends": say.period and say.period.end,
        "reason": say.reason,
        "decided_at": at,
    }


def _drop_empty_pieces(connection: Connection, number: int) -> None:
    """Drop the says of a group that later ones have left without hubs."""
    filled = select(piece_hub.c.piece_id).where(piece_hub.c.instruction_id == number)
    connection.execute(delete(piece_say).where(piece_say.c.instruction_id == number, piece_say.c.id.not_in(filled)))
