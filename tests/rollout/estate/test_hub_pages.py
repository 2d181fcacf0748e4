"""Pages of hubs: every hub of an estate once, on whichever way it is found, and none of anybody else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, insert

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.estate import hub_pages
from duis_gateway.rollout.estate.hub_pages import PAGE, WantedHubs, hub_page
from duis_gateway.rollout.estate.rules import HubState
from duis_gateway.rollout.plans.records import VoidReason
from duis_gateway.rollout.protection import store as protection
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import ReleaseState
from duis_gateway.store.engine import Store
from duis_gateway.store.tables import activation_outcome, device_model, hub
from duis_gateway.store.tables import release as release_table
from tests.support.databases import KINDS, fresh_database, opened
from tests.support.rules import release

NOW = datetime(2027, 3, 30, tzinfo=UTC)
LARGE, SMALL, GAS = 0x90B3D51F30010000, 0x90B3D51F30020000, 0xFFB3D51F30030000
FIRST = 0x7FFFFFFFFFFFFE00  # so that some have the highest bit, and come first in the database's order
HUBS = 1_200


def owners(number: int) -> tuple[int, int]:
    """Every fortieth hub is the small supplier's alone; the third has the gas of every second of the others."""
    if number % 40 == 0:
        return SMALL, SMALL
    return LARGE, GAS if number % 2 else LARGE


@pytest.fixture(scope="module", params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with fresh_database(request.param, tmp_path_factory.mktemp("hubs")) as url, opened(url) as made:
        with made.write() as conn:
            conn.execute(insert(device_model), [{"id": 1, "manufacturer": "106C", "model": "M"}])
            conn.execute(insert(hub), [row(number) for number in range(HUBS)])
        yield made


def row(number: int) -> dict[str, object]:
    import_supplier, gas_supplier = owners(number)
    return {
        "device_id": FIRST + number,
        "device_type": "GPF" if number % 100 == 7 else "CHF",
        "model_id": 1,
        "firmware_version": "9001" if number % 3 else "9002",
        "status": "Commissioned",
        "csp_region": "North",
        "import_supplier": import_supplier,
        "gas_supplier": gas_supplier,
    }


def own(supplier: int) -> set[str]:
    return {format_eui(FIRST + number) for number in range(HUBS) if supplier in owners(number) and number % 100 != 7}


OPERATOR = Party(0, PartyKind.DCC, "")


def turned(store: Store, whose: int | Party, wanted: WantedHubs | None = None) -> list[str]:
    """All pages, one after another."""
    party = whose if isinstance(whose, Party) else Party(whose, PartyKind.SUPPLIER, "http://supplier.example/")
    found: list[str] = []
    after: int | None = None
    while True:
        with store.read() as conn:
            page = hub_page(conn, party, NOW, replace(wanted or WantedHubs(), after=after))
        assert len(page.rows) <= PAGE
        found += [str(one["device_id"]) for one in page.rows]
        if page.further is None:
            return found
        assert page.further != after
        after = page.further


@pytest.mark.parametrize("supplier", [LARGE, SMALL, GAS])
@pytest.mark.parametrize("at_once", [30, 5_000])
def test_each_hub_is_on_one_page(store: Store, supplier: int, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the next hubs are looked for in the inventory or sorted, a few or all at once."""
    monkeypatch.setattr(hub_pages, "_STRETCH", at_once)
    monkeypatch.setattr(hub_pages, "_AT_ONCE", at_once)
    found = turned(store, supplier)
    assert len(found) == len(set(found))
    assert set(found) == own(supplier)
    newer = turned(store, supplier, WantedHubs(firmware_version="9002"))
    assert len(newer) == len(set(newer)) < len(found)
    assert set(turned(store, supplier, WantedHubs(state=HubState.NOT_PLANNED))) == own(supplier)


def test_what_is_not_found_among_the_next_is_looked_for_further(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_pages, "_STRETCH", 200)
    monkeypatch.setattr(hub_pages, "_READ", 400)
    with store.read() as conn:
        party = Party(LARGE, PartyKind.SUPPLIER, "http://supplier.example/")
        page = hub_page(conn, party, NOW, WantedHubs(release="NONE"))
    assert (page.rows, page.further is None) == ([], False)
    assert turned(store, LARGE, WantedHubs(release="NONE")) == []


def test_only_hubs_that_something_names_are_looked_at_for_states_that_need_it(store: Store) -> None:
    assert turned(store, LARGE, WantedHubs(state=HubState.FAILED)) == []


@pytest.mark.parametrize("at_once", [70, 100_000])
def test_the_operator_has_every_hub_on_one_page_whoever_it_is_of(
    store: Store, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_pages, "_WINDOW", at_once)
    monkeypatch.setattr(hub_pages, "_STRETCH", at_once)
    every = {format_eui(FIRST + number) for number in range(HUBS) if number % 100 != 7}
    newer = {format_eui(FIRST + number) for number in range(HUBS) if number % 100 != 7 and number % 3 == 0}
    for wanted, expected in (
        (WantedHubs(), every),
        (WantedHubs(firmware_version="9002", model="M"), newer),
        (WantedHubs(model="other"), set()),
        (WantedHubs(supplier=SMALL), own(SMALL)),
        (WantedHubs(state=HubState.FAILED), set()),
        (WantedHubs(void=VoidReason.PERIOD_ENDED), set()),
    ):
        found = turned(store, OPERATOR, wanted)
        assert len(found) == len(set(found))
        assert set(found) == expected, wanted


def test_what_failed_is_found_by_its_release_and_reason(store: Store) -> None:
    """Each hub once, however often it failed; of one's own alone."""
    failed = (FIRST + 40, "battery"), (FIRST + 41, "battery"), (FIRST + 41, "battery"), (FIRST + 42, "signal")
    shared = {"csp": 1, "stage": "Activation", "success": False, "firmware_version": "9002", "matched": True}
    shared |= {"completed_at": NOW, "received_at": NOW, "release_id": "GONE"}
    with store.write() as conn:
        conn.execute(
            insert(activation_outcome), [{**shared, "device_id": one, "failure_reason": why} for one, why in failed]
        )
    battery = WantedHubs(failed_under=("GONE",), reason="battery")
    assert turned(store, OPERATOR, battery) == [format_eui(FIRST + 40), format_eui(FIRST + 41)]
    assert turned(store, SMALL, battery) == [format_eui(FIRST + 40)]
    assert len(turned(store, OPERATOR, WantedHubs(failed_under=("GONE",)))) == 3
    assert turned(store, OPERATOR, replace(battery, failed_under=("OTHER",))) == []
    assert turned(store, SMALL, replace(battery, failed_under=("OTHER", "GONE"))) == [format_eui(FIRST + 40)]


def test_a_reason_alone_is_one_of_any_release(store: Store) -> None:
    """It was left out without a word, and every hub was listed."""
    shared = {"csp": 1, "stage": "Activation", "success": False, "firmware_version": "9002", "matched": True}
    shared |= {"completed_at": NOW, "received_at": NOW, "failure_reason": "noImage"}
    with store.write() as conn:
        for name in ("ONE", "TWO"):
            made = release(release_id=name, state=ReleaseState.PILOTING)
            releases.put(conn, replace(made, manufacturer="106C", model="M"), {})
        rows = [{**shared, "device_id": FIRST + at, "release_id": name} for at, name in ((50, "ONE"), (80, "TWO"))]
        conn.execute(insert(activation_outcome), rows)
    no_image = WantedHubs(reason="noImage")
    assert turned(store, OPERATOR, no_image) == [format_eui(FIRST + 50), format_eui(FIRST + 80)]
    assert turned(store, SMALL, no_image) == [format_eui(FIRST + 80)]
    assert turned(store, OPERATOR, replace(no_image, firmware_version="9002")) == []
    assert turned(store, OPERATOR, replace(no_image, reason="never so")) == []
    with store.write() as conn:
        for name in ("ONE", "TWO"):
            conn.execute(delete(release_table).where(release_table.c.release_id == name))


@pytest.mark.requirement("BR-5.3")
def test_who_protects_a_hub_stands_in_the_operators_list_alone(store: Store) -> None:
    """Before, the list had it planned for the automatic date, and only its own page said that nothing takes it."""
    device_id = FIRST + 1
    with store.write() as conn, conn.begin_nested() as tried:
        releases.put(conn, replace(release(state=ReleaseState.PILOTING), manufacturer="106C", model="M"), {})
        protection.add(conn, GAS, [device_id])
        suppliers = [Party(one, PartyKind.SUPPLIER, "http://supplier.example/") for one in (LARGE, GAS)]
        wanted = WantedHubs(after=device_id - 1)
        of_operator, *others = [hub_page(conn, one, NOW, wanted).rows[0] for one in (OPERATOR, *suppliers)]
        tried.rollback()
    assert {one["device_id"] for one in (of_operator, *others)} == {format_eui(device_id)}
    assert str(of_operator["why"]).endswith(
        "; protected by its Gas Supplier, which keeps it out of every group and batch"
    )
    assert "rotect" not in str(others)
