"""Lists of more than 50,000 hubs come in numbered parts and take effect when all are in (design section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from duis_gateway.decision import Write
from duis_gateway.decisions.context import Context, refused
from duis_gateway.partner_messages import Acknowledgement, Part, PartnerMessage
from duis_gateway.store import messages


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
    list_id = "|".join((part.list_id, str(part.of), *subject))
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
        return Gathered((), missing, write, f"Part {part.number} of {part.of} is kept; {missing} to come.")
    whole = tuple(device_id for number in sorted(have) for device_id in have[number])
    return Gathered(whole, 0, partial(messages.drop_parts, sender=context.party.eui, list_id=list_id))


def in_parts(message: PartnerMessage, part: Part | None) -> Acknowledgement | None:
    """Return the refusal of a message that cannot come in several parts and is one of them; else None.

    Taken one by one, the parts of a schedule or of a notice would each replace the one before.
    """
    if part is None or part.of == 1:
        return None
    return refused(message, "PartsNotServed", f"A {message.body_name} has to come in one message.")


def _nothing(_conn: object) -> None:
    return None
