"""What must hold when the demonstration is over, read from the messages on the wire and from the inventory alone."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http import HTTPStatus
from pathlib import Path

from duis_gateway.client import NotProven, Trust
from duis_gateway.client.http import HttpAnswer
from duis_gateway.client.problems import read_problem
from duis_gateway.client.soap import signed_document
from duis_gateway.duis.identifiers import format_eui, parse_eui
from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.namespaces import DUIS_5_1, DUIS_6_0, sr
from duis_gateway.outbox import view as outbox_view
from duis_gateway.rollout.eligibility import COMMISSIONED
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.sandbox.demo import cast
from duis_gateway.sandbox.demo.cast import LARGE, PILOTED, SUCCESSOR, Supplier
from duis_gateway.store.engine import Store

NAME = re.compile(r"([0-9]+)-([0-9A-F]{16})-([0-9A-F]{16})-(.+)\.(?:xml|eml)")
ALL_ROLES = frozenset({"06", "87", "89"})
RELEASES = {PILOTED.model: (PILOTED.release_id,), LARGE.model: (LARGE.release_id, SUCCESSOR.release_id)}
OUTCOMES = {"A06": "N75", "A07": "N76"}
"""The emails that say the same as an alert, and stand for it where a recipient does not know it."""
ALERT_CODES = frozenset({"N64", "N999", *(f"N{number}" for number in range(66, 78))})
EMAIL_KINDS = frozenset({"A01", "A06", "A07", "A11", "A12", "X05"})
NOT_SIGNED = frozenset({"REFUSAL"})


@dataclass(frozen=True, slots=True)
class WireMessage:
    """One file of `messages/`: who sent it to whom, what it is, and its bytes (XML, or an email)."""

    path: Path
    sender: str
    recipient: str
    kind: str

    @property
    def is_email(self) -> bool:
        """Whether it went by SMTP."""
        return self.path.suffix == ".eml"

    @property
    def raw(self) -> bytes:
        """The message as it went over the wire."""
        return self.path.read_bytes()


def read_messages(folder: Path) -> list[WireMessage]:
    """Return the messages of a folder in their order."""
    found = []
    for path in sorted(folder.glob("*.?ml"), key=lambda path: int(path.name.partition("-")[0])):
        match = NAME.fullmatch(path.name)
        assert match is not None, path.name
        found.append(WireMessage(path, match[2], match[3], match[4]))
    return found


@dataclass(frozen=True, slots=True)
class Told:
    """What an alert tells a supplier about one hub."""

    supplier: int
    device_id: int
    code: str
    version: str | None


@dataclass(frozen=True)
class Checks:
    """The checks of one run."""

    messages: list[WireMessage]
    emails: list[WireMessage]
    trust: Path
    store: Store
    suppliers: Mapping[int, Supplier]
    inventory: Iterable[Hub]
    piloted: Mapping[int, Hub]
    activated: frozenset[int]
    failed: frozenset[int]

    def all(self) -> list[tuple[str, bool]]:
        """Return each check with whether it held."""
        told = list(self._told())
        return [
            ("every message in messages/ that must be signed verifies", self._signatures()),
            ("each activated hub has exactly one N64 for each of its suppliers, N999 on DUIS 5.0", self._n64(told)),
            ("each failed hub has exactly one N71 for each of its suppliers, N999 before DUIS 6.0", self._n71(told)),
            ("both suppliers of each split hub were told", self._split(told)),
            ("the inventory shows the new version at exactly the activated hubs", self._inventory()),
            ("nothing is left in the outbox, and nothing is a dead letter", self._outbox()),
            ("every hub moved as it was planned: nobody was told of a departure", self._as_planned()),
            ("the CSPs and DCC have what concerns them", self._partners()),
            ("every alert code and every kind of email was seen", self._everything_seen()),
            ("each supplier has the email of each release with its hubs attached, each CSP has it, too", self._a01()),
            ("what stands behind each N999 came by email as well", self._behind_n999()),
        ]

    def _signatures(self) -> bool:
        trust = Trust.folder(self.trust, roles=ALL_ROLES)
        deliberate = 0
        for message in self.messages:
            if message.kind in NOT_SIGNED:
                continue
            try:
                trust.prove(signed_document(message.raw))
            except NotProven:
                deliberate += 1
        refused = (read_problem(HttpAnswer(0, {}, one.raw)) for one in self.messages if one.kind == "REFUSAL")
        # Others are of the reused RequestID, and of what the gateway asked to be sent again later.
        return deliberate == sum(problem.status == HTTPStatus.UNAUTHORIZED for problem in refused)

    def _told(self) -> Iterable[Told]:
        for message in self.messages:
            if message.kind not in ("N64", "N71", "N999"):
                continue
            root = parse_trusted(message.raw)
            device = root.findtext(f".//{sr('DeviceID')}")
            if device is None:
                continue
            codes = [element.text or "" for element in root.iter(sr("DCCAlertCode"))]
            version = root.findtext(f".//{sr('FirmwareVersion')}")
            yield Told(int(message.recipient, 16), parse_eui(device), "/".join(codes), version)

    def _n64(self, told: list[Told]) -> bool:
        return self._exactly(told, self.activated, "N64", DUIS_5_1)

    def _n71(self, told: list[Told]) -> bool:
        return self._exactly(told, self.failed, "N71", DUIS_6_0)

    def _exactly(self, told: list[Told], devices: frozenset[int], code: str, since: Decimal) -> bool:
        expected = Counter(
            (supplier, device_id, code if self.suppliers[supplier].duis_version >= since else f"N999/{code}")
            for device_id in devices
            for supplier in self.piloted[device_id].suppliers
        )
        seen = [one for one in told if one.code.endswith(code)]
        versions = {one.version for one in seen if code == "N64"}
        right = versions <= {PILOTED.released}
        return right and bool(expected) and Counter((t.supplier, t.device_id, t.code) for t in seen) == expected

    def _split(self, told: list[Told]) -> bool:
        split = {d for d in self.activated if len(self.piloted[d].suppliers) == 2}
        by_hub: dict[int, set[int]] = {}
        for one in told:
            by_hub.setdefault(one.device_id, set()).add(one.supplier)
        return bool(split) and all(by_hub.get(d) == set(self.piloted[d].suppliers) for d in split)

    def _inventory(self) -> bool:
        with self.store.read() as conn:
            now = hubs.get_many(conn, self.piloted)
        return {d for d, hub in now.items() if hub.firmware_version == PILOTED.released} == self.activated

    def _outbox(self) -> bool:
        with self.store.read() as conn:
            stats = outbox_view.stats(conn)
        return not (stats.pending or stats.in_flight or stats.dead)

    def _as_planned(self) -> bool:
        """X10: a deviation is told to the CSP and to DCC in a message of its own, to suppliers by N77."""
        plans = [message for message in self.messages if message.kind in ("PlannedDeployment", "N77")]
        departed = [message for message in self.messages if message.kind == "PlanDeviation" or _departed(message)]
        return bool(plans) and not departed

    def _partners(self) -> bool:
        came = Counter((int(message.recipient, 16), message.kind) for message in self.messages)
        wanted = [(cast.DCC, "PreferredPilotListReport"), (cast.DCC, "PreferredPilotScheduleReport")]
        wanted += [(cast.DCC, "PilotProgress"), (cast.DCC, "PlannedDeploymentReport")]
        for kind in ("PlannedDeployment", "FirmwareReleaseNotice", "PreferredPilotList", "PreferredPilotSchedule"):
            wanted += [(eui, kind) for eui in cast.REGIONS]
        return all(came[one] for one in wanted)

    def _everything_seen(self) -> bool:
        seen = {message.kind for message in self.messages}
        return seen >= ALERT_CODES and {message.kind for message in self.emails} >= EMAIL_KINDS

    def _a01(self) -> bool:
        """Each supplier's attachment lists exactly its commissioned hubs of the release's model."""
        eligible: dict[tuple[int, str], set[str]] = {}
        for hub in self.inventory:
            if hub.status != COMMISSIONED:
                continue
            for supplier in hub.suppliers:
                for release in RELEASES[hub.model]:
                    eligible.setdefault((supplier, release), set()).add(format_eui(hub.device_id))
        attached: dict[tuple[int, str], set[str]] = {}
        for message in self.emails:
            if message.kind == "A01":
                parsed = BytesParser(policy=default).parsebytes(message.raw)
                rows = [row for part in parsed.iter_attachments() for row in _rows(part)]
                # A revision comes later, when fewer hubs are eligible: the first announcement counts here.
                about = (int(message.recipient, 16), str(parsed["X-DUIS-Gateway-Release"]))
                attached.setdefault(about, {row["device_id"] for row in rows})
        of_csps = {(eui, one): set[str]() for eui in cast.REGIONS for each in RELEASES.values() for one in each}
        return attached == eligible | of_csps

    def _behind_n999(self) -> bool:
        by_email = {(m.recipient, OUTCOMES.get(m.kind, m.kind)) for m in self.emails}
        behind = {
            (message.recipient, [e.text or "" for e in parse_trusted(message.raw).iter(sr("DCCAlertCode"))][-1])
            for message in self.messages
            if message.kind == "N999"
        }
        return bool(behind) and behind <= by_email


def _departed(message: WireMessage) -> bool:
    return message.kind == "N77" and next(parse_trusted(message.raw).iter(sr("Deviation")), None) is not None


def _rows(part: EmailMessage) -> list[dict[str, str]]:
    return list(csv.DictReader(part.get_content().splitlines()))
