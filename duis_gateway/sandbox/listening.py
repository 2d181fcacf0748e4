"""`duis-gateway listen`: takes a supplier's alerts in the sandbox, shows each, and hands it to its own server.

What that server answers is what the gateway gets.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from duis_gateway.client import ClientError, Message, NoAnswer, Trust
from duis_gateway.client.as_json import to_json
from duis_gateway.client.http import Http
from duis_gateway.client.messages import read_message
from duis_gateway.client.receiver import MAX_MESSAGE
from duis_gateway.client.server import Serving, read_body, unreadable
from duis_gateway.duis.alerts.kind import AlertBody
from duis_gateway.duis.eui import Eui
from duis_gateway.errors import ConfigurationError
from duis_gateway.outbox.retry import Failure, FailureKind
from duis_gateway.partners.xml import format_time
from duis_gateway.sandbox.cast import Member
from duis_gateway.sandbox.folder import REFUSED_ATTEMPTS
from duis_gateway.sandbox.remote import CommandFailed, NotNow, Remote
from duis_gateway.text.counts import counted

SECONDS = 9.0
"""Less than the gateway waits for an answer."""
_PAUSE = 1.0
_TRIES = 5
_MOST_ANSWER = 300
_SUCCESS = 2
_XML = {"Content-Type": "application/xml"}


@dataclass(frozen=True)
class Heard:
    """One message: what it proves and says, and what the supplier's own server answered (0: nothing).

    `repeat`: that server had taken it before; `attempt`: how often it has come, the first time 1.
    """

    message: Message | None
    problem: str
    repeat: bool
    attempt: int
    status: int
    seconds: float
    error: str

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        told: dict[str, Any] = {"proven": self.message is not None}
        if self.message is None:
            told["problem"] = self.problem
        else:
            one = self.message
            told |= {
                "kind": one.kind,
                "id": one.id,
                "from": str(one.sender),
                "at": format_time(one.at),
                "repeat": self.repeat,
                "attempt": self.attempt,
                "says": said(one),
                "message": to_json(one.root),
            }
        told["adapter"] = {"status": self.status, "seconds": round(self.seconds, 3), "error": self.error or None}
        return told

    @property
    def taken(self) -> bool:
        """Whether it is proven, and the supplier's own server, where there is one, took it."""
        return self.message is not None and self.status // 100 == _SUCCESS

    def line(self) -> str:
        """Return it on one line."""
        if self.message is None:
            return f"NOT PROVEN: {self.problem}"
        again = " (a repeat)" if self.repeat else f" (attempt {self.attempt})" if self.attempt > 1 else ""
        return f"{self.message.kind}{again}, signature good: {said(self.message)} -> {self._answered()}"

    def _answered(self) -> str:
        if not self.status:
            return f"{self.error}; the gateway will try again"
        if self.taken:
            then = ""
        elif Failure(FailureKind.STATUS, "", self.status).concerns_message:
            then = f"; refused: the gateway gives it up after {counted(REFUSED_ATTEMPTS, 'attempt')}"
        else:
            then = "; the gateway will try again"
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = ""
        return f"HTTP {self.status} {phrase} in {self.seconds * 1000:.0f} ms{then}"


def said(message: Message) -> str:
    """Return what an alert says to people, in one sentence or a few."""
    body = message.body
    return " ".join(body.words().paragraphs) if isinstance(body, AlertBody) else "a message without an alert"


@dataclass
class Relay:
    """What the gateway posts to: takes a message, shows it, and passes it on."""

    member: Member
    trust: Trust
    forward: str | None
    show: Callable[[Heard], None]
    http: Http
    begun: Callable[[], str]
    _taken: set[tuple[str, str]] = field(default_factory=set)
    _came: Counter[tuple[str, str]] = field(default_factory=Counter)
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def _show(self, heard: Heard) -> None:
        with self._one_at_a_time:  # messages come at the same time, and their lines would run into each other
            self.show(heard)

    def wsgi(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request of the gateway (PEP 3333)."""
        if environ["REQUEST_METHOD"] != "POST":
            status, body = 405, b"messages come by POST"
        elif refused := unreadable(environ):
            status, body = refused[0].value, refused[1].encode()
        else:
            status, body = self.take(read_body(environ, MAX_MESSAGE))
        start_response(f"{status} {_phrase(status)}", [("Content-Length", str(len(body)))] if status != 204 else [])
        return [body]

    def take(self, raw: bytes) -> tuple[int, bytes]:
        """Take one message; return the status and the text for the gateway."""
        try:
            message = read_message(self.trust.prove(raw), Eui(self.member.eui), raw)
        except ClientError as error:
            self._show(Heard(None, error.detail, False, 1, 400, 0.0, ""))
            return 400, error.detail.encode()
        known = (self.begun(), message.id)  # a sandbox that is begun anew has the same ids for other messages
        with self._one_at_a_time:
            self._came[known] += 1
            repeat, attempt = known in self._taken, self._came[known]
        began = time.monotonic()
        status, body, failure = self._pass_on(raw)
        if status // 100 == _SUCCESS:
            self._taken.add(known)
        self._show(Heard(message, "", repeat, attempt, status, time.monotonic() - began, failure))
        return (status, body) if status else (502, failure.encode())

    def _pass_on(self, raw: bytes) -> tuple[int, bytes, str]:
        if self.forward is None:
            return 204, b"", ""
        try:
            answer = self.http.post(self.forward, raw, _XML)
        except NoAnswer as error:
            return 0, b"", error.detail
        return answer.status, answer.body[:_MOST_ANSWER], ""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Answer"


def listen(
    remote: Remote,
    member: Member,
    forward: str | None,
    show: Callable[[Heard], None],
    wait: Callable[[Sequence[str], Callable[[], str]], object],
    http: Http,
) -> None:
    """Take what a supplier receives until `wait` returns, passed on by `http`; afterwards it goes where it went.

    `wait` is told from whom it is taken, a line for each, and what to ask now and then: whether that has changed.

    Raises:
        GatewayError: no sandbox listens there, or its reset does not end.
    """
    status = once_it_stands(remote)
    trust = Trust.certificate(status["you"]["gateway_certificate"])
    begun = _Begun(remote, status["begun"])
    with Serving(Relay(member, trust, forward, show, http, begun).wsgi) as server:
        own = server.url + "/"
        _goes_to_here, *others = remote.do("address", {"supplier": member.name, "url": own, "passing": True})["notes"]
        try:
            wait(others, Watch(remote, member, own))
        finally:
            # A sandbox that is gone has nothing to be told.
            with suppress(CommandFailed, ConfigurationError):
                remote.do("address", {"supplier": member.name, "ended": own})


def once_it_stands(remote: Remote, pause: float = _PAUSE) -> Any:
    """Return how the sandbox stands, asked again while it is being reset (errors as `Remote.get`)."""
    for _ in range(_TRIES):
        with suppress(NotNow):
            return remote.status()
        time.sleep(pause)
    return remote.status()


@dataclass
class Watch:
    """Whether a supplier's alerts still come here; called, it says in a line what has changed, "" where nothing has."""

    remote: Remote
    member: Member
    own: str
    _last: str = ""

    def __call__(self) -> str:
        """Ask the sandbox, and tell what is new since it was asked before."""
        now = self._elsewhere()
        changed, self._last = now != self._last, now
        if not changed:
            return ""
        return now or f"The alerts for {self.member.name} come here again."

    def _elsewhere(self) -> str:
        """Return in words where the alerts go, "" where they come here."""
        try:
            status = self.remote.status()
        except ConfigurationError:
            return "The sandbox has ended: nothing comes until it runs again."
        except CommandFailed:  # it is being begun anew
            return self._last
        [party] = [one for one in status["parties"] if one["name"] == self.member.name]
        if party["url"] == self.own:
            return ""
        there = "to" if party["own"] else "to the sandbox's own adapter at"
        return f"The alerts for {self.member.name} no longer come here: they go {there} {party['url']} now."


@dataclass
class _Begun:
    """When the sandbox was begun anew; while it cannot say so, as it was."""

    remote: Remote
    last: str

    def __call__(self) -> str:
        with suppress(CommandFailed, ConfigurationError):
            self.last = self.remote.status()["begun"]
        return self.last
