"""A hundred recipients of which one hangs: the others get theirs while it does (threats F13, F14, F17)."""

from __future__ import annotations

from collections import Counter
from threading import Event

from duis_gateway.outbox.dispatcher import Delivery, DeliverySettings
from duis_gateway.outbox.guard import parse_networks
from duis_gateway.outbox.lanes import LaneSettings
from duis_gateway.outbox.retry import RetryPolicy
from duis_gateway.outbox.senders import HttpSender
from duis_gateway.outbox.transport import HttpTransport, TransportSettings
from duis_gateway.store.engine import Store
from tests.support.outbox import SUPPLIER, enqueue, messages
from tests.support.receivers import HANG, OK, Receiver

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
