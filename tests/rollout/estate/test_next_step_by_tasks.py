"""What a hub's page says of what to do agrees with the tasks that its suppliers are told of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.duis.service_requests.preferred_pilot_schedule import (
    CancelledGroup,
    DeploymentGroup,
    PreferredPilotSchedule,
)
from duis_gateway.flow.incoming import Door
from duis_gateway.operations.console.hub import OPERATOR
from duis_gateway.rollout.deadlines.of_hub import tasks_of_hub
from duis_gateway.rollout.deadlines.rules import Task
from duis_gateway.rollout.estate.hub_by_hub import hub_on_a_page, hub_row
from duis_gateway.rollout.estate.over import ReleasesOver
from duis_gateway.rollout.moments import Moments
from duis_gateway.rollout.protection.handle import ProtectionLists
from duis_gateway.rollout.releases.records import Period, PilotTerms, Stage
from duis_gateway.rollout.releases.rules import last_to_instruct
from duis_gateway.rollout.rollout_decisions.records import GroupDecision, RolloutAction, Standing
from duis_gateway.text.times import show_time
from tests.support.rules import AUTOMATIC, NEW, OURS, PILOT, THEIRS
from tests.support.status_of import PARTIES
from tests.support.steering import HUBS, NORTH, OWN_NORTH, OWN_SOUTH, SPLIT, WEEK, Steering, steering

pytestmark = pytest.mark.requirement("BR-5.3", "BR-5.4")

FIRST = Period(PILOT.end + WEEK, PILOT.end + 2 * WEEK)
AFTER = f"with a period after the pilot's end, {show_time(PILOT.end)}"
LATER = Period(PILOT.end + 3 * WEEK, PILOT.end + 4 * WEEK)


@pytest.fixture
def dcc(tmp_path: Path) -> Iterator[Steering]:
    with steering("sqlite", tmp_path) as made:
        yield made


def instructs(dcc: Steering, supplier: int, period: Period, name: str = "L1") -> None:
    group = DeploymentGroup(name, Stage.SAFE_LAUNCH, (SPLIT,), period)
    assert not dcc.asks(supplier, "11.6", PreferredPilotSchedule("R1", NEW, (group,))).startswith("E")


def what_to_do(dcc: Steering, viewer: int | None, hub: int = SPLIT) -> str:
    party = OPERATOR if viewer is None else PARTIES[viewer]
    with dcc.store.read() as conn:
        row = hub_on_a_page(conn, party, hub, dcc.clock.now())
    assert row is not None
    return str(row["next_step"])


def last(dcc: Steering) -> str:
    return show_time(last_to_instruct(dcc.release()))


def test_of_a_split_hub_the_one_that_can_do_something_is_named(dcc: Steering) -> None:
    """Before, "the supplier that has not instructed it" could do so even where both had."""
    dcc.piloting()
    assert what_to_do(dcc, OURS).endswith("It takes instructions of both its suppliers.")
    instructs(dcc, OURS, FIRST)
    end = show_time(FIRST.end)
    launch = "Instruct it for safe launch (11.6, stage SafeLaunch), as its Import Supplier has"
    assert what_to_do(dcc, THEIRS).startswith(f"{launch}, {AFTER}, until {end}, put it on")
    assert what_to_do(dcc, None).endswith("For the pilot it has to be on their preferred lists first (11.5).")
    assert what_to_do(dcc, OURS).startswith(f"Its Gas Supplier can instruct it (11.6) until {end}; otherwise")
    assert what_to_do(dcc, None).startswith(f"Its Gas Supplier can instruct it (11.6), until {end}; otherwise")
    dcc.passes(FIRST.end)
    instructs(dcc, THEIRS, LATER)
    end = show_time(LATER.end)
    assert what_to_do(dcc, OURS).startswith(f"Instruct it again (11.6) until {end}, or leave it"), (
        "while the other lasts"
    )
    assert what_to_do(dcc, THEIRS).startswith(f"Its Import Supplier can instruct it (11.6) until {end}; otherwise")
    assert what_to_do(dcc, None).startswith("Its Import Supplier can instruct it again (11.6), until")


def test_after_the_refusal_of_one_half_the_other_is_not_asked_for(dcc: Steering) -> None:
    """Before, both were, on the operator's page and their own, and until a day at which the other half is over."""
    dcc.piloting()
    instructs(dcc, OURS, LATER)
    instructs(dcc, THEIRS, FIRST)
    refused = csp.ScheduleDecision("R1", OURS, "L1", GroupDecision.REFUSED)
    assert dcc.says(refused, by=NORTH, door=Door.CSP).status == "Accepted"
    end = show_time(FIRST.end)
    assert what_to_do(dcc, None).startswith(f"Its Import Supplier can instruct it again (11.6), until {end}; otherwise")
    assert what_to_do(dcc, THEIRS).startswith(f"Its Import Supplier can instruct it (11.6) until {end}; otherwise")
    ours = what_to_do(dcc, OURS)
    assert ours.startswith(f"Instruct it again for safe launch (11.6, stage SafeLaunch), {AFTER}, until {end}")
    assert "both" not in ours
    with dcc.store.read() as conn:
        (anew,) = (one for one in tasks_of_hub(conn, HUBS[SPLIT - 1], dcc.clock.now()) if one.party == OURS)
    assert (anew.task, anew.subject, anew.due) == (Task.INSTRUCT_ANEW, "RefusedByCSP", FIRST.end)
    dcc.passes(FIRST.end)
    assert what_to_do(dcc, None).startswith(f"Its suppliers can instruct it, both of them (11.6), until {last(dcc)}")
    assert what_to_do(dcc, OURS).endswith("It takes instructions of both its suppliers.")


def test_of_a_half_that_dcc_chose_the_other_alone_is_asked_for(dcc: Steering) -> None:
    dcc.piloting()
    chosen = esi.PilotSelection("R1", THEIRS, (SPLIT,), Period(PILOT.start + WEEK, PILOT.end))
    assert dcc.says(chosen).status == "Accepted"
    assert what_to_do(dcc, None).startswith("Its Import Supplier can instruct it (11.6), until")
    assert what_to_do(dcc, THEIRS).startswith("Its Import Supplier can instruct it (11.6) until")
    assert "both" not in what_to_do(dcc, OURS)


def test_of_a_hub_on_the_list_the_pilots_date_is_said_and_of_others_that_of_safe_launch(dcc: Steering) -> None:
    """Before, both could be instructed until the same date, which for one was another than the task's."""
    dcc.piloting()
    put = f"put it on your preferred list first (11.5, by {show_time(PILOT.end)}) for the pilot, or leave it"
    safe, until = "Instruct it for safe launch (11.6, stage SafeLaunch)", f"until {last(dcc)}"
    launch = f"{safe}, {AFTER}, {until}"
    assert what_to_do(dcc, OURS, OWN_NORTH).startswith(f"{launch}, {put}")
    assert not dcc.asks(OURS, "11.5", PreferredPilotList("R1", NEW, (OWN_NORTH,))).startswith("E")
    pilot = f"Schedule it for the pilot (11.6, stage Pilot) until {show_time(PILOT.end)}, as you have put it on your"
    assert what_to_do(dcc, OURS, OWN_NORTH).startswith(pilot)
    both_ways = (
        f"Its supplier can schedule it for the pilot (11.6, stage Pilot), until {show_time(PILOT.end)}, as it is on "
        f"its preferred list, or instruct it for safe launch once the pilot has ended (11.6), {until}, or DCC in a "
        "batch; otherwise"
    )
    assert what_to_do(dcc, None, OWN_NORTH).startswith(both_ways), "it said nothing of the pilot to the operator"
    assert what_to_do(dcc, None, OWN_SOUTH).startswith(f"Its supplier can instruct it (11.6), {until}, or DCC in a")
    assert what_to_do(dcc, OURS, OWN_SOUTH).startswith(f"{launch}, {put}")
    dcc.passes(PILOT.end)
    for hub in (OWN_NORTH, OWN_SOUTH):
        assert what_to_do(dcc, OURS, hub).startswith(f"{safe} {until}, or leave it")
        assert what_to_do(dcc, None, hub).startswith(f"Its supplier can instruct it (11.6), {until}, or DCC in a batch")


def accepts(dcc: Steering, supplier: int, hub: int, stage: Stage) -> bool:
    """Whether 11.6 takes the hub of the supplier's now, for this stage: as the request itself is judged."""
    start = PILOT.end if stage is Stage.SAFE_LAUNCH else dcc.clock.now() + WEEK
    group = DeploymentGroup("TRY", stage, (hub,), Period(start + WEEK, start + 2 * WEEK))
    code = dcc.asks(supplier, "11.6", PreferredPilotSchedule("R1", NEW, (group,)))
    assert code in ("I99", "E110608", "E110602"), code
    return code == "I99"


def test_a_split_hub_that_is_off_the_list_is_not_to_be_scheduled_for_the_pilot(dcc: Steering) -> None:
    """Before, it was to be instructed as the other had done, and that was refused: E110608."""
    dcc.piloting()
    for supplier in (OURS, THEIRS):
        assert not dcc.asks(supplier, "11.5", PreferredPilotList("R1", NEW, (SPLIT,))).startswith("E")
    ways = what_to_do(dcc, None)
    assert ways.startswith(
        f"Its suppliers can schedule it for the pilot (11.6, stage Pilot), both of them, until {show_time(PILOT.end)}, "
        "as it is on their preferred lists, or instruct it for safe launch once the pilot has ended (11.6), both"
    )
    assert "has to be on" not in ways
    assert accepts(dcc, THEIRS, SPLIT, Stage.PILOT)
    end = show_time(dcc.clock.now() + 3 * WEEK)
    assert what_to_do(dcc, OURS).startswith(
        f"Instruct it for the pilot (11.6, stage Pilot), as its Gas Supplier has, until {end}, or leave it"
    )
    assert not dcc.asks(OURS, "11.5", PreferredPilotList("R1", NEW, (OWN_NORTH,))).startswith("E")
    assert what_to_do(dcc, OURS).startswith(
        f"Put it on your preferred list (11.5, by {end}) and schedule it (11.6), as its Gas Supplier has, until {end}, "
        f"or instruct it for safe launch (11.6, stage SafeLaunch), {AFTER}, until {end}, or leave it"
    )
    assert what_to_do(dcc, None).endswith(
        "For the pilot it has to be on its Import Supplier's preferred list first (11.5)."
    )
    assert not accepts(dcc, OURS, SPLIT, Stage.PILOT)
    assert accepts(dcc, OURS, SPLIT, Stage.SAFE_LAUNCH)


def test_what_a_successors_approval_made_void_is_instructed_as_the_successor_takes_it(dcc: Steering) -> None:
    """Before, it was to be instructed again under a release on whose list it never was: E110608."""
    dcc.piloting("R0", firmware_version="00000003")
    assert not dcc.asks(OURS, "11.5", PreferredPilotList("R0", "00000003", (OWN_NORTH,))).startswith("E")
    group = DeploymentGroup("P1", Stage.PILOT, (OWN_NORTH,), Period(PILOT.start + WEEK, PILOT.start + 2 * WEEK))
    assert not dcc.asks(OURS, "11.6", PreferredPilotSchedule("R0", "00000003", (group,))).startswith("E")
    dcc.announces("R1")
    dcc.approves("R1")
    launch = "Instruct it again for safe launch (11.6, stage SafeLaunch)"
    again = f"{launch}, {AFTER}, until {last(dcc)}, put it on your preferred list"
    assert what_to_do(dcc, OURS, OWN_NORTH).startswith(f"{again} first (11.5, by {show_time(PILOT.end)}) for the pilot")
    with dcc.store.read() as conn:
        (anew,) = tasks_of_hub(conn, HUBS[0], dcc.clock.now())
    assert (anew.release_id, anew.due) == ("R1", last_to_instruct(dcc.release())), "of the release that takes it"
    assert not accepts(dcc, OURS, OWN_NORTH, Stage.PILOT)
    assert accepts(dcc, OURS, OWN_NORTH, Stage.SAFE_LAUNCH)


def test_a_refusal_stays_one_when_dcc_proceeds_with_an_invalidated_pilot(dcc: Steering) -> None:
    """Before, the period had ended in the first lines, while the task below said that the CSP had refused.

    Its reason stood in the history alone.
    """
    dcc.piloting()
    assert not dcc.asks(OURS, "11.5", PreferredPilotList("R1", NEW, (OWN_NORTH, SPLIT))).startswith("E")
    group = DeploymentGroup("P1", Stage.PILOT, (OWN_NORTH, SPLIT), Period(PILOT.start + WEEK, PILOT.start + 2 * WEEK))
    assert not dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, (group,))).startswith("E")
    refused = csp.ScheduleDecision("R1", OURS, "P1", GroupDecision.REFUSED, reason="no capacity")
    assert dcc.says(refused, by=NORTH, door=Door.CSP).status == "Accepted"
    dcc.passes(PILOT.start + 3 * WEEK)
    dcc.announces("R2", firmware_version="00000003")
    dcc.approves("R2")
    for release, action in (("R2", RolloutAction.STOP), ("R1", RolloutAction.PROCEED)):
        decision = esi.RolloutDecision(release, action, "so", Standing.CONFIRMED, "DCC")
        assert dcc.says(decision).status == "Accepted"
    for viewer, who in ((PARTIES[OURS], "you have"), (OPERATOR, "its supplier has")):
        with dcc.store.read() as conn:
            row = hub_on_a_page(conn, viewer, OWN_NORTH, dcc.clock.now())
        assert row is not None
        assert (row["reason"], row["void"]) == (
            f"{who} instructed, but the CSP refused it (no capacity)",
            "RefusedByCSP",
        )


def test_where_the_successor_was_stopped_dcc_has_to_decide_on_the_invalidated_pilot(dcc: Steering) -> None:
    """Before, nothing could be done "until DCC announces a release", though it owed a decision on one."""
    dcc.piloting()
    dcc.announces("R2", firmware_version="00000003")
    dcc.approves("R2")
    assert (
        dcc.says(esi.RolloutDecision("R2", RolloutAction.STOP, "bad", Standing.CONFIRMED, "DCC")).status == "Accepted"
    )
    for viewer in (OURS, None):
        said = what_to_do(dcc, viewer, OWN_NORTH)
        assert said.startswith("DCC has to decide on R1, whose pilot was invalidated: ask it.")
    with dcc.store.read() as conn:
        (decision,) = tasks_of_hub(conn, HUBS[0], dcc.clock.now())
        why = ReleasesOver(conn).why_nothing(HUBS[0])
    assert (decision.release_id, decision.task) == ("R1", Task.DECIDE_ON_INVALIDATED_PILOT)
    assert why.endswith("by DCC: bad; DCC has to decide on R1, whose pilot was invalidated")
    again = esi.RolloutDecision("R1", RolloutAction.PROCEED, "again", Standing.CONFIRMED, "DCC")
    assert dcc.says(again).status == "Accepted"
    assert "nstruct it" in what_to_do(dcc, OURS, OWN_NORTH)


def test_a_pilots_schedule_is_asked_for_on_the_page_also_where_another_release_has_the_hub_next(dcc: Steering) -> None:
    """Before, the page spoke of the newer release alone, while the task stood under the older one."""
    dcc.piloting()
    assert not dcc.asks(OURS, "11.5", PreferredPilotList("R1", NEW, (OWN_NORTH,))).startswith("E")
    sooner = PilotTerms(Period(PILOT.start + WEEK, PILOT.end), limit=10)
    dcc.announces("R2", firmware_version="00000003", pilot=sooner, automatic_date=AUTOMATIC - WEEK)
    assert what_to_do(dcc, OURS, OWN_NORTH).startswith("Schedule it for the pilot of R1 (11.6, stage Pilot) until")
    assert what_to_do(dcc, OURS, OWN_SOUTH).startswith("Instruct it for safe launch")


def test_a_split_hub_that_another_release_has_next_is_instructed_under_the_one_of_the_others_half(
    dcc: Steering,
) -> None:
    """Before, the page named none, and under the release of its row it was refused: OtherRequestInProgress."""
    dcc.piloting()
    instructs(dcc, OURS, FIRST)
    sooner = PilotTerms(Period(PILOT.start + WEEK, PILOT.end), limit=10)
    dcc.announces("R2", firmware_version="00000003", pilot=sooner, automatic_date=AUTOMATIC - WEEK)
    launch = "Instruct it under R1 for safe launch (11.6, stage SafeLaunch), as its Import Supplier has"
    assert what_to_do(dcc, THEIRS).startswith(f"{launch}, {AFTER}, until {show_time(FIRST.end)}")
    instructs(dcc, THEIRS, FIRST)
    assert "CSP" in what_to_do(dcc, THEIRS)


def test_ones_own_half_is_taken_out_before_another_release_can_have_the_hub(dcc: Steering) -> None:
    """Before, it was to be instructed under the release that has it next, which was refused: OtherRequestInProgress."""
    dcc.piloting()
    instructs(dcc, OURS, FIRST)
    sooner = PilotTerms(Period(PILOT.start + WEEK, PILOT.end), limit=10)
    dcc.announces("R2", firmware_version="00000003", pilot=sooner, automatic_date=AUTOMATIC - WEEK)
    end = show_time(FIRST.end)
    assert what_to_do(dcc, OURS).startswith(
        f"You have instructed it under R1 (group L1, until {end}): its Gas Supplier can do so, too (11.6 for R1), "
        f"until {end}; to instruct it under R2, take it out of that group first (11.6 for R1 without it); otherwise"
    )
    assert what_to_do(dcc, None).startswith(f"Its Gas Supplier can instruct it under R1 (11.6), until {end}; otherwise")
    group = DeploymentGroup("L2", Stage.SAFE_LAUNCH, (SPLIT,), FIRST)
    under_the_other = PreferredPilotSchedule("R2", "00000003", (group,))
    assert dcc.asks(OURS, "11.6", under_the_other) == "E110602"
    taken_back = PreferredPilotSchedule("R1", NEW, (), cancelled=(CancelledGroup("L1", Stage.SAFE_LAUNCH),))
    assert dcc.asks(OURS, "11.6", taken_back) == "I99"
    assert what_to_do(dcc, OURS).startswith("Instruct it for safe launch (11.6, stage SafeLaunch)")
    assert dcc.asks(OURS, "11.6", under_the_other) == "I99"


def test_what_the_other_supplier_instructed_keeps_a_hub_also_where_it_protects_that(dcc: Steering) -> None:
    """Before, it was enough to take out one's own half, after which it was refused all the same."""
    dcc.piloting()
    instructs(dcc, THEIRS, FIRST)
    instructs(dcc, OURS, FIRST)
    ProtectionLists(Moments(dcc.store, dcc.clock, dcc.signer, 95_000)).replace(THEIRS, [SPLIT])
    sooner = PilotTerms(Period(PILOT.start + WEEK, PILOT.end), limit=10)
    dcc.announces("R2", firmware_version="00000003", pilot=sooner, automatic_date=AUTOMATIC - WEEK)
    assert (
        "to instruct it under R2, take it out of that group first (11.6 for R1 without it), and wait until what its "
        "Gas Supplier or DCC instructed there is taken back, too; otherwise"
    ) in what_to_do(dcc, OURS)
    group = DeploymentGroup("L2", Stage.SAFE_LAUNCH, (SPLIT,), FIRST)
    under_the_other = PreferredPilotSchedule("R2", "00000003", (group,))
    taken_back = PreferredPilotSchedule("R1", NEW, (), cancelled=(CancelledGroup("L1", Stage.SAFE_LAUNCH),))
    assert dcc.asks(OURS, "11.6", taken_back) == "I99"
    assert dcc.asks(OURS, "11.6", under_the_other) == "E110602"
    assert dcc.asks(THEIRS, "11.6", taken_back) == "I99"
    assert dcc.asks(OURS, "11.6", under_the_other) == "I99"


def test_a_hub_on_the_list_that_is_excluded_from_the_pilot_waits_for_safe_launch(dcc: Steering) -> None:
    """Before, it was to be instructed for the pilot, which was refused: E110602."""
    dcc.piloting()
    assert not dcc.asks(OURS, "11.5", PreferredPilotList("R1", NEW, (OWN_NORTH, OWN_SOUTH))).startswith("E")
    assert dcc.announces(revision=2, excluded=(OWN_NORTH,)).status == "Accepted"
    dcc.approves()
    assert what_to_do(dcc, OURS, OWN_NORTH).startswith(
        f"Instruct it for safe launch once the pilot has ended (11.6), until {last(dcc)}, or leave it"
    )
    assert what_to_do(dcc, None, OWN_NORTH).startswith(
        f"Its supplier can instruct it for safe launch once the pilot has ended (11.6), until {last(dcc)}, or DCC"
    )
    assert not accepts(dcc, OURS, OWN_NORTH, Stage.PILOT)
    dcc.passes(PILOT.end)
    assert accepts(dcc, OURS, OWN_NORTH, Stage.SAFE_LAUNCH)


def test_what_is_taken_out_elsewhere_waits_for_the_end_of_a_pilot_from_which_it_is_excluded(dcc: Steering) -> None:
    """Before, it could be instructed under the other release at once, which was refused: E110602."""
    dcc.piloting()
    sooner = PilotTerms(Period(PILOT.start + WEEK, PILOT.end), limit=10)
    dcc.announces("R2", firmware_version="00000003", pilot=sooner, automatic_date=AUTOMATIC - WEEK)
    assert not dcc.asks(OURS, "11.5", PreferredPilotList("R2", "00000003", (SPLIT,))).startswith("E")
    instructs(dcc, OURS, FIRST)
    assert "to instruct it under R2, take it out" in what_to_do(dcc, OURS)
    revised = dcc.announces(
        "R2",
        revision=2,
        firmware_version="00000003",
        pilot=sooner,
        automatic_date=AUTOMATIC - WEEK,
        excluded=(SPLIT,),
    )
    assert revised.status == "Accepted"
    assert "to instruct it under R2 once its pilot has ended, take it out" in what_to_do(dcc, OURS)


def test_of_a_split_hub_on_one_list_alone_the_operator_reads_of_the_other_and_that_safe_launch_is_later(
    dcc: Steering,
) -> None:
    dcc.piloting()
    assert not dcc.asks(OURS, "11.5", PreferredPilotList("R1", NEW, (SPLIT,))).startswith("E")
    said = what_to_do(dcc, None)
    assert said.startswith(
        "Its suppliers can instruct it for safe launch once the pilot has ended (11.6), both of them"
    )
    assert said.endswith("For the pilot it has to be on its Gas Supplier's preferred list first (11.5).")


def test_a_protected_hub_is_taken_off_the_protected_ones_first(dcc: Steering) -> None:
    """Before, it could be instructed by 11.6, which leaves it out; the operator alone is told why, too."""
    dcc.piloting()
    before = what_to_do(dcc, THEIRS)
    ProtectionLists(Moments(dcc.store, dcc.clock, dcc.signer, 95_000)).replace(OURS, [SPLIT])
    assert what_to_do(dcc, OURS).startswith("You protect it: take it off your protected hubs to instruct it (11.6)")
    assert what_to_do(dcc, THEIRS) == before
    assert what_to_do(dcc, None).startswith(
        "It is protected by its Import Supplier (`protect list`), so that no group takes it"
    )
    assert "batch" in what_to_do(dcc, None), "which takes it all the same"
    with dcc.store.read() as conn:
        rows = [hub_row(conn, PARTIES[viewer], SPLIT, dcc.clock.now()) for viewer in PARTIES if viewer != OURS]
        rows.append(hub_on_a_page(conn, PARTIES[THEIRS], SPLIT, dcc.clock.now()))
    assert any(rows)
    assert "rotect" not in str(rows), "nobody else learns of it, at the party door or on the other's pages"
