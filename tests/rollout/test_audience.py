"""Who is told (design section 7; PIA-D1, PIA-S1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.rollout.audience import by_region, by_supplier, responsible, within_regions
from duis_gateway.rollout.hubs.records import Hub, HubInRegion
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
    assert by_region(hubs) == {"4G North": [5], "North": [3, 1], "South": [2]}
    assert within_regions(hubs, frozenset({"North", "4G North"})) == [3, 1, 5]
    assert by_region([hub(1)]) == {"North": [1]}


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
    parties = responsible(hub(import_supplier=one, gas_supplier=two))
    assert list(parties) == sorted({party for party in (one, two) if party is not None})


@given(st.lists(st.builds(HubInRegion, st.integers(1, 50), st.sampled_from(["North", "South", "Central"]))))
def test_regions_part_the_hubs_without_loss(hubs: list[HubInRegion]) -> None:
    parted = by_region(hubs)
    assert sorted(device_id for ids in parted.values() for device_id in ids) == sorted(of.device_id for of in hubs)
