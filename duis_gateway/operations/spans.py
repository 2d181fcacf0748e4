"""Traces recorded by OpenTelemetry and sent to a collector by OTLP; the only module that needs the extra for it.

What else OpenTelemetry can be told (the sampler, headers, resource attributes) is read from its own environment
variables, `OTEL_...`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from time import monotonic
from typing import Any, cast

import requests
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from requests.adapters import BaseAdapter

from duis_gateway.client.errors import NotListening, TlsFailed
from duis_gateway.client.http import Http, TlsIdentity
from duis_gateway.machine.threads import started
from duis_gateway.machine.trace_context import read_traceparent, under
from duis_gateway.operations.tracing import Tracing
from duis_gateway.outbox.senders import Attempt

_OUR_FAULT = 500
_SECONDS_A_BATCH = 2.0
_SECONDS_AN_EXPORT = 3
_LONGEST_ANSWER = 64 * 1024
_BY_LIBCURL = frozenset({"accept-encoding", "connection", "content-length"})
"""Headers that are not `requests`' own to say here."""


class Spans(Tracing):
    """Records a span for each request of a public door, and one for each attempt to deliver what it caused.

    Args:
        url: where OTLP is taken over HTTP, such as http://127.0.0.1:4318/v1/traces.
        version: the gateway's.
        passes: as in `Tracing`. Without it a trace begins at the gateway, and ends there.
    """

    def __init__(self, url: str, version: str, *, passes: bool = False) -> None:
        super().__init__(passes=passes)
        resource = Resource.create({"service.name": "duis-gateway", "service.version": version})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=url, timeout=_SECONDS_AN_EXPORT, session=_bounded_session())
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_SECONDS_A_BATCH * 1000))
        self._tracer = self._provider.get_tracer("duis-gateway", version)

    @contextmanager
    def serving(self, header: str, door: str, service: str) -> Iterator[Callable[[int], None]]:
        """Record a request; it continues the sender's trace where traces are passed."""
        parent = read_traceparent(header) if self.passes else None
        about = {"duis.door": door, "duis.service": service}
        with self._span(f"{door} {service}", SpanKind.SERVER, parent, about) as span:

            def answered(status: int) -> None:
                span.set_attribute("http.response.status_code", status)
                if status >= _OUR_FAULT:
                    span.set_status(Status(StatusCode.ERROR))

            with under(_traceparent(span)):
                yield answered

    @contextmanager
    def attempt(self, kind: str, message_id: str, number: int, traceparent: str | None) -> Iterator[Attempt]:
        """Record an attempt; what time brings about, and not a request, is a trace of its own."""
        about: dict[str, str | int] = {"duis.message": kind, "messaging.message.id": message_id, "duis.attempt": number}
        with self._span(f"deliver {kind}", SpanKind.CLIENT, traceparent, about) as span:
            yield _Attempt(span, _traceparent(span) if self.passes else None)

    @contextmanager
    def _span(self, name: str, kind: SpanKind, parent: str | None, about: Mapping[str, str | int]) -> Iterator[Span]:
        span = self._tracer.start_span(name, None if parent is None else _continued(parent), kind, about)
        try:
            yield span
        finally:
            span.end()

    def stop(self, deadline: float) -> bool:
        """Send what is recorded, if that ends by the deadline; the process does not wait for a collector (F24)."""
        thread = started(self._provider.shutdown, name="spans")
        if thread is not None:
            thread.join(max(0.0, min(_SECONDS_AN_EXPORT, deadline - monotonic())))
        return True


class _Bounded(BaseAdapter):
    """Exchanges with a collector by libcurl, of which each has one deadline for all of it, and whose answer is short.

    What `requests` does itself has a deadline for each octet, and reads whatever comes: a collector, or a proxy before
    it, whose answer does not end would fill the memory (threat T63). Nobody needs what it says beyond the status.
    """

    def __init__(self) -> None:
        super().__init__()
        self._exchanges: dict[tuple[str | None, tuple[str, str] | None], Http] = {}

    def send(
        self, request: requests.PreparedRequest, *_: object, verify: Any = True, cert: Any = None, **__: object
    ) -> requests.Response:
        """Post it, by these authorities and this client certificate.

        Raises:
            requests.ConnectionError: nobody is there, or TLS cannot be agreed on; it may be tried again.
            NoAnswer: it did not come in time, or was too long.
            SetupWrong: a certificate's file cannot be used.
        """
        url, content = request.url or "", cast(bytes, request.body or b"")
        headers = {name: str(value) for name, value in request.headers.items() if name.lower() not in _BY_LIBCURL}
        try:
            answer = self._exchange(url, verify, cert).post(url, content, headers)
        except (NotListening, TlsFailed) as error:
            raise requests.ConnectionError(str(error), request=request) from error
        response = requests.Response()
        response.request, response.url, response.status_code = request, url, answer.status
        response.headers.update(answer.headers)
        response.raw = BytesIO()
        return response

    def _exchange(self, url: str, verify: object, cert: Any) -> Http:
        secured = url.startswith("https:")
        authorities = verify if secured and isinstance(verify, str) else None  # None: those of the system
        own = ((cert, cert) if isinstance(cert, str) else cert) if secured else None
        if (known := self._exchanges.get((authorities, own))) is None:
            known = Http(_SECONDS_AN_EXPORT, authorities, _LONGEST_ANSWER, TlsIdentity(*own) if own else None)
            self._exchanges[authorities, own] = known
        return known

    def close(self) -> None:
        """Let go of the connections, of which each thread has its own."""
        self._exchanges.clear()


def _bounded_session() -> requests.Session:
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Bounded())
    return session


class _Attempt:
    def __init__(self, span: Span, traceparent: str | None) -> None:
        self._span = span
        self.traceparent = traceparent

    def failed(self, why: str) -> None:
        """Note why."""
        self._span.set_status(Status(StatusCode.ERROR, why))


def _continued(traceparent: str) -> Context:
    _, trace, span, flags = traceparent.split("-")
    parent = SpanContext(int(trace, 16), int(span, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))
    return set_span_in_context(NonRecordingSpan(parent))


def _traceparent(span: Span) -> str:
    its = span.get_span_context()
    return f"00-{its.trace_id:032x}-{its.span_id:016x}-{its.trace_flags & 1:02x}"
