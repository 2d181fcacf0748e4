"""Which hubs a release may be applied to is one set, whoever asks: no hub goes back, and predecessors are permitted."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.support.databases import KINDS
from tests.support.dcc_play import approve, batch, launching
from tests.support.installation import REGIONS
from tests.support.mail_play import MOST_HUBS, WITHOUT_ADDRESS, MailedPlay, listed, text_of
from tests.support.play import DAY, NOW, RELEASED, RUNNING, Group, Outcome, Play
from tests.support.schedules_play import safe_launch
from tests.support.wire_client import element, only, texts

DATABASES = KINDS
pytestmark = pytest.mark.processes

NEWER, OTHER = "9003", "8888"
UNFIT = "NotApplicableFirmwareDeviceIDList"


def eligible(play: Play, release: str, supplier: str = "main") -> set[str]:
    """The hubs that a supplier may choose from, as the party door has them."""
    return {row["device_id"] for row in pulled(play, supplier, f"eligible-hubs?release={release}")}


def pulled(play: Play, party: str, what: str) -> list[dict[str, Any]]:
    return list(json.loads(play[party].pull(what).body))


@pytest.mark.requirement("BR-2.1", "EX-12")
def test_a_hub_on_a_later_version_is_not_eligible_under_an_older_live_release(play: Play) -> None:
    lot, newer = play.lot, f"{play.lot.release}-b"
    ahead, behind = play.lot["own"][:2]
    csp = "north" if ahead in lot.of_csp("north", (ahead,)) else "south"
    region = lot.regions[ahead]
    launching(play)
    assert play.announce(release=newer, firmware=NEWER).code == "Accepted"
    assert play.responded(csp, Outcome(ahead, version=NEWER)).code == "Accepted"
    assert ahead in eligible(play, lot.release)  # until the newer release is approved
    assert approve(play, newer).code == "Accepted"
    assert ahead not in eligible(play, lot.release)
    assert behind in eligible(play, lot.release)
    assert {ahead, behind} & eligible(play, newer) == {behind}
    period = (NOW + 70 * DAY, NOW + 80 * DAY)
    answer = play.pilot_schedule("main", Group("G1", [ahead, behind], "SafeLaunch", *period))
    assert (answer.code, answer.lists) == ("W110601", {UNFIT: [ahead]})
    others = [hub for hub in lot["own"][1:] if lot.regions[hub] == region]
    answer = safe_launch(play, csp, region, [Group("D1", [ahead, *others], "SafeLaunch", *period)])
    assert answer.refused_items == {ahead: "runs the version of a later release"}
    answer = batch(play, [ahead])
    assert (answer.code, set(answer.refused_items)) == ("Refused", {ahead})


@pytest.mark.requirement("BR-5.3")
def test_a_release_that_a_party_knows_nothing_of_is_not_an_empty_list(play: Play) -> None:
    """A typing error; and a supplier learns of no release for hubs of others, not by silence either."""
    play.announce()
    for party, release, status in (
        ("main", play.lot.release, 200),
        ("main", "NOPE", 404),
        ("dcc", "NOPE", 404),
        ("north", play.lot.release, 200),
    ):
        door = play[party]
        answer = door.client.exchange("GET", f"/party/v1/eligible-hubs?release={release}", token=door.token)
        assert answer.status == status, answer.body
        assert status == 200 or b"DCC has announced no release NOPE" in answer.body


@pytest.mark.requirement("A01", "EX-12")
def test_a_release_is_for_hubs_that_run_a_permitted_predecessor(play: Play) -> None:
    lot, hubs = play.lot, list(play.lot["own"][:2])
    refusal = play.announce(predecessors=[RELEASED])
    assert (refusal.code, only(refusal.root, "Code")) == ("Refused", "NoticeRefused")
    assert "its own predecessor" in only(refusal.root, "Text")
    assert play.announce(predecessors=[OTHER, "8887"]).code == "Accepted"
    (notice,) = play.received("north")
    assert texts(notice.root, "PermittedPredecessorVersion") == ["8887", OTHER]
    assert not eligible(play, lot.release)
    answer = play.pilot_list("main", hubs)
    assert (answer.code, answer.lists) == ("E110502", {UNFIT: hubs})
    assert play.announce(revision=2, predecessors=[OTHER, RUNNING]).code == "Accepted"
    assert set(hubs) <= eligible(play, lot.release)
    assert play.pilot_list("main", hubs).code == "I99"
    assert play.announce(revision=3).code == "Accepted"
    assert set(hubs) <= eligible(play, lot.release)


def test_a_period_has_a_moment_in_it_and_ends_before_the_automatic_date_whoever_names_it(play: Play) -> None:
    """BR-3.1: suppliers, CSPs and DCC alike."""
    automatic, hub = NOW + 100 * DAY, play.lot.of_csp("north", play.lot["own"])[0]
    play.announce(pilot=(NOW - 30 * DAY, NOW - DAY), automatic=automatic)
    assert approve(play).code == "Accepted"
    region, soon = play.lot.regions[hub], NOW + 9 * DAY
    for start, end in ((soon, soon), (soon, automatic)):
        group = Group("G1", [hub], "SafeLaunch", start, end)
        assert play.pilot_schedule("main", group).code == "E110605"
        assert only(safe_launch(play, "north", region, [group]).root, "Code") == "PeriodInvalid"
        words = f"<esi:EarliestStart>{start:%Y-%m-%dT%H:%M:%SZ}</esi:EarliestStart>"
        words += f"<esi:LatestEnd>{end:%Y-%m-%dT%H:%M:%SZ}</esi:LatestEnd>"
        assert batch(play, [hub], period=words).code == "Refused"
    group = Group("G1", [hub], "SafeLaunch", soon, automatic - timedelta(seconds=1))
    assert play.pilot_schedule("main", group).code == "I99"


@pytest.mark.requirement("A01", "A02", "BR-1.3", "BR-5.3", "PIA-A9")
def test_announcement_status_obligations_and_default_lists_have_the_same_hubs(mail: MailedPlay) -> None:
    """In a lot with hubs of each kind that is not eligible; the CSPs name every hub that there is."""
    lot = mail.lot
    owing = element("esi:Obligations", "true")
    mail.announce(pilot=(NOW - DAY, NOW + 60 * DAY), minimum=100, marks=owing)
    chosen = {one: eligible(mail, lot.release, one) for one in ("main", "gas", "published50", "suspended")}
    for supplier, hubs in chosen.items():
        if supplier != WITHOUT_ADDRESS:
            (email,) = mail.of(supplier)
            told = {row["device_id"] for row in listed(email)}
            assert told <= hubs
            assert len(told) == min(MOST_HUBS, len(hubs))
            assert (f"{len(hubs)} of your hubs" in text_of(email)) is (len(hubs) > MOST_HUBS)
        planned = [row for row in pulled(mail, supplier, "estate?format=json") if row["release"] == lot.release]
        assert {row["device_id"] for row in planned if row["state"] == "planned"} == hubs
        counts = [row for row in pulled(mail, supplier, "status") if row["release"] == lot.release]
        assert sum(row["hubs"] for row in counts if row["state"] == "planned") == len(hubs)
        owed = {row["task"]: row["hubs"] for row in pulled(mail, supplier, "deadlines") if row["whose"] == "own"}
        moved = len(hubs.difference(lot["mixed"]))  # of those the other supplier cannot instruct
        assert owed.get("provide_minimum", moved) == owed.get("send_preferred_list", moved) == moved
    mail.forget()
    for csp, regions in REGIONS.items():
        for region in regions:
            mail.default_list(csp, region, lot.within(region))
    for supplier in ("main", "gas"):
        assert {hub for alert in mail.received(supplier, "N66") for hub in alert.listed()} == chosen[supplier]
