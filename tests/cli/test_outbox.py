"""`outbox`: what is waiting to be sent, what was sent, and what could not be."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime

import pytest

from duis_gateway.outbox import store as outbox
from duis_gateway.outbox.store import OutboxMessage
from duis_gateway.store.engine import Store
from tests.support.cli import OTHER_SUPPLIER, SUPPLIER, Installation, done, refused, run

pytestmark = pytest.mark.requirement("EX-10")

CONTENT = b'<a b="\xc3\xa9">\r\n</a>'


@pytest.fixture
def filled(installation: Installation) -> Installation:
    """Three messages: one pending, and one dead for each of two suppliers."""
    file = installation.folder / "gateway.db"
    store = Store.open(f"sqlite:///{file}")
    messages = [
        OutboxMessage(
            recipient=recipient,
            channel="http",
            kind="N64",
            message_id=f"id-{number}",
            content=CONTENT,
            content_type="application/xml",
            release_id="R1",
            device_id=1,
            order_key=None,
            created_at=datetime(2027, 1, 4, 9, tzinfo=UTC),
        )
        for number, recipient in enumerate((SUPPLIER, SUPPLIER, OTHER_SUPPLIER), 1)
    ]
    with store.write() as connection:
        outbox.enqueue(connection, messages)
    store.close()
    with sqlite3.connect(file) as database:
        database.execute("UPDATE outbox SET state = 'dead', attempts = 12, last_error = '404\nForged' WHERE id > 1")
    database.close()
    return installation


def listed(installation: Installation, *more: object) -> list[tuple[int, str]]:
    found = json.loads(done("outbox", "list", "--format", "json", *more, *installation.config))
    return [(one["id"], one["state"]) for one in found]


def test_messages_are_listed_and_chosen(filled: Installation) -> None:
    assert listed(filled) == [(1, "pending"), (2, "dead"), (3, "dead")]
    assert listed(filled, "--state", "dead", "--recipient", SUPPLIER) == [(2, "dead")]
    assert listed(filled, "--after", "1", "--limit", "1") == [(2, "dead")]


def test_a_recipients_error_text_forges_no_line(filled: Installation) -> None:
    assert len(done("outbox", "list", *filled.config).splitlines()) == 4


def test_an_alert_that_stands_for_another_says_for_which(filled: Installation) -> None:
    body = "<sr:DCCAlertVersionMismatch><sr:DCCAlertCode>N77</sr:DCCAlertCode></sr:DCCAlertVersionMismatch>"
    with sqlite3.connect(filled.folder / "gateway.db") as database:
        database.execute("UPDATE outbox SET kind = 'N999', content = ? WHERE id = 1", (body.encode(),))
    database.close()
    found = json.loads(done("outbox", "list", "--format", "json", *filled.config))
    assert [(one["kind"], one["stands_for"]) for one in found[:2]] == [("N999", "N77"), (found[1]["kind"], "")]
    assert field(filled, "1", "kind") == ["N999 (for N77)"]


def test_one_message_is_shown_by_its_id_or_the_messages_own(filled: Installation) -> None:
    by_id = done("outbox", "show", "2", *filled.config)
    assert by_id == done("outbox", "show", "id-2", *filled.config)
    assert "90-B3-D5-1F-30-01-00-00" in by_id
    assert "00-00-00-00-00-00-00-01" in by_id
    assert "see `outbox list`" in refused(1, "outbox", "show", "id-9", *filled.config)


def test_what_a_message_waits_behind_is_shown(filled: Installation) -> None:
    """A next try in 0 s alone would be said of a message that cannot be tried before another is delivered."""
    with sqlite3.connect(filled.folder / "gateway.db") as database:
        database.execute("UPDATE outbox SET state = 'pending', order_key = 'R1' WHERE id < 3")
    database.close()
    assert field(filled, "2", "behind") == ["1"]
    assert field(filled, "1", "behind") == [""]


def field(installation: Installation, reference: str, name: str) -> list[str]:
    """What `outbox show` has under a name."""
    lines = done("outbox", "show", reference, *installation.config).splitlines()
    return [line.removeprefix(f"{name}:").strip() for line in lines if line.startswith(f"{name}:")]


def test_the_times_say_whose_they_are(filled: Installation) -> None:
    with sqlite3.connect(filled.folder / "gateway.db") as database:
        database.execute("UPDATE outbox SET state = 'delivered', delivered_at = 1798761600.25 WHERE id = 1")
    database.close()
    assert field(filled, "1", "delivered (real time)") == ["2027-01-01T00:00:00Z"]
    assert field(filled, "1", "created (business time)")[0].startswith("20")


def test_each_attempt_that_failed_is_shown(filled: Installation) -> None:
    with sqlite3.connect(filled.folder / "gateway.db") as database:
        rows = [(2, 1798761600.25, "HTTP 500"), (2, 1798761660.25, "no answer\nForged"), (3, 1798761600.25, "HTTP 404")]
        database.executemany("INSERT INTO failed_attempt (message, at, error) VALUES (?, ?, ?)", rows)
    database.close()
    newest, older = field(filled, "2", "failed (real time)")
    assert newest.startswith("2027-01-01T00:01:00Z: no answer")
    assert older == "2027-01-01T00:00:00Z: HTTP 500"
    assert "404\n" not in done("outbox", "show", "2", *filled.config).replace(newest, "")


def test_attempts_since_a_replay_are_told_apart_from_those_before(filled: Installation) -> None:
    """All were in one list, while the attempts counted from the replay on."""
    ends = "HTTP 404 (given up after attempt 2)"
    series = [(0, "HTTP 500"), (1, ends), (2, "HTTP 503"), (3, ends)]

    def shown(state: str) -> tuple[list[str], list[str]]:
        with sqlite3.connect(filled.folder / "gateway.db") as database:
            database.execute("UPDATE outbox SET state = ? WHERE id = 2", (state,))
        database.close()
        found = (field(filled, "2", name) for name in ("failed (real time)", "failed before a replay"))
        since, before = ([one.partition(": ")[2] for one in every] for every in found)
        return since, before

    with sqlite3.connect(filled.folder / "gateway.db") as database:
        rows = [(2, 1798761600.25 + minute * 60, error) for minute, error in series]
        database.executemany("INSERT INTO failed_attempt (message, at, error) VALUES (?, ?, ?)", rows)
    database.close()
    assert shown("dead") == ([ends, "HTTP 503"], [ends, "HTTP 500"])
    assert shown("pending") == ([], [ends, "HTTP 503", ends, "HTTP 500"]), "put back, and not tried since"


def test_the_content_comes_byte_for_byte(filled: Installation) -> None:
    assert run("outbox", "show", "1", "--content", *filled.config).raw == CONTENT


@pytest.mark.parametrize(
    ("choice", "left_dead"), [(["2"], [3]), (["--recipient", OTHER_SUPPLIER], [2]), (["--all"], [])]
)
def test_dead_letters_are_put_back(filled: Installation, choice: list[object], left_dead: list[int]) -> None:
    """F18"""
    done("outbox", "replay", *choice, *filled.config)
    assert [number for number, _ in listed(filled, "--state", "dead")] == left_dead


def test_what_is_no_dead_letter_is_not_replayed(filled: Installation) -> None:
    assert "no such dead letter" in refused(1, "outbox", "replay", "1", *filled.config)
    assert "give one message's id" in refused(2, "outbox", "replay", *filled.config)
    assert "give one message's id" in refused(2, "outbox", "replay", "2", "--all", *filled.config)
