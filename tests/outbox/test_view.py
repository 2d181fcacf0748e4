"""What an operator is shown of the outbox: failed attempts, what waits behind what, and a hub's messages."""

from __future__ import annotations

from dataclasses import replace

from duis_gateway.outbox import store as outbox
from duis_gateway.outbox import view
from duis_gateway.outbox.store import Result, Settlement
from duis_gateway.store.engine import Store
from tests.support.outbox import OTHER, SUPPLIER, claim, enqueue, message, messages


def fail(store: Store, error: str, result: Result = Result.RETRY) -> None:
    (claimed,) = claim(store, limit=1)
    with store.write() as conn:
        outbox.settle(conn, [Settlement(claimed.id, claimed.token, result, 0.0, error)])


def test_every_failed_attempt_is_kept_with_what_it_came_to(store: Store) -> None:
    enqueue(store, message())
    fail(store, "HTTP 500")
    fail(store, "", Result.UNTRIED)
    fail(store, "connection refused", Result.DEAD)
    with store.write() as conn:
        (entry,) = view.entries(conn)
        assert view.replay(conn, message=entry.id) == 1
        found = view.failed_attempts(conn, entry.id)
        (again,) = view.entries(conn)
    assert (entry.last_error, again.last_error) == ("connection refused", None), "why it was given up is past"
    assert [one.error for one in found] == ["connection refused", "HTTP 500"]
    assert found[0].at > found[1].at


def test_what_was_delivered_in_the_end_has_no_last_error(store: Store) -> None:
    enqueue(store, message(), message())
    for _ in range(2):
        fail(store, "HTTP 500")
    (claimed,) = claim(store, limit=1)
    with store.write() as conn:
        outbox.settle(conn, [Settlement(claimed.id, claimed.token, Result.DELIVERED)])
        listed = {one.id: (one.state, one.last_error) for one in view.entries(conn)}
        (found, _) = view.find(conn, claimed.id) or (None, None)
        failed = view.failed_attempts(conn, claimed.id)
    assert listed.pop(claimed.id) == ("delivered", None)
    assert list(listed.values()) == [("pending", "HTTP 500")]
    assert found is not None
    assert found.last_error is None
    assert [one.error for one in failed] == ["HTTP 500"], "and yet what failed before is told"


def test_an_outcome_that_comes_after_the_lease_is_no_attempt(store: Store) -> None:
    enqueue(store, message())
    (claimed,) = claim(store)
    with store.write() as conn:
        outbox.settle(conn, [Settlement(claimed.id, "another", Result.RETRY, 0.0, "late")])
        assert view.failed_attempts(conn, claimed.id) == []


def test_what_has_to_be_delivered_before_a_message_is_named(store: Store) -> None:
    enqueue(store, *messages(3, key="K"), message())
    with store.read() as conn:
        first, second, third, free = (entry.id for entry in view.entries(conn))
        assert [view.waits_behind(conn, one) for one in (first, second, third, free)] == [None, first, first, None]


def test_a_hub_s_messages_are_found_whatever_their_state_and_recipient(store: Store) -> None:
    hub = 0x00DB123456000001
    mine = [replace(message(recipient=recipient), device_id=hub) for recipient in (SUPPLIER, OTHER)]
    enqueue(store, *mine, message(), message(key="K"))
    fail(store, "no", Result.DEAD)
    with store.read() as conn:
        found = view.about_hub(conn, hub)
    assert [(one.recipient, one.state) for one in found] == [(OTHER, "pending"), (SUPPLIER, "dead")]


def test_what_is_undelivered_is_listed_page_by_page(store: Store) -> None:
    enqueue(store, *messages(3), *messages(2, recipient=OTHER))
    fail(store, "no", Result.DEAD)
    with store.read() as conn:
        dead = view.undelivered(conn, "dead")
        whole = [one.id for one in view.undelivered(conn, "pending")]
        pages = [view.undelivered(conn, "pending", skip=skip, limit=2) for skip in (0, 2, 4)]
        mine = view.undelivered(conn, "pending", SUPPLIER)
    assert [one.last_error for one in dead] == ["no"]
    assert [one.id for page in pages for one in page] == whole
    assert len(whole) == 4
    assert [one.recipient for one in mine] == [SUPPLIER, SUPPLIER]
