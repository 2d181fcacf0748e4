"""Parties that read emails: an installation whose gateway sends through a relay in the test process."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from email.message import EmailMessage
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from duis_gateway.duis.identifiers import parse_eui
from duis_gateway.outbox import view as outbox_view
from duis_gateway.parties import store as parties
from tests.support.installation import CAST, GatewayProcess, Installation, installed, wait_until
from tests.support.mail_relay import Relay
from tests.support.play import Play

WITHOUT_ADDRESS = "gas"
SENDER = "gateway@dcc.example"
MOST_HUBS = 20
"""The supplier `main` has 27 eligible hubs in a lot, everybody else less."""


def address(name: str) -> str:
    """Return a party's email address."""
    return f"firmware@{name}.example"


@dataclass(frozen=True)
class Mailed:
    """A running gateway that sends emails to a port on this machine, whether a relay listens there or not."""

    installation: Installation
    process: GatewayProcess
    port: int

    def console(self) -> str:
        """Return the operators' page."""
        return console(self.process)


@contextmanager
def mailed(directory: Path, port: int) -> Iterator[Mailed]:
    """An installation of which all parties but one have an email address."""
    settings: dict[tuple[str, str], object] = {
        ("email", "host"): "127.0.0.1",
        ("email", "port"): port,
        ("email", "sender"): SENDER,
        ("email", "attachment_hubs"): MOST_HUBS,
    }
    with installed("sqlite", directory, settings) as made:
        give_addresses(made, *(one.name for one in CAST if one.name != WITHOUT_ADDRESS))
        with made.running() as process:
            for actor in made.actors.values():
                actor.url = process.url
            yield Mailed(made, process, port)


def give_addresses(installation: Installation, *names: str) -> None:
    """Register an email address for these parties."""
    with installation.store.write() as conn:
        for name in names:
            known = parties.find(conn, parse_eui(installation.actors[name].eui))
            assert known is not None
            parties.update(conn, replace(known, email=address(name)))


class MailedPlay(Play):
    """A play whose parties read emails."""

    def __init__(self, installation: Installation, relay: Relay) -> None:
        super().__init__(installation, installation.lot())
        self.relay = relay

    def emails(self, release: str | None = None) -> list[EmailMessage]:
        """Return the emails about the lot's release in the order of their coming, once nothing is left to deliver."""
        wait_until(self._all_delivered, "every message is delivered")
        wanted = release or self.lot.release
        return [one for one in self.relay.wait_for(0) if one["X-DUIS-Gateway-Release"] == wanted]

    def of(self, name: str, kind: str = "A01") -> list[EmailMessage]:
        """Return a party's emails of a kind."""
        return [one for one in self.emails() if (one["To"], one["X-DUIS-Gateway-Kind"]) == (address(name), kind)]

    def told_by_email(self, *kinds: str) -> dict[str, list[str]]:
        """Return the kinds of the emails that each address got; of these kinds, if any are named."""
        found: dict[str, list[str]] = {}
        for one in self.emails():
            if not kinds or one["X-DUIS-Gateway-Kind"] in kinds:
                found.setdefault(str(one["To"]), []).append(str(one["X-DUIS-Gateway-Kind"]))
        return found

    def _all_delivered(self) -> bool:
        with self.installation.store.read() as conn:
            stats = outbox_view.stats(conn)
        assert not stats.dead
        return not stats.pending and not stats.in_flight


def text_of(email: EmailMessage) -> str:
    """Return what an email says, on one line."""
    part = email.get_body(("plain",))
    assert isinstance(part, EmailMessage)
    return " ".join(str(part.get_content()).split())


def listed(email: EmailMessage) -> list[dict[str, str]]:
    """Return the rows of the one attached table."""
    (part,) = email.iter_attachments()
    assert isinstance(part, EmailMessage)
    return list(csv.DictReader(str(part.get_content()).splitlines()))


def console(process: GatewayProcess) -> str:
    """Return the operators' page of a gateway."""
    connection = HTTPConnection(urlsplit(process.operations_url).netloc, timeout=30)
    try:
        connection.request("GET", "/flags")
        return connection.getresponse().read().decode()
    finally:
        connection.close()
