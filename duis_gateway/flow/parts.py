"""Lists of more than 50,000 hubs come in numbered parts and take effect when all are in (design section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import csp_mgmt_gw.messages as csp
from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.flow import evidence as messages
from duis_gateway.flow.context import Context, refused
from duis_gateway.flow.reply import Write
from duis_gateway.partners.messages import Acknowledgement, Part, PartnerMessage
from duis_gateway.rollout.releases.records import DefaultGroup, OfferedConstraint, Period

CspSchedule = csp.DefaultPilotSchedule | csp.SafeLaunchSchedule


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is there of a list: all of it (`missing` is 0), or the parts so far; `write` keeps this part."""

    ids: tuple[int, ...]
    missing: int
    write: Write
    text: str | None = None


def gather(context: Context, part: Part | None, ids: Sequence[int], *subject: str) -> Gathered:
    """Put a part beside those that came before; a list that came whole is complete at once.

    `subject` is what the list is about. A part that names another subject, or another number of parts, under the
    same ListID belongs to another list.
    """
    if part is None:
        return Gathered(tuple(ids), 0, _nothing)
    list_id = _list_id(part, *subject)
    before = messages.parts(context.conn, context.party.eui, list_id)
    have = {**before, part.number: tuple(ids)}
    missing = part.of - len(have)
    if missing:
        write = partial(
            messages.add_part,
            sender=context.party.eui,
            list_id=list_id,
            number=part.number,
            of=part.of,
            device_ids=tuple(ids),
        )
        return Gathered((), missing, write, _kept(part, missing))
    whole = tuple(device_id for number in sorted(have) for device_id in have[number])
    return Gathered(whole, 0, partial(messages.drop_parts, sender=context.party.eui, list_id=list_id))


@dataclass(frozen=True, slots=True)
class GatheredSchedule:
    """What is there of a schedule: all of it (`missing` is 0), or the parts so far; `write` keeps this part."""

    groups: tuple[DefaultGroup, ...]
    constraints: tuple[OfferedConstraint, ...]
    missing: int
    write: Write
    text: str | None = None


def gather_schedule(context: Context, body: CspSchedule) -> GatheredSchedule:
    """Put a part of a schedule beside those that came before; one that came whole is complete at once.

    A group of one name and period that stands in several parts is one group, with the hubs of all of them.
    """
    part = body.part
    if part is None:
        return GatheredSchedule(body.groups, body.constraints, 0, _nothing)
    list_id = _list_id(part, type(body).__name__, body.release_id, body.csp_region)
    sender = context.party.eui
    before = messages.part_contents(context.conn, sender, list_id)
    missing = part.of - len(before.keys() | {part.number})
    if missing:
        write = partial(
            messages.add_part_content,
            sender=sender,
            list_id=list_id,
            number=part.number,
            of=part.of,
            content=csp.render_body(body),
        )
        return GatheredSchedule((), (), missing, write, _kept(part, missing))
    read = {number: csp.read_body(parse_trusted(content)) for number, content in before.items()}
    whole = [one for _, one in sorted({**read, part.number: body}.items()) if isinstance(one, CspSchedule)]
    drop = partial(messages.drop_parts, sender=sender, list_id=list_id)
    return GatheredSchedule(_merged(whole), tuple(dict.fromkeys(c for one in whole for c in one.constraints)), 0, drop)


def _merged(whole: Sequence[CspSchedule]) -> tuple[DefaultGroup, ...]:
    hubs: dict[tuple[str, Period], list[int]] = {}
    for one in whole:
        for group in one.groups:
            hubs.setdefault((group.group_id, group.period), []).extend(group.device_ids)
    return tuple(DefaultGroup(name, period, tuple(ids)) for (name, period), ids in hubs.items())


def _list_id(part: Part, *subject: str) -> str:
    return "|".join((part.list_id, str(part.of), *subject))


def _kept(part: Part, missing: int) -> str:
    return f"Part {part.number} of {part.of} is kept; {missing} to come."


def in_parts(message: PartnerMessage, part: Part | None) -> Acknowledgement | None:
    """Return the refusal of a message that cannot come in several parts and is one of them; else None.

    Taken one by one, the parts of a notice would each replace the one before.
    """
    if part is None or part.of == 1:
        return None
    return refused(message, "PartsNotServed", f"A {message.body_name} has to come in one message.")


def _nothing(_conn: object) -> None:
    return None
