"""Figures that take long to count with millions of hubs: counted beside the requests, and shown with their age."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from time import monotonic
from typing import Generic, TypeVar

from duis_gateway.errors import GatewayError
from duis_gateway.machine.threads import started

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

_PATIENCE = 2.0
_QUICK = 1.0
_REST = 20.0
_AFFORDABLE = 2.0
"""Seconds that all figures may take together to be counted anew whenever something happens."""
_UNSEEN = 60.0
"""Seconds, beside twice the time for which figures stand, after which old ones are nobody's last look any more."""
_MOST = 256
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Figure(Generic[Value]):
    """What was counted, and how many seconds ago.

    `is_behind`: something has happened since, so that it may not be so any more.
    """

    value: Value
    age: float
    is_behind: bool = False


@dataclass(slots=True)
class _Slot(Generic[Value]):
    value: Value | None = None
    made: float = 0.0
    took: float = 0.0
    known: bool = False
    facts: Hashable = None
    mark: Hashable = None
    shown_for: float = _UNSEEN
    making: threading.Thread | None = None
    changed: threading.Event = field(default_factory=threading.Event)

    def is_old(self, every: float) -> bool:
        return not self.known or monotonic() - self.made > every

    def is_outlived(self, mark: Hashable) -> bool:
        """Whether something has happened since, and nobody has looked for so long that it could have been counted."""
        return self.known and self.mark != mark and self.is_old(self.shown_for)


class Remembered(Generic[Key, Value]):
    """Keeps one figure for each key, and counts it again when somebody asks and it is old.

    It is counted in a thread of its own, one at a time: each at most every `every` seconds, and all together at most a
    twentieth of the time. Where counting is quick it is also counted anew whenever something has happened, so that
    whoever asks sees it; where it is not, a figure says that something has. Whoever asks waits two seconds at most, and
    only where counting is quick or nothing is known yet. What nobody has asked for in a while is not known any more
    once something has happened: it is counted first.

    Args:
        make: counts; may take as long as it takes, and raise.
        every: seconds that a figure is good for.
    """

    def __init__(self, make: Callable[[Key], Value], every: float) -> None:
        self._make = make
        self._every = every
        self._slots: dict[Key, _Slot[Value]] = {}
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        # Also those that count for what nobody asks for any more.
        self._working: set[threading.Thread] = set()

    def get(
        self, key: Key, *, patience: float | None = None, facts: Hashable = None, mark: Hashable = None
    ) -> Figure[Value] | None:
        """Return the figure; None while it is counted for the first time, or where that failed.

        Args:
            key: which one.
            patience: how many seconds to wait for it where the class says so, None: two; then what is known is taken.
            facts: what it follows from, as it is now; of what was counted by others nothing is known any more.
            mark: what is another value once something has happened, read before this.
        """
        until = monotonic() + (_PATIENCE if patience is None else patience)
        # What is being counted may not have seen the mark yet: then it is counted once more.
        for _ in range(2):
            slot, wait = self._begun(key, facts, mark)
            if not wait or not slot.changed.wait(max(0.0, until - monotonic())):
                break
        if not slot.known or slot.value is None or slot.is_outlived(mark):
            return None
        return Figure(slot.value, monotonic() - slot.made, slot.mark != mark)

    def _begun(self, key: Key, facts: Hashable, mark: Hashable) -> tuple[_Slot[Value], bool]:
        """Have a figure counted that is old or behind; return its place, and whether it is to be waited for."""
        with self._lock:
            if len(self._slots) > _MOST:
                self._slots.clear()
            slot = self._slots.setdefault(key, _Slot(facts=facts))
            if slot.facts != facts:
                slot = self._slots[key] = _Slot(facts=facts, took=slot.took)
            takes = sum(one.took for one in self._slots.values())
            due = max(self._every, _REST * takes)
            slot.shown_for = 2 * due + _UNSEEN
            is_due = slot.is_old(due) or (slot.mark != mark and takes < _AFFORDABLE)
            if slot.making is None and is_due:
                slot.changed.clear()
                slot.making = started(self._work, key, slot, mark, name="console")
                alive = (one for one in (*self._working, slot.making) if one is not None and one.is_alive())
                self._working = set(alive)
            return slot, slot.making is not None and (slot.took < _QUICK or slot.is_outlived(mark))

    def forget(self) -> None:
        """Count everything anew when it is asked for: something was changed here."""
        with self._lock:
            self._slots.clear()

    def stop(self, deadline: float) -> bool:
        """Return whether nothing is being counted any more by the deadline, on the monotonic clock."""
        with self._lock:
            working = list(self._working)
        for thread in working:
            thread.join(max(0.0, deadline - monotonic()))
        return not any(thread.is_alive() for thread in working)

    def _work(self, key: Key, slot: _Slot[Value], mark: Hashable) -> None:
        value: Value | None = None
        with self._turn:
            began = monotonic()
            try:
                value = self._make(key)
            except GatewayError as error:
                _log.warning("one of the console's figures cannot be counted: %s", error)
            except Exception:
                _log.exception("one of the console's figures cannot be counted", extra={"event": "defect"})
        with self._lock:
            slot.took = monotonic() - began
            if value is not None:
                slot.value, slot.known, slot.mark, slot.made = value, True, mark, monotonic()
            slot.making = None
        slot.changed.set()
