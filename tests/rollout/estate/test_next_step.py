"""What is said of what to do about a hub: by whom, until when, or that there is nothing but to wait."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from duis_gateway.rollout.estate.next_step import next_step
from duis_gateway.rollout.estate.rules import Prospect
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans.records import VoidReason
from duis_gateway.rollout.plans.rules import Basis, HubPlan
from duis_gateway.rollout.releases.records import Period, ReleaseState
from duis_gateway.rollout.releases.rules import last_to_instruct
from duis_gateway.text.times import show_time
from tests.support.rules import AUTOMATIC, NOW, release

DAY = timedelta(days=1)
RELEASE = release(state=ReleaseState.PILOTING)
HUB = Hub(1, "CHF", RELEASE.manufacturer, RELEASE.model, "00000001", "Commissioned", "North", 1, 1)
LAST, DATE = show_time(last_to_instruct(RELEASE)), show_time(AUTOMATIC)
assert RELEASE.pilot is not None
AFTER = f"with a period after the pilot's end, {show_time(RELEASE.pilot.period.end)}"
AT_THE_DATE = HubPlan(Basis.AUTOMATIC_DATE, "", due=AUTOMATIC)
SOON = Period(NOW + DAY, NOW + 2 * DAY)


def planned(period: Period, *, indicative: bool = False) -> HubPlan:
    return HubPlan(Basis.INSTRUCTED, "", period=period, due=period.end, indicative=indicative)


def step(plan: HubPlan | None, now: datetime = NOW, *, hub: Hub = HUB, **how: bool) -> str:
    chosen = None if plan is None else Prospect(RELEASE, plan)
    viewer = 1 if how.get("of_supplier", True) else None
    return next_step(hub, chosen, now, viewer=viewer, unable=frozenset() if how.get("able", True) else hub.suppliers)


@pytest.mark.requirement("BR-5.3", "BR-3.4")
def test_a_supplier_reads_until_when_it_can_instruct_and_what_happens_otherwise() -> None:
    launch = f"Instruct it for safe launch (11.6, stage SafeLaunch), {AFTER}, until {LAST}"
    assert step(AT_THE_DATE) == f"{launch}, or leave it: then its CSP updates it from {DATE} on."
    late = step(AT_THE_DATE, last_to_instruct(RELEASE) + DAY)
    assert late.startswith("It is too late for its supplier to instruct it")
    assert "ask DCC" in late
    assert "no 11.6: ask DCC" in step(AT_THE_DATE, able=False)
    assert "The automatic date has come" in step(AT_THE_DATE, AUTOMATIC)


def test_the_operator_reads_who_can_instruct_it() -> None:
    assert step(AT_THE_DATE, of_supplier=False).startswith(f"Its supplier can instruct it (11.6), until {LAST}, or DCC")
    said = step(AT_THE_DATE, of_supplier=False, able=False)
    assert said.startswith("DCC can instruct it in a batch, as its supplier's DUIS version has no 11.6; otherwise")
    split = replace(HUB, gas_supplier=2)
    assert step(AT_THE_DATE, hub=split, of_supplier=False).startswith("Its suppliers can instruct it, both of them")
    one, both = frozenset({2}), frozenset({1, 2})
    for viewer, unable, unregistered, why in (
        (1, one, frozenset[int](), "Its Gas Supplier's DUIS version has no 11.6: ask DCC"),
        (1, one, one, "Its Gas Supplier is not registered: ask DCC"),
        (1, both, one, "Its Gas Supplier is not registered and your DUIS version has no 11.6: ask DCC"),
        (None, one, one, "in a batch, as its Gas Supplier is not registered; otherwise"),
    ):
        at_the_date = Prospect(RELEASE, AT_THE_DATE)
        said = next_step(split, at_the_date, NOW, viewer=viewer, unable=unable, unregistered=unregistered)
        assert why in said


def test_in_a_pause_it_says_what_can_be_done_meanwhile() -> None:
    """Before, a supplier that waited as it was told lost the period that it could have instructed."""

    def paused(plan: HubPlan, *, viewer: int | None = 1, hub: Hub = HUB) -> str:
        return next_step(hub, Prospect(replace(RELEASE, paused=True), plan), NOW, viewer=viewer)

    assert f"goes on. Meanwhile, instruct it for safe launch (11.6, stage SafeLaunch), {AFTER}, until {LAST}" in paused(
        AT_THE_DATE
    )
    assert f"Meanwhile, its supplier can instruct it (11.6), until {LAST}" in paused(AT_THE_DATE, viewer=None)
    half = replace(AT_THE_DATE, void=VoidReason.AWAITS_SECOND_SUPPLIER)
    assert "Meanwhile, its Gas Supplier can instruct it" in paused(half, hub=replace(HUB, gas_supplier=2))
    due = f"Meanwhile, its CSP has to decide on the period, by {show_time(SOON.start)}."
    assert paused(planned(SOON, indicative=True)).endswith(due)
    assert paused(planned(SOON)).endswith("DCC decides whether it goes on.")


@pytest.mark.parametrize(
    ("plan", "now", "said"),
    [
        (planned(SOON, indicative=True), NOW, "Wait for the CSP's decision"),
        (planned(SOON), NOW, f"Wait: its CSP updates it from {show_time(SOON.start)} on."),
        (planned(SOON), SOON.start, f"Wait until {show_time(SOON.end)}"),
        (HubPlan(Basis.ACTIVE, ""), NOW, "Nothing: it runs the version"),
        (None, NOW, "Nothing can be done until DCC announces a release"),
    ],
)
def test_where_nobody_has_to_do_anything_it_says_what_is_waited_for(
    plan: HubPlan | None, now: datetime, said: str
) -> None:
    assert step(plan, now).startswith(said)


def test_what_stands_in_the_way_comes_first() -> None:
    assert "while the inventory has it as Pending" in step(AT_THE_DATE, hub=replace(HUB, status="Pending"))
    paused = Prospect(replace(RELEASE, paused=True), AT_THE_DATE)
    assert next_step(HUB, paused, NOW, viewer=1).startswith("While the release is paused,")
    unapproved = Prospect(replace(RELEASE, state=ReleaseState.NOTIFIED), AT_THE_DATE)
    assert "DCC has to approve the release" in next_step(HUB, unapproved, NOW, viewer=1)
    failed = Prospect(RELEASE, AT_THE_DATE, failed=True)
    assert next_step(HUB, failed, NOW, viewer=1).startswith("Look into the failure first. Instruct it")
