"""Many files open, so that every new one has a number that select(2) cannot hold."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

SELECT_HOLDS = 1024


@contextmanager
def many_descriptors() -> Iterator[None]:
    """Hold more descriptors than select(2) can be told of."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with ExitStack() as held:
            last = 0
            while last <= SELECT_HOLDS:
                last = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
                held.callback(os.close, last)
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
