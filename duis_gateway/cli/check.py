"""`check`: how an 11.5 or 11.6 would be answered, without sending it."""

from __future__ import annotations

from pathlib import Path

import click

from duis_gateway.cli.common import HTTP_URL, READABLE, AnswerIsNo, Seconds
from duis_gateway.cli.help import RefusesEmpty
from duis_gateway.cli.output import say
from duis_gateway.cli.terminal import BAD, GOOD
from duis_gateway.cli.tls import TlsOptions, tls_options
from duis_gateway.client.errors import NoAnswer, NotUnderstood, Refused, SetupWrong
from duis_gateway.client.party_door import PATH
from duis_gateway.errors import ConfigurationError
from duis_gateway.machine.files import read_bytes, read_text, shown_path
from duis_gateway.rollout.hubs.gpfs import whose

_SECONDS = 60.0


@click.command(cls=RefusesEmpty)
@click.argument("file", type=READABLE)
@click.option("--url", type=HTTP_URL, required=True, help="The gateway, such as https://gateway.example.")
@click.option("--token-file", type=READABLE, required=True, help="A file with the party's token for the party door.")
@click.option("--timeout", type=Seconds(), default=_SECONDS, help="Seconds to wait for the answer.")
@tls_options
def check(file: Path, url: str, token_file: Path, timeout: float, tls: TlsOptions) -> None:
    """Ask how the 11.5 or 11.6 in FILE (-: standard input) would be answered now.

    It may be signed or not yet signed. Nothing is recorded or sent, and its RequestID stays unused. The code and its
    meaning are printed, then each listed hub with its list. The exit code is 1 if the request would be refused, and 2
    if it was not judged, because of the token, the URL or the gateway.
    """
    gateway = url.rstrip("/").removesuffix(f"{PATH}/check")
    try:
        door = tls.party_door(gateway, read_text(token_file), timeout)
    except SetupWrong as error:
        raise ConfigurationError(f"{shown_path(token_file)}: {error}") from None
    try:
        told = door.check(read_bytes(file))
    except Refused as error:
        if error.problem.is_of_message:
            raise AnswerIsNo(f"{shown_path(file)} would be refused: {error}") from None
        raise ConfigurationError(f"{shown_path(file)} was not judged: {error}") from None
    except (NoAnswer, NotUnderstood) as error:
        raise ConfigurationError(f"{shown_path(file)} was not judged: {error.detail}") from None
    say(f"{told.code}: {told.meaning}", style=GOOD if told.accepted else BAD)
    for name, hubs in told.warning.items():
        for hub in hubs:
            gpf = f"; {whose(told.gpfs[hub])}" if hub in told.gpfs else ""
            say(f"  {hub}: {name}{gpf}")
    if not told.accepted:
        raise AnswerIsNo(f"{shown_path(file)} would be refused")
