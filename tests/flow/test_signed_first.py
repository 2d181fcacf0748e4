"""Much to sign is signed while nobody waits for it, and what is sent is what the transaction decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from duis_gateway.app import open_trust
from duis_gateway.clock import SystemClock
from duis_gateway.config.settings import load_config
from duis_gateway.duis.alerts.prepare import MAX_SIGNED_OCTETS
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.envelope.parse import ShapeLimits
from duis_gateway.envelope.schema import Schema
from duis_gateway.flow import way
from duis_gateway.flow.incoming import Door, Incoming
from duis_gateway.flow.steps import SCHEMA_NAMES
from duis_gateway.flow.way import Flow
from duis_gateway.outbox.laying_in import reserve_counters
from duis_gateway.pki.signer import Signer
from duis_gateway.pki.signing import load_signing_key
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.store.engine import Store
from schemas import schema_path
from tests.support.fault_world import DCC, GATEWAY, LISTABLE, OLD_SUPPLIER, FaultWorld, fault_world, hub_id
from tests.support.ledger import Outgoing, Told, queued, read_told

NUMBERS = range(LISTABLE, LISTABLE + 6)


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[FaultWorld]:
    with fault_world(database_url, tmp_path) as world:
        yield world


@pytest.fixture
def flow(world: FaultWorld, monkeypatch: pytest.MonkeyPatch) -> Flow:
    monkeypatch.setattr(way, "MANY", 3)
    signer = Signer(GATEWAY, load_signing_key(world.signing_key, world.signing_key.with_suffix(".pem"))[0])
    trust = open_trust(load_config(world.config, {}), world.store)
    schemas = {name: Schema(schema_path(name)) for name in SCHEMA_NAMES}
    return Flow(world.store, trust, schemas, SystemClock(), ShapeLimits(), lambda: signer, MAX_SIGNED_OCTETS)


def handle(flow: Flow, message: Outgoing) -> bytes:
    return flow.handle(Incoming(Door.CSP, "messages", message.content, "test"))


def told(world: FaultWorld) -> Counter[Told]:
    """What lies in the outbox as XML; emails stand beside it."""
    return Counter(
        read_told(row.recipient, row.content)[1] for row in queued(world.store) if row.content.startswith(b"<")
    )


def test_nothing_is_signed_for_others_while_a_transaction_is_open(
    world: FaultWorld, flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten thousand signatures take seconds; on SQLite everybody waits that long for whoever writes."""
    signed_while_open: list[int] = []
    open_now = 0
    write, sign = Store.write, Signer.sign

    @contextmanager
    def watched(self: Store, **named: Any) -> Iterator[Connection]:
        nonlocal open_now
        with write(self, **named) as conn:
            open_now += 1
            try:
                yield conn
            finally:
                open_now -= 1

    def counted(self: Signer, content: bytes) -> bytes:
        signed_while_open.append(open_now)
        return sign(self, content)

    monkeypatch.setattr(Store, "write", watched)
    monkeypatch.setattr(Signer, "sign", counted)
    message = world.activations(NUMBERS)
    answer = handle(flow, message)
    assert Counter(signed_while_open) == {0: len(message.brings), 1: 1}, "the answer alone is signed in the transaction"
    assert told(world) == Counter(message.brings)
    assert handle(flow, message) == answer
    assert told(world) == Counter(message.brings)


def test_what_changed_while_it_was_signed_is_told_as_it_is(
    world: FaultWorld, flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hub that gets another supplier meanwhile: the one of now is told, and nobody else."""

    number = NUMBERS[0]

    def changed_meanwhile(conn: Connection, prepared: Any) -> Any:
        hub = Hub(hub_id(number), "CHF", "106C", "433100AC", "9001", "Commissioned", "North", OLD_SUPPLIER, None)
        hubs.upsert(conn, [hub])
        return reserve_counters(conn, prepared)

    monkeypatch.setattr(way, "reserve_counters", changed_meanwhile)
    message = world.activations(NUMBERS)
    handle(flow, message)
    device = format_eui(hub_id(number))
    others = [one for one in message.brings if one.devices != device or one.recipient == DCC]
    assert told(world) == Counter([*others, Told(OLD_SUPPLIER, "N999", device)])
    ids = [row.message_id for row in queued(world.store)]
    assert len(ids) == len(set(ids))
