"""A whole installation for end-to-end tests: a gateway in a process of its own, and every party it deals with.

Business time is frozen, so that every date below is exact. A test takes a `Lot`: hubs of a device model that no other
test touches, owned in every way that makes a difference, so that one installation serves many tests.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path

from cryptography import x509
from lxml import etree

from duis_gateway.config_sample import render_sample
from duis_gateway.model.certificates import RegisteredCertificate
from duis_gateway.model.hubs import Hub
from duis_gateway.model.identifiers import parse_eui
from duis_gateway.model.parties import Party, PartyKind, PartyStatus, Role
from duis_gateway.pki.make import Authority, MadeCertificate, make_authority, make_certificate
from duis_gateway.pki.signing import read_certificate_file
from duis_gateway.store import certificates, hubs, outbox_view, parties
from duis_gateway.store.engine import Store
from duis_gateway.store.inventory_file import HEADER, load_csv
from tests.support import wire_client
from tests.support.databases import fresh_database, opened
from tests.support.receivers import Receiver
from tests.support.wire_client import Client, Identity

NOW = datetime(2027, 3, 30, 9, 0, tzinfo=UTC)
"""Business time in every installation."""

GATEWAY = "90-B3-D5-1F-30-00-00-02"
REGIONS = {
    "north": ("North", "4G North"),
    "south": ("Central", "South", "4G Central", "4G South"),
}
RUNNING, RELEASED = "9001", "9002"
MANUFACTURER = "106C"
LOTS_AT_ONCE = 40
LONGEST_WAIT = 30.0
_BEGIN, _END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2045, 1, 1, tzinfo=UTC)
_TICK = threading.Event()


def wait_until(condition: Callable[[], bool], what: str, timeout: float = LONGEST_WAIT) -> None:
    """Wait for something that another process decides."""
    until = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < until, f"not within {timeout} s: {what}"
        _TICK.wait(0.02)


@dataclass(frozen=True)
class Registration:
    """One party of the installation: who it is and how it is registered."""

    name: str
    eui: str
    kind: PartyKind
    roles: frozenset[Role] = frozenset()
    version: str = "5.0"
    published_schema_only: bool = False
    status: PartyStatus = PartyStatus.ACTIVE


_BOTH = frozenset(Role)
CAST = (
    Registration("dcc", "90-B3-D5-1F-30-00-00-0A", PartyKind.DCC),
    Registration("north", "90-B3-D5-1F-30-00-00-07", PartyKind.CSP),
    Registration("south", "90-B3-D5-1F-30-00-00-08", PartyKind.CSP),
    Registration("main", "90-B3-D5-1F-30-01-00-00", PartyKind.SUPPLIER, _BOTH, "6.0"),
    Registration("gas", "90-B3-D5-1F-30-02-00-00", PartyKind.SUPPLIER, frozenset({Role.GAS_SUPPLIER}), "6.0"),
    Registration("on54", "90-B3-D5-1F-30-03-00-00", PartyKind.SUPPLIER, _BOTH, "5.4"),
    Registration("on50", "90-B3-D5-1F-30-04-00-00", PartyKind.SUPPLIER, _BOTH, "5.0"),
    Registration("published50", "90-B3-D5-1F-30-05-00-00", PartyKind.SUPPLIER, _BOTH, "5.0", published_schema_only=True),
    Registration("suspended", "90-B3-D5-1F-30-06-00-00", PartyKind.SUPPLIER, _BOTH, "6.0", status=PartyStatus.SUSPENDED),
    Registration("roleless", "90-B3-D5-1F-30-07-00-00", PartyKind.SUPPLIER, version="6.0"),
    # Its first octet is above 7F: it does not fit a signed 64-bit integer either, and owns nothing.
    Registration("idle", "FF-B3-D5-1F-30-08-00-00", PartyKind.SUPPLIER, _BOTH, "6.0"),
)
_SUPPLIERS = tuple(one for one in CAST if one.kind is PartyKind.SUPPLIER)

_ALL_REGIONS = ("North", "Central", "South", "4G North", "4G Central", "4G South")
_LOT: tuple[tuple[str, int, str | None, str | None], ...] = (
    # name of the group, how many, Import Supplier, Gas Supplier
    ("own", 12, "main", "main"),
    ("split", 6, "main", "gas"),
    ("on54", 2, "on54", "on54"),
    ("on50", 2, "on50", "on50"),
    ("published", 2, "published50", "published50"),
    ("mixed", 2, "on50", "main"),
    ("import_only", 1, "main", None),
    ("suspended", 1, "suspended", "suspended"),
    ("uncommissioned", 2, "main", "main"),
    ("updated", 1, "main", "main"),
    ("no_hub", 1, "main", "main"),
    ("marked", 4, "main", "main"),
    ("nobody", 1, None, None),
)


@dataclass(frozen=True)
class Lot:
    """Hubs of one device model for one test, by how they are owned; regions go round."""

    number: int
    regions: dict[str, str]
    groups: dict[str, tuple[str, ...]]
    owners: dict[str, tuple[str, ...]]

    @property
    def model(self) -> str:
        return f"LOT-{self.number}"

    @property
    def release(self) -> str:
        return f"REL-{self.number}"

    def __getitem__(self, group: str) -> tuple[str, ...]:
        return self.groups[group]

    def within(self, *regions: str, of: tuple[str, ...] | None = None) -> list[str]:
        """Return the hubs in these regions, in order."""
        return [hub for hub in (self.regions if of is None else of) if self.regions[hub] in regions]

    def of_csp(self, csp: str, of: tuple[str, ...]) -> list[str]:
        return self.within(*REGIONS[csp], of=of)

    def of_supplier(self, supplier: str, of: list[str]) -> list[str]:
        return [hub for hub in of if supplier in self.owners[hub]]


def make_lot(number: int) -> Lot:
    regions: dict[str, str] = {}
    groups: dict[str, tuple[str, ...]] = {}
    owners: dict[str, tuple[str, ...]] = {}
    serial = count()
    for name, size, importer, gas in _LOT:
        ids = []
        for _ in range(size):
            position = next(serial)
            hub = f"00-DB-12-34-{number >> 8:02X}-{number & 0xFF:02X}-00-{position:02X}"
            regions[hub] = _ALL_REGIONS[position % len(_ALL_REGIONS)]
            owners[hub] = tuple(dict.fromkeys(one for one in (importer, gas) if one))
            ids.append(hub)
        groups[name] = tuple(ids)
    return Lot(number, regions, groups, owners)


@dataclass(frozen=True)
class Delivery:
    """What the gateway delivered to a party: its kind (alert code or body element), proven, and its bytes."""

    kind: str
    root: etree._Element
    raw: bytes

    def text(self, name: str) -> str:
        return wire_client.only(self.root, name)

    def listed(self, name: str = "DeviceIDList") -> list[str]:
        return wire_client.listed(self.root, name)


@dataclass
class Actor:
    """A party at work: its identity, its client of the gateway, and the web server that it receives on."""

    registration: Registration
    identity: Identity
    gateway: x509.Certificate
    receiver: Receiver = field(default_factory=Receiver)
    url: str = ""
    _earlier: list[bytes] = field(default_factory=list)
    _seen: int = 0
    _is_down: bool = False

    @property
    def eui(self) -> str:
        return self.registration.eui

    @property
    def client(self) -> Client:
        return Client(self.url, self.identity, self.gateway)

    def take_down(self) -> None:
        """Be gone from the network: nothing listens any more."""
        self.receiver.close()
        self._earlier += self.receiver.accepted
        self._is_down = True

    def come_back(self) -> None:
        """Listen again, at the same address."""
        self.receiver = Receiver(port=self.receiver.port)
        self._is_down = False

    @property
    def bodies(self) -> list[bytes]:
        """Everything that was accepted, in the order of its coming."""
        return [*self._earlier, *([] if self._is_down else self.receiver.accepted)]

    def forget(self) -> None:
        """Let `received` begin here."""
        self._seen = len(self.bodies)

    def received(self, *kinds: str) -> list[Delivery]:
        """Return what has come since `forget`, of these kinds if any are named, each proven."""
        found = [self._delivery(raw) for raw in self.bodies[self._seen :]]
        return [one for one in found if not kinds or one.kind in kinds]

    def _delivery(self, raw: bytes) -> Delivery:
        root = wire_client.prove(raw, self.gateway)
        codes = wire_client.texts(root, "DCCAlertCode")
        return Delivery(codes[0] if codes else etree.QName(root[1][0]).localname, root, raw)


class GatewayProcess:
    """`python -m duis_gateway serve` as an operator runs it."""

    def __init__(self, config: Path, log: Path, **environment: str) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DUIS_GATEWAY_")}
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "duis_gateway", "serve", "--config", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=clean | environment | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
                text=True,
            )
        self._log = log
        self.url, self.operations_url = self._listening(), self._listening()

    def _listening(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("listening on "):
            self.kill()
            raise AssertionError(f"the gateway said {line!r}: {self._log.read_text(encoding='utf-8')[-3000:]}")
        return line.removeprefix("listening on ").strip()

    def stop(self) -> None:
        """Ask it to stop; it must do so in order."""
        self._process.terminate()
        assert self._process.wait(LONGEST_WAIT) == 0, self._log.read_text(encoding="utf-8")[-3000:]
        assert self._process.stdout is not None
        self._process.stdout.close()

    def kill(self) -> None:
        """End it without asking, whatever it does."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


class Installation:
    """The PKI, the configuration, the database, the gateway's process and the parties."""

    def __init__(self, directory: Path, database_url: str, settings: dict[tuple[str, str], object]) -> None:
        self.directory = directory
        self.database_url = database_url.replace(":@", "@")
        self.pki = directory / "pki"
        self.config = directory / "gateway.toml"
        self.log = directory / "gateway.log"
        (self.pki / "crls").mkdir(parents=True)
        self.authority: Authority = make_authority(self.pki, not_before=_BEGIN, not_after=_END)
        self.signing = self.certificate(GATEWAY, "89", "gateway")
        self.own = x509.load_pem_x509_certificate(self.signing.certificate_path.read_bytes())
        self.config.write_text(self._configuration(settings), encoding="utf-8")
        self.actors: dict[str, Actor] = {}
        self._lots = count(1)
        self._loaded = 0
        self._counters = count(1)
        self.store: Store

    def _configuration(self, settings: dict[tuple[str, str], object]) -> str:
        return render_sample(
            {
                ("server", "port"): 0,
                ("operations", "port"): 0,
                ("store", "url"): self.database_url,
                ("signing", "eui"): GATEWAY,
                ("signing", "key"): "pki/gateway.key",
                ("signing", "certificate"): "pki/gateway.pem",
                ("trust", "anchors"): "pki",
                ("trust", "crls"): "pki/crls",
                ("delivery", "allowed_networks"): ["127.0.0.0/8"],
                ("delivery", "poll"): 0.1,
                ("delivery", "backoff_base"): 0.1,
                ("delivery", "backoff_cap"): 0.3,
                ("clock", "fixed"): NOW.isoformat(),
                **settings,
            }
        )

    def certificate(
        self,
        eui: str,
        role: str,
        stem: str,
        *,
        authority: Authority | None = None,
        not_before: datetime = _BEGIN,
        not_after: datetime = _END,
    ) -> MadeCertificate:
        """Make a key and a certificate, valid for decades and issued by the installation's CA unless told otherwise."""
        issuer = authority or self.authority
        return make_certificate(
            issuer, parse_eui(eui), role, self.pki, stem=stem, not_before=not_before, not_after=not_after
        )

    def register(self, made: MadeCertificate, *, trusted: bool = False) -> RegisteredCertificate:
        """Register a certificate with the gateway for the party that it names."""
        read = read_certificate_file(made.certificate_path)
        new = RegisteredCertificate(read.eui, read.der, read.issuer_key, read.serial, trusted)
        with self.store.write() as conn:
            certificates.add(conn, new)
        return new

    def identity(self, eui: str, made: MadeCertificate) -> Identity:
        """Return who signs with this key."""
        return Identity.load(eui, made.key_path, made.certificate_path)

    @contextmanager
    def running(self, **environment: str) -> Iterator[GatewayProcess]:
        """A process of the gateway, stopped in the end; `self.actors` speak to the first that was started."""
        process = GatewayProcess(self.config, self.log, **environment)
        try:
            yield process
        except BaseException:
            process.kill()
            raise
        process.stop()

    def build(self, store: Store) -> None:
        """Make the parties and their web servers, register them, and load the inventory."""
        self.store = store
        for registration in CAST:
            made = self.certificate(registration.eui, "87", registration.name)
            actor = Actor(registration, self.identity(registration.eui, made), self.own)
            self.actors[registration.name] = actor
            with store.write() as conn:
                parties.add(conn, _party(registration, actor.receiver.url))
            self.register(made)
        self._load_lots()

    def _load_lots(self) -> None:
        """Load hubs for the next tests, as an operator loads an inventory while the gateway runs."""
        inventory = self.directory / "inventory.csv"
        with inventory.open("w", newline="", encoding="ascii") as file:
            rows = csv.writer(file)
            rows.writerow(HEADER)
            for number in range(self._loaded + 1, self._loaded + LOTS_AT_ONCE + 1):
                rows.writerows(_inventory_rows(make_lot(number)))
        assert not load_csv(self.store, inventory).errors
        self._loaded += LOTS_AT_ONCE

    def close(self) -> None:
        """Stop the parties' web servers."""
        for actor in self.actors.values():
            actor.receiver.close()

    def lot(self) -> Lot:
        """Return hubs that no test has seen; what was delivered so far is forgotten."""
        self.settle()
        for actor in self.actors.values():
            actor.forget()
        number = next(self._lots)
        if number > self._loaded:
            self._load_lots()
        return make_lot(number)

    def request_id(self, supplier: str, target: str = GATEWAY) -> str:
        """Return a RequestID that was never used."""
        return f"{self.actors[supplier].eui}:{target}:{next(self._counters)}"

    def message_id(self) -> str:
        """Return a MessageID that was never used."""
        return f"message-{next(self._counters)}"

    def outbox(self) -> Counter[str]:
        """Return how many messages wait or are on their way, by recipient's name, and dead letters as "dead"."""
        with self.store.read() as conn:
            stats = outbox_view.stats(conn)
        names = {parse_eui(one.eui): one.name for one in CAST}
        backlog = [(place, waiting.pending) for place, waiting in stats.pending.items()]
        left = Counter({"dead": sum(stats.dead.values())})
        for place, number in (*backlog, *stats.in_flight.items()):
            # There is no mail relay here: emails wait, and hold nothing up.
            left[names[place.recipient]] += number if place.channel == "http" else 0
        return +left

    def settle(self, *down: str) -> None:
        """Wait until nothing is left to deliver, but to the parties that are down."""
        wait_until(lambda: set(self.outbox()) <= set(down), f"the outbox is empty but for {down}: {self.outbox()}")

    def hub(self, device_id: str) -> Hub:
        """Return a hub as the inventory has it."""
        with self.store.read() as conn:
            found = hubs.get(conn, parse_eui(device_id))
        assert found is not None
        return found


def _party(registration: Registration, url: str) -> Party:
    return Party(
        eui=parse_eui(registration.eui),
        kind=registration.kind,
        url=url,
        status=registration.status,
        roles=registration.roles,
        duis_version=Decimal(registration.version),
        published_schema_only=registration.published_schema_only,
        regions=frozenset(REGIONS.get(registration.name, ())),
    )


def _inventory_rows(lot: Lot) -> Iterator[tuple[str, ...]]:
    euis = {one.name: one.eui for one in CAST}
    owned = {name: (importer, gas) for name, _, importer, gas in _LOT}
    for group, ids in lot.groups.items():
        importer, gas = owned[group]
        for hub in ids:
            yield (
                hub,
                "GPF" if group == "no_hub" else "CHF",
                MANUFACTURER,
                lot.model,
                RELEASED if group == "updated" else RUNNING,
                "InstalledNotCommissioned" if group == "uncommissioned" else "Commissioned",
                lot.regions[hub],
                euis[importer] if importer else "",
                euis[gas] if gas else "",
            )


@contextmanager
def installed(
    kind: str, directory: Path, settings: dict[tuple[str, str], object] | None = None
) -> Iterator[Installation]:
    """An installation on this kind of database, with no gateway running yet."""
    with fresh_database(kind, directory) as url:
        installation = Installation(directory, url, settings or {})
        with opened(installation.database_url) as store:
            try:
                installation.build(store)
                yield installation
            finally:
                installation.close()


@contextmanager
def running(
    kind: str, directory: Path, settings: dict[tuple[str, str], object] | None = None
) -> Iterator[Installation]:
    """An installation with its gateway running, to which every party speaks."""
    with installed(kind, directory, settings) as installation, installation.running() as process:
        for actor in installation.actors.values():
            actor.url = process.url
        yield installation
