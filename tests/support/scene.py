"""What the steps of the feature files act on: an installation whose parties read emails, and the sources' terms."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.message import EmailMessage
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from duis_gateway.client import Checked, PartyDoor
from duis_gateway.duis.identifiers import parse_eui
from duis_gateway.outbox import view as outbox_view
from duis_gateway.parties import store as parties
from duis_gateway.rollout.releases import store as releases
from tests.support.cli import run
from tests.support.installation import CAST, REGIONS, Delivery, Installation, running, wait_until
from tests.support.mail_relay import MailRelay, Relay
from tests.support.play import Play
from tests.support.wire_client import Answer, texts

PARTIES = {
    "DCC": "dcc",
    "CSP North": "north",
    "CSP South": "south",
    "Supplier A": "main",
    "Supplier B": "gas",
    "the supplier on 5.4": "on54",
    "the supplier on 5.0": "on50",
    "the supplier with the published schema": "published50",
    "the suspended supplier": "suspended",
}
"""Supplier A is Import and Gas Supplier, Supplier B Gas Supplier of the split hubs; both on DUIS 6.0."""

HUBS = {
    "the hubs of Supplier A": ("own", 12),
    "two hubs of Supplier A": ("own", 2),
    "one hub of Supplier A": ("own", 1),
    "the split hubs": ("split", 6),
    "one split hub": ("split", 1),
    "one hub of the supplier on 5.4": ("on54", 1),
    "one hub of the supplier on 5.0": ("on50", 1),
    "one hub of the supplier with the published schema": ("published", 1),
    "one hub of the suspended supplier": ("suspended", 1),
}
UNKNOWN_HUB = "00-DB-12-FF-FF-FF-FF-FF"
ALERTS = ("N64", "N66", "N67", "N68", "N69", "N70", "N71", "N72", "N73", "N74", "N75", "N76", "N77", "N999")


def address(name: str) -> str:
    return f"firmware@{name}.example"


@contextmanager
def mailed_installation(directory: Path) -> Iterator[tuple[Installation, Relay]]:
    """A running gateway on SQLite, all of whose parties have an email address, and the relay that it sends by."""
    with MailRelay() as relay:
        settings: dict[tuple[str, str], object] = {
            ("email", "host"): "127.0.0.1",
            ("email", "port"): relay.port,
            ("email", "sender"): "gateway@dcc.example",
        }
        with running("sqlite", directory, settings) as installation:
            for one in CAST:
                _equip(installation, one.name, one.eui)
            yield installation, relay


def _equip(installation: Installation, name: str, eui: str) -> None:
    """Give a party an email address."""
    with installation.store.write() as conn:
        known = parties.find(conn, parse_eui(eui))
        assert known is not None
        parties.update(conn, replace(known, email=address(name)))


class Scene(Play):
    """One scenario: the parties with a release and hubs of its own, and the last answer."""

    def __init__(self, installation: Installation, relay: Relay) -> None:
        super().__init__(installation, installation.lot())
        self._relay = relay
        self._earlier = len(relay.emails)
        self.answer: Answer
        self.told: Checked
        self.before: dict[str, int] = {}

    @property
    def successor(self) -> str:
        return f"{self.lot.release}-B"

    def hubs(self, words: str) -> tuple[str, ...]:
        """Return the hubs of a phrase such as "two hubs of Supplier A, an unknown hub and one split hub"."""
        found: list[str] = []
        for phrase in words.replace(" and ", ", ").split(", "):
            if phrase == "an unknown hub":
                found.append(UNKNOWN_HUB)
            else:
                group, number = HUBS[phrase]
                found += self.lot[group][:number]
        return tuple(found)

    def concerned(self, party: str, hubs: tuple[str, ...]) -> list[str]:
        """Return those of the hubs that a party is told about."""
        name = PARTIES[party]
        if name == "dcc":
            return sorted(hubs)
        return sorted(self.lot.of_csp(name, hubs) if name in REGIONS else self.lot.of_supplier(name, list(hubs)))

    def told_about(self, party: str, kind: str) -> list[str]:
        """Return the hubs that messages of a kind to a party name, each as often as it stands."""
        found = []
        for one in self.received(PARTIES[party], kind):
            single = texts(one.root, "DeviceID")
            listed = [hub for text in texts(one.root, "DeviceIDList") for hub in text.split(",") if hub]
            found += single or listed
        return sorted(found)

    def the(self, party: str, kind: str) -> Delivery:
        """Return the one message of a kind that a party has got."""
        (found,) = self.received(PARTIES[party], kind)
        return found

    def emails(self, party: str, kind: str) -> list[EmailMessage]:
        """Return a party's emails of a kind about the scenario's release, once nothing is left to deliver."""
        wait_until(self._all_delivered, "every message is delivered")
        wanted = (address(PARTIES[party]), kind)
        of_release = [
            one
            for one in self._relay.wait_for(0, after=self._earlier)
            if one["X-DUIS-Gateway-Release"] == self.lot.release
        ]
        return [one for one in of_release if (one["To"], one["X-DUIS-Gateway-Kind"]) == wanted]

    def _all_delivered(self) -> bool:
        with self.installation.store.read() as conn:
            stats = outbox_view.stats(conn)
        return not stats.pending and not stats.in_flight

    def attached(self, party: str, kind: str) -> list[dict[str, str]]:
        """Return the rows of the CSV attached to a party's email."""
        (email,) = self.emails(party, kind)
        (part,) = email.iter_attachments()
        assert isinstance(part, EmailMessage)
        return list(csv.DictReader(str(part.get_content()).splitlines()))

    def state(self) -> str:
        """Return the release's state as operators read it, "paused" with it."""
        with self.installation.store.read() as conn:
            found = releases.find(conn, self.lot.release)
        assert found is not None
        return f"{found.state.value}, {'paused' if found.paused else 'not paused'}"

    def plan(self, words: str) -> dict[str, Any]:
        """Return what `duis-gateway plan show` says of the first of these hubs."""
        ran = run("plan", "show", self.hubs(words)[0], "--config", self.installation.config, "--format", "json")
        assert ran.code == 0, ran.error
        (row,) = json.loads(ran.output)
        assert isinstance(row, dict)
        return row

    def party_door(self, party: str) -> PartyDoor:
        """Return the party door as a party sees it."""
        actor = self[PARTIES[party]]
        return PartyDoor(actor.url, actor.token)

    def ask_party_door(self, party: str, what: str) -> list[dict[str, Any]]:
        """Return what the party door shows to a party."""
        name = PARTIES[party]
        connection = HTTPConnection(urlsplit(self[name].url).netloc, timeout=30)
        try:
            connection.request("GET", f"/party/v1/{what}", headers={"Authorization": f"Bearer {self[name].token}"})
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        assert response.status == 200, body[:500]
        rows = json.loads(body)
        assert isinstance(rows, list)
        return rows

    def on_version(self, party: str, version: str) -> int:
        """Return how many hubs of this scenario's model the party's status has on a version."""
        rows = self.ask_party_door(party, "status")
        return sum(one["hubs"] for one in rows if (one["model"], one["firmware_version"]) == (self.lot.model, version))
