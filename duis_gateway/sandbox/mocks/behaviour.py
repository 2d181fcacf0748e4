"""Misbehaviour to order: a partner that is slow, broken or gone, so that the gateway's patience can be tried."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """How the partner answers messages.

    `drop` takes the message and closes the connection without an answer; `reset` takes nothing and resets it.
    `garbage` takes the message and answers 200 with bytes that are no XML. `500` and `refuse` (400) take nothing.
    """

    OK = "ok"
    SLOW = "slow"
    ERROR = "500"
    REFUSE = "refuse"
    GARBAGE = "garbage"
    DROP = "drop"
    RESET = "reset"


NORMAL = "normal"
BEHAVIOURS: Mapping[str, Mode] = {
    NORMAL: Mode.OK,
    "slow": Mode.SLOW,
    "refuse": Mode.REFUSE,
    "down": Mode.RESET,
    "error": Mode.ERROR,
    "garbage": Mode.GARBAGE,
    "drop": Mode.DROP,
}
"""How a party can be told to answer what it is sent, in the sandbox's words."""
_WORDS = {mode: word for word, mode in BEHAVIOURS.items()}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A mode, for `count` messages (None: until told otherwise); `delay` in seconds is for `slow`."""

    mode: Mode = Mode.OK
    count: int | None = None
    delay: float = 5.0


class Temper:
    """The behaviour in force."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._behaviour = Behaviour()
        self._left: int | None = None

    def change(self, behaviour: Behaviour) -> None:
        """Behave like this from the next message on."""
        with self._lock:
            self._behaviour, self._left = behaviour, behaviour.count

    @property
    def word(self) -> str:
        """How the next message is answered, in the sandbox's words."""
        with self._lock:
            return _WORDS[self._behaviour.mode]

    def next(self) -> Behaviour:
        """Return how to answer the message that has come, and count it."""
        with self._lock:
            behaviour = self._behaviour
            if self._left is not None:
                self._left -= 1
                if self._left <= 0:
                    self._behaviour, self._left = Behaviour(), None
            return behaviour
