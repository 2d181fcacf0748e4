"""`listen`: shows a supplier's alerts in the sandbox, and passes them to the supplier's own server."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Sequence

import click
from click.shell_completion import CompletionItem

from duis_gateway.cli.common import DONE, WholeNumber, url
from duis_gateway.cli.help import RefusesEmpty
from duis_gateway.cli.output import say
from duis_gateway.cli.terminal import BAD
from duis_gateway.cli.tls import TlsOptions, tls_options
from duis_gateway.client.http import MAX_ANSWER
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.machine.signals import ProcessSignals, Stop
from duis_gateway.outbox.guard import resolves
from duis_gateway.sandbox.cast import SUPPLIERS, Member
from duis_gateway.sandbox.listening import SECONDS, Heard
from duis_gateway.sandbox.listening import listen as listen_for
from duis_gateway.sandbox.parameters import party
from duis_gateway.sandbox.remote import DEFAULT_PORT, Remote

_LOOK = 1.0


def _member(_context: click.Context, _parameter: click.Parameter, text: str) -> Member:
    try:
        found: Member = party(*SUPPLIERS).read(text)
    except ValueError as error:
        raise click.BadParameter(f"must be {error}, not {text[:60]!r}") from None
    return found


def _names(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    return [CompletionItem(one.name) for one in SUPPLIERS if one.name.startswith(begun)]


def _alerts_url(text: str) -> str:
    return url(text, "http://127.0.0.1:3000/alerts")


@click.command(cls=RefusesEmpty)
@click.argument("supplier", metavar="EUI", callback=_member, shell_complete=_names)
@click.option("--forward", type=_alerts_url, metavar="URL", help="Your own server, which gets each message unchanged.")
@tls_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line for each message.")
@click.option(
    "--port",
    type=WholeNumber(1, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="The port of the sandbox's page.",
)
def listen(supplier: Member, forward: str | None, as_json: bool, port: int, tls: TlsOptions) -> int:
    """Take what a supplier in the running sandbox receives, until Ctrl-C; EUI may be its name there, such as you.

    Each message is shown: whether its signature is good, its code, what it says, and what your server answered. The
    gateway gets that answer: what your server does not accept, it delivers again. Without --forward, every message is
    accepted. --cacert, --tls-certificate and --tls-key are for your server, if it speaks https.
    """
    stop = Stop()
    ProcessSignals(stop)
    unshown: list[OSError] = []
    early: list[Heard] | None = []  # what arrives before the line that says where it goes is printed below that line
    one_by_one = threading.Lock()

    def show(heard: Heard) -> None:
        with one_by_one:
            if early is None:
                put(heard)
            else:
                early.append(heard)

    def put(heard: Heard) -> None:
        try:
            if as_json:
                say(json.dumps(heard.as_json()))
            else:
                say(heard.line(), style=None if heard.taken else BAD)
            sys.stdout.flush()
        except OSError as error:  # the reader is gone: the alerts go back to where they went
            unshown.append(error)
            stop.tell()

    def wait(others: Sequence[str], changed: Callable[[], str]) -> None:
        where = f", and go to {forward}" if forward else ""
        say(f"Listening: the alerts of {format_eui(supplier.eui)} are shown here{where}. Ctrl-C ends it.", err=as_json)
        if forward and not resolves(forward):
            others = [f"the host of {forward} is not known here: nothing reaches it until its name resolves", *others]
        for line in others:
            say(line[:1].upper() + line[1:] + ".", err=as_json)
        sys.stdout.flush()
        nonlocal early
        with one_by_one:
            for heard in early or ():
                put(heard)
            early = None
        while not stop.wait(_LOOK):
            if line := changed():
                say(line, err=as_json)
                sys.stdout.flush()

    listen_for(Remote(port), supplier, forward, show, wait, tls.http(SECONDS, MAX_ANSWER))
    if unshown:
        raise unshown[0]
    return DONE
