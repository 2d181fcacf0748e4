"""The edge that all public doors share: the table of paths, and what holds for each request, whatever comes.

Every answer has an `X-Correlation-ID` of the gateway's own. Every refusal has an audit line, every other answer of a
public door an access line. Whatever a door raises that is no refusal is a defect of ours: the log has the cause, the
wire has the correlation id. A NUL in an address names nothing here, and PostgreSQL takes it in no text: it is refused
before anything is looked for.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from duis_gateway.doors.audit import Exchange, record_answer, record_refusal
from duis_gateway.doors.problem import json_problem_answer, problem_answer, unexpected
from duis_gateway.doors.wire import Answer, HttpRequest, wants_page
from duis_gateway.errors import (
    REFUSALS,
    HttpRefused,
    MessageRefused,
    MethodNotAllowed,
    NoSuchPath,
    NotDurable,
    OurDefect,
    refusal_of,
    without_frames,
)
from duis_gateway.machine.trace_context import current, trace_id
from duis_gateway.operations.metrics import Metrics
from duis_gateway.operations.tracing import Tracing

Refuse = Callable[[MessageRefused, HttpRequest], Answer]


class Application(Protocol):
    """What a server asks about each request."""

    def waits(self, request: HttpRequest) -> bool:
        """Whether answering may take time. What does not is answered at once, beside all workers."""

    def apart(self, request: HttpRequest) -> bool:
        """Whether a worker is kept for it, whatever the others wait for."""

    def answer(self, request: HttpRequest) -> Answer:
        """Answer a request; raises nothing."""

    def refuse(self, error: MessageRefused, path: str, remote: str, method: str = "") -> Answer:
        """Answer what the server itself refuses; `path` is empty where it is not known."""


@dataclass(frozen=True, slots=True)
class Route:
    """One path of a door, or with `/*` at its end every path one step below.

    `door` and `service` name it in metrics and audit lines, and are never the sender's words.

    `waits` is False where the answer needs neither the database nor time. `apart`: a worker is kept for it. `is_page`:
    it is for people, and refuses on a page.
    """

    path: str
    door: str
    service: str
    methods: tuple[str, ...]
    serve: Callable[[HttpRequest], Answer]
    refuse: Refuse = problem_answer
    waits: bool = True
    apart: bool = False
    is_page: bool = False


def _nothing_here(_request: HttpRequest) -> Answer:
    raise NoSuchPath("nothing is served at this path")


def _listening(_request: HttpRequest) -> Answer:
    return Answer(200, "text/plain", b"", (("Allow", _PROBE),))


def _first(path: str) -> str:
    """Return the first step of a path: `/party` of `/party/v1/status`."""
    return "/".join(path.split("/", 2)[:2])


def _to_people(page: Refuse) -> Refuse:
    """Return what refuses on a page to a browser, and to programs, which take no HTML, as problem details."""

    def refuse(error: MessageRefused, request: HttpRequest) -> Answer:
        return (page if wants_page(request) else problem_answer)(error, request)

    return refuse


_FAILURES = (REFUSALS[NotDurable], REFUSALS[OurDefect])
"""What the gateway could not do, whoever asks; what else it refuses, anybody can bring about, also a 501 or TooBusy."""
_PLAIN = (problem_answer, json_problem_answer)
_PROBE = "OPTIONS"
_PROBED = Route("*", "none", "probe", (_PROBE,), _listening, waits=False)


class Edge:
    """The application of a listener: finds the route, and turns every outcome into an answer.

    `OPTIONS /` and `OPTIONS *` ask the listener itself (RFC 9110, section 9.3.7): 200 while it accepts requests.
    `access_lines`: log what is answered; not where probes and scrapes come every second. `tracing` is told of each
    request; None: nobody is.
    """

    def __init__(
        self, routes: Iterable[Route], metrics: Metrics, *, access_lines: bool = True, tracing: Tracing | None = None
    ) -> None:
        self._routes = {route.path: route for route in routes}
        # Where nothing is served, a refusal has the form of the doors beside it; pages at "/" are beside everything.
        self._refuses: dict[str, Refuse] = {
            _first(path): one.refuse for path, one in self._routes.items() if one.refuse in _PLAIN
        }
        self._refuses |= {_first(path): _to_people(one.refuse) for path, one in self._routes.items() if one.is_page}
        self._refuses_elsewhere = self._refuses.get("/", problem_answer)
        self._metrics = metrics
        self._access_lines = access_lines
        self._tracing = tracing

    def waits(self, request: HttpRequest) -> bool:
        """Whether answering may take time."""
        return self._route_of(request.path, request.method).waits

    def apart(self, request: HttpRequest) -> bool:
        """Whether a worker is kept for it."""
        return self._route_of(request.path, request.method).apart

    def answer(self, request: HttpRequest) -> Answer:
        """Answer one request."""
        started = time.perf_counter()
        route = self._route_of(request.path, request.method)
        answer = self._answer(route, request) if self._tracing is None else self._traced(self._tracing, route, request)
        self._record(route, request, answer, time.perf_counter() - started)
        return with_correlation(answer, request.correlation_id)

    def refuse(self, error: MessageRefused, path: str, remote: str, method: str = "") -> Answer:
        """Answer a request that the HTTP server itself refuses, in the form of the door it was meant for."""
        request = HttpRequest(method, path, "", {}, b"", remote, new_correlation_id())
        route = self._route_of(path, "")
        answer = route.refuse(error, request)
        self._record(route, request, answer, 0.0)
        return with_correlation(answer, request.correlation_id)

    def _route_of(self, path: str, method: str) -> Route:
        if method == _PROBE and path in ("/", "*"):
            return _PROBED
        folder = path.rpartition("/")[0]
        return (
            self._routes.get(path)
            or self._routes.get(f"{folder}/*")
            or Route(path, "none", "none", (method,), _nothing_here, self._refuse_beside(path))
        )

    def _refuse_beside(self, path: str) -> Refuse:
        return self._refuses.get(_first(path), self._refuses_elsewhere)

    def _traced(self, tracing: Tracing, route: Route, request: HttpRequest) -> Answer:
        with tracing.serving(request.headers.get("traceparent", ""), route.door, route.service) as answered:
            if (trace := current()) is not None:
                request.notes["trace_id"] = trace_id(trace)
            answer = self._answer(route, request)
            answered(answer.status)
            return answer

    def _answer(self, route: Route, request: HttpRequest) -> Answer:
        try:
            if "\0" in request.path or "%00" in request.query:
                raise HttpRefused("the address has a NUL (%00)")
            if request.method not in route.methods:
                raise MethodNotAllowed(f"the method must be {' or '.join(route.methods)}")
            return route.serve(request)
        except MessageRefused as error:
            answer = route.refuse(without_frames(error), request)
            if isinstance(error, MethodNotAllowed):
                return replace(answer, headers=(*answer.headers, ("Allow", ", ".join(route.methods))))
            return answer
        except Exception:
            return route.refuse(unexpected(request.correlation_id), request)

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
                request.content,
            )
            record_refusal(exchange, error, answer.status)
        elif self._access_lines and route is not _PROBED:
            record_answer(request, route.door, route.service, answer.status, seconds)


def _outcome(error: MessageRefused | None) -> str:
    if error is None:
        return "answered"
    return "failed" if refusal_of(error) in _FAILURES else "refused"


def new_correlation_id() -> str:
    """Return the gateway's own name for one exchange; the sender's is never taken over (threats section 4)."""
    return str(uuid.uuid4())


def with_correlation(answer: Answer, correlation_id: str) -> Answer:
    """Return the answer with its correlation id in the header."""
    return replace(answer, headers=(*answer.headers, ("X-Correlation-ID", correlation_id)))
