"""The wall clock of one process, which a test moves while it runs: what the process asks its C library for is shifted.

Time of the machine that only ever rises, and the clocks of other processes, stay as they are.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long shift(void) {
    static volatile long long *seconds;
    if (!seconds) {
        int file = open(getenv("WALL_CLOCK"), O_RDONLY);
        seconds = mmap(0, sizeof *seconds, PROT_READ, MAP_SHARED, file, 0);
        close(file);
    }
    return *seconds;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += shift();
    return failed;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec exact;
    int failed = clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *now) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (now) *now = exact.tv_sec;
    return exact.tv_sec;
}
"""


class WallClock:
    """The clock of all processes that are started with `environment`."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "wall-clock"
        self.jump_to(0)
        (folder / "wall_clock.c").write_text(_SOURCE, encoding="ascii")
        library = folder / "wall_clock.so"
        compiler = shutil.which("cc") or "cc"
        build = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(folder / "wall_clock.c"), "-ldl"]
        subprocess.run(build, check=True)
        self.environment = {"LD_PRELOAD": str(library), "WALL_CLOCK": str(self._file)}

    def jump_to(self, seconds: int) -> None:
        """Set it so many seconds ahead of the true time, or behind it."""
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("q", seconds))
