"""What ends with a release: each supplier is told of its own once, and reads it in status and deadlines (BR-6.5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree
from sqlalchemy import select

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.identifiers import format_eui, parse_eui
from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.duis.service_requests.preferred_pilot_schedule import (
    CancelledGroup,
    DeploymentGroup,
    PreferredPilotSchedule,
)
from duis_gateway.flow.incoming import Door
from duis_gateway.rollout.deadlines.scopes import viewer_of
from duis_gateway.rollout.deadlines.view import deadline_rows
from duis_gateway.rollout.estate.history import history_rows
from duis_gateway.rollout.estate.hub_by_hub import estate_rows, hub_on_a_page, hub_row
from duis_gateway.rollout.hubs import store as hubs_store
from duis_gateway.rollout.plans.view import plans_and_not_told, releases_for
from duis_gateway.rollout.protection import store as protection
from duis_gateway.rollout.releases.records import Period, PilotTerms, ReleaseState, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision, RolloutAction, Standing
from duis_gateway.store.tables import outbox
from tests.rollout.plans.test_off_the_plan import told
from tests.support.databases import KINDS
from tests.support.rules import AUTOMATIC, NEW, OURS, PILOT, THEIRS
from tests.support.status_of import PARTIES, void_of
from tests.support.steering import (
    DCC,
    HUBS,
    NORTH,
    OWN_NORTH,
    OWN_SOUTH,
    SOUTH,
    SPLIT,
    THEIR_HUB,
    WEEK,
    Steering,
    steering,
)

IN_PILOT = Period(PILOT.start + WEEK, PILOT.start + 2 * WEEK)
NEWER = "00000003"
LATER = AUTOMATIC + 4 * WEEK

pytestmark = pytest.mark.requirement("X09", "BR-6.5", "PIA-A13")


@pytest.fixture(params=KINDS)
def dcc(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steering]:
    """A pilot that has begun; one supplier has instructed its own hub and, alone, the split one."""
    with steering(request.param, tmp_path) as made:
        made.piloting()
        instructs(made, OURS, OWN_NORTH, SPLIT)
        yield made


def instructs(dcc: Steering, supplier: int, *ids: int, release: str = "R1", version: str = NEW) -> None:
    assert not dcc.asks(supplier, "11.5", PreferredPilotList(release, version, ids)).startswith("E")
    group = DeploymentGroup("G1", Stage.PILOT, ids, IN_PILOT)
    assert not dcc.asks(supplier, "11.6", PreferredPilotSchedule(release, version, (group,))).startswith("E")


def gives_way(dcc: Steering) -> None:
    """A later release for the model is announced and approved."""
    later = PilotTerms(Period(PILOT.start + WEEK / 7, PILOT.end), limit=10)
    dcc.announces("R2", firmware_version=NEWER, pilot=later)
    dcc.approves("R2")
    assert dcc.state() is ReleaseState.INVALIDATED


def void_told(dcc: Steering, party: int, since: int) -> list[tuple[str, str, str]]:
    """Of what a party was told that it is void since then: why, in which group, and the hubs; by alert or message."""
    query = select(outbox.c.content).where(outbox.c.recipient == party, outbox.c.id > since, outbox.c.channel == "http")
    with dcc.store.read() as conn:
        roots = [etree.fromstring(row.content) for row in conn.execute(query.order_by(outbox.c.id))]
    return [
        (
            one.findtext("{*}Reason") or "",
            one.findtext("{*}GroupID") or "",
            one.findtext("{*}DeviceIDList") or "",
        )
        for root in roots
        for one in root.iter("{*}Void")
    ]


def anew(dcc: Steering, supplier: int) -> dict[tuple[str, str], int]:
    """How many hubs a supplier is to instruct anew, by the release and why."""
    with dcc.store.read() as conn:
        rows = deadline_rows(conn, PARTIES[supplier], dcc.clock.now())
    mine = [row for row in rows if row["whose"] == "own" and row["task"] == "instruct_anew"]
    assert not any(row["overdue"] for row in mine)
    return {(str(row["release"]), str(row["subject"])): int(str(row["hubs"])) for row in mine}


def hubs(*ids: int) -> str:
    return ",".join(map(format_eui, ids))


def test_a_half_that_waited_is_void_with_the_pilot_and_its_supplier_is_told_so(dcc: Steering) -> None:
    """Before, a supplier whose instruction waited for the second one's was told the decision alone, without a hub."""
    before = dcc.last_row()
    gives_way(dcc)
    both = [("PilotInvalidated", "G1", hubs(OWN_NORTH, SPLIT))]
    assert void_told(dcc, OURS, before) == both
    assert void_told(dcc, THEIRS, before) == [], "it had instructed nothing"
    of_both = [("PilotInvalidated", "", hubs(OWN_NORTH, SPLIT))]
    assert void_told(dcc, NORTH, before) == void_told(dcc, DCC, before) == of_both


def test_status_and_deadlines_name_what_is_void_until_it_is_instructed_under_the_successor(dcc: Steering) -> None:
    """Before, neither said after the approval that anything had been instructed."""
    gives_way(dcc)
    for party in (OURS, NORTH, DCC):
        assert void_of(dcc, party) == {"PilotInvalidated": 2}
    assert void_of(dcc, THEIRS) == {}
    assert anew(dcc, OURS) == {("R2", "PilotInvalidated"): 2}, "R1 takes nothing until DCC decides"
    assert anew(dcc, THEIRS) == {}
    instructs(dcc, OURS, OWN_NORTH, release="R2", version=NEWER)
    assert void_of(dcc, OURS) == {"PilotInvalidated": 1}
    assert anew(dcc, OURS) == {("R2", "PilotInvalidated"): 1}
    dcc.says(esi.Supersession("R1", "R2", dcc.clock.now()))
    assert void_of(dcc, OURS) == {"PilotInvalidated": 1}
    assert anew(dcc, OURS) == {}, "nothing is open under the release any more"


@pytest.mark.requirement("BR-5.4")
def test_once_dcc_proceeds_each_hub_is_asked_for_under_the_release_that_has_it_next(dcc: Steering) -> None:
    """Before, it was asked for under both, and under the older one as `PilotInvalidated`, which no status showed."""
    refused = csp.ScheduleDecision("R1", OURS, "G1", GroupDecision.REFUSED, device_ids=(OWN_NORTH,))
    assert dcc.says(refused, by=NORTH, door=Door.CSP).status == "Accepted"
    gives_way(dcc)
    assert asked(dcc, OURS) == {
        ("R2", "instruct_anew", "RefusedByCSP"): 1,
        ("R2", "instruct_anew", "PilotInvalidated"): 1,
        ("R2", "send_preferred_list", ""): 3,
        ("R2", "instruct_safe_launch", ""): 1,
    }
    instructs(dcc, OURS, OWN_NORTH, release="R2", version=NEWER)
    assert anew(dcc, OURS) == {("R2", "PilotInvalidated"): 1}
    decides(dcc, RolloutAction.PROCEED)
    assert dcc.state() is ReleaseState.SAFE_LAUNCH
    assert asked(dcc, OURS) == {("R2", "instruct_safe_launch", ""): 2}
    assert void_of(dcc, OURS) == {}
    dcc.announces("R2", revision=2, firmware_version=NEWER, pilot=dcc.release("R2").pilot, automatic_date=LATER)
    assert asked(dcc, OURS) == {
        ("R1", "instruct_anew", "PilotInvalidated"): 1,
        ("R1", "instruct_safe_launch", ""): 1,
    }
    assert void_of(dcc, OURS) == {"PilotInvalidated": 1}


def test_one_half_under_the_successor_is_asked_for_there_alone(dcc: Steering) -> None:
    """Before, whoever had given it was asked for it anew under the older release."""
    gives_way(dcc)
    instructs(dcc, THEIRS, SPLIT, release="R2", version=NEWER)
    assert ("R2", "instruct_split_hubs", "") in asked(dcc, OURS)
    assert anew(dcc, OURS) == {("R2", "PilotInvalidated"): 1}, "its own hub"
    instructs(dcc, OURS, OWN_NORTH, release="R2", version=NEWER)
    assert anew(dcc, OURS) == {}


@pytest.mark.parametrize("proceeds", [False, True])
def test_who_was_told_nothing_is_shown_nothing_as_void_with_the_pilot(dcc: Steering, proceeds: bool) -> None:
    """Before, the second supplier of a half was once DCC proceeded, and all were of a batch that planned nothing."""
    assert dcc.says(esi.BatchInstruction("R1", "B1", (THEIR_HUB,), None)).status == "Accepted"
    before = dcc.last_row()
    gives_way(dcc)
    if proceeds:
        decides(dcc, RolloutAction.PROCEED)
        dcc.announces("R2", revision=2, firmware_version=NEWER, pilot=dcc.release("R2").pilot, automatic_date=LATER)
    assert void_told(dcc, THEIRS, before) == void_told(dcc, SOUTH, before) == []
    assert void_of(dcc, THEIRS) == void_of(dcc, SOUTH) == {}
    assert void_of(dcc, OURS) == void_of(dcc, NORTH) == void_of(dcc, DCC) == {"PilotInvalidated": 2}
    assert anew(dcc, DCC) == {}
    assert history_of(dcc, THEIR_HUB)[0] == "ended"


def asked(dcc: Steering, supplier: int) -> dict[tuple[str, str, str], int]:
    """Of how many hubs a supplier is asked for what, by release, task and subject."""
    with dcc.store.read() as conn:
        rows = deadline_rows(conn, PARTIES[supplier], dcc.clock.now())
    mine = [row for row in rows if row["whose"] == "own"]
    return {(str(row["release"]), str(row["task"]), str(row["subject"])): int(str(row["hubs"])) for row in mine}


def cs06(dcc: Steering, *ids: int, release: str, version: str, by: int = NORTH) -> list[str]:
    """Why these hubs are not to be activated now, in the words of the acknowledgement."""
    asked = csp.ActivateFirmwareRequests(version, ids, dcc.clock.now(), release)
    return [one.reason.partition(":")[0] for one in dcc.says(asked, by=by, door=Door.CSP).answer.refused]


def whys(dcc: Steering, party: int) -> dict[str, str]:
    """`why` of each hub of a party's estate; a hub looked up by itself says the same, and its page."""
    with dcc.store.read() as conn:
        seen = PARTIES[party]
        rows = {str(row["device_id"]): str(row["why"]) for row in estate_rows(conn, seen, dcc.clock.now())}
        for device_id, why in rows.items():
            row = hub_row(conn, seen, parse_eui(device_id), dcc.clock.now())
            page = hub_on_a_page(conn, seen, parse_eui(device_id), dcc.clock.now())
            assert row is not None
            assert page is not None
            assert (row["why"], page["why"]) == (why, why)
            assert str(page["reason"]) in why
            found = hubs_store.get(conn, parse_eui(device_id))
            assert found is not None
            under = [one for one in releases_for(conn, found) if one.release_id == row["release"]]
            shown = plans_and_not_told(conn, found, under, dcc.clock.now(), viewer_of(seen))
            assert [plan.explanation for _, plan in shown] == [why][: len(under)]
    return rows


@pytest.mark.requirement("BR-5.3", "BR-3.5")
@pytest.mark.parametrize(("superseded", "word"), [(False, "PilotInvalidated"), (True, "ReleaseOver")])
def test_status_why_and_cs06_say_the_same_of_a_hub_under_the_successor(
    dcc: Steering, superseded: bool, word: str
) -> None:
    """Before, `why` said that nobody had instructed, and CS06 `NotInstructed`."""
    if superseded:
        dcc.announces("R2", firmware_version=NEWER)
        dcc.says(esi.Supersession("R1", "R2", dcc.clock.now()))
        dcc.approves("R2")
    else:
        gives_way(dcc)
    assert cs06(dcc, OWN_NORTH, release="R1", version=NEW) == [word]
    assert cs06(dcc, OWN_NORTH, SPLIT, release="R2", version=NEWER) == [word, word]
    assert cs06(dcc, OWN_SOUTH, by=SOUTH, release="R2", version=NEWER) == ["NotInstructed"]
    said = f"what was instructed under R1 is void ({word})"
    assert {hub for hub, why in whys(dcc, OURS).items() if said in why} == {format_eui(OWN_NORTH), format_eui(SPLIT)}
    assert not any(said in why for why in whys(dcc, THEIRS).values())
    instructs(dcc, OURS, OWN_NORTH, SPLIT, release="R2", version=NEWER)
    assert not any("R1" in why for why in whys(dcc, OURS).values())
    assert cs06(dcc, OWN_NORTH, SPLIT, release="R2", version=NEWER) == ["BeforePeriod", "AwaitsSecondSupplier"]


def test_what_a_superseded_release_leaves_is_void_under_its_successor(dcc: Steering) -> None:
    dcc.announces("R2", firmware_version=NEWER)
    before = dcc.last_row()
    dcc.says(esi.Supersession("R1", "R2", dcc.clock.now()))
    assert void_told(dcc, OURS, before) == [("ReleaseOver", "G1", hubs(OWN_NORTH, SPLIT))]
    assert void_of(dcc, OURS) == void_of(dcc, DCC) == {"ReleaseOver": 2}
    assert void_of(dcc, THEIRS) == {}


def launches(dcc: Steering, supplier: int, period: Period) -> None:
    group = DeploymentGroup("L1", Stage.SAFE_LAUNCH, (SPLIT,), period)
    assert dcc.asks(supplier, "11.6", PreferredPilotSchedule("R1", NEW, (group,))) == "I99"


def test_of_two_halves_the_one_that_ended_last_says_why_a_superseded_release_moves_a_hub_no_more(dcc: Steering) -> None:
    """Before, CSP and DCC were told that the release is over, and shown why the other half was void before."""
    taken_back = PreferredPilotSchedule("R1", NEW, (), cancelled=(CancelledGroup("G1", Stage.PILOT),))
    assert dcc.asks(OURS, "11.6", taken_back) == "I99"
    assert not dcc.asks(OURS, "11.5", PreferredPilotList("R1", NEW, (OWN_NORTH,))).startswith("E")
    launches(dcc, OURS, Period(AUTOMATIC - 2 * WEEK, AUTOMATIC - WEEK))
    assert dcc.announces(revision=2, automatic_date=AUTOMATIC - 2 * WEEK).status == "Accepted"
    launches(dcc, THEIRS, Period(PILOT.end, PILOT.end + WEEK))
    assert void_of(dcc, OURS)["TooLate"] == 1
    dcc.announces("R2", firmware_version=NEWER, automatic_date=LATER)
    before = dcc.last_row()
    assert dcc.says(esi.Supersession("R1", "R2", dcc.clock.now())).status == "Accepted"
    assert void_told(dcc, NORTH, before) == void_told(dcc, DCC, before) == [("ReleaseOver", "", hubs(SPLIT))]
    assert void_of(dcc, NORTH) == void_of(dcc, DCC) == {"ReleaseOver": 1}
    assert void_of(dcc, OURS) == {"TooLate": 1}
    assert void_of(dcc, THEIRS) == {"ReleaseOver": 1}


def test_what_a_pause_held_is_told_as_over_when_the_release_is_stopped(dcc: Steering) -> None:
    """Before, the last word on it was that the release is paused."""
    decides(dcc, RolloutAction.PAUSE)
    before = dcc.last_row()
    decides(dcc, RolloutAction.STOP)
    assert void_told(dcc, OURS, before) == [("ReleaseOver", "G1", hubs(OWN_NORTH, SPLIT))]


def test_nothing_is_told_of_what_was_over_before(dcc: Steering) -> None:
    dcc.passes(IN_PILOT.end)
    before = dcc.last_row()
    gives_way(dcc)
    assert void_told(dcc, OURS, before) == void_told(dcc, DCC, before) == []


def decides(dcc: Steering, action: RolloutAction) -> None:
    body = esi.RolloutDecision("R1", action, "why", Standing.CONFIRMED, "DCC")
    assert dcc.says(body).status == "Accepted"


@pytest.mark.parametrize("how", ["superseded", "approved", "paused", "batch"])
def test_what_has_ended_is_told_as_that_also_where_dcc_decides_before_the_scheduler_looks(
    dcc: Steering, how: str
) -> None:
    """Before, nobody was told that hubs were passed over, and of a release that was over none was told what was shown.

    So it is for a moment each time, and whenever the gateway was down when a period ended.
    """
    later = PilotTerms(Period(IN_PILOT.end + WEEK / 7, PILOT.end), limit=10)
    dcc.announces("R2", firmware_version=NEWER, pilot=later)
    before = dcc.last_row()
    dcc.clock.instant = IN_PILOT.end
    if how == "superseded":
        assert dcc.says(esi.Supersession("R1", "R2", dcc.clock.now())).status == "Accepted"
    elif how == "approved":
        dcc.approves("R2")
    elif how == "paused":
        decides(dcc, RolloutAction.PAUSE)
    else:
        again = Period(IN_PILOT.end, PILOT.end)
        assert dcc.says(esi.BatchInstruction("R1", "B1", (OWN_SOUTH,), again)).status == "Accepted"
    assert void_told(dcc, OURS, before) == [
        ("PeriodEnded", "G1", hubs(OWN_NORTH)),
        ("PeriodEnded", "G1", hubs(SPLIT)),
    ]
    assert void_told(dcc, NORTH, before) == [("PeriodEnded", "", hubs(OWN_NORTH))]
    assert void_of(dcc, OURS) == {"PeriodEnded": 2}
    for party in (OURS, NORTH, DCC):
        assert {one[0] for one in told(dcc, before, "Deviation")[party]} == {"PeriodMissed"}
    before = dcc.last_row()
    dcc.passes(dcc.clock.now())
    assert void_told(dcc, OURS, before) == [], "once"


def test_a_refused_half_is_not_void_for_a_second_supplier_that_gave_none(dcc: Steering) -> None:
    """Before, it read `RefusedByCSP` of a hub of which nothing was its own, and nothing once the release gave way."""
    refused = csp.ScheduleDecision("R1", OURS, "G1", GroupDecision.REFUSED)
    assert dcc.says(refused, by=NORTH, door=Door.CSP).status == "Accepted"
    before = [void_of(dcc, party) for party in (OURS, DCC, THEIRS)]
    assert before == [{"RefusedByCSP": 2}, {"RefusedByCSP": 2}, {}]
    gives_way(dcc)
    assert [void_of(dcc, party) for party in (OURS, DCC, THEIRS)] == before


def test_what_was_void_before_keeps_why_under_the_successor(dcc: Steering) -> None:
    """Before, all read `PilotInvalidated`, which nobody had told of them, and DCC a date of the release before."""
    instructs(dcc, THEIRS, SPLIT)
    assert dcc.says(REFUSED, by=NORTH, door=Door.CSP).status == "Accepted"
    dcc.says(esi.PilotSelection("R1", OURS, (OWN_SOUTH,), IN_PILOT))
    dcc.says(esi.BatchInstruction("R1", "B1", (THEIR_HUB,), IN_PILOT))
    dcc.passes(IN_PILOT.end + WEEK)
    shown = {party: void_of(dcc, party) for party in (OURS, THEIRS, DCC)}
    asked = {party: anew(dcc, party) for party in (OURS, THEIRS, DCC)}
    history = {hub: history_of(dcc, hub) for hub in (OWN_NORTH, OWN_SOUTH, SPLIT, THEIR_HUB)}
    gives_way(dcc)
    assert shown[OURS] == {"PeriodEnded": 3}
    assert shown[THEIRS] == {"PeriodEnded": 1, "RefusedByCSP": 1}
    assert shown[DCC] == {"PeriodEnded": 3, "RefusedByCSP": 1}
    assert {party: void_of(dcc, party) for party in shown} == shown
    assert asked[OURS] == {("R1", "PeriodEnded"): 2}
    assert asked[THEIRS] == {("R1", "RefusedByCSP"): 1}
    assert asked[DCC] == {("R1", "PeriodEnded"): 2}
    for party, before in asked.items():
        assert anew(dcc, party) == {("R2", why): number for (_, why), number in before.items()}
    assert {hub: history_of(dcc, hub) for hub in history} == history
    assert dues_of_dcc(dcc) == {dcc.release("R2").automatic_date}, "before, as soon as possible, what was refused"


@pytest.mark.parametrize("over", ["superseded", "superseded after approval", "approved"])
def test_what_is_void_when_a_release_gives_way_is_shown_as_it_was_told_and_else_as_before(
    dcc: Steering, over: str
) -> None:
    """Before, a superseded release made all of it `ReleaseOver`, or nothing, which nobody had been told of it."""
    dcc.says(csp.ScheduleDecision("R1", OURS, "G1", GroupDecision.REFUSED), by=NORTH, door=Door.CSP)
    instructs(dcc, THEIRS, THEIR_HUB)
    dcc.says(esi.BatchInstruction("R1", "B1", (SPLIT,), IN_PILOT))
    dcc.says(esi.BatchInstruction("R1", "B2", (OWN_SOUTH,), Period(PILOT.start, IN_PILOT.start)))
    dcc.passes(IN_PILOT.start)
    later = PilotTerms(Period(IN_PILOT.start + WEEK / 7, PILOT.end), limit=10)
    dcc.announces("R2", firmware_version=NEWER, pilot=later)
    shown = {party: void_of(dcc, party) for party in (OURS, THEIRS, NORTH, SOUTH, DCC)}
    assert shown[OURS] == {"RefusedByCSP": 1, "PeriodEnded": 1}
    assert shown[THEIRS] == {}
    before, word = dcc.last_row(), "PilotInvalidated" if "approv" in over else "ReleaseOver"
    if "approv" in over:
        dcc.approves("R2")
    if "superseded" in over:
        assert dcc.says(esi.Supersession("R1", "R2", dcc.clock.now())).status == "Accepted"
    assert void_told(dcc, OURS, before) == [(word, "", hubs(SPLIT))], "its group had been refused"
    assert sorted(void_told(dcc, THEIRS, before)) == [(word, "", hubs(SPLIT)), (word, "G1", hubs(THEIR_HUB))]
    void = {party: void_of(dcc, party) for party in shown}
    assert void[OURS] == {**shown[OURS], word: 1}
    assert void[NORTH] == {"RefusedByCSP": 1, word: 1}
    assert void[SOUTH] == {"PeriodEnded": 1, word: 1}
    assert void[THEIRS] == {word: 2}
    assert void[DCC] == {**shown[DCC], word: 2}
    asked = (OWN_NORTH, SPLIT)
    assert cs06(dcc, *asked, release="R2", version=NEWER) == (
        ["RefusedByCSP", word] if "approv" in over else ["ReleaseNotApproved"] * 2
    )
    assert f"what was instructed under R1 is void ({word})" in whys(dcc, THEIRS)[format_eui(SPLIT)]
    assert "what was instructed under R1 is void (RefusedByCSP)" in whys(dcc, OURS)[format_eui(OWN_NORTH)]


@pytest.mark.parametrize("superseded", [True, False])
def test_what_was_over_before_it_was_taken_back_keeps_why_too(dcc: Steering, superseded: bool) -> None:
    """The brother: it was shown as `PeriodEnded` before, and from then on not at all."""
    dcc.passes(IN_PILOT.end)
    cancelled = (CancelledGroup("G1", Stage.PILOT),)
    assert not dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, (), cancelled)).startswith("E")
    shown = {party: void_of(dcc, party) for party in (OURS, NORTH, DCC)}
    assert set(map(str, shown.values())) == {"{'PeriodEnded': 2}"}
    later = PilotTerms(Period(IN_PILOT.end + WEEK / 7, PILOT.end), limit=10)
    dcc.announces("R2", firmware_version=NEWER, pilot=later)
    if superseded:
        assert dcc.says(esi.Supersession("R1", "R2", dcc.clock.now())).status == "Accepted"
    else:
        dcc.approves("R2")
    assert {party: void_of(dcc, party) for party in shown} == shown


def test_what_counted_no_longer_for_its_supplier_or_is_protected_keeps_why_too(dcc: Steering) -> None:
    moved = esi.InventoryUpdate((replace(HUBS[OWN_NORTH - 1], import_supplier=THEIRS, gas_supplier=THEIRS),))
    assert dcc.says(moved).status == "Accepted"
    with dcc.store.write() as conn:
        protection.add(conn, OURS, (SPLIT,))
    shown = {party: void_of(dcc, party) for party in (OURS, THEIRS, DCC)}
    gives_way(dcc)
    assert shown == {OURS: {"NotInstructed": 1}, THEIRS: {}, DCC: {"NotInstructed": 1, "ChangedSupplier": 1}}
    assert {party: void_of(dcc, party) for party in shown} == shown


def test_a_batch_is_void_with_the_pilot_and_stays_so_in_status_and_deadlines(dcc: Steering) -> None:
    """Before, nothing of it was shown from then on, although all were told."""
    dcc.says(esi.BatchInstruction("R1", "B1", (THEIR_HUB,), IN_PILOT))
    before = dcc.last_row()
    gives_way(dcc)
    assert void_told(dcc, THEIRS, before) == [("PilotInvalidated", "", hubs(THEIR_HUB))]
    assert void_of(dcc, THEIRS) == {"PilotInvalidated": 1}
    assert anew(dcc, DCC) == {("R2", "PilotInvalidated"): 1}
    decides(dcc, RolloutAction.PROCEED)
    assert anew(dcc, DCC) == {}, "the hub goes next by the other release, as in the status"
    assert void_of(dcc, DCC) == {}


REFUSED = csp.ScheduleDecision("R1", THEIRS, "G1", GroupDecision.REFUSED, None, None)


def history_of(dcc: Steering, hub: int) -> list[str]:
    with dcc.store.read() as conn:
        return [str(row["what"]) for row in history_rows(conn, PARTIES[DCC], hub)]


def dues_of_dcc(dcc: Steering) -> set[object]:
    with dcc.store.read() as conn:
        rows = deadline_rows(conn, PARTIES[DCC], dcc.clock.now())
    return {row["due"] for row in rows if row["whose"] == "own" and row["task"] == "instruct_anew"}
