"""A delivery process for tests: `python -m tests.support.delivery_worker STORE-URL RECIPIENT=URL...`."""

from __future__ import annotations

import sys

from duis_gateway.machine.signals import ProcessSignals, Stop
from duis_gateway.outbox.dispatcher import Delivery, DeliverySettings
from duis_gateway.outbox.guard import parse_networks
from duis_gateway.outbox.lanes import LaneSettings
from duis_gateway.outbox.retry import RetryPolicy
from duis_gateway.outbox.senders import HttpSender
from duis_gateway.outbox.transport import HttpTransport, TransportSettings
from duis_gateway.store.engine import Store


def main(store_url: str, *recipients: str) -> int:
    """Deliver to these recipients until a signal comes."""
    stop = Stop(seconds=5.0)
    ProcessSignals(stop)
    urls = {int(eui): url for eui, _, url in (recipient.partition("=") for recipient in recipients)}
    store = Store.open(store_url)
    transport = HttpTransport(TransportSettings(total_timeout=0.5, allowed_networks=parse_networks(["127.0.0.0/8"])))
    delivery = Delivery(
        store,
        {"http": HttpSender(transport, urls.get)},
        RetryPolicy(base=0.02, cap=0.1),
        # A short lease, so that a test need not wait long for what a killed process held.
        DeliverySettings(LaneSettings(batch=10, lease=3.0), poll=0.05),
    )
    delivery.start()
    stop.wait()
    ended = delivery.stop(stop.deadline)
    store.close()
    return 0 if ended else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
