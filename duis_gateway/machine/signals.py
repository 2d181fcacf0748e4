"""How a process is told to stop, and the one deadline by which it has (threat F24)."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from duis_gateway.machine.threads import BoundedThread

_log = logging.getLogger(__name__)

_SECONDS_FOR_PARTS = 8.5
_SECONDS_FOR_ALL = 9.3
"""Ten seconds are promised; what has hung by then is left behind."""
_SECONDS_FOR_THE_LINE = 0.2
"""Until the log's writer has written why: nothing waits for it that may hang too."""


def _numbers(*names: str) -> tuple[int, ...]:
    """Return the signals of these names that this system has."""
    return tuple(getattr(signal, name) for name in names if hasattr(signal, name))


ORDERS = _numbers("SIGTERM", "SIGINT", "SIGQUIT")
"""A person, or a service manager, wants the process to end."""
TIME_OVER = _numbers("SIGALRM", "SIGVTALRM", "SIGPROF", "SIGXCPU", "SIGPWR")
"""A time that somebody set for the process is over (`ulimit -t`, a timer from before it was started), or the power is.

Whoever uses one for something else, as profilers do, has a handler of its own, which stays.
"""
NOTICES = (
    *_numbers("SIGUSR1", "SIGUSR2", "SIGIO", "SIGSTKFLT"),
    *(range(signal.SIGRTMIN, signal.SIGRTMAX + 1) if hasattr(signal, "SIGRTMIN") else ()),
)
"""What nobody says to the gateway, and would end a process that does not expect it."""


class Stop:
    """The order to stop: given once, by anyone, and seen by everything that runs.

    All parts share the deadline that it sets, so that no part can use up the time of another.
    """

    def __init__(self, seconds: float = _SECONDS_FOR_PARTS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._told = threading.Event()
        self._deadline = float("inf")

    def tell(self) -> None:
        """Give the order; only the first counts."""
        with self._lock:
            if not self._told.is_set():
                self._deadline = monotonic() + self._seconds
                self._told.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the order is given, or for so many seconds; return whether it is."""
        return self._told.wait(seconds)

    @property
    def is_told(self) -> bool:
        """Whether the order has been given."""
        return self._told.is_set()

    @property
    def deadline(self) -> float:
        """When everything has to be over, on the monotonic clock; infinity until the order is given."""
        return self._deadline


class ProcessSignals:
    """What the signals of this process do; make it in the main thread.

    `ORDERS` and `TIME_OVER` tell `stop`, and the log says which it was; SIGHUP calls what `on_hangup` holds, and
    `NOTICES` do nothing. A thread of their own hears them, so that they count whatever the main thread is doing, even
    where it hangs in a library. Once told to stop, a process that has not ended 9.3 seconds later is ended there and
    then, with a line in the log: all that was acknowledged is stored, and leases run out by themselves.
    """

    def __init__(self, stop: Stop) -> None:
        self.on_hangup: tuple[Callable[[], None], ...] = ()
        self._stop = stop
        reading, self._writing = socket.socketpair()
        self._writing.setblocking(False)
        signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        self._ending = {*ORDERS, *filter(_has_no_handler, TIME_OVER)}
        for number in (*self._ending, signal.SIGHUP):
            signal.signal(number, lambda _number, _frame: None)  # the wakeup descriptor says which it was
        ignore_notices()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HARMLESS)
        threading.Thread(target=self._listen, args=(reading,), name="signals", daemon=True).start()
        threading.Thread(target=self._end_at_last, name="last-resort", daemon=True).start()

    def _listen(self, reading: socket.socket) -> None:
        while numbers := reading.recv(64):
            for number in numbers:
                self._obey(number)

    def _obey(self, number: int) -> None:
        if number in self._ending:
            if not self._stop.is_told:
                _log.info("stopping", extra={"event": "stopping", "signal": signal.Signals(number).name})
            self._stop.tell()
            return
        if number != signal.SIGHUP:  # another's, who has a handler for it
            return
        for read_again in self.on_hangup:
            try:
                read_again()
            except Exception:
                _log.exception("not everything could be reloaded", extra={"event": "reload-failed"})

    def _end_at_last(self) -> None:
        self._stop.wait()
        threading.Event().wait(_SECONDS_FOR_ALL)
        try:
            BoundedThread(_say_what_hangs, name="last-word", seconds=_SECONDS_FOR_THE_LINE).start()
            threading.Event().wait(_SECONDS_FOR_THE_LINE)
        finally:  # a machine without a thread to give ends it without a word
            os._exit(0)


def _say_what_hangs() -> None:
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    about = {"event": "stopped-by-force", "traceback": "".join(traceback.format_stack(frame))}
    _log.warning("the process does not end by itself, and is killed", extra=about)


_HARMLESS = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
"""What would end a process that has no handler for it yet, and is no order to end."""


@contextmanager
def held_back() -> Iterator[None]:
    """Let a process that is started here keep these signals until `ProcessSignals` is there to hear them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HARMLESS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Interrupted(KeyboardInterrupt):
    """A signal told this command to end: by Ctrl-C, or by a time limit, an ended session or a service manager."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def interrupt_by_signals() -> None:
    """Let what ends a process raise `Interrupted`, so that a command takes away what it could not finish.

    What is ignored (by `nohup`, say) stays ignored.
    """
    for number in (*ORDERS, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    for number in filter(_has_no_handler, TIME_OVER):
        signal.signal(number, _interrupt)


def _has_no_handler(number: int) -> bool:
    return signal.getsignal(number) is signal.SIG_DFL


def _interrupt(number: int, _frame: object) -> None:
    raise Interrupted(number)


def end_by(number: int) -> None:
    """End this process by the signal itself, as whoever sent it expects: a shell says 128 and its number."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def ignore_notices() -> None:
    """Let `NOTICES` do nothing, where they would end the process."""
    for number in NOTICES:
        signal.signal(number, signal.SIG_IGN)


def ignore_all_but_the_end() -> None:
    """Let SIGHUP and `NOTICES` do nothing, in a process that has nothing to read again."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    ignore_notices()
