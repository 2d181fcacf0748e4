"""InventoryUpdate: what DCC's inventory says of hubs now, and what follows for those responsible."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.flow.incoming import Door
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import NO_GPF, Hub
from tests.support.rules import NEW, OLD, OURS, THEIRS
from tests.support.steering import DCC, HUBS, NORTH, OLDER_HUB, OWN_NORTH, OWN_SOUTH, SPLIT, THEIR_HUB, Steering, Told

TOP = 0xFFFFFFFFFFFFFFFE


def updates(dcc: Steering, *changed: Hub) -> Told:
    return dcc.says(esi.InventoryUpdate(changed))


def known(device_id: int, **changes: Any) -> Hub:
    return replace(next(hub for hub in HUBS if hub.device_id == device_id), **changes)


def hub(dcc: Steering, device_id: int) -> Hub:
    with dcc.store.read() as conn:
        found = hubs.get(conn, device_id)
    assert found is not None
    return found


def activated(dcc: Steering, device_id: int, version: str = NEW) -> Told:
    outcome = HubOutcome(device_id, OutcomeStage.ACTIVATION, True, version, dcc.clock.now() - timedelta(minutes=1))
    return dcc.says(csp.ActivateFirmwareResponses((outcome,)), by=NORTH, door=Door.CSP)


def test_everything_of_a_hub_can_change_and_nobody_is_told(dcc: Steering) -> None:
    told = updates(
        dcc,
        known(OWN_NORTH, model="NEW-MODEL", firmware_version=NEW, csp_region="4G North", status="Suspended"),
        known(SPLIT, import_supplier=None, gas_supplier=OURS),
        replace(HUBS[0], device_id=TOP),
    )
    assert (told.status, told.sends) == ("Accepted", ())
    changed = hub(dcc, OWN_NORTH)
    assert (changed.model, changed.firmware_version, changed.csp_region, changed.status) == (
        "NEW-MODEL",
        NEW,
        "4G North",
        "Suspended",
    )
    assert hub(dcc, SPLIT).suppliers == {OURS}
    assert hub(dcc, TOP).told_version == OLD


def test_what_the_suppliers_were_told_stays_so_that_the_activation_is_told_still(dcc: Steering) -> None:
    """The inventory may know of the version before the CSP says so."""
    updates(dcc, known(OWN_NORTH, firmware_version=NEW))
    assert hub(dcc, OWN_NORTH).told_version == OLD
    assert activated(dcc, OWN_NORTH).to(OURS) == ["N64"]
    updates(dcc, known(OWN_NORTH, firmware_version=NEW))
    assert hub(dcc, OWN_NORTH).told_version == NEW
    assert activated(dcc, OWN_NORTH).to(OURS) == []


def test_an_activation_is_told_to_those_responsible_then(dcc: Steering) -> None:
    updates(dcc, known(OWN_NORTH, import_supplier=THEIRS, gas_supplier=THEIRS))
    told = activated(dcc, OWN_NORTH)
    assert told.to(THEIRS) == ["N64"]
    assert told.to(OURS) == []


def test_another_type_of_device_and_a_repeated_hub_are_named(dcc: Steering) -> None:
    with dcc.store.write() as conn:
        hubs.upsert(conn, [replace(HUBS[0], device_id=7, device_type="GPF")])
    told = updates(dcc, replace(HUBS[0], device_id=7), known(SPLIT, status="Recovery"), known(SPLIT))
    assert told.status == "PartlyAccepted"
    assert [item.item for item in told.answer.refused] == [format_eui(7), format_eui(SPLIT)]
    assert hub(dcc, 7).device_type == "GPF"
    assert hub(dcc, SPLIT).status == "Recovery"


def test_what_is_a_partys_or_nobodys_is_no_device_and_no_supplier(dcc: Steering) -> None:
    told = updates(
        dcc,
        replace(HUBS[0], device_id=OURS),
        replace(HUBS[0], device_id=0),
        known(OWN_NORTH, gpf_device_id=NORTH),
        known(OWN_SOUTH, import_supplier=DCC, gas_supplier=0),
        known(SPLIT, status="Recovery"),
    )
    assert {item.item: item.reason for item in told.answer.refused} == {
        format_eui(OURS): "it is the EUI-64 of a registered supplier, not of a device",
        format_eui(0): "it is all zeros, which is no device",
        format_eui(OWN_NORTH): "its GPF is the EUI-64 of a registered CSP, not of a device",
        format_eui(OWN_SOUTH): "its Import Supplier is the EUI-64 of DCC's enterprise systems, not of a supplier; "
        "its Gas Supplier is all zeros, which is nobody: where a hub has none, it is left out",
    }
    assert (told.status, hub(dcc, SPLIT).status) == ("PartlyAccepted", "Recovery")
    with dcc.store.read() as conn:
        assert hubs.get_many(conn, [OURS, 0, NORTH]) == {}


def test_a_message_without_a_good_hub_is_refused(dcc: Steering) -> None:
    with dcc.store.write() as conn:
        hubs.upsert(conn, [replace(HUBS[0], device_id=7, device_type="GPF")])
    told = updates(dcc, replace(HUBS[0], device_id=7))
    assert (told.status, told.code) == ("Refused", "NoHubAcceptable")


@pytest.mark.once
def test_ten_thousand_hubs_come_at_once(dcc: Steering) -> None:
    given = tuple(replace(HUBS[0], device_id=(1 << 63) - 5_000 + number) for number in range(10_000))
    assert updates(dcc, *given).status == "Accepted"
    with dcc.store.read() as conn:
        assert hubs.count(conn) == len(HUBS) + 10_000


def test_a_csp_may_not_say_it(dcc: Steering) -> None:
    told = dcc.says(esi.InventoryUpdate((HUBS[0],)), by=NORTH, door=Door.CSP)
    assert (told.status, told.code) == ("Refused", "NotServed")
    assert dcc.says(esi.InventoryUpdate((HUBS[0],)), by=DCC).status == "Accepted"


@pytest.mark.requirement("BR-5.6")
def test_a_hub_and_its_gpf_are_brought_up_to_date_together(dcc: Steering) -> None:
    """Named with its GPF, which is new; then moved, without a word of the GPF; then activated by its CSP."""
    assert updates(dcc, known(OWN_NORTH, gpf_device_id=TOP)).status == "Accepted"
    assert hub(dcc, TOP) == replace(HUBS[0], device_id=TOP, device_type="GPF", told_version=OLD)
    updates(dcc, known(OWN_NORTH, import_supplier=THEIRS, gas_supplier=THEIRS, status="Suspended"))
    assert (hub(dcc, OWN_NORTH).gpf, hub(dcc, TOP).suppliers) == (TOP, frozenset({THEIRS}))
    assert hub(dcc, TOP).status == "Commissioned", "each has a status of its own"
    told = activated(dcc, OWN_NORTH)
    assert told.to(THEIRS) == ["N64"]
    assert (hub(dcc, OWN_NORTH).firmware_version, hub(dcc, TOP).firmware_version) == (NEW, NEW)
    assert activated(dcc, TOP).status == "Refused", "the hub is named by its CHF"


@pytest.mark.requirement("BR-5.6")
def test_gpfs_are_exchanged_given_up_and_refused_without_loss(dcc: Steering) -> None:
    updates(dcc, known(OWN_NORTH, gpf_device_id=TOP), known(OWN_SOUTH, gpf_device_id=7))
    told = updates(dcc, known(OWN_NORTH, gpf_device_id=7), known(OWN_SOUTH, gpf_device_id=TOP))
    assert (told.status, hub(dcc, OWN_NORTH).gpf, hub(dcc, OWN_SOUTH).gpf) == ("Accepted", 7, TOP)
    assert hub(dcc, 7).csp_region == "North"
    told = updates(
        dcc,
        known(SPLIT, gpf_device_id=TOP, status="Suspended"),
        known(THEIR_HUB, gpf_device_id=SPLIT),
        known(OLDER_HUB, gpf_device_id=OLDER_HUB),
        known(OWN_NORTH, gpf_device_id=NO_GPF, status="Suspended"),
    )
    assert (told.status, {item.item for item in told.answer.refused}) == (
        "PartlyAccepted",
        {format_eui(one) for one in (SPLIT, THEIR_HUB, OLDER_HUB)},
    )
    assert all("GPF" in item.reason for item in told.answer.refused)
    assert (hub(dcc, OWN_NORTH).gpf, hub(dcc, OWN_NORTH).status) == (None, "Suspended")
    assert hub(dcc, SPLIT).status == "Commissioned"
    activated(dcc, OWN_NORTH)
    assert hub(dcc, 7).firmware_version == OLD, "it is nobody's GPF any more"
