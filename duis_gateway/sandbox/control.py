"""The sandbox's own listener: its commands by HTTP, described at /openapi.json, and the page."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from duis_gateway.doors.server import Server
from duis_gateway.doors.wire import Answer, HttpRequest
from duis_gateway.errors import GatewayError, MessageRefused, refusal_of
from duis_gateway.sandbox import page
from duis_gateway.sandbox.openapi import describe
from duis_gateway.sandbox.parameters import WrongCommand
from duis_gateway.sandbox.sandbox import Sandbox

HOST = "127.0.0.1"
_THREADS = 4
_LAST = 100
_MOST = 10_000
_FRESH = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"))
_HTML = "text/html; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"
_NOT_ELSEWHERE = (
    ("Content-Security-Policy", page.POLICY),
    ("Referrer-Policy", "same-origin"),  # without a referrer, browsers send forms of this very page with no origin
    *_FRESH,
)
_log = logging.getLogger(__name__)


class Control:
    """The application of the listener. What others wrote is shown as text, and never run in a browser."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def waits(self, request: HttpRequest) -> bool:
        """Every answer may take time."""
        return True

    def refuse(self, error: MessageRefused, path: str, remote: str) -> Answer:
        """Answer what the server itself refuses."""
        return _problem(refusal_of(error).status, error.detail)

    def answer(self, request: HttpRequest) -> Answer:
        """Answer a request; raises nothing."""
        try:
            return _strange(request) or self._answer(request)
        except WrongCommand as error:
            return _problem(HTTPStatus.BAD_REQUEST, str(error))
        except MessageRefused as error:
            return self.refuse(error, request.path, request.remote)
        except GatewayError as error:
            return _problem(HTTPStatus.CONFLICT, str(error))
        except Exception as error:
            _log.exception("a defect of the sandbox")
            return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, f"a defect: {type(error).__name__}; see gateway.log")

    def _answer(self, request: HttpRequest) -> Answer:
        path = request.path.rstrip("/") or "/"
        if request.method == "POST":
            if path == "/":
                return self._form(request)
            return _json(self._sandbox.do(path.removeprefix("/v1/"), _members(request)))
        if request.method not in ("GET", "HEAD"):
            return _problem(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and POST are used here")
        shown = {
            "/": lambda: _html(page.overview(self._sandbox, _query(request))),
            "/openapi.json": lambda: _json(describe(request.host)),
            "/v1/status": lambda: _json(self._sandbox.status()),
            "/v1/messages": lambda: _json(self._messages(_query(request))),
            "/v1/mails": lambda: _json([one.told for one in self._sandbox.mails.all()]),
        }.get(path)
        if shown is not None:
            return shown()
        steps = path.strip("/").split("/")
        there_is_none = "there is no such message" if {"messages", "mails"} & {*steps} else "nothing is served here"
        return self._one(steps) or _problem(HTTPStatus.NOT_FOUND, there_is_none)

    def _one(self, steps: list[str]) -> Answer | None:
        """Return one message, as a page or its bytes, or one email."""
        match steps:
            case ["messages", number] if number.isdecimal():
                shown = page.message(self._sandbox, int(number))
                return None if shown is None else _html(shown)
            case ["v1", "messages", number, *rest] if number.isdecimal() and rest in ([], ["answer"]):
                found = self._sandbox.world.traffic.content(int(number), answer=bool(rest))
                return None if found is None else Answer(200, _TEXT, found[0], _NOT_ELSEWHERE)
            case ["v1", "mails", number] if number.isdecimal():
                mails = self._sandbox.mails.all()
                one = mails[int(number) - 1] if 0 < int(number) <= len(mails) else None
                return None if one is None else Answer(200, _TEXT, one.path.read_bytes(), _NOT_ELSEWHERE)
        return None

    def _messages(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        since, last = _number(query, "since", 0), _number(query, "last", _LAST)
        return self._sandbox.world.traffic.messages(since=since, last=min(last, _MOST))

    def _form(self, request: HttpRequest) -> Answer:
        """Carry out what a form of the page asks for, and go back to the page, which says what came of it."""
        fields = parse_qs(request.content.decode("utf-8", "replace"), keep_blank_values=False, max_num_fields=50)
        members: dict[str, Any] = {name: values[0] for name, values in fields.items()}
        command = str(members.pop("do", ""))
        try:
            said = page.in_words(self._sandbox.do(command, members))
        except GatewayError as error:
            said = str(error)
        return Answer(HTTPStatus.SEE_OTHER, _TEXT, b"", (("Location", page.with_news(said)), *_FRESH))


def listen(sandbox: Sandbox, port: int) -> Server:
    """Return the listener, not started yet (OSError: the port cannot be used)."""
    return Server(Control(sandbox), HOST, port, _THREADS)


def _strange(request: HttpRequest) -> Answer | None:
    """Refuse what another site's page sends through somebody's browser: by its own name for us, or as itself."""
    host = request.host
    if host.rpartition(":")[0] not in ("127.0.0.1", "localhost", "[::1]"):
        return _problem(HTTPStatus.FORBIDDEN, "the sandbox answers under 127.0.0.1 and localhost alone")
    origin = request.headers.get("origin", f"http://{host}")
    if request.method == "POST" and origin != f"http://{host}":
        return _problem(HTTPStatus.FORBIDDEN, "this comes from another site's page")
    return None


def _members(request: HttpRequest) -> dict[str, Any]:
    try:
        members = json.loads(request.content or b"{}")
    except ValueError as error:
        raise WrongCommand(f"the body must be a JSON object: {error}") from None
    if not isinstance(members, dict):
        raise WrongCommand("the body must be a JSON object")
    return members


def _query(request: HttpRequest) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.query, max_num_fields=50).items()}


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal():
        raise WrongCommand(f"{name} must be a whole number, not {text[:20]!r}")
    return int(text)


def _json(content: object) -> Answer:
    return Answer(HTTPStatus.OK, "application/json", json.dumps(content, indent=1).encode() + b"\n", _FRESH)


def _problem(status: int, detail: str) -> Answer:
    body = json.dumps({"error": detail}).encode() + b"\n"
    return Answer(status, "application/json", body, _FRESH)


def _html(text: str) -> Answer:
    return Answer(HTTPStatus.OK, _HTML, text.encode(), _NOT_ELSEWHERE)
