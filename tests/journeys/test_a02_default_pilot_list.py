"""A02: a CSP's pilot list for a region; each Responsible Supplier is told of its own hubs alone (N66)."""

from __future__ import annotations

import pytest

from tests.support.installation import CAST, Lot
from tests.support.play import Play
from tests.support.wire_client import devices, element, only, texts

pytestmark = [pytest.mark.processes, pytest.mark.requirement("A02")]

UNKNOWN = "00-DB-12-FF-FF-FF-FF-FF"


def everyones(lot: Lot, *regions: str) -> list[str]:
    """Hubs that can be piloted, of every supplier, in these regions."""
    groups = ("own", "split", "on54", "on50", "published", "mixed", "import_only", "suspended", "nobody")
    return lot.within(*regions, of=tuple(hub for group in groups for hub in lot[group]))


def part(number: int, of: int, list_id: str) -> str:
    return element("Part", ListID=list_id, Number=str(number), Of=str(of))


@pytest.mark.requirement("PIA-2", "PIA-8", "PIA-S1")
def test_each_supplier_learns_of_its_own_hubs_and_of_no_other(play: Play) -> None:
    play.announce()
    listed = everyones(play.lot, "North")
    answer = play.default_list("north", "North", listed)
    assert (answer.code, answer.refused_items) == ("Accepted", {})
    for supplier in ("main", "gas"):
        own = play.lot.of_supplier(supplier, listed)
        (alert,) = play.received(supplier)
        assert alert.kind == "N66"
        assert alert.listed() == own != []
        assert (alert.text("FirmwareReleaseID"), alert.text("FirmwareVersion")) == (play.lot.release, "9002")
        assert alert.text("CSPRegion") == "North"
        assert alert.root.get("schemaVersion") == "6.0"
    assert set(play.lot.of_supplier("main", listed)) & set(play.lot.of_supplier("gas", listed)), "split hubs go to both"
    assert not play.received("idle"), "it has no hub there"


@pytest.mark.requirement("PIA-2")
def test_a_new_list_that_drops_a_suppliers_hubs_tells_it_once(play: Play) -> None:
    play.announce()
    split, own = play.lot.within("North", of=play.lot["split"]), play.lot.within("North", of=play.lot["own"])
    play.default_list("north", "North", split)
    play.forget()
    for _ in range(2):
        assert play.default_list("north", "North", own).code == "Accepted"
    (alert,) = play.received("gas", "N66")
    assert (alert.text("FirmwareReleaseID"), alert.text("CSPRegion")) == (play.lot.release, "North")
    assert not texts(alert.root, "DeviceIDList")
    assert [one.listed() for one in play.received("main", "N66")] == [own, own]


@pytest.mark.parametrize("supplier", ["on54", "on50", "published50"])
def test_a_supplier_on_an_older_duis_gets_n999_in_its_place(play: Play, supplier: str) -> None:
    play.announce()
    for region in ("North", "Central", "South", "4G North", "4G Central", "4G South"):
        listed = play.lot.of_supplier(supplier, everyones(play.lot, region))
        if listed:
            csp = "north" if "North" in region else "south"
            assert play.default_list(csp, region, listed).code == "Accepted"
    (alert, *_) = play.received(supplier)
    assert alert.kind == "N999"
    assert texts(alert.root, "DCCAlertCode") == ["N999", "N66"]
    version = next(one.version for one in CAST if one.name == supplier)
    assert alert.text("ServiceUserDUISVersion") == version == alert.root.get("schemaVersion")
    assert not texts(alert.root, "FirmwareVersion"), "it stands only in an N999 for an N64"


def test_alerts_have_a_response_id_that_rises_and_no_request_id(play: Play) -> None:
    play.announce()
    for hubs in (play.lot["own"][:1], play.lot["own"][6:7]):
        play.default_list("north", "North", hubs)
    alerts = play.received("main", "N66")
    ids = [alert.text("ResponseID").split(":") for alert in alerts]
    assert [one[:2] for one in ids] == [["90-B3-D5-1F-30-00-00-02", play["main"].eui]] * 2
    assert int(ids[0][2]) < int(ids[1][2])
    assert [alert.text("ResponseCode") for alert in alerts] == ["I0", "I0"]
    assert not any(texts(alert.root, "RequestID") for alert in alerts)


@pytest.mark.requirement("BR-5.2")
def test_the_bad_hubs_of_a_list_are_named_with_reasons_and_the_good_ones_told(play: Play) -> None:
    lot = play.lot
    excluded = lot["own"][6]
    play.announce(marks=devices("esi:ExcludedDeviceIDList", [excluded]))
    play.forget()
    bad = {
        UNKNOWN: "not a Communications Hub",
        lot.within("North", of=lot["own"])[0].replace("00-DB", "00-DC"): "not a Communications Hub",
        lot.within("Central", of=lot["own"])[0]: "not in the region North",
        excluded: "excluded",
    }
    bad |= dict.fromkeys(lot.within("North", of=lot["uncommissioned"]), "not commissioned")
    bad |= dict.fromkeys(lot.within("North", of=lot["no_hub"]), "not a Communications Hub")
    good = lot["own"][0]
    answer = play.default_list("north", "North", [*bad, good])
    assert answer.code == "PartlyAccepted"
    assert answer.refused_items.keys() == bad.keys()
    assert all(reason in answer.refused_items[hub] for hub, reason in bad.items())
    (alert,) = play.received("main", "N66")
    assert alert.listed() == [good]


def test_hubs_of_another_model_are_refused(play: Play) -> None:
    play.announce()
    other = play.installation.lot()
    answer = play.default_list("north", "North", [other["own"][0], play.lot["own"][0]])
    assert answer.refused_items == {other["own"][0]: "of another device model"}


def test_a_list_without_a_good_hub_is_refused_and_nobody_is_told(play: Play) -> None:
    play.announce()
    play.forget()
    answer = play.default_list("north", "North", [UNKNOWN])
    assert (answer.code, only(answer.root, "Code")) == ("Refused", "NoHubAcceptable")
    assert list(answer.refused_items) == [UNKNOWN]
    assert not any(play.everything().values())
    assert play.pilot_list("main").code == "E110502", "there is no default list"


def test_a_csp_speaks_for_its_own_regions_only(play: Play) -> None:
    play.announce()
    play.forget()
    answer = play.default_list("north", "Central", play.lot.within("Central", of=play.lot["own"]))
    assert (answer.code, only(answer.root, "Code")) == ("Refused", "NotYourRegion")
    assert not any(play.everything().values())


def test_a_list_for_no_live_pilot_is_refused(play: Play) -> None:
    answer = play.default_list("north", "North", play.lot["own"][:1], release="NEVER-SEEN")
    assert only(answer.root, "Code") == "UnknownRelease"
    play.announce(kind="Security", pilot=None)
    assert only(play.default_list("north", "North", play.lot["own"][:1]).root, "Code") == "NoPilot"


def test_a_later_list_replaces_the_one_before(play: Play) -> None:
    play.announce()
    first, second = play.lot.within("North", of=play.lot["own"])
    play.default_list("north", "North", [first, second])
    play.default_list("north", "North", [second])
    assert play.pilot_list("main").code == "I99"
    (forwarded,) = play.received("north", "PreferredPilotList")
    assert forwarded.listed() == [second]


@pytest.mark.requirement("BR-3.8")
def test_a_list_in_two_parts_takes_effect_when_both_are_in(play: Play) -> None:
    play.announce()
    play.forget()
    listed = everyones(play.lot, "North")
    first, second = listed[::2], listed[1::2]
    list_id = play.installation.message_id()
    answer = play.default_list("north", "North", second, part=part(2, 2, list_id))
    assert answer.code == "Accepted"
    assert "1 to come" in only(answer.root, "Text")
    assert not any(play.everything().values())
    assert play.pilot_list("main").code == "E110502", "there is no default list yet"
    assert play.default_list("north", "North", first, part=part(1, 2, list_id)).code == "Accepted"
    (alert,) = play.received("main", "N66")
    assert alert.listed() == play.lot.of_supplier("main", [*first, *second])


def test_a_part_that_comes_again_under_another_message_id_does_not_complete_the_list(play: Play) -> None:
    play.announce()
    play.forget()
    list_id = play.installation.message_id()
    for _ in range(2):
        answer = play.default_list("north", "North", play.lot["own"][:1], part=part(1, 2, list_id))
        assert "1 to come" in only(answer.root, "Text")
    assert not any(play.everything().values())


def test_parts_of_another_number_region_or_release_are_of_another_list(play: Play) -> None:
    """Whatever its ListID says, a part never completes a list that is about something else."""
    play.announce()
    play.announce(release=f"{play.lot.release}-b")
    list_id = play.installation.message_id()
    north, north_4g = play.lot.within("North", of=play.lot["own"]), play.lot.within("4G North", of=play.lot["own"])
    play.default_list("north", "North", north[:1], part=part(1, 2, list_id))
    play.forget()
    play.default_list("north", "North", north[1:], part=part(2, 3, list_id))
    play.default_list("north", "4G North", north_4g, part=part(2, 2, list_id))
    play.default_list("north", "North", north[1:], part=part(2, 2, list_id), release=f"{play.lot.release}-b")
    assert not any(play.everything().values())
    assert play.default_list("north", "North", north[1:], part=part(2, 2, list_id)).code == "Accepted"
    assert play.received("main", "N66")[0].listed() == north


def test_a_part_beyond_the_last_is_not_valid(play: Play) -> None:
    play.announce()
    answer = play.default_list("north", "North", play.lot["own"][:1], part=part(3, 2, "a-list"))
    assert (answer.status, answer.problem("path")) == (400, "/Message/Body/DefaultPilotList/Part")


def test_an_exact_repeat_gets_the_first_answer_and_is_told_once(play: Play) -> None:
    """T39."""
    play.announce()
    play.check_repeat(play.default_list("north", "North", everyones(play.lot, "North")))


def test_a_refusal_is_repeated_too_even_when_it_would_be_accepted_by_now(play: Play) -> None:
    refused = play.default_list("north", "North", play.lot["own"][:1])
    assert refused.code == "Refused"
    sent = play.sent
    play.announce()
    play.sent = sent
    play.check_repeat(refused)


def test_alerts_wait_for_a_supplier_that_is_down_and_come_in_order(play: Play) -> None:
    """F13."""
    play.announce()
    play.forget()
    shared = play.lot["split"][0]
    region = play.lot.regions[shared]
    own = play.lot.within(region, of=play.lot["own"])[0]
    csp = "north" if "North" in region else "south"
    with play.down("main"):
        for _ in range(4):
            assert play.default_list(csp, region, [shared]).code == "Accepted"
            assert play.default_list(csp, region, [shared, own]).code == "Accepted"
        play.settle("main")
        assert len(play["gas"].received("N66")) == 8, "the other supplier is not held up"
        assert not play["main"].received()
    alerts = play.received("main", "N66")
    assert [len(alert.listed()) for alert in alerts] == [1, 2] * 4
    counters = [int(alert.text("ResponseID").rpartition(":")[2]) for alert in alerts]
    assert counters == sorted(counters)
