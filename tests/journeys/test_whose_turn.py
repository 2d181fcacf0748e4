"""Whose turn it is, at the party door: nobody is asked for what cannot be done, or what another release does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.databases import KINDS
from tests.support.dcc_play import approve, code, outcome, told
from tests.support.installation import NOW
from tests.support.play import DAY, Outcome, Play
from tests.support.wire_client import element, only

pytestmark = [pytest.mark.processes, pytest.mark.requirement("BR-5.4", "BR-5.5", "EX-14")]

DATABASES = KINDS
OWED = element("esi:Obligations", "true")


def own(play: Play, party: str) -> dict[tuple[str, str], dict[str, Any]]:
    """What a party has to do itself, by release and task."""
    rows = [row for row in json.loads(play[party].pull("deadlines").body) if row["whose"] == "own"]
    mine = [row for row in rows if row["release"].startswith(play.lot.release)]
    return {(row["release"].removeprefix(play.lot.release), row["task"]): row for row in mine}


@pytest.mark.requirement("PIA-9", "A06")
def test_a_pilot_that_never_was_is_not_asked_for_and_has_no_outcome(play: Play) -> None:
    """The release was approved after its pilot's period: DCC was overdue with its outcome, and it was told."""
    play.announce(pilot=(NOW - 30 * DAY, NOW - DAY), minimum=2, marks=OWED)
    assert ("", "report_pilot_outcome") not in own(play, "dcc")
    approve(play)
    play.forget()
    assert set(own(play, "dcc")) == {("", "report_safe_launch_outcome")}
    assert ("", "provide_minimum") not in own(play, "main"), "nobody owes anything to it"
    for success in (True, False):
        answer = outcome(play, "Pilot", success)
        assert (answer.code, code(answer)) == ("Refused", "Contradictory")
        assert "had no pilot" in only(answer.root, "Text")
    assert told(play) == {}
    assert outcome(play, "SafeLaunch", True).code == "Accepted"


def test_the_outcome_of_a_pilot_that_was_is_asked_for_also_in_safe_launch(play: Play) -> None:
    play.announce()
    approve(play)
    play.announce(revision=2, pilot=(NOW - 2 * DAY, NOW - DAY))
    assert {task for _, task in own(play, "dcc")} == {"report_pilot_outcome", "report_safe_launch_outcome"}
    assert outcome(play, "Pilot", True).code == "Accepted"
    assert set(own(play, "dcc")) == {("", "report_safe_launch_outcome")}


@pytest.mark.requirement("PIA-A9", "PIA-C5", "A04")
def test_hubs_that_the_pilot_has_updated_count_however_often_the_list_is_sent(play: Play) -> None:
    """The whole list sent again cannot name them: it lost their credit, and was too short for the minimum."""
    hubs = list(play.lot.of_csp("north", play.lot["own"]))[:3]
    play.announce(minimum=len(hubs), marks=OWED)
    approve(play)
    assert play.pilot_list("main", hubs).code == "I99"
    assert ("", "provide_minimum") not in own(play, "main")
    assert play.responded("north", Outcome(hubs[0])).code == "Accepted"
    play.checks_first = True
    answer = play.pilot_list("main", hubs)
    assert (answer.code, answer.lists) == ("W110501", {"NotApplicableFirmwareDeviceIDList": hubs[:1]})
    assert ("", "provide_minimum") not in own(play, "main")
    assert play.pilot_list("main", hubs[2:]).code == "E110510", "one active, one named"
