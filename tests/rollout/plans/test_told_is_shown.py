"""What is told of a hub is what is shown of it: where DCC's batches and choices meet what suppliers instruct."""

from __future__ import annotations

from datetime import timedelta

import pytest

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.duis.service_requests.preferred_pilot_schedule import (
    CancelledGroup,
    DeploymentGroup,
    PreferredPilotSchedule,
)
from duis_gateway.flow.incoming import Door
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.deadlines.view import deadline_rows
from duis_gateway.rollout.estate.history import history_rows
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.releases.records import Period, PilotTerms, Stage
from duis_gateway.rollout.releases.rules import last_to_instruct
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from tests.rollout.plans.test_off_the_plan import told
from tests.rollout.plans.test_one_reason import cs06
from tests.support.rules import NEW, OLD, OURS, PILOT, THEIRS
from tests.support.status_of import PARTIES, void_of
from tests.support.steering import DCC, MAKER, MODEL, NORTH, OWN_NORTH, OWN_SOUTH, SPLIT, Steering
from tests.support.told_and_shown import shown, words_since

DAY = timedelta(days=1)
FIRST = Period(PILOT.start + 2 * DAY, PILOT.start + 5 * DAY)
LATER = Period(PILOT.start + 10 * DAY, PILOT.start + 15 * DAY)
BETWEEN = FIRST.end + DAY
LAUNCH = Period(PILOT.end + DAY, PILOT.end + 6 * DAY)
OF_SPLIT = (NORTH, DCC, OURS, THEIRS)

pytestmark = pytest.mark.requirement("X09", "X10", "BR-5.3", "BR-6.5")


def instructs(
    dcc: Steering, supplier: int, period: Period, *ids: int, name: str = "W1", stage: Stage = Stage.PILOT
) -> None:
    if stage is Stage.PILOT:
        assert not dcc.asks(supplier, "11.5", PreferredPilotList("R1", NEW, ids)).startswith("E")
    group = DeploymentGroup(name, stage, ids, period)
    assert not dcc.asks(supplier, "11.6", PreferredPilotSchedule("R1", NEW, (group,))).startswith("E")


def batch(dcc: Steering, period: Period | None, *ids: int, name: str = "DB") -> None:
    assert dcc.says(esi.BatchInstruction("R1", name, ids, period)).status == "Accepted"


def chooses(dcc: Steering, supplier: int, period: Period, *ids: int) -> None:
    assert dcc.says(esi.PilotSelection("R1", supplier, ids, period)).status == "Accepted"


def column(dcc: Steering, party: int, device_id: int, name: str) -> object:
    return shown(dcc)[party, device_id][name]


def history(dcc: Steering, party: int, device_id: int) -> list[object]:
    with dcc.store.read() as conn:
        return [row["what"] for row in history_rows(conn, PARTIES[party], device_id)]


def deviations_asked(dcc: Steering, party: int) -> dict[object, object]:
    with dcc.store.read() as conn:
        rows = deadline_rows(conn, PARTIES[party], dcc.clock.now())
    return {row["subject"]: row["hubs"] for row in rows if row["task"] == "look_into_deviations"}


@pytest.mark.requirement("X08")
@pytest.mark.parametrize("first", ["choice", "batch"])
def test_a_missed_period_is_shown_under_a_batch_for_the_automatic_date(dcc: Steering, first: str) -> None:
    """Before, it was told and shown nowhere: such a batch plans nothing, and stood before or came after."""
    if first == "batch":
        batch(dcc, None, OWN_NORTH)
    chooses(dcc, OURS, FIRST, OWN_NORTH)
    instructs(dcc, OURS, FIRST, OWN_SOUTH)
    batch(dcc, None, OWN_SOUTH, name="DC")
    before = dcc.last_row()
    dcc.passes(FIRST.end)
    assert set(words_since(dcc, before).values()) == {"PeriodEnded"}
    if first == "choice":
        batch(dcc, None, OWN_NORTH)
    for party, hub in ((OURS, OWN_NORTH), (OURS, OWN_SOUTH), (NORTH, OWN_NORTH), (DCC, OWN_SOUTH)):
        assert column(dcc, party, hub, "off_plan") == "PeriodMissed"
        assert column(dcc, party, hub, "void") == "PeriodEnded"
    assert deviations_asked(dcc, OURS) == deviations_asked(dcc, DCC) == {"PeriodMissed": 2}
    assert deviations_asked(dcc, NORTH) == {"PeriodMissed": 1}
    batch(dcc, LATER, OWN_NORTH)
    assert deviations_asked(dcc, OURS) == {"PeriodMissed": 1}, "it is planned again"


def is_taken_back(dcc: Steering, hub: int) -> None:
    """Hold the hub to what was told of it, however its other lists are sent again."""
    for party in (OURS, NORTH, DCC):
        assert column(dcc, party, hub, "void") == "NotInstructed"
        assert "taken back" in str(column(dcc, party, hub, "why"))
    assert cs06(dcc, hub) == "NotInstructed"


@pytest.mark.requirement("X08")
@pytest.mark.parametrize("since", ["automatic date", "earlier end"])
def test_a_batch_that_is_sent_again_says_nothing_of_what_another_has_planned_since(dcc: Steering, since: str) -> None:
    """Before, all were shown `PeriodEnded`, or `NotInstructed` for it, of which they had been told the other."""
    batch(dcc, LATER if since == "earlier end" else FIRST, OWN_NORTH, name="DB")
    batch(dcc, FIRST if since == "earlier end" else None, OWN_NORTH, name="DC")
    dcc.passes(BETWEEN)
    before = dcc.last_row()
    batch(dcc, LATER, OWN_SOUTH, name="DB")
    assert {hub for _, hub in words_since(dcc, before)} == {OWN_SOUTH}
    if since == "automatic date":
        is_taken_back(dcc, OWN_NORTH)
    else:
        assert void_of(dcc, OURS) == void_of(dcc, NORTH) == {"PeriodEnded": 1}
        assert cs06(dcc, OWN_NORTH) == "AfterPeriod"
    assert history(dcc, OURS, OWN_NORTH)[0] == "taken back"


@pytest.mark.requirement("X08")
@pytest.mark.parametrize("over", ["choice", "own group", "own group, then choice"])
def test_what_was_over_says_nothing_when_it_is_sent_again_without_the_hub(dcc: Steering, over: str) -> None:
    """Before, all were shown `PeriodEnded` again, and had been told since that what came after was taken back."""
    if over == "choice":
        chooses(dcc, OURS, FIRST, OWN_NORTH)
    else:
        instructs(dcc, OURS, FIRST, OWN_NORTH)
    if over == "own group, then choice":
        dcc.passes(BETWEEN)
        chooses(dcc, OURS, LATER, OWN_NORTH)
        chooses(dcc, OURS, LATER, OWN_SOUTH)
    else:
        batch(dcc, LATER, OWN_NORTH)
        dcc.passes(BETWEEN)
        batch(dcc, LATER, OWN_SOUTH)
    is_taken_back(dcc, OWN_NORTH)
    before = dcc.last_row()
    if over == "choice":
        chooses(dcc, OURS, LATER, OWN_SOUTH)
    else:
        dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, (), (CancelledGroup("W1", Stage.PILOT),)))
    assert OWN_NORTH not in {hub for _, hub in words_since(dcc, before)}
    is_taken_back(dcc, OWN_NORTH)


@pytest.mark.requirement("BR-3.3")
def test_the_end_of_a_half_is_told_under_a_batch_for_the_automatic_date(dcc: Steering) -> None:
    """The brother: it was shown, and the supplier was told nothing; such a batch takes nothing from a half."""
    instructs(dcc, OURS, FIRST, SPLIT)
    batch(dcc, None, SPLIT)
    before = dcc.last_row()
    dcc.passes(FIRST.end)
    assert words_since(dcc, before) == {(OURS, SPLIT): "PeriodEnded"}
    assert void_of(dcc, OURS) == {"PeriodEnded": 1}


@pytest.mark.requirement("X08")
@pytest.mark.parametrize("name", ["DB", "DC"])
@pytest.mark.parametrize("over", [True, False])
def test_the_period_of_a_batch_that_gives_way_to_the_automatic_date_is_void_to_all(
    dcc: Steering, name: str, over: bool
) -> None:
    """Before, all were told so and shown nothing, or once it was over told `PeriodEnded` and shown nothing."""
    batch(dcc, FIRST, OWN_NORTH, SPLIT)
    before = dcc.last_row()
    dcc.passes(BETWEEN if over else FIRST.start)
    batch(dcc, None, OWN_NORTH, SPLIT, name=name)
    word = "PeriodEnded" if over else "NotInstructed"
    assert words_since(dcc, before) == {
        (party, hub): word for party in OF_SPLIT for hub in (OWN_NORTH, SPLIT) if (party, hub) != (THEIRS, OWN_NORTH)
    }
    assert {party: void_of(dcc, party) for party in OF_SPLIT} == {
        party: {word: 1 if party == THEIRS else 2} for party in OF_SPLIT
    }
    assert cs06(dcc, OWN_NORTH) == ("AfterPeriod" if over else word)
    said = str(column(dcc, OURS, OWN_NORTH, "why"))
    of_batch = "the period of DCC's batch has ended" if over else "the period of DCC's batch was taken back"
    assert said.startswith(f"automatic date: DCC instructed it in a batch; you have not instructed, and {of_batch}")
    assert column(dcc, OURS, OWN_NORTH, "off_plan") == ("PeriodMissed" if over else None)
    batch(dcc, None, OWN_SOUTH, name=name)
    if name == "DC" and not over:
        assert column(dcc, OURS, OWN_NORTH, "earliest_start") == FIRST.start, "the batch with a period counts again"
    else:
        assert void_of(dcc, NORTH) == {word: 2}, "that it goes at the automatic date had planned nothing"
    assert "taken back" in history(dcc, OURS, OWN_NORTH)


@pytest.mark.requirement("X08")
def test_a_batch_for_the_automatic_date_that_is_taken_back_makes_nothing_void(dcc: Steering) -> None:
    """It had planned nothing, and nobody is told: before, what had been told as `PeriodEnded` read otherwise."""
    instructs(dcc, OURS, FIRST, OWN_NORTH)
    dcc.passes(BETWEEN)
    batch(dcc, None, OWN_NORTH, SPLIT)
    before = dcc.last_row()
    batch(dcc, None, OWN_SOUTH)
    assert told(dcc, before, "Void") == {}
    assert void_of(dcc, OURS) == void_of(dcc, NORTH) == {"PeriodEnded": 1}
    assert history(dcc, OURS, SPLIT)[0] == "taken back"


@pytest.mark.requirement("X08")
@pytest.mark.parametrize("over", [True, False])
def test_why_says_of_a_batch_that_is_gone_what_was_told(dcc: Steering, over: bool) -> None:
    """Before, `why` said of such a hub only that its supplier had not instructed it."""
    batch(dcc, FIRST, OWN_NORTH, SPLIT)
    dcc.passes(BETWEEN if over else FIRST.start)
    batch(dcc, LATER, OWN_SOUTH)
    what = "the period of DCC's batch has ended" if over else "DCC's batch was taken back"
    of_csp = f"automatic date: its supplier has not instructed, and {what}"
    assert str(column(dcc, OURS, OWN_NORTH, "why")).startswith(f"automatic date: you have not instructed, and {what}")
    assert str(column(dcc, NORTH, OWN_NORTH, "why")).startswith(of_csp)
    assert f"you have not instructed, and {what}" in str(column(dcc, THEIRS, SPLIT, "why"))
    assert void_of(dcc, OURS) == {"PeriodEnded" if over else "NotInstructed": 2}


@pytest.mark.requirement("X08", "BR-3.3")
def test_why_says_what_was_taken_back_since_a_half_was_over(dcc: Steering) -> None:
    """The brother: `why` said that its period had ended, where all had been told `NotInstructed`."""
    instructs(dcc, OURS, FIRST, SPLIT)
    dcc.passes(BETWEEN)
    batch(dcc, LATER, SPLIT)
    before = dcc.last_row()
    batch(dcc, LATER, OWN_SOUTH)
    assert set(words_since(dcc, before).values()) >= {"NotInstructed"}
    said = "the period of your instruction has ended, and DCC's batch was taken back"
    assert str(column(dcc, OURS, SPLIT, "why")).endswith(said)


@pytest.mark.requirement("X08", "BR-3.3")
def test_a_half_that_dcc_s_choice_carries_on_after_a_revision_awaits_the_other(dcc: Steering) -> None:
    """Before, all were told `OutsidePilot` of it, and shown that it awaits its second supplier."""
    instructs(dcc, OURS, LATER, OWN_NORTH, SPLIT)
    chooses(dcc, OURS, FIRST, SPLIT)
    before = dcc.last_row()
    dcc.announces(revision=2, pilot=PilotTerms(Period(PILOT.start, LATER.start), limit=10))
    outside = {(party, OWN_NORTH): "OutsidePilot" for party in (NORTH, DCC, OURS)}
    assert words_since(dcc, before) == {**outside, (OURS, SPLIT): "AwaitsSecondSupplier"}
    assert sorted(told(dcc, before, "Void")[OURS]) == [
        ("AwaitsSecondSupplier", "W1", "Pilot", format_eui(SPLIT)),
        ("OutsidePilot", "W1", "Pilot", format_eui(OWN_NORTH)),
    ]
    assert void_of(dcc, NORTH) == {"OutsidePilot": 1, "AwaitsSecondSupplier": 1}
    assert cs06(dcc, SPLIT) == "AwaitsSecondSupplier"


@pytest.mark.requirement("BR-3.3", "BR-5.4", "BR-5.5", "X07")
def test_no_decision_is_asked_for_on_a_half_that_stays_alone(dcc: Steering) -> None:
    """Before, the CSP was late with a decision that could move nothing, and the others saw that as its next action."""
    dcc.passes(PILOT.end)
    last = last_to_instruct(dcc.release())
    period = Period(last, last + 10 * DAY)
    other = Hub(7, "CHF", MAKER, MODEL, OLD, "Commissioned", "North", OURS, THEIRS)
    dcc.says(esi.InventoryUpdate((other,)))
    instructs(dcc, OURS, period, OWN_NORTH, SPLIT, name="L1", stage=Stage.SAFE_LAUNCH)
    instructs(dcc, OURS, period, 7, name="L2", stage=Stage.SAFE_LAUNCH)

    def undecided(party: int = NORTH) -> dict[object, object]:
        with dcc.store.read() as conn:
            rows = deadline_rows(conn, PARTIES[party], dcc.clock.now())
        return {row["subject"]: row["hubs"] for row in rows if row["task"] == "decide_on_group"}

    assert undecided() == {"L1": 2, "L2": 1}
    dcc.passes(last)
    assert undecided() == {"L1": 2, "L2": 1}, "on the last day the other can still come"
    dcc.passes(last + timedelta(seconds=1))
    assert undecided() == {"L1": 1}
    dcc.announces(revision=2, automatic_date=dcc.release().automatic_date + 30 * DAY)
    assert undecided() == {"L1": 2, "L2": 1}, "it can come again"


@pytest.mark.requirement("X07", "BR-3.3")
def test_the_decision_on_a_half_is_answered_with_the_reason_that_is_shown(dcc: Steering) -> None:
    """The brother: N74 named another reason than the status, where a revision had ended the other half.

    And then it said of the supplier's own good group that it was not within the pilot.
    """
    instructs(dcc, OURS, FIRST, SPLIT)
    instructs(dcc, THEIRS, LATER, SPLIT)
    dcc.announces(revision=2, pilot=PilotTerms(Period(PILOT.start, LATER.start), limit=10))
    before = dcc.last_row()
    accepted = csp.ScheduleDecision("R1", OURS, "W1", GroupDecision.ACCEPTED)
    assert dcc.says(accepted, by=NORTH, door=Door.CSP).status == "Accepted"
    ((reason, *_),) = told(dcc, before, "NotPlanned")[OURS]
    assert reason == "AwaitsSecondSupplier"
    assert void_of(dcc, OURS) == {reason: 1}
    assert void_of(dcc, THEIRS) == void_of(dcc, NORTH) == {"OutsidePilot": 1}
    assert cs06(dcc, SPLIT) == "OutsidePilot"


@pytest.mark.requirement("X01", "X10")
@pytest.mark.parametrize("back", [True, False])
def test_a_deviation_is_of_the_kind_that_the_csp_was_told_when_it_asked(dcc: Steering, back: bool) -> None:
    """The brother: CS06 was answered by what had ended, and the activation told by what stood."""
    instructs(dcc, OURS, FIRST, OWN_NORTH)
    dcc.passes(BETWEEN)
    batch(dcc, LATER, OWN_NORTH)
    if back:
        batch(dcc, LATER, OWN_SOUTH)
    else:
        dcc.passes(LATER.end)
        cancelled = (CancelledGroup("W1", Stage.PILOT),)
        dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, (), cancelled))
        batch(dcc, None, OWN_SOUTH)
    asked = cs06(dcc, OWN_NORTH)
    before = dcc.last_row()
    outcome = HubOutcome(OWN_NORTH, OutcomeStage.ACTIVATION, True, NEW, dcc.clock.now())
    assert dcc.says(csp.ActivateFirmwareResponses((outcome,)), by=NORTH, door=Door.CSP).status == "Accepted"
    kinds = {party: one[0] for party, (one,) in told(dcc, before, "Deviation").items()}
    kind = "NotPlanned" if back else "AfterPeriod"
    assert asked == ("NotInstructed" if back else "AfterPeriod")
    assert kinds == dict.fromkeys((NORTH, DCC, OURS), kind)


@pytest.mark.requirement("X08", "PIA-A13")
def test_what_a_successor_made_void_is_shown_under_its_batch_for_the_automatic_date(dcc: Steering) -> None:
    """The brother: CS06 said so, and status and `why` nothing."""
    instructs(dcc, OURS, LATER, OWN_NORTH)
    before = dcc.last_row()
    newer = PilotTerms(Period(PILOT.start + DAY, PILOT.end), limit=10)
    dcc.announces("R2", firmware_version="00000003", pilot=newer)
    dcc.approves("R2")
    assert dcc.says(esi.BatchInstruction("R2", "DB", (OWN_NORTH,), None)).status == "Accepted"
    assert set(words_since(dcc, before).values()) == {"PilotInvalidated"}
    assert void_of(dcc, OURS) == void_of(dcc, NORTH) == {"PilotInvalidated": 1}
    assert "PilotInvalidated" in str(column(dcc, OURS, OWN_NORTH, "why"))
    asked = csp.ActivateFirmwareRequests("00000003", (OWN_NORTH,), dcc.clock.now(), "R2")
    (refused,) = dcc.says(asked, by=NORTH, door=Door.CSP).answer.refused
    assert refused.reason.startswith("PilotInvalidated: ")


def decides(dcc: Steering, decision: GroupDecision) -> None:
    said = csp.ScheduleDecision("R1", OURS, "W1", decision)
    assert dcc.says(said, by=NORTH, door=Door.CSP, after=timedelta(hours=1)).status == "Accepted"


@pytest.mark.requirement("X07", "X08")
@pytest.mark.parametrize("first", ["refusal", "batch"])
def test_a_batch_that_moved_what_the_csp_refused_says_why_it_does_so_no_more(dcc: Steering, first: str) -> None:
    """Before, all were told of the refusal again when DCC took the batch back, which had moved the hub since."""
    instructs(dcc, OURS, LATER, OWN_NORTH)
    if first == "refusal":
        decides(dcc, GroupDecision.REFUSED)
    batch(dcc, FIRST, OWN_NORTH)
    if first == "batch":
        decides(dcc, GroupDecision.REFUSED)
    before = dcc.last_row()
    batch(dcc, FIRST, OWN_SOUTH)
    told_of = {party: word for (party, hub), word in words_since(dcc, before).items() if hub == OWN_NORTH}
    assert told_of == dict.fromkeys((NORTH, DCC, OURS), "NotInstructed")
    assert cs06(dcc, OWN_NORTH) == "NotInstructed"
    assert str(column(dcc, OURS, OWN_NORTH, "why")).endswith("the CSP refused, and DCC's batch was taken back")
    decides(dcc, GroupDecision.ACCEPTED)
    before = dcc.last_row()
    decides(dcc, GroupDecision.REFUSED)
    assert words_since(dcc, before) == dict.fromkeys(((p, OWN_NORTH) for p in (NORTH, DCC, OURS)), "RefusedByCSP")
    assert cs06(dcc, OWN_NORTH) == "RefusedByCSP"


@pytest.mark.requirement("X07", "X08")
@pytest.mark.parametrize("moved", [True, False])
def test_a_batch_that_is_over_says_so_where_it_moved_what_the_csp_refused(dcc: Steering, moved: bool) -> None:
    """Before, also where its own group had moved it; and no more once the batch was sent again without it."""
    instructs(dcc, OURS, LATER, OWN_NORTH)
    batch(dcc, FIRST, OWN_NORTH)
    before = dcc.last_row()
    if moved:
        decides(dcc, GroupDecision.REFUSED)
    dcc.passes(BETWEEN)
    if not moved:
        decides(dcc, GroupDecision.REFUSED)
    word = "PeriodEnded" if moved else "RefusedByCSP"
    assert set(words_since(dcc, before).values()) == {word}
    assert void_of(dcc, OURS) == void_of(dcc, NORTH) == {word: 1}
    batch(dcc, LATER, OWN_SOUTH)
    assert void_of(dcc, OURS) == void_of(dcc, NORTH) == {word: 1}
