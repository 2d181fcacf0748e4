"""Pruning: what is old and needed no more goes, in small steps; what is needed, whenever, stays as it is."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from duis_gateway.duis.identifiers import MessageId, MessageIdentity, RequestId
from duis_gateway.flow import evidence as messages
from duis_gateway.flow.evidence import IdentityTaken, StoredAnswer
from duis_gateway.operations.pruning import EVERYTHING, Pruned, Pruning, What
from duis_gateway.outbox import view as outbox_view
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party, PartyKind, Role
from duis_gateway.rollout.estate.changes import unknown_since
from duis_gateway.rollout.estate.hub_by_hub import estate_rows
from duis_gateway.rollout.hub_events import store as events
from duis_gateway.rollout.hub_events.records import TAKEN_BACK, Happened, HubEvent
from duis_gateway.rollout.hubs import freshness
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.releases import store as releases
from duis_gateway.store.engine import Store, StoreOptions
from duis_gateway.store.tables import message_part, outbox
from tests.support.databases import fresh_database, opened
from tests.support.estate import ALPHA, BETA, GAMMA, NOW, TOP, release
from tests.support.outbox import enqueue, message
from tests.support.outbox import messages as bodies

DAY = timedelta(days=1)
AGE = 30 * DAY
OLD, YOUNG = NOW - 31 * DAY, NOW - 29 * DAY


def prune(store: Store, what: frozenset[What] = EVERYTHING, *, dry_run: bool = False, age: timedelta = AGE) -> Pruned:
    return Pruning(store, age, NOW, what, dry_run).run()


def receive(store: Store, identity: MessageIdentity, at: datetime, raw: bytes = b"<raw/>") -> None:
    with store.write() as conn:
        messages.record(conn, identity, "xml", "SR11.5", "I99", at, b"d" * 32, raw, b"answer of %s" % raw)


def send(store: Store, content: bytes, state: str, days_ago: float) -> int:
    """A message of the outbox in this state, whose last change was so long ago."""
    enqueue(store, message(content))
    with store.write() as conn:
        number: int = conn.execute(select(outbox.c.id).order_by(outbox.c.id.desc()).limit(1)).scalar_one()
        then = select(outbox.c.enqueued_at - days_ago * 86400.0).where(outbox.c.id == number).scalar_subquery()
        times = {"enqueued_at": then, "due_at": then, "delivered_at": then if state == "delivered" else None}
        conn.execute(update(outbox).where(outbox.c.id == number).values(state=state, **times))
    return number


def contents(store: Store) -> dict[int, tuple[str, bytes]]:
    with store.read() as conn:
        rows = conn.execute(select(outbox.c.id, outbox.c.state, outbox.c.content))
        return {row.id: (row.state, row.content) for row in rows}


def age_parts(store: Store, list_id: str, days: float) -> None:
    with store.write() as conn:
        mine = update(message_part).where(message_part.c.list_id == list_id)
        conn.execute(mine.values(kept_at=message_part.c.kept_at - days * 86400.0))


def parts(store: Store, list_id: str) -> dict[int, tuple[int, ...]]:
    with store.write() as conn:
        return messages.parts(conn, BETA, list_id)


def test_only_bodies_of_what_was_delivered_long_ago_go(store: Store) -> None:
    """Pending, in flight and dead letters stay byte for byte, however old; and so does the row of what goes."""
    old = send(store, b"<old/>", "delivered", 31)
    stay = {send(store, b"<%b/>" % state.encode(), state, 400): state for state in ("pending", "in_flight", "dead")}
    young = send(store, b"<young/>", "delivered", 29)
    assert prune(store) == Pruned(delivered=1, octets=6)
    assert contents(store) == {
        old: ("delivered", b""),
        young: ("delivered", b"<young/>"),
        **{number: (state, b"<%b/>" % state.encode()) for number, state in stay.items()},
    }
    with store.write() as conn:
        assert outbox_view.replay(conn) == 1, "the dead letter can be replayed"
    assert prune(store) == Pruned(), "nothing is left to do"


@pytest.mark.parametrize("identity", [RequestId(ALPHA, GAMMA, TOP), MessageId(BETA, "m-1")])
def test_of_messages_received_long_ago_the_bytes_go_and_the_rest_stays(store: Store, identity: MessageIdentity) -> None:
    """T39, T40: an identity is used up for ever, and a repeat gets its answer."""
    newer = RequestId(ALPHA, GAMMA, 8)
    receive(store, identity, OLD, b"<old/>")
    receive(store, newer, YOUNG, b"<young/>")
    assert prune(store) == Pruned(evidence=1, octets=6)
    with store.read() as conn:
        assert messages.evidence_of(conn, identity) is None
        assert messages.find_answer(conn, identity) == StoredAnswer(b"d" * 32, b"answer of <old/>")
        assert messages.evidence_of(conn, newer) == b"<young/>"
        assert {record.identity for record in messages.history(conn)} == {identity, newer}
    with pytest.raises(IdentityTaken):
        receive(store, identity, NOW)


def test_a_list_goes_whose_newest_part_is_old(store: Store) -> None:
    """As a whole or not at all: a part that came lately keeps the others."""
    with store.write() as conn:
        for list_id in ("old", "going on", "young"):
            messages.add_part(conn, BETA, list_id, 1, 3, (TOP, 1))
    age_parts(store, "old", 31)
    age_parts(store, "going on", 31)
    with store.write() as conn:
        messages.add_part(conn, BETA, "old", 2, 3, (2,))
        messages.add_part(conn, BETA, "going on", 2, 3, (2,))
    age_parts(store, "old", 31)
    assert prune(store) == Pruned(lists=1, parts=2, octets=24)
    assert parts(store, "old") == {}
    assert parts(store, "going on") == {1: (TOP, 1), 2: (2,)}
    assert parts(store, "young") == {1: (TOP, 1)}


@pytest.mark.postgresql
def test_a_list_that_is_being_completed_just_now_is_left_alone(tmp_path: Path) -> None:
    """Whoever reads the parts relies on them until its transaction ends. (With SQLite one at a time writes.)"""
    with fresh_database("postgresql", tmp_path) as url, opened(url) as store:
        with store.write() as conn:
            messages.add_part(conn, BETA, "late", 1, 3, (1,))
        age_parts(store, "late", 31)
        with store.write() as conn:
            assert messages.parts(conn, BETA, "late") == {1: (1,)}
            with ThreadPoolExecutor(1) as other:
                assert other.submit(prune, store).result(30) == Pruned()
            messages.add_part(conn, BETA, "late", 2, 3, (2,))
        assert parts(store, "late") == {1: (1,), 2: (2,)}


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (What.DELIVERED, Pruned(delivered=1, octets=4)),
        (What.EVIDENCE, Pruned(evidence=1, octets=6)),
        (What.PARTS, Pruned(lists=1, parts=1, octets=8)),
    ],
)
def test_only_what_was_asked_for_goes_and_a_dry_run_takes_nothing(store: Store, what: What, expected: Pruned) -> None:
    send(store, b"<o/>", "delivered", 31)
    receive(store, RequestId(ALPHA, GAMMA, 1), OLD)
    with store.write() as conn:
        messages.add_part(conn, BETA, "old", 1, 2, (1,))
    age_parts(store, "old", 31)
    whole = Pruned(delivered=1, evidence=1, lists=1, parts=1, octets=18)
    assert prune(store, dry_run=True) == whole
    assert prune(store, frozenset({what}), dry_run=True) == expected
    assert prune(store, frozenset({what})) == expected
    assert prune(store, frozenset({what})) == Pruned()
    left = prune(store, dry_run=True)
    assert left.octets == whole.octets - expected.octets


def test_notes_of_hubs_that_left_long_ago_go_and_no_earlier_time_is_answered(store: Store) -> None:
    """`changed-since`: what is not known any more is not passed over in silence."""
    supplier = Party(ALPHA, PartyKind.SUPPLIER, "http://127.0.0.1:1/", roles=frozenset(Role))
    mine = Hub(1, "CHF", "106C", "433100AC", "9001", "Commissioned", "North", ALPHA, ALPHA)
    theirs = replace(mine, import_supplier=BETA, gas_supplier=BETA)
    with store.write() as conn:
        parties.add(conn, supplier)
        for at, count in ((OLD - timedelta(hours=2), 700), (YOUNG, 3)):
            changed = [(replace(mine, device_id=1000 * count + number), theirs) for number in range(count)]
            freshness.of_change(conn, changed, at)

    def left(since: datetime) -> int:
        with store.read() as conn:
            return sum(1 for _ in estate_rows(conn, supplier, NOW, since))

    def unknown(since: datetime) -> str | None:
        with store.read() as conn:
            return unknown_since(conn, since, NOW)

    assert (left(OLD - DAY), unknown(OLD - DAY)) == (703, None)
    assert prune(store, dry_run=True) == Pruned(departed=700)
    assert prune(store, EVERYTHING - {What.DEPARTED}) == Pruned()
    assert prune(store) == Pruned(departed=700)
    assert (left(NOW - AGE), unknown(NOW - AGE)) == (3, None)
    assert (unknown(NOW - AGE - timedelta(seconds=1)) or "").startswith("which hubs left the estate before ")
    assert prune(store, age=40 * DAY) == Pruned(), "it is not known again"
    assert unknown(NOW - AGE - timedelta(seconds=1)) is not None


def test_of_hubs_history_the_events_go_that_were_noted_long_ago(store: Store) -> None:
    with store.write() as conn:
        releases.put(conn, release(), {})
        for at in (OLD, OLD, YOUNG):
            events.note(conn, HubEvent("R1", ALPHA, Happened.ENDED, at, at, word=TAKEN_BACK), [1, 2])
    assert prune(store, dry_run=True) == Pruned(events=2)
    assert prune(store, EVERYTHING - {What.HISTORY}) == Pruned()
    assert prune(store) == Pruned(events=2)
    with store.read() as conn:
        assert [one.at for one in events.of_hub(conn, 1)] == [YOUNG]


@dataclass
class Commits:
    """Counts commits as the metrics do."""

    number: int = 0

    def __call__(self, seconds: float) -> None:
        assert seconds >= 0
        self.number += 1


@pytest.mark.parametrize(
    ("lengths", "most"),
    [([3] * 1200, 3), ([3_000_000] * 3, 3), ([5_000_000, 10, 10], 2)],
    ids=["many", "large", "one too large for a portion"],
)
def test_it_goes_in_small_transactions(database_url: str, lengths: list[int], most: int) -> None:
    """At most 500 messages or 4 MiB each, so that nobody waits long for the turn to write."""
    commits = Commits()
    with opened(database_url, StoreOptions(committed=commits)) as store:
        enqueue(store, *(message(b"x" * length) for length in lengths))
        with store.write() as conn:
            conn.execute(update(outbox).values(state="delivered", delivered_at=outbox.c.enqueued_at - 86400.0 * 31))
        before = commits.number
        assert prune(store) == Pruned(delivered=len(lengths), octets=sum(lengths))
        of_the_audit_log = 2  # what was recorded before is sealed, and what will be gone is recorded
        assert commits.number - before == most + of_the_audit_log
        assert {content for _, content in contents(store).values()} == {b""}


def test_two_at_once_take_everything_once(store: Store) -> None:
    enqueue(store, *bodies(1500))
    with store.write() as conn:
        conn.execute(update(outbox).values(state="delivered", delivered_at=outbox.c.enqueued_at - 86400.0 * 31))
    with ThreadPoolExecutor(2) as threads:
        done = [future.result(60) for future in [threads.submit(prune, store) for _ in range(2)]]
    assert sum(one.delivered for one in done) == 1500
    assert Counter(content for _, content in contents(store).values()) == {b"": 1500}


def test_progress_is_told_to_the_end(store: Store) -> None:
    told: list[tuple[int, int]] = []
    Pruning(store, AGE, NOW, progress=lambda done, whole: told.append((done, whole))).run()
    assert told == [(1, 1)]
    for number in range(3):
        receive(store, RequestId(ALPHA, GAMMA, number), OLD)
    told.clear()
    Pruning(store, AGE, NOW, progress=lambda done, whole: told.append((done, whole))).run()
    assert told == [(3, 3), (3, 3)]
