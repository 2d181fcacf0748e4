"""The history of a hub: what was reported of it, what was instructed and decided, and what became of that (BR-5.3).

What stands is read where it stands; what stands no more, from the events that were noted when it ended. A supplier sees
what concerns itself, and nothing of another's, who has or had the hub.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.parties.records import Party
from duis_gateway.rollout.activations import store as activations
from duis_gateway.rollout.activations.records import ActivationRequest
from duis_gateway.rollout.activations.store import RecordedOutcome
from duis_gateway.rollout.deadlines.scopes import viewer_of
from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.estate.hub_by_hub import outcome_word
from duis_gateway.rollout.estate.ties import decided_after, is_of_a_pause
from duis_gateway.rollout.hub_events import store as events
from duis_gateway.rollout.hub_events.records import (
    DATE_ENDED,
    DATE_TAKEN_BACK,
    NOT_ACCEPTED,
    OF_DCC,
    OFF_THE_LIST,
    ON_THE_LIST,
    PROTECTED,
    TAKEN_BACK,
    Happened,
    HubEvent,
)
from duis_gateway.rollout.plans.records import DeviationKind, VoidReason
from duis_gateway.rollout.schedule_decisions import past
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.text.times import show_time

HISTORY_COLUMNS = ("at", "what", "release", "firmware_version", "stage", "detail")

Row = Mapping[str, object]
_ANY_TIME: Mapping[HubEvent, int] = {}


def history_rows(conn: Connection, party: Party, device_id: int) -> list[Row]:
    """Return what happened to a hub, the newest first, also of what is of one time, as rows of `HISTORY_COLUMNS`.

    Of instructions and what became of them a supplier sees its own, and DCC's batches; the others see all, by supplier.
    """
    viewer = viewer_of(party)
    happened = [
        *reversed(events.of_hub(conn, device_id)),
        *_standing(conn, device_id),
        *direct.standing_on(conn, device_id),
        *reversed(past.standing_on(conn, device_id)),
    ]
    seen = [one for one in happened if viewer in (None, one.supplier) or one.supplier == OF_DCC]
    told = in_sequence(tuple(_told_once(seen)), decided_after(conn, seen))
    requests = activations.matching_requests(conn, [device_id]).values()
    every = with_moves(told, tuple(requests), activations.outcomes_of(conn, device_id)[::-1])
    rows = [_any_row(one, viewer is not None) for one in every]
    different = {tuple(row.values()): row for row in rows}.values()
    return sorted(different, key=lambda row: str(row["at"]))[::-1]


def with_moves(
    told: Sequence[HubEvent], requests: Sequence[ActivationRequest], outcomes: Sequence[RecordedOutcome]
) -> list[Entry]:
    """Return events (`in_sequence`) with the CS06s and outcomes, as they happened where several are of one time.

    No number says which of these came first at one time: it is what follows from the other. CS06 is sent after what the
    hub was instructed by, and before what ends that; an outcome comes after its CS06, and is told as a deviation (but
    for being early) where what ended the plan had come before it.
    """
    moves = [one for one in told if _is_of_a_move(one)]
    late: set[tuple[datetime, str | None]] = {
        (one.at, one.release_id) for one in moves if one.word != DeviationKind.BEFORE_PERIOD
    }
    found: list[Entry] = [one for one in told if not _is_of_a_move(one)]
    done: list[Entry] = [*requests, *outcomes]
    for one in done:
        place = len(found) if _when(one) in late else _before_what_ends_it(one, found)
        found.insert(place, one)
    return [*found, *moves]


Entry = HubEvent | ActivationRequest | RecordedOutcome
"""What a history has of a hub."""


def _when(one: Entry) -> tuple[datetime, str | None]:
    """Return the time of it and its release, by which what belongs together is known."""
    if isinstance(one, HubEvent):
        return one.at, one.release_id
    if isinstance(one, ActivationRequest):
        return one.issued_at, one.release_id
    return one.outcome.completed_at, one.release_id


def _before_what_ends_it(one: Entry, found: Sequence[Entry]) -> int:
    """Return the place before the last events of this time and release that end a plan, if there are any; else last."""
    place = len(found)
    for number in range(len(found) - 1, -1, -1):
        other = found[number]
        if _when(other) != _when(one):
            continue
        if not (isinstance(other, HubEvent) and other.what in _WHAT_CAME_OF_IT):
            break
        place = number
    return place


def in_sequence(happened: Sequence[HubEvent], decided: Mapping[HubEvent, int] = _ANY_TIME) -> list[HubEvent]:
    """Return events, those noted first and what stands last, as they happened where several are of one time.

    An instruction, and a CSP's word on it, are noted when they end, and what was told to be void meanwhile is noted
    before: it came after them. `decided`: what a CSP said after so many pauses, and ends of pauses, of the same time.
    """
    found: list[HubEvent] = []
    for one in happened:
        place = len(found) if one.what in _NOTED_AT_ONCE else _before_what_came_of_it(one, found)
        if decided.get(one):
            place = max(place, _after_pauses(one, found, decided[one]))
        found.insert(place, one)
    return found


_WHAT_CAME_OF_IT = (Happened.VOID, Happened.OFF_PLAN, Happened.ENDED, Happened.CHOICE_ENDED)
_NOTED_AT_ONCE = (*_WHAT_CAME_OF_IT, Happened.PLANNED)


def _after_pauses(one: HubEvent, found: Sequence[HubEvent], number: int) -> int:
    """Return the place behind the first so many that pauses brought, or their ends, at the same time."""
    same = (one.at, one.release_id, one.supplier)
    pauses = [
        place
        for place, other in enumerate(found)
        if is_of_a_pause(other) and (other.at, other.release_id, other.supplier) == same
    ]
    return pauses[:number][-1] + 1 if pauses else 0


def _before_what_came_of_it(one: HubEvent, found: Sequence[HubEvent]) -> int:
    """Return the place before the first that was told of it at the same time, if that is of none before; else last."""
    another = False
    for place, other in enumerate(found):
        # What DCC instructed by itself is told to the hub's suppliers to be void.
        concerned = one.supplier in (other.supplier, OF_DCC)
        if (other.at, other.release_id) != (one.at, one.release_id) or not concerned:
            continue
        mine = other.group_id == one.group_id
        if other.what is Happened.VOID and (mine or (other.group_id is None and not another)):
            return place
        if other.what is one.what and mine:
            break
        another |= other.what is one.what
    return len(found)


def _is_of_a_move(one: HubEvent) -> bool:
    """Whether it was told because of an outcome, and so after that."""
    return one.what is Happened.OFF_PLAN and one.word != DeviationKind.PERIOD_MISSED


def _standing(conn: Connection, device_id: int) -> Iterator[HubEvent]:
    for one in schedules.naming(conn, device_id):
        yield HubEvent(
            one.release_id,
            one.supplier,
            Happened.INSTRUCTED,
            one.received_at,
            one.received_at,
            one.stage,
            one.group_id,
            one.period,
        )


def _told_once(happened: Sequence[HubEvent]) -> Iterator[HubEvent]:
    """Leave out what is said twice: a plan that is void by what ended an instruction, which says of which group."""
    left_void = [one for one in happened if one.what in _ENDINGS and one.word in _VOID_BEFORE]
    endings = [one for one in happened if one.what in _ENDINGS and one not in left_void]
    ended = {_key(one, one.supplier, one.group_id) for one in endings}
    nameless = {_key(one, one.supplier, None) for one in endings}
    for one in happened:
        if one in left_void:
            continue
        again = _key(one, one.supplier, one.group_id) in (ended if one.group_id else nameless)
        of_batch = one.group_id is None and _key(one, OF_DCC, None) in nameless
        if one.what is not Happened.VOID or not (again or of_batch):
            yield one


_VOID_BEFORE = frozenset(
    {
        VoidReason.PERIOD_ENDED,
        VoidReason.REFUSED_BY_CSP,
        VoidReason.CHANGED_SUPPLIER,
        VoidReason.NOT_INSTRUCTED,
    }
)
"""Why what ends with a release was void before: nothing happened to it then, and its line has the time since when."""
_ENDINGS = (Happened.ENDED, Happened.CHOICE_ENDED)


def _key(one: HubEvent, supplier: int, group_id: str | None) -> tuple[object, ...]:
    return one.release_id, one.at, one.word, supplier, group_id


def _any_row(one: Entry, own: bool) -> Row:
    if isinstance(one, HubEvent):
        return _row_of(one, own)
    if isinstance(one, RecordedOutcome):
        return _outcome(one)
    return _row(one.issued_at, "CS06 sent", one.release_id, one.firmware_version, None, None)


def _row_of(one: HubEvent, own: bool) -> Row:
    kind = "batch" if one.supplier == OF_DCC else "group"
    group = f"{kind} {one.group_id}" if one.group_id is not None else None
    whose = None if own or one.supplier == OF_DCC else format_eui(one.supplier)
    where = " of ".join(filter(None, (group, whose)))
    shown = one.period if one.what not in _ENDINGS else None
    period = f"{show_time(shown.start)} to {show_time(shown.end)}" if shown is not None else None
    what, more = _words(one, own)
    detail = "; ".join(filter(None, (where, more, period, one.reason))) or None
    return _row(one.at, what, one.release_id, None, one.stage and one.stage.value, detail)


def _words(one: HubEvent, own: bool) -> tuple[str, str | None]:
    match one.what:
        case Happened.ENDED if one.word == PROTECTED and own:
            return "left out", "named again while you protected it"
        case Happened.ENDED if one.word == PROTECTED:
            return "taken back", "by its supplier"
        case Happened.ENDED if one.word == NOT_ACCEPTED:
            return "left out", "named again by its supplier, and not accepted then"
        case Happened.INSTRUCTED:
            return "instructed", None
        case Happened.BATCH:
            return "instructed", "by DCC" if one.period is not None else "by DCC, for the automatic date"
        case Happened.CHOSEN:
            return "instructed", "by DCC, on its supplier's behalf"
        case Happened.DECIDED:
            return f"CSP: {one.word}", None
        case Happened.PLANNED:
            return "planned", "the release proceeds"
        case Happened.OFF_PLAN:
            return f"off plan: {one.word}", None
        case Happened.ENDED if one.word == TAKEN_BACK and one.supplier != OF_DCC:
            return "taken back", "by its supplier"
        case Happened.ENDED | Happened.CHOICE_ENDED if one.word in (TAKEN_BACK, DATE_TAKEN_BACK):
            return "taken back", "by DCC"
        case Happened.ENDED if one.word == DATE_ENDED:
            return "ended", "with the pilot"
        case Happened.ENDED if one.word == OFF_THE_LIST:
            return "taken back", "no longer on its supplier's preferred list"
        case Happened.ENDED if one.word == ON_THE_LIST:
            return "taken back", "now on its supplier's preferred list, so no longer in SafeLaunch"
    return f"void: {one.word}", None


def _outcome(one: RecordedOutcome) -> Row:
    outcome = one.outcome
    what = f"{outcome.stage.value}: {outcome_word(outcome.success)}"
    detail = "; ".join(word for word in (outcome.failure_reason, outcome.commentary) if word)
    return _row(outcome.completed_at, what, one.release_id, outcome.firmware_version, None, detail or None)


def _row(
    at: object, what: str, release_id: str | None, version: str | None, stage: str | None, detail: str | None
) -> Row:
    return dict(zip(HISTORY_COLUMNS, (at, what, release_id, version, stage, detail), strict=True))
