"""A whole installation for end-to-end tests: a gateway in a process of its own, and every party it deals with.

Business time is frozen, so that every date below is exact. A test takes a `Lot`: hubs of a device model that no other
test touches, owned in every way that makes a difference, so that one installation serves many tests.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path

from cryptography import x509
from sqlalchemy import delete

from duis_gateway import client
from duis_gateway.cli.common import moments_of
from duis_gateway.clock import FixedClock
from duis_gateway.config.sample import render_sample
from duis_gateway.config.settings import load_config
from duis_gateway.duis.identifiers import format_eui, parse_eui
from duis_gateway.outbox import view as outbox_view
from duis_gateway.parties import certificates
from duis_gateway.parties import store as parties
from duis_gateway.parties.certificate_records import RegisteredCertificate
from duis_gateway.parties.records import Party
from duis_gateway.parties.store import token_hash
from duis_gateway.pki.make import Authority, MadeCertificate, make_authority, make_certificate
from duis_gateway.pki.signing import read_certificate_file
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.inventory_file import load_csv
from duis_gateway.rollout.hubs.inventory_lines import HEADER
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import ReleaseState
from duis_gateway.store.engine import Store
from duis_gateway.store.tables import hub
from tests.support.actors import Actor, Delivery
from tests.support.databases import fresh_database, opened
from tests.support.gateway_process import GatewayProcess, wait_until
from tests.support.independent import Identity
from tests.support.lots import (
    CAST,
    GATEWAY,
    MANUFACTURER,
    REGIONS,
    RELEASED,
    RUNNING,
    Lot,
    Registration,
    inventory_rows,
    make_lot,
)

__all__ = [
    "CAST",
    "GATEWAY",
    "MANUFACTURER",
    "NOW",
    "REGIONS",
    "RELEASED",
    "RUNNING",
    "Actor",
    "Delivery",
    "GatewayProcess",
    "Installation",
    "Lot",
    "installed",
    "running",
    "wait_until",
]

NOW = datetime(2027, 3, 30, 9, 0, tzinfo=UTC)
"""Business time in every installation."""

LOTS_AT_ONCE = 40
_CROWD = 0x00DB_7000_0000_0000
_BEGIN, _END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2045, 1, 1, tzinfo=UTC)


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
        self.trust = client.Trust.certificate(self.signing.certificate_path, clock=FixedClock(NOW))
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
            me = client.Identity.load(made.key_path, made.certificate_path)
            actor = Actor(registration, self.identity(registration.eui, made), me, self.trust)
            self.actors[registration.name] = actor
            with store.write() as conn:
                parties.add(conn, _party(registration, actor.receiver.url))
                parties.set_token_hash(conn, parse_eui(actor.eui), token_hash(actor.token))
            self.register(made)
        self._load_lots()

    def _load_lots(self) -> None:
        """Load hubs for the next tests, as an operator loads an inventory while the gateway runs."""
        inventory = self.directory / "inventory.csv"
        with inventory.open("w", newline="", encoding="ascii") as file:
            rows = csv.writer(file)
            rows.writerow(HEADER)
            for number in range(self._loaded + 1, self._loaded + LOTS_AT_ONCE + 1):
                rows.writerows(inventory_rows(make_lot(number)))
        assert not load_csv(moments_of(load_config(self.config, {}), self.store), inventory).errors
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

    def end_releases(self) -> None:
        """Withdraw every release without a word: of each that is live every gateway thinks every second."""
        with self.store.write() as conn:
            for release in releases.live(conn):
                releases.set_state(conn, release.release_id, ReleaseState.WITHDRAWN, paused=False)

    def crowd(self, model: str, supplier: str, size: int) -> list[str]:
        """Give a supplier more hubs in the north than a lot has; `disperse` takes them away."""
        owner = parse_eui(self.actors[supplier].eui)
        crowd = [
            Hub(_CROWD + number, "CHF", MANUFACTURER, model, RUNNING, "Commissioned", "4G North", owner, owner)
            for number in range(size)
        ]
        with self.store.write() as conn:
            hubs.upsert(conn, crowd)
        return [format_eui(one.device_id) for one in crowd]

    def disperse(self) -> None:
        """Take the crowd away: whoever asks for a whole estate in a later test would get it too."""
        with self.store.write() as conn:
            conn.execute(delete(hub).where(hub.c.device_id.between(_CROWD, _CROWD + 10**6)))

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
        wait_until(lambda: set(self.outbox()) <= set(down), lambda: f"only {down} are waited for: {self.outbox()}")

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
