"""Whether a party was told of its tasks, and of a hub: which message tells of which, and whether that has arrived.

A party that was not told is not late: it is for the operator to send the message again (a dead letter), or for the
gateway to go on trying.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.outbox.not_arrived import NotArrived, names, not_arrived, repeated_since
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import PartyKind
from duis_gateway.partners.bodies import group_as_written
from duis_gateway.rollout.deadlines.rules import Deadline, NotTold, Task
from duis_gateway.rollout.hubs.records import Hub

_NOTICE, _SCHEDULE = frozenset({"FirmwareReleaseNotice"}), "PreferredPilotSchedule"
_ANNOUNCED = frozenset({"A01"})

TOLD_BY: Mapping[Task, frozenset[str]] = {
    Task.SEND_PREFERRED_LIST: _ANNOUNCED,
    Task.PROVIDE_MINIMUM: _ANNOUNCED,
    Task.PROVIDE_SHARE: _ANNOUNCED,
    Task.INSTRUCT_SAFE_LAUNCH: _ANNOUNCED,
    Task.INSTRUCT_SPLIT_HUBS: frozenset({"N73"}),
    Task.INSTRUCT_ANEW: frozenset({"N74", "N77", "PlannedDeploymentReport"}),
    Task.SEND_DEFAULT_LIST: _NOTICE,
    Task.SEND_DEFAULT_SCHEDULE: _NOTICE,
    Task.SEND_SAFE_LAUNCH_SCHEDULE: _NOTICE,
    Task.DECIDE_ON_GROUP: _NOTICE | {_SCHEDULE},
    Task.UPDATE_REMAINING_HUBS: _NOTICE | {"StageChange"},
    Task.SELECT_FOR_SUPPLIER: frozenset({"X08"}),
    Task.DECIDE_ON_PAUSE: frozenset({"PauseProposal"}),
    Task.DECIDE_ON_PROPOSED_PAUSE: frozenset({"PauseProposal"}),
}
"""The kinds of messages (of emails: their interactions) without which a party does not know of a task.

What is not here follows from what the party said itself, as DCC's own release, or a supplier's own list.
"""


_OF_ALL_HUBS = frozenset({"FirmwareReleaseNotice", "StageChange", "A01"})
"""What concerns each hub of the release's model, and names few or none."""


def told(conn: Connection, tasks: Sequence[Deadline]) -> Sequence[Deadline]:
    """Return tasks with what their parties were not told of."""
    concerned = [one for one in tasks if one.task in TOLD_BY]
    if not concerned:
        return tasks
    late: defaultdict[tuple[int, str], list[NotArrived]] = defaultdict(list)
    for message in not_arrived(conn, {one.release_id for one in concerned}, {one.party for one in concerned}):
        late[message.recipient, message.release_id].append(message)
    if not late:
        return tasks
    return [replace(one, not_told=_not_told(conn, one, late.get((one.party, one.release_id), ()))) for one in tasks]


def _not_told(conn: Connection, task: Deadline, late: Sequence[NotArrived]) -> NotTold | None:
    """Return the first message without which the party does not know of the task, if there is one."""
    kinds = TOLD_BY.get(task.task, frozenset())
    for one in late:
        words = _of_group(task.about or 0, task.subject) if one.kind == _SCHEDULE else ()
        if one.kind in kinds and _tells(conn, one, words):
            return NotTold(one.id, one.kind, one.given_up, one.error)
    return None


def _tells(conn: Connection, one: NotArrived, words: Sequence[str]) -> bool:
    """Whether a message says something with these words in it that its recipient has not heard by a later one."""
    return names(conn, one.id, *words) and not (one.given_up and repeated_since(conn, one, *words))


def _of_group(supplier: int, group_id: str) -> tuple[str, ...]:
    """Return what a supplier's schedule has in it that tells of a group."""
    return format_eui(supplier), group_as_written(group_id)


def groups_not_told(conn: Connection, release_id: str, supplier: int, group_ids: Iterable[str]) -> frozenset[str]:
    """Return those of a supplier's groups of which a CSP should know and was not told."""
    csps = {one.eui for one in parties.all_parties(conn, PartyKind.CSP)}
    late = [one for one in not_arrived(conn, {release_id}, csps) if one.kind == _SCHEDULE]
    return frozenset(group for group in group_ids if any(_tells(conn, one, _of_group(supplier, group)) for one in late))


def not_told_of_hub(
    conn: Connection, hub: Hub, release_ids: Collection[str], viewer: int | None = None
) -> list[NotArrived]:
    """Return what a hub's CSP and suppliers should know of it under these releases, and were not told.

    `viewer`: the supplier that asks, which is to hear of its CSP and of itself; None: whoever may know everything.
    """
    if not release_ids:
        return []
    csps = {one.eui for one in parties.all_parties(conn, PartyKind.CSP) if hub.csp_region in one.regions}
    suppliers = hub.suppliers if viewer is None else hub.suppliers & {viewer}
    eui = format_eui(hub.device_id)
    found = []
    for one in not_arrived(conn, release_ids, csps | suppliers):
        words = () if one.kind in _OF_ALL_HUBS else (eui,)
        # To a CSP, an email is a courtesy: its interface tells it.
        concerned = one.channel == "http" or one.recipient in suppliers
        if concerned and _tells(conn, one, words):
            found.append(one)
    return found


def in_words(messages: Iterable[NotArrived], hub: Hub, viewer: int | None = None) -> str:
    """Say, to this supplier or to others, who was not told of a hub, and nothing of what: "" if all arrived."""
    said: dict[str, str] = {}
    for one in messages:
        whom = "its supplier has" if one.recipient in hub.suppliers else "its CSP has"
        whom = "you have" if one.recipient == viewer else whom
        said[whom] = _TO_DO[one.given_up or said.get(whom) == _TO_DO[True]]
    return "; ".join(f"{whom} not been told yet: {what}" for whom, what in said.items())


def first_step(messages: Iterable[NotArrived], hub: Hub, *, of_supplier: bool) -> str:
    """Say what has to be done before anything else helps: where its CSP was not told, and will not be by itself."""
    if not any(one.given_up and one.recipient not in hub.suppliers for one in messages):
        return ""
    if of_supplier:
        return "First ask whoever runs the gateway to send its CSP the message again."
    return "First replay what was given up: its CSP knows nothing of it."


_TO_DO = {
    True: "whoever runs the gateway has to send the message again",
    False: "the gateway is still trying to deliver the message",
}
