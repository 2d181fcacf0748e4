"""Delivery workers against real recipients: what arrives, in which order, and what happens on bad days."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest

from duis_gateway.errors import NotDurable
from duis_gateway.operations.pruning import Pruning
from duis_gateway.outbox import store as outbox
from duis_gateway.outbox import view as outbox_view
from duis_gateway.outbox.dispatcher import Delivery, DeliverySettings
from duis_gateway.outbox.guard import parse_networks
from duis_gateway.outbox.lanes import LaneSettings
from duis_gateway.outbox.observer import DeliveryObserver
from duis_gateway.outbox.retry import Dead, Decision, Failure, FailureKind, RetryPolicy
from duis_gateway.outbox.senders import HttpSender, Sender, Urls
from duis_gateway.outbox.store import ClaimedMessage, Destination, Result, Settlement
from duis_gateway.outbox.transport import HttpTransport, TransportSettings
from duis_gateway.store.engine import Store
from tests.support import receivers
from tests.support.outbox import HTTP, OTHER, SUPPLIER, enqueue, message, messages
from tests.support.receivers import Receiver
from tests.support.threads import without_threads

QUICK = RetryPolicy(base=0.02, cap=0.1, refused_attempts=3, max_attempts=10_000)


class Watcher(DeliveryObserver):
    """Lets a test wait for what it is told."""

    def __init__(self) -> None:
        self.outcomes: list[tuple[bytes, FailureKind | None]] = []
        self.decisions: list[Decision] = []
        self.breakers: list[tuple[Destination, bool]] = []
        self.expired = 0
        self.changed = threading.Condition()

    def attempted(self, message: ClaimedMessage, failure: Failure | None, seconds: float) -> None:
        with self.changed:
            self.outcomes.append((message.content, None if failure is None else failure.kind))
            self.changed.notify_all()

    def decided(self, message: ClaimedMessage, decision: Decision) -> None:
        with self.changed:
            self.decisions.append(decision)
            self.changed.notify_all()

    def breaker_changed(self, destination: Destination, is_open: bool) -> None:
        with self.changed:
            self.breakers.append((destination, is_open))
            self.changed.notify_all()

    def leases_expired(self, count: int) -> None:
        with self.changed:
            self.expired += count
            self.changed.notify_all()

    def wait_until(self, condition: Callable[[], bool], timeout: float = 30.0) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, timeout)


@contextmanager
def delivering(
    store: Store,
    urls: dict[int, str],
    *,
    policy: RetryPolicy = QUICK,
    total_timeout: float = 5.0,
    lanes: LaneSettings | None = None,
    poll: float = 0.05,
) -> Iterator[tuple[Delivery, Watcher]]:
    """A running delivery, stopped in the end."""
    transport = HttpTransport(
        TransportSettings(total_timeout=total_timeout, allowed_networks=parse_networks(["127.0.0.0/8"]))
    )
    watcher = Watcher()
    sender = HttpSender(transport, urls.get)
    settings = DeliverySettings(lanes or LaneSettings(), poll)
    delivery = Delivery(store, {"http": sender}, policy, settings, watcher)
    delivery.start()
    try:
        yield delivery, watcher
    finally:
        assert delivery.stop()


@contextmanager
def transporting(total_timeout: float = 5.0) -> Iterator[HttpTransport]:
    """A transport to this machine."""
    transport = HttpTransport(
        TransportSettings(total_timeout=total_timeout, allowed_networks=parse_networks(["127.0.0.0/8"]))
    )
    yield transport
    transport.close()


def open_messages(store: Store) -> dict[str, int]:
    with store.read() as conn:
        stats = outbox_view.stats(conn)
    return {
        "pending": sum(backlog.pending for backlog in stats.pending.values()),
        "in_flight": sum(stats.in_flight.values()),
        "dead": sum(stats.dead.values()),
    }


def test_everything_arrives_once_and_the_outbox_is_empty(store: Store) -> None:
    sent = [*messages(250), *messages(20, key="R1", prefix="k")]
    enqueue(store, *sent)
    with Receiver() as receiver, delivering(store, {SUPPLIER: receiver.url}):
        got = receiver.wait_for(270)
        assert receiver.busiest <= 4
    assert sorted(got) == sorted(m.content for m in sent)
    keyed = [content for content in got if content.startswith(b"<k")]
    assert keyed == sorted(keyed), "the order within a key"
    assert open_messages(store) == {"pending": 0, "in_flight": 0, "dead": 0}


def test_pruning_while_delivery_goes_on_loses_nothing(store: Store) -> None:
    """Bodies go as soon as they were delivered, here; none goes before."""
    sent = [*messages(250), *messages(20, key="R1", prefix="k")]
    now = datetime(2026, 3, 1, tzinfo=UTC)
    better = threading.Event()
    with Receiver(lambda body: "500" if body.endswith(b"7/>") and not better.is_set() else "200") as receiver:
        with delivering(store, {SUPPLIER: receiver.url}):
            pruned = 0
            for begin in range(0, len(sent), 30):
                enqueue(store, *sent[begin : begin + 30])
                pruned += Pruning(store, timedelta(0), now).run().delivered
            better.set()
            got = receiver.wait_for(270)
        pruned += Pruning(store, timedelta(0), now).run().delivered
    assert sorted(got) == sorted(m.content for m in sent), "each once, and whole"
    assert open_messages(store) == {"pending": 0, "in_flight": 0, "dead": 0}
    assert pruned == 270


def test_what_another_process_stores_is_found_and_a_wake_up_comes_at_once(store: Store) -> None:
    with Receiver() as receiver:
        with delivering(store, {SUPPLIER: receiver.url}):
            enqueue(store, message(b"polled"))
            receiver.wait_for(1)
        with delivering(store, {SUPPLIER: receiver.url}, poll=300) as (delivery, _):
            for number in range(2, 7):
                enqueue(store, message(b"woken"))
                delivery.wake()
                receiver.wait_for(number)


def test_messages_without_a_key_overtake_one_that_is_refused(store: Store) -> None:
    with Receiver(lambda body: "500" if body.startswith(b"<k") else "200") as receiver:
        enqueue(store, *messages(3, key="R1", prefix="k"), *messages(30))
        with delivering(store, {SUPPLIER: receiver.url}):
            receiver.wait_for(30)
            assert {a.body for a in receiver.arrivals if not a.accepted} <= {b"<k000000/>"}
            receiver.mode = receivers.OK
            assert receiver.wait_for(33)[30:] == [b"<k000000/>", b"<k000001/>", b"<k000002/>"]


@pytest.mark.parametrize(
    "mode", ["500", "429 Retry-After: 0", "503", receivers.DROP, receivers.RESET, receivers.GARBAGE]
)
def test_a_recipient_on_a_bad_day_gets_everything_later_in_order(store: Store, mode: str) -> None:
    """F13, F15, F30."""
    with Receiver(mode) as receiver:
        enqueue(store, *messages(10, key="R1"))
        with delivering(store, {SUPPLIER: receiver.url}):
            receiver.wait_for_arrivals(7)
            receiver.mode = receivers.OK
            got = receiver.wait_for(10)
    assert got == [m.content for m in messages(10)]


def test_a_recipient_that_is_down_gets_everything_once_it_is_back(store: Store) -> None:
    """F13, F19: nobody listens; then somebody does, on the same port."""
    with Receiver() as receiver:
        pass
    enqueue(store, *messages(15, key="R1", prefix="k"), *messages(100, prefix="f"))
    with delivering(store, {SUPPLIER: receiver.url}) as (delivery, watcher):
        watcher.wait_until(lambda: (HTTP, True) in watcher.breakers)
        assert delivery.down() == [HTTP]
        tried = len(watcher.outcomes)
        watcher.wait_until(lambda: len(watcher.outcomes) >= tried + 3)
        with Receiver(port=receiver.port) as back:
            got = back.wait_for(115)
            watcher.wait_until(lambda: (HTTP, False) in watcher.breakers)
    assert [c for c in got if c.startswith(b"<k")] == [m.content for m in messages(15, prefix="k")]
    assert sorted(c for c in got if c.startswith(b"<f")) == [m.content for m in messages(100, prefix="f")]


def test_a_recipient_that_is_down_is_only_probed(store: Store) -> None:
    """F13: with hundreds of messages waiting, one at a time is tried, with growing delays."""
    with Receiver("503") as receiver:
        enqueue(store, *messages(300))
        with delivering(store, {SUPPLIER: receiver.url}, policy=RetryPolicy(base=0.02, cap=300)) as (_, watcher):
            watcher.wait_until(lambda: (HTTP, True) in watcher.breakers)
            receiver.wait_for_arrivals(12)
        assert len(receiver.arrivals) < 40
    assert open_messages(store) == {"pending": 300, "in_flight": 0, "dead": 0}


@pytest.mark.parametrize("mode", [receivers.HANG, receivers.DRIP, "503", receivers.RESET])
def test_one_bad_recipient_slows_nobody_else(store: Store, mode: str) -> None:
    """F13, F14, F17: while every attempt at one is held or fails, the other gets all of its messages."""
    enqueue(store, *messages(50, recipient=OTHER), *messages(200))
    with Receiver(mode) as bad, Receiver() as good:
        with delivering(store, {OTHER: bad.url, SUPPLIER: good.url}, total_timeout=4.0):
            bad.wait_for_arrivals(1)
            good.wait_for(200)
            assert not bad.accepted
            assert bad.busiest <= 4
            bad.release.set()
        bad.release.set()


def test_a_poison_message_is_parked_and_the_queue_behind_it_moves(store: Store) -> None:
    """F15, F18: its own small budget; the cause is kept; replay sends it again."""
    with Receiver(lambda body: "422" if body == b"<000001/>" else "200") as receiver:
        enqueue(store, *messages(4, key="R1"))
        with delivering(store, {SUPPLIER: receiver.url}) as (delivery, _):
            assert receiver.wait_for(3) == [b"<000000/>", b"<000002/>", b"<000003/>"]
            assert sum(a.body == b"<000001/>" for a in receiver.arrivals) == QUICK.refused_attempts
            with store.read() as conn:
                dead = outbox_view.entries(conn, state="dead")
            assert [entry.last_error for entry in dead] == [
                "HTTP 422: this is 422 and [31mmore (given up after attempt 3)"
            ]
            receiver.mode = receivers.OK
            with store.write() as conn:
                outbox_view.replay(conn, message=dead[0].id)
            delivery.wake()
            assert receiver.wait_for(4)[3] == b"<000001/>"


def test_attempts_while_a_recipient_was_away_leave_a_message_its_budget_of_refusals(store: Store) -> None:
    """F15, F19: back again, it refuses until it is put right, once less than would make a dead letter."""
    answers = iter([receivers.RESET] * (QUICK.refused_attempts + 2) + ["404"] * (QUICK.refused_attempts - 1))
    enqueue(store, message(b"x"))
    with Receiver(lambda _: next(answers, receivers.OK)) as receiver, delivering(store, {SUPPLIER: receiver.url}):
        assert receiver.wait_for(1) == [b"x"]
        assert len(receiver.arrivals) == 2 * QUICK.refused_attempts + 2


@pytest.mark.parametrize("mode", ["404", "302 Location: /there"])
def test_an_answer_is_no_outage(store: Store, mode: str) -> None:
    """F15, F18: a recipient that refuses everything is not taken to be down, and what it refuses is parked promptly."""
    enqueue(store, *messages(60))
    policy = RetryPolicy(base=0.02, cap=300, refused_attempts=3)
    with Receiver(mode) as receiver, delivering(store, {SUPPLIER: receiver.url}, policy=policy) as (delivery, watcher):
        watcher.wait_until(lambda: sum(isinstance(one, Dead) for one in watcher.decisions) == 60)
        assert not watcher.breakers
        assert not delivery.down()
        assert len(receiver.arrivals) == 180
    assert open_messages(store) == {"pending": 0, "in_flight": 0, "dead": 60}


def test_an_unregistered_url_or_a_forbidden_one_is_only_a_delay(store: Store) -> None:
    """T61: at the time of sending; nothing is lost while an operator puts it right."""
    urls: dict[int, str] = {}
    enqueue(store, message(b"x"))
    with Receiver() as receiver, delivering(store, urls) as (_, watcher):
        watcher.wait_until(lambda: len(watcher.outcomes) >= 2)
        urls[SUPPLIER] = "http://10.0.0.1/"
        tried = len(watcher.outcomes)
        watcher.wait_until(lambda: len(watcher.outcomes) >= tried + 3)
        urls[SUPPLIER] = receiver.url
        watcher.wait_until(lambda: {kind for _, kind in watcher.outcomes} == {FailureKind.ADDRESS, None})
        assert receiver.accepted == [b"x"]


def test_work_of_a_worker_that_is_gone_comes_back(store: Store) -> None:
    """F04: its lease runs out."""
    enqueue(store, *messages(3))
    with store.write() as conn:
        outbox.claim(conn, HTTP, 10, 0.3, "gone")
    with Receiver() as receiver, delivering(store, {SUPPLIER: receiver.url}) as (_, watcher):
        assert sorted(receiver.wait_for(3)) == [m.content for m in messages(3)]
        assert watcher.expired == 3


def test_a_clock_that_was_put_back_delays_nothing_for_as_long_as_that(store: Store) -> None:
    """F23: what was tried, and what was held, while the database's clock stood a year ahead."""
    year = 31_536_000.0
    enqueue(store, *messages(3, key="R1"), *messages(2, prefix="o"))
    with store.write() as conn:
        first, *_ = outbox.claim(conn, HTTP, 1, 60.0, "tried")
        outbox.settle(conn, [Settlement(first.id, "tried", Result.RETRY, year, "down")])
        outbox.claim(conn, HTTP, 1, year, "held")
    with Receiver() as receiver, delivering(store, {SUPPLIER: receiver.url}):
        got = receiver.wait_for(5)
    assert [content for content in got if content.startswith(b"<0")] == [m.content for m in messages(3)]
    assert open_messages(store) == {"pending": 0, "in_flight": 0, "dead": 0}


@pytest.mark.parametrize("refused", ["delivery-lane", "deliver-"])
def test_a_machine_without_threads_stops_nothing_for_good(store: Store, refused: str) -> None:
    """F31: `ulimit -u` or a container's `pids.max` refuse a thread now and then: a lane, or who posts for it."""
    enqueue(store, *messages(20), *messages(5, key="R1", prefix="k"))
    with without_threads(refused, 3) as refusals, Receiver() as receiver, delivering(store, {SUPPLIER: receiver.url}):
        receiver.wait_for(25)
    assert len(refusals) == 3
    assert open_messages(store) == {"pending": 0, "in_flight": 0, "dead": 0}


class Hanging(HttpSender):
    """Does not come back from the first two attempts, for all that was promised, until `release` is set."""

    deadline = 0.1

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.left = iter(range(2))
        self.release = threading.Event()

    def send(self, message: ClaimedMessage) -> Failure | None:
        if next(self.left, None) is not None:
            self.release.wait()
        return super().send(message)


@pytest.mark.parametrize("in_flight", [1, 4])
def test_who_hangs_beyond_every_deadline_holds_nobody_up_for_longer_than_a_lease(store: Store, in_flight: int) -> None:
    """F24: nothing can end a thread that hangs, in a library for example; others take its place."""
    enqueue(store, *messages(20), *messages(5, key="R1", prefix="k"))
    with Receiver() as receiver, transporting() as transport:
        sender = Hanging(transport, {SUPPLIER: receiver.url}.get)
        lanes = LaneSettings(in_flight=in_flight, lease=0.5)
        delivery = Delivery(store, {"http": sender}, QUICK, DeliverySettings(lanes, 0.05))
        delivery.start()
        receiver.wait_for(25)
        sender.release.set()
        assert delivery.stop()
    assert open_messages(store) == {"pending": 0, "in_flight": 0, "dead": 0}


class Breaking(Watcher):
    """Has no memory left the first three times, after the message was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.left = iter(range(3))

    def attempted(self, message: ClaimedMessage, failure: Failure | None, seconds: float) -> None:
        super().attempted(message, failure, seconds)
        if next(self.left, None) is not None:
            raise MemoryError


def test_an_attempt_that_breaks_when_it_was_made_is_made_again(store: Store) -> None:
    """F31: nothing waits for a thread that is no more."""
    enqueue(store, *messages(20))
    with Receiver() as receiver, transporting() as transport:
        sender = HttpSender(transport, {SUPPLIER: receiver.url}.get)
        delivery = Delivery(store, {"http": sender}, QUICK, DeliverySettings(poll=0.05), Breaking())
        delivery.start()
        receiver.wait_for(23)
        assert delivery.stop()
    assert open_messages(store) == {"pending": 0, "in_flight": 0, "dead": 0}


def test_stopping_gives_every_lease_back(store: Store) -> None:
    """F24: with attempts under way that would take far longer."""
    enqueue(store, *messages(40))
    with Receiver(receivers.HANG) as receiver:
        with delivering(store, {SUPPLIER: receiver.url}, total_timeout=60.0) as (delivery, _):
            receiver.wait_for_arrivals(4)
            started = monotonic()
            assert delivery.stop(monotonic() + 5.0)
            assert monotonic() - started < 10
        assert open_messages(store) == {"pending": 40, "in_flight": 0, "dead": 0}
        with store.read() as conn:
            tried = [entry.attempts for entry in outbox_view.entries(conn) if entry.attempts]
    assert tried == [1, 1, 1, 1], "only what may have reached the recipient counts"


def test_stopping_lets_what_is_under_way_end(store: Store) -> None:
    """F24: an answer that comes in time is recorded, so that the recipient sees no repeat."""
    enqueue(store, message(b"x"))
    with Receiver(receivers.HANG) as receiver:
        receiver.mode = lambda _: "200" if receiver.release.wait(20) else "500"
        with delivering(store, {SUPPLIER: receiver.url}, total_timeout=30.0) as (delivery, _):
            receiver.wait_until(lambda: receiver.connections == 1)
            threading.Timer(0.3, receiver.release.set).start()
            assert delivery.stop()
    assert open_messages(store) == {"pending": 0, "in_flight": 0, "dead": 0}


def test_a_database_that_is_away_for_a_while_stops_nothing_for_good(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F07, F11: the workers wait and go on."""
    real, failures = outbox.claim, iter(range(3))

    def failing(*args: Any) -> list[ClaimedMessage]:
        if next(failures, None) is not None:
            raise NotDurable("away")
        return real(*args)

    monkeypatch.setattr(outbox, "claim", failing)
    enqueue(store, *messages(3))
    with Receiver() as receiver, delivering(store, {SUPPLIER: receiver.url}):
        receiver.wait_for(3)


def test_a_sender_that_breaks_is_logged_and_tried_again(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """F18: a defect of ours kills neither the worker nor the message."""

    class Broken:
        deadline = 1.0
        tries = 0
        done = threading.Event()

        def send(self, message: ClaimedMessage) -> Failure | None:
            self.tries += 1
            if self.tries < 3:
                raise KeyError(message.message_id)
            self.done.set()
            return None

        def abort(self) -> None:
            """Nothing goes on."""

        def close(self) -> None:
            """Nothing is open."""

    broken = Broken()
    sender: Sender = broken
    enqueue(store, message(b"x", channel="email"))
    delivery = Delivery(store, {"email": sender}, QUICK, DeliverySettings(poll=0.05))
    delivery.start()
    assert broken.done.wait(30)
    assert delivery.stop()
    assert "a sender failed" in caplog.text
    assert open_messages(store) == {"pending": 0, "in_flight": 0, "dead": 0}


def test_a_channel_without_a_sender_waits_and_blocks_nothing(store: Store) -> None:
    enqueue(store, message(b"mail", channel="email"), message(b"post"))
    with Receiver() as receiver, delivering(store, {SUPPLIER: receiver.url}) as (_, watcher):
        assert receiver.wait_for(1) == [b"post"]
        watcher.wait_until(lambda: len(watcher.decisions) == 1)
    assert open_messages(store)["pending"] == 1


def test_a_message_that_kills_its_sender_every_time_is_parked(store: Store) -> None:
    """F18: no outcome ever came, but the attempts were counted when it was claimed."""
    policy = RetryPolicy(base=0.02, max_attempts=3)
    enqueue(store, *messages(2, key="R1"))
    for _ in range(3):
        with store.write() as conn:
            assert outbox.claim(conn, HTTP, 10, 0.0, "crashed")
            outbox.recover_expired(conn, 3600.0)
    with Receiver() as receiver, delivering(store, {SUPPLIER: receiver.url}, policy=policy):
        assert receiver.wait_for(1) == [b"<000001/>"]
    with store.read() as conn:
        dead = outbox_view.entries(conn, state="dead")
    assert [entry.last_error for entry in dead] == ["its sender ended without an outcome (3 attempts)"]


def test_the_last_known_url_serves_while_the_database_is_away() -> None:
    """F11."""
    answers: list[dict[int, str | None]] = []

    def look_up() -> dict[int, str | None]:
        if not answers:
            raise NotDurable("away")
        return answers.pop()

    transport = HttpTransport(TransportSettings(allowed_networks=parse_networks(["127.0.0.0/8"])))
    sender = HttpSender(transport, Urls(look_up, remember=0.0))
    claimed = ClaimedMessage(1, SUPPLIER, "http", None, "N64", "m", b"x", "application/xml", 1, 0, "t", 0.0)
    with Receiver() as receiver:
        failure = sender.send(claimed)
        assert failure
        assert failure.kind is FailureKind.ADDRESS
        answers.append({SUPPLIER: receiver.url})
        assert [sender.send(claimed), sender.send(claimed)] == [None, None]
    transport.close()


def test_urls_are_looked_up_once_for_all_recipients_and_threads() -> None:
    """Each recipient's by itself, and by each of its threads, cost more than the posts' share of the database (F12)."""
    look_ups: list[int] = []

    def look_up() -> dict[int, str | None]:
        look_ups.append(1)
        return {recipient: f"http://{recipient}.test/" for recipient in range(200)}

    urls = Urls(look_up, remember=600.0)
    with ThreadPoolExecutor(20) as threads:
        found = list(threads.map(urls, range(201)))
    assert found == [*(f"http://{recipient}.test/" for recipient in range(200)), None]
    assert len(look_ups) == 1
