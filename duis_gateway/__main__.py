"""`duis-gateway`, and `python -m duis_gateway`: what signals do until the command is loaded, and then the command.

Loading takes tenths of a second. A signal that came meanwhile showed a traceback (SIGINT), or was lost for good where
the gateway is the first process of a container (SIGTERM): the kernel keeps from such a process every signal that it has
no handler for.
"""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """Run the command and end the process with its exit code."""
    serves = sys.argv[1:2] in (["serve"], ["deliver"])
    for number in (signal.SIGINT, signal.SIGTERM, *(() if serves else (signal.SIGHUP,))):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end_server if serves else _end_command)
    from duis_gateway.cli.main import main as run

    run()


def _end_server(_number: int, _frame: object) -> None:
    """End in order, before anything was begun."""
    os._exit(0)


def _end_command(number: int, _frame: object) -> None:
    """End by the signal itself; the first process of a container survives that, and ends as a shell would say it."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)


if __name__ == "__main__":
    main()
