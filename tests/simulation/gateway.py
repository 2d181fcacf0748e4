"""A gateway in a simulation, with all that it does on its own, and the parties that keep at it until it answers."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path

from duis_gateway.audit.sealing import seal_all, sign_if_due
from duis_gateway.client import Gateway as Client
from duis_gateway.client import Identity, ServiceRequest
from duis_gateway.client import Trust as ClientTrust
from duis_gateway.client.answers import Answer
from duis_gateway.client.http import HttpAnswer
from duis_gateway.clock import Clock
from duis_gateway.envelope.parse import ShapeLimits
from duis_gateway.envelope.schema import Schema
from duis_gateway.errors import NotDurable
from duis_gateway.flow.incoming import Door, Incoming
from duis_gateway.flow.steps import SCHEMA_NAMES
from duis_gateway.flow.way import Flow
from duis_gateway.outbox.dispatcher import Delivery
from duis_gateway.outbox.retry import RetryPolicy
from duis_gateway.outbox.setbacks import Setbacks
from duis_gateway.parties import certificates
from duis_gateway.parties.certificate_records import RegisteredCertificate
from duis_gateway.partners.messages import PartnerBody
from duis_gateway.pki.make import make_authority, make_certificate
from duis_gateway.pki.signer import Signer
from duis_gateway.pki.trust import Trust
from duis_gateway.rollout.moments import Moments
from duis_gateway.rollout.scheduler import Agenda
from duis_gateway.store.engine import Store, StoreOptions
from schemas import schema_path
from tests.simulation.machine import Crash, Machine
from tests.simulation.network import Network
from tests.support.databases import fresh_database
from tests.support.rules import OURS, THEIRS
from tests.support.steering import DCC, GATEWAY, NORTH, SOUTH, Steering

ROLES = {GATEWAY: "89", DCC: "89", NORTH: "06", SOUTH: "06", OURS: "87", THEIRS: "87"}
_EARLY, _LATE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)
_DOORS = {"serviceD": Door.DUIS, "csp": Door.CSP, "esi": Door.ESI}
_LONGEST_SETBACK = 400.0
_TRIES = 200


@dataclass(frozen=True)
class Parties:
    """Keys and certificates, made once for all seeds, and a database that has them and nothing else."""

    folder: Path
    identities: dict[int, Identity]

    @property
    def template(self) -> Path:
        return self.folder / "template.db"


@cache
def parties() -> Parties:
    folder = Path(tempfile.mkdtemp(prefix="duis-simulation-"))
    (folder / "anchors").mkdir()
    authority = make_authority(folder, not_before=_EARLY, not_after=_LATE)
    shutil.copyfile(folder / "ca.pem", folder / "anchors" / "ca.pem")
    identities = {}
    for eui, role in ROLES.items():
        made = make_certificate(authority, eui, role, folder, not_before=_EARLY, not_after=_LATE)
        identities[eui] = Identity.load(made.key_path, made.certificate_path)
    made_parties = Parties(folder, identities)
    with fresh_database("sqlite", folder) as url:
        store = Store.open(url)
        Steering(store).build()
        with store.write() as conn:
            for eui, identity in identities.items():
                own = identity.certificate
                if eui != GATEWAY:
                    certificates.add(conn, RegisteredCertificate(eui, own.der, own.issuer_key, own.serial))
        store.close()
        Path(url.removeprefix("sqlite:///")).rename(made_parties.template)
    return made_parties


@cache
def _schemas() -> dict[str, Schema]:
    return {name: Schema(schema_path(name)) for name in SCHEMA_NAMES}


class SimulatedGateway:
    """One gateway on one machine: it goes down, comes up again, and goes on with what its database has."""

    def __init__(self, machine: Machine, network: Network, clock: Clock, everybody: Parties, folder: Path) -> None:
        self.machine, self.network, self._clock = machine, network, clock
        self._folder = folder
        self._numbers = count(1)
        self.parties = everybody
        self.answered: dict[bytes, tuple[Door, bytes]] = {}
        """The door and the answer of each document that got one."""
        self.came_up: Callable[[Store], None] = lambda _store: None
        """Is told of the store each time that the machine has come up again."""
        self.signer = Signer(GATEWAY, self.parties.identities[GATEWAY].key)
        believed = ClientTrust.certificate(self.parties.folder / f"{GATEWAY:016X}-89.pem", clock=clock)
        self.clients = {
            eui: Client("http://127.0.0.1:1", identity=identity, trust=believed, clock=clock, counter=count(1).__next__)
            for eui, identity in self.parties.identities.items()
            if eui != GATEWAY
        }
        for eui, client in self.clients.items():
            client.message_ids = _numbered(f"M-{eui & 0xFF:02X}")
        database = folder / "gateway-0.db"
        shutil.copyfile(self.parties.template, database)
        self._opens(database)

    def _opens(self, database: Path) -> None:
        self.store = Store.open(f"sqlite:///{database}", StoreOptions(group_seconds=0.0))
        self.machine.opened(self.store)
        with self.store.read() as conn:
            assert conn.exec_driver_sql("PRAGMA quick_check").scalar_one() == "ok"

        def find(issuer_key: str, serial: str) -> RegisteredCertificate | None:
            with self.store.read() as conn:
                return certificates.find(conn, issuer_key, int(serial))

        def signer() -> Signer:
            return self.signer

        self.flow = Flow(
            store=self.store,
            trust=Trust(self.parties.folder / "anchors", None, False, find),
            schemas=_schemas(),
            clock=self._clock,
            limits=ShapeLimits(),
            signer=signer,
            alert_bytes=95_000,
        )
        self.failures = 0
        self.agenda = Agenda(
            Moments(self.store, self._clock, signer, 95_000),
            failed=self._failed,
            setbacks=Setbacks(self.machine.monotonic),
        )
        senders = {"http": self.network, "email": self.network}
        self.delivery = Delivery(self.store, senders, RetryPolicy(refused_attempts=12))

    def _failed(self, what: str) -> None:
        self.failures += 1
        self.machine.note(f"the agenda could not do {what}")

    def comes_up(self) -> None:
        """The machine, which went down, comes up again."""
        self._opens(self.machine.comes_up(self._folder, next(self._numbers)))
        self.came_up(self.store)

    # --- what parties do -------------------------------------------------------------------------------------------

    def hears(self, party: int, body: ServiceRequest | PartnerBody) -> Answer:
        """Let a party send a message until it is answered; return the proven answer."""
        client = self.clients[party]
        prepared = client.prepare(body)
        self.machine.note(f"{prepared.kind} {prepared.id} is sent")
        answer = client.read(prepared, HttpAnswer(200, {}, self.answers(prepared.document, _DOORS[prepared.door])))
        self.machine.note(f"{prepared.id} is answered {answer.code} {answer.status}")
        return answer

    def answers(self, document: bytes, door: Door) -> bytes:
        """Send the same document again and again, until an answer has come to the sender; return it."""
        service_url = "serviceD" if door is Door.DUIS else "messages"
        for _ in range(_TRIES):
            self.machine.passes(self.machine.random.random())
            if self.network.loses():
                continue
            try:
                answer = self.flow.handle(Incoming(door, service_url, document, "simulation"))
            except Crash:
                self.comes_up()
                continue
            except NotDurable as error:
                self.machine.note(f"not now: {(error.reason or error.detail).rpartition(': ')[2]}")
                self.machine.turned_away()
                continue
            if self.network.loses():
                continue
            known = self.answered.setdefault(document, (door, answer))
            assert known == (door, answer), "another answer to the same message"
            return answer
        raise AssertionError("a message was never answered")

    # --- what the gateway does on its own ---------------------------------------------------------------------------

    def does_what_is_due(self) -> int:
        """Run the agenda until there is nothing left that is due; return how many things it did."""
        done = 0
        for _ in range(_TRIES):
            self.failures = 0
            try:
                did = self.agenda.run()
            except Crash:
                self.comes_up()
                continue
            done += did
            if self.failures:
                self.machine.passes(_LONGEST_SETBACK)
            elif not did:
                return done
        raise AssertionError("the agenda never came to an end")

    def delivers(self) -> None:
        """Look once for what is due in the outbox, and deliver it."""
        self._on_its_own(self.delivery._look, self.machine.works)

    def seals(self) -> None:
        """Seal what is recorded, and sign a checkpoint if that is due."""
        self._on_its_own(lambda: seal_all(self.store), lambda: sign_if_due(self.store, self.signer))

    def _on_its_own(self, *works: Callable[[], object]) -> None:
        try:
            for work in works:
                work()
        except Crash:
            self.comes_up()
        except NotDurable as error:
            self.machine.note(f"not now: {(error.reason or error.detail).rpartition(': ')[2]}")


def _numbered(prefix: str) -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"{prefix}-{next(numbers)}"
