"""What the console's pages say: true, once, and in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup, PreferredPilotSchedule
from duis_gateway.flow.incoming import Door
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.releases.records import Period, Stage
from duis_gateway.rollout.rollout_decisions.records import RolloutAction, Standing
from duis_gateway.store.tables import outbox
from tests.support.databases import KINDS
from tests.support.pages import Pages, pages_over
from tests.support.rules import NEW, OLD, OURS, PILOT
from tests.support.steering import NORTH, OWN_NORTH, OWN_SOUTH, SOUTH, steering

DAY = timedelta(days=1)


@pytest.fixture(params=KINDS)
def pages(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pages]:
    """A release whose pilot has begun."""
    with steering(request.param, tmp_path) as dcc:
        dcc.piloting()
        with pages_over(dcc) as made:
            yield made


def reports(pages: Pages, *, success: bool) -> str:
    """The CSP reports how the activation of a hub ended just now; return the time as pages have it."""
    now = pages.dcc.clock.now()
    outcome = HubOutcome(OWN_NORTH, OutcomeStage.ACTIVATION, success, NEW, now, None if success else "noImageHeld")
    said = pages.dcc.says(csp.ActivateFirmwareResponses((outcome,)), by=NORTH, door=Door.CSP)
    assert said.status == "Accepted"
    return f"{now:%Y-%m-%d %H:%M:%S}"


def test_a_failed_attempt_completes_nothing_that_suppliers_were_told_of(pages: Pages) -> None:
    """After a failure the page said of the version before it that it was "completed" at the time of the failure."""

    def told_of() -> str:
        path = "//dt[.='Suppliers were last told of']/following-sibling::dd[1]"
        return pages.words(f"/hubs/{format_eui(OWN_NORTH)}", part=path)

    reports(pages, success=False)
    assert told_of() == OLD
    pages.dcc.clock.instant += DAY
    done = reports(pages, success=True)
    assert told_of() == f"{NEW}, activated {done}"
    pages.dcc.clock.instant += DAY
    reports(pages, success=False)
    pages.dcc.clock.instant += DAY
    reports(pages, success=True)
    assert told_of() == f"{NEW}, activated {done}", "a repeat raises no N64"


def instructed(pages: Pages) -> None:
    """A supplier has instructed a hub for a period of safe launch."""
    period = Period(PILOT.end + DAY, PILOT.end + 8 * DAY)
    group = DeploymentGroup("G1", Stage.SAFE_LAUNCH, (OWN_NORTH,), period)
    assert not pages.dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, (group,))).startswith("E")


def test_a_code_has_its_words_wherever_no_reason_follows(pages: Pages) -> None:
    """Pages said "instruct anew PeriodEnded" and "look into deviations PeriodMissed", and a table "PeriodEnded"."""
    instructed(pages)
    pages.dcc.passes(PILOT.end + 9 * DAY)
    with pages.dcc.store.write() as conn:
        conn.execute(update(outbox).values(state="delivered"))
    ended, missed = "PeriodEnded (the period had ended)", "PeriodMissed (not activated in the planned period, and"
    tasks = pages.words("/releases/R1", part="//div[@id='tasks']")
    assert ended in tasks
    assert missed in tasks
    estate = pages.words("/supplier", OURS, "//div[@id='estate']")
    assert ended in estate
    assert missed in estate
    for path, who in (("/hubs", None), ("/supplier/hubs", OURS)):
        assert ended in pages.words(path, who, "//select[@id='void']")
        assert missed in pages.words(path, who, "//select[@id='off_plan']")


def test_what_was_not_told_is_said_once(pages: Pages) -> None:
    """It was "not told yet: not told yet"; and a reason with a full stop was followed by ", and 1 more task"."""
    instructed(pages)
    with pages.dcc.store.write() as conn:
        conn.execute(update(outbox).where(outbox.c.recipient == NORTH).values(state="dead", last_error="HTTP 404"))
    others = pages.read("/supplier/releases/R1", OURS).xpath("//section[@id='turn']/ul[last()]/li")
    untold = [said for said in (" ".join(one.text_content().split()) for one in others) if "not told yet" in said]
    assert untold
    for said in untold:
        assert said.count("not told yet") == 1, said
        assert "was given up, and whoever runs the gateway has to send it again" in said
    with pages.dcc.store.write() as conn:
        conn.execute(update(outbox).values(state="delivered"))
    paused = esi.RolloutDecision("R1", RolloutAction.PAUSE, "Too many fail.", Standing.CONFIRMED, "DCC")
    assert pages.dcc.says(paused).code == "Accepted"
    assert "Too many fail; and 1 more task" in pages.words("/supplier/releases/R1", OURS, "//section[@id='turn']")


def test_the_outbox_says_of_dead_letters_how_old_they_are_by_which_channel_and_when_they_go(pages: Pages) -> None:
    """Three cells of their rows were empty."""
    with pages.dcc.store.write() as conn:
        conn.execute(update(outbox).values(state="delivered"))
        dead = update(outbox).where(outbox.c.recipient == NORTH, outbox.c.channel == "http")
        conn.execute(dead.values(state="dead", last_error="HTTP 404", enqueued_at=outbox.c.enqueued_at - 7200))
    ((_, by, state, messages, oldest, why, next_try),) = (
        [" ".join(cell.text_content().split()) for cell in row.xpath("td")]
        for row in pages.read("/").xpath("//div[@id='outbox']//tbody/tr")
    )
    assert (by, state, why, next_try) == ("http", "dead letter", "HTTP 404", "once it is replayed")
    assert int(messages) > 0
    assert oldest == "2.0 h"


def test_activations_of_one_time_are_a_sentence_and_no_picture(pages: Pages) -> None:
    """It was a picture with one bar that filled it."""
    done = reports(pages, success=True)
    shown = pages.read("/releases/R1").xpath("//section[@id='activations']")[0]
    assert shown.xpath(".//svg") == []
    assert "1 activation reported, completed within" in " ".join(shown.text_content().split())
    assert done[:10] in shown.text_content()
    pages.dcc.clock.instant += 3 * DAY
    outcome = HubOutcome(OWN_SOUTH, OutcomeStage.ACTIVATION, True, NEW, pages.dcc.clock.now())
    assert pages.dcc.says(csp.ActivateFirmwareResponses((outcome,)), by=SOUTH, door=Door.CSP).status == "Accepted"
    assert pages.read("/releases/R1").xpath("//section[@id='activations']//svg")
