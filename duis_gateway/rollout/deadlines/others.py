"""What the others do next, as a party is shown it, and what of that is late (BR-5.5): pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from duis_gateway.parties.records import PartyKind
from duis_gateway.rollout.deadlines.rules import Deadline, Task, TaskState, in_order

_MOST = 20


@dataclass(frozen=True, slots=True)
class NextActions:
    """What a CSP, or a kind of party, does next under a release: the most pressing, and what is late; not: `more`.

    Late is what is overdue, and what it was not told of that is the affair of the party that looks.
    """

    tasks: tuple[Deadline, ...]
    more: int = 0


def next_actions_of_others(
    deadlines: Iterable[Deadline], kind: PartyKind, party: int, now: datetime
) -> tuple[NextActions, ...]:
    """Return what each CSP and each other kind of party does next, under each release, for this party's eyes (BR-5.5).

    CSPs are told apart by their regions; a split hub's other supplier is not named, and suppliers are taken together.
    What has no date is as soon as possible, and comes first: whose turn it is. What its party cannot do any more is
    nobody's next action. A supplier is shown CSPs, DCC and its split hubs' other suppliers, and nothing that is another
    supplier's affair, such as its incidents.
    """
    found: dict[tuple[str, PartyKind, int | None], list[Deadline]] = {}
    for one in in_order(deadlines):
        hidden = kind is PartyKind.SUPPLIER and one.about not in (None, party)
        can = one.state not in (TaskState.MISSED, TaskState.OFF_PLAN)
        if one.party != party and can and not hidden and one.task is not Task.DECIDE_ON_INCIDENT:
            each = one.party if one.kind is PartyKind.CSP else None
            found.setdefault((one.release_id, one.kind, each), []).append(one)
    return tuple(_shown(tasks, party, now) for tasks in found.values())


def _shown(tasks: list[Deadline], party: int, now: datetime) -> NextActions:
    late = (one for one in tasks[1:] if one.overdue(now) or (one.not_told and one.about == party))
    shown = [tasks[0], *late][:_MOST]
    return NextActions(tuple(shown), len(tasks) - len(shown))
