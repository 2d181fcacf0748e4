"""What moves already is not taken back: not by cancelling, not by the group sent again, not by a pilot list (EX-11)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest
from lxml import etree
from sqlalchemy import select

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.identifiers import RequestId
from duis_gateway.duis.responses import PilotListWarning
from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.duis.service_requests.preferred_pilot_schedule import (
    CancelledGroup,
    DeploymentGroup,
    PreferredPilotSchedule,
)
from duis_gateway.duis.service_requests.request import ServiceRequest
from duis_gateway.flow.incoming import Door, Incoming
from duis_gateway.flow.message import Authorised
from duis_gateway.flow.reply import ServiceAnswer
from duis_gateway.flow.steps import decide
from duis_gateway.flow.steps import store as store_step
from duis_gateway.outbox.emails.outbox_rows import DEFAULT_TERMS
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.estate.history import history_rows
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.plans import told
from duis_gateway.rollout.releases.records import Period, PilotTerms, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision, RolloutAction
from duis_gateway.rollout.rollout_decisions.records import Standing as DecisionStanding
from duis_gateway.store.tables import outbox
from tests.support.databases import KINDS
from tests.support.rules import NEW, OURS, PILOT, THEIRS
from tests.support.steering import GATEWAY, NORTH, OWN_NORTH, OWN_SOUTH, SOUTH, SPLIT, Steering, steering

DAY = timedelta(days=1)
pytestmark = pytest.mark.requirement("A05", "EX-11", "BR-3.5")
_numbers = count(1)


@pytest.fixture(params=KINDS)
def dcc(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steering]:
    """The eve of a pilot, with all of a supplier's hubs on its list."""
    with steering(request.param, tmp_path) as made:
        made.announces()
        made.approves()
        for supplier, ids in ((OURS, (OWN_NORTH, OWN_SOUTH, SPLIT)), (THEIRS, (SPLIT,))):
            assert asks(made, PreferredPilotList("R1", NEW, ids), supplier) == "I99"
        yield made


def at(days: int) -> datetime:
    return PILOT.start + days * DAY


def answer(dcc: Steering, body: PreferredPilotList | PreferredPilotSchedule, supplier: int = OURS) -> ServiceAnswer:
    reference = "11.5" if isinstance(body, PreferredPilotList) else "11.6"
    request_id = RequestId(supplier, GATEWAY, next(_numbers))
    request = ServiceRequest(request_id, str(request_id), Decimal("6.0"), 8, reference, reference, body, {})
    incoming = Incoming(Door.DUIS, "serviceD", b"<evidence/>", "test")
    with dcc.store.write() as conn:
        party = parties.find(conn, supplier)
        authorised = Authorised(incoming, dcc.clock.now(), str(request_id).encode(), request_id, request, party)
        decided = decide(authorised, conn, dcc.store.lock_release)
        store_step(decided, conn, dcc.signer(), 95_000, DEFAULT_TERMS)
    assert isinstance(decided.reply, ServiceAnswer)
    return decided.reply


def asks(dcc: Steering, body: PreferredPilotList | PreferredPilotSchedule, supplier: int = OURS) -> str:
    """The answer's code."""
    return answer(dcc, body, supplier).code


def scheduled(ids: tuple[int, ...], start: int, end: int, name: str = "G") -> PreferredPilotSchedule:
    group = DeploymentGroup(name, Stage.PILOT, ids, Period(at(start), at(end)))
    return PreferredPilotSchedule("R1", NEW, (group,))


def instructs(dcc: Steering, ids: tuple[int, ...], start: int, end: int, supplier: int = OURS) -> str:
    return asks(dcc, scheduled(ids, start, end), supplier)


def takes_back(dcc: Steering, supplier: int = OURS) -> str:
    return asks(dcc, PreferredPilotSchedule("R1", NEW, (), (CancelledGroup("G", Stage.PILOT),)), supplier)


def amends(dcc: Steering, by: int, start: int, end: int) -> None:
    body = csp.ScheduleDecision("R1", OURS, "G", GroupDecision.AMENDED, at(start), at(end))
    assert dcc.says(body, by=by, door=Door.CSP).status == "Accepted"


def chooses(dcc: Steering, start: int, end: int, ids: tuple[int, ...] = (SPLIT,)) -> None:
    """DCC, on the supplier's behalf."""
    assert dcc.says(esi.PilotSelection("R1", OURS, ids, Period(at(start), at(end)))).status == "Accepted"


def planned(dcc: Steering) -> set[int]:
    with dcc.store.read() as conn:
        return set(told.told(conn, "R1", (OWN_NORTH, OWN_SOUTH, SPLIT)))


def test_a_later_period_that_the_csp_fixed_leaves_time_to_take_the_group_back(dcc: Steering) -> None:
    assert instructs(dcc, (OWN_NORTH,), 1, 20) == "I99"
    amends(dcc, NORTH, 10, 20)
    dcc.passes(at(9))
    assert takes_back(dcc) == "I99"
    assert planned(dcc) == set()


@pytest.mark.parametrize("taken", ["cancelled", "without it", "later", "by list"])
def test_an_earlier_period_that_the_csp_fixed_has_begun_with_it(dcc: Steering, taken: str) -> None:
    """However it is said: CS06 may have been sent."""
    assert instructs(dcc, (OWN_NORTH, OWN_SOUTH), 12, 20) == "I99"
    amends(dcc, NORTH, 9, 15)
    dcc.passes(at(10))
    refused = {
        "cancelled": lambda: takes_back(dcc),
        "without it": lambda: instructs(dcc, (OWN_SOUTH,), 9, 20),
        "later": lambda: instructs(dcc, (OWN_NORTH, OWN_SOUTH), 12, 20),
        "by list": lambda: asks(dcc, PreferredPilotList("R1", NEW, (OWN_SOUTH, SPLIT))),
    }[taken]()
    assert refused == ("E110505" if taken == "by list" else "E110605")
    assert planned(dcc) == {OWN_NORTH, OWN_SOUTH}


def test_a_group_under_way_may_grow_and_lose_what_does_not_move_yet(dcc: Steering) -> None:
    assert instructs(dcc, (OWN_NORTH, OWN_SOUTH), 1, 20) == "I99"
    amends(dcc, SOUTH, 15, 20)
    dcc.passes(at(5))
    assert instructs(dcc, (OWN_NORTH, SPLIT), 1, 25) == "I99"
    assert planned(dcc) == {OWN_NORTH}, "the split one awaits its second supplier"


def test_a_half_that_awaits_the_other_can_be_taken_back_and_what_is_over_too(dcc: Steering) -> None:
    assert instructs(dcc, (SPLIT,), 1, 20) == "I99"
    dcc.passes(at(5))
    assert takes_back(dcc) == "I99", "nothing of it moves"
    assert instructs(dcc, (SPLIT,), 1, 20) == instructs(dcc, (SPLIT,), 8, 12, THEIRS) == "I99"
    assert planned(dcc) == {SPLIT}
    dcc.passes(at(7))
    assert takes_back(dcc) == "I99", "its joint period has not begun"
    assert instructs(dcc, (SPLIT,), 1, 20) == "I99"
    dcc.passes(at(8))
    assert (takes_back(dcc), takes_back(dcc, THEIRS)) == ("E110605", "E110605")
    dcc.passes(at(20))
    assert takes_back(dcc) == "I99", "it is over"


@pytest.mark.requirement("BR-4.2", "BR-3.3", "X09", "PIA-S2")
@pytest.mark.parametrize("again", ["with one more", "in another group", "chosen by DCC", "for DCC's choice"])
def test_a_joint_plan_goes_on_where_one_half_is_sent_again_once_the_other_is_over(dcc: Steering, again: str) -> None:
    """However often; but what comes when the plan itself is over finds no other half."""
    chosen = again in ("chosen by DCC", "for DCC's choice")
    if again == "for DCC's choice":
        chooses(dcc, 6, 20)
    else:
        assert instructs(dcc, (OWN_NORTH, SPLIT), 6, 20) == "I99"
    assert instructs(dcc, (SPLIT,), 1, 5, THEIRS) == "I99"
    dcc.passes(at(5) + DAY / 2)
    for end in (20, 21):
        if again == "in another group":
            name, other = ("G", "H") if end == 21 else ("H", "G")
            group = DeploymentGroup(name, Stage.PILOT, (OWN_NORTH, SPLIT), Period(at(6), at(end)))
            cancelled = CancelledGroup(other, Stage.PILOT)
            assert asks(dcc, PreferredPilotSchedule("R1", NEW, (group,), (cancelled,))) == "I99"
        elif chosen:
            chooses(dcc, 6, end)
            assert again == "chosen by DCC" or instructs(dcc, (SPLIT,), 6, end) == "I99"
        else:
            assert instructs(dcc, (OWN_NORTH, OWN_SOUTH, SPLIT), 6, end) == "I99"
        assert SPLIT in planned(dcc)
        if again != "in another group":  # which no hub under way can change
            dcc.passes(at(end - 10))
    dcc.passes(at(21))
    assert planned(dcc) == set()
    assert instructs(dcc, (SPLIT,), 21, 25) == "I99"
    assert planned(dcc) == set(), "the other half ended long ago"


@pytest.mark.requirement("BR-4.2", "PIA-C2")
def test_what_the_csp_refused_goes_on_with_nothing_where_it_is_sent_again(dcc: Steering) -> None:
    assert instructs(dcc, (SPLIT,), 6, 20) == instructs(dcc, (SPLIT,), 1, 5, THEIRS) == "I99"
    refusal = csp.ScheduleDecision("R1", OURS, "G", GroupDecision.REFUSED)
    assert dcc.says(refusal, by=NORTH, door=Door.CSP).status == "Accepted"
    dcc.passes(at(6))
    assert instructs(dcc, (SPLIT,), 6, 20) == "I99"
    assert planned(dcc) == set(), "the other half was over when this came"


@pytest.mark.requirement("A04", "PIA-5")
def test_a_list_takes_no_hub_out_of_a_group_that_is_over(dcc: Steering) -> None:
    """Before, the answer named hubs of it as lost, and the history of each said that it was taken back."""
    assert instructs(dcc, (OWN_NORTH, OWN_SOUTH), 1, 5) == "I99"
    amends(dcc, SOUTH, 1, 4)
    dcc.passes(at(4) + DAY / 2)
    assert asks(dcc, PreferredPilotList("R1", NEW, (OWN_NORTH, SPLIT))) == "I99", "South's part is over already"
    dcc.passes(at(6))
    assert asks(dcc, PreferredPilotList("R1", NEW, (OWN_SOUTH, SPLIT))) == "I99"
    with dcc.store.read() as conn:
        for device_id in (OWN_NORTH, OWN_SOUTH):
            newest, *_ = history_rows(conn, Party(OURS, PartyKind.SUPPLIER, ""), device_id)
            assert newest["what"] == "void: PeriodEnded"
    assert instructs(dcc, (OWN_NORTH,), 8, 12) == "E110608", "it is in the pilot no more"


def test_hubs_of_a_group_that_is_over_do_not_fill_the_pilot(dcc: Steering) -> None:
    """Before, a hub that was instructed anew counted twice."""
    assert dcc.announces(revision=2, pilot=PilotTerms(PILOT, limit=3)).status == "Accepted"
    every = (OWN_NORTH, OWN_SOUTH, SPLIT)
    assert instructs(dcc, every, 1, 5) == "I99"
    dcc.passes(at(6))
    anew = DeploymentGroup("H", Stage.PILOT, every, Period(at(8), at(12)))
    assert asks(dcc, PreferredPilotSchedule("R1", NEW, (anew,))) == "I99"


@pytest.mark.requirement("X08")
@pytest.mark.parametrize("by", ["choice", "batch"])
def test_what_moves_by_dccs_doing_is_scheduled_for_no_later_time(dcc: Steering, by: str) -> None:
    """CS06 may have been sent; until then, and once it is over, the supplier's own schedule counts."""
    ids = OWN_NORTH, OWN_SOUTH
    if by == "choice":
        chooses(dcc, 6, 9, ids)
    else:
        assert dcc.says(esi.BatchInstruction("R1", "B1", ids, Period(at(6), at(9)))).status == "Accepted"
    assert instructs(dcc, (OWN_NORTH,), 12, 20) == takes_back(dcc) == "I99", "it has not begun"
    dcc.passes(at(6))
    refused = answer(dcc, scheduled((SPLIT, OWN_NORTH), 12, 20))
    assert (refused.code, refused.warning) == ("E110605", PilotListWarning(under_way=(OWN_NORTH,)))
    assert planned(dcc) == {*ids}
    assert instructs(dcc, (OWN_NORTH,), 6, 20) == "I99", "it goes on"
    assert takes_back(dcc) == "E110605"
    dcc.passes(at(9))
    assert asks(dcc, scheduled((OWN_SOUTH,), 12, 20, "H")) == "I99", "what DCC instructed is over"


@pytest.mark.requirement("X03", "X09")
def test_what_was_paused_before_its_period_began_can_be_taken_back_until_it_moves(dcc: Steering) -> None:
    """CS06 was refused all along; for what was paused later it may have been sent."""

    def rolls(action: RolloutAction) -> None:
        decision = esi.RolloutDecision("R1", action, "why", DecisionStanding.CONFIRMED, "DCC")
        assert dcc.says(decision).status == "Accepted"

    def sends(start: int) -> str:
        return asks(dcc, scheduled((OWN_SOUTH,), start, 30, "H"))

    without = PreferredPilotList("R1", NEW, (OWN_NORTH, SPLIT))
    assert instructs(dcc, (OWN_NORTH,), 2, 30) == sends(6) == "I99"
    dcc.passes(at(4))
    rolls(RolloutAction.PAUSE)
    dcc.passes(at(8))
    assert instructs(dcc, (OWN_NORTH, SPLIT), 2, 30) == "I99", "it goes on"
    assert takes_back(dcc) == "E110605"
    assert sends(10) == sends(6) == "I99"
    assert asks(dcc, without) == "W110501", "it leaves its group"
    assert asks(dcc, PreferredPilotList("R1", NEW, (OWN_NORTH, OWN_SOUTH, SPLIT))) == sends(1) == "I99"
    assert sends(9) == "I99", "what came during the pause has not begun either"
    rolls(RolloutAction.PROCEED)
    assert sends(6) == "I99"
    rolls(RolloutAction.PAUSE)
    assert sends(10) == "E110605", "it moved between the pauses"
    refused = answer(dcc, without)
    assert (refused.code, refused.warning) == ("E110505", PilotListWarning(under_way=(OWN_SOUTH,)))


@pytest.mark.requirement("X03", "X08")
def test_a_batch_that_came_in_a_pause_has_not_begun_until_the_release_proceeds(dcc: Steering) -> None:
    """Before, its hubs counted as under way, as if CS06 could have been sent for them."""

    def rolls(action: RolloutAction) -> None:
        decision = esi.RolloutDecision("R1", action, "why", DecisionStanding.CONFIRMED, "DCC")
        assert dcc.says(decision).status == "Accepted"

    dcc.passes(at(4))
    rolls(RolloutAction.PAUSE)
    dcc.passes(at(6))
    batch = esi.BatchInstruction("R1", "B1", (OWN_NORTH, OWN_SOUTH), Period(at(2), at(9)))
    assert dcc.says(batch).status == "Accepted"
    assert instructs(dcc, (OWN_NORTH,), 12, 20) == takes_back(dcc) == "I99"
    rolls(RolloutAction.PROCEED)
    assert instructs(dcc, (OWN_SOUTH,), 12, 20) == "E110605", "it moves now"
    dcc.passes(at(7))
    rolls(RolloutAction.PAUSE)
    dcc.passes(at(8))
    assert dcc.says(batch).status == "Accepted"
    assert instructs(dcc, (OWN_SOUTH,), 12, 20) == "E110605", "sent again it goes on"


@pytest.mark.requirement("X03", "X07", "X08", "PIA-C2")
@pytest.mark.parametrize("by", ["the CSP", "its supplier", "a batch", "DCC's choice"])
def test_what_is_moved_in_a_pause_to_before_it_has_not_begun_until_the_release_proceeds(dcc: Steering, by: str) -> None:
    """Before, it counted as under way, as if CS06 could have been sent in a time for which it was not planned then."""

    def rolls(action: RolloutAction) -> None:
        decision = esi.RolloutDecision("R1", action, "why", DecisionStanding.CONFIRMED, "DCC")
        assert dcc.says(decision).status == "Accepted"

    def batch(start: int) -> None:
        body = esi.BatchInstruction("R1", "B1", (OWN_NORTH,), Period(at(start), at(20)))
        assert dcc.says(body).status == "Accepted"

    moves: Callable[[int], object] = {
        "the CSP": lambda start: amends(dcc, NORTH, start, 20),
        "its supplier": lambda start: instructs(dcc, (OWN_NORTH,), start, 20),
        "a batch": batch,
        "DCC's choice": lambda start: chooses(dcc, start, 20, (OWN_NORTH,)),
    }[by]
    assert by != "the CSP" or instructs(dcc, (OWN_NORTH,), 2, 30) == "I99"
    moves(12)
    dcc.passes(at(8))
    rolls(RolloutAction.PAUSE)
    dcc.passes(at(9))
    moves(2)
    later = scheduled((OWN_NORTH,), 14, 20)
    without = PreferredPilotList("R1", NEW, (OWN_SOUTH, SPLIT))
    code = "I99" if by in ("a batch", "DCC's choice") else "W110501"
    assert asks(dcc, without) == code, "there is nothing to take back from what moves"
    assert asks(dcc, PreferredPilotList("R1", NEW, (OWN_NORTH, OWN_SOUTH, SPLIT))) == asks(dcc, later) == "I99"
    if by in ("the CSP", "its supplier"):
        assert instructs(dcc, (OWN_NORTH,), 2, 20) == "I99"
    else:
        assert takes_back(dcc) == "I99"
    rolls(RolloutAction.PROCEED)
    assert planned(dcc) == {OWN_NORTH}
    assert asks(dcc, later) == "E110605", "it moves from now on"
    rolls(RolloutAction.PAUSE)
    assert asks(dcc, later) == "E110605", "it has moved"


@pytest.mark.requirement("A01")
def test_what_is_not_approved_moves_not(dcc: Steering) -> None:
    dcc.announces("R2", firmware_version="00000009")
    listed = PreferredPilotList("R2", "00000009", (OWN_NORTH,))
    assert asks(dcc, listed) == "I99"
    group = DeploymentGroup("G", Stage.PILOT, (OWN_NORTH,), Period(at(1), at(9)))
    assert asks(dcc, PreferredPilotSchedule("R2", "00000009", (group,))) == "I99"
    dcc.passes(at(2))
    back = PreferredPilotSchedule("R2", "00000009", (), (CancelledGroup("G", Stage.PILOT),))
    assert asks(dcc, back) == asks(dcc, PreferredPilotSchedule("R2", "00000009", (group,))) == "I99"
    dcc.approves("R2")
    assert asks(dcc, back) == "E110605"


@pytest.mark.requirement("X07", "PIA-C2")
def test_a_csp_decides_on_nothing_once_the_period_is_over(dcc: Steering) -> None:
    assert instructs(dcc, (OWN_NORTH,), 1, 5) == "I99"
    dcc.passes(at(6))
    for decision in (GroupDecision.ACCEPTED, GroupDecision.REFUSED):
        told_of_it = dcc.says(csp.ScheduleDecision("R1", OURS, "G", decision), by=NORTH, door=Door.CSP)
        assert (told_of_it.status, told_of_it.answer.text) == (
            "Refused",
            "Nothing is decided: the group's period is over.",
        )
        assert told_of_it.sends == ()
    amends(dcc, NORTH, 8, 12)
    later = dcc.says(csp.ScheduleDecision("R1", OURS, "G", GroupDecision.REFUSED), by=NORTH, door=Door.CSP)
    assert later.status == "Accepted", "what it had fixed lies ahead"


@pytest.mark.requirement("X07", "X08", "BR-3.9")
def test_what_the_csp_refused_keeps_no_hub_from_another_release(dcc: Steering) -> None:
    """Neither refused as a whole nor as a piece; what it accepted does."""
    assert instructs(dcc, (OWN_NORTH, OWN_SOUTH), 1, 20) == "I99"
    dcc.announces("R2", firmware_version="00000009")

    def free() -> list[bool]:
        with dcc.store.read() as conn:
            found = hubs.named(conn, (OWN_NORTH, OWN_SOUTH), "R2", OURS, dcc.clock.now())
        return [not found[device_id].in_progress for device_id in (OWN_NORTH, OWN_SOUTH)]

    assert free() == [False, False]
    refused = csp.ScheduleDecision("R1", OURS, "G", GroupDecision.REFUSED)
    assert dcc.says(refused, by=NORTH, door=Door.CSP).status == "Accepted"
    assert free() == [True, False]
    piece = replace(refused, device_ids=(OWN_SOUTH,))
    assert dcc.says(piece, by=SOUTH, door=Door.CSP).status == "Accepted"
    assert free() == [True, True]
    accepted = replace(piece, decision=GroupDecision.ACCEPTED)
    assert dcc.says(accepted, by=SOUTH, door=Door.CSP).status == "Accepted"
    assert free() == [True, False]


@pytest.mark.requirement("X09", "X08")
@pytest.mark.parametrize(("ends", "why"), [("by DCC", "NotInstructed"), ("by a revision", "OutsidePilot")])
def test_a_group_that_was_cancelled_is_not_named_where_dccs_choice_ends_later(
    dcc: Steering, ends: str, why: str
) -> None:
    """N77, also where both happen within one moment: the sandbox's clock stands still."""
    chooses(dcc, 8, 20, (OWN_NORTH, OWN_SOUTH))
    assert instructs(dcc, (OWN_NORTH,), 10, 14) == takes_back(dcc) == "I99"
    assert planned(dcc) == {OWN_NORTH, OWN_SOUTH}
    since = dcc.last_row()
    if ends == "by DCC":
        chooses(dcc, 8, 20, (OWN_SOUTH,))
        assert planned(dcc) == {OWN_SOUTH}
    else:
        dcc.announces(revision=2, pilot=PilotTerms(Period(PILOT.start, at(15)), limit=10))
        assert planned(dcc) == set()
    query = select(outbox.c.content).where(outbox.c.id > since, outbox.c.recipient == OURS, outbox.c.channel == "http")
    with dcc.store.read() as conn:
        voids = [one for row in conn.execute(query) for one in etree.fromstring(row.content).iter("{*}Void")]
    assert [[leaf.text for leaf in one.iter("{*}Reason", "{*}GroupID")] for one in voids] == [[why]]
