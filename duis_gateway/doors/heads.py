"""The head of an answer: its status line and header, as HTTP/1.1 and 1.0 have them."""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus

from duis_gateway.doors.http1 import RequestLine
from duis_gateway.doors.wire import Answer


def head_of(answer: Answer, length: int | None, asked: RequestLine, *, last: bool) -> bytes:
    """Return the head of an answer; `length` in bytes, None where it comes in pieces; `last`: the connection ends."""
    fields = [("Content-Type", answer.content_type), *answer.headers, ("Date", formatdate(usegmt=True))]
    if length is not None:
        fields.append(("Content-Length", str(length)))
    elif asked.minor_version and asked.method != "HEAD":
        fields.append(("Transfer-Encoding", "chunked"))
    if last:
        fields.append(("Connection", "close"))
    elif not asked.minor_version:
        fields.append(("Connection", "keep-alive"))
    status = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n"
    return (status + "".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n").encode("latin-1")
