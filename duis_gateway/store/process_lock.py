"""A lock between the processes that write to one SQLite file."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from duis_gateway.errors import NotDurable

_PAUSE_SECONDS = 0.0003
_READ_AND_WRITE = 0o666


class ProcessLock:
    """A file lock in two stages, so that processes take turns.

    A process first takes the turnstile, then the lock itself, then leaves the turnstile. One that writes without
    pause must pass the turnstile again and meets there the process that waited. The kernel drops both when
    a process dies. Not for use by several threads at once: the caller has the turn among its own threads.

    Args:
        path: of the lock; the turnstile lies beside it.
        like: the database, whose owner and mode both files get. They are not made before it is there.
    """

    def __init__(self, path: Path, like: Path) -> None:
        self._paths = (path.with_name(path.name + "-turn"), path)
        self._like = like
        self._files: tuple[int, int] | None = None
        if like.exists():
            self._open()

    def acquire(self, timeout: float) -> None:
        """Take the lock.

        Args:
            timeout: seconds to wait at most.

        Raises:
            NotDurable: another process kept it for longer, or its files cannot be made.
        """
        deadline = time.monotonic() + timeout
        try:
            turnstile, lock = self._open()
        except OSError as error:
            raise NotDurable(f"the database's lock {error.filename} cannot be used: {error.strerror}") from error
        _wait_for(turnstile, deadline)
        try:
            _wait_for(lock, deadline)
        finally:
            fcntl.flock(turnstile, fcntl.LOCK_UN)

    def release(self) -> None:
        """Let the next process write."""
        if self._files is not None:
            fcntl.flock(self._files[1], fcntl.LOCK_UN)

    def close(self) -> None:
        """Give back the file descriptors."""
        for descriptor in self._files or ():
            os.close(descriptor)
        self._files = None

    def _open(self) -> tuple[int, int]:
        if self._files is None:
            turnstile, lock = (_opened(path, self._like) for path in self._paths)
            self._files = turnstile, lock
        return self._files


def _opened(path: Path, like: Path) -> int:
    flags = os.O_RDWR | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        _make(path, like)
        descriptor = os.open(path, flags)
    if os.geteuid() == 0:  # an earlier look by root may have left a file that the service cannot open
        _take_after(descriptor, like)
    return descriptor


def _make(path: Path, like: Path) -> None:
    """Make a file that is the database's owner's from the moment it is there, unless another process was first."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take_after(descriptor, like)
        os.link(unfinished, path)
    except FileExistsError:
        return
    except OSError:  # a file system without links
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    finally:
        os.close(descriptor)
        unfinished.unlink(missing_ok=True)


def _take_after(descriptor: int, like: Path) -> None:
    try:
        wanted = like.stat()
    except FileNotFoundError:
        return
    with suppress(PermissionError):  # only root may give files away
        os.fchown(descriptor, wanted.st_uid, wanted.st_gid)
    with suppress(PermissionError):
        os.fchmod(descriptor, wanted.st_mode & _READ_AND_WRITE)


def _wait_for(descriptor: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise NotDurable("another process has kept the database locked for too long") from None
            time.sleep(_PAUSE_SECONDS)
        except OSError as error:
            raise NotDurable("the lock between processes cannot be taken", reason=str(error)) from error
        else:
            return
