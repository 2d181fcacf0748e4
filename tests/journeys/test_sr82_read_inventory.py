"""SRV 8.2: a supplier looks at one of its own hubs, under every DUIS version."""

from __future__ import annotations

import pytest
from lxml import etree

from duis_gateway.namespaces import SR
from tests.support.play import RELEASED, RUNNING, Outcome, Play
from tests.support.published import published_schema
from tests.support.wire_client import only, texts

pytestmark = pytest.mark.processes

UNKNOWN = "00-DB-12-FF-FF-FF-FF-FF"


@pytest.mark.parametrize(("supplier", "group"), [("main", "own"), ("gas", "split"), ("on54", "on54"), ("on50", "on50")])
def test_the_answer_shows_the_hub_as_the_inventory_has_it(play: Play, supplier: str, group: str) -> None:
    hub = play.lot[group][0]
    answer = play.read_inventory(supplier, hub)
    assert answer.code == "I0"
    (device,) = answer.root.iterfind(f".//{{{SR}}}DSPInventory/{{{SR}}}Device")
    assert (only(device, "DeviceID"), only(device, "DeviceType")) == (hub, "CHF")
    assert (only(device, "DeviceModel"), only(device, "DeviceManufacturer")) == (play.lot.model, "106C")
    assert (only(device, "DeviceFirmwareVersion"), only(device, "DeviceStatus")) == (RUNNING, "Commissioned")
    version = play[supplier].registration.version
    assert answer.root.get("schemaVersion") == version
    if version != "6.0":
        published_schema().assertValid(etree.fromstring(answer.document))


def test_a_new_version_shows_once_the_hub_runs_it(play: Play) -> None:
    hub = play.lot.of_csp("north", play.lot["own"])[0]
    play.responded("north", Outcome(hub))
    assert only(play.read_inventory("main", hub).root, "DeviceFirmwareVersion") == RELEASED


def test_a_newer_user_may_ask_under_an_older_version(play: Play) -> None:
    """The request's schemaVersion governs its answer; versions are compared as numbers."""
    for version, answered in (("5.0", "5.0"), ("5.40", "5.4"), ("5.10", "5.1"), ("6", "6.0")):
        answer = play.read_inventory("main", play.lot["own"][0], version=version)
        assert (answer.code, answer.root.get("schemaVersion")) == ("I0", answered)


@pytest.mark.parametrize("supplier", ["main", "on54", "on50"])
def test_another_suppliers_hub_and_one_that_is_not_there_are_told_apart(play: Play, supplier: str) -> None:
    """DUIS tells E4 from E19 (T48 has it otherwise; the design holds)."""
    for hub, code in ((play.lot["suspended"][0], "E4"), (play.lot["nobody"][0], "E4"), (UNKNOWN, "E19")):
        answer = play.read_inventory(supplier, hub)
        assert answer.code == code
        assert not texts(answer.root, "DSPInventory")
        if supplier != "main":
            published_schema().assertValid(etree.fromstring(answer.document))


def test_the_device_is_echoed_as_sent(play: Play) -> None:
    hub = play.lot["own"][0].lower()
    assert only(play.read_inventory("main", hub).root, "DeviceID") == hub


def test_asking_by_what_the_inventory_does_not_hold_is_not_served(play: Play) -> None:
    """E2, and not E19: nobody can say that there is no such hub."""
    for asked in (
        "<sr:UPRN>1</sr:UPRN>",
        "<sr:MPxN>1234567890123</sr:MPxN>",
        "<sr:PropertyFilter><sr:PostCode>AB1 2CD</sr:PostCode><sr:AddressIdentifier>7</sr:AddressIdentifier>"
        "</sr:PropertyFilter>",
    ):
        document = play.reading("main", UNKNOWN)
        by_device = f"<sr:DeviceID>{UNKNOWN}</sr:DeviceID>".encode()
        assert play.send("main", document.replace(by_device, asked.encode())).code == "E2"


@pytest.mark.parametrize("door", ["serviceD", "soap"])
def test_an_exact_repeat_gets_the_first_answer_even_when_the_hub_has_changed(play: Play, door: str) -> None:
    """T39; a request through the other door gets the same bytes inside."""
    hub = play.lot.of_csp("north", play.lot["own"])[0]
    first = play.read_inventory("main", hub, door=door)
    sent = play.sent
    play.responded("north", Outcome(hub))
    play.sent = sent
    play.check_repeat(first, "soap", "serviceD")
    assert only(first.root, "DeviceFirmwareVersion") == RUNNING


def test_it_is_answered_while_every_partner_is_down(play: Play) -> None:
    """F13: nothing that comes in waits for what goes out."""
    hub = play.lot.of_csp("north", play.lot["own"])[0]
    with play.down("north", "south", "dcc", "main"):
        assert play.responded("north", Outcome(hub)).code == "Accepted"
        assert only(play.read_inventory("main", hub).root, "DeviceFirmwareVersion") == RELEASED
