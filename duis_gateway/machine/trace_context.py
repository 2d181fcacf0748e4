"""The trace that a thread works for (W3C Trace Context): where a request came from is where what it causes came from.

`tracestate` is not passed on, as the recommendation permits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# A later version may have more behind these four parts, and "ff" is no version.
_TRACEPARENT = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?", re.ASCII
)
_current: ContextVar[str | None] = ContextVar("traceparent", default=None)


def read_traceparent(header: str) -> str | None:
    """Return a `traceparent` header's value as version 00 has it; None where it is none, which is no fault."""
    match = _TRACEPARENT.fullmatch(header)
    if match is None or (match[1] == "00" and len(header) > len("00-") + 32 + 1 + 16 + 1 + 2):
        return None
    return f"00-{match[2]}-{match[3]}-{match[4]}"


def trace_id(traceparent: str) -> str:
    """Return the part that is the same wherever the trace goes."""
    return traceparent.split("-")[1]


def current() -> str | None:
    """Return the `traceparent` that this thread works under; None under none."""
    return _current.get()


@contextmanager
def under(traceparent: str | None) -> Iterator[None]:
    """Work under this trace."""
    token = _current.set(traceparent)
    try:
        yield
    finally:
        _current.reset(token)
