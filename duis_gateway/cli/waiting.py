"""`--wait`: the commands that ask a gateway wait for one that does not answer yet."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep
from typing import Any

import click

from duis_gateway.cli.common import AnswerIsNo, Seconds
from duis_gateway.client.errors import NoAnswer, NotListening, TlsFailed
from duis_gateway.client.http import HttpAnswer

_SECONDS = 60.0
_SECONDS_BETWEEN = 0.2
_OPTIONS = {
    "authorities": "; --cacert names the authorities for its certificate, which has to carry this host's name",
    "tls": "; --tls-certificate and --tls-key name a client certificate that it accepts",
}


def wait_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --wait; it gets the seconds as `wait`, None if it should not wait."""
    return click.option(
        "--wait",
        type=Seconds(),
        is_flag=False,
        flag_value=_SECONDS,
        help=f"Wait this many seconds for a gateway that does not answer yet ({_SECONDS:.0f} if none are given).",
    )(command)


def said_of_tls(error: TlsFailed) -> str:
    """Return why TLS cannot be agreed on, and which of the command's options may help."""
    return error.detail + _OPTIONS.get(error.lacks, "")


def answer_to(ask: Callable[[], HttpAnswer], wait: float | None) -> HttpAnswer:
    """Return the answer; for `wait` seconds, ask again if no answer comes.

    The request must be safe to repeat: a message is, because a repeat gets the first answer.

    Raises:
        AnswerIsNo: no answer has come.
    """
    until = monotonic() + (wait or 0.0)
    while True:
        try:
            return ask()
        except TlsFailed as error:
            raise AnswerIsNo(said_of_tls(error)) from None
        except NoAnswer as error:
            if monotonic() >= until:
                hint = "; --wait waits for it" if wait is None and isinstance(error, NotListening) else ""
                raise AnswerIsNo(f"{error.detail}{hint}") from None
            sleep(_SECONDS_BETWEEN)
