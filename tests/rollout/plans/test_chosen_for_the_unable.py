"""What DCC chose for a supplier that cannot instruct is void for a reason that `why` says, as it does of any other."""

from __future__ import annotations

from dataclasses import replace

import pytest

import esi.messages as esi
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.releases.records import Period, PilotTerms
from duis_gateway.rollout.rollout_decisions.records import RolloutAction, Standing
from tests.rollout.plans.test_told_is_shown import BETWEEN, DAY, FIRST, LATER, chooses, column
from tests.support.rules import AUTOMATIC, OURS, PILOT
from tests.support.steering import DCC, HUBS, OLDER, OLDER_HUB, SOUTH, SPLIT, Steering

ENDS = {
    "revision": ("OutsidePilot", "is void, as the period was not within the pilot"),
    "successor": ("PilotInvalidated", "is void, as the pilot was invalidated"),
    "taken back": ("NotInstructed", "was taken back"),
    "over": ("PeriodEnded", "is void, as the period has ended"),
}

pytestmark = pytest.mark.requirement("X08", "X09", "BR-5.3", "BR-6.5")


def ends(dcc: Steering, how: str) -> None:
    """End what DCC chose for `LATER`: each in another way."""
    if how == "revision":
        dcc.announces(revision=2, pilot=PilotTerms(Period(PILOT.start, LATER.start), limit=10))
    elif how == "successor":
        newer = PilotTerms(Period(PILOT.start + DAY, PILOT.end), limit=10)
        dcc.announces("R2", firmware_version="00000003", pilot=newer, automatic_date=AUTOMATIC + 30 * DAY)
        dcc.approves("R2")
        proceeds = esi.RolloutDecision("R1", RolloutAction.PROCEED, "why", Standing.CONFIRMED, "DCC")
        assert dcc.says(proceeds).status == "Accepted"
    else:
        if how == "over":
            dcc.passes(LATER.end)
        assert dcc.says(esi.PilotSelection("R1", OLDER, (12,), None)).status == "Accepted"


@pytest.mark.parametrize("how", ENDS)
def test_why_says_what_became_of_dcc_s_choice_for_a_supplier_that_cannot_instruct(dcc: Steering, how: str) -> None:
    """Before, it said no more than that the supplier cannot instruct."""
    dcc.says(esi.InventoryUpdate((replace(HUBS[OLDER_HUB - 1], device_id=12),)))
    chooses(dcc, OLDER, LATER, OLDER_HUB)
    ends(dcc, how)
    word, words = ENDS[how]
    cannot = "cannot instruct (older DUIS version), and DCC's choice for"
    for party, whose in ((OLDER, f"you {cannot} you"), (SOUTH, f"its supplier {cannot} it"), (DCC, "its supplier")):
        assert column(dcc, party, OLDER_HUB, "void") == word
        said = str(column(dcc, party, OLDER_HUB, "why"))
        assert said.startswith(f"automatic date: {whose}")
        assert words in said, said


def test_the_second_supplier_reads_what_became_of_the_half_of_one_that_cannot_instruct(dcc: Steering) -> None:
    """The brother: to it, DCC's choice for the other is an instruction like any other."""
    half: Hub = replace(HUBS[SPLIT - 1], gas_supplier=OLDER)
    dcc.says(esi.InventoryUpdate((half,)))
    chooses(dcc, OLDER, LATER, SPLIT)
    chooses(dcc, OURS, FIRST, SPLIT)
    ends(dcc, "revision")
    gas = "the Gas Supplier has instructed, but the period was not within the pilot, and cannot instruct"
    assert gas in str(column(dcc, OURS, SPLIT, "why"))
    dcc.passes(BETWEEN)
    assert "for you is void, as the period was not within the pilot" in str(column(dcc, OLDER, SPLIT, "why"))
