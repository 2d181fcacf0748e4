"""What is stored and what the log says of it, on both databases: whoever changes one of them is found out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Connection, text

from duis_gateway.audit import recording
from duis_gateway.audit.records import newest_checkpoint
from duis_gateway.duis.identifiers import MessageId, RequestId
from duis_gateway.flow import evidence
from duis_gateway.operations import actions
from duis_gateway.operations.actions import OperatorAction
from duis_gateway.operations.pruning import Pruning
from duis_gateway.outbox import store as outbox
from duis_gateway.outbox.store import Result, Settlement
from duis_gateway.store.engine import Store
from tests.support.audit import findings, records_of, seal
from tests.support.estate import ALPHA, GAMMA, NOW
from tests.support.outbox import claim, enqueue, messages

pytestmark = pytest.mark.requirement("EX-16")

REQUEST = RequestId(ALPHA, GAMMA, 2**64 - 1)
MESSAGE = MessageId(ALPHA, "a/b: 1")


def receive(store: Store, identity: RequestId | MessageId = REQUEST, raw: bytes = b"<raw/>") -> None:
    with store.write() as conn:
        evidence.record(conn, identity, "xml", "SR11.5", "I0", NOW, b"d" * 32, raw, b"<answer/>")


def traffic(store: Store) -> list[str]:
    """One of everything; returns the identities of what was sent: delivered, failed and then delivered, waiting."""
    receive(store)
    receive(store, MESSAGE)
    enqueue(store, *messages(3))
    first, second, third = claim(store)
    with store.write() as conn:
        outbox.settle(conn, [Settlement(first.id, "a", Result.DELIVERED), failed(second.id), untried(third.id)])
    claim(store, token="b")
    with store.write() as conn:
        outbox.settle(conn, [Settlement(second.id, "b", Result.DELIVERED)])
        actions.record(conn, OperatorAction(NOW, "replay", "message 1", "127.0.0.1"))
    return [first.message_id, second.message_id, third.message_id]


def failed(number: int) -> Settlement:
    return Settlement(number, "a", Result.RETRY, 0.0, "HTTP 500: \u00fc\U0001f600", refused=True)


def untried(number: int) -> Settlement:
    return Settlement(number, "a", Result.UNTRIED)


def test_what_nobody_has_touched_is_whole_before_and_after_it_is_sealed(store: Store) -> None:
    traffic(store)
    assert findings(store) == []
    seal(store)
    assert findings(store) == []
    receive(store, RequestId(ALPHA, GAMMA, 7))
    assert findings(store) == []


TAMPERED: dict[str, tuple[str, str]] = {
    "UPDATE service_request_evidence SET raw = 'x'": ("Service Request", "stored with a different bytes as it came"),
    "UPDATE service_request_evidence SET answer = 'x'": ("Service Request", "stored with a different answer"),
    "UPDATE service_request SET outcome = 'E4'": ("Service Request", "stored with a different outcome"),
    "UPDATE service_request SET digest = 'x'": ("Service Request", "a different digest of what is signed"),
    "UPDATE service_request SET received_at = received_at + 1": ("Service Request", "stored with a different time"),
    "UPDATE service_request SET counter = 5": ("Service Request", "stored with a different identity"),
    "DELETE FROM partner_message_evidence": ("partner's message", "stored with a different answer"),
    "DELETE FROM partner_message": ("partner's message", "is no longer stored: it was removed"),
    "UPDATE partner_message SET kind = 'Ping'": ("partner's message", "stored with a different kind"),
    "UPDATE outbox SET content = 'x' WHERE id = 3": ("message sent", "stored with a different content"),
    "UPDATE outbox SET recipient = 5 WHERE id = 3": ("message sent", "stored with a different recipient"),
    "UPDATE outbox SET content = '' WHERE id = 3": ("", "its body is gone, and pruning has taken nothing at all"),
    "UPDATE service_request_evidence SET raw = ''": ("", "its body is gone, and pruning has taken nothing at all"),
    "UPDATE outbox SET delivered_at = delivered_at + 1 WHERE id = 1": ("entry", "but is stored differently"),
    "UPDATE outbox SET state = 'pending' WHERE id = 1": ("entry", "but is stored differently"),
    "UPDATE outbox SET state = 'delivered', delivered_at = 5 WHERE id = 3": ("message", "but no entry says so"),
    "DELETE FROM outbox WHERE id = 3": ("message sent", "is no longer stored: it was removed"),
    "UPDATE failed_attempt SET error = 'x'": ("the attempt of", "is stored with a different error"),
    "DELETE FROM failed_attempt": ("the attempt of", "is no longer stored"),
    "INSERT INTO failed_attempt (message, at, error) VALUES (3, 5, 'x')": ("1 failed", "that no entry mentions"),
    "INSERT INTO service_request (originator, target, counter, door, kind, outcome, received_at, digest) "
    "VALUES (1, 2, 3, 'xml', 'SR8.2', 'I0', 5, 'd')": ("Service Request", "no entry mentions it: it was inserted"),
    "UPDATE operator_action SET action = 'x'": ("operator's action", "stored with a different action"),
    "UPDATE audit_entry SET content = '[]' WHERE sequence = 2": ("entry 2", "one of them was changed"),
    "UPDATE audit_entry SET content = 'x' WHERE sequence = 2": ("entry 2", "not a list of what happened"),
    "UPDATE audit_entry SET sealed_at = 'x' WHERE sequence = 2": ("entry 2", "one of them was changed"),
    "DELETE FROM audit_entry WHERE sequence = 2": ("entry 3", "follows entry 1: entry 2 is missing"),
    "DELETE FROM audit_entry WHERE sequence = (SELECT max(sequence) FROM audit_entry)": (
        "the checkpoint",
        "what follows was removed",
    ),
    "UPDATE audit_checkpoint SET document = 'x'": ("the checkpoint", "XML"),
    "DELETE FROM audit_entry": ("Service Request", "no entry mentions it: it was inserted"),
}


@pytest.mark.parametrize("statement", TAMPERED)
def test_whoever_can_write_the_database_and_changes_it_is_found_out(store: Store, statement: str) -> None:
    """T70: a body, an answer, an identity, what became of a message; rows removed and inserted; the log itself."""
    traffic(store)
    seal(store)
    assert findings(store) == []
    with store.write() as conn:
        if not conn.dialect.name.startswith("sqlite"):
            statement = statement.replace("= ''", "= ''::bytea")
        else:
            conn.execute(text("PRAGMA defer_foreign_keys = ON"))
        conn.execute(text(statement))
    where, what = TAMPERED[statement.replace("::bytea", "")]
    found = findings(store)
    assert any(where in one and what in one for one in found), found


def test_what_no_gateway_writes_is_found_and_breaks_nothing(store: Store) -> None:
    """SQLite keeps any text in any column."""
    traffic(store)
    if store.is_sqlite:
        with store.write() as conn:
            conn.execute(text("UPDATE service_request SET received_at = 'x'"))
        found = findings(store)
        assert any("service_request holds what no gateway writes" in one for one in found), found


def test_two_entries_in_each_others_place_are_found(store: Store) -> None:
    traffic(store)
    seal(store)
    with store.write() as conn:
        for old, new in ((2, 900), (3, 2), (900, 3)):
            conn.execute(text(f"UPDATE audit_entry SET sequence = {new} WHERE sequence = {old}"))
    assert [one[:8] for one in findings(store) if "one of them was changed" in one] == [
        "entry 2:",
        "entry 3:",
        "entry 4:",
    ]


def test_who_replaces_everything_is_found_by_a_checkpoint_that_was_kept(store: Store) -> None:
    """T72: a whole database made anew, with another message in the place of one, passes but for that."""
    traffic(store)
    seal(store)
    with store.read() as conn:
        kept = newest_checkpoint(conn)
    assert kept is not None
    assert findings(store, [("kept", kept)]) == []
    with store.write() as conn:
        for table in ("audit_checkpoint", "audit_entry", "partner_message_evidence", "partner_message", "outbox"):
            conn.execute(text(f"DELETE FROM {table}"))
        for table in ("service_request_evidence", "service_request", "operator_action", "failed_attempt"):
            conn.execute(text(f"DELETE FROM {table}"))
    receive(store, raw=b"<forged/>")
    seal(store)
    assert findings(store) == []
    [found] = findings(store, [("kept", kept)])
    assert "what follows was removed, or this is an older state of the database" in found


def test_pruning_takes_bodies_and_leaves_the_chain_whole(store: Store) -> None:
    """Digests stay. What is not sealed yet is sealed first, so that nothing is pruned that the chain does not cover."""
    traffic(store)
    Pruning(store, timedelta(0), NOW + timedelta(days=1)).run()
    assert findings(store) == []
    with store.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM outbox WHERE length(content) = 0")).scalar_one() == 2
        assert conn.execute(text("SELECT max(length(raw)) FROM service_request_evidence")).scalar_one() == 0
    seal(store)
    assert findings(store) == []
    with store.write() as conn:
        late = conn.execute(text("UPDATE outbox SET content = '' WHERE state <> 'delivered'"))
        assert late.rowcount == 1
    [found] = findings(store)
    assert "its body is gone, and pruning has taken nothing of" in found


def _again(conn: Connection) -> None:
    conn.execute(text("INSERT INTO audit_waiting (content, recorded_at) SELECT content, 5 FROM audit_entry"))


def _unknown(conn: Connection) -> None:
    recording.record(conn, [{"x": 1}])


@pytest.mark.parametrize(("forge", "said"), [(_again, "again"), (_unknown, "does not know")])
def test_what_is_recorded_twice_or_means_nothing_is_found(
    store: Store, forge: Callable[[Connection], None], said: str
) -> None:
    traffic(store)
    seal(store)
    with store.write() as conn:
        forge(conn)
    assert any(said in one for one in findings(store))
    seal(store)
    assert any(said in one for one in findings(store))


def test_a_transaction_that_is_undone_is_in_no_entry(store: Store) -> None:
    with store.undone() as conn:
        evidence.record(conn, REQUEST, "xml", "SR11.5", "I0", NOW, b"d" * 32, b"<raw/>", b"<answer/>")
    receive(store, MESSAGE)
    seal(store)
    assert findings(store) == []
    assert len(records_of(store)) == 2  # one entry and its checkpoint
