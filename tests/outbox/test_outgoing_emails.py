"""What is laid in the outbox as emails: whose hubs are attached, in which order, and what becomes of no address."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from email.message import EmailMessage

import pytest
from sqlalchemy import Connection

from duis_gateway.duis.alerts.comms_hub_firmware_activation import CommsHubFirmwareActivation
from duis_gateway.duis.alerts.default_pilot_list import DefaultPilotList
from duis_gateway.flow.reply import Alert, Email, Send
from duis_gateway.operations import flags
from duis_gateway.outbox.emails.announcement import announcement
from duis_gateway.outbox.emails.outbox_rows import EmailTerms, email_rows
from duis_gateway.outbox.store import OutboxMessage
from duis_gateway.parties.records import Party, PartyKind, Role
from duis_gateway.rollout.releases import store as releases
from duis_gateway.store.engine import Store
from tests.support.estate import ALPHA, BETA, GAMMA, NOW, TOP, fill, hub, release
from tests.support.mail_relay import parsed

GATEWAY = 0x90B3D51F30000002
TERMS = EmailTerms("gateway@dcc.example")


def supplier(eui: int = ALPHA, email: str | None = "ops@alpha.example", version: str = "6.0") -> Party:
    return Party(
        eui, PartyKind.SUPPLIER, "https://a.example", email, roles=frozenset(Role), duis_version=Decimal(version)
    )


def laid(conn: Connection, *sends: Send, terms: EmailTerms = TERMS) -> list[OutboxMessage]:
    return list(email_rows(sends, conn, GATEWAY, NOW, terms))


def announced(party: Party) -> Email:
    return announcement(release(), party, NOW, revised=False)


def text_of(row: OutboxMessage) -> str:
    part = parsed(row.content).get_body(("plain",))
    assert isinstance(part, EmailMessage)
    return " ".join(str(part.get_content()).split())


def listed(row: OutboxMessage) -> list[dict[str, str]]:
    (part,) = parsed(row.content).iter_attachments()
    return list(csv.DictReader(part.get_content().splitlines()))


ESTATE = [
    hub(1, ALPHA, ALPHA),
    hub(2, BETA, ALPHA),
    hub(3, None, ALPHA, region="South"),
    hub(TOP, ALPHA, None),
    hub(5, BETA, GAMMA),
    hub(6, ALPHA, ALPHA, model="Hub2"),
    hub(7, ALPHA, ALPHA, version="01020305"),
    replace(hub(8, ALPHA, ALPHA), device_type="GPF"),
]


def test_the_attachment_lists_the_recipients_own_eligible_hubs_with_its_roles(store: Store) -> None:
    """A01: hubs of the model without the version yet; nothing of the other supplier of a split hub (BR-3.3)."""
    with store.write() as conn:
        fill(conn, ESTATE, [release()])
        (row,) = laid(conn, announced(supplier()))
    rows = listed(row)
    assert list(rows[0]) == [
        "device_id", "manufacturer", "model", "firmware_version", "status", "csp_region", "import", "gas"
    ]  # fmt: skip
    assert sorted((one["device_id"], one["import"], one["gas"]) for one in rows) == [
        ("00-00-00-00-00-00-00-01", "true", "true"),
        ("00-00-00-00-00-00-00-02", "false", "true"),
        ("00-00-00-00-00-00-00-03", "false", "true"),
        ("80-00-00-00-00-00-00-00", "true", "false"),
    ]
    assert {one["csp_region"] for one in rows} == {"North", "South"}
    assert "4 hubs of this model" in text_of(row)
    assert b"00-DB-12-34-56-78-90-A0" not in row.content


def test_the_email_has_the_releases_facts_as_the_store_has_them_now(store: Store) -> None:
    with store.write() as conn:
        fill(conn, ESTATE, [release()])
        releases.put(conn, replace(release(), revision=2, severity="Major"), {})
        (row,) = laid(conn, announced(supplier()))
    assert "Revision: 2" in text_of(row)
    assert "Severity: Major" in text_of(row)
    assert (row.kind, row.address, row.created_at) == ("A01", "ops@alpha.example", NOW)


@pytest.mark.parametrize("hubs", [20, 21])
def test_no_more_than_so_many_hubs_are_attached_and_the_rest_is_at_the_party_door(store: Store, hubs: int) -> None:
    """An estate of millions never passes through memory or the outbox."""
    with store.write() as conn:
        fill(
            conn,
            [hub(number, *((ALPHA, BETA) if number % 2 else (BETA, ALPHA))) for number in range(hubs)],
            [release()],
        )
        (row,) = laid(conn, announced(supplier()), terms=replace(TERMS, attachment_hubs=20))
    assert len({one["device_id"] for one in listed(row)}) == 20
    too_many = hubs > 20
    assert ("/party/v1/eligible-hubs" in text_of(row)) is too_many
    assert ("There are 21 of your hubs" in text_of(row)) is too_many


def test_a_supplier_with_no_hub_left_to_update_gets_no_file(store: Store) -> None:
    with store.write() as conn:
        fill(conn, [hub(7, ALPHA, ALPHA, version="01020305")], [release()])
        (row,) = laid(conn, announced(supplier()))
    assert "none of your hubs of this model may be updated under this release" in text_of(row)
    assert not list(parsed(row.content).iter_attachments())


def test_emails_about_a_release_keep_their_order_and_stand_in_the_way_of_no_alert(store: Store) -> None:
    body = DefaultPilotList("R1", "01020305", "North", (1,))
    n64 = CommsHubFirmwareActivation(1, "01020305")
    old = supplier(version="5.0")
    with store.write() as conn:
        fill(conn, ESTATE, [release()])
        a01, n66, single = laid(conn, announced(old), Alert(old, body, "R1"), Alert(old, n64, "R1", 1))
    key = "90-B3-D5-1F-30-01-00-00/R1/email"
    assert [(one.kind, one.order_key) for one in (a01, n66, single)] == [("A01", key), ("N66", key), ("N64", None)]
    assert all(one.channel == "email" for one in (a01, n66, single))


@pytest.mark.parametrize(
    ("email", "why"), [(None, "has no address"), ("x", "usable address"), ("a@b\r\nBcc: c@d", "usable")]
)
def test_a_party_without_address_is_flagged_once_and_blocks_nothing(store: Store, email: str | None, why: str) -> None:
    """Design section 6: shown as such, never blocking."""
    with store.write() as conn:
        fill(conn, ESTATE, [release()])
        for _ in range(3):
            rows = laid(conn, announced(supplier(email=email)), announced(supplier(BETA, "ops@beta.example")))
            assert [one.recipient for one in rows] == [BETA]
        (flag,) = flags.newest(conn)
    assert (flag.kind, flag.subject, flag.at) == ("no email address", "90-B3-D5-1F-30-01-00-00", NOW)
    assert flag.text.startswith("A01 of R1")
    assert why in flag.text


def test_alerts_about_a_release_that_nobody_knows_are_told_without_its_facts(store: Store) -> None:
    body = CommsHubFirmwareActivation(1, "01020305")
    with store.write() as conn:
        (row,) = laid(conn, Alert(supplier(version="5.0"), body, None, 1))
    assert "Communications Hub 00-00-00-00-00-00-00-01 now runs firmware 01020305." in text_of(row)
    assert row.release_id is None


def test_every_email_has_an_id_of_its_own(store: Store) -> None:
    later = NOW + timedelta(days=1)
    with store.write() as conn:
        fill(conn, ESTATE, [release()])
        first, second = laid(conn, announced(supplier()), announced(supplier()))
        (third,) = email_rows([announced(supplier())], conn, GATEWAY, later, TERMS)
    assert len({one.message_id for one in (first, second, third)}) == 3
    assert parsed(first.content)["Message-ID"] == f"<{first.message_id}@duis-gateway>"
    assert parsed(third.content)["Date"].datetime == later
