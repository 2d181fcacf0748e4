"""A supplier's adapter, made with the adapter kit: sends Service Requests, and receives DCC Alerts.

It speaks to the gateway by HTTP alone, and keeps every message as it went over the wire. Its control paths
under `/adapter/v1/` are for whoever plays the supplier:

    POST /adapter/v1/send?door=xml|soap&as=signed|unsigned|tampered|repeat|reused   send the `sr:Request` in the body;
                                            answers with what the gateway answered, cut out of its SOAP envelope
    GET  /adapter/v1/received               how many messages of each kind have come

Every other path is its Receive Response Service: 204 for a message that is proven, 400 for any other.
"""

from __future__ import annotations

import argparse
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from duis_gateway.client import Gateway, Identity, Message, NoAnswer, Prepared, Receiver, Trust
from duis_gateway.client.receiver import MAX_MESSAGE
from duis_gateway.client.server import read_body
from duis_gateway.errors import GatewayError
from duis_gateway.sandbox.mocks.members import CommandRefused, Taken, one_of
from duis_gateway.sandbox.mocks.options import folder_option, path_option, text_option
from duis_gateway.sandbox.mocks.record import Recorder
from duis_gateway.sandbox.mocks.server import serve
from duis_gateway.sandbox.mocks.whose import not_for

CONTROL = "/adapter/v1/"
XML = "application/xml"
DOORS = {"xml": "serviceD", "soap": "soap"}
_SENT = Taken({"door": one_of(*DOORS), "as": one_of("signed", "unsigned", "tampered", "repeat", "reused")})


class Adapter:
    """One supplier: who it is, its gateway, and what has come to it."""

    def __init__(self, me: Identity, url: str, trust: Trust, recorder: Recorder) -> None:
        self._me = me
        self._gateway = Gateway(url, identity=me, trust=trust, journal=recorder.journal(me.eui, trust.gateway))
        self._recorder = recorder
        self._lock = threading.Lock()
        self._kinds: Counter[str] = Counter()
        self._sent: dict[str, Prepared] = {}
        self.receiver = Receiver(me, trust)
        self.receiver.on()(self.take)

    def take(self, message: Message) -> None:
        """Take what the gateway delivers; the receiver tells repeats apart."""
        with self._lock:
            self._kinds[message.kind] += 1
        self._recorder.record(message.sender, self._me.eui, message.kind, message.raw)

    def received(self) -> dict[str, int]:
        """Return how many different messages of each kind have come."""
        with self._lock:
            return dict(self._kinds)

    def send(self, request: bytes, door: str, how: str) -> tuple[int, bytes]:
        """Send a Service Request and return the HTTP status and the `sr:Response` (or the refusal)."""
        prepared = replace(self._prepared(request, how), door=DOORS[door])
        answer = self._gateway.exchange(prepared)
        if answer.status != HTTPStatus.OK:
            return answer.status, answer.body
        return answer.status, self._gateway.read(prepared, answer).document

    def _prepared(self, request: bytes, how: str) -> Prepared:
        """Return what to send: `repeat` is what was sent first under this RequestID, `reused` other content."""
        if how == "unsigned":
            return self._gateway.prepared(request)
        signed = self._gateway.sign(request)
        match how:
            case "repeat":
                if signed.id not in self._sent:
                    raise CommandRefused(f"nothing was sent as {signed.id} that could be repeated")
                return self._sent[signed.id]
            case "tampered":
                spoiled = signed.document.replace(b"</sr:FirmwareVersion>", b"X</sr:FirmwareVersion>", 1)
                return replace(signed, document=spoiled)
            case "signed":
                return self._sent.setdefault(signed.id, signed)
        return signed


Start = Callable[[str, list[tuple[str, str]]], object]


def application(adapter: Adapter) -> Callable[[dict[str, Any], Start], Iterable[bytes]]:
    """Return the adapter's web server as a WSGI application, the kit's receiver mounted in it."""

    def answer(start: Start, status: int, media: str, body: bytes) -> Iterable[bytes]:
        headers = [("Content-Type", media), ("Content-Length", str(len(body)))]
        start(f"{status} {HTTPStatus(status).phrase}", headers)
        return [body]

    def answered(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        path = str(environ["PATH_INFO"])
        if path.startswith(CONTROL) and (barred := not_for(environ)):
            return answer(start, 403, "text/plain; charset=utf-8", barred.encode())
        if path == "/adapter/v1/received":
            return answer(start, 200, "application/json", json.dumps(adapter.received()).encode())
        if path == "/adapter/v1/send":
            raw = read_body(environ, MAX_MESSAGE)
            try:
                asked = _SENT.of_query(str(environ["QUERY_STRING"]))
                status, body = adapter.send(raw, asked.get("door", "xml"), asked.get("as", "signed"))
            except GatewayError as error:
                refused = 502 if isinstance(error, NoAnswer) else 400
                return answer(start, refused, "application/json", json.dumps({"error": str(error)}).encode())
            return answer(start, status, XML, body)
        return adapter.receiver.wsgi(environ, start)

    return answered


def main() -> None:
    """Run the adapter until SIGTERM."""
    parser = argparse.ArgumentParser(
        prog="python -m duis_gateway.sandbox.demo.adapter",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, about in (
        ("--key", "the supplier's key"),
        ("--certificate", "its certificate"),
        ("--trust", "the gateway's certificate, or a folder of authorities"),
    ):
        parser.add_argument(name, required=True, type=path_option, help=about)
    parser.add_argument("--record", required=True, type=folder_option, help="the folder in which every message is kept")
    parser.add_argument("--gateway", required=True, type=text_option, help="the gateway's base URL")
    parser.add_argument(
        "--listen", type=text_option, default="127.0.0.1:0", metavar="HOST:PORT", help="port 0: one that is free"
    )
    options = parser.parse_args()
    me = Identity.load(options.key, options.certificate)
    adapter = Adapter(me, options.gateway, Trust.load(options.trust), Recorder(options.record))
    serve(application(adapter), options.listen, threading.Event())


if __name__ == "__main__":
    main()
