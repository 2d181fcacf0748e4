"""Sealing, on both databases: late transactions, several sealers, keys that are not there."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from duis_gateway.audit.chain import Entry
from duis_gateway.audit.recording import record
from duis_gateway.audit.records import Signed
from duis_gateway.audit.sealing import Sealer, seal_all, sign_if_due, state_of
from duis_gateway.store.engine import Store
from tests.support.audit import findings, records_of, seal, signed_by
from tests.support.databases import opened
from tests.support.writing import wait_until

pytestmark = pytest.mark.requirement("EX-16")


def say(store: Store, *names: str) -> None:
    for name in names:
        with store.write() as conn:
            record(conn, [{"out": name}])


def said(store: Store) -> list[str]:
    return [one.content for one in records_of(store) if isinstance(one, Entry)]


def chain_is_whole(store: Store) -> bool:
    """The chain by itself: what it speaks of here is stored nowhere."""
    return not [one for one in findings(store) if "is no longer stored" not in one]


@pytest.mark.postgresql
def test_what_becomes_visible_late_comes_later(database_url: str) -> None:
    """PostgreSQL: a number given out early and committed late is neither lost nor put before what is sealed."""
    with opened(database_url) as store:
        if store.is_sqlite:
            say(store, "late", "early")  # one writer at a time: the order of numbers is that of commits
            seal(store)
            assert said(store) == ['[{"out":"late"}]', '[{"out":"early"}]']
            return
        with store.write() as slow:
            record(slow, [{"out": "late"}])
            say(store, "early")
            seal(store)
            assert said(store) == ['[{"out":"early"}]']
        seal(store)
        assert said(store) == ['[{"out":"early"}]', '[{"out":"late"}]']
        assert chain_is_whole(store)


def test_several_sealers_at_once_make_one_chain(database_url: str) -> None:
    """Two processes' worth of stores, while others write; each record is in one entry."""
    with opened(database_url) as one, opened(database_url) as two, ThreadPoolExecutor(4) as threads:
        names = [f"m{number}" for number in range(60)]
        writing = [threads.submit(say, store, *half) for store, half in ((one, names[:30]), (two, names[30:]))]
        while not all(work.done() for work in writing):
            for sealing in [threads.submit(seal, store) for store in (one, two)]:
                sealing.result(60)
        seal(one)
        assert sorted(said(one)) == sorted(f'[{{"out":"{name}"}}]' for name in names)
        assert chain_is_whole(one)


def test_a_sealer_takes_up_what_is_left_and_signs_once_a_minute(store: Store) -> None:
    say(store, "a", "b")
    sealer = Sealer(store, lambda: signed_by()[0])
    sealer.start()
    try:
        wait_until(lambda: len(records_of(store)) == 3, 60)
        say(store, "c")
        wait_until(lambda: len(said(store)) == 3, 60)
    finally:
        assert sealer.stop()
    assert [one.sequence for one in records_of(store) if isinstance(one, Signed)] == [2]
    with store.read() as conn:
        state = state_of(conn)
    assert (state.entries, state.covered, state.waiting) == (3, 2, 0)


def test_a_checkpoint_is_due_after_a_minute_or_where_the_clock_was_put_back(store: Store) -> None:
    """F23."""
    signer = signed_by()[0]
    assert not sign_if_due(store, signer), "there is nothing to cover"
    say(store, "a")
    seal_all(store)
    assert sign_if_due(store, signer)
    say(store, "b")
    seal_all(store)
    assert not sign_if_due(store, signer)
    for moved in (-60, 3600):
        with store.write() as conn:
            conn.execute(text(f"UPDATE audit_checkpoint SET signed_at = signed_at + {moved}"))
        assert sign_if_due(store, signer)
        assert not sign_if_due(store, signer), "nothing new"
        say(store, f"after {moved}")
        seal_all(store)
    assert chain_is_whole(store)


def test_without_a_key_it_goes_on_sealing(store: Store) -> None:
    """F25."""
    say(store, "a")
    seal_all(store)
    assert not sign_if_due(store, None)
    with store.read() as conn:
        state = state_of(conn)
    assert (state.entries, state.covered, state.checkpoint_at) == (1, 0, None)


def test_a_checkpoint_is_written_to_the_log_that_goes_elsewhere(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "duis_gateway.audit.sealing")
    say(store, "a")
    seal(store)
    [entry, _] = records_of(store)
    assert isinstance(entry, Entry)
    [line] = [one for one in caplog.records if one.__dict__.get("event") == "audit-checkpoint"]
    assert (line.__dict__["sequence"], line.__dict__["link"]) == (1, entry.link)
