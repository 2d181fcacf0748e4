"""The history of a hub: what was reported of it, what was instructed and decided, and what became of that (BR-5.3).

What stands is read where it stands; what stands no more, from the events that were noted when it ended. A supplier sees
what concerns itself, and nothing of another's, who has or had the hub.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.parties.records import Party
from duis_gateway.rollout.activations import store as activations
from duis_gateway.rollout.activations.store import RecordedOutcome
from duis_gateway.rollout.deadlines.scopes import viewer_of
from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.estate.hub_by_hub import outcome_word
from duis_gateway.rollout.hub_events import store as events
from duis_gateway.rollout.hub_events.records import OF_DCC, OFF_THE_LIST, ON_THE_LIST, TAKEN_BACK, Happened, HubEvent
from duis_gateway.rollout.schedule_decisions import past
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.text.times import show_time

HISTORY_COLUMNS = ("at", "what", "release", "firmware_version", "stage", "detail")

Row = Mapping[str, object]


def history_rows(conn: Connection, party: Party, device_id: int) -> list[Row]:
    """Return what happened to a hub, the newest first, as rows of `HISTORY_COLUMNS`.

    Of instructions and what became of them a supplier sees its own, and DCC's batches; the others see all, by supplier.
    """
    viewer = viewer_of(party)
    rows = [_outcome(one) for one in activations.outcomes_of(conn, device_id)]
    rows += [
        _row(one.issued_at, "CS06 sent", one.release_id, one.firmware_version, None, None)
        for one in activations.matching_requests(conn, [device_id]).values()
    ]
    # Of one time, what came of something is before it.
    happened = [
        *events.of_hub(conn, device_id),
        *past.standing_on(conn, device_id),
        *_standing(conn, device_id),
        *direct.standing_on(conn, device_id),
    ]
    seen = [one for one in happened if viewer in (None, one.supplier) or one.supplier == OF_DCC]
    rows += [_row_of(one, viewer is not None) for one in _told_once(seen)]
    different = {tuple(row.values()): row for row in rows}.values()
    return sorted(different, key=lambda row: str(row["at"]), reverse=True)


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
    ended = {_key(one, one.supplier, one.group_id) for one in happened if one.what in _ENDINGS}
    nameless = {_key(one, one.supplier, None) for one in happened if one.what in _ENDINGS}
    for one in happened:
        again = _key(one, one.supplier, one.group_id) in (ended if one.group_id else nameless)
        of_batch = one.group_id is None and _key(one, OF_DCC, None) in nameless
        if one.what is not Happened.VOID or not (again or of_batch):
            yield one


_ENDINGS = (Happened.ENDED, Happened.CHOICE_ENDED)


def _key(one: HubEvent, supplier: int, group_id: str | None) -> tuple[object, ...]:
    return one.release_id, one.at, one.word, supplier, group_id


def _row_of(one: HubEvent, own: bool) -> Row:
    kind = "batch" if one.supplier == OF_DCC else "group"
    group = f"{kind} {one.group_id}" if one.group_id is not None else None
    whose = None if own or one.supplier == OF_DCC else format_eui(one.supplier)
    where = " of ".join(filter(None, (group, whose)))
    period = f"{show_time(one.period.start)} to {show_time(one.period.end)}" if one.period is not None else None
    what, more = _words(one)
    detail = "; ".join(filter(None, (where, more, period, one.reason))) or None
    return _row(one.at, what, one.release_id, None, one.stage and one.stage.value, detail)


def _words(one: HubEvent) -> tuple[str, str | None]:
    match one.what:
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
            return f"off the plan: {one.word}", None
        case Happened.ENDED if one.word == TAKEN_BACK and one.supplier != OF_DCC:
            return "taken back", "by its supplier"
        case Happened.ENDED | Happened.CHOICE_ENDED if one.word == TAKEN_BACK:
            return "taken back", "by DCC"
        case Happened.ENDED if one.word == OFF_THE_LIST:
            return "taken back", "no longer on its supplier's preferred list"
        case Happened.ENDED if one.word == ON_THE_LIST:
            return "taken back", "on its supplier's preferred list now, so no longer in SafeLaunch"
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
