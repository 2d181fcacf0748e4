"""ESI InventoryUpdate: hubs change supplier, version, region and status on the way."""

from __future__ import annotations

import pytest

from tests.support.dcc_play import code, hub, piloting, tell, told, update
from tests.support.installation import RELEASED, RUNNING
from tests.support.play import Group, Outcome, Play

pytestmark = [pytest.mark.processes, pytest.mark.requirement("BR-5.6")]


def test_an_activation_is_told_to_those_who_are_responsible_then(play: Play) -> None:
    """A change of supplier between instruction and activation: the former one hears no more of the hub."""
    piloting(play)
    device = play.lot.within("North", of=play.lot["own"])[0]
    assert play.pilot_schedule("main", Group("A", [device], "SafeLaunch")).code == "I99"
    play.forget()
    assert update(play, hub(play, device, "gas", "gas")).code == "Accepted"
    assert told(play) == {}
    play.responded("north", Outcome(device))
    assert [one.kind for one in play.received("gas")] == ["N64"]
    assert not play.received("main")
    assert play.read_inventory("main", device).code == "E4"
    assert play.read_inventory("gas", device).code == "I0"


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


def test_a_hub_that_is_new_is_added(play: Play) -> None:
    device = f"00-DB-77-{play.lot.number:02X}-00-00-00-01"
    assert update(play, hub(play, device, "main", None)).code == "Accepted"
    assert play.version(device) == RUNNING
    assert play.read_inventory("main", device).code == "I0"


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
