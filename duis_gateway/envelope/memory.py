"""Memory that ends inside libxml2, which then says of the document what is true of the machine."""

from __future__ import annotations

_ROOM = 32 * 1024 * 1024
"""Bytes: more than what a message that failed was asking for at once. They are asked for and never touched."""


def require_memory() -> None:
    """Raise MemoryError if there is none: a document must not be refused for good because of that."""
    bytes(_ROOM)
