"""What CSPs said of suppliers' groups (X07): one say for each region that the CSP spoke for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, or_, select

from duis_gateway.model.plans import GroupSay
from duis_gateway.model.releases import Instruction, Period, Release, Stage
from duis_gateway.model.rollout import GroupDecision
from duis_gateway.store.tables import group_say, hub, instruction, instruction_hub


@dataclass(frozen=True, slots=True)
class OpenGroup:
    """The hubs of a standing group that lie in one region, whose CSP has not had its say on them."""

    supplier: int
    stage: Stage
    group_id: str
    csp_region: str
    starts: datetime
    hubs: int


def put_say(
    connection: Connection, group: Instruction, regions: Iterable[str], csp: int, say: GroupSay, at: datetime
) -> None:
    """Keep what a CSP said of a standing group in these regions, in the place of what was said there before.

    If the group does not stand any more, nothing is kept.
    """
    chosen = select(instruction.c.id).where(
        instruction.c.release_id == group.release_id,
        instruction.c.supplier == group.supplier,
        instruction.c.stage == group.stage,
        instruction.c.group_id == group.group_id,
    )
    number = connection.execute(chosen).scalar_one_or_none()
    here = sorted(set(regions))
    if number is None or not here:
        return
    mine = (group_say.c.instruction_id == number, group_say.c.csp_region.in_(here))
    connection.execute(delete(group_say).where(*mine))
    values = {
        "instruction_id": number,
        "csp": csp,
        "decision": say.decision,
        "starts": say.period and say.period.start,
        "ends": say.period and say.period.end,
        "reason": say.reason,
        "decided_at": at,
    }
    connection.execute(insert(group_say), [{**values, "csp_region": region} for region in here])


def says(connection: Connection, release_id: str) -> dict[tuple[int, str], GroupSay]:
    """Return every say on the standing groups of a release, by the group's number and the region."""
    columns = ("instruction_id", "csp_region", "decision", "starts", "ends", "reason")
    query = (
        select(*(group_say.c[name] for name in columns))
        .join_from(instruction, group_say, group_say.c.instruction_id == instruction.c.id)
        .where(instruction.c.release_id == release_id)
    )
    return {
        (row.instruction_id, row.csp_region): GroupSay(
            GroupDecision(row.decision),
            None if row.starts is None else Period(row.starts, row.ends),
            row.reason,
        )
        for row in connection.execute(query)
    }


def undecided(connection: Connection, release: Release) -> list[OpenGroup]:
    """Return the groups that wait for a CSP's say.

    Hubs that run the release's version already, or that have gone to other suppliers since, wait for nothing.
    """
    names = (instruction.c.supplier, instruction.c.stage, instruction.c.group_id, hub.c.csp_region)
    said = select(group_say.c.csp).where(
        group_say.c.instruction_id == instruction.c.id, group_say.c.csp_region == hub.c.csp_region
    )
    query = (
        select(*names, instruction.c.starts, func.count())
        .select_from(instruction)
        .join(instruction_hub, instruction_hub.c.instruction_id == instruction.c.id)
        .join(hub, hub.c.device_id == instruction_hub.c.device_id)
        .where(
            instruction.c.release_id == release.release_id,
            hub.c.firmware_version != release.firmware_version,
            or_(instruction.c.supplier == hub.c.import_supplier, instruction.c.supplier == hub.c.gas_supplier),
            ~said.exists(),
        )
        .group_by(*names, instruction.c.starts)
        .order_by(instruction.c.starts, instruction.c.group_id, hub.c.csp_region)
    )
    return [OpenGroup(row[0], Stage(row[1]), *row[2:]) for row in connection.execute(query)]
