"""`conformance init`: an installation with every party and hub that the pack plays, and its profile."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

from duis_gateway.cli.certificate import certificate_of, register
from duis_gateway.cli.common import opened_store, refuse_existing
from duis_gateway.cli.init import DEFAULT_EUI, DEFAULT_STORE, STORE_VARIABLE, making_installation
from duis_gateway.cli.party import give_token
from duis_gateway.conformance.profile import MOST_HUBS, MOST_SHARED, NAMES, SUPPLIERS
from duis_gateway.duis.identifiers import format_eui, parse_eui
from duis_gateway.machine.files import unless_finished, write_bytes, write_new
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party, PartyKind, PartyStatus, Role
from duis_gateway.pki.make import load_authority, make_certificate
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub

PROFILE = "conformance.toml"
_HOST = "127.0.0.1"
_LOWEST_PORT, _HIGHEST_PORT = 10_000, 32_000  # Linux gives away 32768 and above, others 49152 and above
_FIRST_PARTY, _FIRST_HUB = parse_eui("90-B3-D5-1F-3C-00-00-00"), parse_eui("00-DB-12-3C-00-00-00-00")
_MANUFACTURER, _MODEL, _REGION, _RUNNING = "C0DE", "PACK", "North", "00000001"
_BOTH = frozenset(Role)
_WITH_HUBS = (*SUPPLIERS, "second")
_WITH_TOKEN, _TOKEN = "on_6_0", "on_6_0.token"


def make_profile(directory: Path) -> Path:
    """Make an installation for the pack in a directory, and return its profile.

    Raises:
        ConfigurationError: something is already there.
    """
    refuse_existing(directory / PROFILE)
    pki, port, token, profile = directory / "pki", _free_port(), directory / _TOKEN, directory / PROFILE
    url = os.environ.get(STORE_VARIABLE, DEFAULT_STORE)
    with (
        unless_finished(token, profile),
        making_installation(directory, parse_eui(DEFAULT_EUI), url) as (config, _),
        opened_store(config) as store,
        store.write() as connection,
    ):
        authority = load_authority(pki)
        for name in NAMES:
            made = make_certificate(authority, _eui(name), "87", pki, stem=name)
            parties.add(connection, _party(name, port))
            register(connection, certificate_of(made.certificate_path, trusted=False))
        write_bytes(token, give_token(connection, _eui(_WITH_TOKEN)).encode() + b"\n")
        hubs.upsert(connection, (hub for name in _WITH_HUBS for hub in _hubs(name)))
        write_new(profile, _profile(port).encode())
    return profile


def _free_port() -> int:
    """A port that nothing listens on, for the parties' registered URLs.

    The pack opens it again at each run: one that the system chose would go to whatever connects somewhere meanwhile.
    """
    while True:
        port = _LOWEST_PORT + secrets.randbelow(_HIGHEST_PORT - _LOWEST_PORT)
        with suppress(OSError), socket.create_server((_HOST, port)):
            return port


def _eui(name: str) -> int:
    return _FIRST_PARTY + 1 + NAMES.index(name)


def _party(name: str, port: int) -> Party:
    url = f"http://{_HOST}:{port}/{format_eui(_eui(name))}"
    if name == "dcc":
        return Party(_eui(name), PartyKind.DCC, url)
    if name == "csp":
        return Party(_eui(name), PartyKind.CSP, url, regions=frozenset({_REGION}))
    return Party(
        _eui(name),
        PartyKind.SUPPLIER,
        url,
        status=PartyStatus.SUSPENDED if name == "suspended" else PartyStatus.ACTIVE,
        roles=frozenset() if name == "roleless" else _BOTH,
        duis_version=Decimal(name[-3:].replace("_", ".") if name in SUPPLIERS else "6.0"),
    )


def _hubs(name: str) -> Iterator[Hub]:
    """The hubs of a supplier; those of `second` have `on_6_0` as their Import Supplier."""
    number_of_hubs, importer = (2 * MOST_SHARED, "on_6_0") if name == "second" else (2 * MOST_HUBS, name)
    for number in range(number_of_hubs):
        device = _FIRST_HUB + (_WITH_HUBS.index(name) << 16) + number
        yield Hub(device, "CHF", _MANUFACTURER, _MODEL, _RUNNING, "Commissioned", _REGION, _eui(importer), _eui(name))


def _profile(port: int) -> str:
    lines = [
        "# What the conformance pack has to know about a gateway. Paths are relative to this file.",
        "[gateway]",
        'certificate = "pki/gateway.pem"',
        '# now = "2027-03-30T09:00:00Z"   if the gateway\'s clock is frozen',
        "",
        "# Where the pack receives; the URLs of all parties below point here, each with the party's EUI-64 as path.",
        "[receiver]",
        f'host = "{_HOST}"',
        f"port = {port}",
        "",
        "# The parties' hubs: all of one model, commissioned, in one of the CSP's regions.",
        "[hubs]",
        f'manufacturer = "{_MANUFACTURER}"',
        f'model = "{_MODEL}"',
        f'region = "{_REGION}"',
    ]
    for name in NAMES:
        told = ["# The second supplier of these hubs, on DUIS 6.0; the first is on_6_0."] if name == "second" else []
        lines += ["", *told, f"[parties.{name}]", f'key = "pki/{name}.key"', f'certificate = "pki/{name}.pem"']
        if name in _WITH_HUBS:
            listed = ", ".join(f'"{format_eui(hub.device_id)}"' for hub in _hubs(name))
            lines.append(f"hubs = [{listed}]")
        if name == _WITH_TOKEN:
            lines.append(f'token = "{_TOKEN}"')
    return "\n".join(lines) + "\n"
