"""How a handler says which message it takes: on the handler itself, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from duis_gateway.flow.incoming import Door
from duis_gateway.flow.reply import Reply
from duis_gateway.flow.tx import Tx

Handle = Callable[[Any, Tx], Reply]


@dataclass(frozen=True, slots=True)
class Takes:
    """A body that comes in through a door, and the interactions (rows in design section 3) that it begins."""

    door: Door
    body: type
    rows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Handler:
    """A function from a message and the open transaction to the reply, and what it takes."""

    handle: Handle
    takes: tuple[Takes, ...]

    def __call__(self, message: Any, tx: Tx) -> Reply:
        """Handle a message; afterwards, whatever it changes and sends is in the transaction."""
        return self.handle(message, tx)


def handles(door: Door, body: type, *rows: str) -> Callable[[Handle | Handler], Handler]:
    """Declare that a function handles this body when it comes in through this door.

    Args:
        door: the door.
        body: the class of the body: of a Service Request, or of a partner's message.
        rows: the interactions that it begins; none if it only changes what other interactions follow from.
    """

    def declare(function: Handle | Handler) -> Handler:
        already, handle = (function.takes, function.handle) if isinstance(function, Handler) else ((), function)
        return Handler(handle, (Takes(door, body, rows), *already))

    return declare
