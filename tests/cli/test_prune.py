"""`prune`: what it says and how it ends; what it does is in tests/operations."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from duis_gateway.duis.identifiers import RequestId
from duis_gateway.flow import evidence as messages
from duis_gateway.outbox import store as outbox
from duis_gateway.store.engine import Store
from tests.support.cli import GATEWAY, SUPPLIER, Installation, done, refused, run
from tests.support.databases import opened
from tests.support.outbox import message


@pytest.fixture
def used(installation: Installation) -> Installation:
    """Two messages sent 40 days ago, one received 40 days ago, and half a list."""
    file = installation.folder / "gateway.db"
    store = Store.open(f"sqlite:///{file}")
    then = datetime.now(UTC) - timedelta(days=40)
    with store.write() as conn:
        outbox.enqueue(conn, [message(b"x" * 1_000_000), message(b"y" * 500_000)])
        messages.record(conn, RequestId(SUPPLIER, GATEWAY, 1), "xml", "SR8.2", "I0", then, b"d", b"z" * 200_000, b"a")
        messages.add_part(conn, SUPPLIER, "list", 1, 2, (1, 2))
    store.close()
    with sqlite3.connect(file) as database:
        database.execute("UPDATE outbox SET state = 'delivered', delivered_at = enqueued_at - 40 * 86400")
        database.execute("UPDATE message_part SET kept_at = kept_at - 40 * 86400")
    database.close()
    return installation


EVERYTHING = (
    "the bodies of 2 delivered messages, the bytes of 1 received message, 1 unfinished list (1 part),"
    " 0 departures of hubs from estates, 0 events of hubs' history: 1.7 MB.\n"
)
NOTHING = (
    "the bodies of 0 delivered messages, the bytes of 0 received messages, 0 unfinished lists (0 parts),"
    " 0 departures of hubs from estates, 0 events of hubs' history: 0.0 MB.\n"
)


def test_it_says_how_many_of_each(used: Installation) -> None:
    days = ("--older-than", "39")
    assert done("prune", *days, "--dry-run", *used.config) == f"Would prune {EVERYTHING}"
    ran = run("prune", *days, *used.config)
    assert (ran.code, ran.output) == (0, f"Pruned {EVERYTHING}")
    assert ran.error == "", "the progress is for a person at a terminal"
    assert done("prune", *days, *used.config) == f"Pruned {NOTHING}"


def test_what_is_younger_stays(used: Installation) -> None:
    assert done("prune", "--older-than", "41", *used.config) == f"Pruned {NOTHING}"


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("delivered", "the bodies of 2 delivered messages: 1.5 MB"),
        ("evidence", "the bytes of 1 received message: 0.2 MB"),
        ("parts", "1 unfinished list (1 part): 0.0 MB"),
        ("departed", "0 departures of hubs from estates: 0.0 MB"),
        ("history", "0 events of hubs' history: 0.0 MB"),
    ],
)
def test_one_kind_alone(used: Installation, what: str, said: str) -> None:
    assert done("prune", "--older-than", "39", "--what", what, *used.config) == f"Pruned {said}.\n"


def test_a_database_that_others_write_for_too_long_is_said_so_and_nothing_is_lost(
    used: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F07: to be run again."""
    monkeypatch.setenv("DUIS_GATEWAY_STORE_LOCK_TIMEOUT", "0.2")
    with opened(f"sqlite:///{used.folder / 'gateway.db'}") as store, store.write():
        assert "locked for too long" in refused(2, "prune", "--older-than", "39", *used.config)
    assert done("prune", "--older-than", "39", *used.config) == f"Pruned {EVERYTHING}"


def test_a_pruned_message_is_still_listed_and_its_body_asked_for_in_vain(used: Installation) -> None:
    done("prune", "--older-than", "39", *used.config)
    assert "delivered" in done("outbox", "show", "1", *used.config)
    assert "was pruned" in refused(1, "outbox", "show", "1", "--content", *used.config)


def test_how_old_has_to_be_said_and_in_whole_days(installation: Installation) -> None:
    assert "--older-than" in refused(2, "prune", *installation.config)
    for days in ("0", "-3", "1.5", "soon"):
        assert "--older-than" in refused(2, "prune", "--older-than", days, *installation.config)
    assert "--what" in refused(2, "prune", "--older-than", "30", "--what", "answers", *installation.config)
