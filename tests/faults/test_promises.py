"""Small promises that the fault catalogue asks for and that no larger test is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from duis_gateway.outbox import store as outbox
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.activations.rules import judge_outcome
from duis_gateway.store.engine import Store
from tests.support.databases import fresh_database, opened
from tests.support.outbox import HTTP, OTHER, SUPPLIER, message, messages
from tests.support.rules import NEW, NOW, hub, release
from tests.test_architecture import of_project, sources, within


def test_every_commit_is_flushed_to_disk(tmp_path: Path) -> None:
    """F08: after a power cut nothing acknowledged is missing; `synchronous = NORMAL` could lose the last commits."""
    with fresh_database("sqlite", tmp_path) as url, opened(url) as store, store.write() as conn:
        assert conn.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        assert conn.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"


def test_a_late_outcome_takes_nothing_back() -> None:
    """F16: what a partner says twice or late never moves a hub backwards."""
    now_runs = hub(firmware_version=NEW, told_version=NEW, completed_at=NOW)
    late = HubOutcome(now_runs.device_id, OutcomeStage.ACTIVATION, False, NEW, NOW - timedelta(hours=1), "hashMismatch")
    judged = judge_outcome(late, now_runs, frozenset({"North"}), release(), True, NOW + timedelta(hours=1))
    assert judged.ignored
    assert (judged.tell, judged.failed, judged.new_version) == (False, False, False)


def test_a_large_backlog_is_taken_page_by_page_and_fairly(store: Store) -> None:
    """F20: after a restart the oldest come first, no recipient waits for another's thousands."""
    with store.write() as conn:
        outbox.enqueue(conn, [*messages(5_000), *messages(1, recipient=OTHER)])
    with store.write() as conn:
        places = outbox.due_destinations(conn)
        claimed = outbox.claim(conn, HTTP, 100, 60.0, "a token")
    assert {place.recipient for place in places} == {SUPPLIER, OTHER}
    assert len(claimed) == 100
    assert [one.id for one in claimed] == sorted(one.id for one in claimed)
    with store.write() as conn:
        later = outbox.claim(conn, HTTP, 5_000, 60.0, "another token")
    assert len(later) == 4_900
    assert claimed[-1].id < later[0].id


def test_business_time_moves_no_lease_and_no_due_date(store: Store) -> None:
    """F23: a clock that jumps or stands still, as `[clock] fixed` makes it, changes nothing for delivery."""
    ages = (datetime(1999, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC))
    with store.write() as conn:
        outbox.enqueue(conn, [replace(message(), created_at=at) for at in ages])
    with store.write() as conn:
        assert len(outbox.claim(conn, HTTP, 10, 60.0, "a token")) == 2
    with store.write() as conn:
        assert outbox.recover_expired(conn, 3600.0) == 0


def test_what_is_sent_was_signed_when_it_was_stored() -> None:
    """F26: a key that is changed touches nothing in the outbox: only what is laid in is signed, and never again."""
    signing = [
        f"{module} imports {name}"
        for module in sources()
        if within(module, "duis_gateway.outbox") and module != "duis_gateway.outbox.laying_in"
        for name in of_project(module)
        if within(name, "duis_gateway.envelope") or within(name, "duis_gateway.pki")
    ]
    assert not signing, signing
