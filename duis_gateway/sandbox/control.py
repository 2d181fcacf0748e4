"""The sandbox's own listener: its commands by HTTP, described at /openapi.json, and the page."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from http import HTTPStatus
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlencode

from duis_gateway.doors.limits import ServerLimits
from duis_gateway.doors.problem import PROBLEM_JSON, RETRY_AFTER, headers_of
from duis_gateway.doors.server import Server
from duis_gateway.doors.wire import Answer, HttpRequest, check_coding, wants_page
from duis_gateway.errors import GatewayError, MessageRefused, refusal_of
from duis_gateway.sandbox import page
from duis_gateway.sandbox.cast import LAST_HUB
from duis_gateway.sandbox.commands import BY_COMMAND, RESET
from duis_gateway.sandbox.mails import Mail
from duis_gateway.sandbox.openapi import describe
from duis_gateway.sandbox.parameters import HUB, WrongCommand
from duis_gateway.sandbox.renewal import BeingReset
from duis_gateway.sandbox.sandbox import Sandbox
from duis_gateway.sandbox.standing import hub_standing
from duis_gateway.sandbox.words import NO_NEWS, Line, News, Refused
from duis_gateway.text.json_reader import read_json
from duis_gateway.text.numbers import is_digits, parse_digits
from duis_gateway.text.origins import asked_as_here, from_another_site

HOST = "127.0.0.1"
_THREADS = 4
_LIMITS = ServerLimits(length_needed=False)  # `curl -X POST` sends neither a body nor its length
_LAST = 100
_MOST = 10_000
_FRESH = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"))
_HTML = "text/html; charset=utf-8"
_PLAIN = "text/plain; charset=utf-8"
_POST, _GET, _PAGE = ("POST",), ("GET", "HEAD"), ("GET", "HEAD", "POST")
_COMMANDS = {f"/v1/{name}": name for name in (*BY_COMMAND, RESET.name)}
_NONE: Mapping[re.Pattern[str], str] = {
    re.compile(r"(/v1)?/(messages|mails)/[^/]+"): "there is no such message",
    re.compile(r"/v1/messages/[^/]+/answer"): "there is no such message, or it was not answered",
    re.compile(r"/v1/hubs/[^/]+"): (
        f"there is no such hub: hubs are 1 to {LAST_HUB}, or an EUI-64 of one of them, and the inventory has to have "
        "it as a Communications Hub"
    ),
}
"""What to say where there is no such thing, by the paths of such things."""
_MOST_FIELDS = 50
_MOST_NEWS = 20
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
        self._news: dict[str, News] = {}
        self._numbers = count(1)

    def waits(self, request: HttpRequest) -> bool:
        """Every answer may take time."""
        return True

    def apart(self, request: HttpRequest) -> bool:
        """No worker is kept for any."""
        return False

    def refuse(self, error: MessageRefused, path: str, remote: str, method: str = "") -> Answer:
        """Answer what the server itself refuses; who asked is not known."""
        return _problem(refusal_of(error).status, error.detail, *headers_of(error))

    def answer(self, request: HttpRequest) -> Answer:
        """Answer a request; raises nothing."""
        try:
            return self._answer(request)
        except _Refused as refused:
            return _refusal(request, refused.status, refused.detail, *refused.headers)
        except WrongCommand as error:
            return _refusal(request, HTTPStatus.BAD_REQUEST, str(error))
        except MessageRefused as error:
            return _refusal(request, refusal_of(error).status, error.detail, *headers_of(error))
        except BeingReset as error:
            return _refusal(request, HTTPStatus.SERVICE_UNAVAILABLE, str(error), ("Retry-After", RETRY_AFTER))
        except GatewayError as error:
            return _refusal(request, HTTPStatus.CONFLICT, str(error))
        except Exception as error:
            _log.exception("a defect of the sandbox")
            detail = f"a defect: {type(error).__name__}; see gateway.log"
            return _refusal(request, HTTPStatus.INTERNAL_SERVER_ERROR, detail)

    def _answer(self, request: HttpRequest) -> Answer:
        _check_origin(request)
        check_coding(request)
        path = request.path.rstrip("/") or "/"
        if path in _COMMANDS:
            _check_method(request, _POST)
            return _json(self._sandbox.do(_COMMANDS[path], _members(request)))
        with self._sandbox.renewal.reading():
            shown = self._shown(path, request)
            if shown is None:
                raise _Refused(HTTPStatus.NOT_FOUND, _there_is_none(path))
            has_forms = path == "/" or path.startswith("/messages/")
            _check_method(request, _PAGE if has_forms else _GET)
            if request.method != "POST":
                return shown()
        return self._form(request, path)

    def _shown(self, path: str, request: HttpRequest) -> Callable[[], Answer] | None:
        """Return what shows what is at a path; None: nothing is."""
        tables: Mapping[str, tuple[Collection[str], Callable[[Mapping[str, str]], Answer]]] = {
            "/": (
                ("news", *page.ASKED),
                lambda query: _html(page.overview(self._sandbox, _given(query), self._news_in(query))),
            ),
            "/openapi.json": ((), lambda _: _json(describe(request.host))),
            "/v1/status": ((), lambda _: _json(self._sandbox.status())),
            "/v1/messages": (("since", "last"), lambda query: _json(self._messages(query))),
            "/v1/mails": ((), lambda _: _json([one.told for one in self._sandbox.mails.all()])),
        }
        if path in tables:
            names, show = tables[path]
            return lambda: show(_query(request, names))
        return self._one(path.strip("/").split("/"), request)

    def _one(self, steps: list[str], request: HttpRequest) -> Callable[[], Answer] | None:
        """Return what shows one message, as a page or its bytes, or one email; None: there is no such."""
        match steps:
            case ["messages", number] if is_digits(number):
                shown = page.message(self._sandbox, int(number), self._news_in(_query(request, ("news",))))
                return None if shown is None else lambda: _html(shown)
            case ["v1", "messages", number, *rest] if is_digits(number) and rest in ([], ["answer"]):
                found = self._sandbox.world.traffic.content(int(number), answer=bool(rest))
                return None if found is None else lambda: _text(found[0])
            case ["v1", "hubs", name]:
                stands = self._hub(name)
                return None if stands is None else lambda: _json(stands)
            case ["mails", number]:
                letter = self._mail(number)
                return None if letter is None else lambda: _html(page.mail(letter))
            case ["v1", "mails", number]:
                raw = self._mail(number)
                return None if raw is None else lambda: _text(raw.path.read_bytes())
        return None

    def _hub(self, name: str) -> Mapping[str, object] | None:
        try:
            device_id = HUB.read(name)
        except ValueError:
            return None
        return hub_standing(self._sandbox.world, device_id)

    def _mail(self, number: str) -> Mail | None:
        mails = self._sandbox.mails.all()
        return mails[int(number) - 1] if is_digits(number) and 0 < int(number) <= len(mails) else None

    def _messages(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        since, last = _number(query, "since", 0), _number(query, "last", _LAST)
        return self._sandbox.world.traffic.messages(since=since, last=min(last, _MOST))

    def _form(self, request: HttpRequest, path: str) -> Answer:
        """Carry out what a form of a page asks for, and go back to that page as it was, which says what came of it."""
        try:
            fields = _fields(request.content.decode(), "the form")
        except UnicodeDecodeError:
            raise WrongCommand("the form is not UTF-8") from None
        # A field of the page that nobody filled in was not given.
        members: dict[str, Any] = {name: value for name, value in fields.items() if value}
        command = members.pop("do", "")
        refused = None
        try:
            said = page.news_of(self._sandbox.do(command, members))
        except GatewayError as error:
            said, refused = [Line(str(error), bad=True)], Refused(command, members)
        asked = {**_given(_query(request, ("news", *page.ASKED))), "news": self._keep(News(said, refused))}
        return Answer(HTTPStatus.SEE_OTHER, _PLAIN, b"", (("Location", f"{path}?{urlencode(asked)}#news"), *_FRESH))

    def _news_in(self, query: Mapping[str, str]) -> News:
        return self._news.get(query.get("news", ""), NO_NEWS)

    def _keep(self, said: News) -> str:
        """Keep what a form brought about, for the page that is shown next; return the number of it."""
        number = str(next(self._numbers))
        self._news[number] = said
        for old in list(self._news)[:-_MOST_NEWS]:
            self._news.pop(old, None)
        return number


def listen(sandbox: Sandbox, port: int) -> Server:
    """Return the listener, not started yet (OSError: the port cannot be used)."""
    server = Server(Control(sandbox), HOST, port, _THREADS, _LIMITS)
    server.listen()
    return server


class _Refused(Exception):
    """A request is refused before anything is done; the text says why."""

    def __init__(self, status: HTTPStatus, detail: str, *headers: tuple[str, str]) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers


def _there_is_none(path: str) -> str:
    """Say what there is not: a thing of a known kind, or anything at all."""
    return next((said for kind, said in _NONE.items() if kind.fullmatch(path)), "nothing is served here")


def _check_origin(request: HttpRequest) -> None:
    """Refuse what another site's page sends through somebody's browser: by its own name for us, or as itself."""
    host = request.host
    if not asked_as_here(host):
        raise _Refused(HTTPStatus.FORBIDDEN, "the sandbox answers under 127.0.0.1 and localhost alone")
    if from_another_site(request.method, host, request.headers):
        raise _Refused(HTTPStatus.FORBIDDEN, "this comes from another site's page")


def _check_method(request: HttpRequest, allowed: Sequence[str]) -> None:
    if request.method not in allowed:
        wanted = f"{request.path} takes {' and '.join(allowed)}, not {request.method}"
        raise _Refused(HTTPStatus.METHOD_NOT_ALLOWED, wanted, ("Allow", ", ".join(allowed)))


def _members(request: HttpRequest) -> dict[str, Any]:
    try:
        members = read_json(request.content or b"{}")
    except ValueError as error:
        raise WrongCommand(f"the body cannot be read: {error}") from None
    if not isinstance(members, dict):
        raise WrongCommand("the body must be a JSON object")
    if null := next((name for name, value in members.items() if value is None), None):
        raise WrongCommand(f"`{null[:40]}` is null: leave it out, or give it")
    return members


def _query(request: HttpRequest, names: Collection[str]) -> dict[str, str]:
    fields = _fields(request.query, "the query")
    for name in fields:
        if name not in names:
            takes = " and ".join(names) or "nothing"
            raise WrongCommand(f"{request.path} takes no {name[:40]!r} in its query; it takes {takes}")
    return fields


def _given(query: Mapping[str, str]) -> dict[str, str]:
    """Return what a page is asked for; a field of a form that nobody filled in asks for nothing."""
    return {name: value.strip() for name, value in query.items() if value.strip() and name != "news"}


def _fields(text: str, what: str) -> dict[str, str]:
    try:
        fields = parse_qs(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except UnicodeDecodeError:
        raise WrongCommand(f"{what} is not UTF-8") from None
    except ValueError:
        raise WrongCommand(f"{what} has more than {_MOST_FIELDS} fields") from None
    for name, values in fields.items():
        if len(values) > 1:
            raise WrongCommand(f"{name[:40]} is there twice in {what}")
    return {name: values[0] for name, values in fields.items()}


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    try:
        return parse_digits(text)
    except ValueError:
        raise WrongCommand(f"{name} must be a whole number of at most 18 digits, not {text[:20]!r}") from None


def _json(content: object) -> Answer:
    return Answer(HTTPStatus.OK, "application/json", json.dumps(content, indent=1).encode() + b"\n", _FRESH)


def _text(content: bytes) -> Answer:
    return Answer(HTTPStatus.OK, _PLAIN, content, _NOT_ELSEWHERE)


def _problem(status: int, detail: str, *headers: tuple[str, str]) -> Answer:
    """Return an error as RFC 9457 has it."""
    told = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return Answer(status, PROBLEM_JSON, json.dumps(told).encode() + b"\n", (*headers, *_FRESH))


def _refusal(request: HttpRequest, status: int, detail: str, *headers: tuple[str, str]) -> Answer:
    """Return an error to a browser as a page with a way back, and to a program as RFC 9457 has it."""
    if not wants_page(request):
        return _problem(status, detail, *headers)
    return _html(page.refused(HTTPStatus(status), detail), HTTPStatus(status), *headers)


def _html(text: str, status: HTTPStatus = HTTPStatus.OK, *headers: tuple[str, str]) -> Answer:
    return Answer(status, _HTML, text.encode(), (*headers, *_NOT_ELSEWHERE))
