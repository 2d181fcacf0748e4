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
from duis_gateway.outbox.not_arrived import (
    NotArrived,
    about_hub,
    content_of,
    given_up_about_hubs,
    named_since,
    names,
    not_arrived,
    repeated_since,
    still_open,
    unheard,
)
from duis_gateway.outbox.stand_ins import as_meant
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.partners.bodies import group_as_written
from duis_gateway.rollout.deadlines import decisions
from duis_gateway.rollout.deadlines.rules import Deadline, NotTold, Task
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans.records import VoidReason
from duis_gateway.rollout.plans.void import HALVES
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import ReleaseState
from duis_gateway.rollout.rollout_decisions.records import GroupDecision

_NOTICE, _SCHEDULE = frozenset({"FirmwareReleaseNotice"}), "PreferredPilotSchedule"
_PLAN, _NEWS = "PlannedDeployment", "N77"
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
    Task.UPDATE_REMAINING_HUBS: _NOTICE | {"StageChange", _PLAN},
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
    under = {one.release_id for one in concerned}
    before = _given_way_to(conn, {one.release_id for one in concerned if one.task is Task.INSTRUCT_ANEW})
    late: defaultdict[tuple[int, str], list[NotArrived]] = defaultdict(list)
    for message in not_arrived(conn, under.union(*before.values()), {one.party for one in concerned}):
        late[message.recipient, message.release_id].append(message)
    if not late:
        return tasks

    def missing(task: Deadline) -> list[NotArrived]:
        older = before.get(task.release_id, ()) if task.task is Task.INSTRUCT_ANEW else ()
        return [message for name in (task.release_id, *older) for message in late.get((task.party, name), ())]

    return [replace(one, not_told=_not_told(conn, one, missing(one))) for one in tasks]


def _given_way_to(conn: Connection, release_ids: Collection[str]) -> Mapping[str, Collection[str]]:
    """Return the releases that gave way to each of these: what is void under them is asked for anew under it."""
    if not release_ids:
        return {}
    of_model: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    every = releases.all_releases(conn)
    for one in every:
        if one.state is ReleaseState.INVALIDATED:
            of_model[one.manufacturer, one.model].append(one.release_id)
    return {one.release_id: of_model[one.manufacturer, one.model] for one in every if one.release_id in release_ids}


def told_by_now(conn: Connection, tasks: Sequence[Deadline], under: Collection[str]) -> tuple[Deadline, ...]:
    """Return tasks that were worked out before: without what their parties have been told since, or as it is now.

    `under`: the releases of which CSPs are looked at anew, whether a plan has not arrived.
    """
    stand = still_open(conn, {one.not_told.message for one in tasks if one.not_told})

    def as_it_is(one: NotTold) -> NotTold | None:
        now = stand.get(one.message)
        return None if now is None else replace(one, given_up=now.given_up, error=now.error or one.error)

    found = [one if one.not_told is None else replace(one, not_told=as_it_is(one.not_told)) for one in tasks]
    of_suppliers = (one for one in found if one.task in _UNKNOWN and one.kind is PartyKind.SUPPLIER and one.not_told)
    return (*(one for one in found if one.task not in _UNKNOWN), *of_suppliers, *csps_not_told(conn, under))


_UNKNOWN = frozenset(
    {Task.UPDATE_PLANNED_HUBS, Task.CARRY_OUT_DECISION, Task.TAKE_NOTE_OF_OUTCOME, Task.TAKE_NOTE_OF_PLAN}
)
"""What is there only where the message that tells the party of it has not arrived."""


def _not_told(conn: Connection, task: Deadline, late: Sequence[NotArrived]) -> NotTold | None:
    """Return the first message without which the party does not know of the task, if there is one."""
    kinds = TOLD_BY.get(task.task, frozenset())
    for one in late:
        if (one.stands_for or one.kind) in kinds and any(_tells(conn, one, words) for words in _words_of(task, one)):
            return _not_told_by(one)
    return None


def _not_told_by(one: NotArrived) -> NotTold:
    return NotTold(one.id, one.name, one.given_up, one.created_at, one.error)


def _words_of(task: Deadline, message: NotArrived) -> Iterable[tuple[str, ...]]:
    """Return what a message of its kind has in it, this or that, if it tells of a task and not of another one.

    What is sent in the place of an alert says of which only: it tells of whatever that alert might.
    """
    kind = message.kind
    if message.stands_for:
        return ((as_meant(message.stands_for),),)
    if kind == _SCHEDULE:
        return (_of_group(task.about or 0, task.subject),)
    if task.task is not Task.INSTRUCT_ANEW:
        return ((),)
    reason = VoidReason(task.subject)
    # What has become of a half is told by how the hub stands, and asked for as what has become of the half.
    said_as = (reason, *HALVES) if reason is VoidReason.PERIOD_ENDED else (reason,)
    refused = [(f"Decision>{GroupDecision.REFUSED}<",)] if reason is VoidReason.REFUSED_BY_CSP and kind == "N74" else []
    return (*((f"Reason>{one}<",) for one in said_as), *refused)


def _tells(conn: Connection, one: NotArrived, words: Sequence[str]) -> bool:
    """Whether a message says something with these words in it that its recipient has not heard by a later one."""
    return names(conn, one.id, *words) and not (_can_be_made_up(one) and repeated_since(conn, one, *words))


def _can_be_made_up(one: NotArrived) -> bool:
    """Whether a later message may say what this one did, which was given up.

    No later plan does: they are numbered, and a CSP that misses one waits for it.
    """
    return one.given_up and one.kind != _PLAN


def _of_group(supplier: int, group_id: str) -> tuple[str, ...]:
    """Return what a supplier's schedule has in it that tells of a group."""
    return format_eui(supplier), group_as_written(group_id)


def groups_not_told(
    conn: Connection, release_id: str, supplier: int, group_ids: Iterable[str]
) -> Mapping[str, NotArrived]:
    """Return those of a supplier's groups of which a CSP should know and was not told, each with the first message."""
    csps = {one.eui for one in parties.all_parties(conn, PartyKind.CSP)}
    late = [one for one in not_arrived(conn, {release_id}, csps) if one.kind == _SCHEDULE]
    of_group = (
        (group, next((one for one in late if _tells(conn, one, _of_group(supplier, group))), None))
        for group in group_ids
    )
    return {group: one for group, one in of_group if one is not None}


def not_told_of_hub(
    conn: Connection, hub: Hub, release_ids: Collection[str], viewer: int | None = None
) -> list[NotArrived]:
    """Return what a hub's CSP and suppliers should know of it under these releases, and were not told.

    `viewer`: the supplier that asks, which is to hear of its CSP and of itself; None: whoever may know everything.
    """
    return _not_told_of(conn, [hub], release_ids, viewer)[hub.device_id]


def said_of_hubs(
    conn: Connection, under: Iterable[tuple[Hub, str]], viewer: int | None = None
) -> Mapping[tuple[int, str], str]:
    """Return who was not told of hubs under these releases, in words, by hub and release; for some hundred hubs.

    Whose messages have all arrived is not among them. `viewer` as for one hub.
    """
    pairs = list(under)
    known = {hub.device_id: hub for hub, _ in pairs}
    late = _not_told_of(conn, known.values(), {release_id for _, release_id in pairs}, viewer)
    found = {}
    for hub, release_id in pairs:
        said = in_words((one for one in late[hub.device_id] if one.release_id == release_id), hub, viewer)
        if said:
            found[hub.device_id, release_id] = said
    return found


def _not_told_of(
    conn: Connection, hubs: Collection[Hub], release_ids: Collection[str], viewer: int | None
) -> Mapping[int, list[NotArrived]]:
    """Return for each hub, by its EUI-64, what should have been told of it and was not."""
    found: defaultdict[int, list[NotArrived]] = defaultdict(list)
    csps = parties.all_parties(conn, PartyKind.CSP) if hubs and release_ids else []
    concerned: defaultdict[int, dict[str, Hub]] = defaultdict(dict)
    for hub in hubs:
        suppliers = hub.suppliers if viewer is None else hub.suppliers & {viewer}
        for eui in suppliers.union(one.eui for one in csps if hub.csp_region in one.regions):
            concerned[eui][format_eui(hub.device_id)] = hub
    if not release_ids or not concerned:
        return found
    late = not_arrived(conn, release_ids, concerned.keys())
    missing = {one.id for one in _first_of_each(late, _PLAN)}
    for one in late:
        # To a CSP, an email is a courtesy: its interface tells it.
        own = {
            name: hub
            for name, hub in concerned[one.recipient].items()
            if one.channel == "http" or one.recipient in hub.suppliers
        }
        names_of = named_since if one.id in missing else _names_of
        for name in names_of(conn, one, frozenset(own)):
            found[own[name].device_id].append(one)
    return found


def csps_not_told(conn: Connection, release_ids: Collection[str]) -> tuple[Deadline, ...]:
    """Return what CSPs cannot do under these releases as they were not told: of a decision, or of a plan.

    It is for the operator, who sees whether the gateway still tries to deliver the message, or is to replay it: to the
    CSP there is no date by which it is to do what it knows nothing of.
    """
    csps = parties.all_parties(conn, PartyKind.CSP)
    return (*decisions_not_told(conn, release_ids, csps), *plans_not_told(conn, release_ids, csps))


def plans_not_told(conn: Connection, release_ids: Collection[str], csps: Iterable[Party]) -> tuple[Deadline, ...]:
    """Return of which plans these CSPs were not told, each with the first message that it misses.

    Once a release is over, the decision that ended it says all that its plans would.
    """
    late = not_arrived(conn, _in_flight(conn, release_ids), {one.eui for one in csps})
    why = "each later plan of the release waits for this one"
    return tuple(_unknown(one, PartyKind.CSP, Task.UPDATE_PLANNED_HUBS, why) for one in _first_of_each(late, _PLAN))


def decisions_not_told(
    conn: Connection, release_ids: Collection[str], recipients: Iterable[Party], hub: int | None = None
) -> tuple[Deadline, ...]:
    """Return what CSPs and suppliers do not know of DCC's decisions on these releases, whether they are over or not.

    Each with the first message of its kind that it misses. `hub`: the hub that it has to be about, by its EUI-64.
    """
    kind_of = {one.eui: one.kind for one in recipients if one.kind in decisions.KINDS}
    found = decisions.unheard_decisions(conn, release_ids, _in_flight(conn, release_ids), kind_of, hub)
    first = decisions.first_of_each(found)
    return tuple(_unknown(one, kind_of[one.recipient], Task.CARRY_OUT_DECISION) for one in first)


def outcomes_not_told(
    conn: Connection, release_ids: Collection[str], recipients: Iterable[Party], hub: Hub | None = None
) -> tuple[Deadline, ...]:
    """Return of which outcomes (N64, N71) suppliers were not told under these releases, each with the first message.

    Of one hub also what is still being tried. Of a release it is what was given up: what waits for a supplier may be
    about each of its hubs, and stands with what has not arrived.
    """
    suppliers = {one.eui for one in recipients if one.kind is PartyKind.SUPPLIER}
    first: dict[tuple[str, int], NotArrived] = {}
    if hub is not None:
        for one in outcomes_of_hub(conn, hub):
            if one.release_id in release_ids and one.recipient in suppliers:
                first.setdefault((one.release_id, one.recipient), one)
    else:
        for one, device_id in given_up_about_hubs(conn, release_ids, suppliers):
            place = (one.release_id, one.recipient)
            if place not in first and one in about_hub(conn, device_id, {one.recipient}):
                first[place] = one
    return tuple(_unknown(one, PartyKind.SUPPLIER, Task.TAKE_NOTE_OF_OUTCOME) for one in first.values())


def with_news(
    conn: Connection,
    tasks: Sequence[Deadline],
    release_ids: Collection[str],
    recipients: Iterable[Party],
    hub: Hub | None = None,
) -> Sequence[Deadline]:
    """Return tasks, and of which news of plans (N77) suppliers were not told under these releases, the first of each.

    Not what later news say of all its hubs, nor what a task says that its party was not told of. `hub`: the hub that
    it has to be about.
    """
    known = {one.not_told.message for one in tasks if one.not_told}
    suppliers = {one.eui for one in recipients if one.kind is PartyKind.SUPPLIER}
    first: dict[tuple[str, int], NotArrived] = {}
    for one in not_arrived(conn, _in_flight(conn, release_ids), suppliers):
        place = (one.release_id, one.recipient)
        if one.kind == _NEWS and one.id not in known and place not in first:
            hubs = decisions.hubs_in(content_of(conn, one.id)) if hub is None else {format_eui(hub.device_id)}
            if _names_of(conn, one, frozenset(hubs)):
                first[place] = one
    return (*tasks, *(_unknown(one, PartyKind.SUPPLIER, Task.TAKE_NOTE_OF_PLAN) for one in first.values()))


def outcomes_of_hub(conn: Connection, hub: Hub, viewer: int | None = None) -> list[NotArrived]:
    """Return what should have told a hub's suppliers what became of it (N64, N71), and has not arrived.

    `viewer`: the supplier that asks, which is to hear of itself alone.
    """
    return about_hub(conn, hub.device_id, hub.suppliers if viewer is None else hub.suppliers & {viewer})


def _in_flight(conn: Connection, release_ids: Collection[str]) -> Collection[str]:
    return {one.release_id for one in releases.all_releases(conn) if not one.state.is_over}.intersection(release_ids)


def _unknown(one: NotArrived, kind: PartyKind, task: Task, why: str = "") -> Deadline:
    about = one.recipient if kind is PartyKind.SUPPLIER else None
    return Deadline(one.release_id, kind, one.recipient, task, None, about=about, why=why, not_told=_not_told_by(one))


def _first_of_each(late: Iterable[NotArrived], kind: str) -> Collection[NotArrived]:
    """Return the oldest message of a kind to each CSP about each release that has not arrived.

    Whatever a later plan says waits for it. Given up or not: the later ones may have arrived before an old one is
    replayed.
    """
    first: dict[tuple[str, int], NotArrived] = {}
    for one in late:
        if one.kind == kind:
            first.setdefault((one.release_id, one.recipient), one)
    return first.values()


def _names_of(conn: Connection, one: NotArrived, euis: frozenset[str]) -> frozenset[str]:
    """Return of which of these hubs a message tells what its recipient has not heard by a later one."""
    if one.kind not in _OF_ALL_HUBS:
        return unheard(conn, replace(one, given_up=_can_be_made_up(one)), euis)
    return euis if _tells(conn, one, ()) else frozenset()


def in_words(messages: Iterable[NotArrived], hub: Hub, viewer: int | None = None) -> str:
    """Say, to this supplier or to others, who was not told of a hub, or of its outcome: "" if all arrived."""
    said: dict[str, str] = {}
    for one in messages:
        whom = "you have" if one.recipient == viewer else f"its {_role_of(one.recipient, hub)} has"
        what = f"{whom} not been told{' of the outcome' if (one.stands_for or one.kind) in _OUTCOMES else ''} yet"
        said[what] = _TO_DO[one.given_up or said.get(what) == _TO_DO[True]]
    return "; ".join(f"{what}: {to_do}" for what, to_do in said.items())


_OUTCOMES = frozenset({"N64", "N71"})


def first_step(messages: Iterable[NotArrived], hub: Hub, viewer: int | None) -> str:
    """Say what has to be done before anything else helps: where somebody was not told.

    It follows what `in_words` says, and does not repeat it. A supplier (`viewer`) reads it of its CSP and of its own
    server; the other's messages are not its affair.
    """
    late = list(messages)
    untold = [one.recipient for one in late if one.given_up]
    waits = [one.recipient for one in late if not one.given_up]
    if viewer is not None:
        return _first_of_supplier(late, hub, viewer)
    if any(who not in hub.suppliers for who in untold):
        return "First replay what was given up: until then its CSP goes by what it was told before, if anything."
    if untold:
        roles = _roles_of(untold, hub)
        return f"First replay what was given up: its {roles} {_DOES_NOT[' and ' in roles]} know of it."
    roles = _roles_of(waits, hub)
    return (
        f"First see why the message to its {roles} does not arrive: its own page says what can be done."
        if roles
        else ""
    )


def _first_of_supplier(late: Sequence[NotArrived], hub: Hub, viewer: int) -> str:
    to_csp = [one.given_up for one in late if one.recipient not in hub.suppliers]
    if any(to_csp):
        return "First ask whoever runs the gateway to send its CSP the message again."
    own = [one.given_up for one in late if one.recipient == viewer and one.channel == "http"]
    if any(own):
        return "First have your server take messages, and then ask whoever runs the gateway to send it again."
    if own:
        return "First have your server take the message about it: that message's page says what is in its way."
    return "Nothing helps before the message to its CSP has arrived." if to_csp else ""


def _roles_of(recipients: Iterable[int], hub: Hub) -> str:
    return " and its ".join(sorted({_role_of(who, hub) for who in recipients}, reverse=True))


def cannot_decide(messages: Iterable[NotArrived], hub: Hub) -> bool:
    """Whether a hub's CSP was not told of the group on which it is to decide, and so is not late with that."""
    kinds = TOLD_BY[Task.DECIDE_ON_GROUP]
    return any(one.recipient not in hub.suppliers and one.kind in kinds for one in messages)


def _role_of(recipient: int, hub: Hub) -> str:
    """Return what a party is to a hub, of a split hub which of its suppliers."""
    if recipient not in hub.suppliers:
        return "CSP"
    if len(hub.suppliers) == 1:
        return "supplier"
    return {hub.gas_supplier: "Gas Supplier", hub.import_supplier: "Import Supplier"}[recipient]


_DOES_NOT = {False: "does not", True: "do not"}


_TO_DO = {
    True: "whoever runs the gateway has to send the message again",
    False: "the gateway is still trying to deliver the message",
}
