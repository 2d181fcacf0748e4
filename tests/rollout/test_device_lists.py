"""Which hubs of a list are acceptable (design section 5; BR-5.2, PIA-5)."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.rollout.device_lists import HubFindings, classify, merged
from duis_gateway.rollout.hubs.records import NamedHub
from tests.support.rules import NEW, OURS, THEIRS, by_id, inventories, named, release


def lists_of(findings: HubFindings) -> dict[str, tuple[int, ...]]:
    """The lists that are not empty, by name."""
    return {item.name: found for item in fields(findings) if (found := getattr(findings, item.name))}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"device_type": "ESME"}, "invalid"),
        ({"import_supplier": THEIRS, "gas_supplier": None}, "not_responsible"),
        ({"import_supplier": None, "gas_supplier": None}, "not_responsible"),
        ({"status": "Pending"}, "not_commissioned"),
        ({"model": "other"}, "not_applicable"),
        ({"manufacturer": "FFFF"}, "not_applicable"),
        ({"firmware_version": NEW}, "not_applicable"),
        ({"mark": "excluded"}, "excluded"),
        ({"in_progress": True}, "in_progress"),
    ],
)
def test_each_fault_of_a_hub_has_its_own_list(changes: dict[str, object], expected: str) -> None:
    good, findings = classify([7], by_id(named(7, **changes)), release(), OURS)
    assert good == []
    assert lists_of(findings) == {expected: (7,)}


@pytest.mark.parametrize("mark", [None, "proving", "friendly"])
@pytest.mark.parametrize("suppliers", [(OURS, THEIRS), (THEIRS, OURS), (OURS, None), (None, OURS), (OURS, OURS)])
def test_a_hub_is_ours_as_import_or_as_gas_supplier(mark: str | None, suppliers: tuple[int | None, int | None]) -> None:
    hub = named(7, mark=mark, import_supplier=suppliers[0], gas_supplier=suppliers[1])
    assert classify([7], by_id(hub), release(), OURS) == ([7], HubFindings())


def test_an_unknown_hub_is_invalid() -> None:
    assert classify([7], {}, release(), OURS) == ([], HubFindings(invalid=(7,)))


def test_a_hub_with_every_fault_stands_in_the_first_list_that_fits() -> None:
    """Design section 5: each bad hub stands in one list; the order is taken away fault by fault."""
    faults: dict[str, object] = {
        "device_type": "ESME",
        "import_supplier": THEIRS,
        "gas_supplier": THEIRS,
        "status": "Pending",
        "model": "other",
        "mark": "excluded",
        "in_progress": True,
    }
    order = ["invalid", "not_responsible", "not_commissioned", "not_applicable", "excluded", "in_progress"]
    cures: list[tuple[str, ...]] = [
        ("device_type",),
        ("import_supplier", "gas_supplier"),
        ("status",),
        ("model",),
        ("mark",),
        ("in_progress",),
    ]
    for expected, cured in zip(order, cures, strict=True):
        _, findings = classify([7], by_id(named(7, **faults)), release(), OURS)
        assert lists_of(findings) == {expected: (7,)}
        for fault in cured:
            del faults[fault]
    assert classify([7], by_id(named(7, **faults)), release(), OURS)[0] == [7]


def test_excluded_hubs_are_excluded_from_the_pilot_only() -> None:
    """PIA-R3, BR-3.9."""
    hubs = by_id(named(1, mark="excluded"))
    assert classify([1], hubs, release(), OURS, pilot=False)[0] == [1]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"status": "Decommissioned", "firmware_version": NEW, "in_progress": True, "mark": "excluded"}, None),
        ({"in_default_list": False}, "invalid"),
        ({"device_type": "GSME"}, "invalid"),
        ({"import_supplier": THEIRS, "gas_supplier": THEIRS}, "not_responsible"),
        ({"mark": "proving"}, "excluded"),
    ],
)
def test_removing_asks_only_for_what_removing_needs(changes: dict[str, object], expected: str | None) -> None:
    good, findings = classify([7], by_id(named(7, **changes)), release(), OURS, removing=True)
    assert good == ([7] if expected is None else [])
    assert lists_of(findings) == ({} if expected is None else {expected: (7,)})


def test_an_unknown_hub_cannot_be_removed() -> None:
    assert classify([7], {}, release(), OURS, removing=True)[1] == HubFindings(invalid=(7,))


def test_findings_say_whether_there_are_any() -> None:
    assert not HubFindings().any
    assert HubFindings(removed_from_groups=(1,)).any


def test_merging_lists_a_hub_once_for_each_reason() -> None:
    one = HubFindings(invalid=(3, 1), excluded=(5,))
    other = HubFindings(invalid=(1, 2))
    assert merged((one, other)) == HubFindings(invalid=(3, 1, 2), excluded=(5,))


@given(st.lists(st.integers(1, 15)), inventories(), st.booleans(), st.booleans())
def test_each_hub_stands_in_exactly_one_place_in_the_order_sent(
    ids: list[int], known: dict[int, NamedHub], removing: bool, pilot: bool
) -> None:
    good, findings = classify(ids, known, release(), OURS, removing, pilot)
    places = [tuple(good), *(getattr(findings, item.name) for item in fields(findings))]
    assert sorted(hub for place in places for hub in place) == sorted(set(ids))
    order = list(dict.fromkeys(ids))
    for place in places:
        assert list(place) == sorted(place, key=order.index)


@given(st.lists(st.integers(1, 15)), inventories())
def test_hubs_are_judged_one_by_one(ids: list[int], known: dict[int, NamedHub]) -> None:
    """What becomes of a hub does not depend on the others in its list."""
    together = set(classify(ids, known, release(), OURS)[0])
    alone = {hub for hub in ids if classify([hub], known, release(), OURS)[0]}
    assert together == alone
