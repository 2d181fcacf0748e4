"""A small installation on a real database for fault tests: a gateway to start, two suppliers, a CSP and DCC.

The parties' receivers run in the test's own process, so that they outlive every gateway.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

from sqlalchemy import update

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.config.sample import render_sample
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.duis.times import format_date_time
from duis_gateway.envelope.signature import SigningKey, sign, sign_canonical
from duis_gateway.parties import certificates
from duis_gateway.parties import store as parties
from duis_gateway.parties.certificate_records import RegisteredCertificate
from duis_gateway.parties.records import Party, PartyKind, Role
from duis_gateway.partners.messages import PartnerBody
from duis_gateway.pki.make import MadeCertificate, make_authority, make_certificate
from duis_gateway.pki.signing import load_signing_key, read_certificate_file
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.inventory_lines import HEADER
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.releases.records import Period, PilotTerms, ReleaseType
from duis_gateway.rollout.rollout_decisions.records import RolloutAction, Standing
from duis_gateway.store.engine import Store
from duis_gateway.store.tables import outbox
from tests.support.databases import opened
from tests.support.duis import request_xml
from tests.support.ledger import Client, Ledger, Outgoing, Told, queued
from tests.support.processes import PATIENCE, ROOT, GatewayProcess
from tests.support.receivers import Receiver
from tests.support.writing import wait_until

GATEWAY = 0x90B3D51F30000002
DCC = 0x90B3D51F3000000A
CSP = 0x90B3D51F30000007
SUPPLIER = 0x90B3D51F30010000
OLD_SUPPLIER = 0x90B3D51F30020000
RELEASE = "SEC-1"
FIRST_HUB = 0x00DB123456000000
RUNNING, RELEASED = "9001", "9002"
LISTABLE = 100
"""The first hubs are for pilot lists; the others are activated."""

SUPPLIER_DOOR, CSP_DOOR, ESI_DOOR = "/api/v1/serviceD", "/csp-mgmt-gw/v1/messages", "/esi/v1/messages"
_ROLES = {PartyKind.SUPPLIER: "87", PartyKind.CSP: "06", PartyKind.DCC: "89"}
_KINDS = {SUPPLIER: PartyKind.SUPPLIER, OLD_SUPPLIER: PartyKind.SUPPLIER, CSP: PartyKind.CSP, DCC: PartyKind.DCC}
_QUICK = {
    ("delivery", "allowed_networks"): ["127.0.0.0/8"],
    ("delivery", "poll"): 0.05,
    ("delivery", "total_timeout"): 30.0,
    ("delivery", "backoff_base"): 0.05,
    ("delivery", "backoff_cap"): 0.5,
    ("delivery", "refused_attempts"): 3,
    ("log", "level"): "warning",
}


def hub_id(number: int) -> int:
    """Return the id of a hub: the first belong to the supplier alone, every second of the others to both."""
    return FIRST_HUB + number


def _hub(number: int) -> Hub:
    gas = OLD_SUPPLIER if number >= LISTABLE and number % 2 else SUPPLIER
    return Hub(hub_id(number), "CHF", "106C", "433100AC", RUNNING, "Commissioned", "North", SUPPLIER, gas)


@dataclass
class FaultWorld:
    """Where everything is, and what its parties send; `code` is the version that is started from now on."""

    folder: Path
    store: Store
    receivers: dict[int, Receiver]
    keys: Mapping[int, SigningKey]
    ledger: Ledger = field(default_factory=Ledger)
    code: Path = ROOT
    _counters: count[int] = field(default_factory=lambda: count(1))
    _now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "gateway.toml"

    @property
    def signing_key(self) -> Path:
        """The gateway's own private key."""
        return self.folder / "pki" / f"{format_eui(GATEWAY)}.key"

    # --- processes ------------------------------------------------------------------------------------------------

    def serve(self, failpoint: str | None = None, *, delivery: bool = True, **settings: object) -> GatewayProcess:
        """Start a gateway; `settings` are the names of environment variables without their common prefix."""
        words = ("serve",) if delivery else ("serve", "--no-delivery")
        return GatewayProcess(words, self.config, failpoint, _named(settings), self.code)

    def take_in(self, failpoint: str | None = None) -> GatewayProcess:
        """Start a gateway that delivers nothing."""
        return self.serve(failpoint, delivery=False)

    def deliver(self, failpoint: str | None = None, **settings: object) -> GatewayProcess:
        """Start a delivery process."""
        return GatewayProcess(("deliver",), self.config, failpoint, _named(settings), self.code)

    def run(self, *words: str) -> str:
        """Run another command to its end, which must be a good one, and return what it says."""
        return run_command(self.code, self.config, *words)

    def client(self, gateway: GatewayProcess) -> Client:
        """Return a client of one gateway process that keeps the world's ledger."""
        return Client(self.ledger, lambda: gateway.url)

    def expire_leases(self) -> None:
        """Let the time pass that the leases of a dead process have left."""
        with self.store.write() as conn:
            conn.execute(update(outbox).where(outbox.c.state == "in_flight").values(lease_until=0.0))

    def wait_until_delivered(self, seconds: float = PATIENCE) -> None:
        """Wait until the outbox has nothing left to do."""
        wait_until(lambda: not any(row.state in ("pending", "in_flight") for row in queued(self.store)), seconds)

    def outbox_states(self) -> Counter[str]:
        """Return how many messages are in each state."""
        return Counter(row.state for row in queued(self.store))

    # --- receivers --------------------------------------------------------------------------------------------------

    def receivers_have(self, count: int) -> None:
        """Wait until the receivers have accepted so many messages in all."""
        wait_until(lambda: sum(len(one.accepted) for one in self.receivers.values()) >= count, PATIENCE)

    def all_receivers_down(self) -> None:
        """Let nothing listen where the parties are registered."""
        for receiver in self.receivers.values():
            receiver.close()

    def all_receivers_back(self) -> None:
        """Listen again, at the same addresses."""
        for eui, receiver in self.receivers.items():
            self.receivers[eui] = Receiver(port=receiver.port)

    def wait_for_attempts(self) -> None:
        """Wait until everybody to whom something goes has been tried in vain, several times."""

        def tried() -> bool:
            attempts: Counter[int] = Counter()
            for row in queued(self.store):
                attempts[row.recipient] += row.attempts
            return min(attempts.values()) >= 3

        wait_until(tried, PATIENCE)

    # --- what the parties send --------------------------------------------------------------------------------------

    def release_notice(self, limit: int = LISTABLE) -> Outgoing:
        """DCC announces the release, for a pilot of so many hubs of one supplier."""
        pilot = PilotTerms(Period(self._now - timedelta(minutes=1), self._now + timedelta(days=60)), limit)
        body = esi.FirmwareRelease(
            release_id=RELEASE,
            revision=1,
            release_type=ReleaseType.SEC_RELEASE,
            manufacturer="106C",
            model="433100AC",
            firmware_version=RELEASED,
            release_note="https://releases.example/SEC-1",
            severity="High",
            priority="2",
            pilot=pilot,
        )
        return self._from_partner(DCC, ESI_DOOR, body, Told(CSP, "FirmwareReleaseNotice"))

    def approval(self) -> Outgoing:
        """DCC approves the release: its pilot begins at once."""
        return self._from_partner(DCC, ESI_DOOR, esi.ReleaseApproval(RELEASE, self._now))

    def decision(self, action: RolloutAction) -> Outgoing:
        """DCC decides on the roll-out."""
        body = esi.RolloutDecision(RELEASE, action, "capacity", Standing.CONFIRMED, "SEC Panel")
        return self._from_partner(DCC, ESI_DOOR, body)

    def launch_group(self, name: str, numbers: Iterable[int]) -> Outgoing:
        """The supplier instructs hubs for a week after the pilot."""
        devices = ",".join(format_eui(hub_id(number)) for number in numbers)
        start, end = (format_date_time(self._now + timedelta(days=days)) for days in (70, 77))
        group = (
            f"<sr:GroupID>{name}</sr:GroupID><sr:Stage>SafeLaunch</sr:Stage><sr:DeviceIDList>{devices}</sr:DeviceIDList>"
            f"<sr:EarliestStart>{start}</sr:EarliestStart><sr:LatestEnd>{end}</sr:LatestEnd>"
        )
        body = (
            f"<sr:PreferredPilotSchedule><sr:FirmwareReleaseID>{RELEASE}</sr:FirmwareReleaseID><sr:FirmwareVersion>"
            f"{RELEASED}</sr:FirmwareVersion><sr:DeploymentGroup>{group}</sr:DeploymentGroup></sr:PreferredPilotSchedule>"
        )
        return self._from_supplier(body, "11.6")

    def pilot_list(self, hub_count: int) -> Outgoing:
        """The supplier prefers the first hubs; CSP and DCC are told."""
        numbers = range(hub_count)
        return self.pilot_list_of(numbers, numbers)

    def pilot_list_of(self, numbers: Iterable[int], good: Iterable[int]) -> Outgoing:
        """The supplier prefers hubs; CSP and DCC are told of the good ones."""
        devices, accepted = (",".join(format_eui(hub_id(number)) for number in some) for some in (numbers, good))
        body = (
            f"<sr:PreferredPilotList><sr:FirmwareReleaseID>{RELEASE}</sr:FirmwareReleaseID><sr:FirmwareVersion>"
            f"{RELEASED}</sr:FirmwareVersion><sr:DeviceIDList>{devices}</sr:DeviceIDList></sr:PreferredPilotList>"
        )
        told = Told(CSP, "PreferredPilotList", accepted), Told(DCC, "PreferredPilotListReport", accepted)
        return self._from_supplier(body, "11.5", *told)

    def read_inventory(self, number: int = 0) -> Outgoing:
        """The supplier looks at a hub."""
        body = f"<sr:ReadInventory><sr:DeviceID>{format_eui(hub_id(number))}</sr:DeviceID></sr:ReadInventory>"
        return self._from_supplier(body, "8.2")

    def activations(self, numbers: Sequence[int], *, shared: bool = True) -> Outgoing:
        """The CSP reports that hubs run the release; their suppliers are told of each, and DCC of all.

        `shared`: the hubs are of the world's own inventory, where every second one has two suppliers.
        """
        outcomes = tuple(
            HubOutcome(hub_id(number), OutcomeStage.ACTIVATION, True, RELEASED, self._now, None, None)
            for number in numbers
        )
        told = [Told(DCC, "PilotProgress", format_eui(hub_id(numbers[0])))]
        for number in numbers:
            told.append(Told(SUPPLIER, "N64", format_eui(hub_id(number))))
            if shared and _hub(number).gas_supplier == OLD_SUPPLIER:
                told.append(Told(OLD_SUPPLIER, "N999", format_eui(hub_id(number))))
        return self._from_partner(CSP, CSP_DOOR, csp.ActivateFirmwareResponses(outcomes), *told)

    def traffic(self, rounds: int) -> list[Outgoing]:
        """Return `rounds` of each of the above but the notice, mixed."""
        return [
            message
            for number in range(rounds)
            for message in (
                self.pilot_list(number + 1),
                self.read_inventory(number),
                self.activations(range(LISTABLE + 3 * number, LISTABLE + 3 * number + 3)),
            )
        ]

    def _from_supplier(self, body: str, reference: str, *brings: Told) -> Outgoing:
        request_id = f"{format_eui(SUPPLIER)}:{format_eui(GATEWAY)}:{next(self._counters)}"
        content = sign(request_xml(body, reference, request_id=request_id), self.keys[SUPPLIER])
        return Outgoing(request_id, SUPPLIER_DOOR, content, brings)

    def _from_partner(self, sender: int, path: str, body: PartnerBody, *brings: Told) -> Outgoing:
        message_id = f"M{next(self._counters)}"
        interface = csp.INTERFACE if _KINDS[sender] is PartyKind.CSP else esi.INTERFACE
        content = interface.render_message(message_id, sender, self._now, body)
        identity = f"{format_eui(sender)}/{message_id}"
        return Outgoing(identity, path, sign_canonical(content, self.keys[sender]), brings)


@contextmanager
def fault_world(
    database_url: str, folder: Path, hub_count: int = 400, code: Path | None = None
) -> Iterator[FaultWorld]:
    """An installation with its receivers running, and no gateway yet.

    With `code`, the packages of some version of the gateway, it makes the tables and all that is in them by its own
    commands.
    """
    pki = folder / "pki"
    (pki / "crls").mkdir(parents=True)
    authority = make_authority(pki)
    made = {
        eui: make_certificate(authority, eui, role, pki, stem=format_eui(eui))
        for eui, role in ((GATEWAY, "89"), *((eui, _ROLES[kind]) for eui, kind in _KINDS.items()))
    }
    keys = {eui: load_signing_key(one.key_path, one.certificate_path)[0] for eui, one in made.items()}
    values = {
        **_QUICK,
        ("store", "url"): database_url.replace(":@", "@"),  # an empty password would be a secret in the file
        ("signing", "eui"): format_eui(GATEWAY),
        ("signing", "key"): str(made[GATEWAY].key_path),
        ("signing", "certificate"): str(made[GATEWAY].certificate_path),
        ("trust", "anchors"): str(pki),
        ("trust", "crls"): str(pki / "crls"),
    }
    (folder / "gateway.toml").write_text(render_sample(values), encoding="utf-8")
    with ExitStack() as stack:
        receivers = {eui: Receiver() for eui in _KINDS}
        stack.callback(_close, receivers)
        registered = [(_party(eui, kind, receivers[eui].url), made[eui]) for eui, kind in _KINDS.items()]
        if code is not None:
            _register_by_commands(code, folder, registered, hub_count)
        store = stack.enter_context(opened(database_url))
        if code is None:
            with store.write() as conn:
                for party, one in registered:
                    parties.add(conn, party)
                    own = read_certificate_file(one.certificate_path)
                    certificates.add(conn, RegisteredCertificate(party.eui, own.der, own.issuer_key, own.serial))
                hubs.upsert(conn, map(_hub, range(hub_count)))
        yield FaultWorld(folder, store, receivers, keys, code=code or ROOT)


def run_command(code: Path, config: Path, *words: str) -> str:
    """Run a command of that version of the gateway to its end, which must be a good one; return what it says."""
    program = [sys.executable, "-m", "duis_gateway", *words, "--config", str(config)]
    done = subprocess.run(program, cwd=code, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _register_by_commands(
    code: Path, folder: Path, registered: Iterable[tuple[Party, MadeCertificate]], hub_count: int
) -> None:
    config, inventory = folder / "gateway.toml", folder / "inventory.csv"
    run_command(code, config, "migrate")

    def add(party: Party, one: MadeCertificate) -> None:
        words = ["--kind", party.kind.value, "--url", party.url, "--certificate", str(one.certificate_path)]
        words += [word for role in party.roles for word in ("--role", role.value)]
        words += [word for region in party.regions for word in ("--region", region)]
        words += ["--duis-version", str(party.duis_version)] if party.kind is PartyKind.SUPPLIER else []
        run_command(code, config, "party", "add", format_eui(party.eui), *words)

    with ThreadPoolExecutor(2) as pool:
        for adding in [pool.submit(add, *one) for one in registered]:
            adding.result()
    with inventory.open("w", newline="", encoding="ascii") as file:
        rows = csv.writer(file)
        rows.writerow(HEADER)
        for number in range(hub_count):
            hub = _hub(number)
            described = (hub.device_type, hub.manufacturer, hub.model, hub.firmware_version, hub.status, hub.csp_region)
            owners = (format_eui(owner) for owner in (hub.import_supplier, hub.gas_supplier) if owner is not None)
            rows.writerow((format_eui(hub.device_id), *described, *owners))
    run_command(code, config, "inventory", "load", str(inventory))


def _close(receivers: Mapping[int, Receiver]) -> None:
    for receiver in receivers.values():
        receiver.close()


def _party(eui: int, kind: PartyKind, url: str) -> Party:
    if kind is PartyKind.SUPPLIER:
        version = Decimal("6.0" if eui == SUPPLIER else "5.0")
        return Party(eui, kind, url, roles=frozenset(Role), duis_version=version)
    return Party(eui, kind, url, regions=frozenset({"North"}) if kind is PartyKind.CSP else frozenset())


def _named(settings: Mapping[str, object]) -> dict[str, object]:
    return {f"DUIS_GATEWAY_{name.upper()}": value for name, value in settings.items()}
