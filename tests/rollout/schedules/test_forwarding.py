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
from duis_gateway.partners.bodies import SupplierPilotSchedule
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


def test_each_csp_gets_the_groups_that_changed_with_the_hubs_of_its_regions(tx: Tx) -> None:
    """PIA-D1. Not what stands beside them: what a list of 50,000 hubs brings must not grow with what stands."""
    standing = [instruction("A", NORTHERN, SOUTHERN)]
    sent = forwarded(tx, [instruction("B", NORTHERN)], standing)
    assert sent == {NORTH: {"B": (NORTHERN,)}, DCC: {"B": (NORTHERN,)}}
    sent = forwarded(tx, [instruction("A", NORTHERN, SOUTHERN)], [*standing, instruction("B", NORTHERN)])
    assert sent == {NORTH: {"A": (NORTHERN,)}, SOUTH: {"A": (SOUTHERN,)}, DCC: {"A": (NORTHERN, SOUTHERN)}}


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


@pytest.mark.requirement("A05", "BR-3.9")
def test_a_schedule_of_more_hubs_than_a_message_holds_comes_in_parts(tx: Tx, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was one message of 8 MB, which a CSP refuses by its size: 400,000 hubs in eight groups, here 16 in eight."""
    monkeypatch.setattr("duis_gateway.partners.portions.HUBS_IN_A_LIST", 3)
    hubs.upsert(tx.conn, [hub(number) for number in range(10, 26)])
    changed = [instruction(f"G{n}", 10 + 2 * n, 11 + 2 * n) for n in range(8)]
    standing = [instruction("STAYS", NORTHERN)]
    sends = forward_schedule(release(), tx.party.eui, changed, standing, tx)
    for recipient in (NORTH, DCC):
        sent = [send.body for send in sends if send.recipient.eui == recipient]
        bodies = [body for body in sent if isinstance(body, SupplierPilotSchedule)]
        groups = [[(group.group_id, group.device_ids) for group in body.groups] for body in bodies]
        assert max(sum(len(ids) for _, ids in part) for part in groups) == 3
        added: dict[str, tuple[int, ...]] = {}
        for name, ids in (group for part in groups for group in part):
            added[name] = added.get(name, ()) + ids
        assert list(added) == [f"G{n}" for n in range(8)]
        assert [hub for ids in added.values() for hub in ids] == list(range(10, 26))
        parts = [body.part for body in bodies]
        assert [(part.number, part.of) for part in parts if part] == [(n, 6) for n in range(1, 7)]
        assert len({part.list_id for part in parts if part}) == 1
