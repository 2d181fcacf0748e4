"""What a hub's suppliers, its CSP and DCC read of it at the party door: why it stands so, and what no longer stands."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.databases import KINDS
from tests.support.dcc_play import approve, batch, decide, hub, launching, piloting, select, update
from tests.support.play import DAY, NOW, Group, Play
from tests.support.schedules_play import say
from tests.support.wire_client import listed, texts

DATABASES = KINDS
pytestmark = [pytest.mark.processes, pytest.mark.requirement("BR-5.3", "EX-11", "EX-18")]

Line = tuple[str, str]


def read(play: Play, party: str, device: str) -> dict[str, Any]:
    """What a party reads of a hub: `hub` and `history`."""
    answer = play[party].client.exchange("GET", f"/party/v1/hubs/{device}", token=play[party].token)
    assert answer.status == 200, answer.body
    found: dict[str, Any] = json.loads(answer.body)
    return found


def why(play: Play, party: str, device: str) -> str:
    """Why the hub is planned as it is, in words."""
    return str(read(play, party, device)["hub"]["why"])


def history(play: Play, party: str, device: str) -> list[Line]:
    """What happened, the newest first, without the periods."""
    found = [(row["what"], row["detail"] or "") for row in read(play, party, device)["history"]]
    return [(what, "; ".join(one for one in detail.split("; ") if " to " not in one)) for what, detail in found]


def voids(play: Play, party: str) -> dict[str, list[str]]:
    """The hubs that a party was told are void, by the reason and the group that is named."""
    found = (void for one in play.received(party, "N77") for void in one.root.findall(".//{*}Void"))
    names = ("Reason", "GroupID", "Stage")
    return {" ".join(text for name in names for text in texts(one, name)): listed(one, "DeviceIDList") for one in found}


@pytest.fixture
def own(play: Play) -> list[str]:
    """Two hubs of `main` in the North, in one group of safe launch on which the CSP has decided."""
    launching(play)
    hubs = play.lot.of_csp("north", play.lot["own"])[:2]
    assert play.pilot_schedule("main", Group.launch("G1", hubs)).code == "I99"
    assert say(play, "north", "main", "G1", "Amended", start=NOW + 71 * DAY, end=NOW + 81 * DAY, reason="No crews").code
    play.forget()
    return hubs


@pytest.mark.parametrize("paused_first", [True, False])
def test_what_is_of_one_time_is_told_as_it_happened_also_around_a_pause(play: Play, paused_first: bool) -> None:
    """Before, a CSP's decision stood before a pause that it came after, wherever the clock stood still."""
    launching(play)
    (device, *_) = play.lot.of_csp("north", play.lot["own"])
    assert play.pilot_schedule("main", Group.launch("G1", [device])).code == "I99"
    decided, paused = ["CSP: Accepted"], ["void: Paused", "planned"]
    if not paused_first:
        assert say(play, "north", "main", "G1").code == "Accepted"
    assert decide(play, "Pause").code == "Accepted"
    assert decide(play, "Proceed").code == "Accepted"
    if paused_first:
        assert say(play, "north", "main", "G1").code == "Accepted"
    told = [what for what, _ in history(play, "main", device)][::-1]
    assert told == ["instructed", *(paused + decided if paused_first else decided + paused)]


def protect(play: Play, supplier: str, ids: list[str]) -> None:
    answer = play[supplier].client.exchange(
        "PUT", "/party/v1/protected-hubs", json.dumps(ids).encode(), "application/json", play[supplier].token
    )
    assert answer.status == 200, answer.body


def test_an_amended_period_says_so_with_the_reason(play: Play, own: list[str]) -> None:
    """The reason is for the supplier that it was meant for, and for those who read of all."""
    for party in ("main", "dcc", "north"):
        assert why(play, party, own[0]).endswith("; the CSP amended the period (No crews)"), party
    assert history(play, "main", own[0]) == [("CSP: Amended", "group G1; No crews"), ("instructed", "group G1")]


def test_what_was_taken_back_stays_in_the_history(play: Play, own: list[str]) -> None:
    assert play.pilot_schedule("main", cancelled=[("G1", "SafeLaunch")]).code == "I99"
    assert voids(play, "main") == {"NotInstructed G1 SafeLaunch": own}
    assert why(play, "main", own[0]) == "automatic date: you took your instruction back"
    assert history(play, "main", own[0]) == [
        ("void: NotInstructed", "group G1"),
        ("taken back", "group G1; by its supplier"),
        ("CSP: Amended", "group G1; No crews"),
        ("instructed", "group G1"),
    ]
    main = play["main"].eui
    assert [detail for _, detail in history(play, "dcc", own[0])][-1] == f"group G1 of {main}"


def test_a_group_sent_again_without_a_hub_is_named_for_it_and_the_others_keep_their_history(
    play: Play, own: list[str]
) -> None:
    stays, goes = own
    assert play.pilot_schedule("main", Group.launch("G1", [stays])).code == "I99"
    assert voids(play, "main") == {"NotInstructed G1 SafeLaunch": [goes]}
    assert [what for what, _ in history(play, "main", goes)] == [
        "void: NotInstructed",
        "taken back",
        "CSP: Amended",
        "instructed",
    ]
    assert [what for what, _ in history(play, "main", stays)] == ["CSP: Amended", "instructed"]


def test_a_protected_hub_is_named_with_its_group_and_only_its_own_supplier_is_told_why(
    play: Play, own: list[str]
) -> None:
    kept = own[0]
    protect(play, "main", [kept])
    assert voids(play, "main") == {"NotInstructed G1 SafeLaunch": [kept]}
    assert why(play, "main", kept) == "automatic date: you have instructed, but you protect it"
    for party in ("north", "dcc"):
        assert why(play, party, kept) == "automatic date: its supplier has not instructed"
    protect(play, "main", [])


@pytest.mark.requirement("A04", "PIA-S2")
def test_a_hub_that_a_pilot_list_takes_out_of_safe_launch_is_said_to_be_on_the_list(play: Play) -> None:
    play.announce(pilot=(NOW + DAY, NOW + 60 * DAY))
    approve(play)
    device, other = play.lot.of_csp("north", play.lot["own"])[:2]
    assert play.pilot_schedule("main", Group.launch("G1", [device])).code == "I99"
    assert play.pilot_list("main", [device, other]).code == "W110501"
    words = "put it on your preferred list, and it left your SafeLaunch group"
    assert why(play, "main", device) == f"automatic date: you {words}"
    assert ("taken back", "group G1; now on its supplier's preferred list, so no longer in SafeLaunch") in history(
        play, "main", device
    )


@pytest.mark.parametrize("by", ["11.5", "11.6"])
@pytest.mark.requirement("EX-2")
def test_a_hub_named_again_while_protected_was_not_taken_back(play: Play, by: str) -> None:
    """Its supplier alone is told why: before, it read that it had taken off its list a hub that the list named."""
    play.announce(pilot=(NOW + DAY, NOW + 60 * DAY))
    approve(play)
    kept, other, off = play.lot.of_csp("north", play.lot["own"])[:3]
    assert play.pilot_list("main", [kept, other, off]).code == "I99"
    assert play.pilot_schedule("main", Group("P", [kept, other, off])).code == "I99"
    protect(play, "main", [kept])
    again = (
        play.pilot_list("main", [kept, other])
        if by == "11.5"
        else play.pilot_schedule("main", Group("P", [kept, other]))
    )
    assert again.lists["ProtectedDeviceIDList"] == [kept]
    protect(play, "main", [])
    said = "you named it again while you protected it, and so it left your group"
    assert why(play, "main", kept) == f"automatic date: {said}"
    assert ("left out", "group P; named again while you protected it") in history(play, "main", kept)
    went = {"11.5": "took it off your preferred list", "11.6": "took your instruction back"}
    assert why(play, "main", off) == f"automatic date: you {went[by]}"
    for party in ("north", "dcc"):
        assert why(play, party, kept) == "automatic date: its supplier has not instructed"
        assert "protect" not in str(read(play, party, kept))


@pytest.mark.requirement("A04")
def test_a_hub_named_again_and_not_accepted_any_more_was_not_taken_back(play: Play) -> None:
    play.announce(pilot=(NOW + DAY, NOW + 60 * DAY))
    approve(play)
    gone, other = play.lot.of_csp("north", play.lot["own"])[:2]
    assert play.pilot_list("main", [gone, other]).code == "I99"
    assert play.pilot_schedule("main", Group("P", [gone, other])).code == "I99"
    assert update(play, hub(play, gone, "main", "main", status="Suspended")).code == "Accepted"
    assert play.pilot_list("main", [gone, other]).lists["NotCommissionedDeviceIDList"] == [gone]
    assert update(play, hub(play, gone, "main", "main")).code == "Accepted"
    said = "named it again, but it was not accepted then, and so it left"
    assert why(play, "main", gone) == f"automatic date: you {said} your group"
    assert why(play, "dcc", gone) == f"automatic date: its supplier {said} its group"


@pytest.mark.requirement("X06", "BR-3.3")
def test_what_is_of_one_time_stands_in_the_order_in_which_it_happened(play: Play) -> None:
    """The clock stands: before, what the other's change made void stood below the instruction, as the oldest."""
    launching(play)
    device = play.lot.of_csp("north", play.lot["split"])[0]
    for supplier in ("main", "gas"):
        assert play.pilot_schedule(supplier, Group.launch("G1", [device])).code == "I99"
    assert play.pilot_schedule("gas", cancelled=[("G1", "SafeLaunch")]).code == "I99"
    told = ["void: AwaitsSecondSupplier", "instructed"]
    assert [what for what, _ in history(play, "main", device)] == told
    assert play.pilot_schedule("main", cancelled=[("G1", "SafeLaunch")]).code == "I99"
    assert [what for what, _ in history(play, "main", device)] == ["taken back", *told]
    assert play.pilot_schedule("main", Group.launch("G1", [device])).code == "I99"
    once = [what for what, _ in history(play, "main", device)]
    assert once == ["taken back", *told], "what is the same in all is said once"
    assert play.pilot_schedule("main", Group.launch("G2", [device])).code == "E110609"
    assert play.pilot_schedule("main", cancelled=[("G1", "SafeLaunch")]).code == "I99"
    assert play.pilot_schedule("main", Group.launch("G2", [device])).code == "I99"
    assert [what for what, _ in history(play, "main", device)] == ["instructed", "taken back", *told]


@pytest.mark.requirement("X06", "BR-3.3")
def test_of_two_suppliers_neither_reads_what_the_other_instructed(play: Play) -> None:
    """A group of the second supplier, also one that the hub has left since, is in nobody else's history."""
    launching(play)
    split = play.lot.of_csp("north", play.lot["split"])[0]
    assert play.pilot_schedule("main", Group.launch("G1", [split])).code == "I99"
    assert play.pilot_schedule("gas", Group.launch("MINE", [split])).code == "I99"
    assert say(play, "north", "gas", "MINE", "Refused", reason="No key").code == "Accepted"
    play.forget()
    assert play.pilot_schedule("gas", cancelled=[("MINE", "SafeLaunch")]).code == "I99"
    assert history(play, "main", split) == [("void: RefusedByCSP", "group G1"), ("instructed", "group G1")]
    assert history(play, "gas", split) == [
        ("taken back", "group MINE; by its supplier"),
        ("void: RefusedByCSP", "group MINE"),
        ("CSP: Refused", "group MINE; No key"),
        ("instructed", "group MINE"),
    ]
    assert update(play, hub(play, split, "main", "main")).code == "Accepted"
    for former in ("gas", "on54"):
        door = play[former]
        assert door.client.exchange("GET", f"/party/v1/hubs/{split}", token=door.token).status == 404
    everything = read(play, "main", split)
    assert "MINE" not in str(everything)
    assert play["gas"].eui not in str(everything)
    whose = {detail.rpartition(" of ")[2].partition(";")[0] for _, detail in history(play, "north", split)}
    assert whose == {play["main"].eui, play["gas"].eui}, "its CSP has had both as requests"


@pytest.mark.requirement("BR-6.5")
def test_what_a_revision_ended_is_told_in_words_and_stays_in_the_history(play: Play, own: list[str]) -> None:
    assert play.announce(revision=2, automatic=NOW + 75 * DAY).code == "Accepted"
    assert voids(play, "main") == {"TooLate G1 SafeLaunch": own}
    late = "instructed, but the period was too late: it did not end before the automatic date"
    assert why(play, "main", own[0]) == f"automatic date: you have {late}"
    assert why(play, "dcc", own[0]) == f"automatic date: its supplier has {late}"
    assert history(play, "main", own[0]) == [
        ("void: TooLate", "group G1"),
        ("CSP: Amended", "group G1; No crews"),
        ("instructed", "group G1"),
    ]


@pytest.mark.requirement("PIA-A13")
def test_an_invalidated_pilot_names_the_groups_that_it_ends(play: Play) -> None:
    play.announce(pilot=(NOW + DAY, NOW + 60 * DAY))
    approve(play)
    mine, half = play.lot.of_csp("north", play.lot["own"])[0], play.lot.of_csp("north", play.lot["split"])[0]
    assert play.pilot_list("main", [mine, half]).code == "I99"
    assert play.pilot_schedule("main", Group("P", [mine, half])).code == "I99"
    play.forget()
    newer = f"{play.lot.release}-B"
    assert play.announce(release=newer, firmware="9003").code == "Accepted"
    approve(play, newer)
    assert voids(play, "main") == {"PilotInvalidated P Pilot": [mine, half]}
    for device in (mine, half):
        assert history(play, "main", device) == [("void: PilotInvalidated", "group P"), ("instructed", "group P")]


@pytest.mark.requirement("X08", "BR-3.7", "EX-18")
def test_a_batch_of_dcc_is_in_the_history_of_its_hubs_for_all_who_have_them(play: Play) -> None:
    """Before, a period that passed came from nowhere."""
    launching(play)
    split = play.lot.of_csp("north", play.lot["split"])[0]
    own = play.lot.of_csp("north", play.lot["own"])[0]
    assert batch(play, [split, own], group="Z").code == "Accepted"
    assert batch(play, [own], group="Z", period="").code == "Accepted"
    for party in ("main", "gas", "north", "dcc"):
        void, *lines = history(play, party, split)
        assert lines[-2:] == [("taken back", "batch Z; by DCC"), ("instructed", "batch Z; by DCC")], party
        assert void[0] == "void: NotInstructed"
    words = ("batch Z; by DCC, for the automatic date", "batch Z; by DCC")
    assert [of for what, of in history(play, "main", own) if what == "instructed"] == list(words)


@pytest.mark.requirement("X08", "PIA-A9", "BR-6.5", "EX-18")
def test_what_dcc_chose_is_in_the_history_of_its_supplier_and_a_revision_that_ends_it_is_told_in_words(
    play: Play,
) -> None:
    """That DCC had to choose is none of the second supplier's business, here as in N73."""
    piloting(play)
    own = play.lot.of_csp("north", play.lot["own"])[0]
    split = play.lot.of_csp("north", play.lot["split"])[0]
    assert select(play, "main", [own, split]).code == "Accepted"
    chosen = ("instructed", "by DCC, on its supplier's behalf")
    main = play["main"].eui
    by_name = ("instructed", f"{main}; by DCC, on its supplier's behalf")
    assert history(play, "main", own) == history(play, "main", split) == [chosen]
    assert history(play, "dcc", own) == history(play, "north", own) == [by_name]
    assert history(play, "gas", split) == []
    assert play.announce(revision=2, pilot=(NOW - DAY, NOW + 9 * DAY)).code == "Accepted"
    outside = "is void, as the period was not within the pilot"
    mine = f"you have not instructed, and DCC's choice for you {outside}"
    assert why(play, "main", own) == f"automatic date: {mine}"
    assert (
        why(play, "dcc", own) == f"automatic date: its supplier has not instructed, and DCC's choice for it {outside}"
    )
    assert mine in why(play, "main", split)
    theirs = "the Import Supplier has instructed, but the period was not within the pilot"
    assert theirs in why(play, "gas", split)
    assert history(play, "main", own) == [("void: OutsidePilot", ""), chosen]
    assert history(play, "dcc", own) == [("void: OutsidePilot", main), by_name]
    assert history(play, "gas", split) == []


@pytest.mark.requirement("X03", "BR-6.5")
def test_a_release_that_ends_while_it_is_paused_is_the_last_that_the_history_says_of_it(
    play: Play, own: list[str]
) -> None:
    """Before, the history ended with the pause, of which N77 had told."""
    assert decide(play, "Pause").code == "Accepted"
    assert decide(play, "Stop").code == "Accepted"
    for party in ("main", "dcc"):
        whats = sorted(what for what, _ in history(play, party, own[0]))
        assert whats == ["CSP: Amended", "instructed", "void: Paused", "void: ReleaseOver"], party


@pytest.mark.requirement("X07", "X06")
def test_a_decision_on_one_part_of_a_split_hub_is_not_said_to_be_none(play: Play) -> None:
    """Before, `why` said that the CSP had not decided, beside its decision in the history."""
    launching(play)
    split = play.lot.of_csp("north", play.lot["split"])[0]
    assert play.pilot_schedule("main", Group.launch("G1", [split])).code == "I99"
    assert play.pilot_schedule("gas", Group.launch("H1", [split])).code == "I99"
    assert why(play, "main", split).endswith("; the CSP has not decided yet")
    assert say(play, "north", "main", "G1", "Accepted").code == "Accepted"
    halves = {"main": ("your", "the Gas Supplier's"), "gas": ("the Import Supplier's", "your")}
    for party in ("main", "gas", "dcc"):
        decided, left = halves.get(party, ("the Import Supplier's", "the Gas Supplier's"))
        words = f"; the CSP has decided on {decided} half, but not yet on {left} half"
        assert why(play, party, split).endswith(words), "before, it was not said which"
    start, end = NOW + 71 * DAY, NOW + 81 * DAY
    assert say(play, "north", "gas", "H1", "Amended", start=start, end=end, reason="No crews").code == "Accepted"
    assert why(play, "main", split).endswith("; the CSP amended the second supplier's period")
    for party in ("gas", "dcc"):
        assert why(play, party, split).endswith("; the CSP amended the period (No crews)")


def test_who_is_not_registered_is_not_said_to_be_on_an_older_version(play: Play) -> None:
    launching(play)
    device = play.lot.of_csp("north", play.lot["own"])[0]
    nobody = "90-B3-D5-1F-30-09-00-00"
    one = hub(play, device, "main", "gas").replace(play["gas"].eui, nobody)
    assert update(play, one).code == "Accepted"
    words = "you have not instructed and the Gas Supplier cannot instruct (it is not registered)"
    assert why(play, "main", device) == f"automatic date: {words}"
