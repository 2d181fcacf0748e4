"""300,000 hubs and lists of 50,000 through a gateway's real process, in less than 300 MB."""

from __future__ import annotations

from itertools import zip_longest

import pytest
from lxml import etree

from tests.support.fault_world import RELEASED, RUNNING, FaultWorld
from tests.support.ledger import compare
from tests.support.million import (
    FOREIGN,
    HUBS,
    MOST_BYTES,
    UNCOMMISSIONED,
    inventory_lines,
    most_memory,
    own_hubs,
    run_measured,
)

pytestmark = [pytest.mark.once, pytest.mark.processes, pytest.mark.timeout(600)]

LIST, OUTCOMES = 50_000, 10_000
MINUTES = 300.0


def code_of(answer: bytes) -> str:
    return etree.fromstring(answer).findtext("{*}Header/{*}ResponseCode") or ""


def listed(answer: bytes) -> dict[str, int]:
    """How many hubs each list of the answer's warning holds."""
    named = ((etree.QName(element).localname, element.text or "") for element in etree.fromstring(answer).iter("{*}*"))
    return {name: text.count(",") + 1 for name, text in named if name.endswith("DeviceIDList")}


def mixed_list() -> tuple[list[int], list[int]]:
    """50,000 hubs: mostly good, and some of each kind that is not; and the good ones alone."""
    good = own_hubs(HUBS, 40_000)
    foreign = [10 * number + FOREIGN[0] for number in range(5_000)]
    uncommissioned = [10 * number + UNCOMMISSIONED for number in range(2_000)]
    unknown = [HUBS + number for number in range(3_000)]
    return [*unknown, *good, *foreign, *uncommissioned], good


def test_lists_of_50000_and_10000_activations_against_a_large_inventory(world: FaultWorld) -> None:
    """What is answered is right to the hub, what is sent is complete, and the process stays below 300 MB."""
    good = own_hubs(HUBS, LIST)
    mixed, good_of_mixed = mixed_list()
    activated = good[:OUTCOMES]
    with world.serve() as gateway, world.client(gateway) as client:
        client.send(world.release_notice(limit=LIST))
        assert code_of(client.send(world.pilot_list_of(good, good))) == "I99"
        answer = client.send(world.pilot_list_of(mixed, good_of_mixed))
        assert code_of(answer) == "W110501"
        assert listed(answer) == {
            "InvalidDeviceIDList": 3_000,
            "NotResponsibleDeviceIDList": 5_000,
            "NotCommissionedDeviceIDList": 2_000,
        }
        client.send(world.activations(activated, shared=False))
        world.wait_until_delivered(MINUTES)
        assert most_memory(gateway.pid) < MOST_BYTES
        assert gateway.terminate() == 0
    compare(world.ledger, world.store, world.receivers)


def test_the_inventory_is_exported_as_it_was_loaded_in_little_memory(world: FaultWorld) -> None:
    """T59: 300,000 lines, the order and the texts of the file that was loaded."""
    file = world.folder / "exported.csv"
    assert run_measured("inventory", "export", str(file), "--config", str(world.config)) < MOST_BYTES
    with file.open(encoding="ascii") as exported:
        lines = (line.replace(f",{RELEASED},", f",{RUNNING},") for line in exported)  # another test activates some
        as_loaded = (line.rpartition(",")[0] + "\n" for line in lines)  # without the column of GPFs, of which none was
        assert all(one == other for one, other in zip_longest(as_loaded, inventory_lines(HUBS)))
