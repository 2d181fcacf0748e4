"""The edge that all public doors share: the table of paths, and what holds for each request, whatever comes.

Every answer has an `X-Correlation-ID` of the gateway's own. Every refusal has an audit line. Whatever a door raises
that is no refusal is a defect of ours: the log has the cause, the wire has the correlation id.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Protocol

from duis_gateway.doors.audit import Exchange, record_refusal
from duis_gateway.doors.problem import our_defect, problem_answer
from duis_gateway.doors.wire import Answer, HttpRequest
from duis_gateway.errors import MessageRefused, MethodNotAllowed, NoSuchPath, refusal_of, without_frames
from duis_gateway.operations.metrics import Metrics

StartResponse = Callable[[str, list[tuple[str, str]]], object]


class WsgiApp(Protocol):
    """A WSGI application (PEP 3333)."""

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""


@dataclass(frozen=True, slots=True)
class Route:
    """One path of a door. `door` and `service` name it in metrics and audit lines, and are never the sender's words."""

    path: str
    door: str
    service: str
    methods: tuple[str, ...]
    serve: Callable[[HttpRequest], Answer]
    refuse: Callable[[MessageRefused, str], Answer] = problem_answer


def _nothing_here(_request: HttpRequest) -> Answer:
    raise NoSuchPath("nothing is served under this path")


class Edge:
    """The WSGI application of a listener: finds the route, and turns every outcome into an answer."""

    def __init__(self, routes: Iterable[Route], metrics: Metrics) -> None:
        self._routes = {route.path: route for route in routes}
        self._metrics = metrics

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        started = time.perf_counter()
        request = HttpRequest.of(environ, new_correlation_id())
        route = self._route_of(request.path, request.method)
        answer = self._answer(route, request)
        self._record(route, request, answer, time.perf_counter() - started)
        return send(answer, request, start_response)

    def refuse(self, error: MessageRefused, path: str, remote: str) -> Answer:
        """Answer a request that the HTTP server itself refuses, in the form of the door it was meant for."""
        request = HttpRequest("", path, "", {}, _NOTHING, remote, new_correlation_id())
        route = self._route_of(path, "")
        answer = route.refuse(error, request.correlation_id)
        self._record(route, request, answer, 0.0)
        return with_correlation(answer, request.correlation_id)

    def _route_of(self, path: str, method: str) -> Route:
        return self._routes.get(path) or Route(path, "none", "none", (method,), _nothing_here)

    def _answer(self, route: Route, request: HttpRequest) -> Answer:
        try:
            if request.method not in route.methods:
                raise MethodNotAllowed(f"the method must be {' or '.join(route.methods)}")
            return route.serve(request)
        except MessageRefused as error:
            answer = route.refuse(without_frames(error), request.correlation_id)
            if isinstance(error, MethodNotAllowed):
                return replace(answer, headers=(*answer.headers, ("Allow", ", ".join(route.methods))))
            return answer
        except Exception:
            return route.refuse(our_defect(request.correlation_id), request.correlation_id)

    def _record(self, route: Route, request: HttpRequest, answer: Answer, seconds: float) -> None:
        error = answer.refused
        self._metrics.request(route.door, route.service, _outcome(error), seconds)
        if error is not None:
            self._metrics.rejection(refusal_of(error).stage)
            exchange = Exchange(
                request.correlation_id,
                route.door,
                route.service,
                request.method,
                request.path,
                request.remote,
                request.read,
            )
            record_refusal(exchange, error, answer.status)


def _outcome(error: MessageRefused | None) -> str:
    if error is None:
        return "answered"
    return "failed" if refusal_of(error).status >= HTTPStatus.INTERNAL_SERVER_ERROR else "refused"


class _Nothing:
    """The stream of a request that has none."""

    def read(self, _length: int = -1) -> bytes:
        return b""


_NOTHING: Any = _Nothing()


def new_correlation_id() -> str:
    """Return the gateway's own name for one exchange; the sender's is never taken over (threats section 4)."""
    return str(uuid.uuid4())


def with_correlation(answer: Answer, correlation_id: str) -> Answer:
    """Return the answer with its correlation id in the header."""
    return replace(answer, headers=(*answer.headers, ("X-Correlation-ID", correlation_id)))


def send(answer: Answer, request: HttpRequest, start_response: StartResponse) -> Iterable[bytes]:
    """Hand an answer to the WSGI server; a body that comes piece by piece is passed on as it comes."""
    headers = [("Content-Type", answer.content_type), *answer.headers, ("X-Correlation-ID", request.correlation_id)]
    if isinstance(answer.body, bytes):
        headers.append(("Content-Length", str(len(answer.body))))
    start_response(status_line(answer.status), headers)
    if request.method == "HEAD":
        _close(answer.body)
        return [b""]
    return [answer.body] if isinstance(answer.body, bytes) else answer.body


def status_line(status: int) -> str:
    """Return the status with its phrase."""
    return f"{status} {HTTPStatus(status).phrase}"


def _close(body: bytes | Iterator[bytes]) -> None:
    close = getattr(body, "close", None)
    if close is not None:
        close()
