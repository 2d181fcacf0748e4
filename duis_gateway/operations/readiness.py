"""Readiness without waiting: a thread looks every second whether a message could be taken, and an answer only tells.

So a database that never answers holds up neither the probes of a load balancer nor those that ask whether the process
is alive (threat F11), and the log says when the gateway stops and begins again to be ready, whoever asks.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from time import monotonic
from typing import NamedTuple

from duis_gateway.machine.threads import lasting

_EVERY = 1.0
_LONGEST_LOOK = 5.0
_FIRST_LOOK = 1.0
_log = logging.getLogger(__name__)


class Check(NamedTuple):
    """Whether one thing that the gateway needs is there, and what an operator should know of it."""

    ok: bool
    detail: str = ""


Checks = Mapping[str, Check]


class Lookout:
    """Looks again and again, and tells what it saw last.

    Args:
        look: makes the checks; may take as long as it takes, and raise.
        every: seconds from one look to the next.
        longest: seconds after which a look that has not ended counts as a check that failed.
    """

    def __init__(self, look: Callable[[], Checks], every: float = _EVERY, longest: float = _LONGEST_LOOK) -> None:
        self._look = look
        self._every = every
        self._longest = longest
        self._over = threading.Event()
        self._looked = threading.Event()
        self._began = monotonic()
        self._seen: Checks = {}
        self._told: str | None = ""
        self._thread = lasting(self._work, name="readiness")

    def start(self) -> None:
        """Begin to look; returns after the first look, where that ends soon."""
        self._thread.start()
        self._looked.wait(min(_FIRST_LOOK, self._longest))

    def begin_to_stop(self) -> None:
        """Look no more; returns at once."""
        self._over.set()

    def stop(self, deadline: float) -> bool:
        """Return whether the last look has ended by the deadline, on the monotonic clock."""
        self.begin_to_stop()
        if self._thread.ident is not None:
            self._thread.join(max(0.0, deadline - monotonic()))
        return not self._thread.is_alive()

    def __call__(self) -> Checks:
        """Return what was seen last; waits for nothing."""
        seconds = monotonic() - self._began
        if self._looked.is_set() and seconds <= self._longest + self._every:
            return self._seen
        overdue = Check(ok=False, detail=f"the look at what the gateway needs has not ended for {seconds:.0f} seconds")
        return {**self._seen, "readiness": overdue}

    def _work(self) -> None:
        while not self._over.is_set():
            self._began = monotonic()
            self._seen = self._checks()
            self._looked.set()
            self._tell()
            self._over.wait(self._every)

    def _checks(self) -> Checks:
        try:
            return self._look()
        except Exception:
            _log.exception("the readiness cannot be determined")
            return {"readiness": Check(ok=False, detail="cannot be determined; see the log")}

    def _tell(self) -> None:
        wrong = "; ".join(f"{name}: {check.detail}" for name, check in self._seen.items() if not check.ok)
        if wrong and not self._told:
            _log.warning("not ready: %s", wrong, extra={"event": "not-ready"})
        elif self._told and not wrong:
            _log.info("ready again", extra={"event": "ready-again"})
        self._told = wrong
