"""A supplier is asked for the split hubs that its instruction would bring into the plan, and for no others (BR-3.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup, PreferredPilotSchedule
from duis_gateway.flow.incoming import Door
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.deadlines.reminders import due_at
from duis_gateway.rollout.deadlines.view import deadline_rows
from duis_gateway.rollout.estate.hub_by_hub import hub_on_a_page
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.moments import Moments
from duis_gateway.rollout.protection.handle import ProtectionLists
from duis_gateway.rollout.releases.records import Period, Stage
from duis_gateway.rollout.releases.rules import last_to_instruct
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from tests.support.databases import KINDS
from tests.support.rules import NEW, OURS, PILOT, THEIRS
from tests.support.steering import HUBS, IN_PILOT, NORTH, OLDER, OWN_NORTH, SPLIT, WEEK, Steering, steering

FIRST = Period(PILOT.end + WEEK, PILOT.end + 2 * WEEK)
UNKNOWN = 0x90B3D51F30040000
"""A supplier that is responsible for hubs and not registered."""
LATER = Period(PILOT.end + 3 * WEEK, PILOT.end + 4 * WEEK)

pytestmark = pytest.mark.requirement("BR-3.3", "BR-5.4", "BR-5.5")


@pytest.fixture(params=KINDS)
def dcc(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steering]:
    """A pilot that has begun; of a split hub one supplier has instructed its half for safe launch."""
    with steering(request.param, tmp_path) as made:
        made.piloting()
        instructs(made, OURS, FIRST)
        yield made


def instructs(dcc: Steering, supplier: int, period: Period, name: str = "L1", device_id: int = SPLIT) -> None:
    group = DeploymentGroup(name, Stage.SAFE_LAUNCH, (device_id,), period)
    assert not dcc.asks(supplier, "11.6", PreferredPilotSchedule("R1", NEW, (group,))).startswith("E")


def asked(dcc: Steering, supplier: int) -> dict[str, int]:
    """Of how many hubs a supplier is asked for its instruction, by task, and why where it is asked anew."""
    with dcc.store.read() as conn:
        rows = deadline_rows(conn, Party(supplier, PartyKind.SUPPLIER, ""), dcc.clock.now())
    tasks = [row for row in rows if row["whose"] == "own" and str(row["task"]).startswith("instruct_")]
    return {f"{row['task']} {row['subject']}".strip(): int(str(row["hubs"])) for row in tasks}


def split(dcc: Steering, supplier: int) -> int:
    return asked(dcc, supplier).get("instruct_split_hubs", 0)


def test_the_half_that_is_missing_is_asked_for_until_it_comes(dcc: Steering) -> None:
    assert (split(dcc, OURS), split(dcc, THEIRS)) == (0, 1)
    instructs(dcc, THEIRS, FIRST)
    assert (split(dcc, OURS), split(dcc, THEIRS)) == (0, 0)


def test_the_half_that_is_missing_is_due_before_the_other_ends(dcc: Steering) -> None:
    """Before, the last day of all for instructions was shown, and the task vanished as the other's period ended."""

    def due() -> object:
        with dcc.store.read() as conn:
            rows = deadline_rows(conn, Party(THEIRS, PartyKind.SUPPLIER, ""), dcc.clock.now())
        (found,) = [row for row in rows if row["task"] == "instruct_split_hubs"]
        return found["due"]

    last = last_to_instruct(dcc.release())
    assert due() == FIRST.end < last
    instructs(dcc, OURS, Period(last - WEEK, last + WEEK))
    assert due() == last


def test_it_is_not_the_turn_of_a_second_supplier_that_cannot_instruct(dcc: Steering) -> None:
    """Before, `deadlines` said that it was, until the last day, while N73 and `next_step` said that it cannot."""

    def turns_of_the_other() -> list[object]:
        with dcc.store.read() as conn:
            rows = deadline_rows(conn, Party(OURS, PartyKind.SUPPLIER, ""), dcc.clock.now())
        return [row["task"] for row in rows if row["whose"] == "supplier"]

    assert turns_of_the_other() == ["instruct_split_hubs"]
    for unable, why, cannot in (
        (OLDER, "'s DUIS version has no 11.6", "older DUIS version"),
        (UNKNOWN, " is not registered", "it is not registered"),
    ):
        changed = esi.InventoryUpdate((replace(HUBS[SPLIT - 1], gas_supplier=unable),))
        assert dcc.says(changed).status == "Accepted"
        assert turns_of_the_other() == []
        with dcc.store.read() as conn:
            row = hub_on_a_page(conn, Party(OURS, PartyKind.SUPPLIER, ""), SPLIT, dcc.clock.now())
        assert row is not None
        assert str(row["next_step"]).startswith(f"Its Gas Supplier{why}: ask DCC")
        assert f"Gas Supplier cannot instruct ({cannot})" in str(row["reason"])
    assert dcc.says(esi.InventoryUpdate((HUBS[SPLIT - 1],))).status == "Accepted"
    assert turns_of_the_other() == ["instruct_split_hubs"]


def test_nobody_is_asked_for_hubs_that_it_protects(dcc: Steering) -> None:
    """Before, it was asked to instruct what each request of its would leave out."""
    lists = ProtectionLists(Moments(dcc.store, dcc.clock, dcc.signer, 95_000))
    before = asked(dcc, THEIRS)
    lists.replace(THEIRS, [SPLIT])
    assert before == {"instruct_split_hubs": 1, "instruct_safe_launch": 1}, "each hub once"
    assert asked(dcc, THEIRS) == {"instruct_safe_launch": 1}
    lists.replace(THEIRS, [])
    assert asked(dcc, THEIRS) == before
    lists.replace(OURS, [OWN_NORTH, SPLIT])
    assert split(dcc, THEIRS) == 0, "with its instruction alone the hub would not be planned"


def test_nobody_is_asked_where_the_other_half_was_refused_or_is_over(dcc: Steering) -> None:
    """Before, an instruction was asked for that would have moved nothing."""
    refused = csp.ScheduleDecision("R1", OURS, "L1", GroupDecision.REFUSED)
    assert dcc.says(refused, by=NORTH, door=Door.CSP).status == "Accepted"
    assert (split(dcc, OURS), split(dcc, THEIRS)) == (0, 0)
    assert asked(dcc, OURS)["instruct_anew RefusedByCSP"] == 1
    with dcc.store.read() as conn:
        rows = deadline_rows(conn, Party(OURS, PartyKind.SUPPLIER, ""), dcc.clock.now())
    assert [row["due"] for row in rows if row["task"] == "instruct_anew"] == [last_to_instruct(dcc.release())]
    instructs(dcc, OURS, FIRST, "L2")
    assert split(dcc, THEIRS) == 1
    dcc.passes(FIRST.end)
    assert (split(dcc, OURS), split(dcc, THEIRS)) == (0, 0)


def test_whose_own_half_is_over_is_asked_for_it_anew_alone(dcc: Steering) -> None:
    dcc.passes(FIRST.end)
    instructs(dcc, THEIRS, LATER)
    assert asked(dcc, OURS)["instruct_anew PeriodEnded"] == 1
    with dcc.store.read() as conn:
        rows = deadline_rows(conn, Party(OURS, PartyKind.SUPPLIER, ""), dcc.clock.now())
    with Moments(dcc.store, dcc.clock, dcc.signer, 95_000).open() as moment:
        last = due_at(dcc.release(), last_to_instruct(dcc.release()), moment)
    dues = [row["due"] for row in rows if row["task"] == "instruct_anew"]
    assert dues == [LATER.end], "while the other's half lasts: before, it was the last day of all"
    assert (OURS, "instruct_anew") in {(one.party, one.task) for one in last}, "and is reminded of"
    assert (split(dcc, OURS), split(dcc, THEIRS)) == (0, 0)
    instructs(dcc, OURS, LATER, "L2")
    assert "instruct_anew PeriodEnded" not in asked(dcc, OURS)


def test_whose_own_half_was_ended_by_a_revision_is_asked_for_it_anew_alone(dcc: Steering) -> None:
    instructs(dcc, OURS, LATER)
    instructs(dcc, THEIRS, FIRST)
    dcc.announces(revision=2, automatic_date=LATER.start)
    assert asked(dcc, OURS)["instruct_anew TooLate"] == 1
    assert (split(dcc, OURS), split(dcc, THEIRS)) == (0, 0)
    dcc.announces(revision=3)
    with dcc.store.read() as conn:
        rows = deadline_rows(conn, Party(OURS, PartyKind.SUPPLIER, ""), dcc.clock.now())
    (anew,) = [row for row in rows if row["whose"] == "own" and row["task"] == "instruct_anew"]
    said = "the instructed period did not end before the automatic date; "
    assert str(anew["why"]).startswith(said), "which is so also where the date has moved back"


@pytest.mark.requirement("BR-5.5")
def test_a_csp_is_asked_for_no_decision_on_hubs_that_their_supplier_protects(dcc: Steering) -> None:
    """Before, it was, although it had been told that the group is void."""
    north = Party(NORTH, PartyKind.CSP, "", regions=frozenset({"North"}))

    def undecided() -> list[object]:
        with dcc.store.read() as conn:
            rows = deadline_rows(conn, north, dcc.clock.now())
        return [row["subject"] for row in rows if row["task"] == "decide_on_group"]

    assert undecided() == ["L1"]
    lists = ProtectionLists(Moments(dcc.store, dcc.clock, dcc.signer, 95_000))
    lists.replace(THEIRS, [SPLIT])
    assert undecided() == ["L1"], "the other supplier's protection is none of this half's affair"
    lists.replace(OURS, [SPLIT])
    assert undecided() == []
    lists.replace(OURS, [])
    assert undecided() == ["L1"]


def test_nobody_is_asked_for_the_other_half_where_the_hub_runs_what_a_newer_release_brought(dcc: Steering) -> None:
    """Before, its page said that there was nothing to do, while the second supplier was asked under the older one."""
    dcc.announces("R2", firmware_version="00000003")
    assert split(dcc, THEIRS) == 1
    with dcc.store.write() as conn:
        hub = hubs.get(conn, SPLIT)
        assert hub is not None
        hubs.upsert(conn, [replace(hub, firmware_version="00000003")])
        row = hub_on_a_page(conn, Party(THEIRS, PartyKind.SUPPLIER, ""), SPLIT, dcc.clock.now())
    assert row is not None
    assert (row["release"], row["next_step"]) == ("R2", "Nothing: it runs the version of the release.")
    assert split(dcc, THEIRS) == 0


@pytest.mark.parametrize("unable", [OLDER, UNKNOWN])
def test_nobody_is_asked_for_a_half_to_which_the_other_cannot_come(dcc: Steering, unable: int) -> None:
    """Before, `instruct_safe_launch`, the pilot's schedule and void halves counted what no instruction would move."""
    with dcc.store.write() as conn:
        beside = [replace(HUBS[SPLIT - 1], device_id=11), replace(HUBS[SPLIT - 1], device_id=12)]
        hubs.upsert(conn, beside)
    before = asked(dcc, OURS)
    others = (replace(one, gas_supplier=unable) for one in beside)
    assert dcc.says(esi.InventoryUpdate(tuple(others))).status == "Accepted"
    after = asked(dcc, OURS)
    assert after["instruct_safe_launch"] == before["instruct_safe_launch"] - 2, "nothing names them"
    assert not dcc.asks(OURS, "11.5", PreferredPilotList("R1", NEW, (11, OWN_NORTH))).startswith("E")
    for name, wanted in (("send_preferred_schedule", 1), ("instruct_safe_launch", after["instruct_safe_launch"] - 1)):
        with dcc.store.read() as conn:
            rows = deadline_rows(conn, Party(OURS, PartyKind.SUPPLIER, ""), dcc.clock.now())
        assert [row["hubs"] for row in rows if (row["whose"], row["task"]) == ("own", name)] == [wanted]
    lists = ProtectionLists(Moments(dcc.store, dcc.clock, dcc.signer, 95_000))
    lists.replace(OURS, [12])
    assert asked(dcc, OURS)["instruct_safe_launch"] == wanted, "neither counted, nor taken off twice"
    lists.replace(OURS, [])
    instructs(dcc, OURS, FIRST, "L2", 12)
    dcc.passes(FIRST.end)
    assert asked(dcc, OURS).get("instruct_anew PeriodEnded") == 1, "of the hub whose other supplier can"


@pytest.mark.parametrize("unable", [OLDER, UNKNOWN])
def test_nobody_is_asked_to_list_a_hub_whose_other_supplier_cannot_instruct(dcc: Steering, unable: int) -> None:
    """The brother: `send_preferred_list` counted it."""

    def listable() -> object:
        with dcc.store.read() as conn:
            rows = deadline_rows(conn, Party(OURS, PartyKind.SUPPLIER, ""), dcc.clock.now())
        return next(row["hubs"] for row in rows if (row["whose"], row["task"]) == ("own", "send_preferred_list"))

    with dcc.store.write() as conn:
        hubs.upsert(conn, [replace(HUBS[SPLIT - 1], device_id=11), replace(HUBS[SPLIT - 1], device_id=12)])
    assert listable() == 5
    for device_id in (SPLIT, 11):  # one that is instructed, and one that nothing names
        change = replace(HUBS[SPLIT - 1], device_id=device_id, gas_supplier=unable)
        assert dcc.says(esi.InventoryUpdate((change,))).status == "Accepted"
    assert listable() == 3
    if unable == OLDER:
        assert dcc.says(esi.PilotSelection("R1", OLDER, (11,), IN_PILOT)).status == "Accepted"
        assert listable() == 4, "DCC has chosen it for the other one"
