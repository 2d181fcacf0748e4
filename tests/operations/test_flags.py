"""Flags, and what operators did about them."""

from __future__ import annotations

from datetime import UTC, datetime

from duis_gateway.operations import actions, flags
from duis_gateway.operations.actions import OperatorAction
from duis_gateway.store.engine import Store

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_a_flag_is_acknowledged_once_and_stays_as_evidence(store: Store) -> None:
    with store.write() as conn:
        flags.raise_flags(conn, [("one", "a"), ("two", "b"), ("two", "c")], NOW, "text")
        last, middle, first = flags.unacknowledged(conn)
        assert flags.acknowledge(conn, [middle.id, first.id, 99], NOW) == 2
        assert flags.acknowledge(conn, [middle.id], NOW) == 0
    with store.read() as conn:
        assert flags.unacknowledged(conn) == [last]
        assert [one.acknowledged_at for one in flags.newest(conn)] == [None, NOW, NOW]


def test_what_was_done_is_kept_the_newest_first(store: Store) -> None:
    done = [OperatorAction(NOW, "replay", f"message {n}", "127.0.0.1") for n in (1, 2)]
    with store.write() as conn:
        for one in done:
            actions.record(conn, one)
    with store.read() as conn:
        assert actions.newest(conn) == done[::-1]
