"""The one gateway that all cases are sent to: its parties, its good messages, its database, log and processor time."""

from __future__ import annotations

import hashlib
import json
import socket
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from duis_gateway.client import DOORS, soap
from duis_gateway.parties import certificates
from duis_gateway.pki.make import make_authority
from tests.support.dcc_play import hub, update
from tests.support.doors import Reply, replies
from tests.support.gateway_process import GatewayProcess, wait_until
from tests.support.independent import Identity, sign
from tests.support.installation import NOW, Installation, installed
from tests.support.play import Outcome, Play

TOKEN = "the operators' token"
SIGNERS = {"duis": "main", "soap": "main", "csp": "north", "esi": "dcc"}
"""Who speaks on each door that takes signed messages."""

PATHS = {"duis": DOORS["serviceD"], "soap": "/soap", "csp": DOORS["csp"], "esi": DOORS["esi"]}
_WRONG_KIND = {"duis": "89", "csp": "02", "esi": "06"}
_LARGE = 10_500
_AT_ONCE = 7
# What goes on by itself, whatever is sent: the log is sealed, and checked.
_BY_ITSELF = ("audit_",)
_OF_AN_ANSWER = ("service_request", "partner_message", "service_request_evidence", "partner_message_evidence")


@dataclass(frozen=True)
class Seen:
    """What came of one request."""

    reply: Reply
    seconds: float
    lines: list[dict[str, Any]]
    changed: frozenset[str]


class Scene:
    """A gateway in a process of its own, and what the cases need of it."""

    def __init__(self, installation: Installation, process: GatewayProcess) -> None:
        self.installation = installation
        self.process = process
        self.play = Play(installation, installation.lot())
        for actor in installation.actors.values():
            actor.url = process.url
        self._signers: dict[tuple[str, str], Identity] = {}
        self._state = sqlite3.connect(installation.database_url.removeprefix("sqlite:///"), isolation_level=None)
        self._state.execute("PRAGMA query_only = 1")
        self._version = 0
        self._digests: dict[str, bytes] = {}

    # --- what is sent -------------------------------------------------------------------------------------------

    @property
    def hub(self) -> str:
        """A hub of the main supplier's, in the north."""
        return self.play.lot.of_csp("north", self.play.lot["own"])[0]

    def unsigned(self, door: str) -> bytes:
        """Return a good message for a door, never sent before, that waits for a signature."""
        play = self.play
        if door in ("duis", "soap"):
            return play.reading("main", self.hub)
        if door == "csp":
            return play.prepare(lambda: play.responded("north", Outcome(self.hub, version="9001"))).unsigned
        return play.prepare(lambda: update(play, hub(play, self.hub))).unsigned

    def good(self, door: str) -> bytes:
        """Return a good request to a door."""
        if door == "party":
            return self.get(f"/party/v1/hubs/{self.hub}", token=self.play["main"].token)
        if door == "operations":
            return self.get("/metrics")
        return self.carry(door, self.signed(door))

    def signed(self, door: str, document: bytes | None = None, signer: str = "") -> bytes:
        """Return a message signed by the party of the door, with the certificate of this name."""
        return sign(self.unsigned(door) if document is None else document, self.signer(door, signer))

    def carry(self, door: str, document: bytes, **fields: str) -> bytes:
        """Return the HTTP request that brings a document to a door."""
        if door == "soap":
            return self.post(PATHS[door], soap.into_envelope(document.partition(b"-->\n")[2] or document), "text/xml")
        return self.post(PATHS[door], document, **fields)

    def post(self, path: str, body: bytes, media: str | None = "application/xml", **fields: str) -> bytes:
        """Return a POST."""
        return self.request("POST", path, body, media, **fields)

    def get(self, path: str, **fields: str) -> bytes:
        """Return a GET."""
        return self.request("GET", path, None, None, **fields)

    def request(self, method: str, path: str, body: bytes | None, media: str | None, **fields: str) -> bytes:
        """Return a request, after which the connection is closed; `token` is a bearer token."""
        lines = [f"{method} {path} HTTP/1.1", "Host: gateway", "Connection: close"]
        token = fields.pop("token", None)
        lines += [] if token is None else [f"Authorization: Bearer {token}"]
        lines += [] if media is None else [f"Content-Type: {media}"]
        lines += [] if body is None else [f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        return "\r\n".join((*lines, "", "")).encode("latin-1") + (body or b"")

    # --- who signs ----------------------------------------------------------------------------------------------

    def signer(self, door: str, kind: str = "") -> Identity:
        """Return the identity that a door's party signs with: its own, or one with a certificate of this kind."""
        name = SIGNERS[door]
        if not kind:
            return self.play[name].identity
        if kind in SIGNERS.values() or kind in self.installation.actors:
            return self.play[kind].identity
        if (name, kind) not in self._signers:
            self._signers[name, kind] = self._make(name, door, kind)
        return self._signers[name, kind]

    def _make(self, name: str, door: str, kind: str) -> Identity:
        installation, own = self.installation, self.play[name].identity
        stem = f"{kind.replace(' ', '-')}-{name}"
        if kind == "key of another":
            return replace(own, private_key=self.play["gas"].identity.private_key)
        if kind == "lookalike":
            # The same names, key identifiers apart; who signs with it claims the issuer and serial of the real one.
            made = installation.certificate(own.eui, "87", stem, authority=self._elsewhere)
            return replace(installation.identity(own.eui, made), issuer=own.issuer, serial=own.serial)
        times: dict[str, Any] = {
            "expired": {"not_after": NOW - timedelta(seconds=1)},
            "not yet valid": {"not_before": NOW + timedelta(seconds=1)},
            "of another CA": {"authority": self._elsewhere},
        }.get(kind, {})
        role = _WRONG_KIND.get(door, "89") if kind == "of the wrong kind" else "87"
        made = installation.certificate(own.eui, role, stem, **times)
        if kind != "unregistered":
            registered = installation.register(made)
            if kind == "revoked":
                with installation.store.write() as conn:
                    certificates.revoke(conn, registered.issuer_key, registered.serial, NOW)
        return installation.identity(own.eui, made)

    @cached_property
    def _elsewhere(self) -> Any:
        folder = self.installation.directory / "elsewhere"
        return make_authority(folder, "Elsewhere", not_before=datetime(2020, 1, 1, tzinfo=UTC))

    # --- what comes of it ---------------------------------------------------------------------------------------

    def send(self, door: str, sent: bytes) -> Seen:
        """Send bytes on a connection of their own, to the listener of the door, until the gateway closes it."""
        self.changes()
        place = self.installation.log.stat().st_size
        before = self.processor_seconds()
        reply = self.exchange(door, sent)
        seconds = self.processor_seconds() - before
        lines = self._lines(place, reply.headers["x-correlation-id"], door)
        return Seen(reply, seconds, lines, self.changes())

    def exchange(self, door: str, sent: bytes) -> Reply:
        url = self.process.operations_url if door == "operations" else self.process.url
        at = urlsplit(url)
        with socket.create_connection((at.hostname, at.port or 0), timeout=30) as client:
            client.sendall(sent)
            (reply,) = replies(client)
        return reply

    def _lines(self, place: int, correlation_id: str, door: str) -> list[dict[str, Any]]:
        """Return the lines of the log about one exchange; where nothing is refused operators' probes leave none."""
        found: list[dict[str, Any]] = []

        def there() -> bool:
            with self.installation.log.open("rb") as log:
                log.seek(place)
                said = [json.loads(line) for line in log if line.endswith(b"\n") and correlation_id.encode() in line]
            found[:] = [one for one in said if one.get("event") != "operator"]
            return bool(found)

        wait_until(there, f"no line in the log about {correlation_id} ({door})")
        return found

    def processor_seconds(self) -> float:
        """The processor time that the gateway's process has used; the id of its clock is made of its own."""
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def most_memory(self) -> int:
        """The most memory that the gateway's process has ever had, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        [kilobytes] = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(kilobytes) * 1024

    def changes(self) -> frozenset[str]:
        """Return the tables that have changed since the last call, what goes on by itself aside."""
        version = self._state.execute("PRAGMA data_version").fetchone()[0]
        if version == self._version:
            return frozenset()
        self._version = version
        now = {table: self._digest(table) for table in self._tables}
        before, self._digests = self._digests, now
        return frozenset(table for table, digest in now.items() if before.get(table) != digest)

    @cached_property
    def _tables(self) -> list[str]:
        names = self._state.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return [name for (name,) in names if not name.startswith((*_BY_ITSELF, "sqlite_"))]

    def _digest(self, table: str) -> bytes:
        digest = hashlib.blake2b()
        for row in self._state.execute(f"SELECT * FROM {table}"):
            digest.update(repr(row).encode())
        return digest.digest()

    # --- what a good request costs ------------------------------------------------------------------------------

    @cached_property
    def usual(self) -> Mapping[str, float]:
        """What a good request costs on each door, in seconds of the gateway's processor time; the middle of some."""
        doors = (*PATHS, "party", "operations")
        return {door: self._middle(door, self.good) for door in doors}

    @cached_property
    def usual_large(self) -> float:
        """What a good 11.5 of 256 kB costs."""
        crowd = self.play.crowd(_LARGE)
        self.play.announce()
        self.play.settle()

        def listed(door: str) -> bytes:
            return self.carry(door, self.play.prepare(lambda: self.play.pilot_list("main", crowd)).signed)

        middle = self._middle("duis", listed, 3)
        self.installation.end_releases()
        self.installation.disperse()
        return middle

    def _middle(self, door: str, make: Callable[[str], bytes], times: int = _AT_ONCE) -> float:
        taken = []
        for _ in range(times):
            sent = make(door)
            before = self.processor_seconds()
            reply = self.exchange(door, sent)
            taken.append(self.processor_seconds() - before)
            assert reply.status == 200, reply.body[:1000]
        self.play.settle()
        return statistics.median(taken)

    def close(self) -> None:
        """Let the database go."""
        self._state.close()


OF_AN_ANSWER = frozenset(_OF_AN_ANSWER)
"""What a signed refusal leaves: the message, its answer, and nothing else."""


@contextmanager
def scene(directory: Path) -> Iterator[Scene]:
    """A gateway on SQLite, with its console open to changes."""
    token = directory / "operators.token"
    token.write_text(TOKEN, encoding="utf-8")
    token.chmod(0o600)
    settings: dict[tuple[str, str], object] = {
        ("operations", "token_file"): str(token),
        ("delivery", "poll"): 5.0,
    }
    with (
        installed("sqlite", directory, settings) as installation,
        installation.running() as process,
        closing(Scene(installation, process)) as made,
    ):
        yield made
