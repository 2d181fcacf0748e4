"""The partner's doors: any path takes the gateway's messages; `/mock/v1/` is for whoever plays the partner."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from duis_gateway.client import ClientError, IdReused, Prepared
from duis_gateway.client.receiver import MAX_MESSAGE
from duis_gateway.client.server import read_body, unreadable
from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.errors import GatewayError
from duis_gateway.namespaces import sr
from duis_gateway.partners.xml import format_time
from duis_gateway.sandbox.mocks.behaviour import Behaviour, Mode, Temper
from duis_gateway.sandbox.mocks.members import SECONDS, Taken, one_of, text, url_of_gateway, whole_number
from duis_gateway.sandbox.mocks.partner import NoGateway, Partner
from duis_gateway.sandbox.mocks.server import close_connection
from duis_gateway.sandbox.mocks.whose import not_for

CONTROL = "/mock/v1/"
XML, JSON, TEXT = "application/xml", "application/json", "text/plain; charset=utf-8"
_MOST_MESSAGES = 1_000_000
_TAKEN: Mapping[str, Taken] = {
    "behaviour": Taken(
        {"mode": one_of(*Mode), "count": whole_number(1, _MOST_MESSAGES), "delay": SECONDS}, needs=("mode",)
    ),
    "gateway": Taken({"url": url_of_gateway}, needs=("url",)),
}
_NO_OR_YES = one_of("no", "yes")
_SENT = Taken({"message_id": text, "retry": SECONDS, "signed": _NO_OR_YES, "tamper": _NO_OR_YES})
_GARBAGE = b"\x00\xff<not xml" * 512

Command = Callable[[Mapping[str, Any]], Any]
"""What a mock does when told to: takes what was read from a JSON object, returns what JSON can say."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    content_type: str = TEXT
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class Door:
    """The WSGI application of a mock.

    `commands` are the mock's own, by their name under `/mock/v1/`, and `taken` what each takes.
    """

    partner: Partner
    commands: dict[str, Command] = field(default_factory=dict)
    taken: dict[str, Taken] = field(default_factory=dict)
    temper: Temper = field(default_factory=Temper)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        body = read_body(environ, MAX_MESSAGE)
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if path.startswith(CONTROL):
            if barred := not_for(environ):
                return _reply(Answer(403, TEXT, barred.encode()), start_response)
            answer = self._control(method, path.removeprefix(CONTROL), environ.get("QUERY_STRING", ""), body)
        elif method == "POST" and (refused := unreadable(environ)):
            answer = Answer(refused[0].value, TEXT, refused[1].encode())
        elif method == "POST" and len(body) > MAX_MESSAGE:
            answer = Answer(413, TEXT, f"a message has {MAX_MESSAGE} octets at most".encode())
        elif method == "POST":
            answer = self._message(body, environ)
        else:
            answer = Answer(405, TEXT, b"messages come by POST", (("Allow", "POST"),))
        return _reply(answer, start_response)

    def _message(self, body: bytes, environ: dict[str, Any]) -> Answer:
        behaviour = self.temper.next()
        match behaviour.mode:
            case Mode.RESET:
                close_connection(environ, reset=True)
            case Mode.ERROR:
                return Answer(500, TEXT, b"told to fail")
            case Mode.REFUSE:
                return Answer(400, TEXT, b"told to refuse")
            case Mode.SLOW:
                self.partner.gateway.closed.wait(behaviour.delay)
        answer = self._take(body)
        if behaviour.mode is Mode.DROP:
            close_connection(environ, reset=False)
        return Answer(200, TEXT, _GARBAGE) if behaviour.mode is Mode.GARBAGE else answer

    def _take(self, body: bytes) -> Answer:
        try:
            self.partner.receive(body)
        except IdReused as error:
            return Answer(409, TEXT, error.detail.encode())
        except ClientError as error:
            return Answer(400, TEXT, error.detail.encode())
        return Answer(204)

    def _control(self, method: str, name: str, query: str, body: bytes) -> Answer:
        try:
            if (method, name) == ("GET", "received"):
                return _json(self._received())
            if method != "POST":
                return Answer(405, TEXT, b"only received is read by GET", (("Allow", "POST"),))
            if name == "send":
                return self._send(_SENT.of_query(query), body)
            command = {"behaviour": self._behave, "gateway": self._find_gateway, **self.commands}.get(name)
            if command is None:
                return Answer(404, TEXT, b"no such command")
            return _json(command({**_TAKEN, **self.taken}[name].of_body(body)))
        except NoGateway as error:
            return _json({"error": str(error)}, 502)
        except GatewayError as error:
            return _json({"error": str(error)}, 400)

    def _send(self, options: Mapping[str, Any], body: bytes) -> Answer:
        """Wrap, sign and send a body element, or sign and send a `sr:Request`; the answer is the gateway's own.

        `message_id` gives the id (to repeat, or to reuse one), `retry` the seconds to keep trying; `signed=no`
        leaves the signature out and `tamper=yes` changes the message after it was signed.
        """
        prepared = self.prepared(body, options.get("message_id"), signed=options.get("signed") != "no")
        if options.get("tamper") == "yes":
            spoiled = prepared.document.replace(b"</SenderID>", b"</SenderID> ", 1)
            prepared = replace(prepared, document=spoiled)
        exchange = self.partner.send(prepared, options.get("retry", 0.0))
        verified = "yes" if exchange.answer is not None else "no"
        headers = (("X-Message-ID", prepared.id), ("X-Acknowledgement-Verified", verified))
        return Answer(exchange.status, exchange.content_type or TEXT, exchange.body, headers)

    def prepared(self, content: bytes, message_id: str | None = None, *, signed: bool = True) -> Prepared:
        """Return a body element in a message, or a `sr:Request` as it is, ready to be sent.

        Raises:
            GatewayError: it is neither.
        """
        gateway = self.partner.gateway
        element = parse_trusted(content)
        raw = content if element.tag == sr("Request") else gateway.wrap(element, message_id=message_id)
        return gateway.sign(raw) if signed else gateway.prepared(raw)

    def _received(self) -> list[dict[str, Any]]:
        return [
            {
                "kind": one.kind,
                "message_id": one.id,
                "sender": str(one.sender),
                "release": getattr(one.body, "release_id", None),
                "repeat": one.repeat,
                "at": format_time(at),
            }
            for one, at in list(self.partner.deliveries)
        ]

    def _behave(self, members: Mapping[str, Any]) -> Any:
        behaviour = Behaviour(Mode(members["mode"]), members.get("count"), members.get("delay", 5.0))
        self.temper.change(behaviour)
        return {"mode": str(behaviour.mode), "count": behaviour.count, "delay": behaviour.delay}

    def _find_gateway(self, members: Mapping[str, Any]) -> Any:
        self.partner.gateway.url = members["url"]
        return {"url": self.partner.gateway.url}


def _json(value: Any, status: int = 200) -> Answer:
    return Answer(status, JSON, json.dumps(value).encode())


def _reply(answer: Answer, start_response: Callable[..., Any]) -> Iterable[bytes]:
    headers = list(answer.headers)
    if answer.status != HTTPStatus.NO_CONTENT:
        headers += [("Content-Type", answer.content_type), ("Content-Length", str(len(answer.body)))]
    start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
    return [answer.body]
