"""A01 by email, and the content of N999: through the gateway's process and a real mail relay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from duis_gateway.duis.identifiers import parse_eui
from duis_gateway.operations import flags
from duis_gateway.outbox import view as outbox_view
from duis_gateway.parties import store as parties
from duis_gateway.rollout.periods import one_month_before
from duis_gateway.text.times import show_time
from tests.support.installation import installed
from tests.support.mail_play import (
    MOST_HUBS,
    SENDER,
    WITHOUT_ADDRESS,
    Mailed,
    MailedPlay,
    address,
    console,
    give_addresses,
    listed,
    text_of,
)
from tests.support.mail_relay import MailRelay, Relay
from tests.support.play import DAY, NOW, RELEASED, Outcome, Play
from tests.support.wire_client import element

pytestmark = [pytest.mark.processes, pytest.mark.requirement("A01")]


@pytest.mark.requirement("A01")
def test_every_supplier_with_hubs_of_the_model_and_every_csp_is_told(mail: MailedPlay) -> None:
    mail.announce()
    told = {str(one["To"]) for one in mail.emails()}
    assert told == {address(n) for n in ("main", "on54", "on50", "published50", "suspended", "north", "south")}
    assert len(mail.emails()) == len(told)
    (email,) = mail.of("on54")
    assert email["Subject"] == f"Firmware release {mail.lot.release}: 9002 for 106C {mail.lot.model}"
    assert email["Date"].datetime == NOW
    assert email["From"].addresses[0].addr_spec == SENDER
    assert "Release note: https://" in text_of(email)
    assert email.get_body(("html",)) is not None


@pytest.mark.requirement("BR-5.4")
def test_each_actor_is_shown_how_long_it_really_has(mail: MailedPlay) -> None:
    """A pilot that ends within a month of the automatic date takes lists until that month begins (E110505)."""
    automatic, end = NOW + 100 * DAY, NOW + 90 * DAY
    marks = element("esi:Obligations", "true")
    mail.announce(pilot=(NOW + DAY, end), automatic=automatic, minimum=2, marks=marks)
    (supplier,), (csp,) = mail.of("main"), mail.of("north")
    last = one_month_before(automatic)
    assert last < end
    words = " ".join(text_of(supplier).split())
    assert f"for the pilot (Service Request 11.5) until {show_time(last)}" in words
    assert f"at least 2 of them by {show_time(one_month_before(end))}" in words
    words = " ".join(text_of(csp).split())
    regions = " and ".join(region for region in ("4G North", "North") if region in mail.lot.regions.values())
    assert f"Default Pilot Schedule for {regions} by {show_time(NOW + DAY)}" in words
    assert f"Safe Launch Schedule for {regions} by {show_time(end)}" in words


@pytest.mark.requirement("BR-1.3")
@pytest.mark.requirement("A01")
def test_a_suppliers_hubs_are_attached_with_its_role_for_each(mail: MailedPlay) -> None:
    mail.announce()
    (email,) = mail.of("on50")
    lot = mail.lot
    roles = {row["device_id"]: (row["import"], row["gas"]) for row in listed(email)}
    assert roles == dict.fromkeys(lot["on50"], ("true", "true")) | dict.fromkeys(lot["mixed"], ("true", "false"))
    assert "lists the 4 hubs" in text_of(email)
    assert not list(mail.of("north")[0].iter_attachments())


@pytest.mark.requirement("A01")
def test_of_a_large_estate_the_first_hubs_are_attached_and_the_party_door_is_named(mail: MailedPlay) -> None:
    mail.announce()
    (email,) = mail.of("main")
    assert len(listed(email)) == MOST_HUBS
    lot = mail.lot
    own = [hub for hub, owners in lot.owners.items() if "main" in owners]
    fit = len(set(own) - set(lot["uncommissioned"]) - set(lot["no_hub"]) - set(lot["updated"]))
    assert f"There are {fit} of your hubs" in text_of(email)
    assert f"/party/v1/eligible-hubs with ?release={mail.lot.release}" in text_of(email)


def test_a_supplier_without_address_is_shown_to_the_operator_and_gets_its_alerts(
    mail: MailedPlay, mailed_gateway: Mailed
) -> None:
    """Design section 6: never blocking."""
    mail.announce()
    hub = mail.lot["split"][0]
    csp = "north" if hub in mail.lot.within("North", "4G North") else "south"
    mail.default_list(csp, mail.lot.regions[hub], [hub])
    assert mail.received(WITHOUT_ADDRESS, "N66")[0].listed() == [hub]
    with mail.installation.store.read() as conn:
        raised = {(one.kind, one.subject, one.text) for one in flags.newest(conn)}
    text = f"A01 of {mail.lot.release} is not sent by email: the party has no address"
    assert ("no email address", mail[WITHOUT_ADDRESS].eui, text) in raised
    page = mailed_gateway.console()
    assert "no email address" in page


@pytest.mark.requirement("A01")
def test_a_revision_is_told_by_an_email_of_its_own_after_the_first(mail: MailedPlay) -> None:
    mail.announce()
    mail.announce(revision=2)
    first, second = mail.of("on54")
    assert "revision 2" not in first["Subject"]
    assert "revision 2" in second["Subject"]
    assert "Revision: 2" in text_of(second)


def test_a_refused_notice_and_a_repeat_bring_no_email(mail: MailedPlay) -> None:
    """T39."""
    mail.check_repeat(mail.announce())
    assert mail.announce(revision=1).code == "Refused"
    assert len(mail.of("main")) == 1


def test_emails_wait_for_a_relay_that_is_away_while_alerts_go_on(mailed_gateway: Mailed) -> None:
    """F13: emails have an order of their own."""
    away = MailedPlay(mailed_gateway.installation, Relay())
    away.announce()
    hub = away.lot["on54"][0]
    csp = "north" if hub in away.lot.within("North", "4G North") else "south"
    away.default_list(csp, away.lot.regions[hub], [hub])
    away.announce(revision=2)
    assert [one.kind for one in away.received("on54")] == ["N999"]
    assert [one.text("Revision") for one in away.received("north", "FirmwareReleaseNotice")] == ["1", "2"]
    with MailRelay(mailed_gateway.port) as relay:
        away.relay = relay
        own = [one for one in away.emails() if one["To"] == address("on54")]
    assert [one["X-DUIS-Gateway-Kind"] for one in own] == ["A01", "N66", "A01"]
    assert "revision 2" in own[2]["Subject"]


@pytest.mark.requirement("FIA-3")
def test_what_an_n999_cannot_say_is_said_by_email(mail: MailedPlay) -> None:
    """Design section 3: N66 is not known to DUIS 5.4."""
    mail.announce()
    hub = mail.lot["on54"][0]
    csp = "north" if hub in mail.lot.within("North", "4G North") else "south"
    mail.default_list(csp, mail.lot.regions[hub], [hub])
    (email,) = mail.of("on54", "N66")
    assert [row["device_id"] for row in listed(email)] == [hub]
    assert "does not know DCC Alert N66" in text_of(email)
    assert not mail.of("main", "N66")


def test_hubs_of_one_message_are_told_by_one_email(mail: MailedPlay) -> None:
    """N64 to DUIS 5.0: an N999 for each hub, and one email for all of a message."""
    mail.announce()
    hubs = (*mail.lot["on50"], *mail.lot["mixed"], *mail.lot["on54"])
    by_csp = {name: mail.lot.of_csp(name, hubs) for name in ("north", "south")}
    for csp, ids in by_csp.items():
        if ids:
            assert mail.requested(csp, ids).code == "Refused", "nothing is planned: they move all the same"
            assert mail.responded(csp, *(Outcome(hub) for hub in ids)).code == "Accepted"
    own = {csp: [hub for hub in ids if "on50" in mail.lot.owners[hub]] for csp, ids in by_csp.items()}
    emails = mail.of("on50", "N64")
    told = sorted([row["device_id"] for row in listed(one)] for one in emails)
    assert told == sorted(ids for ids in own.values() if ids), "in whatever order the relay got them"
    assert {row["firmware_version"] for one in emails for row in listed(one)} == {RELEASED}
    assert len(mail.received("on50", "N999")) == 4
    assert not mail.of("on54", "N64")


def test_without_a_relay_configured_emails_wait_and_the_gateway_serves(tmp_path: Path) -> None:
    """They are shown to the operator, and block nothing."""
    with installed("sqlite", tmp_path) as made:
        give_addresses(made, "on54")
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
        # An address that was mistyped, say, is put right before there is a relay.
        with made.store.write() as conn:
            on54 = parties.find(conn, parse_eui(made.actors["on54"].eui))
            assert on54 is not None
            parties.update(conn, replace(on54, email="right@supplier.example"))
        with MailRelay() as relay:
            reached = {"HOST": "127.0.0.1", "PORT": str(relay.port), "SENDER": SENDER}
            with made.running(**{f"DUIS_GATEWAY_EMAIL_{key}": value for key, value in reached.items()}):
                (email,) = relay.wait_for(1)
            assert [to for _, to, _ in relay.emails] == ["right@supplier.example"]
            assert email["To"] == "right@supplier.example"
