"""Asks a door's edge without a server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from duis_gateway.doors.feeds import Feed
from duis_gateway.doors.http import Edge
from duis_gateway.doors.wire import Answer, HttpRequest


def ask(
    edge: Edge,
    path: str,
    method: str = "GET",
    query: str = "",
    content: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Return the edge's answer to a request."""
    return edge.answer(HttpRequest(method, path, query, headers or {}, content, "192.0.2.1", "an-id"))


def whole(answer: Answer) -> bytes:
    """Return the whole body of an answer."""
    return b"".join(parts(answer))


def parts(answer: Answer) -> Iterator[bytes]:
    """Return the parts in which a body comes."""
    assert not isinstance(answer.body, Feed), "it goes on"
    return iter([answer.body] if isinstance(answer.body, bytes) else answer.body)


def fields(answer: Answer) -> dict[str, str]:
    """Return the header of an answer, with lower-case names."""
    return {"content-type": answer.content_type} | {name.lower(): value for name, value in answer.headers}
