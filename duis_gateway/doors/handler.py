"""What a door needs of the flow: one callable, from bytes to the signed answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from duis_gateway.errors import NotDurable
from duis_gateway.flow.incoming import Incoming

_LARGE = 128 * 1024
_LARGE_AT_A_TIME = 2
_PATIENCE = 30.0
_turns = threading.BoundedSemaphore(_LARGE_AT_A_TIME)

Handler = Callable[[Incoming], bytes]
"""Takes a message and returns the signed answer, as it goes on the wire.

It raises a `MessageRefused` where the message is not taken; anything else that it raises is a defect of ours.
"""


@contextmanager
def in_turn(size: int) -> Iterator[None]:
    """Hold a message of so many bytes back while two large ones are being worked on, in all doors of the process.

    Parsed, one takes ten times its size; so the memory for all of them is bounded, whoever sends how many.

    Raises:
        NotDurable: its turn has not come in half a minute.
    """
    if size <= _LARGE:
        yield
        return
    if not _turns.acquire(timeout=_PATIENCE):
        raise NotDurable("Too many large messages are being worked on at present.")
    try:
        yield
    finally:
        _turns.release()
