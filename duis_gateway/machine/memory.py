"""Memory that goes back to the system when nobody needs it (glibc alone can be told; elsewhere nothing is done)."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import lru_cache

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # of <malloc.h>
_HEAPS = 2
_LARGE = 128 * 1024


def give_large_pieces_back() -> None:
    """Have the C library give large pieces of memory back as soon as they are free (mallopt(3)).

    By default every thread has a heap of its own, and what one large message took stays in each of them.
    """
    mallopt = _of_the_c_library("mallopt")
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _HEAPS)
        mallopt(_M_MMAP_THRESHOLD, _LARGE)


def give_back() -> None:
    """Give back what is free in many small pieces, such as the tree of a large message (malloc_trim(3)).

    It takes milliseconds, so it is for the end of something large.
    """
    malloc_trim = _of_the_c_library("malloc_trim")
    if malloc_trim is not None:
        malloc_trim(0)


@lru_cache
def _of_the_c_library(name: str) -> Callable[..., object] | None:
    function: Callable[..., object] | None = getattr(ctypes.CDLL(None), name, None)
    return function
