"""The demonstration's installation: PKI, configuration, database, and a process for every party."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from duis_gateway.client.http import Http
from duis_gateway.clock import read_clock, write_clock
from duis_gateway.config.sample import render_sample
from duis_gateway.config.settings import Config, load_config
from duis_gateway.duis.identifiers import format_eui, format_eui_plain
from duis_gateway.parties import certificates
from duis_gateway.parties import store as parties
from duis_gateway.parties.certificate_records import RegisteredCertificate
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.pki.make import make_authority, make_certificate
from duis_gateway.pki.signing import read_certificate_file
from duis_gateway.rollout.hubs.inventory_lines import HEADER
from duis_gateway.sandbox.demo import cast, mailbox
from duis_gateway.sandbox.demo.processes import DemoFailed, Processes, Starting
from duis_gateway.store.engine import Store
from duis_gateway.text.json_reader import read_json

GATEWAY_STEM = "gateway"
SENDER = "gateway@dcc.example"
ROLES = {PartyKind.SUPPLIER: "87", PartyKind.CSP: "06", PartyKind.DCC: "89"}


@dataclass
class World:
    """Where everything of the demonstration is, and how its parties are reached."""

    workdir: Path
    suppliers: list[cast.Supplier]
    hubs: int
    urls: dict[int, str] = field(default_factory=dict)
    operations: str = ""
    http: Http = field(default_factory=lambda: Http(120.0))

    @property
    def pki(self) -> Path:
        """The folder of keys and certificates."""
        return self.workdir / "pki"

    @property
    def config_file(self) -> Path:
        """The gateway's configuration."""
        return self.workdir / "gateway.toml"

    @property
    def wire(self) -> Path:
        """Where the parties record what goes over the wire, each in a folder of its own."""
        return self.workdir / "wire"

    @property
    def clock(self) -> Path:
        """The file that holds business time: the gateway's, the CSPs' and DCC's."""
        return self.workdir / "clock"

    def now(self) -> datetime:
        """Return business time."""
        return read_clock(self.clock)

    def put_clock(self, to: datetime) -> None:
        """Let business time go on to a moment, a day at a time."""
        now = self.now()
        while now < to:
            now = min(to, now + timedelta(days=1))
            write_clock(self.clock, now)

    @property
    def inventory(self) -> Path:
        """The inventory file."""
        return self.workdir / "inventory.csv"

    def config(self) -> Config:
        """Return the gateway's configuration as it reads it."""
        return load_config(self.config_file, os.environ)

    def build(self) -> None:
        """Make keys, certificates, the configuration and the inventory file."""
        (self.pki / "crls").mkdir(parents=True)
        write_clock(self.clock, datetime.now(UTC).replace(microsecond=0))
        authority = make_authority(self.pki)
        make_certificate(authority, cast.GATEWAY, ROLES[PartyKind.DCC], self.pki, stem=GATEWAY_STEM)
        for eui, kind in self._parties():
            make_certificate(authority, eui, ROLES[kind], self.pki, stem=format_eui_plain(eui))
        self._configure(relay=None)
        with self.inventory.open("w", newline="", encoding="ascii") as file:
            rows = csv.writer(file)
            rows.writerow(HEADER)
            rows.writerows(self._inventory_rows())

    def _parties(self) -> Iterable[tuple[int, PartyKind]]:
        yield cast.DCC, PartyKind.DCC
        for csp in cast.REGIONS:
            yield csp, PartyKind.CSP
        for supplier in self.suppliers:
            yield supplier.eui, PartyKind.SUPPLIER

    def _inventory_rows(self) -> Iterable[tuple[str, ...]]:
        for hub in cast.hubs(self.hubs, self.suppliers):
            assert hub.import_supplier is not None
            assert hub.gas_supplier is not None
            yield (
                format_eui(hub.device_id),
                hub.device_type,
                hub.manufacturer,
                hub.model,
                hub.firmware_version,
                hub.status,
                hub.csp_region,
                format_eui(hub.import_supplier),
                format_eui(hub.gas_supplier),
            )

    def _configure(self, relay: str | None) -> None:
        """Write the gateway's configuration; the relay's URL is known once it listens."""
        email: dict[tuple[str, str], object] = {("email", "sender"): SENDER}
        if relay is not None:
            parts = urlsplit(relay)
            email |= {("email", "host"): parts.hostname, ("email", "port"): parts.port}
        text = render_sample(
            {
                ("server", "port"): 0,
                ("operations", "port"): 0,
                ("store", "url"): "sqlite:///gateway.db",
                ("signing", "eui"): format_eui(cast.GATEWAY),
                ("signing", "key"): f"pki/{GATEWAY_STEM}.key",
                ("signing", "certificate"): f"pki/{GATEWAY_STEM}.pem",
                ("clock", "file"): "clock",
                ("trust", "anchors"): "pki",
                ("trust", "crls"): "pki/crls",
                ("delivery", "allowed_networks"): ["127.0.0.0/8", "::1/128"],
                ("delivery", "poll"): 0.2,
                **email,
            }
        )
        self.config_file.write_text(text, encoding="utf-8")

    def start(self, processes: Processes) -> None:
        """Start the mail relay, the gateway, then every other party with the gateway's URL; wait until all listen."""
        relay = ["--sender", format_eui(cast.GATEWAY), "--record", str(self.wire / "mailbox")]
        self._configure(processes.begin("mailbox", ["duis_gateway.sandbox.demo.mailbox", *relay]).urls()[0])
        gateway = processes.begin("gateway", ["duis_gateway", "serve", "--config", str(self.config_file)])
        self.urls[cast.GATEWAY], self.operations = gateway.urls(2)
        starting = {eui: self._begin(processes, eui, kind) for eui, kind in self._parties()}
        self.urls |= {eui: one.urls()[0] for eui, one in starting.items()}

    def _begin(self, processes: Processes, eui: int, kind: PartyKind) -> Starting:
        name = format_eui_plain(eui)
        arguments = [
            *("--key", str(self.pki / f"{name}.key")),
            *("--certificate", str(self.pki / f"{name}.pem")),
            *("--trust", str(self.pki / f"{GATEWAY_STEM}.pem")),
            *("--gateway", self.urls[cast.GATEWAY]),
            *("--listen", "127.0.0.1:0"),
            *("--record", str(self.wire / name)),
        ]
        if kind is PartyKind.SUPPLIER:
            return processes.begin(f"supplier-{name}", ["duis_gateway.sandbox.demo.adapter", *arguments])
        arguments += ["--clock-file", str(self.clock)]
        match kind:
            case PartyKind.DCC:
                return processes.begin("dcc", ["esi", *arguments])
        own = [
            "--hubs",
            str(self.inventory),
            "--auto",
            "--pilot-share",
            "0.2",
            "--regions",
            ",".join(cast.REGIONS[eui]),
        ]
        return processes.begin(f"csp-{name}", ["csp_mgmt_gw", *arguments, *own])

    def register(self, store: Store) -> None:
        """Register the parties with their certificates and the URLs that they listen on."""
        with store.write() as conn:
            for eui, kind in self._parties():
                parties.add(conn, self._party(eui, kind))
                own = read_certificate_file(self.pki / f"{format_eui_plain(eui)}.pem")
                certificates.add(conn, RegisteredCertificate(eui, own.der, own.issuer_key, own.serial))

    def _party(self, eui: int, kind: PartyKind) -> Party:
        if kind is not PartyKind.SUPPLIER:
            regions = frozenset(cast.REGIONS.get(eui, ()))
            return Party(eui, kind, self.urls[eui] + "/", mailbox.address_of(eui), regions=regions)
        supplier = next(one for one in self.suppliers if one.eui == eui)
        email = mailbox.address_of(eui)
        return Party(eui, kind, self.urls[eui] + "/", email, roles=supplier.roles, duis_version=supplier.duis_version)

    def send(self, party: int, content: bytes, **options: str) -> tuple[int, bytes]:
        """Let a party sign and send a request or message body; returns the gateway's HTTP status and answer."""
        path = "/adapter/v1/send" if any(one.eui == party for one in self.suppliers) else "/mock/v1/send"
        url = f"{self.urls[party]}{path}?{urlencode(options)}"
        answer = self.http.post(url, content, {"Content-Type": "application/xml"})
        return answer.status, answer.body

    def ask(self, party: int, path: str, content: object = None) -> Any:
        """Use a party's control path that speaks JSON."""
        url = self.urls[party] + path
        if content is None:
            answer = self.http.get(url)
        else:
            answer = self.http.post(url, json.dumps(content).encode(), {"Content-Type": "application/json"})
        if answer.status != 200:
            raise DemoFailed(f"{url} answered {answer.status}: {answer.body[:300]!r}")
        return read_json(answer.body)

    def recorded(self, party: int, kind: str) -> list[bytes]:
        """Return the messages of a kind that a party has sent or received, in their order on the wire."""
        folder = self.wire / format_eui_plain(party)
        return [path.read_bytes() for path in sorted(folder.glob(f"*-{kind}.xml"))]
