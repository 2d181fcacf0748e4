"""What the audit log costs: processor time of a message with it and without it, and of sealing and verifying.

    python -m benchmarks.audit [--messages 2000] [--kind sqlite|postgresql]

Messages of 1,500 octets: recorded as they come in, one a transaction; laid in the outbox and marked as delivered, 100
a transaction. With and without the log in short turns, on two databases, in one process; PostgreSQL's own processes are
not counted. The least turn of each counts.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from time import process_time
from unittest.mock import patch

from benchmarks.arguments import at_least
from duis_gateway.audit import recording
from duis_gateway.audit.messages import Messages
from duis_gateway.audit.records import stored
from duis_gateway.audit.sealing import seal_all
from duis_gateway.audit.verification import Verification
from duis_gateway.duis.identifiers import RequestId
from duis_gateway.flow import evidence
from duis_gateway.outbox import store as outbox
from duis_gateway.outbox.store import Result, Settlement
from duis_gateway.store.engine import Store
from tests.support.databases import fresh_database, opened
from tests.support.outbox import HTTP, message

BODY, ANSWER = os.urandom(1500), os.urandom(700)
AT_ONCE = 100
COUNTERS = count(1)


def come_in(store: Store, number: int) -> None:
    """Record so many messages, each in a transaction of its own."""
    for counter, _ in zip(COUNTERS, range(number), strict=False):
        with store.write() as conn:
            identity = RequestId(1, 2, counter)
            evidence.record(conn, identity, "xml", "SR8.2", "I0", datetime.now(UTC), b"d" * 32, BODY, ANSWER)


def go_out(store: Store, number: int) -> None:
    """Lay so many messages in the outbox, claim them and mark them as delivered."""
    for _ in range(0, number, AT_ONCE):
        with store.write() as conn:
            outbox.enqueue(conn, [message(BODY) for _ in range(AT_ONCE)])
        with store.write() as conn:
            claimed = outbox.claim(conn, HTTP, AT_ONCE, 60.0, "t")
        with store.write() as conn:
            outbox.settle(conn, [Settlement(one.id, "t", Result.DELIVERED) for one in claimed])


def micros(work: Callable[[], object], number: int) -> float:
    """Return the processor time of the work in microseconds for each of so many."""
    began = process_time()
    work()
    return (process_time() - began) / number * 1e6


def main() -> None:
    """Measure, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=at_least(1), default=2000)
    parser.add_argument("--kind", choices=("sqlite", "postgresql"), default="sqlite")
    asked = parser.parse_args()
    turns, number = max(1, asked.messages // AT_ONCE), AT_ONCE
    with (
        tempfile.TemporaryDirectory() as folder,
        fresh_database(asked.kind, Path(folder)) as url,
        fresh_database(asked.kind, Path(folder)) as other,
        opened(url) as store,
        opened(other) as without_log,
    ):
        for what, work in (("in", come_in), ("out, until delivered", go_out)):
            logged, bare, sealed = [], [], []
            for _ in range(turns):
                with patch.object(recording, "record", lambda _connection, _items: None):
                    bare.append(micros(partial(work, without_log, number), number))
                logged.append(micros(partial(work, store, number), number))
                sealed.append(micros(partial(seal_all, store), number))
            with_log, without = min(logged), min(bare)
            print(
                f"a message {what}: {without:.0f} us without, {with_log:.0f} us with ({with_log / without:.2f}), "
                f"{min(sealed):.0f} us to seal"
            )
        with store.read() as conn:
            messages = Messages(conn)
            verification = Verification(lambda _named: None, messages=messages)
            began = process_time()
            found = sum(1 for _ in verification.run(stored(conn)))
            seconds = process_time() - began
        print(f"verified: {messages.compared / seconds:,.0f} items a second, {found} findings")


if __name__ == "__main__":
    main()
