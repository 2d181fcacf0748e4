"""A04, SRV 11.5: a supplier says which of its hubs are in its pilot; the CSPs and DCC get what concerns them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.databases import KINDS
from tests.support.dcc_play import batch, open_now, piloting
from tests.support.play import DAY, NOW, RUNNING, Group, Outcome, Play
from tests.support.wire_client import devices, only, texts

DATABASES = KINDS
CHECKED_FIRST = True
pytestmark = [pytest.mark.processes, pytest.mark.requirement("A04")]

UNKNOWN = "00-DB-12-FF-FF-FF-FF-FF"


def forwarded(play: Play, name: str) -> list[list[str]]:
    """Return the lists that a CSP or DCC was sent, in order."""
    kind = "PreferredPilotListReport" if name == "dcc" else "PreferredPilotList"
    return [one.listed() for one in play.received(name, kind)]


@pytest.mark.requirement("PIA-1", "PIA-D1", "BR-2.3", "BR-5.1")
def test_a_whole_list_goes_to_each_csp_by_region_and_to_dcc(play: Play) -> None:
    lot = play.lot
    play.announce()
    chosen = (*lot["own"], *lot["split"])
    answer = play.pilot_list("main", chosen)
    assert (answer.code, answer.lists) == ("I99", {})
    for csp in ("north", "south"):
        (message,) = play.received(csp, "PreferredPilotList")
        assert sorted(message.listed()) == sorted(lot.of_csp(csp, chosen))
        assert message.text("SupplierID") == play["main"].eui
        assert (message.text("FirmwareReleaseID"), message.text("FirmwareVersion")) == (lot.release, "9002")
    assert [sorted(ids) for ids in forwarded(play, "dcc")] == [sorted(chosen)]


def test_the_answer_names_the_request_its_service_and_its_version(play: Play) -> None:
    play.announce()
    answer = play.pilot_list("main", play.lot["own"])
    assert only(answer.root, "RequestID") in play.sent.signed.decode()
    assert not texts(answer.root, "ResponseID"), "it does not come from a device"
    assert only(answer.root, "ServiceReference") == only(answer.root, "ServiceReferenceVariant") == "11.5"
    assert answer.root.get("schemaVersion") == "6.0"
    assert answer.headers["content-type"] == "application/xml"


def test_a_csp_without_a_hub_on_the_list_hears_nothing(play: Play) -> None:
    play.announce()
    play.forget()
    assert play.pilot_list("main", play.lot.of_csp("south", play.lot["own"])).code == "I99"
    assert not play.received("north")
    assert len(play.received("south")) == len(play.received("dcc")) == 1


@pytest.mark.requirement("PIA-5", "BR-5.2")
def test_each_kind_of_bad_hub_stands_in_its_list_and_the_good_ones_count(play: Play) -> None:
    lot = play.lot
    excluded = lot["marked"][0]
    play.announce(marks=devices("esi:ExcludedDeviceIDList", [excluded]))
    foreign = (*lot["on54"], *lot["nobody"])
    bad = {
        "InvalidDeviceIDList": [UNKNOWN, *lot["no_hub"]],
        "NotResponsibleDeviceIDList": list(foreign),
        "NotCommissionedDeviceIDList": list(lot["uncommissioned"]),
        "NotApplicableFirmwareDeviceIDList": list(lot["updated"]),
        "ExcludedDeviceIDList": [excluded],
    }
    good = lot["own"][:3]
    answer = play.pilot_list("main", [*(hub for ids in bad.values() for hub in ids), *good])
    assert (answer.code, answer.lists) == ("W110501", bad)
    assert forwarded(play, "dcc") == [list(good)]


def test_hubs_of_another_model_cannot_take_this_firmware(play: Play) -> None:
    play.announce()
    other = play.installation.lot()["own"][0]
    answer = play.pilot_list("main", [other, play.lot["own"][0]])
    assert (answer.code, answer.lists) == ("W110501", {"NotApplicableFirmwareDeviceIDList": [other]})


def test_duplicates_count_once_and_euis_are_echoed_as_sent(play: Play) -> None:
    play.announce(limit=1)
    hub, foreign = play.lot["own"][0], play.lot["on54"][0]
    answer = play.pilot_list("main", [hub, hub.lower(), foreign.lower(), foreign])
    assert (answer.code, answer.lists) == ("W110501", {"NotResponsibleDeviceIDList": [foreign.lower()]})
    assert forwarded(play, "dcc") == [[hub]]


def test_none_good_is_refused_with_the_same_lists_and_nothing_is_sent(play: Play) -> None:
    play.announce()
    play.forget()
    answer = play.pilot_list("main", [UNKNOWN, *play.lot["on50"]])
    assert answer.code == "E110502"
    assert answer.lists == {
        "InvalidDeviceIDList": [UNKNOWN],
        "NotResponsibleDeviceIDList": list(play.lot["on50"]),
    }
    assert not any(play.everything().values())


@pytest.mark.requirement("PIA-8", "PIA-C1")
def test_amendments_change_the_default_list_and_no_list_takes_it_as_it_is(play: Play) -> None:
    lot = play.lot
    play.announce()
    north = lot.within("North", of=lot["own"])
    play.default_list("north", "North", [*north, *lot.within("North", of=lot["split"])])
    default = [*north, *lot.within("North", of=lot["split"])]
    assert play.pilot_list("main").code == "I99"
    added = lot.within("Central", of=lot["own"])
    answer = play.pilot_list("main", add=added, remove=north[:1])
    assert (answer.code, answer.lists) == ("I99", {})
    assert [sorted(ids) for ids in forwarded(play, "dcc")] == [
        sorted(default),
        sorted([*default[1:], *added]),
    ]
    assert [sorted(ids) for ids in forwarded(play, "north")] == [sorted(default), sorted(default[1:])]
    assert forwarded(play, "south") == [added]


def test_removing_what_is_not_on_the_default_list_is_told(play: Play) -> None:
    play.announce()
    first, second = play.lot.within("North", of=play.lot["own"])
    play.default_list("north", "North", [first])
    answer = play.pilot_list("main", remove=[second], add=play.lot["own"][1:2])
    assert (answer.code, answer.lists) == ("W110501", {"InvalidDeviceIDList": [second]})


@pytest.mark.requirement("PIA-A10")
def test_proving_hubs_are_always_in_are_not_counted_and_cannot_be_removed(play: Play) -> None:
    lot = play.lot
    proving = lot.within("North", of=lot["marked"])[:1] or list(lot["marked"][:1])
    csp = "north" if proving[0] in lot.of_csp("north", lot["marked"]) else "south"
    play.announce(limit=1, marks=devices("esi:ProvingDeviceIDList", proving))
    play.default_list(csp, lot.regions[proving[0]], proving)
    assert play.pilot_list("main", lot["own"][:1]).code == "I99"
    assert [sorted(ids) for ids in forwarded(play, "dcc")] == [sorted([*proving, lot["own"][0]])]
    answer = play.pilot_list("main", add=lot["own"][:1], remove=proving)
    assert (answer.code, answer.lists) == ("W110501", {"ExcludedDeviceIDList": proving})


def test_a_later_list_replaces_the_earlier_and_a_csp_left_without_hubs_learns_it(play: Play) -> None:
    lot = play.lot
    play.announce()
    north, south = lot.of_csp("north", lot["own"]), lot.of_csp("south", lot["own"])
    assert play.pilot_list("main", [*north, *south]).code == "I99"
    assert play.pilot_list("main", south).code == "I99"
    assert [sorted(ids) for ids in forwarded(play, "north")] == [sorted(north), []]
    assert [sorted(ids) for ids in forwarded(play, "south")] == [sorted(south)] * 2
    assert play.pilot_schedule("main", Group("G", north[:1])).code == "E110608", "it is on the list no more"


def test_groups_lose_the_hubs_that_a_new_list_drops_and_both_are_forwarded(play: Play) -> None:
    lot = play.lot
    play.announce()
    kept, dropped = lot.within("North", of=lot["own"])
    assert play.pilot_list("main", [kept, dropped]).code == "I99"
    assert play.pilot_schedule("main", Group("WEEK-1", [kept, dropped])).code == "I99"
    play.forget()
    answer = play.pilot_list("main", [kept])
    assert (answer.code, answer.lists) == ("W110501", {"RemovedFromGroupDeviceIDList": [dropped]})
    assert [one.kind for one in play.received("north")] == ["PreferredPilotList", "PreferredPilotSchedule"]
    assert [one.listed() for one in play.received("north")] == [[kept], [kept]]
    assert [one.kind for one in play.received("dcc")] == ["PreferredPilotListReport", "PreferredPilotScheduleReport"]
    assert [one.listed() for one in play.received("dcc")] == [[kept], [kept]]


@pytest.mark.parametrize(
    ("release", "code"),
    [
        ({"pilot": (NOW - 30 * DAY, NOW - DAY)}, "E110503"),
        ({"pilot": (NOW - 30 * DAY, NOW)}, "E110503"),
        ({"limit": 2}, "E110504"),
        # One month before 30 April 09:00 is now; a second earlier is late.
        ({"automatic": NOW.replace(month=4, hour=8, minute=59, second=59), "pilot": (NOW, NOW + DAY)}, "E110505"),
        ({"automatic": NOW.replace(month=4), "pilot": (NOW, NOW + DAY)}, "I99"),
        ({"pilot": None}, "E110507"),
        ({"kind": "Security", "pilot": None}, "E110507"),
        ({"kind": "Operational", "pilot": None}, "E110507"),
        ({"minimum": 4}, "E110510"),
        ({"minimum": 3, "limit": 3}, "I99"),
        ({"kind": "UnplannedMaintenance"}, "I99"),
        ({"kind": "PlannedMaintenance"}, "I99"),
    ],
)
def test_the_release_decides_what_is_taken(play: Play, release: dict[str, Any], code: str) -> None:
    assert play.announce(**release).code == "Accepted"
    play.forget()
    answer = play.pilot_list("main", play.lot["own"][:3])
    assert (answer.code, answer.lists) == (code, {})
    assert bool(play.received("dcc")) is (code == "I99")


def test_an_unknown_release_or_another_version_of_it_is_refused(play: Play) -> None:
    play.announce()
    assert play.pilot_list("main", play.lot["own"], release="NEVER-SEEN").code == "E110501"
    assert play.pilot_list("main", play.lot["own"], firmware=RUNNING).code == "E110501"


def test_a_hub_that_is_instructed_under_one_release_is_left_out_under_another(play: Play) -> None:
    play.announce()
    assert play.pilot_list("main", play.lot["own"]).code == "I99"
    assert play.pilot_schedule("main", Group("G", play.lot["own"][:1])).code == "I99"
    newer = f"{play.lot.release}-b"
    assert play.announce(release=newer, firmware="9003").code == "Accepted"
    assert play.pilot_list("main", play.lot["own"][:2]).code == "I99", "a notice takes nothing from an older release"
    answer = play.pilot_list("main", play.lot["own"][:2], release=newer, firmware="9003")
    assert (answer.code, answer.lists) == ("W110501", {"OtherRequestInProgressList": [play.lot["own"][0]]})


@pytest.mark.requirement("BR-0.2")
def test_the_limit_is_for_each_supplier(play: Play) -> None:
    play.announce(limit=6)
    assert play.pilot_list("main", play.lot["own"][:6]).code == "I99"
    assert play.pilot_list("gas", play.lot["split"]).code == "I99"
    assert play.pilot_list("main", play.lot["own"][:7]).code == "E110504"


@pytest.mark.requirement("BR-0.2", "PIA-A9")
def test_hubs_that_the_pilot_has_updated_count_towards_the_limit(play: Play) -> None:
    """They are of the pilot group; what DCC chose or had in a batch uses up nothing of it."""
    first, second, third, fourth = play.lot.of_csp("north", play.lot["own"])[:4]
    piloting(play, limit=2)
    assert batch(play, [fourth], period=open_now()).code == "Accepted"
    assert play.pilot_list("main", [first, second]).code == "I99"
    assert play.responded("north", Outcome(first), Outcome(fourth)).code == "Accepted"
    play.checks_first = True
    assert play.pilot_list("main", [second, third]).code == "E110504", "one updated, two named"
    assert play.pilot_list("main", [third]).code == "I99"


@pytest.mark.requirement("PIA-S2")
def test_both_suppliers_of_a_split_hub_may_list_it(play: Play) -> None:
    play.announce()
    for supplier in ("main", "gas"):
        assert play.pilot_list(supplier, play.lot["split"]).code == "I99"
    assert {one.text("SupplierID") for one in play.received("dcc")} == {play["main"].eui, play["gas"].eui}


@pytest.mark.parametrize("door", ["serviceD", "soap"])
def test_an_exact_repeat_gets_the_first_answer_through_either_door(play: Play, door: str) -> None:
    """T39; the same bytes inside, and nothing happens again."""
    play.announce()
    answer = play.pilot_list("main", [*play.lot["own"][:3], UNKNOWN], door=door)
    assert answer.code == "W110501"
    play.check_repeat(answer, "soap", "serviceD")


def test_a_repeat_gets_the_first_answer_whatever_has_changed_since(play: Play) -> None:
    """T39."""
    first = play.pilot_list("main", play.lot["own"])
    assert first.code == "E110501"
    sent = play.sent
    play.announce()
    assert play.pilot_list("main", play.lot["own"]).code == "I99"
    play.sent = sent
    play.check_repeat(first)


def test_lists_wait_for_partners_that_are_down_and_come_in_order(play: Play) -> None:
    """F13; the supplier is answered all the same."""
    lot = play.lot
    play.announce()
    play.forget()
    north = lot.of_csp("north", lot["own"])
    with play.down("north", "dcc"):
        for number in range(1, len(north) + 1):
            assert play.pilot_list("main", north[:number]).code == "I99"
    expected = [sorted(north[:number]) for number in range(1, len(north) + 1)]
    assert [sorted(ids) for ids in forwarded(play, "north")] == expected
    assert [sorted(ids) for ids in forwarded(play, "dcc")] == expected
