"""What a supplier's page lists as not delivered: also what is tried again at this moment."""

from __future__ import annotations

import pytest

from duis_gateway.operations.console.waiting import why_waits
from duis_gateway.operations.supplier_pages.undelivered import Undelivered, undelivered_to
from duis_gateway.outbox import store as outbox
from duis_gateway.outbox import view as outbox_view
from duis_gateway.outbox.store import Result, Settlement
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.store.engine import Store
from tests.support.outbox import SUPPLIER, claim, enqueue, message

SLOW = "no answer within 10 s"


def listed(store: Store) -> list[Undelivered]:
    with store.read() as conn:
        return list(undelivered_to(conn, SUPPLIER, 10, relay=True))


@pytest.mark.requirement("BR-5.3")
def test_a_message_in_its_second_attempt_is_not_delivered(store: Store) -> None:
    """Before, the page said that everything had been delivered as long as an attempt to a slow server lasted."""
    with store.write() as conn:
        parties.add(conn, Party(SUPPLIER, PartyKind.SUPPLIER, "https://supplier.test/"))
    enqueue(store, message())
    (first,) = claim(store)
    assert listed(store) == [], "it is on its way"
    with store.write() as conn:
        outbox.settle(conn, [Settlement(first.id, first.token, Result.RETRY, 0.0, SLOW)])
    (again,) = claim(store, token="b")
    assert again.attempts == 2
    (one,) = listed(store)
    assert one.why.text == f"It is being delivered now, again: the last attempt failed: {SLOW}."
    with store.read() as conn:
        (entry,) = outbox_view.undelivered(conn, "in_flight", SUPPLIER)
        why = why_waits(conn, entry, relay=True)
    assert why is not None
    assert why.to_do.startswith("Its server at https://supplier.test/ does not answer in time: ask the party")
