"""What a revision makes void is told once, and shown so from then on (BR-6.5): DCC's batches and choices, too."""

from __future__ import annotations

from datetime import timedelta

import pytest

import esi.messages as esi
from duis_gateway.duis.service_requests.preferred_pilot_schedule import CancelledGroup, PreferredPilotSchedule
from duis_gateway.rollout.deadlines.view import deadline_rows
from duis_gateway.rollout.releases.records import Period, PilotTerms, Stage
from duis_gateway.rollout.rollout_decisions.records import RolloutAction, Standing
from tests.rollout.plans.test_off_the_plan import told
from tests.rollout.plans.test_one_reason import cs06
from tests.rollout.plans.test_told_is_shown import (
    BETWEEN,
    DAY,
    FIRST,
    LATER,
    OF_SPLIT,
    batch,
    chooses,
    column,
    history,
    instructs,
)
from tests.support.rules import NEW, OURS, PILOT, THEIRS
from tests.support.status_of import PARTIES, void_of
from tests.support.steering import DCC, NORTH, OWN_NORTH, OWN_SOUTH, SPLIT, Steering
from tests.support.told_and_shown import words_since

LATE = Period(PILOT.end + 10 * DAY, PILOT.end + 15 * DAY)
"""In safe launch, and too late once the release is revised."""
OF_NORTH = (NORTH, DCC, OURS)

pytestmark = pytest.mark.requirement("X09", "X08", "BR-6.5")


def revises(dcc: Steering, pilot: Period = PILOT, revision: int = 2) -> None:
    """The automatic date comes sooner; the pilot is as it was unless another is given."""
    terms = PilotTerms(pilot, limit=10)
    assert dcc.announces(revision=revision, pilot=terms, automatic_date=LATE.start).status == "Accepted"


def asked_anew(dcc: Steering, party: int) -> dict[object, object]:
    with dcc.store.read() as conn:
        rows = deadline_rows(conn, PARTIES[party], dcc.clock.now())
    return {row["subject"]: row["hubs"] for row in rows if row["task"] == "instruct_anew" and row["hubs"]}


def pauses(dcc: Steering, action: RolloutAction = RolloutAction.PAUSE) -> None:
    assert dcc.says(esi.RolloutDecision("R1", action, "why", Standing.CONFIRMED, "DCC")).status == "Accepted"


def is_too_late(dcc: Steering, *parties: int, hub: int = OWN_NORTH) -> None:
    for party in parties:
        assert column(dcc, party, hub, "void") == "TooLate"
        assert "DCC's batch is void, as the period was too late" in str(column(dcc, party, hub, "why"))
    assert cs06(dcc, hub) == "TooLate"


@pytest.mark.parametrize("hub", [OWN_NORTH, SPLIT])
def test_a_batch_that_a_revision_made_too_late_stays_so_when_it_is_sent_again_without_the_hub(
    dcc: Steering, hub: int
) -> None:
    """Before, all were told `TooLate` and, once it was sent again, shown `NotInstructed`, told to nobody."""
    parties = OF_SPLIT if hub == SPLIT else OF_NORTH
    batch(dcc, LATE, hub)
    before = dcc.last_row()
    revises(dcc)
    assert words_since(dcc, before) == dict.fromkeys(((one, hub) for one in parties), "TooLate")
    is_too_late(dcc, *parties, hub=hub)
    before = dcc.last_row()
    batch(dcc, LATER, OWN_SOUTH)
    assert hub not in {one for _, one in words_since(dcc, before)}
    is_too_late(dcc, *parties, hub=hub)
    assert history(dcc, OURS, hub) == ["void: TooLate", "instructed"]


def test_what_a_revision_made_void_stays_void_when_the_date_is_put_off_again(dcc: Steering) -> None:
    """As what suppliers instruct, and DCC chooses for them: whoever wants it gives it again."""
    batch(dcc, LATE, OWN_NORTH)
    revises(dcc)
    before = dcc.last_row()
    dcc.announces(revision=3, pilot=PilotTerms(PILOT, limit=10))
    assert words_since(dcc, before) == {}
    is_too_late(dcc, *OF_NORTH)
    batch(dcc, LATE, OWN_NORTH)
    assert words_since(dcc, before) == dict.fromkeys(((one, OWN_NORTH) for one in OF_NORTH), "planned")


@pytest.mark.parametrize("by", [OURS, THEIRS])
def test_a_batch_that_a_revision_made_too_late_says_so_of_a_split_hub_of_which_a_half_was_over(
    dcc: Steering, by: int
) -> None:
    """Before, all were told `PeriodEnded` of what was over before the batch, and who had instructed nothing else."""
    chooses(dcc, by, FIRST, SPLIT)
    dcc.passes(BETWEEN)
    batch(dcc, LATE, SPLIT)
    before = dcc.last_row()
    revises(dcc)
    assert words_since(dcc, before) == dict.fromkeys(((one, SPLIT) for one in OF_SPLIT), "TooLate")
    is_too_late(dcc, *OF_SPLIT, hub=SPLIT)
    assert asked_anew(dcc, DCC) == {"TooLate": 1}
    assert asked_anew(dcc, OURS) == asked_anew(dcc, THEIRS) == {}


@pytest.mark.parametrize("first", ["choice", "group", "batch"])
def test_a_batch_that_a_revision_made_too_late_says_so_of_a_hub_of_which_something_was_over(
    dcc: Steering, first: str
) -> None:
    """The brothers: all were told `PeriodEnded` of what was over before."""
    if first == "choice":
        chooses(dcc, OURS, FIRST, OWN_NORTH)
    elif first == "group":
        instructs(dcc, OURS, FIRST, OWN_NORTH)
    else:
        batch(dcc, FIRST, OWN_NORTH, name="DA")
    dcc.passes(BETWEEN)
    batch(dcc, LATE, OWN_NORTH)
    before = dcc.last_row()
    revises(dcc)
    assert words_since(dcc, before) == dict.fromkeys(((one, OWN_NORTH) for one in OF_NORTH), "TooLate")
    is_too_late(dcc, *OF_NORTH)
    assert asked_anew(dcc, DCC) == {"TooLate": 1}
    assert all(len(one) == 2 for one in told(dcc, before, "Void")[OURS]), "of a group that was over nothing is said"


def test_a_batch_that_became_too_late_before_another_moved_the_hub_says_nothing(dcc: Steering) -> None:
    """The brother: what another batch, or a group, has moved since is void by that alone."""
    batch(dcc, LATE, OWN_NORTH, SPLIT)
    revises(dcc, Period(PILOT.start, LATER.end))
    batch(dcc, FIRST, OWN_NORTH, name="DA")
    dcc.passes(BETWEEN)
    batch(dcc, LATER, SPLIT, name="DA")
    batch(dcc, LATER, OWN_SOUTH)
    for party in OF_NORTH:
        assert column(dcc, party, OWN_NORTH, "void") == "PeriodEnded"
    before = dcc.last_row()
    batch(dcc, LATER, OWN_SOUTH, name="DA")
    assert set(words_since(dcc, before).values()) == {"NotInstructed"}
    assert void_of(dcc, THEIRS) == {"NotInstructed": 1}


@pytest.mark.parametrize("front", ["automatic date", "group", "newer batch"])
def test_a_batch_that_moves_nothing_makes_nothing_void(dcc: Steering, front: str) -> None:
    """The brother: behind something else that counts it is not told, and not shown."""
    batch(dcc, LATE, OWN_NORTH, name="DA")
    if front == "group":
        instructs(dcc, OURS, LATER, OWN_NORTH)
    else:
        batch(dcc, LATER if front == "newer batch" else None, OWN_NORTH)
    stands = column(dcc, OURS, OWN_NORTH, "void"), column(dcc, OURS, OWN_NORTH, "state")
    before = dcc.last_row()
    revises(dcc)
    assert words_since(dcc, before) == {}
    assert (column(dcc, OURS, OWN_NORTH, "void"), column(dcc, OURS, OWN_NORTH, "state")) == stands
    if front != "group":
        batch(dcc, None, OWN_SOUTH)
        word = "NotInstructed"
    else:
        dcc.passes(LATER.end)
        word = "PeriodEnded"
    assert void_of(dcc, OURS) == void_of(dcc, NORTH) == void_of(dcc, DCC) == {word: 1}


def test_what_counts_before_a_batch_says_why_where_a_revision_ends_both(dcc: Steering) -> None:
    """The brother: told and shown was the batch's reason, and `why` had the group's."""
    instructs(dcc, OURS, LATE, OWN_NORTH, stage=Stage.SAFE_LAUNCH)
    instructs(dcc, OURS, LATER, OWN_SOUTH)
    batch(dcc, LATE, OWN_NORTH, OWN_SOUTH)
    before = dcc.last_row()
    revises(dcc, Period(PILOT.start, LATER.start))
    assert words_since(dcc, before)[OURS, OWN_SOUTH] == "OutsidePilot"
    assert words_since(dcc, before)[OURS, OWN_NORTH] == "TooLate"
    assert void_of(dcc, NORTH) == {"TooLate": 1}
    assert void_of(dcc, DCC) == void_of(dcc, OURS) == {"TooLate": 1, "OutsidePilot": 1}
    assert "was not within the pilot" in str(column(dcc, DCC, OWN_SOUTH, "why"))


@pytest.mark.parametrize("hub", [OWN_NORTH, SPLIT])
def test_a_batch_that_a_revision_makes_too_late_in_a_pause_is_told(dcc: Steering, hub: int) -> None:
    """The brother: the last word on it stayed `Paused`, also once the release proceeded."""
    instructs(dcc, OURS, FIRST, hub)
    dcc.passes(BETWEEN)
    batch(dcc, LATE, hub)
    pauses(dcc)
    before = dcc.last_row()
    revises(dcc)
    parties = OF_SPLIT if hub == SPLIT else OF_NORTH
    assert words_since(dcc, before) == dict.fromkeys(((one, hub) for one in parties), "TooLate")
    assert all(len(one) == 2 for one in told(dcc, before, "Void")[OURS]), "of a group that was over nothing is said"
    before = dcc.last_row()
    pauses(dcc, RolloutAction.PROCEED)
    assert words_since(dcc, before) == {}
    is_too_late(dcc, *parties, hub=hub)


@pytest.mark.requirement("BR-3.3")
def test_a_joint_plan_of_which_a_revision_ends_one_half_in_a_pause_is_told_to_both(dcc: Steering) -> None:
    """The brother: to the second supplier the last word on it stayed `Paused`."""
    instructs(dcc, OURS, LATER, SPLIT)
    instructs(dcc, THEIRS, FIRST, SPLIT)
    pauses(dcc)
    before = dcc.last_row()
    terms = PilotTerms(Period(PILOT.start, LATER.start), limit=10)
    assert dcc.announces(revision=2, pilot=terms).status == "Accepted"
    outside = dict.fromkeys(((one, SPLIT) for one in OF_NORTH), "OutsidePilot")
    assert words_since(dcc, before) == {**outside, (THEIRS, SPLIT): "AwaitsSecondSupplier"}
    assert void_of(dcc, THEIRS) == {"AwaitsSecondSupplier": 1}
    pauses(dcc, RolloutAction.PROCEED)
    assert void_of(dcc, THEIRS) == {"AwaitsSecondSupplier": 1}


@pytest.mark.requirement("BR-3.3", "X06")
def test_a_half_that_a_revision_ends_is_void_to_whoever_was_told_so(dcc: Steering) -> None:
    """Before, its second supplier was shown `OutsidePilot`, and had been told by N73 alone: `NotInstructed`."""
    instructs(dcc, OURS, LATER, SPLIT)
    assert void_of(dcc, THEIRS) == {"AwaitsSecondSupplier": 1}
    before = dcc.last_row()
    dcc.announces(revision=2, pilot=PilotTerms(Period(PILOT.start, LATER.start), limit=10))
    assert words_since(dcc, before) == dict.fromkeys(((one, SPLIT) for one in OF_NORTH), "OutsidePilot")
    assert void_of(dcc, THEIRS) == {}
    said = "the Import Supplier has instructed, but the period was not within the pilot"
    assert said in str(column(dcc, THEIRS, SPLIT, "why"))


def groups_of(dcc: Steering, since: int, party: int) -> set[tuple[str, ...]]:
    """For what reason and with which group a party was told of hubs that are void."""
    return {one[:-1] for one in told(dcc, since, "Void").get(party, [])}


@pytest.mark.requirement("BR-3.3", "BR-4.2")
@pytest.mark.parametrize("joint", [False, True])
def test_the_group_that_a_revision_ends_is_named_also_where_dcc_s_choice_carries_on(dcc: Steering, joint: bool) -> None:
    """Before, no message said that the supplier's own group does not have the hub any more."""
    instructs(dcc, OURS, LATER, SPLIT)
    chooses(dcc, OURS, FIRST, SPLIT)
    if joint:
        instructs(dcc, THEIRS, LATER, SPLIT, name="G")
    before = dcc.last_row()
    dcc.announces(revision=2, pilot=PilotTerms(Period(PILOT.start, LATER.start), limit=10))
    assert groups_of(dcc, before, OURS) == {("AwaitsSecondSupplier", "W1", "Pilot")}
    assert groups_of(dcc, before, THEIRS) == ({("OutsidePilot", "G", "Pilot")} if joint else set())
    words_since(dcc, before)


@pytest.mark.requirement("BR-3.3", "BR-4.2")
def test_of_a_choice_that_a_revision_ends_no_group_is_named_that_was_over(dcc: Steering) -> None:
    """The brother: the group had ended long before, and had no part in it."""
    instructs(dcc, OURS, FIRST, SPLIT, OWN_NORTH)
    dcc.passes(BETWEEN)
    chooses(dcc, OURS, LATER, SPLIT, OWN_NORTH)
    before = dcc.last_row()
    dcc.announces(revision=2, pilot=PilotTerms(Period(PILOT.start, LATER.start), limit=10))
    assert groups_of(dcc, before, OURS) == {("OutsidePilot",)}
    words_since(dcc, before)


@pytest.mark.requirement("BR-4.2")
def test_a_group_that_is_cancelled_is_named_where_dcc_s_choice_was_over_before(dcc: Steering) -> None:
    """The brother: it was told as if the supplier had no group of it."""
    chooses(dcc, OURS, FIRST, OWN_NORTH)
    dcc.passes(BETWEEN)
    instructs(dcc, OURS, LATER, OWN_NORTH)
    before = dcc.last_row()
    dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, (), (CancelledGroup("W1", Stage.PILOT),)))
    assert groups_of(dcc, before, OURS) == {("NotInstructed", "W1", "Pilot")}


def test_of_a_batch_that_is_over_a_revision_says_nothing(dcc: Steering) -> None:
    batch(dcc, FIRST, OWN_NORTH)
    dcc.passes(BETWEEN)
    before = dcc.last_row()
    soon = dcc.clock.now() + timedelta(days=3)
    terms = PilotTerms(Period(PILOT.start, soon - DAY), limit=10)
    assert dcc.announces(revision=2, pilot=terms, automatic_date=soon).status == "Accepted"
    assert words_since(dcc, before) == {}
    assert void_of(dcc, OURS) == void_of(dcc, NORTH) == {"PeriodEnded": 1}
