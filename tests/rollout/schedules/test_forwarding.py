"""What CSPs and DCC get of a supplier's schedule, and which messages cannot come in parts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.flow.reply import PartnerSend
from duis_gateway.flow.tx import Tx
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party, PartyKind, Role
from duis_gateway.partners.messages import AnyMessage, Part, PartnerBody, PartnerMessage
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.releases.notice import receive_release
from duis_gateway.rollout.releases.records import Instruction, PilotTerms, ReleaseType
from duis_gateway.rollout.schedules.forwarding import forward_schedule
from duis_gateway.store.engine import Store
from tests.support.databases import fresh_database
from tests.support.rules import NOW, OURS, PILOT, hub, instruction, release

NORTH, SOUTH, DCC = 0xA7, 0xA8, 0xAA
NORTHERN, SOUTHERN = 1, 2


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Tx]:
    """A supplier with a hub in North and one in South, both CSPs and DCC."""
    url = "http://127.0.0.1/"
    with fresh_database("sqlite", tmp_path) as address:
        store = Store.open(address)
        supplier = Party(OURS, PartyKind.SUPPLIER, url, roles=frozenset(Role))
        with store.write() as conn:
            parties.add(conn, supplier)
            parties.add(conn, Party(NORTH, PartyKind.CSP, url, regions=frozenset({"North"})))
            parties.add(conn, Party(SOUTH, PartyKind.CSP, url, regions=frozenset({"South"})))
            parties.add(conn, Party(DCC, PartyKind.DCC, url))
            hubs.upsert(conn, [hub(NORTHERN), hub(SOUTHERN, csp_region="South")])
        with store.write() as conn:
            yield Tx(conn, NOW, lambda *_: None, supplier)
        store.close()


def told(sends: list[PartnerSend]) -> dict[int, dict[str, tuple[int, ...]]]:
    """The groups that each party is sent, with their hubs."""
    found: dict[int, dict[str, tuple[int, ...]]] = {}
    for send in sends:
        assert isinstance(send.body, csp.PreferredPilotSchedule | esi.PreferredPilotScheduleReport)
        found[send.recipient.eui] = {group.group_id: group.device_ids for group in send.body.groups}
    return found


def forwarded(tx: Tx, changed: list[Instruction], standing: list[Instruction]) -> dict[int, dict[str, tuple[int, ...]]]:
    return told(forward_schedule(release(), tx.party.eui, changed, standing, tx))


def test_each_csp_gets_the_whole_schedule_with_the_hubs_of_its_regions(tx: Tx) -> None:
    """PIA-D1: not the new group alone, since the newest word takes the place of the one before."""
    sent = forwarded(tx, [instruction("B", NORTHERN)], [instruction("A", NORTHERN, SOUTHERN)])
    assert sent[NORTH] == {"A": (NORTHERN,), "B": (NORTHERN,)}
    assert sent[DCC] == {"A": (NORTHERN, SOUTHERN), "B": (NORTHERN,)}


def test_a_csp_whose_part_stays_as_it_is_gets_nothing(tx: Tx) -> None:
    sent = forwarded(tx, [instruction("B", NORTHERN)], [instruction("A", SOUTHERN)])
    assert SOUTH not in sent


def test_a_csp_that_loses_all_hubs_of_a_group_gets_it_empty(tx: Tx) -> None:
    sent = forwarded(tx, [instruction("A", NORTHERN)], [instruction("A", NORTHERN, SOUTHERN)])
    assert sent[NORTH] == {"A": (NORTHERN,)}
    assert sent[SOUTH] == {"A": ()}


def message(body: PartnerBody) -> AnyMessage:
    return PartnerMessage("M-1", NORTH, NOW, body)


def test_a_notice_cannot_come_in_parts(tx: Tx) -> None:
    terms = PilotTerms(PILOT, limit=10)
    about = ("R1", 1, ReleaseType.SEC_RELEASE, "106C", "433100AC", "9002", "a note", "high", "high")
    whole = esi.FirmwareRelease(*about, pilot=terms, part=Part("L", 1, 1))
    one_of_two = esi.FirmwareRelease(*about, pilot=terms, part=Part("L", 1, 2))
    answers = [receive_release(message(body), tx) for body in (whole, one_of_two)]
    assert [answer.code for answer in answers] == ["Accepted", "PartsNotServed"]
