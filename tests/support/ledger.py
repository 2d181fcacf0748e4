"""A client that keeps its own books, and the comparison of these with the database and with what receivers got.

The books know nothing of the gateway: what was sent under which identity, what was acknowledged, and what must
come of it. Nothing acknowledged may be lost, and nothing may happen twice (threats F01 to F05).
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import urllib3
from lxml import etree
from sqlalchemy import Connection, select

from duis_gateway.duis.identifiers import MessageId, RequestId
from duis_gateway.store.engine import Store
from duis_gateway.store.tables import (
    outbox,
    partner_message,
    partner_message_evidence,
    service_request,
    service_request_evidence,
)
from tests.support.audit import findings
from tests.support.processes import PATIENCE
from tests.support.receivers import Arrival, Receiver

_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Told:
    """One message that a party must get, and get once: its kind, and the hubs that it is about."""

    recipient: int
    kind: str
    devices: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to the gateway as it is sent, again and again, and what must come of it when it is accepted."""

    identity: str
    path: str
    content: bytes
    brings: tuple[Told, ...] = ()


@dataclass
class Ledger:
    """The client's books. `refused` counts answers other than 200 by identity and status, `broken` those that came not.

    Thread-safe.
    """

    sent: dict[str, Outgoing] = field(default_factory=dict)
    answers: dict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    refused: Counter[tuple[str, int]] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note_sent(self, message: Outgoing) -> None:
        """Enter a message before it goes out."""
        with self._lock:
            assert self.sent.setdefault(message.identity, message) == message

    def note_answer(self, message: Outgoing, status: int, answer: bytes) -> None:
        """Enter what the gateway said."""
        with self._lock:
            if status == 200:
                self.answers[message.identity].add(answer)
            else:
                self.refused[message.identity, status] += 1

    def note_broken(self, message: Outgoing) -> None:
        """Enter that no answer came."""
        with self._lock:
            self.broken[message.identity] += 1

    @property
    def acknowledged(self) -> frozenset[str]:
        """The identities of the messages that were answered."""
        with self._lock:
            return frozenset(self.answers)

    def expected(self) -> Counter[Told]:
        """Return what the receivers must have got, each once, for all that was acknowledged."""
        return Counter(told for identity in self.answers for told in self.sent[identity].brings)


class Client:
    """Sends messages and keeps the ledger. `url` says where the gateway is at that moment.

    `patience`: seconds in which each message has to be answered, however often it is sent.
    """

    def __init__(self, ledger: Ledger, url: Callable[[], str], patience: float = PATIENCE) -> None:
        self.ledger = ledger
        self._patience = patience
        self._url = url
        self._http = urllib3.PoolManager(maxsize=8, retries=False, timeout=PATIENCE)
        self._over = threading.Event()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._http.clear()

    def try_once(self, message: Outgoing) -> tuple[int, Mapping[str, str], bytes] | None:
        """Send a message once; return status, headers and answer, or None where the connection broke."""
        self.ledger.note_sent(message)
        try:
            answer = self._http.request(
                "POST", self._url() + message.path, body=message.content, headers={"Content-Type": "application/xml"}
            )
        except urllib3.exceptions.HTTPError:
            self.ledger.note_broken(message)
            return None
        self.ledger.note_answer(message, answer.status, answer.data)
        return answer.status, dict(answer.headers), answer.data

    def send(self, message: Outgoing) -> bytes:
        """Send the same bytes until they are answered with 200; return the answer."""
        until = time.monotonic() + self._patience
        while time.monotonic() < until:
            answered = self.try_once(message)
            if answered is not None and answered[0] == 200:
                return answered[2]
            assert answered is None or answered[0] == 503, answered
            self._over.wait(_PAUSE)
        raise AssertionError(f"{message.identity} was not answered in {self._patience} s")

    def send_all(self, messages: Iterable[Outgoing], threads: int = 4) -> None:
        """Send messages at the same time, each until it is answered."""
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(self.send, messages):
                pass


def stored_identities(store: Store) -> frozenset[str]:
    """Return the identities of the messages that the database has taken in."""
    with store.read() as conn:
        return frozenset(_stored(conn))


def _stored(conn: Connection) -> dict[str, tuple[bytes, bytes]]:
    """Return what came in and what was answered, by identity."""
    request, request_evidence = service_request.c, service_request_evidence.c
    partner, partner_evidence = partner_message.c, partner_message_evidence.c
    requests = select(
        request.originator, request.target, request.counter, request_evidence.raw, request_evidence.answer
    ).where(request_evidence.message == request.id)
    messages = select(partner.sender, partner.message_id, partner_evidence.raw, partner_evidence.answer).where(
        partner_evidence.message == partner.id
    )
    return {
        **{str(RequestId(*row[:3])): (row[3], row[4]) for row in conn.execute(requests)},
        **{str(MessageId(*row[:2])): (row[2], row[3]) for row in conn.execute(messages)},
    }


@dataclass(frozen=True, slots=True)
class Queued:
    """One row of the outbox."""

    recipient: int
    message_id: str
    content: bytes
    order_key: str | None
    state: str
    attempts: int


def queued(store: Store) -> list[Queued]:
    """Return the outbox in the order of its rows."""
    columns = [outbox.c[name] for name in Queued.__slots__]
    with store.read() as conn:
        return [Queued(*row) for row in conn.execute(select(*columns).order_by(outbox.c.id))]


def read_told(recipient: int, body: bytes) -> tuple[str, Told]:
    """Return a received message's id, and what it tells."""
    root = etree.fromstring(body)
    texts = {etree.QName(element).localname: element.text or "" for element in reversed(list(root.iter("{*}*")))}
    devices = texts.get("DeviceIDList", texts.get("DeviceID", ""))
    if "ResponseID" in texts:
        return texts["ResponseID"], Told(recipient, texts["DCCAlertCode"], devices)
    return texts["MessageID"], Told(recipient, etree.QName(root[1][0]).localname, devices)


def compare(
    ledger: Ledger,
    store: Store,
    receivers: Mapping[int, Receiver],
    most_sends: int = 1,
    out_of_turn: Collection[str] = (),
) -> None:
    """Compare the client's ledger with the database, and both with what the receivers accepted.

    Args:
        ledger: of a client all of whose messages were answered.
        store: the database, after everything was delivered.
        receivers: by their EUI.
        most_sends: how often one message may have been sent at most: once, and once more for each kill.
        out_of_turn: the ids of messages that need not have come in their order (dead letters replayed).
    """
    with store.read() as conn:
        stored = _stored(conn)
    assert set(stored) == set(ledger.sent) == ledger.acknowledged
    for identity, (raw, answer) in stored.items():
        assert raw == ledger.sent[identity].content
        assert ledger.answers[identity] == {answer}, f"{identity} was answered in two ways"
    assert findings(store, signatures=False) == []  # the audit log says the same
    rows = queued(store)
    assert {row.state for row in rows} == {"delivered"}
    got = {eui: [arrival for arrival in receiver.arrivals if arrival.accepted] for eui, receiver in receivers.items()}
    _compare_outbox(rows, got, most_sends, out_of_turn)
    told = Counter(
        told
        for eui, arrivals in got.items()
        for told in dict(read_told(eui, one.body) for one in arrivals if not _of_the_plan(one.body)).values()
    )
    expected = ledger.expected()
    assert told == expected, f"told as well: {told - expected}; not told: {expected - told}"


def _of_the_plan(body: bytes) -> bool:
    """What is told of the plan hangs on what came before, and has its own model (tests/rollout/plans)."""
    return any(mark in body for mark in (b"DCCAlertCode>N77<", b"PlannedDeployment", b"PlanDeviation"))


def _compare_outbox(
    rows: Sequence[Queued], got: Mapping[int, Sequence[Arrival]], most_sends: int, out_of_turn: Collection[str]
) -> None:
    contents = {row.message_id: row.content for row in rows}
    sends: Counter[str] = Counter()
    for eui, arrivals in got.items():
        order: dict[str, None] = {}
        for arrival in arrivals:
            message_id, _ = read_told(eui, arrival.body)
            assert contents.get(message_id) == arrival.body, f"{message_id} came with bytes that are not the stored"
            sends[message_id] += 1
            order[message_id] = None
        in_turn = [row for row in rows if row.recipient == eui and row.order_key and row.message_id not in out_of_turn]
        for key in {row.order_key for row in in_turn}:
            ordered = [row.message_id for row in in_turn if row.order_key == key]
            assert [one for one in order if one in set(ordered)] == ordered, "out of order"
    assert set(sends) == set(contents), "lost"
    assert max(sends.values(), default=0) <= most_sends, sends.most_common(3)
    assert all(row.attempts >= sends[row.message_id] for row in rows), "sent without an attempt counted"
