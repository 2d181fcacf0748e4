"""BatchInstruction and PilotSelection (X08): DCC names hubs itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.alerts.firmware_rollout_decision import DirectInstruction
from duis_gateway.duis.alerts.split_supplier_instruction import OtherSupplier
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.flow.incoming import Door
from duis_gateway.partners.messages import Part
from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.pilot_lists import store as pilots
from duis_gateway.rollout.plans import told as plans_told
from duis_gateway.rollout.releases.records import Instruction, Period, Stage
from duis_gateway.rollout.rollout_decisions.records import DirectGroup
from duis_gateway.rollout.schedules import store as schedules
from tests.support.rules import AUTOMATIC, NEW, NOW, OLD, OURS, PILOT, THEIRS
from tests.support.steering import (
    HUBS,
    IN_PILOT,
    NORTH,
    OLDER_HUB,
    OWN_NORTH,
    OWN_SOUTH,
    SOUTH,
    SPLIT,
    THEIR_HUB,
    Steering,
)

DAY = timedelta(days=1)
UNKNOWN = 99
OTHER_MODEL = 6


def batch(
    *ids: int, period: Period | None = IN_PILOT, group: str = "B1", part: Part | None = None
) -> esi.BatchInstruction:
    return esi.BatchInstruction("R1", group, ids, period, part)


def selection(*ids: int, supplier: int = OURS, period: Period | None = IN_PILOT) -> esi.PilotSelection:
    return esi.PilotSelection("R1", supplier, ids, period)


def kept(dcc: Steering) -> list[DirectGroup]:
    with dcc.store.read() as conn:
        return [*direct.batches(conn, "R1"), *direct.selections(conn, "R1")]


@pytest.mark.requirement("X08", "BR-3.7", "BR-6.1")
def test_a_batch_is_told_to_each_csp_and_supplier_about_its_own_hubs(dcc: Steering) -> None:
    dcc.piloting()
    told = dcc.says(batch(OWN_NORTH, OWN_SOUTH, SPLIT, THEIR_HUB))
    assert told.status == "Accepted"
    assert told.body(NORTH, "BatchInstruction").device_ids == (OWN_NORTH, SPLIT)
    assert told.body(SOUTH, "BatchInstruction").device_ids == (OWN_SOUTH, THEIR_HUB)
    assert told.body(OURS, "N72").device_ids == (OWN_NORTH, OWN_SOUTH, SPLIT)
    alert = told.body(THEIRS, "N72")
    assert (alert.decision, alert.device_ids, alert.period) == (DirectInstruction.BATCH, (SPLIT, THEIR_HUB), IN_PILOT)
    (group,) = kept(dcc)
    assert (group.group_id, group.period, group.device_ids) == ("B1", IN_PILOT, (1, 2, 3, 4))


def test_the_bad_hubs_of_a_batch_are_named_and_the_good_ones_instructed(dcc: Steering) -> None:
    dcc.piloting()
    told = dcc.says(batch(UNKNOWN, OWN_NORTH, OTHER_MODEL))
    assert told.status == "PartlyAccepted"
    reasons = {item.item: item.reason for item in told.answer.refused}
    assert set(reasons) == {format_eui(UNKNOWN), format_eui(OTHER_MODEL)}
    assert "another device model" in reasons[format_eui(OTHER_MODEL)]
    assert kept(dcc)[0].device_ids == (OWN_NORTH,)
    assert told.to(SOUTH) == told.to(THEIRS) == []


@pytest.mark.requirement("BR-5.3")
def test_what_a_hub_is_refused_for_is_what_holds_for_it(dcc: Steering) -> None:
    """Before, of each of these it was "of another device model, or already runs the version"."""
    dcc.piloting()
    dcc.announces(revision=2, permitted_predecessors=(OLD,))
    with dcc.store.write() as conn:
        versions = zip((OWN_SOUTH, SPLIT), (NEW, "00000000"), strict=True)
        hubs.upsert(conn, [replace(HUBS[one - 1], firmware_version=version) for one, version in versions])
    wrong = {
        OTHER_MODEL: "of another device model",
        OWN_SOUTH: "already runs the version",
        SPLIT: "runs a version that the release does not permit as a predecessor",
    }
    theirs = dict.fromkeys((OTHER_MODEL, THEIR_HUB), "the supplier is not responsible for it")
    for said, reasons in (
        (batch(OWN_NORTH, *wrong), wrong),
        (batch(*wrong), wrong),
        (esi.PilotSelection("R1", OURS, (OWN_NORTH, *wrong, THEIR_HUB), IN_PILOT), wrong | theirs),
    ):
        told = dcc.says(said)
        assert {item.item: item.reason for item in told.answer.refused} == {
            format_eui(one): reason for one, reason in reasons.items()
        }


def test_a_batch_without_a_good_hub_is_refused_with_its_reasons(dcc: Steering) -> None:
    dcc.piloting()
    told = dcc.says(batch(UNKNOWN, OTHER_MODEL))
    assert (told.status, told.code, told.sends, kept(dcc)) == ("Refused", "NotAcceptable", (), [])
    assert len(told.answer.refused) == 2


@pytest.mark.parametrize(
    "period",
    [
        Period(NOW + 40 * DAY, NOW + 39 * DAY),
        Period(NOW - 2 * DAY, NOW - DAY),
        Period(NOW + 40 * DAY, AUTOMATIC + DAY),
    ],
)
def test_a_batch_has_a_period_that_can_be(dcc: Steering, period: Period) -> None:
    dcc.piloting()
    assert dcc.says(batch(OWN_NORTH, period=period)).code == "NotAcceptable"


@pytest.mark.parametrize("name", ["B\u202e1", "\u2028", " ", "B\n"])
def test_a_batch_has_a_name_that_can_be_shown(dcc: Steering, name: str) -> None:
    dcc.piloting()
    assert dcc.says(batch(OWN_NORTH, group=name)).code == "NotAcceptable"
    assert kept(dcc) == []


def test_a_batch_without_a_period_is_due_by_the_automatic_date(dcc: Steering) -> None:
    dcc.piloting()
    told = dcc.says(batch(OWN_NORTH, period=None))
    assert kept(dcc)[0].period is None
    assert told.body(NORTH, "BatchInstruction").period is None


@pytest.mark.requirement("PIA-R3", "X08")
def test_an_excluded_hub_may_be_updated_before_the_pilot(dcc: Steering) -> None:
    """PIA-R3."""
    dcc.announces(excluded=(OWN_NORTH,))
    soon = Period(NOW + DAY, NOW + 2 * DAY)
    assert dcc.says(batch(OWN_NORTH, period=soon)).status == "Accepted"
    dcc.approves()
    told = dcc.says(selection(OWN_NORTH))
    assert (told.status, told.answer.refused[0].reason) == ("Refused", "excluded from the pilot")


def test_a_batch_of_the_same_name_takes_the_place_of_the_first(dcc: Steering) -> None:
    dcc.piloting()
    dcc.says(batch(OWN_NORTH, OWN_SOUTH))
    dcc.says(batch(OWN_SOUTH))
    dcc.says(batch(THEIR_HUB, group="B2"))
    assert [(group.group_id, group.device_ids) for group in kept(dcc)] == [("B1", (OWN_SOUTH,)), ("B2", (THEIR_HUB,))]
    with dcc.store.read() as conn:
        (left,) = direct.batches_naming(conn, "R1", [OWN_NORTH, OWN_SOUTH]).items()
    assert (left[0], left[1].period) == (OWN_SOUTH, IN_PILOT)


@pytest.mark.requirement("BR-3.8")
def test_a_batch_in_parts_takes_effect_when_all_are_in(dcc: Steering) -> None:
    dcc.piloting()
    first = dcc.says(batch(OWN_NORTH, part=Part("L", 1, 2)))
    assert (first.status, first.sends, kept(dcc)) == ("Accepted", (), [])
    assert "1 to come" in (first.answer.text or "")
    second = dcc.says(batch(OWN_SOUTH, part=Part("L", 2, 2)))
    assert sorted(kept(dcc)[0].device_ids) == [OWN_NORTH, OWN_SOUTH]
    assert second.body(OURS, "N72").device_ids == (OWN_NORTH, OWN_SOUTH)


@pytest.mark.parametrize("make", [batch, selection])
def test_a_part_with_another_period_belongs_to_another_list(
    dcc: Steering, make: Callable[..., esi.BatchInstruction | esi.PilotSelection]
) -> None:
    """No period that DCC named gives way, without a word, to that of the part that came last."""
    dcc.piloting()
    later = Period(IN_PILOT.start, IN_PILOT.end + timedelta(days=1))
    first = replace(make(OWN_NORTH), part=Part("L", 1, 2))
    for number, body in enumerate((first, replace(first, device_ids=(OWN_SOUTH,), period=later)), 1):
        told = dcc.says(replace(body, part=Part("L", number, 2)))
        assert (told.sends, told.answer.text) == ((), f"Part {number} of 2 is kept; 1 to come.")
    assert dcc.says(replace(first, device_ids=(OWN_SOUTH,), part=Part("L", 2, 2))).sends


def test_a_hub_that_stands_under_another_release_is_left_out(dcc: Steering) -> None:
    dcc.piloting()
    dcc.announces("R2", firmware_version="00000003")
    standing = Instruction("R2", OURS, "G", Stage.SAFE_LAUNCH, IN_PILOT, NOW, (OWN_NORTH,))
    with dcc.store.write() as conn:
        schedules.put_instructions(conn, [standing])
    told = dcc.says(batch(OWN_NORTH))
    assert told.answer.refused[0].reason == "another release is in progress for it"


@pytest.mark.requirement("X08", "PIA-A9")
def test_the_second_supplier_hears_of_an_instruction_and_not_whose_it_was(dcc: Steering) -> None:
    """What one supplier did not provide is no affair of the hub's other supplier."""
    dcc.piloting()
    told = dcc.says(selection(OWN_NORTH, SPLIT))
    assert told.status == "Accepted"
    alert = told.body(OURS, "N72")
    assert (alert.decision, alert.device_ids) == (DirectInstruction.PILOT_SELECTION, (OWN_NORTH, SPLIT))
    assert told.to(THEIRS) == ["N73"]
    news = told.body(THEIRS, "N73")
    assert (news.other, news.device_ids) == (OtherSupplier.INSTRUCTED, (SPLIT,))
    assert told.body(OURS, "N73").other is OtherSupplier.NOT_INSTRUCTED
    message = told.body(NORTH, "PilotSelection")
    assert (message.supplier, message.device_ids, message.period) == (OURS, (OWN_NORTH, SPLIT), IN_PILOT)
    assert told.to(SOUTH) == []
    with dcc.store.read() as conn:
        assert direct.selected_for(conn, "R1", OURS) == {OWN_NORTH, SPLIT}
        assert [g.supplier for g in direct.selections_naming(conn, "R1", [SPLIT])[SPLIT]] == [OURS]


def test_a_choice_for_the_second_supplier_finds_the_first_one_instructed(dcc: Steering) -> None:
    dcc.piloting()
    dcc.says(selection(SPLIT))
    told = dcc.says(selection(SPLIT, supplier=THEIRS))
    assert told.body(THEIRS, "N73").other is OtherSupplier.INSTRUCTED
    assert told.body(OURS, "N73").other is OtherSupplier.INSTRUCTED
    again = dcc.says(selection(SPLIT, supplier=THEIRS))
    assert "N73" not in again.to(OURS), "nothing has changed"
    other = dcc.says(selection(THEIR_HUB, supplier=THEIRS))
    assert other.body(OURS, "N73").other is OtherSupplier.NOT_INSTRUCTED


def test_a_selection_names_the_suppliers_own_hubs(dcc: Steering) -> None:
    dcc.piloting()
    told = dcc.says(selection(OWN_NORTH, THEIR_HUB, OLDER_HUB))
    assert told.status == "PartlyAccepted"
    assert {item.reason for item in told.answer.refused} == {"the supplier is not responsible for it"}
    assert kept(dcc)[0].device_ids == (OWN_NORTH,)


def test_a_selection_without_a_period_is_for_the_rest_of_the_pilot(dcc: Steering) -> None:
    dcc.piloting()
    told = dcc.says(selection(OWN_NORTH, period=None), after=DAY)
    assert kept(dcc)[0].period == Period(PILOT.start + DAY, PILOT.end)
    assert told.body(OURS, "N72").period == Period(PILOT.start + DAY, PILOT.end)


def test_a_selection_needs_a_pilot_that_goes_on_and_a_supplier(dcc: Steering) -> None:
    dcc.piloting()
    assert dcc.says(selection(OWN_NORTH, supplier=NORTH)).code == "UnknownSupplier"
    told = dcc.says(selection(OWN_NORTH, period=None), after=PILOT.end - PILOT.start)
    assert told.code == "NotAcceptable"
    assert "pilot has ended" in (told.answer.text or "")
    assert told.to(NORTH) == ["StageChange"]
    assert dcc.says(esi.PilotSelection("NONE", OURS, (OWN_NORTH,))).code == "UnknownRelease"


def test_a_selection_leaves_the_suppliers_own_list_alone(dcc: Steering) -> None:
    dcc.piloting()
    with dcc.store.write() as conn:
        pilots.replace_preferred(conn, "R1", OURS, NEW, [OWN_SOUTH], NOW)
    dcc.says(selection(OWN_NORTH))
    with dcc.store.read() as conn:
        assert [hub.device_id for hub in pilots.preferred(conn, "R1", OURS) or []] == [OWN_SOUTH]


@pytest.mark.requirement("X09", "X08", "BR-0.3")
def test_a_batch_moves_hubs_of_the_pilot_in_it_and_the_others_in_safe_launch(dcc: Steering) -> None:
    """As the lists stand; once the pilot has ended it has no hub any more."""

    def stages() -> dict[int, str]:
        with dcc.store.read() as conn:
            return {device_id: hub.plan.stage.value for device_id, hub in plans_told.told(conn, "R1", every).items()}

    every = OWN_NORTH, OWN_SOUTH, SPLIT, THEIR_HUB
    dcc.piloting(proving=(THEIR_HUB,))
    assert dcc.asks(OURS, "11.5", PreferredPilotList("R1", NEW, (OWN_NORTH,))) == "I99"
    last_days = Period(PILOT.end - DAY, PILOT.end + 2 * DAY)
    sent = dcc.says(batch(*every, period=last_days)).body(NORTH, "PlannedDeployment")
    assert {(one.stage, one.device_ids) for one in sent.deployments} == {
        (Stage.PILOT, (OWN_NORTH,)),
        (Stage.SAFE_LAUNCH, (SPLIT,)),
    }
    assert stages() == {1: "Pilot", 2: "SafeLaunch", 3: "SafeLaunch", 4: "Pilot"}
    assert dcc.asks(OURS, "11.5", PreferredPilotList("R1", NEW, (OWN_SOUTH,))) == "I99"
    assert stages() == {1: "SafeLaunch", 2: "Pilot", 3: "SafeLaunch", 4: "Pilot"}
    by_default = csp.DefaultPilotList("R1", "North", (SPLIT,))
    assert dcc.says(by_default, by=NORTH, door=Door.CSP).status == "Accepted"
    assert stages() == {1: "SafeLaunch", 2: "Pilot", 3: "Pilot", 4: "Pilot"}, "for the one that sent no list"
    assert dcc.asks(THEIRS, "11.5", PreferredPilotList("R1", NEW, (THEIR_HUB,))) == "I99"
    assert stages() == {1: "SafeLaunch", 2: "Pilot", 3: "SafeLaunch", 4: "Pilot"}
    assert dcc.says(selection(SPLIT, supplier=THEIRS, period=last_days)).status != "Accepted", "it ends too late"
    dcc.passes(PILOT.end)
    assert set(stages().values()) == {"SafeLaunch"}
    assert dcc.says(batch(OWN_SOUTH, period=Period(PILOT.end, PILOT.end + DAY), group="B2")).status == "Accepted"
    assert stages()[OWN_SOUTH] == "SafeLaunch"
