"""Lists of more than 50,000 hubs come in numbered parts, and take effect when all are in (design section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import csp_mgmt_gw.messages as csp
from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.flow import evidence as messages
from duis_gateway.flow.tx import Tx, refused
from duis_gateway.partners.messages import Acknowledgement, AnyMessage, Part
from duis_gateway.rollout.releases.records import DefaultGroup, OfferedConstraint, Period

CspSchedule = csp.DefaultPilotSchedule | csp.SafeLaunchSchedule


@dataclass(frozen=True, slots=True)
class Gathered:
    """A whole list; or, while parts are missing, none of it and what the sender is told in the meantime."""

    ids: tuple[int, ...]
    waiting: str | None = None


def gather(tx: Tx, part: Part | None, ids: Sequence[int], *subject: str) -> Gathered:
    """Keep a part beside those that came before, or return the whole list and forget its parts.

    `subject` is what the list is about. A part that names another subject, or another number of parts, under the same
    ListID belongs to another list. The parts of a list that is refused in the end are forgotten too: its sender has to
    send the whole list again.
    """
    if part is None:
        return Gathered(tuple(ids))
    sender, list_id = tx.party.eui, _list_id(part, *subject)
    have = {**messages.parts(tx.conn, sender, list_id), part.number: tuple(ids)}
    missing = part.of - len(have)
    if missing:
        messages.add_part(tx.conn, sender, list_id, part.number, part.of, tuple(ids))
        return Gathered((), _kept(part, missing))
    messages.drop_parts(tx.conn, sender, list_id)
    return Gathered(tuple(device_id for number in sorted(have) for device_id in have[number]))


@dataclass(frozen=True, slots=True)
class GatheredSchedule:
    """A CSP's whole schedule; or, while parts are missing, none of it and what the CSP is told in the meantime."""

    groups: tuple[DefaultGroup, ...]
    constraints: tuple[OfferedConstraint, ...]
    waiting: str | None = None


def gather_schedule(tx: Tx, body: CspSchedule) -> GatheredSchedule:
    """Keep a part of a schedule beside those that came before, or return all of it and forget its parts.

    A group with the same name and period in several parts is one group, with all their hubs.
    """
    part = body.part
    if part is None:
        return GatheredSchedule(body.groups, body.constraints)
    sender, list_id = tx.party.eui, _list_id(part, type(body).__name__, body.release_id, body.csp_region)
    before = messages.part_contents(tx.conn, sender, list_id)
    missing = part.of - len(before.keys() | {part.number})
    if missing:
        messages.add_part_content(tx.conn, sender, list_id, part.number, part.of, csp.render_body(body))
        return GatheredSchedule((), (), _kept(part, missing))
    read = {number: csp.read_body(parse_trusted(content)) for number, content in before.items()}
    whole = [one for _, one in sorted({**read, part.number: body}.items()) if isinstance(one, CspSchedule)]
    messages.drop_parts(tx.conn, sender, list_id)
    return GatheredSchedule(_merged(whole), tuple(dict.fromkeys(c for one in whole for c in one.constraints)))


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


def in_parts(message: AnyMessage, part: Part | None) -> Acknowledgement | None:
    """Return the refusal of a message that is one of several parts although it may not be; otherwise None.

    Taken one by one, the parts of a notice would each replace the one before.
    """
    if part is None or part.of == 1:
        return None
    return refused(message, "PartsNotServed", f"A {message.body_name} has to come in one message.")
