"""ESI InventoryUpdate: hubs change supplier, version, region and status on the way."""

from __future__ import annotations

import json
from functools import partial

import pytest

from tests.support.databases import KINDS
from tests.support.dcc_play import batch, code, hub, piloting, select, tell, told, update
from tests.support.installation import RELEASED, RUNNING
from tests.support.play import DAY, NOW, Group, Outcome, Play
from tests.support.schedules_play import say
from tests.support.wire_client import only

DATABASES = KINDS
pytestmark = [pytest.mark.processes, pytest.mark.requirement("BR-5.6")]


def test_an_activation_is_told_to_those_who_are_responsible_then(play: Play) -> None:
    """A change of supplier between instruction and activation: the former one hears no more of the hub."""
    piloting(play)
    device = play.lot.within("North", of=play.lot["own"])[0]
    assert play.pilot_schedule("main", Group.launch("A", [device])).code == "I99"
    play.forget()
    assert update(play, hub(play, device, "gas", "gas")).code == "Accepted"
    assert told(play) == {}
    play.responded("north", Outcome(device))
    assert [one.kind for one in play.received("gas")] == ["N64"]
    assert not play.received("main")
    assert play.read_inventory("main", device).code == "E4"
    assert play.read_inventory("gas", device).code == "I0"


@pytest.mark.requirement("X06", "BR-3.3")
def test_a_change_of_the_second_supplier_is_told_to_those_who_depend_on_it(play: Play) -> None:
    """Whose second had instructed learns that its hub waits again; who comes learns that the first has. No names."""
    piloting(play)
    device = play.lot.within("North", of=play.lot["split"])[0]
    for supplier in ("main", "gas"):
        launch = Group("A", [device], "SafeLaunch", NOW + 70 * DAY, NOW + 80 * DAY)
        assert play.pilot_schedule(supplier, launch).code == "I99"
    play.forget()
    assert update(play, hub(play, device, "main", "on54")).code == "Accepted"
    assert told(play) == {"main": ["N73"], "on54": ["N999"]}
    (alert,) = play.received("main")
    assert (alert.text("OtherSupplier"), alert.listed()) == ("CannotInstruct", [device])
    assert play["gas"].eui not in alert.raw.decode()
    assert play["on54"].eui not in alert.raw.decode()
    play.forget()
    assert update(play, hub(play, device, "main", "gas")).code == "Accepted"
    found = {name: play.received(name)[0] for name in told(play)}
    assert {name: (one.kind, one.text("OtherSupplier")) for name, one in found.items()} == {
        "main": ("N73", "Instructed"),
        "gas": ("N73", "Instructed"),
    }


@pytest.mark.requirement("X09")
def test_a_former_supplier_is_told_once_what_its_instruction_comes_to(play: Play) -> None:
    """Also where it was only half of what a plan needs, and whatever the others' halves come to by the change."""
    piloting(play)
    waiting, completed = play.lot["split"][:2]
    launch = ("SafeLaunch", NOW + 70 * DAY, NOW + 80 * DAY)
    assert play.pilot_schedule("main", Group("A", [waiting], *launch)).code == "I99"
    for supplier in ("main", "gas"):
        assert play.pilot_schedule(supplier, Group("B", [completed], *launch)).code == "I99"
    play.forget()
    assert update(play, hub(play, waiting, "gas", "gas"), hub(play, completed, "gas", "gas")).code == "Accepted"
    (told_main,) = play.received("main", "N77", "N72", "N73")
    voids = told_main.root.findall(".//{*}Void")
    assert sorted(
        [one.findtext(f"{{*}}{name}") for name in ("Reason", "GroupID", "DeviceIDList")] for one in voids
    ) == [
        ["ChangedSupplier", "A", waiting],
        ["ChangedSupplier", "B", completed],
    ]
    assert not told_main.root.findall(".//{*}Deployment")
    assert waiting not in [d for one in play.received("gas", "N77") for d in one.listed()], "it was not planned"


def test_a_change_of_supplier_of_a_hub_that_nobody_instructed_is_no_news(play: Play) -> None:
    piloting(play)
    device = play.lot.within("North", of=play.lot["split"])[0]
    assert update(play, hub(play, device, "gas", "main")).code == "Accepted"
    assert update(play, hub(play, device, "main", "on54")).code == "Accepted"
    assert told(play) == {}


def test_a_version_that_the_inventory_knows_first_is_told_when_the_csp_says_so(play: Play) -> None:
    """What the suppliers were told is another thing than what the inventory says."""
    piloting(play)
    device = play.lot.within("North", of=play.lot["own"])[0]
    update(play, hub(play, device, version=RELEASED))
    assert play.version(device) == RELEASED
    assert told(play) == {}
    play.responded("north", Outcome(device))
    assert [one.kind for one in play.received("main")] == ["N64"]


def test_a_hub_that_moves_is_its_new_csps(play: Play) -> None:
    piloting(play)
    device = play.lot.within("North", of=play.lot["own"])[0]
    update(play, hub(play, device, region="South"))
    assert play.responded("north", Outcome(device)).code == "Refused"
    assert play.responded("south", Outcome(device)).code == "Accepted"


@pytest.mark.requirement("A04", "A05", "X09", "PIA-D1", "EX-17")
def test_a_csp_has_what_was_requested_of_the_hubs_in_its_regions(play: Play) -> None:
    """Also of a hub that its second supplier has not instructed yet, so that no plan tells that it is gone or come."""
    play.announce()
    moves, stays = play.lot.of_csp("north", play.lot["split"])
    period = ("Pilot", NOW + 3 * DAY, NOW + 9 * DAY)
    assert play.pilot_list("main", [moves, stays]).code == "I99"
    assert play.pilot_schedule("main", Group("A", [moves, stays], *period)).code == "I99"
    play.forget()
    assert update(play, hub(play, moves, "main", "gas", region="South")).code == "Accepted"
    requests = ("PreferredPilotList", "PreferredPilotSchedule")
    assert {name: [one.listed() for one in play.received(name, *requests)] for name in ("north", "south", "dcc")} == {
        "north": [[stays], [stays]],
        "south": [[moves], [moves]],
        "dcc": [],
    }
    assert [one.text("GroupID") for one in play.received("south", "PreferredPilotSchedule")] == ["A"]
    play.forget()
    assert play.pilot_list("gas", [moves]).code == "I99"
    assert play.pilot_schedule("gas", Group("B", [moves], *period)).code == "I99"
    for supplier, group in (("main", "A"), ("gas", "B")):
        assert say(play, "south", supplier, group).code == "Accepted", "it was asked, and has its say"
    assert [one.text("Standing") for one in play.received("south", "PlannedDeployment")] == ["Requested", "Fixed"]
    assert not play.received("north")


@pytest.mark.requirement("A05", "X07", "X09", "PIA-C2")
def test_a_hub_that_comes_after_its_new_csp_has_decided_waits_for_its_say(play: Play) -> None:
    """The CSP did not have it when it decided. What it said of the others stands."""
    play.announce()
    moves, stays = play.lot.of_csp("north", play.lot["own"])[0], play.lot.of_csp("south", play.lot["own"])[0]
    group = Group("A", [moves, stays], "SafeLaunch", NOW + 70 * DAY, NOW + 80 * DAY)
    assert play.pilot_schedule("main", group).code == "I99"
    for csp in ("north", "south"):
        assert say(play, csp, "main", "A").code == "Accepted"
    play.forget()
    assert update(play, hub(play, moves, region="South")).code == "Accepted"
    (planned,) = play.received("south", "PlannedDeployment")
    assert (planned.text("Standing"), planned.listed()) == ("Requested", [moves])
    tasks = json.loads(play["south"].client.exchange("GET", "/party/v1/deadlines", token=play["south"].token).body)
    assert "decide_on_group" in str(tasks)
    play.forget()
    assert say(play, "south", "main", "A").code == "Accepted"
    (planned,) = play.received("south", "PlannedDeployment")
    assert (planned.text("Standing"), planned.listed()) == ("Fixed", [moves])
    play.forget()
    assert update(play, hub(play, moves, region="North")).code == "Accepted"
    (planned,) = play.received("north", "PlannedDeployment")
    assert (planned.text("Standing"), planned.listed()) == ("Requested", [moves]), "it left, and comes anew"


@pytest.mark.requirement("A04", "A05", "PIA-D1")
def test_no_csp_is_told_that_a_supplier_asks_for_hubs_that_it_has_left(play: Play) -> None:
    """One hub changes supplier and another its region: lists and schedules of the supplier come without the former."""
    play.announce()
    moves, lost, stays = play.lot.of_csp("north", play.lot["own"])[:3]
    assert play.pilot_list("main", [moves, lost, stays]).code == "I99"
    assert play.pilot_schedule("main", Group("A", [moves, lost, stays], "Pilot", NOW + 3 * DAY, NOW + 9 * DAY)).code
    play.forget()
    changes = hub(play, moves, region="South"), hub(play, lost, "gas", "gas")
    assert update(play, *changes).code == "Accepted"
    requests = ("PreferredPilotList", "PreferredPilotSchedule")
    assert {name: [one.listed() for one in play.received(name, *requests)] for name in ("north", "south")} == {
        "north": [[stays], [stays]],
        "south": [[moves], [moves]],
    }


def test_a_hub_that_is_new_is_added(play: Play) -> None:
    device = f"00-DB-77-{play.lot.number:02X}-00-00-00-01"
    assert update(play, hub(play, device, "main", None)).code == "Accepted"
    assert play.version(device) == RUNNING
    assert play.read_inventory("main", device).code == "I0"


def test_a_hub_is_two_devices_and_both_show_the_new_version(play: Play) -> None:
    """8.2 of the hub and of its GPF, which is named, lost to another hub, and given up."""
    first, second = play.lot.within("North", of=play.lot["own"])[:2]
    gpf = first.replace("00-DB", "00-DC", 1)
    assert update(play, hub(play, first, gpf=gpf)).code == "Accepted"
    play.responded("north", Outcome(first))
    for device, kind in ((first, "CHF"), (gpf, "GPF")):
        answer = play.read_inventory("main", device)
        assert (answer.code, only(answer.root, "DeviceType")) == ("I0", kind)
        assert only(answer.root, "DeviceFirmwareVersion") == RELEASED
    assert play.responded("north", Outcome(gpf)).code == "Refused"
    taken = update(play, hub(play, second, gpf=gpf, status="Suspended"), hub(play, first, "gas", "gas"))
    assert (taken.code, taken.refused_items) == ("PartlyAccepted", {second: "its GPF belongs to another hub"})
    assert play.read_inventory("main", gpf).code == "E4", "it goes with its hub to the other supplier"
    moved = update(play, hub(play, second, gpf=gpf), hub(play, first, gpf=""))
    assert moved.code == "Accepted"
    assert only(play.read_inventory("main", gpf).root, "DeviceFirmwareVersion") == RUNNING
    update(play, hub(play, second, gpf=""))
    play.responded("north", Outcome(second))
    assert only(play.read_inventory("main", gpf).root, "DeviceFirmwareVersion") == RUNNING


@pytest.mark.requirement("EX-15")
def test_who_names_the_gpf_is_told_which_hub_to_name_if_the_hub_is_its_own(play: Play) -> None:
    """In every message that lists refused items, in the dry run, at the party door and in protection lists."""
    piloting(play)
    main, gas = play["main"], play["gas"]
    north = play.lot.within("North", of=play.lot["own"])
    device, gpf = north[0], north[0].replace("00-DB", "00-DC", 1)
    update(play, hub(play, device, gpf=gpf))
    whose = f"it is the GPF of hub {device}: name that hub"
    for answer in (
        play.responded("north", Outcome(gpf)),
        play.distributed("north", Outcome(gpf)),
        play.requested("north", [gpf]),
        play.default_list("north", "North", [north[1], gpf]),
        play.default_schedule("north", "North", [Group("G1", [north[1], gpf])]),
        batch(play, [gpf, north[1]]),
        select(play, "main", [gpf, north[1]]),
        update(play, hub(play, gpf)),
    ):
        assert answer.refused_items[gpf].endswith(f"; {whose}"), answer.body
    assert "GPF" not in str(play.responded("south", Outcome(gpf)).refused_items), "not one of its hubs"
    assert play.pilot_list("main", [device, gpf]).lists == {"InvalidDeviceIDList": [gpf]}
    asked = {name: play.prepare(partial(play.pilot_list, name, [gpf])).unsigned for name in ("main", "gas")}
    for actor, document, hubs in ((main, asked["main"], {gpf: device}), (gas, asked["gas"], {})):
        answer = actor.client.exchange("POST", "/party/v1/check", document, "application/xml", actor.token)
        assert json.loads(answer.body)["gpfs"] == hubs
    (row,) = [one for one in json.loads(main.pull("estate").body) if one["device_id"] == device]
    assert row["gpf_device_id"] == gpf == json.loads(main.pull(f"hubs/{device}").body)["hub"]["gpf_device_id"]
    listed = json.dumps([gpf]).encode()
    for actor, status, said in ((main, 400, whose), (gas, 200, '"hubs": 1')):
        answer = actor.client.exchange("PUT", "/party/v1/protected-hubs", listed, "application/json", actor.token)
        assert (answer.status, said in answer.body.decode()) == (status, True)
    for actor, said in ((main, whose), (gas, "not one of this party's")):
        answer = actor.client.exchange("GET", f"/party/v1/hubs/{gpf}", token=actor.token)
        assert (answer.status, said in answer.body.decode()) == (404, True)


@pytest.mark.parametrize("gpf", ["00-DB", "nobody", "00-DB-12-34-56-00-00-0G"])
def test_a_gpf_that_is_no_eui_is_refused_with_its_place(play: Play, gpf: str) -> None:
    answer = update(play, hub(play, play.lot["own"][0], gpf=gpf))
    assert answer.status == 400
    assert "GPFDeviceID" in answer.problem("path")


def test_another_type_of_device_is_named_and_the_hubs_are_taken(play: Play) -> None:
    other, device = play.lot["no_hub"][0], play.lot["own"][0]
    answer = update(play, hub(play, other), hub(play, device, status="Suspended"))
    assert (answer.code, list(answer.refused_items)) == ("PartlyAccepted", [other])
    assert play.installation.hub(device).status == "Suspended"
    assert play.installation.hub(other).device_type == "GPF"


def test_a_message_without_a_good_hub_is_refused(play: Play) -> None:
    answer = update(play, hub(play, play.lot["no_hub"][0]))
    assert (answer.code, code(answer)) == ("Refused", "NoHubAcceptable")


def test_what_the_schema_does_not_know_is_refused_with_its_place(play: Play) -> None:
    answer = update(play, hub(play, play.lot["own"][0], status="Broken"))
    assert answer.status == 400
    assert "Status" in answer.problem("path")


def test_an_exact_repeat_changes_nothing_again(play: Play) -> None:
    """T39: also when the hub has changed since."""
    device = play.lot["own"][0]
    answer = update(play, hub(play, device, status="Suspended"))
    again = play.sent
    update(play, hub(play, device))
    repeated = again.post(again.actor, again.signed)
    assert repeated.document == answer.document
    assert play.installation.hub(device).status == "Commissioned"


def test_a_csp_may_not_change_the_inventory(play: Play) -> None:
    device = play.lot["own"][0]
    answer = tell(play, "InventoryUpdate", by="north", hubs=hub(play, device, "gas", "gas"))
    assert answer.status == 403
    assert len(play.installation.hub(device).suppliers) == 1
