"""The log of what was asked: a line for each refusal and each answer; never what was sent (threats section 4)."""

from __future__ import annotations

import hashlib
import logging
from typing import NamedTuple

from duis_gateway.doors.wire import HttpRequest
from duis_gateway.errors import IdentityReused, MessageRefused, NotDurable, refusal_of

audit_log = logging.getLogger("duis_gateway.audit")
access_log = logging.getLogger("duis_gateway.access")
_LONGEST_CAUSE = 1000


class Exchange(NamedTuple):
    """What an audit line says of the request: our names for it, and hostile input by length and hash alone."""

    correlation_id: str
    door: str
    service: str
    method: str
    path: str
    remote: str
    body: bytes


def record_refusal(exchange: Exchange, error: MessageRefused, status: int) -> None:
    """Write one line to the logger `duis_gateway.audit`; the fields are in the record as `extra`."""
    refusal = refusal_of(error)
    cause = {"cause": one_line(error.reason, _LONGEST_CAUSE)} if isinstance(error, NotDurable) and error.reason else {}
    audit_log.warning(
        "message refused",
        extra={
            "event": "identity_reused" if isinstance(error, IdentityReused) else "message_refused",
            "correlation_id": exchange.correlation_id,
            "door": exchange.door,
            "service": exchange.service,
            "stage": refusal.stage,
            "status": status,
            "error": type(error).__name__,
            "reason": one_line(error.detail),
            **cause,
            "remote": exchange.remote,
            "path_length": len(exchange.path),
            "path_sha256": _hash(exchange.path.encode("utf-8", "surrogateescape")),
            "body_length": len(exchange.body),
            "body_sha256": _hash(exchange.body),
        },
    )


def record_answer(request: HttpRequest, door: str, service: str, status: int, seconds: float) -> None:
    """Write one line to the logger `duis_gateway.access`, with what the steps noted of a proven message."""
    if access_log.isEnabledFor(logging.INFO):
        access_log.info(
            "request answered",
            extra={
                "event": "request_answered",
                "correlation_id": request.correlation_id,
                "door": door,
                "service": service,
                "method": request.method,
                "status": status,
                "milliseconds": round(seconds * 1000, 1),
                "remote": request.remote,
                "body_length": len(request.content),
                **request.notes,
            },
        )


def one_line(text: str, longest: int = 200) -> str:
    """Return at most `longest` characters of text as printable ASCII, so that it cannot forge a line of the log."""
    return text[:longest].encode("unicode_escape").decode("ascii")


def _hash(hostile: bytes) -> str:
    return hashlib.sha256(hostile).hexdigest()
