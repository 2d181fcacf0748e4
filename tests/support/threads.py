"""A machine that has no threads left for a while."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_MORE_THAN_THERE_IS = 1 << 46
_LOCK = threading.Lock()


@contextmanager
def without_threads(prefix: str, times: int) -> Iterator[list[str]]:
    """Let the system refuse the first `times` threads whose name begins so, as it does beyond `ulimit -u`.

    It is the system's own refusal: each of them asks for a stack that no machine has. Yields the names of those that
    were refused.
    """
    refused: list[str] = []
    real = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        with _LOCK:
            if not thread.name.startswith(prefix) or len(refused) >= times:
                real(thread)
                return
            refused.append(thread.name)
            threading.stack_size(_MORE_THAN_THERE_IS)
            try:
                real(thread)
            finally:
                threading.stack_size(0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        yield refused
