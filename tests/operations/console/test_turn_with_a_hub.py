"""Whose turn it is with one hub, since when or until when, as its page and its release's say it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

import csp_mgmt_gw.messages as csp
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup, PreferredPilotSchedule
from duis_gateway.flow.incoming import Door
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.releases.records import Period, Stage
from duis_gateway.store.tables import outbox
from duis_gateway.text.times import show_time
from tests.support.databases import KINDS
from tests.support.pages import Pages, pages_over
from tests.support.rules import AUTOMATIC, NEW, OURS, PILOT, THEIRS
from tests.support.steering import DCC, NORTH, OWN_NORTH, OWN_SOUTH, SOUTH, SPLIT, steering

pytestmark = pytest.mark.requirement("BR-5.5", "BR-5.7")
DAY = timedelta(days=1)
PERIOD = Period(PILOT.end + DAY, PILOT.end + 8 * DAY)


@pytest.fixture(params=KINDS)
def pages(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pages]:
    """A supplier has instructed a hub of its own and one that is another's, too; of nothing the CSP has said a word."""
    with steering(request.param, tmp_path) as dcc:
        dcc.piloting()
        group = DeploymentGroup("G1", Stage.SAFE_LAUNCH, (OWN_NORTH, SPLIT), PERIOD)
        assert not dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, (group,))).startswith("E")
        with pages_over(dcc) as made:
            to(made, PERIOD.start - DAY)
            yield made


def to(pages: Pages, moment: datetime) -> None:
    """Time passes, and all that was sent arrives."""
    pages.dcc.passes(moment)
    with pages.dcc.store.write() as conn:
        conn.execute(update(outbox).where(outbox.c.state != "delivered").values(state="delivered"))


def standing(pages: Pages, hub: int) -> str:
    return pages.words(f"/hubs/{format_eui(hub)}", part="//div[@id='standing']")


def listed(pages: Pages, link: str) -> list[str]:
    return [str(one) for one in pages.read(link).xpath("//div[@aria-label='Hubs']//tbody/tr/td[1]/a/text()")]


def test_a_csp_that_is_late_is_named_with_the_group_and_since_when(pages: Pages) -> None:
    """The page said only to wait for the CSP's decision, a day after that was due."""
    task = f"CSP North {format_eui(NORTH)}: decide on group G1 of {format_eui(OURS)}"
    before = standing(pages, OWN_NORTH)
    assert f"{task} - 1.0 d left" in before
    assert "Wait for the CSP's decision" in before
    to(pages, PERIOD.start + DAY)
    late = standing(pages, OWN_NORTH)
    assert f"{task} - overdue by 1.0 d" in late
    assert f"Its CSP was to decide on the period by {show_time(PERIOD.start)}, and has not: ask it." in late


def test_of_two_deadlines_the_earlier_one_is_named_and_what_it_ends(pages: Pages) -> None:
    """The page had the last day for any instruction; the half that was there ended weeks before."""
    text = standing(pages, SPLIT)
    assert f"supplier {format_eui(THEIRS)}: instruct split hubs (optional) - 8.0 d left, until" in text
    assert "when the other supplier's instruction ends" in text
    assert f"(11.6), until {show_time(PERIOD.end)}" in text


def test_a_period_that_was_missed_is_said_to_be_and_the_tasks_lead_to_the_hub(pages: Pages) -> None:
    """The first lines said that the period had ended, and that the supplier could instruct again."""
    to(pages, PERIOD.end + DAY)
    text = standing(pages, OWN_NORTH)
    missed = "its CSP did not update it in the planned period, and reported nothing"
    assert missed in text
    assert missed in pages.words(f"/hubs/{format_eui(OWN_NORTH)}", part="//div[@id='plans']"), "as in `plan show`"
    assert missed in pages.words("/hubs?void=PeriodEnded&off_plan=PeriodMissed", part="//div[@aria-label='Hubs']")
    assert "What to do: Ask its CSP why it was not updated in its period." in text
    for who in (f"CSP North {format_eui(NORTH)}", f"DCC {format_eui(DCC)}"):
        assert f"{who}: look into deviations PeriodMissed (optional) - off plan" in text
    assert "instruct anew PeriodEnded (optional)" in text
    tasks = pages.read("/releases/R1").xpath("//div[@id='tasks']")[0]
    links = {str(link) for link in tasks.xpath(".//a/@href") if "off_plan=" in link or "void=" in link}
    assert len(links) >= 2
    for link in links:
        assert "release=R1" in link
        about = (OWN_NORTH,) if "off_plan=" in link else (OWN_NORTH, SPLIT)
        assert listed(pages, link) == [format_eui(one) for one in about], link


def test_a_csps_tasks_lead_to_the_hubs_in_its_regions(pages: Pages) -> None:
    """Before, what one CSP was to look into led to the hubs of all."""
    for hub, by in ((SPLIT, NORTH), (OWN_SOUTH, SOUTH)):
        outcome = HubOutcome(hub, OutcomeStage.ACTIVATION, True, NEW, pages.dcc.clock.now())
        said = pages.dcc.says(csp.ActivateFirmwareResponses((outcome,)), by=by, door=Door.CSP)
        assert said.status == "Accepted"
    tasks = pages.read("/releases/R1").xpath("//div[@id='tasks']//tbody/tr[contains(., 'NotPlanned')]")
    shown = {str(row.xpath("td[1]/a/text()")[0]): listed(pages, row.xpath("td[4]/a/@href")[0]) for row in tasks}
    every = [format_eui(one) for one in (SPLIT, OWN_SOUTH)]
    north, south = every
    assert shown == {format_eui(NORTH): [north], format_eui(SOUTH): [south], format_eui(DCC): sorted(every)}


def test_once_the_automatic_date_has_come_it_is_the_csps_turn_with_each_hub_that_is_left(pages: Pages) -> None:
    """The release's page had the CSP overdue with them; a hub's own page had nobody."""
    to(pages, AUTOMATIC + DAY)
    left = f"CSP North {format_eui(NORTH)}: update remaining hubs - overdue by 1.0 d"
    assert left in standing(pages, SPLIT)
    assert "update remaining hubs" in pages.words("/releases/R1", part="//section[@id='turn']")
    outcome = HubOutcome(SPLIT, OutcomeStage.ACTIVATION, True, NEW, pages.dcc.clock.now())
    assert pages.dcc.says(csp.ActivateFirmwareResponses((outcome,)), by=NORTH, door=Door.CSP).status == "Accepted"
    assert "update remaining hubs" not in standing(pages, SPLIT)


def test_a_supplier_reads_of_which_region_a_csp_owes_a_schedule(pages: Pages) -> None:
    """A CSP with four regions stood there four times in the same words."""
    to(pages, PERIOD.start + DAY)
    said = pages.words("/supplier/releases/R1", OURS, "//section[@id='turn']")
    assert "CSP of North: send safe launch schedule North - overdue by" in said
