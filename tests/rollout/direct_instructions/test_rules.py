"""Choosing hubs: by a supplier's rules, by DCC (BR-2.2, BR-3.7, PIA-A5, PIA-A9, PIA-R3, X08)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duis_gateway.rollout.device_lists import HubFindings
from duis_gateway.rollout.direct_instructions.rules import (
    DirectJudgement,
    Selection,
    SelectionRules,
    judge_batch,
    judge_selection,
    select,
)
from duis_gateway.rollout.hubs.records import NamedHub
from duis_gateway.rollout.releases.records import Period, PilotTerms, ReleaseState
from tests.support.rules import AUTOMATIC, NOW, OURS, PILOT, THEIRS, by_id, inventories, named, release

pytestmark = pytest.mark.requirement("BR-2.2")

DAY = timedelta(days=1)
ESTATE = [named(number, csp_region="North" if number % 2 else "South") for number in range(100)]


def test_a_share_a_number_and_places_narrow_the_choice() -> None:
    """BR-2.2."""
    north = select(ESTATE, SelectionRules(regions=frozenset({"North"}), share_percent=11))
    assert (len(north.device_ids), north.fitting) == (6, 50)
    assert all(number % 2 for number in north.device_ids)
    assert len(select(ESTATE, SelectionRules(share_percent=50, number=7)).device_ids) == 7
    assert select(ESTATE, SelectionRules(models=frozenset({"other"}))) == Selection((), 0)
    assert select(ESTATE, SelectionRules(versions=frozenset({"other"}))) == Selection((), 0)


@pytest.mark.parametrize(
    "changes",
    [{"status": "Pending"}, {"device_type": "ESME"}, {"mark": "excluded"}, {"mark": "proving"}, {"in_progress": True}],
)
def test_hubs_that_would_be_refused_or_are_in_anyway_are_not_chosen(changes: dict[str, Any]) -> None:
    assert select([named(1, **changes), named(2)], SelectionRules()).device_ids == (2,)


def test_vulnerable_customers_are_never_chosen() -> None:
    rules = SelectionRules(exclude=frozenset(range(50)), number=60)
    assert select(ESTATE, rules).device_ids == tuple(range(50, 100))


@pytest.mark.requirement("PIA-A5", "PIA-R3")
def test_friendly_customers_come_first() -> None:
    """PIA-A5."""
    estate = [*ESTATE, named(777, mark="friendly")]
    assert select(estate, SelectionRules(number=1)).device_ids == (777,)


def test_another_seed_makes_another_choice() -> None:
    one, other = (select(ESTATE, SelectionRules(number=10, seed=seed)).device_ids for seed in ("a", "b"))
    assert one != other
    assert len(one) == len(other) == 10


@given(st.permutations(ESTATE[:20]), st.integers(0, 20), st.integers(0, 20))
def test_the_choice_does_not_depend_on_order_and_grows_with_the_number(
    estate: list[NamedHub], few: int, more: int
) -> None:
    less = select(estate, SelectionRules(number=few)).device_ids
    assert less == select(ESTATE[:20], SelectionRules(number=few)).device_ids
    assert set(less) <= set(select(estate, SelectionRules(number=few + more)).device_ids)


def choose(*ids: int, period: Period | None = None, **changes: Any) -> DirectJudgement:
    """DCC chooses for us."""
    facts: dict[str, Any] = {"named": by_id(*ESTATE), "release": release(), "now": NOW, **changes}
    return judge_selection(ids, supplier=OURS, period=period, **facts)


def test_dcc_chooses_among_the_suppliers_own_hubs_without_its_limit() -> None:
    """PIA-A9."""
    hubs = {**by_id(*ESTATE), 1: named(1, import_supplier=THEIRS, gas_supplier=None)}
    judged = choose(1, 2, 3, named=hubs, release=release(pilot=PilotTerms(PILOT, limit=1)))
    assert judged == DirectJudgement((2, 3), HubFindings(not_responsible=(1,)))


def test_a_choice_that_cannot_be_is_refused_with_its_reason() -> None:
    assert "none of the hubs" in (choose(500).refusal or "")
    assert "pilot" in (choose(1, now=PILOT.end).refusal or "")
    assert "pilot" in (choose(1, release=release(pilot=None)).refusal or "")
    assert "live" in (choose(1, release=None).refusal or "")
    assert "live" in (choose(1, release=release(state=ReleaseState.STOPPED)).refusal or "")


@pytest.mark.parametrize(
    ("period", "why"),
    [
        (None, None),
        (Period(NOW, AUTOMATIC - DAY), None),
        (Period(NOW, AUTOMATIC), "does not end before the automatic date, "),
        (Period(NOW - 2 * DAY, NOW), "is over: it ended on "),
        (Period(NOW + DAY, NOW + DAY), "does not end after it starts: it starts on "),
    ],
)
def test_dcc_instructs_periods_that_end_before_its_own_date(period: Period | None, why: str | None) -> None:
    """It was told that a period does not end after it starts, or is already over, whichever of the two it was."""
    refusal = judge_batch([1], by_id(*ESTATE), release(), period, NOW).refusal
    assert refusal is None if why is None else (refusal or "").startswith(f"the period {why}")


@pytest.mark.parametrize(
    ("period", "good"),
    [
        (PILOT, True),
        (Period(PILOT.start - DAY, PILOT.end), False),
        (Period(PILOT.start, PILOT.end + DAY), False),
        (Period(PILOT.end, PILOT.start), False),
    ],
)
def test_dcc_chooses_for_a_period_that_lies_in_the_pilot(period: Period, good: bool) -> None:
    assert (choose(1, period=period).refusal is None) == good


@pytest.mark.requirement("PIA-R3")
def test_a_batch_names_hubs_of_any_supplier_and_excluded_ones() -> None:
    """BR-3.7, PIA-R3: DCC may update excluded hubs before the pilot."""
    hubs = by_id(named(1, import_supplier=THEIRS, gas_supplier=None), named(2, mark="excluded"), named(3, status="X"))
    judged = judge_batch([1, 2, 3, 4], hubs, release(), None, NOW)
    assert judged == DirectJudgement((1, 2), HubFindings(invalid=(4,), not_commissioned=(3,)))
    assert judge_batch([1], hubs, None, None, NOW).refusal is not None


@given(inventories(), st.lists(st.integers(1, 14)))
def test_dcc_chooses_for_a_supplier_only_what_it_could_choose_itself(
    known: dict[int, NamedHub], ids: list[int]
) -> None:
    chosen = choose(*ids, named=known)
    assert set(chosen.device_ids) <= set(judge_batch(ids, known, release(), None, NOW).device_ids)
    assert all(OURS in (known[hub].import_supplier, known[hub].gas_supplier) for hub in chosen.device_ids)
    assert (chosen.refusal is None) == bool(chosen.device_ids)
