"""In which order a hub's history has what is of one clock time: as where the clock stands still, in a sandbox."""

from __future__ import annotations

import pytest

from duis_gateway.rollout.activations.records import ActivationRequest, HubOutcome, OutcomeStage
from duis_gateway.rollout.activations.store import RecordedOutcome
from duis_gateway.rollout.estate.history import Entry, in_sequence, with_moves
from duis_gateway.rollout.hub_events.records import OF_DCC, TAKEN_BACK, Happened, HubEvent
from duis_gateway.rollout.plans.records import DeviationKind, VoidReason
from tests.support.rules import NOW

HUB, SUPPLIER, RELEASE = 1, 7, "R1"
CS06 = ActivationRequest(HUB, "9002", NOW, RELEASE)
OUTCOME = RecordedOutcome(
    HubOutcome(HUB, OutcomeStage.ACTIVATION, False, "9002", NOW, "none", None), 3, NOW, True, RELEASE
)


def event(what: Happened, word: str | None = None, *, by: int = SUPPLIER, group: str | None = None) -> HubEvent:
    return HubEvent(RELEASE, by, what, NOW, NOW, group_id=group, word=word)


GIVEN, AGAIN = event(Happened.INSTRUCTED, group="G1"), event(Happened.INSTRUCTED, group="G2")
BATCH = event(Happened.BATCH, by=OF_DCC, group="B1")
PAUSED, OVER = event(Happened.VOID, VoidReason.PAUSED), event(Happened.VOID, VoidReason.RELEASE_OVER)
REFUSED = event(Happened.VOID, VoidReason.REFUSED_BY_CSP, group="G1")
GOES_ON, BACK = event(Happened.PLANNED), event(Happened.ENDED, TAKEN_BACK, group="G1")
AFTER_ALL = event(Happened.OFF_PLAN, DeviationKind.RELEASE_PAUSED)


@pytest.mark.requirement("BR-5.3")
@pytest.mark.parametrize(
    ("noted", "moves", "happened"),
    [
        ([PAUSED, GIVEN], [CS06, OUTCOME], [GIVEN, CS06, OUTCOME, PAUSED]),
        ([OVER, BATCH], [CS06, OUTCOME], [BATCH, CS06, OUTCOME, OVER]),
        ([GIVEN, PAUSED, GOES_ON], [CS06, OUTCOME], [GIVEN, PAUSED, GOES_ON, CS06, OUTCOME]),
        ([REFUSED, GIVEN, AGAIN], [CS06], [GIVEN, REFUSED, AGAIN, CS06]),
        ([GIVEN, BACK], [CS06], [GIVEN, CS06, BACK]),
        ([GIVEN, PAUSED, AFTER_ALL], [CS06, OUTCOME], [GIVEN, PAUSED, CS06, OUTCOME, AFTER_ALL]),
    ],
    ids=["paused", "stopped", "goes on", "instructed again", "taken back", "moved in the pause"],
)
def test_what_ends_a_plan_comes_after_what_was_done_by_it(
    noted: list[HubEvent], moves: list[Entry], happened: list[Entry]
) -> None:
    """Hubs were voided first, instructed then, and failed last; or sent CS06 in a pause."""
    requests = [one for one in moves if isinstance(one, ActivationRequest)]
    outcomes = [one for one in moves if isinstance(one, RecordedOutcome)]
    assert with_moves(in_sequence(noted), requests, outcomes) == happened
