"""The plan before and the plan after: who is told what (X09)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from duis_gateway.rollout.plans.comparison import Outlook, news
from duis_gateway.rollout.plans.records import PlanBasis, PlanStanding, ToldHub, ToldPlan, VoidReason
from duis_gateway.rollout.releases.records import Period, Stage
from tests.support.rules import NOW, OURS, THEIRS

NORTH, SOUTH, DCC = 7, 8, 9
OTHER = 0x90B3D51F30030000
REQUESTED = ToldPlan(Stage.PILOT, PlanBasis.SUPPLIERS, PlanStanding.REQUESTED, Period(NOW, NOW + timedelta(days=3)))
FIXED = replace(REQUESTED, standing=PlanStanding.FIXED)
BEFORE = ToldHub(REQUESTED, "North", OURS, THEIRS)
VOID = VoidReason


def parties(hub: ToldHub) -> frozenset[int]:
    return frozenset({DCC, NORTH if hub.csp_region == "North" else SOUTH}) | hub.suppliers


def outlook(told: ToldPlan | VoidReason, region: str = "North", importer: int = OURS, gas: int = THEIRS) -> Outlook:
    return Outlook(told, region, importer, gas)


EVERYBODY = (DCC, NORTH, OURS, THEIRS)
CASES = {
    "nothing before, nothing now": (None, outlook(VOID.NOT_INSTRUCTED), {}),
    "new": (None, outlook(REQUESTED), dict.fromkeys(EVERYBODY, REQUESTED)),
    "the same": (BEFORE, outlook(REQUESTED), {}),
    "other": (BEFORE, outlook(FIXED), dict.fromkeys(EVERYBODY, FIXED)),
    "void": (BEFORE, outlook(VOID.PAUSED), dict.fromkeys(EVERYBODY, VOID.PAUSED)),
    "another region": (BEFORE, outlook(REQUESTED, "South"), {NORTH: VOID.CHANGED_REGION, SOUTH: REQUESTED}),
    "another supplier, who has not instructed": (
        BEFORE,
        outlook(VOID.AWAITS_SECOND_SUPPLIER, gas=OTHER),
        dict.fromkeys((DCC, NORTH, OURS), VOID.AWAITS_SECOND_SUPPLIER) | {THEIRS: VOID.CHANGED_SUPPLIER},
    ),
    "both suppliers are others": (
        BEFORE,
        outlook(VOID.NOT_INSTRUCTED, importer=OTHER, gas=OTHER),
        dict.fromkeys(EVERYBODY, VOID.CHANGED_SUPPLIER),
    ),
    "a second supplier leaves, and the plan stands": (
        BEFORE,
        outlook(REQUESTED, gas=OURS),
        {THEIRS: VOID.CHANGED_SUPPLIER},
    ),
    "another supplier of a hub that DCC instructed": (
        BEFORE,
        outlook(FIXED, gas=OTHER),
        {DCC: FIXED, NORTH: FIXED, OURS: FIXED, OTHER: FIXED, THEIRS: VOID.CHANGED_SUPPLIER},
    ),
    "another supplier, and the release is paused": (
        BEFORE,
        outlook(VOID.PAUSED, gas=OTHER),
        {DCC: VOID.PAUSED, NORTH: VOID.PAUSED, OURS: VOID.PAUSED, THEIRS: VOID.CHANGED_SUPPLIER},
    ),
}


@pytest.mark.parametrize(("before", "after", "told"), CASES.values(), ids=CASES)
def test_who_is_told_what(before: ToldHub | None, after: Outlook, told: dict[int, ToldPlan | VoidReason]) -> None:
    assert news(before, after, parties) == told
