"""What went over the wire while a case was played: the evidence that its report links to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wire:
    """One message: "sent", "answered" or "received", what it was, and its bytes."""

    way: str
    what: str
    content: bytes
