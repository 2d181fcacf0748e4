"""Files that people name: `-` for standard input and output, read up to a limit, written for the owner alone."""

from __future__ import annotations

import errno
import io
import os
import re
import shutil
import stat
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import Any, BinaryIO, cast

DASH = Path("-")
"""Standard input, or standard output; a file of that name is `./-`."""

_STANDARD_STREAMS = {
    number: frozenset({Path(f"/dev/{name}"), Path(f"/dev/fd/{number}"), Path(f"/proc/self/fd/{number}")})
    for number, name in ((1, "stdout"), (2, "stderr"))
}

DOCUMENT_BYTES = 64 * 1024 * 1024
"""A signed document, a key, a certificate, a configuration; messages are far smaller."""
LIST_BYTES = 1024 * 1024 * 1024
"""A list of hubs that has to be in memory as a whole."""

TOO_MANY_FILES = "this process has as many files open as it may: raise the limit (ulimit -n)"

_BLOCK = 1024 * 1024
_BEGINNING = 64 * 1024
_PRIVATE_KEY = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----|\A0(?:[\0-\x7f]|\x81.|\x82..)\x02\x01(?:\x000|\x01\x04)", re.S
)
"""How a private key begins: in PEM, and in DER as PKCS#8 or SEC1."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_bytes(path: Path, most: int = DOCUMENT_BYTES) -> bytes:
    """Return what is in a file; one that is larger than `most` bytes is refused, and not read.

    Raises:
        OSError: it cannot be read, or is too large (EFBIG); `strerror` says why.
    """
    with open_input(path) as file:
        if _size(file) > most or len(content := file.read(most + 1)) > most:
            limit = f"{most // 1024 // 1024} MiB" if most >= _BLOCK else f"{most:,} bytes"
            raise OSError(errno.EFBIG, f"larger than {limit}, the limit", str(path))
        return content


def resolved(path: Path) -> Path:
    """Return where a path leads once all links are followed; it need not be there.

    Raises:
        OSError: its links go round in a circle (Python says RuntimeError, or from 3.13 on nothing).
    """
    try:
        path.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise
    return path.resolve()


def read_plain(path: Path, most: int = DOCUMENT_BYTES) -> bytes:
    """Return what is in a file, without the byte-order mark that some editors put before it.

    Raises:
        OSError: as `read_bytes`.
    """
    return read_bytes(path, most).removeprefix(_BYTE_ORDER_MARK)


def read_text(path: Path, most: int = DOCUMENT_BYTES) -> str:
    """Return the text in a UTF-8 file, with any line ends, and without a byte-order mark.

    Raises:
        OSError: as `read_bytes`; or it is not UTF-8.
    """
    try:
        text = read_plain(path, most).decode("utf-8")
    except UnicodeDecodeError:
        raise OSError(errno.EILSEQ, "it is not UTF-8", str(path)) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def means_too_many_files(error: OSError) -> bool:
    """Whether nothing can be opened since so much is open; lxml and OpenSSL give such an error no number."""
    named = error.errno is None and os.strerror(errno.EMFILE) in str(error)
    return named or error.errno in (errno.EMFILE, errno.ENFILE)


def shown_path(path: Path) -> str:
    """Return what to call an input in a message to a person."""
    return "standard input" if path == DASH else str(path)


def why_no_folder(path: Path) -> str | None:
    """Return why nothing can be put into a folder of this name: it, or what it would be in, is none; None: it can.

    Of what cannot be looked at, the system says more than this once it is used: links that go round, say.
    """
    there = next((one for one in (path, *path.parents) if os.path.lexists(one)), None)
    try:
        is_folder = there is None or stat.S_ISDIR(there.stat().st_mode)
    except FileNotFoundError:  # a link to nowhere
        is_folder = False
    except OSError:
        return None
    return None if is_folder else f"{there} is not a folder"


def standard_stream(path: Path) -> int | None:
    """Return the descriptor that a path means, where it means standard output or standard error."""
    if path == DASH:
        return 1
    return next((number for number, names in _STANDARD_STREAMS.items() if path in names), None)


@contextmanager
def open_input(path: Path) -> Iterator[BinaryIO]:
    """Open a file, a pipe or standard input for reading.

    Raises:
        OSError: it cannot be opened; it is a device that has no end; standard input is closed.
    """
    if path != DASH:
        with _reading(path) as file:
            if _is_endless(file):
                raise OSError(errno.EINVAL, "it is a device and no file", str(path))
            yield file
        return
    if sys.stdin is None:
        raise OSError(errno.EBADF, "standard input is closed", "-")
    yield sys.stdin.buffer


class CannotCopy(OSError):
    """What comes by a pipe has no place: `filename` is the folder, `strerror` says why."""


@contextmanager
def _copying(place: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotCopy(error.errno, error.strerror, place) from None


@contextmanager
def open_seekable(path: Path, folder: Path | None, least_free: int = 0) -> Iterator[BinaryIO]:
    """Open a file for being read more than once; what comes by a pipe is copied to a temporary file first.

    Args:
        path: the file; `-` is standard input.
        folder: where the temporary file is made; None: where the system has such.
        least_free: bytes that stay free there for others.

    Raises:
        CannotCopy: the temporary file cannot be made or written, or would leave less room than that.
        OSError: it cannot be opened or read.
    """
    with open_input(path) as file:
        if file.seekable():
            yield file
            return
        place = str(folder or gettempdir())
        with ExitStack() as opened:
            with _copying(place):
                copy = opened.enter_context(TemporaryFile(dir=place))
            while block := file.read(_BLOCK):
                with _copying(place):
                    if least_free and shutil.disk_usage(place).free - len(block) < least_free:
                        raise OSError(errno.ENOSPC, f"{least_free:,} bytes have to stay free there")
                    copy.write(block)
                    copy.flush()
            copy.seek(0)
            yield copy


@contextmanager
def open_output(path: Path) -> Iterator[BinaryIO]:
    """Open a file for its owner alone, a pipe, or standard output for writing; what is in a file is replaced.

    A new file is taken away again if the block cannot finish.

    Raises:
        OSError: it cannot be opened or written, and the error names it; it holds a private key; standard output is
            closed.
    """
    if path != DASH:
        refuse_private_key(path)
        with unless_finished(path):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with _writing(path, descriptor) as file:
                yield file
        return
    if sys.stdout is None:
        raise OSError(errno.EBADF, "standard output is closed", "-")
    sys.stdout.flush()
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()


def refuse_private_key(path: Path) -> None:
    """Make sure that no private key is overwritten, of which there may be no other copy.

    Raises:
        OSError: the file holds one, or cannot be read.
    """
    if not path.is_file():
        return
    with suppress(PermissionError), _reading(path) as file:
        if _PRIVATE_KEY.search(file.read(_BEGINNING)):
            raise OSError(errno.EEXIST, "it holds a private key, which is not overwritten", str(path))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file for its owner alone, or to standard output.

    Raises:
        OSError: as `open_output`.
    """
    with open_output(path) as file:
        file.write(content)


def write_new(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file that is not there yet, with at most this mode from its first moment.

    Raises:
        OSError: there is one (FileExistsError), or it cannot be written, and is taken away again.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with _writing(path, descriptor) as file:
            file.write(content)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def put_whole(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Put this content into a file at once, with at most this mode.

    Whoever reads it, or comes after a crash, finds the old or the new.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    try:
        with _writing(path, os.open(unfinished, write, mode)) as file:
            file.write(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def unless_finished(*paths: Path) -> Iterator[None]:
    """Take away what the block has made at these paths, a folder with all that is in it, if it cannot finish.

    On a full disk, say: a stump would be taken for the thing itself, and refused as something that already exists when
    it is made again. What was there before stays.
    """
    new = [path for path in map(os.path.realpath, paths) if not os.path.lexists(path)]
    try:
        yield
    except BaseException:
        for path in new:
            with suppress(OSError):
                if os.path.isdir(path):
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    os.unlink(path)
        raise


def states_of(paths: Iterable[Path]) -> tuple[tuple[int, int, int], ...]:
    """Return what changes when one of these files is written or replaced by another; one that is not there counts."""
    return tuple(_state(path) for path in paths)


def anybody_reads(path: Path) -> bool:
    """Whether every user of the machine may read the file: not so for one that is not there."""
    return _mode(path) & stat.S_IROTH != 0


def anybody_writes(path: Path) -> bool:
    """Whether every user of the machine may write the file: not so for what is no file, or not there."""
    mode = _mode(path)
    return stat.S_ISREG(mode) and mode & stat.S_IWOTH != 0


def would_be_replaced(path: Path) -> bool:
    """Whether there is something at the path that writing would destroy: not so for pipes, devices and `-`."""
    try:
        return path != DASH and stat.S_IFMT(path.stat().st_mode) in (stat.S_IFREG, stat.S_IFDIR)
    except OSError:
        return False


class _Named(io.FileIO):
    """A file whose errors say which file it is: those of the system's `read`, `write` and `close` do not."""

    def __init__(self, path: Path, mode: str, descriptor: int | None = None) -> None:
        super().__init__(str(path) if descriptor is None else descriptor, mode)  # errors have the name as it is given
        self._path = path

    def readinto(self, buffer: Any, /) -> Any:
        """Read what the system gives."""
        with _naming(self._path):
            return super().readinto(buffer)

    def readall(self) -> Any:
        """Read all of it."""
        with _naming(self._path):
            return super().readall()

    def write(self, data: Any, /) -> Any:
        """Write as many of the octets as the system takes."""
        with _naming(self._path):
            return super().write(data)

    def close(self) -> None:
        """Close it; some systems say only now that there is no room."""
        with _naming(self._path):
            super().close()


def _reading(path: Path) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(_Named(path, "rb"), _BEGINNING))


def _writing(path: Path, descriptor: int) -> BinaryIO:
    return cast(BinaryIO, io.BufferedWriter(_Named(path, "wb", descriptor)))


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def _state(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _is_endless(file: BinaryIO) -> bool:
    """Whether this is a device such as /dev/zero: neither a terminal nor the one that is empty."""
    found = os.fstat(file.fileno())
    return stat.S_ISCHR(found.st_mode) and not file.isatty() and found.st_rdev != os.stat(os.devnull).st_rdev


def _size(file: BinaryIO) -> int:
    try:
        found = os.fstat(file.fileno())
    except (OSError, io.UnsupportedOperation):
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0
