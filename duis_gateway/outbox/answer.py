"""What the header of a recipient's answer says (RFC 9110, RFC 9112)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-9]\d\d)(?: |\r?\n)")


def field(line: bytes) -> tuple[bytes, str]:
    """Return the name of one line of a header, in lower case, and its value."""
    name, _, value = line.partition(b":")
    return name.strip().lower(), value.decode("latin-1").strip()


def seconds_asked(retry_after: str | None, date: str | None) -> float | None:
    """Return what `Retry-After` asks for; a date is compared with the answer's own `Date` (RFC 9110, 10.2.3)."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text)
        now = parsedate_to_datetime(date) if date else datetime.now(UTC)
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None


def stays_open(status_line: bytes, lines: Sequence[bytes]) -> bool:
    """Whether the connection is to be used again after this answer (RFC 9112, 6.3 and 9.3): it shows its own end."""
    fields = [line.lower() for line in lines]
    if not status_line.startswith(b"HTTP/1.1 ") or any(
        one.startswith(b"connection:") and b"close" in one for one in fields
    ):
        return False
    return status_line.startswith(b"HTTP/1.1 204") or any(
        one.startswith(b"content-length:") or (one.startswith(b"transfer-encoding:") and b"chunked" in one)
        for one in fields
    )
