"""Points in the code at which a fault test may have its own process killed, as by `kill -9` (threats F01 to F06).

Nothing happens unless the environment variable `DUIS_GATEWAY_FAILPOINT` names a point when the process starts.
"""

from __future__ import annotations

import os
import signal
import threading

ENVIRONMENT_VARIABLE = "DUIS_GATEWAY_FAILPOINT"


class _Failpoint:
    """The one point at which this process dies, and how many hits from now."""

    def __init__(self, setting: str) -> None:
        self.name, _, hit = setting.partition(":")
        self._hits_left = int(hit or 1)
        self._counting = threading.Lock()

    def reached(self, name: str) -> None:
        """Die if it is this point, and this time."""
        if name != self.name:
            return
        with self._counting:
            self._hits_left -= 1
            if self._hits_left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


_chosen = _Failpoint(os.environ.get(ENVIRONMENT_VARIABLE, ""))


def failpoint(name: str) -> None:
    """Kill this process with SIGKILL if it was started to die here.

    The setting is `name`, or `name:3` for the third time that the point is reached.
    """
    _chosen.reached(name)
