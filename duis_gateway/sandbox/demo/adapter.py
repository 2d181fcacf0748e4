"""A supplier's adapter: sends signed Service Requests, and receives DCC Alerts on a web server of its own.

It speaks to the gateway by HTTP alone, and keeps every message as it went over the wire. Its control paths
under `/adapter/v1/` are for whoever plays the supplier:

    POST /adapter/v1/send?door=xml|soap&as=signed|unsigned|tampered|repeat   send the `sr:Request` in the body;
                                            answers with what the gateway answered, cut out of its SOAP envelope
    GET  /adapter/v1/received               how many messages of each kind have come

Every other path is its Receive Response Service: 204 for a message that is proven, 400 for any other.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import urllib3
import waitress
from lxml import etree

from duis_gateway.clock import SystemClock
from duis_gateway.duis.identifiers import parse_eui
from duis_gateway.envelope.parse import ShapeLimits, parse_document, parse_trusted
from duis_gateway.envelope.signature import SigningKey, sign, verify
from duis_gateway.errors import MessageRefused
from duis_gateway.machine.signals import ignore_all_but_the_end
from duis_gateway.namespaces import sr
from duis_gateway.pki.signing import load_signing_key
from duis_gateway.sandbox.demo.soap import from_envelope, into_envelope
from duis_gateway.sandbox.mocks.record import Recorder
from duis_gateway.sandbox.mocks.trust import KnownSigners, Signers

SECONDS = 60.0
XML = "application/xml"
SOAP_XML = "text/xml; charset=utf-8"


class Adapter:
    """One supplier: its key, whom it trusts, and what has come to it."""

    def __init__(self, key: SigningKey, eui: int, gateway: str, signers: KnownSigners, recorder: Recorder) -> None:
        self._key = key
        self._eui = eui
        self._gateway = gateway.rstrip("/")
        self._gateway_eui = signers.first.eui
        self._signers = signers
        self._recorder = recorder
        self._http = urllib3.PoolManager(timeout=SECONDS, retries=False)
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._kinds: Counter[str] = Counter()
        self._sent: dict[str, bytes] = {}

    def receive(self, raw: bytes) -> None:
        """Take what the gateway delivers; the same ResponseID again is a repeat and counts once.

        Raises:
            MessageRefused: the message is not the gateway's.
        """
        root = self._prove(raw)
        code = root.findtext(f".//{sr('DCCAlertCode')}") or "RESPONSE"
        response_id = root.findtext(f".//{sr('ResponseID')}") or ""
        with self._lock:
            if response_id in self._seen:
                return
            self._seen.add(response_id)
            self._kinds[code] += 1
        self._recorder.record(self._gateway_eui, self._eui, code, raw)

    def send(self, request: bytes, door: str, how: str) -> tuple[int, bytes]:
        """Send a Service Request and return the HTTP status and the `sr:Response` (or the refusal)."""
        root = parse_trusted(request)
        reference = root.findtext(f".//{sr('ServiceReference')}") or "unknown"
        document = self._document(root, request, how)
        self._recorder.record(self._eui, self._gateway_eui, f"SR{reference}", into_envelope(document, door))
        path, media = ("/soap", SOAP_XML) if door == "soap" else ("/api/v1/serviceD", XML)
        answer = self._http.request(
            "POST",
            self._gateway + path,
            body=into_envelope(document, door),
            headers={"Content-Type": media, "SOAPAction": '""'} if door == "soap" else {"Content-Type": media},
        )
        kind = "RESPONSE" if answer.status == 200 else "REFUSAL"
        self._recorder.record(self._gateway_eui, self._eui, kind, answer.data)
        if answer.status != 200:
            return answer.status, answer.data
        response = from_envelope(answer.data, door)
        self._prove(response)
        return answer.status, response

    def _document(self, root: etree._Element, request: bytes, how: str) -> bytes:
        """Return the bytes to send; `repeat` are those sent first under this RequestID."""
        request_id = root.findtext(f".//{sr('RequestID')}") or ""
        match how:
            case "repeat":
                return self._sent[request_id]
            case "unsigned":
                return request
            case "tampered":
                signed = sign(request, self._key)
                return signed.replace(b"</sr:FirmwareVersion>", b"X</sr:FirmwareVersion>", 1)
        signed = sign(request, self._key)
        return self._sent.setdefault(request_id, signed) if how == "signed" else signed

    def received(self) -> dict[str, int]:
        """Return how many different messages of each kind have come."""
        with self._lock:
            return dict(self._kinds)

    def _prove(self, raw: bytes) -> etree._Element:
        signers = Signers(self._signers)
        proven = verify(parse_document(raw, ShapeLimits(), {}), signers.public_key_of)
        return parse_trusted(proven.content)


Start = Callable[[str, list[tuple[str, str]]], object]


def application(adapter: Adapter) -> Callable[[dict[str, Any], Start], Iterable[bytes]]:
    """Return the adapter's web server as a WSGI application."""

    def answer(start: Start, status: str, media: str = "text/plain", body: bytes = b"") -> Iterable[bytes]:
        start(status, [("Content-Type", media), ("Content-Length", str(len(body)))])
        return [body]

    def serve(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        path = str(environ["PATH_INFO"])
        if path == "/adapter/v1/received":
            return answer(start, "200 OK", "application/json", json.dumps(adapter.received()).encode())
        raw = environ["wsgi.input"].read()
        if path == "/adapter/v1/send":
            query = parse_qs(str(environ["QUERY_STRING"]))
            status, body = adapter.send(raw, query.get("door", ["xml"])[0], query.get("as", ["signed"])[0])
            return answer(start, f"{status} {HTTPStatus(status).phrase}", XML, body)
        try:
            adapter.receive(raw)
        except MessageRefused as error:
            print(f"refused: {error.detail}", file=sys.stderr)
            return answer(start, "400 Bad Request")
        start("204 No Content", [])
        return []

    return serve


def main() -> None:
    """Run the adapter until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m duis_gateway.sandbox.demo.adapter", description=__doc__)
    parser.add_argument("--eui", required=True, type=parse_eui)
    for name in ("--key", "--certificate", "--trust", "--record"):
        parser.add_argument(name, required=True, type=Path)
    parser.add_argument("--gateway", required=True, help="the gateway's base URL")
    parser.add_argument("--listen", default="127.0.0.1:0")
    options = parser.parse_args()
    key, _ = load_signing_key(options.key, options.certificate)
    signers = KnownSigners(options.trust, SystemClock())
    adapter = Adapter(key, options.eui, options.gateway, signers, Recorder(options.record))
    server = waitress.create_server(application(adapter), listen=options.listen, threads=6)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ignore_all_but_the_end()
    print(f"listening on http://{server.effective_host}:{server.effective_port}", flush=True)
    server.run()


if __name__ == "__main__":
    main()
