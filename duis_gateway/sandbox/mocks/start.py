"""Putting a mock together from its arguments."""

from __future__ import annotations

import argparse
import logging
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from duis_gateway.client import Eui, Gateway, Identity, Receiver, Trust
from duis_gateway.clock import clock_of
from duis_gateway.duis.identifiers import parse_eui
from duis_gateway.errors import GatewayError
from duis_gateway.partners.xml import parse_time
from duis_gateway.sandbox.mocks.door import Door
from duis_gateway.sandbox.mocks.options import folder_option, path_option, text_option
from duis_gateway.sandbox.mocks.partner import Partner
from duis_gateway.sandbox.mocks.record import Recorder
from duis_gateway.sandbox.mocks.server import serve
from duis_gateway.text.controls import shown

WRONG_USAGE = 2
_LATER = "http://127.0.0.1"
"""What stands for the gateway's URL until the partner is told it."""


@dataclass(frozen=True)
class Kit:
    """A mock's parts, ready to serve."""

    partner: Partner
    door: Door


def common_arguments(program: str, description: str) -> argparse.ArgumentParser:
    """Return a parser with the arguments that every mock has."""
    parser = argparse.ArgumentParser(
        prog=program,
        description=description,
        epilog="It takes the gateway's messages under any path. From this machine it is told what to do under "
        "/mock/v1/: GET received; POST send, behaviour, gateway; and to a CSP planned, activate, distribute "
        "(docs/sandbox.md).",
    )
    parser.add_argument(
        "--listen", type=text_option, default="127.0.0.1:0", metavar="HOST:PORT", help="port 0: one that is free"
    )
    parser.add_argument("--gateway", type=text_option, metavar="URL", help="base URL of the gateway's public listener")
    parser.add_argument("--eui", type=parse_eui, help="SenderID; the certificate's EUI-64 unless given")
    parser.add_argument("--key", type=path_option, required=True, help="private key, PEM")
    parser.add_argument("--certificate", type=path_option, required=True, help="certificate of the key")
    parser.add_argument(
        "--trust", type=path_option, required=True, help="the gateway's certificate, or a folder that it is in"
    )
    parser.add_argument("--record", type=folder_option, metavar="DIR", help="write every message there as it went by")
    time = parser.add_mutually_exclusive_group()
    time.add_argument("--clock", type=_instant, metavar="TIME", help="a fixed time, with its zone, for test packs")
    time.add_argument(
        "--clock-file", type=path_option, metavar="FILE", help="a file that holds the time, and may change"
    )
    return parser


def assemble(options: argparse.Namespace) -> Kit:
    """Return a mock that was started with these options.

    Raises:
        GatewayError: a key or certificate cannot be used; the text says which.
    """
    clock = clock_of(options.clock, options.clock_file)
    me = Identity.load(options.key, options.certificate)
    if options.eui is not None:
        me = replace(me, eui=Eui(options.eui))
    trust = Trust.load(options.trust, clock=clock)
    journal = Recorder(options.record).journal(me.eui, trust.gateway)
    url = _LATER if options.gateway is None else options.gateway
    gateway = Gateway(url, identity=me, trust=trust, clock=clock, journal=journal)
    if options.gateway is None:
        gateway.url = ""
    partner = Partner(gateway, Receiver(me, trust, journal=journal), clock)
    return Kit(partner, Door(partner))


def run(
    program: str, begin: Callable[[Sequence[str]], tuple[argparse.Namespace, Kit]], arguments: Sequence[str]
) -> int:
    """Begin a mock and serve it until SIGTERM; returns the exit code: 0, or 2 for what it cannot begin with."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    try:
        options, kit = begin(arguments)
    except (GatewayError, OSError, LookupError, ValueError) as error:
        sys.stderr.write(f"{program}: {shown(str(error))}\n")
        return WRONG_USAGE
    return serve(kit.door, options.listen, kit.partner.gateway.closed)


def in_background(work: Callable[[], object], name: str) -> None:
    """Do some work beside the serving; it ends with the process."""
    threading.Thread(target=work, name=name, daemon=True).start()


def _instant(text: str) -> datetime:
    return parse_time(text)
