"""Whether there is room for more in a SQLite database, and in what lies beside it (threat F09)."""

from __future__ import annotations

import resource
import shutil
import tempfile
from pathlib import Path

from duis_gateway.errors import NotDurable
from duis_gateway.text.counts import counted

_PROBE_BYTES = 1024 * 1024


def require_space(database: Path, least_free: int) -> None:
    """Refuse new work while too little room is left: the rest is for what was accepted, which has to be delivered.

    Args:
        database: its file.
        least_free: below so many octets of free disk (the low-water mark; 0: it is off).

    Raises:
        NotDurable: too little is free, the file has nearly reached the size that the process may give one, or the
            directory cannot be read.
    """
    most, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        size = 0 if most == resource.RLIM_INFINITY else database.stat().st_size
        free = shutil.disk_usage(database.parent).free if least_free else least_free
    except OSError as error:
        raise NotDurable("the gateway's disk cannot be read") from error
    if most != resource.RLIM_INFINITY and size + _PROBE_BYTES > most:
        allowed = f"a file of this process may have {counted(most, 'octet')} (ulimit -f)"
        raise NotDurable(
            "the gateway's disk cannot be written much longer",
            reason=f"{allowed}, and {database} has {size:,} already: raise the limit",
        )
    if free < least_free:
        raise NotDurable("the gateway's disk is nearly full")


def require_room(folder: Path) -> None:
    """Write a file beside the database that never gets a name: it needs the room, rights and quota that the log needs.

    SQLite fills pages in memory and writes them when it commits: a change that is taken back would go well on a full
    disk.

    Raises:
        NotDurable: it cannot be written.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(_PROBE_BYTES))
    except OSError as error:
        raise NotDurable("the gateway's disk cannot be written", reason=f"{folder}: {error.strerror}") from error
