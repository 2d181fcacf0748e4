"""What DCC decided on a release, and how it said that its stages went, on the console and on suppliers' pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from lxml import html

import esi.messages as esi
from duis_gateway.rollout.releases.records import Period, PilotTerms, ReleaseState
from duis_gateway.rollout.rollout_decisions.records import HubCounts, RolloutAction, Standing
from duis_gateway.text.times import show_time
from tests.support.databases import KINDS
from tests.support.pages import Pages, pages_over
from tests.support.rules import AUTOMATIC, OURS, PILOT
from tests.support.steering import Steering, steering

LATER = AUTOMATIC + timedelta(days=9)
MOVED = f"the automatic date is {show_time(LATER)}, and was {show_time(AUTOMATIC)}"


@pytest.fixture(params=KINDS)
def pages(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pages]:
    with steering(request.param, tmp_path) as made:
        made.piloting()
        with pages_over(made) as shown:
            yield shown


def decides(dcc: Steering, action: RolloutAction, why: str, new_date: datetime | None = None) -> None:
    decision = esi.RolloutDecision("R1", action, why, Standing.CONFIRMED, "SEC Panel", new_date)
    assert dcc.says(decision).status == "Accepted"


def words(part: html.HtmlElement) -> str:
    return " ".join(part.text_content().split())


def lines(root: html.HtmlElement) -> list[list[str]]:
    return [[words(cell) for cell in row.xpath("td")] for row in root.xpath("//div[@id='history']//tbody/tr")]


@pytest.mark.parametrize("who", [None, OURS], ids=["operator", "supplier"])
def test_a_verdict_stands_above_the_bars_with_whose_figures_they_are(pages: Pages, who: int | None) -> None:
    """The bar said "51 of 95" and the verdict "51 of 54", and a supplier was shown none."""
    assert pages.dcc.says(esi.PilotOutcome("R1", False, HubCounts(54, 51, 3), "Signal lost")).status == "Accepted"
    root = pages.read("/releases/R1" if who is None else "/supplier/releases/R1", who)
    (verdict,) = root.xpath("//p[contains(., 'failure reported by DCC')]")
    assert "Signal lost." in words(verdict)
    assert "By DCC's own figures, 51 of 54 targeted hubs were activated, and 3 failed." in words(verdict)
    assert verdict.xpath("boolean(following::section[@id='progress'])"), "before the bars that it is compared with"


def test_a_supplier_reads_what_was_decided_when_and_by_whom(pages: Pages) -> None:
    """Neither the verdict nor a delay was on its page: there was another automatic date, without a word."""
    dcc = pages.dcc
    dcc.says(esi.PilotOutcome("R1", False, HubCounts(54, 51, 3), "Signal lost"))
    decides(dcc, RolloutAction.PAUSE, "Looked into")
    decides(dcc, RolloutAction.PROCEED, "Found and mended")
    decides(dcc, RolloutAction.DELAY, "More time.", LATER)
    told = [row[1:] for row in lines(pages.read("/supplier/releases/R1", OURS))]
    assert told == [
        ["notified", "DCC"],
        ["approved", "DCC"],
        ["pilot begins", "time"],
        ["pilot failed: Signal lost", "DCC"],
        ["paused: Looked into", "SEC Panel"],
        ["proceeded: Found and mended", "SEC Panel"],
        [f"delayed: More time; {MOVED}", "SEC Panel"],
    ]
    assert lines(pages.read("/releases/R1"))[-1][1] == f"delayed: More time; {MOVED}"
    assert dcc.state() is ReleaseState.PILOTING


def test_a_supplier_does_not_read_of_others_incidents(pages: Pages) -> None:
    assert pages.dcc.says(esi.Incident("INC-1", OURS, "R1", "1", False)).status == "Accepted"
    assert "incident" in str(lines(pages.read("/releases/R1")))
    assert "incident" not in str(lines(pages.read("/supplier/releases/R1", OURS)))


def test_a_revised_notice_says_which_date_it_moved(pages: Pages) -> None:
    dcc = pages.dcc
    later = PilotTerms(Period(PILOT.start, PILOT.end), limit=10)
    assert dcc.announces(revision=2, automatic_date=LATER, pilot=later).status == "Accepted"
    for path, who in (("/releases/R1", None), ("/supplier/releases/R1", OURS)):
        assert lines(pages.read(path, who))[-1][1] == f"revised to 2: {MOVED}"
