"""Who is told (design section 7; PIA-D1, PIA-S1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.flow.tx import Moment
from duis_gateway.operations import flags
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.audience import (
    UNREGISTERED_SUPPLIER,
    by_supplier,
    registered,
    suppliers_of_model,
    within_regions,
)
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.store.engine import Store
from tests.support.estate import ALPHA, BETA, GAMMA, HIGH, LOW, NOW, add_suppliers, fill
from tests.support.estate import hub as on_file
from tests.support.rules import OURS, THEIRS, hub, located

suppliers = st.none() | st.integers(1, 4)
estates = st.lists(st.tuples(suppliers, suppliers), max_size=12).map(
    lambda pairs: [hub(number, import_supplier=one, gas_supplier=two) for number, (one, two) in enumerate(pairs)]
)


def test_each_supplier_is_told_of_its_own_hubs() -> None:
    estate = [hub(1), hub(2, gas_supplier=THEIRS), hub(3, import_supplier=THEIRS, gas_supplier=None)]
    assert by_supplier(estate) == {OURS: [1, 2], THEIRS: [2, 3]}


def test_each_csp_gets_the_hubs_of_its_regions() -> None:
    hubs = (*located(3, 1, region="North"), *located(2, region="South"), *located(5, region="4G North"))
    assert within_regions(hubs, frozenset({"North", "4G North"})) == (3, 1, 5)
    assert within_regions([(7, None)], frozenset({"North"})) == ()


@pytest.mark.requirement("PIA-S1")
@given(estates)
def test_nobody_is_told_of_a_hub_of_somebody_else(estate: list[Hub]) -> None:
    told = by_supplier(estate)
    for supplier, ids in told.items():
        assert ids == [of.device_id for of in estate if supplier in of.suppliers]
        assert ids
    assert {supplier for of in estate for supplier in of.suppliers} == set(told)


@given(suppliers, suppliers)
def test_one_party_in_both_roles_is_told_once(one: int | None, two: int | None) -> None:
    told = by_supplier([hub(import_supplier=one, gas_supplier=two)])
    assert told == {party: [1] for party in sorted({party for party in (one, two) if party is not None})}


def test_the_suppliers_of_a_model_are_found_registered_or_not(store: Store) -> None:
    """HIGH and LOW are not registered; of GAMMA's hubs none is of the model, nobody has the sixth hub."""
    estate = [
        on_file(1, ALPHA, None),
        on_file(2, ALPHA, BETA),
        on_file(3, HIGH, BETA, region="South"),
        on_file(4, None, LOW, region="South"),
        on_file(5, GAMMA, None, model="Hub2"),
        on_file(6, None, None),
    ]
    with store.write() as connection:
        assert suppliers_of_model(connection, "Acme", "Hub1") == frozenset()
        add_suppliers(connection)
        fill(connection, estate)
        assert suppliers_of_model(connection, "Acme", "Hub1") == {ALPHA, BETA, HIGH, LOW}
        assert suppliers_of_model(connection, "Acme", "Hub1", "South") == {BETA, HIGH, LOW}
        assert suppliers_of_model(connection, "Acme", "Hub3") == frozenset()
        assert suppliers_of_model(connection, "Acme", "Hub1", "West") == frozenset()


def test_who_is_not_registered_as_a_supplier_is_shown_to_the_operator_once_for_each_release(store: Store) -> None:
    with store.write() as connection:
        add_suppliers(connection, [ALPHA, GAMMA])
        parties.add(connection, Party(BETA, PartyKind.CSP, "http://127.0.0.1:1/"))
        moment = Moment(connection, NOW, lambda _connection, _subject: None)
        for release_id in ("R1", "R1", "R2", None):
            assert list(registered([GAMMA, BETA, ALPHA, HIGH], release_id, moment)) == sorted([ALPHA, GAMMA])
        raised = [(one.kind, one.subject) for one in flags.newest(connection)]
    subjects = [
        f"{release_id}{format_eui(supplier)}" for release_id in ("R1 ", "R2 ", "") for supplier in sorted([BETA, HIGH])
    ]
    assert raised == [(UNREGISTERED_SUPPLIER, subject) for subject in reversed(subjects)]
