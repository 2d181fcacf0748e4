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
    """What a CSP, or a kind of party, does next under a release, the most pressing first; what is not shown: `more`.

    Shown are the first task, the first group of the party that looks on which a CSP has to decide, as nobody else can,
    and what is late: overdue, or that party's affair and not told of.
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
    first, own = tasks[0], next((one for one in tasks if one.task is Task.DECIDE_ON_GROUP and one.about == party), None)

    def is_shown(one: Deadline) -> bool:
        return one is first or one is own or one.overdue(now) or bool(one.not_told and one.about == party)

    shown = [one for one in tasks if is_shown(one)][:_MOST]
    return NextActions(tuple(shown), len(tasks) - len(shown))
