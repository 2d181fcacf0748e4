"""A01 by email, and the content of N999: through the gateway's process and a real mail relay."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from duis_gateway.model.identifiers import parse_eui
from duis_gateway.store import flags, outbox_view, parties
from tests.support.installation import CAST, GatewayProcess, Installation, installed, wait_until
from tests.support.mail_relay import MailRelay, Relay
from tests.support.play import NOW, RELEASED, Outcome, Play

pytestmark = [pytest.mark.processes, pytest.mark.requirement("A01")]

WITHOUT_ADDRESS = "gas"
MOST_HUBS = 25
"""The supplier `main` has 27 eligible hubs in a lot, everybody else less."""


class MailedPlay(Play):
    """A play whose parties read emails."""

    def __init__(self, installation: Installation, relay: Relay) -> None:
        super().__init__(installation, installation.lot())
        self.relay = relay

    def emails(self) -> list[EmailMessage]:
        """Return the emails about the lot's release in the order of their coming, once nothing is left to deliver."""
        wait_until(self._all_delivered, "every message is delivered")
        everything = self.relay.wait_for(0)
        return [one for one in everything if one["X-DUIS-Gateway-Release"] == self.lot.release]

    def of(self, name: str, kind: str = "A01") -> list[EmailMessage]:
        """Return a party's emails of a kind."""
        return [one for one in self.emails() if (one["To"], one["X-DUIS-Gateway-Kind"]) == (address(name), kind)]

    def _all_delivered(self) -> bool:
        with self.installation.store.read() as conn:
            stats = outbox_view.stats(conn)
        assert not stats.dead
        return not stats.pending and not stats.in_flight


def address(name: str) -> str:
    return f"firmware@{name}.example"


@pytest.fixture(scope="module")
def port() -> int:
    """Where the relay listens in every test; a test may take it away."""
    with MailRelay() as relay:
        return relay.port


@pytest.fixture(scope="module")
def gateway(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, GatewayProcess]]:
    settings: dict[tuple[str, str], object] = {
        ("email", "host"): "127.0.0.1",
        ("email", "port"): port,
        ("email", "sender"): "gateway@dcc.example",
        ("email", "attachment_hubs"): MOST_HUBS,
    }
    with installed("sqlite", tmp_path_factory.mktemp("mailed"), settings) as made:
        with made.store.write() as conn:
            for one in CAST:
                if one.name != WITHOUT_ADDRESS:
                    known = parties.find(conn, parse_eui(one.eui))
                    assert known is not None
                    parties.update(conn, replace(known, email=address(one.name)))
        with made.running() as process:
            for actor in made.actors.values():
                actor.url = process.url
            yield made, process


@pytest.fixture
def relay(port: int) -> Iterator[Relay]:
    with MailRelay(port) as relay:
        yield relay


@pytest.fixture
def play(gateway: tuple[Installation, GatewayProcess], relay: Relay) -> MailedPlay:
    return MailedPlay(gateway[0], relay)


def text_of(email: EmailMessage) -> str:
    part = email.get_body(("plain",))
    assert isinstance(part, EmailMessage)
    return " ".join(str(part.get_content()).split())


def listed(email: EmailMessage) -> list[dict[str, str]]:
    (part,) = email.iter_attachments()
    assert isinstance(part, EmailMessage)
    return list(csv.DictReader(str(part.get_content()).splitlines()))


@pytest.mark.requirement("BR-1.1")
def test_every_supplier_with_hubs_of_the_model_and_every_csp_is_told(play: MailedPlay) -> None:
    play.announce()
    told = {str(one["To"]) for one in play.emails()}
    assert told == {address(n) for n in ("main", "on54", "on50", "published50", "suspended", "north", "south")}
    assert len(play.emails()) == len(told)
    (email,) = play.of("on54")
    assert email["Subject"] == f"Firmware release {play.lot.release}: 9002 for 106C {play.lot.model}"
    assert email["Date"].datetime == NOW
    assert email["From"].addresses[0].addr_spec == "gateway@dcc.example"
    assert "Release note: https://" in text_of(email)
    assert email.get_body(("html",)) is not None


@pytest.mark.requirement("BR-1.3")
def test_a_suppliers_hubs_are_attached_with_its_role_for_each(play: MailedPlay) -> None:
    play.announce()
    (email,) = play.of("on50")
    lot = play.lot
    roles = {row["device_id"]: (row["import"], row["gas"]) for row in listed(email)}
    assert roles == dict.fromkeys(lot["on50"], ("true", "true")) | dict.fromkeys(lot["mixed"], ("true", "false"))
    assert "lists the 4 hubs" in text_of(email)
    assert not list(play.of("north")[0].iter_attachments())


def test_of_a_large_estate_the_first_hubs_are_attached_and_the_party_door_is_named(play: MailedPlay) -> None:
    play.announce()
    (email,) = play.of("main")
    assert len(listed(email)) == MOST_HUBS
    assert "There are 27 of your hubs" in text_of(email)
    assert f"/party/v1/eligible-hubs with ?release={play.lot.release}" in text_of(email)


def test_a_supplier_without_address_is_shown_to_the_operator_and_gets_its_alerts(
    play: MailedPlay, gateway: tuple[Installation, GatewayProcess]
) -> None:
    """Design section 6: never blocking."""
    play.announce()
    hub = play.lot["split"][0]
    csp = "north" if hub in play.lot.within("North", "4G North") else "south"
    play.default_list(csp, play.lot.regions[hub], [hub])
    assert play.received(WITHOUT_ADDRESS, "N66")[0].listed() == [hub]
    with play.installation.store.read() as conn:
        raised = {(one.kind, one.subject, one.text) for one in flags.newest(conn)}
    text = f"A01 of {play.lot.release} is not sent by email: the party has none"
    assert ("no email address", play[WITHOUT_ADDRESS].eui, text) in raised
    page = console(gateway[1])
    assert "no email address" in page
    assert "missing" in page


def console(process: GatewayProcess) -> str:
    connection = HTTPConnection(urlsplit(process.operations_url).netloc, timeout=30)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def test_a_revision_is_told_by_an_email_of_its_own_after_the_first(play: MailedPlay) -> None:
    play.announce()
    play.announce(revision=2)
    first, second = play.of("on54")
    assert "revision 2" not in first["Subject"]
    assert "revision 2" in second["Subject"]
    assert "Revision: 2" in text_of(second)


def test_a_refused_notice_and_a_repeat_bring_no_email(play: MailedPlay) -> None:
    """T39."""
    play.check_repeat(play.announce())
    assert play.announce(revision=1).code == "Refused"
    assert len(play.of("main")) == 1


def test_emails_wait_for_a_relay_that_is_away_while_alerts_go_on(
    gateway: tuple[Installation, GatewayProcess], port: int
) -> None:
    """F13: emails have an order of their own."""
    away = MailedPlay(gateway[0], Relay())
    away.announce()
    hub = away.lot["on54"][0]
    csp = "north" if hub in away.lot.within("North", "4G North") else "south"
    away.default_list(csp, away.lot.regions[hub], [hub])
    away.announce(revision=2)
    assert [one.kind for one in away.received("on54")] == ["N999"]
    assert [one.text("Revision") for one in away.received("north", "FirmwareReleaseNotice")] == ["1", "2"]
    with MailRelay(port) as relay:
        away.relay = relay
        own = [one for one in away.emails() if one["To"] == address("on54")]
    assert [one["X-DUIS-Gateway-Kind"] for one in own] == ["A01", "N66", "A01"]
    assert "revision 2" in own[2]["Subject"]


@pytest.mark.requirement("FIA-3")
def test_what_an_n999_cannot_say_is_said_by_email(play: MailedPlay) -> None:
    """Design section 3: N66 is not known to DUIS 5.4."""
    play.announce()
    hub = play.lot["on54"][0]
    csp = "north" if hub in play.lot.within("North", "4G North") else "south"
    play.default_list(csp, play.lot.regions[hub], [hub])
    (email,) = play.of("on54", "N66")
    assert [row["device_id"] for row in listed(email)] == [hub]
    assert "does not know DCC Alert N66" in text_of(email)
    assert not play.of("main", "N66")


def test_hubs_of_one_message_are_told_by_one_email(play: MailedPlay) -> None:
    """N64 to DUIS 5.0: an N999 for each hub, and one email for all of a message."""
    play.announce()
    hubs = (*play.lot["on50"], *play.lot["mixed"], *play.lot["on54"])
    by_csp = {name: play.lot.of_csp(name, hubs) for name in ("north", "south")}
    for csp, ids in by_csp.items():
        if ids:
            play.requested(csp, ids)
            assert play.responded(csp, *(Outcome(hub) for hub in ids)).code == "Accepted"
    own = {csp: [hub for hub in ids if "on50" in play.lot.owners[hub]] for csp, ids in by_csp.items()}
    emails = play.of("on50", "N64")
    assert [[row["device_id"] for row in listed(one)] for one in emails] == [ids for ids in own.values() if ids]
    assert {row["firmware_version"] for one in emails for row in listed(one)} == {RELEASED}
    assert len(play.received("on50", "N999")) == 4
    assert not play.of("on54", "N64")


def test_without_a_relay_configured_emails_wait_and_the_gateway_serves(tmp_path: Path) -> None:
    """They are shown to the operator, and block nothing."""
    with installed("sqlite", tmp_path) as made:
        with made.store.write() as conn:
            known = parties.find(conn, parse_eui(made.actors["on54"].eui))
            assert known is not None
            parties.update(conn, replace(known, email=address("on54")))
        with made.running() as process:
            for actor in made.actors.values():
                actor.url = process.url
            play = Play(made, made.lot())
            play.announce()
            assert play.received("north")
            with made.store.read() as conn:
                (waiting,) = [one for one in outbox_view.entries(conn) if one.channel == "email"]
            assert (waiting.state, waiting.address) == ("pending", address("on54"))
            assert "email" in console(process)
