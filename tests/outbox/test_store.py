"""The outbox's queries, on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event, update

from duis_gateway.outbox import store as outbox
from duis_gateway.outbox import view as outbox_view
from duis_gateway.outbox.store import ClaimedMessage, Destination, Result, Settlement
from duis_gateway.store.engine import Store, now_seconds
from duis_gateway.store.tables import alert_counter
from tests.support.outbox import HTTP, OTHER, SUPPLIER, claim, enqueue, message, messages

LONGEST = 3600.0
"""What a lease or a wait may take at most, in these tests."""


def settle(store: Store, claimed: Sequence[ClaimedMessage], result: Result, seconds: float = 0.0) -> int:
    with store.write() as conn:
        return outbox.settle(conn, [Settlement(m.id, m.token, result, seconds, "because") for m in claimed])


def contents(claimed: Sequence[ClaimedMessage]) -> list[bytes]:
    return [m.content for m in claimed]


def due(store: Store) -> list[Destination]:
    with store.read() as conn:
        return outbox.due_destinations(conn)


def states(store: Store) -> dict[bytes, tuple[str, int, str | None]]:
    """State, attempts and last error of every message, by content."""
    with store.read() as conn:
        found = [outbox_view.find(conn, entry.id) for entry in outbox_view.entries(conn)]
    return {one[1]: (one[0].state, one[0].attempts, one[0].last_error) for one in found if one}


def test_what_was_stored_is_claimed_whole_and_in_order(store: Store) -> None:
    sent = messages(5)
    enqueue(store, *sent)
    claimed = claim(store, limit=3)
    assert contents(claimed) == [m.content for m in sent[:3]]
    first = claimed[0]
    assert (first.recipient, first.channel, first.kind, first.attempts) == (SUPPLIER, "http", "N64", 1)
    assert (first.message_id, first.content_type) == (sent[0].message_id, "application/xml")
    assert first.waited >= 0
    assert contents(claim(store)) == [m.content for m in sent[3:]]
    assert claim(store) == []


@pytest.mark.once
def test_twenty_thousand_at_once(store: Store) -> None:
    enqueue(store, *messages(20_000))
    assert len(claim(store, limit=30_000)) == 20_000


def test_destinations_are_found_by_recipient_and_channel(store: Store) -> None:
    enqueue(
        store,
        *messages(2),
        message(channel="email"),
        message(recipient=OTHER),
        message(recipient=1, channel="email"),
    )
    everyone = {HTTP, Destination(SUPPLIER, "email"), Destination(OTHER, "http"), Destination(1, "email")}
    assert set(due(store)) == everyone
    assert claim(store, destination=Destination(SUPPLIER, "email"))[0].address == "ops@supplier.test"
    claim(store)
    assert set(due(store)) == {Destination(OTHER, "http"), Destination(1, "email")}


def test_counters_rise_for_each_recipient(store: Store) -> None:
    """F29: and they never begin again below what time it is, whatever a restored backup remembers."""
    with store.write() as conn:
        first = outbox.next_counters(conn, SUPPLIER, 20_000)
        assert first > now_seconds(conn) * 1000 - 60_000
        second = outbox.next_counters(conn, SUPPLIER, 1)
        assert second >= first + 20_000
    with store.write() as conn:
        assert outbox.next_counters(conn, SUPPLIER, 1) > second
        assert outbox.next_counters(conn, OTHER, 5) < second
    with store.write() as conn:
        conn.execute(update(alert_counter).values(value=1))  # as a backup of long ago has it
        assert outbox.next_counters(conn, SUPPLIER, 1) >= first


def test_a_transaction_that_fails_sends_nothing(store: Store) -> None:
    def fail() -> None:
        with store.write() as conn:
            outbox.enqueue(conn, messages(3))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert due(store) == []


def test_one_of_a_key_at_a_time_and_keys_side_by_side(store: Store) -> None:
    """Design section 8: order within a key; messages without one overtake."""
    enqueue(store, *messages(3, key="R1", prefix="a"), *messages(2, key="R2", prefix="b"), message(b"free"))
    first = claim(store)
    assert contents(first) == [b"<a000000/>", b"<b000000/>", b"free"]
    assert claim(store) == []
    settle(store, first[:1], Result.DELIVERED)
    assert contents(claim(store)) == [b"<a000001/>"]
    settle(store, first[1:2], Result.RETRY, seconds=1000)
    assert claim(store) == [], "what waits for its next try holds its successors back"


def test_the_same_key_text_of_another_recipient_is_another_key(store: Store) -> None:
    enqueue(store, message(b"1", key="R1"), message(b"2", key="R1", recipient=OTHER))
    claim(store)
    assert contents(claim(store, destination=Destination(OTHER, "http"))) == [b"2"]


def test_what_waits_behind_an_order_keeps_nothing_else_back(store: Store) -> None:
    """However much waits, and however old: the head of each order and what has none are claimed, oldest first."""
    enqueue(store, *messages(300, key="R1", prefix="one-"), *messages(300, key="R2", prefix="two-"))
    enqueue(store, *messages(5, prefix="free-"))
    assert contents(claim(store, 4)) == [b"<one-000000/>", b"<two-000000/>", b"<free-000000/>", b"<free-000001/>"]
    assert contents(claim(store)) == [b"<free-000002/>", b"<free-000003/>", b"<free-000004/>"]


_LONG_SINCE_DELIVERED = (
    "INSERT INTO outbox (recipient, channel, kind, message_id, content, content_type, state, created_at, enqueued_at,"
    " due_at) SELECT 1, 'http', 'N64', 'past:' || n, ''::bytea, 'application/xml', 'delivered', 0, 0, 0"
    " FROM generate_series(1, 60000) AS n"
)


@contextmanager
def plans(store: Store, conn: Connection) -> Iterator[list[str]]:
    """The steps by which the database carries out what concerns leases. It would read a short table whole."""
    if not store.is_sqlite:
        conn.exec_driver_sql(_LONG_SINCE_DELIVERED)
        conn.exec_driver_sql("ANALYZE outbox")
    steps: list[str] = []

    def explained(_conn: object, cursor: Any, statement: str, values: Any, *_others: object) -> None:
        if "lease_token" in statement:
            cursor.execute(("EXPLAIN QUERY PLAN " if store.is_sqlite else "EXPLAIN ") + statement, values)
            steps.extend(str(row) for row in cursor.fetchall())

    event.listen(conn.engine, "before_cursor_execute", explained)
    try:
        yield steps
    finally:
        event.remove(conn.engine, "before_cursor_execute", explained)


def test_an_order_is_found_by_its_index_alone(store: Store) -> None:
    """What waits behind the heads would be looked through again for each message that is delivered (F12)."""
    enqueue(store, *messages(2000, key="R1"), *messages(2000, key="R2"))
    with store.write() as conn, plans(store, conn) as steps:
        assert len(outbox.claim(conn, HTTP, 10, 60.0, "a")) == 2
    assert any("ix_outbox_ordered" in step or "ix_outbox_open" in step for step in steps), steps
    assert not any("SCAN outbox" in step or "Seq Scan on outbox" in step for step in steps), steps


@pytest.mark.parametrize("result", list(Result))
def test_what_others_hold_costs_nothing_when_one_settles(store: Store, result: Result) -> None:
    """The messages are found by their ids: two hundred lanes went through what all of them held, each time (F12)."""
    enqueue(store, *messages(300))
    with store.write() as conn, plans(store, conn) as steps:
        claimed = outbox.claim(conn, HTTP, 100, 60.0, "a")
        steps.clear()
        assert outbox.settle(conn, [Settlement(one.id, "a", result) for one in claimed]) == 0
    assert any("pk_outbox" in step or "USING INTEGER PRIMARY KEY" in step for step in steps), steps
    assert not any("ix_outbox" in step or "Scan on outbox" in step or "SCAN outbox" in step for step in steps), steps


def test_a_dead_letter_unblocks_what_waits_behind_it(store: Store) -> None:
    """F18."""
    enqueue(store, *messages(2, key="R1"))
    settle(store, claim(store), Result.DEAD)
    assert contents(claim(store)) == [b"<000001/>"]
    assert states(store)[b"<000000/>"] == ("dead", 1, "because")


def test_a_retry_is_due_when_its_time_has_come(store: Store) -> None:
    enqueue(store, *messages(2))
    claimed = claim(store)
    settle(store, claimed[:1], Result.RETRY, seconds=1000)
    settle(store, claimed[1:], Result.RETRY, seconds=0)
    again = claim(store)
    assert contents(again) == [b"<000001/>"]
    assert again[0].attempts == 2
    assert states(store)[b"<000000/>"] == ("pending", 1, "because")


def test_untried_messages_go_back_uncounted(store: Store) -> None:
    enqueue(store, *messages(2))
    claimed = claim(store)
    assert settle(store, claimed, Result.UNTRIED) == 0
    assert [m.attempts for m in claim(store)] == [1, 1]


def test_an_expired_lease_comes_back_and_the_attempt_counts(store: Store) -> None:
    """F04, F18: a sender that crashes has tried."""
    enqueue(store, *messages(2, key="R1"))
    claim(store, lease=0.0)
    assert claim(store) == []
    with store.read() as conn:
        assert outbox.has_lost(conn, LONGEST)
    with store.write() as conn:
        assert outbox.recover_expired(conn, LONGEST) == 1
    again = claim(store, token="b")
    assert [(m.content, m.attempts) for m in again] == [(b"<000000/>", 2)]
    with store.read() as conn:
        assert not outbox.has_lost(conn, LONGEST)


@pytest.mark.parametrize("result", list(Result))
def test_whoever_lost_the_lease_changes_nothing(store: Store, result: Result) -> None:
    """F21: a stalled worker resumes after another has taken over."""
    enqueue(store, message(b"x"))
    stalled = claim(store, lease=0.0, token="stalled")
    with store.write() as conn:
        outbox.recover_expired(conn, LONGEST)
    assert settle(store, stalled, result) == 1, "recovered, but not taken again"
    active = claim(store, token="active")
    assert settle(store, stalled, result) == 1
    assert states(store)[b"x"][:2] == ("in_flight", 2)
    assert settle(store, active, Result.DELIVERED) == 0
    assert settle(store, stalled, result) == 1
    assert states(store)[b"x"][0] == "delivered"


def test_what_a_clock_that_was_put_back_left_in_the_future_is_due_now(store: Store) -> None:
    """F23: nobody holds or waits for so long, so the database's clock stood a day ahead when it was written."""
    day = 86_400.0
    enqueue(store, *messages(2, prefix="w"), *messages(2, key="R1", prefix="k"), message(b"x", channel="email"))
    settle(store, claim(store, limit=1), Result.RETRY, day)
    settle(store, claim(store, destination=Destination(SUPPLIER, "email")), Result.RETRY, LONGEST - 1)
    claim(store, lease=day)
    assert claim(store) == [], "one waits, one is held, and one waits behind what is held"
    with store.read() as conn:
        assert outbox.has_lost(conn, LONGEST)
    with store.write() as conn:
        assert outbox.recover_expired(conn, LONGEST) == 2
        assert outbox.bring_forward(conn, LONGEST) == 1
    assert sorted(contents(claim(store))) == [b"<k000000/>", b"<w000000/>", b"<w000001/>"]
    with store.read() as conn:
        assert not outbox.has_lost(conn, LONGEST), "a wait that can be meant is left alone"


@pytest.mark.parametrize("channel", ["http", "email"])
def test_a_wait_beyond_all_waits_is_noticed_on_each_channel_of_each_recipient(store: Store, channel: str) -> None:
    enqueue(store, message(recipient=1), message(recipient=OTHER, channel=channel))
    settle(store, claim(store, destination=Destination(OTHER, channel)), Result.RETRY, LONGEST + 60)
    with store.read() as conn:
        assert outbox.has_lost(conn, LONGEST)
        assert not outbox.has_lost(conn, 2 * LONGEST)


def test_many_claimers_never_share_a_message(store: Store) -> None:
    """F21, with threads; with processes in test_processes.py."""
    enqueue(store, *messages(300), *messages(30, key="R1", prefix="k"))
    seen: list[ClaimedMessage] = []

    def work(token: str) -> None:
        while claimed := claim(store, limit=7, token=token):
            seen.extend(claimed)
            settle(store, claimed, Result.DELIVERED)

    threads = [threading.Thread(target=work, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen += claim(store)
    while any(m.kind == "N66" for m in seen[-1:]) and settle(store, seen[-1:], Result.DELIVERED) == 0:
        seen += claim(store)
    assert len({m.id for m in seen}) == len(seen) == 330
    keyed = [m.content for m in seen if m.kind == "N66"]
    assert keyed == sorted(keyed)


def test_who_comes_back_is_due_at_once_and_in_the_old_order(store: Store) -> None:
    """F19."""
    enqueue(store, *messages(3))
    claimed = claim(store)
    for m in reversed(claimed):
        settle(store, [m], Result.RETRY, seconds=1000)
    enqueue(store, message(b"later"), message(b"elsewhere", recipient=OTHER))
    with store.write() as conn:
        assert outbox.hurry(conn, HTTP) == 3
    assert contents(claim(store)) == [b"<000000/>", b"<000001/>", b"<000002/>", b"later"]


def test_dead_letters_are_seen_and_replayed(store: Store) -> None:
    enqueue(store, *messages(3), message(b"other", recipient=OTHER))
    settle(store, claim(store), Result.DEAD)
    settle(store, claim(store, destination=Destination(OTHER, "http")), Result.DEAD)
    with store.read() as conn:
        dead = outbox_view.entries(conn, state="dead", recipient=SUPPLIER)
        assert [entry.last_error for entry in dead] == ["because"] * 3
        assert outbox_view.stats(conn).dead == {SUPPLIER: 3, OTHER: 1}
    with store.write() as conn:
        assert outbox_view.replay(conn, message=dead[1].id) == 1
        assert outbox_view.replay(conn, message=dead[1].id) == 0, "it is no dead letter any more"
    assert [(m.content, m.attempts) for m in claim(store)] == [(b"<000001/>", 1)]
    with store.write() as conn:
        assert outbox_view.replay(conn, recipient=SUPPLIER) == 2
        assert outbox_view.replay(conn) == 1


def test_an_operator_sees_what_waits_and_for_how_long(store: Store) -> None:
    enqueue(store, *messages(4), message(b"mail", channel="email"))
    held = claim(store, limit=2)
    settle(store, held[:1], Result.RETRY, seconds=500)
    with store.read() as conn:
        stats = outbox_view.stats(conn)
        found = outbox_view.entries(conn, recipient=SUPPLIER, limit=2)
        rest = outbox_view.entries(conn, after=found[-1].id)
    assert {d: backlog.pending for d, backlog in stats.pending.items()} == {HTTP: 3, Destination(SUPPLIER, "email"): 1}
    assert stats.in_flight == {HTTP: 1}
    assert 0 <= stats.oldest_age < 60
    assert [entry.state for entry in (*found, *rest)] == ["pending", "in_flight", "pending", "pending", "pending"]
    assert 400 < (found[0].next_try_in or 0) <= 500


def test_a_message_is_found_by_its_id_on_the_wire(store: Store) -> None:
    sent = message(b"<wanted/>")
    enqueue(store, sent)
    with store.read() as conn:
        found = outbox_view.find(conn, sent.message_id)
        assert found
        assert found[1] == b"<wanted/>"
        assert found[0].device_id == SUPPLIER
        assert outbox_view.find(conn, "no such") is None
