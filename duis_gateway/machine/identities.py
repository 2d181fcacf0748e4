"""Identities that no other message or list has: random ones, and in the sandbox the same ones in each run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from uuid import NAMESPACE_URL, uuid4, uuid5


class _Source:
    """Where this process's identities come from."""

    def __init__(self) -> None:
        self.next: Callable[[], object] = uuid4


_source = _Source()


def new_identity() -> str:
    """Return a UUID that was never returned before (RFC 9562)."""
    return str(_source.next())


@contextmanager
def counted_identities(of: str) -> Iterator[None]:
    """Let this process make the UUIDs of a name and a number (version 5), so that a run can be had again.

    Whoever begins again under the same name gets the same ones: for tests alone.
    """
    before, numbers = _source.next, count(1)
    _source.next = lambda: uuid5(NAMESPACE_URL, f"{of}/{next(numbers)}")
    try:
        yield
    finally:
        _source.next = before
