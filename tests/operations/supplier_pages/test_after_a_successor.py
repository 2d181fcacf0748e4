"""A supplier's pages once the approval of a later release has invalidated a pilot: they agree with one another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import html

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.doors.wire import HttpRequest
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.duis.service_requests.preferred_pilot_schedule import (
    CancelledGroup,
    DeploymentGroup,
    PreferredPilotSchedule,
)
from duis_gateway.flow.incoming import Door
from duis_gateway.operations.supplier_pages.site import SupplierPages
from duis_gateway.rollout.activations import store as activations
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.activations.store import RecordedOutcome
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.releases.records import Period, PilotTerms, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision, RolloutAction, Standing
from tests.support.databases import KINDS
from tests.support.pages import pages_over
from tests.support.rules import NEW, OURS, PILOT
from tests.support.status_of import PARTIES
from tests.support.steering import IN_PILOT, NORTH, OWN_NORTH, OWN_SOUTH, WEEK, Steering, steering


@pytest.fixture(params=KINDS)
def dcc(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steering]:
    """A pilot that has begun; a supplier has instructed two hubs in two groups, and one of them failed."""
    with steering(request.param, tmp_path) as made:
        made.piloting()
        assert not made.asks(OURS, "11.5", PreferredPilotList("R1", NEW, (OWN_NORTH, OWN_SOUTH))).startswith("E")
        groups = (
            DeploymentGroup("G1", Stage.PILOT, (OWN_NORTH,), IN_PILOT),
            DeploymentGroup("G2", Stage.PILOT, (OWN_SOUTH,), IN_PILOT),
        )
        assert not made.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, groups)).startswith("E")
        yield made


OWN = format_eui(OURS)
NAME = "00-00-00-00-00-00-00-01"


def fails(dcc: Steering, hub: int, under: str = "R1") -> None:
    now = dcc.clock.now()
    outcome = HubOutcome(hub, OutcomeStage.ACTIVATION, False, NEW, now, "No radio contact")
    with dcc.store.write() as conn:
        activations.record_outcomes(conn, NORTH, [RecordedOutcome(outcome, NORTH, now, False, under)], now, ())


def gives_way(dcc: Steering) -> None:
    later = PilotTerms(Period(PILOT.start + WEEK / 7, PILOT.end), limit=10)
    dcc.announces("R2", firmware_version="00000003", pilot=later)
    dcc.approves("R2")


def page(dcc: Steering, name: str, *part: str, query: str = "") -> html.HtmlElement:
    """One of the supplier's pages, as soon as its figures are counted."""
    pages = SupplierPages(dcc.store, dcc.clock)
    try:
        while True:
            request = HttpRequest("GET", "/".join(("/supplier", *part)), query, {}, b"", "192.0.2.1", "an-id")
            answer = getattr(pages, name)(PARTIES[OURS], request)
            body = b"".join(answer.body) if not isinstance(answer.body, bytes) else answer.body
            if b"being counted" not in body:
                return html.fromstring(body)
    finally:
        pages.stop(0)


def words(root: html.HtmlElement, path: str = "//main") -> str:
    return " ".join(" ".join(one.text_content() for one in root.xpath(path)).split())


def test_a_failure_is_counted_and_found_whichever_release_has_the_hub_next(dcc: Steering) -> None:
    """Before, the tile counted none beside a card with one, and no link led to the hub."""
    fails(dcc, OWN_NORTH)
    gives_way(dcc)
    root = page(dcc, "overview")
    (tile,) = root.xpath("//ul[@class='tiles']//a[contains(., 'failed last')]")
    assert " ".join(tile.text_content().split()) == "1 hub failed last"
    assert tile.get("href") == "/supplier/hubs?failed_under=R1"
    assert root.xpath("//article//li/a[@class='bad']/@href") == ["/supplier/hubs?failed_under=R1"]
    listed = page(dcc, "hubs", "hubs", query="failed_under=R1")
    assert [row.xpath("string(td)") for row in listed.xpath("//tbody/tr")] == [NAME]


def test_hubs_that_failed_under_several_releases_are_one_list(dcc: Steering) -> None:
    """Before, the tile that counted them led to the releases' cards."""
    fails(dcc, OWN_NORTH)
    gives_way(dcc)
    fails(dcc, OWN_SOUTH, "R2")
    (tile,) = page(dcc, "overview").xpath("//ul[@class='tiles']//a[contains(., 'failed last')]")
    assert " ".join(tile.text_content().split()) == "2 hubs failed last"
    query = tile.get("href").partition("?")[2]
    listed = page(dcc, "hubs", "hubs", query=query)
    assert {row.xpath("string(td)") for row in listed.xpath("//tbody/tr")} == {NAME, format_eui(OWN_SOUTH)}


def test_the_first_lines_of_a_hub_say_that_it_failed_whichever_release_has_it_next(dcc: Steering) -> None:
    """Before, a hub that had failed was only "planned" once another release had it, or none at all."""
    fails(dcc, OWN_NORTH)
    gives_way(dcc)
    failed = "The last attempt, under R1, failed: No radio contact."
    said = words(page(dcc, "hub", "hubs", NAME), "//div[@id='standing']")
    assert failed in said
    assert "What to do: Look into the failure first." in said
    assert "its last attempt, under R1, failed; " in words(page(dcc, "hubs", "hubs", query="failed_under=R1"))
    paused = esi.RolloutDecision("R2", RolloutAction.PAUSE, "why", Standing.CONFIRMED, "DCC")
    assert dcc.says(paused).status == "Accepted"
    said = words(page(dcc, "hub", "hubs", NAME), "//div[@id='standing']")
    assert "What to do: Look into the failure first. While the release is paused" in said
    stopped = esi.RolloutDecision("R2", RolloutAction.STOP, "why", Standing.CONFIRMED, "DCC")
    assert dcc.says(stopped).status == "Accepted"
    with pages_over(dcc) as pages:
        for who in (None, OURS):
            path = f"/supplier/hubs/{NAME}" if who else f"/hubs/{NAME}"
            assert failed in pages.words(path, who, "//div[@id='standing']")
    with dcc.store.write() as conn:
        hubs.upsert(conn, [replace(hub, firmware_version=NEW) for hub in hubs.get_many(conn, [OWN_NORTH]).values()])
    assert failed not in words(page(dcc, "hub", "hubs", NAME), "//div[@id='standing']"), "it runs the version now"


def test_a_release_that_awaits_dccs_decision_is_not_called_in_flight(dcc: Steering) -> None:
    """Before, one release was "in flight", none was for any hub, and hubs could be instructed under one."""
    gives_way(dcc)
    stopped = esi.RolloutDecision("R2", RolloutAction.STOP, "why", Standing.CONFIRMED, "DCC")
    assert dcc.says(stopped).status == "Accepted"
    root = page(dcc, "overview")
    assert "0 releases in flight for your hubs" in words(root, "//ul[@class='tiles']")
    assert words(root, "//section[@id='releases']").endswith("No release in flight is for your hubs.")
    assert root.xpath("//section[@id='invalidated']//h3/a/text()") == ["R1"]
    said = words(root, "//div[@id='tasks']")
    assert "Nothing is outstanding." in said, "before, to instruct anew, as soon as possible, what R1 refuses (E110601)"
    assert "decide on invalidated pilot" in words(root, "//section[@id='invalidated']")


def groups(dcc: Steering) -> dict[str, tuple[str, str, str]]:
    """By group: how it stands, how many hubs it has or had, and what the CSPs said."""
    rows = page(dcc, "release", "releases", "R1").xpath("//div[@id='plan']//tbody/tr")
    cells = [[" ".join(cell.text_content().split()) for cell in row.xpath("td")] for row in rows]
    return {row[0]: (row[2], row[5], row[7]) for row in cells}


def test_the_groups_stay_with_what_became_of_them_and_what_the_csps_said(dcc: Steering) -> None:
    """Before, "You have instructed none" of an invalidated release, and one taken back stood like a live one."""
    say = csp.ScheduleDecision("R1", OURS, "G1", GroupDecision.REFUSED, None, None, reason="no room")
    assert dcc.says(say, by=NORTH, door=Door.CSP).status == "Accepted"
    back = PreferredPilotSchedule("R1", NEW, (), (CancelledGroup("G2", Stage.PILOT),))
    assert not dcc.asks(OURS, "11.6", back).startswith("E")
    standing = groups(dcc)
    assert standing["G1"] == ("instructed", "1", "North: Refused (no room)")
    assert standing["G2"][0].startswith("taken back on ")
    assert standing["G2"][1:] == ("1", "nothing")
    refused = dcc.clock.now()
    dcc.passes(refused + WEEK / 7)
    gives_way(dcc)
    ended = groups(dcc)
    assert ended["G1"][0] == f"void: RefusedByCSP on {refused:%Y-%m-%d %H:%M:%S}", "not since its release gave way"
    assert ended["G1"][1:] == ("1", "Refused (no room)")
    assert ended["G2"] == standing["G2"]


def test_a_period_that_was_over_before_is_void_since_then(dcc: Steering) -> None:
    """Before, it was void since the day on which the release gave way."""
    end = IN_PILOT.end
    dcc.passes(end + WEEK / 7)
    gives_way(dcc)
    assert {one[0] for one in groups(dcc).values()} == {f"void: PeriodEnded on {end:%Y-%m-%d %H:%M:%S}"}


def test_groups_of_a_release_that_gave_way_are_found_by_their_names(dcc: Steering) -> None:
    """Before, "Nothing is called G1", which the release's page still listed."""
    gives_way(dcc)
    with pages_over(dcc) as pages:
        assert "group G1 for R1" in pages.words("/supplier/search?q=g", OURS)
        for who, path in ((None, "/search"), (OURS, "/supplier/search")):
            assert pages.leads_to(f"{path}?q=g1", who).endswith(
                "group=G1&supplier=" + OWN if who is None else "R1#plan"
            )
        text = pages.words(pages.leads_to("/search?q=g1"))
    assert f"Group G1 of {OWN}" in text
    assert "1 hub, received" in text
    assert "void: PilotInvalidated on " in text
    assert "No hub is in it any more." in text
