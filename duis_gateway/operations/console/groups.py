"""Suppliers' deployment groups under a release: those that stand, and those that were taken back or became void."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from duis_gateway.outbox.not_arrived import NotArrived
from duis_gateway.rollout.deadlines.not_told import groups_not_told
from duis_gateway.rollout.hub_events.records import (
    NOT_ACCEPTED,
    OFF_THE_LIST,
    ON_THE_LIST,
    PROTECTED,
    TAKEN_BACK,
    Happened,
)
from duis_gateway.rollout.plans.records import VoidReason
from duis_gateway.rollout.releases.records import Period
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from duis_gateway.store.rollout_tables import hub_event, hub_event_hub
from duis_gateway.store.tables import group_say, instruction, instruction_hub


@dataclass(frozen=True, slots=True)
class Word:
    """What the CSP of a region said of a group; `period` where it amended that. "": of a group that has ended."""

    csp_region: str
    decision: str
    period: Period | None
    reason: str


@dataclass(frozen=True, slots=True)
class End:
    """How hubs left a group: taken back, or (`word`) why they are void, and since when."""

    word: str
    at: datetime
    hubs: int

    @property
    def said(self) -> str:
        """The same in words."""
        if self.word == PROTECTED:
            return "left out, as protected by the supplier"
        if self.word == NOT_ACCEPTED:
            return "left out, as not accepted any more"
        return "taken back" if self.word in (TAKEN_BACK, OFF_THE_LIST, ON_THE_LIST) else f"void: {self.word}"


@dataclass(frozen=True, slots=True)
class Group:
    """A deployment group that a supplier instructed: as it stands, or (`ends`) as it was when its hubs left it.

    `not_told`: the message that would tell a CSP of it, and has not arrived; None: each has been told.
    """

    stage: str
    group_id: str
    period: Period
    received_at: datetime
    hubs: int
    words: Sequence[Word] = ()
    not_told: NotArrived | None = None
    ends: Sequence[End] = ()


_Name = tuple[str, str]
"""Stage and identifier."""


def groups_of(conn: Connection, release_id: str, supplier: int) -> list[Group]:
    """Return a supplier's groups under a release, by their start."""
    standing = {(one.stage, one.group_id): one for one in _standing(conn, release_id, supplier)}
    ended = {(one.stage, one.group_id): one for one in _ended(conn, release_id, supplier)}
    # A group that was taken back stands, too, without hubs.
    every = {
        **standing,
        **{name: one for name, one in ended.items() if name not in standing or not standing[name].hubs},
    }
    return sorted(every.values(), key=lambda one: (one.period.start, one.group_id, one.stage))


def _standing(conn: Connection, release_id: str, supplier: int) -> Iterator[Group]:
    mine = (instruction.c.release_id == release_id, instruction.c.supplier == supplier)
    counted = (
        select(instruction_hub.c.instruction_id, func.count().label("number"))
        .join_from(instruction, instruction_hub, instruction_hub.c.instruction_id == instruction.c.id)
        .where(*mine)
        .group_by(instruction_hub.c.instruction_id)
    )
    hubs = {row.instruction_id: row.number for row in conn.execute(counted)}
    words: defaultdict[int, list[Word]] = defaultdict(list)
    said = (
        select(group_say)
        .join_from(instruction, group_say, group_say.c.instruction_id == instruction.c.id)
        .where(*mine)
        .order_by(group_say.c.csp_region)
    )
    for row in conn.execute(said):
        words[row.instruction_id].append(Word(row.csp_region, row.decision, _period(row), row.reason or ""))
    heads = conn.execute(select(instruction).where(*mine)).all()
    not_told = groups_not_told(conn, release_id, supplier, {row.group_id for row in heads})
    for row in heads:
        number, period = hubs.get(row.id, 0), Period(row.starts, row.ends)
        said_of, late = words.get(row.id, ()), not_told.get(row.group_id)
        yield Group(row.stage, row.group_id, period, row.received_at, number, said_of, late)


def _ended(conn: Connection, release_id: str, supplier: int) -> Iterator[Group]:
    """Yield the groups that hubs have left, each as it was received last with hubs."""
    counted = (
        select(hub_event_hub.c.event_id, func.count().label("number"))
        .join_from(hub_event, hub_event_hub, hub_event_hub.c.event_id == hub_event.c.id)
        .where(*_of(release_id, supplier))
        .group_by(hub_event_hub.c.event_id)
    )
    hubs = {row.event_id: row.number for row in conn.execute(counted)}
    events: defaultdict[_Name, list[Row[Any]]] = defaultdict(list)
    for row in conn.execute(select(hub_event).where(*_of(release_id, supplier)).order_by(hub_event.c.id)):
        events[row.stage, row.group_id].append(row)
    for name, happened in events.items():
        group = _as_it_was(name, happened, hubs)
        if group is not None:
            yield group


def _of(release_id: str, supplier: int) -> tuple[Any, ...]:
    return (
        hub_event.c.release_id == release_id,
        hub_event.c.supplier == supplier,
        hub_event.c.what.in_((Happened.INSTRUCTED, Happened.DECIDED, Happened.ENDED)),
        hub_event.c.group_id.is_not(None),
        hub_event.c.stage.is_not(None),
    )


def _as_it_was(name: _Name, happened: Sequence[Row[Any]], hubs: Mapping[int, int]) -> Group | None:
    """Return a group of which these are the events, the oldest first; None where nothing of it has ended."""
    received = [row for row in happened if row.what == Happened.INSTRUCTED]
    if not received:
        return None
    last = received[-1]
    since = {row.noted_at for row in received if row.at == last.at}
    ends: dict[tuple[str, datetime], int] = defaultdict(int)
    words: dict[Word, None] = {}
    for row in happened:
        if row.noted_at in since and row.what == Happened.ENDED:
            ends[row.word, _void_since(row, happened)] += hubs.get(row.id, 0)
        elif row.noted_at in since and row.what == Happened.DECIDED:
            words[Word("", row.word, _period(row), row.reason or "")] = None
    if not ends:
        return None
    found = tuple(End(word, at, number) for (word, at), number in ends.items())
    whole = sum(one.hubs for one in found)
    return Group(*name, Period(last.starts, last.ends), last.at, whole, tuple(words), ends=found)


def _void_since(ended: Row[Any], happened: Sequence[Row[Any]]) -> datetime:
    """Return since when what ended was void: what its period or its CSP had ended before is noted with its release."""
    noted: datetime = ended.at
    since = noted
    if ended.word == VoidReason.PERIOD_ENDED and ended.ends is not None:
        since = ended.ends
    elif ended.word == VoidReason.REFUSED_BY_CSP:
        refused = (one for one in happened if one.what == Happened.DECIDED and one.noted_at == ended.noted_at)
        since = max((one.at for one in refused if one.word == GroupDecision.REFUSED), default=noted)
    return min(since, noted)


def _period(row: Row[Any]) -> Period | None:
    return None if row.starts is None else Period(row.starts, row.ends)
