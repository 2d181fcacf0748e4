"""What has just happened is on the first page that is loaded after it; where it cannot be, the page says so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import Connection

import csp_mgmt_gw.messages as csp
from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup, PreferredPilotSchedule
from duis_gateway.flow.incoming import Door
from duis_gateway.operations.console import remembered, waiting
from duis_gateway.operations.console import site as console
from duis_gateway.operations.console.waiting import Backlog, backlogs
from duis_gateway.operations.supplier_pages import site
from duis_gateway.operations.supplier_pages.standing import Standing, standing_of
from duis_gateway.parties.records import Party
from duis_gateway.rollout.releases.records import Period, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from tests.support.databases import KINDS
from tests.support.pages import Pages, pages_over
from tests.support.rules import NEW, OURS, PILOT
from tests.support.steering import NORTH, OWN_NORTH, steering

pytestmark = pytest.mark.requirement("BR-5.5")
DAY = timedelta(days=1)
GROUP = DeploymentGroup("G1", Stage.SAFE_LAUNCH, (OWN_NORTH,), Period(PILOT.end + DAY, PILOT.end + 8 * DAY))
EVERY = [("/", None), ("/releases/R1", None), ("/supplier", OURS), ("/supplier/releases/R1", OURS)]
WAITS = {None: "decide on group G1", OURS: "1 hub instructed"}
SINCE = "something has happened since"


@pytest.fixture(params=KINDS)
def pages(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    """A pilot is under way, and every page has been looked at; counting never takes too long, on a busy machine too."""
    for name in ("_AFFORDABLE", "_QUICK"):
        monkeypatch.setattr(remembered, name, 1e9)
    monkeypatch.setattr(remembered, "_PATIENCE", 60.0)
    monkeypatch.setattr(console, "_MOMENTS", 60.0)
    with steering(request.param, tmp_path) as dcc:
        dcc.piloting()
        with pages_over(dcc) as made:
            for path, who in EVERY:
                assert WAITS[who] not in made.words(path, who)
            yield made


def test_whose_turn_it_is_has_what_has_just_been_said(pages: Pages) -> None:
    """It was up to two minutes old on the console, and up to a minute and more on a supplier's pages."""
    assert not pages.dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, (GROUP,))).startswith("E")
    for path, who in EVERY:
        assert WAITS[who] in pages.words(path, who), path
        assert SINCE not in pages.words(path, who), path
    refused = csp.ScheduleDecision("R1", OURS, "G1", GroupDecision.REFUSED, None, None, "no crew")
    assert pages.dcc.says(refused, by=NORTH, door=Door.CSP).status == "Accepted"
    for path, who in EVERY:
        assert WAITS[who] not in pages.words(path, who), path


def test_figures_that_take_long_say_what_they_lack_and_come_by_themselves(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A supplier read no more than how old they were, and that it could reload."""
    monkeypatch.setattr(remembered, "_AFFORDABLE", 0.0)
    monkeypatch.setattr(remembered, "_REST", 1e9)
    assert not pages.dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, (GROUP,))).startswith("E")
    for path, who in EVERY:
        assert SINCE in pages.words(path, who), path
        if who is None:
            assert pages.read(path).xpath("//*[@data-live]//*[@data-behind]"), "the script takes in what is newer"
        else:
            assert pages.headers(path, who)["Refresh"] == "5"
    monkeypatch.setattr(remembered, "_AFFORDABLE", 1e9)
    for path, who in EVERY:
        assert SINCE not in pages.words(path, who), path
        assert "Refresh" not in pages.headers(path, who), path


def test_what_nobody_has_looked_at_for_long_is_counted_before_it_is_shown(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A supplier that came back read yesterday's figures first, where counting takes a while."""
    assert not pages.dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, (GROUP,))).startswith("E")
    counted = threading.Event()

    def slow(conn: Connection, party: Party, now: datetime) -> Standing:
        assert counted.wait(60)
        return standing_of(conn, party, now)

    monkeypatch.setattr(site, "standing_of", slow)
    monkeypatch.setattr(remembered, "_PATIENCE", 0.0)
    monkeypatch.setattr(remembered, "monotonic", lambda: monotonic() + 3600)
    for path in ("/supplier", "/supplier/releases/R1"):
        text = pages.as_it_is(path, OURS)
        assert "being counted" in text
        assert SINCE not in text
        assert pages.headers(path, OURS)["Refresh"] == "5"
    counted.set()
    monkeypatch.setattr(remembered, "_PATIENCE", 60.0)
    for path in ("/supplier", "/supplier/releases/R1"):
        assert WAITS[OURS] in pages.words(path, OURS)


def test_what_is_not_counted_yet_is_not_said_to_be_nothing(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    """The console said that everything was delivered, with no dead letter, until it had counted."""
    counted = threading.Event()

    def slow(conn: Connection, relay: bool) -> list[Backlog]:
        assert counted.wait(60)
        return backlogs(conn, relay)

    monkeypatch.setattr(waiting, "backlogs", slow)
    monkeypatch.setattr(remembered, "_PATIENCE", 0.0)
    monkeypatch.setattr(remembered, "monotonic", lambda: monotonic() + 3600)
    assert not pages.dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, (GROUP,))).startswith("E")
    text = pages.as_it_is("/")
    assert "Dead letters are being counted" in text
    assert "Everything is delivered" not in text
    assert "to be delivered" not in text
    counted.set()
    assert "0 dead letters" in pages.words("/")
