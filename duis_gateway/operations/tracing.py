"""Traces across the gateway: from a request, through the outbox, to each attempt to deliver what it caused.

By itself the gateway only passes a trace on (`[tracing] trace_context`); with the extra `opentelemetry` it also records
its own part (`operations.spans`). Nothing depends on either: a trace decides nothing, and whatever cannot be recorded
is answered and delivered all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module

from duis_gateway.errors import ConfigurationError
from duis_gateway.machine.trace_context import read_traceparent, under
from duis_gateway.outbox.senders import Attempt

_EXTRA = "opentelemetry"


class _Passed:
    def __init__(self, traceparent: str | None) -> None:
        self.traceparent = traceparent

    def failed(self, why: str) -> None:
        """Record nothing."""


class Tracing:
    """Passes traces on and records nothing.

    `passes`: whether a request's `traceparent` is taken, and recipients are sent one. Otherwise no trace crosses the
    gateway's border in either direction.
    """

    def __init__(self, *, passes: bool = False) -> None:
        self.passes = passes

    @contextmanager
    def serving(self, header: str, door: str, service: str) -> Iterator[Callable[[int], None]]:
        """Work on a request with this `traceparent` header; yields what is told the status of the answer."""
        with under(read_traceparent(header) if self.passes else None):
            yield _nobody

    @contextmanager
    def attempt(self, kind: str, message_id: str, number: int, traceparent: str | None) -> Iterator[Attempt]:
        """Make an attempt, the `number`th, at a message that was caused under this trace."""
        yield _Passed(traceparent if self.passes else None)

    def stop(self, deadline: float) -> bool:
        """Return whether all is recorded by the deadline, on the monotonic clock."""
        return True


def open_tracing(passes: bool, otlp_url: str | None, version: str) -> Tracing:
    """Return how this process traces.

    Raises:
        ConfigurationError: spans are to be recorded, and the extra for it is not installed.
    """
    if otlp_url is None:
        return Tracing(passes=passes)
    try:
        spans = import_module("duis_gateway.operations.spans")
    except ImportError as error:
        what = f"pip install 'duis-gateway[{_EXTRA}]'"
        raise ConfigurationError(f"[tracing] otlp_url needs the extra {_EXTRA}: {what} ({error})") from None
    made: Tracing = spans.Spans(otlp_url, version, passes=passes)
    return made


def _nobody(_status: int) -> None:
    """Tell nobody the status."""
