"""The least that a message costs: the same work, with the same libraries, in one Python process and nothing beside it.

Each floor takes messages as their senders sign them and does what cannot be left out: parse, validate, prove, look up,
write, sign, commit. Nothing is checked twice, nothing can be configured, no error is explained, and SQLite is spoken to
by the standard library alone. `benchmarks.bench` times the gateway beside it, in the same run.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from lxml import etree

from duis_gateway.namespaces import DS, SR

_SR, _DS = f"{{{SR}}}", f"{{{DS}}}"
_ALGORITHM = ec.ECDSA(hashes.SHA256())
_A_COMMIT = {"stored": 500, "claimed": 200}

_TABLES = """
CREATE TABLE hub (device_id INTEGER PRIMARY KEY, type TEXT, manufacturer TEXT, model TEXT, firmware_version TEXT,
                  status TEXT, region TEXT, electricity TEXT, gas TEXT);
CREATE TABLE message (identity TEXT PRIMARY KEY, raw BLOB, answer BLOB);
CREATE TABLE listed (list INTEGER, device_id INTEGER, PRIMARY KEY (list, device_id)) WITHOUT ROWID;
CREATE TABLE outbox (id INTEGER PRIMARY KEY, recipient INTEGER, content BLOB, state TEXT, lease REAL);
CREATE INDEX open_outbox ON outbox (id) WHERE state = 'pending';
"""


class Floor:
    """One process, one SQLite file with durable commits, one key."""

    def __init__(self, folder: Path, schema: Path, sender: ec.EllipticCurvePublicKey, own: ec.EllipticCurvePrivateKey):
        self._schema = etree.XMLSchema(file=str(schema))
        self._parser = etree.XMLParser(resolve_entities=False, no_network=True)
        self._sender, self._own = sender, own
        self._db = sqlite3.connect(folder / "floor.db", isolation_level=None)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + _TABLES)
        self._lists = 0

    def load(self, hubs: Sequence[tuple[Any, ...]]) -> None:
        """Have this inventory."""
        self._db.execute("BEGIN")
        self._db.executemany(f"INSERT INTO hub VALUES ({','.join('?' * 9)})", hubs)
        self._db.execute("COMMIT")

    def read_inventory(self, request: bytes) -> None:
        """Take an 8.2 in and answer it."""
        root = self._proven(request)
        hub = int(root.findtext(f".//{_SR}DeviceID").replace("-", ""), 16)
        row = self._db.execute("SELECT * FROM hub WHERE device_id = ?", (hub,)).fetchone()
        answer = self._signed(b"<Response>" + ",".join(map(str, row)).encode() + b"</Response>")
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("INSERT INTO message VALUES (?, ?, ?)", (root.findtext(f".//{_SR}RequestID"), request, answer))
        self._db.execute("COMMIT")

    def pilot_list(self, request: bytes) -> None:
        """Take an 11.5 in, judge its hubs, and answer it; CSP and DCC are told of the list."""
        root = self._proven(request)
        text = root.findtext(f".//{_SR}DeviceIDList")
        ids = [int(one.replace("-", ""), 16) for one in text.split(",")]
        rows = self._db.execute(
            "SELECT hub.* FROM json_each(?) AS given JOIN hub ON hub.device_id = given.value",
            (json.dumps(sorted(ids)),),
        )
        supplier = root.findtext(f".//{_SR}RequestID").split(":")[0]
        good = [row[0] for row in rows if supplier in (row[7], row[8]) and row[5] == "Commissioned"]
        answer = self._signed(b"<Response>I99</Response>")
        told = [self._signed(f"<{name}>{text}</{name}>".encode()) for name in ("PreferredPilotList", "Report")]
        self._lists += 1
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("INSERT INTO message VALUES (?, ?, ?)", (root.findtext(f".//{_SR}RequestID"), request, answer))
        self._db.execute("DELETE FROM listed WHERE list = ?", (self._lists - 1,))
        self._db.executemany("INSERT INTO listed VALUES (?, ?)", [(self._lists, hub) for hub in good])
        self._db.executemany(
            "INSERT INTO outbox (recipient, content, state) VALUES (0, ?, 'pending')", [(one,) for one in told]
        )
        self._db.execute("COMMIT")

    def alerts(self, template: bytes, count: int, url: str) -> None:
        """Make so many alerts, sign, store and post them, and mark them as delivered."""
        for start in range(0, count, _A_COMMIT["stored"]):
            numbers = range(start, min(start + _A_COMMIT["stored"], count))
            rows = [(self._signed(template.replace(b"@", str(number).encode())),) for number in numbers]
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT INTO outbox (recipient, content, state) VALUES (1, ?, 'pending')", rows)
            self._db.execute("COMMIT")
        address = urlsplit(url)
        with socket.create_connection((address.hostname or "", address.port or 0)) as connection:
            while claimed := self._claimed():
                for _, content in claimed:
                    _post(connection, content)
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany(
                    "UPDATE outbox SET state = 'delivered' WHERE id = ?", [(number,) for number, _ in claimed]
                )
                self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _claimed(self) -> list[tuple[int, bytes]]:
        self._db.execute("BEGIN IMMEDIATE")
        claimed = self._db.execute(
            "UPDATE outbox SET state = 'in_flight', lease = 60 WHERE id IN (SELECT id FROM outbox "
            "WHERE state = 'pending' AND recipient = 1 LIMIT ?) RETURNING id, content",
            (_A_COMMIT["claimed"],),
        ).fetchall()
        self._db.execute("COMMIT")
        return claimed

    def _proven(self, request: bytes) -> Any:
        """Parse, validate and prove a request; return its root without the signature."""
        root = etree.fromstring(request, self._parser)
        assert self._schema.validate(root), self._schema.error_log
        signature = root.find(f"{_DS}Signature")
        signed_info = signature.find(f"{_DS}SignedInfo")
        value = base64.b64decode(signature.findtext(f"{_DS}SignatureValue"))
        r, s = int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big")
        octets = etree.tostring(signed_info, method="c14n", exclusive=True)
        self._sender.verify(encode_dss_signature(r, s), octets, _ALGORITHM)
        digest = signed_info.findtext(f"{_DS}Reference/{_DS}DigestValue")
        root.remove(signature)
        content = etree.tostring(root, method="c14n")
        assert hashlib.sha256(content).digest() == base64.b64decode(digest)
        return root

    def _signed(self, content: bytes) -> bytes:
        digest = base64.b64encode(hashlib.sha256(content).digest())
        signed_info = b"<SignedInfo>" + b" " * 500 + digest + b"</SignedInfo>"
        r, s = decode_dss_signature(self._own.sign(signed_info, _ALGORITHM))
        value = base64.b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
        end = content.rindex(b"</")
        return b"".join((content[:end], signed_info, value, content[end:]))


def _post(connection: socket.socket, content: bytes) -> None:
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/xml\r\nContent-Length: {len(content)}\r\n\r\n"
    connection.sendall(head.encode() + content)
    answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200 "), answer
