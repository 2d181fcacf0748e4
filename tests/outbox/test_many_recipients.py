"""A hundred recipients: one that hangs keeps nothing from the others (threats F13, F14, F17), nor all the doors out."""

from __future__ import annotations

from collections import Counter
from threading import Event
from time import sleep

from duis_gateway.outbox.dispatcher import Delivery, DeliverySettings
from duis_gateway.outbox.guard import parse_networks
from duis_gateway.outbox.lanes import LaneSettings
from duis_gateway.outbox.retry import RetryPolicy
from duis_gateway.outbox.senders import HttpSender
from duis_gateway.outbox.transport import HttpTransport, TransportSettings
from duis_gateway.store.engine import Store, StoreOptions
from tests.support.databases import opened, postgresql_database
from tests.support.outbox import SUPPLIER, enqueue, messages
from tests.support.receivers import HANG, OK, Receiver
from tests.support.writing import wait_until

QUICK = RetryPolicy(base=0.02, cap=0.1)
OTHERS = range(1, 100)
EACH, WAITING, AT_ONCE = 3, 50, 4


def test_the_other_ninety_nine_get_theirs_while_one_hangs(store: Store) -> None:
    """It hangs from before the others' messages come until all of them have arrived, however long that takes."""
    settings = TransportSettings(total_timeout=120.0, allowed_networks=parse_networks(["127.0.0.0/8"]))
    lanes = DeliverySettings(LaneSettings(in_flight=AT_ONCE, lease=600.0), poll=0.05)
    with Receiver(HANG) as hung, Receiver() as ready:
        urls = {SUPPLIER: hung.url} | {other: f"{ready.url}/{other}" for other in OTHERS}
        delivery = Delivery(store, {"http": HttpSender(HttpTransport(settings), urls.get)}, QUICK, lanes)
        delivery.start()
        try:
            enqueue(store, *messages(WAITING, prefix="hung-"))
            hung.wait_for_arrivals(AT_ONCE)
            enqueue(store, *(one for other in OTHERS for one in messages(EACH, recipient=other, key="R1")))
            ready.wait_for(EACH * len(OTHERS), 120.0)
            assert Counter(arrival.path for arrival in ready.arrivals) == Counter(
                {f"/receive/{other}": EACH for other in OTHERS}
            )
            assert len(hung.arrivals) == AT_ONCE, "no attempt on the one that hangs had ended"
            hung.mode, hanging, hung.release = OK, hung.release, Event()
            hanging.set()
            hung.wait_for(WAITING)
        finally:
            hung.release.set()
            assert delivery.stop()


def delivery_to(ready: Receiver, store: Store) -> Delivery:
    settings = TransportSettings(allowed_networks=parse_networks(["127.0.0.0/8"]))
    return Delivery(store, {"http": HttpSender(HttpTransport(settings), lambda _: ready.url)}, QUICK)


def test_delivery_to_a_hundred_leaves_the_database_to_the_doors() -> None:
    """The outbox is locked, so that whoever settles or claims waits: there are connections for everybody else."""
    few = StoreOptions(pool_size=5)
    with (
        postgresql_database() as url,
        opened(url) as aside,
        opened(url, few) as store,
        Receiver() as ready,
    ):
        enqueue(store, *(one for other in OTHERS for one in messages(EACH, recipient=other)))
        delivery = delivery_to(ready, store)
        try:
            with aside.write(alone=True) as locking:
                locking.exec_driver_sql("LOCK TABLE outbox IN EXCLUSIVE MODE")
                delivery.start()
                waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'outbox'::regclass AND NOT granted"
                wait_until(lambda: locking.exec_driver_sql(waiting).scalar_one() > 0)
                for _ in range(20):  # meanwhile all the lanes have begun
                    with store.write() as door:
                        assert door.exec_driver_sql("SELECT 1").scalar_one() == 1
                    sleep(0.05)
            ready.wait_for(EACH * len(OTHERS), 120.0)
        finally:
            assert delivery.stop()


def test_delivery_to_a_hundred_ends_while_the_outbox_is_locked(store: Store, database_url: str) -> None:
    """Who has nothing to settle does not wait for the others' turns."""
    with opened(database_url) as aside, Receiver() as ready:
        enqueue(store, *(one for other in OTHERS for one in messages(EACH, recipient=other)))
        delivery = delivery_to(ready, store)
        with aside.write(alone=True) as locking:
            if not store.is_sqlite:  # there is one writer to a file
                locking.exec_driver_sql("LOCK TABLE outbox IN EXCLUSIVE MODE")
            delivery.start()
            sleep(1.0)  # all the lanes have begun
            assert delivery.stop(), "every lane has ended in time"
        assert not ready.arrivals
