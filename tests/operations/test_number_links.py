"""Every number on a page that is a link leads to a list of exactly so many."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from lxml import html
from sqlalchemy import select, update

import csp_mgmt_gw.messages as csp
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup, PreferredPilotSchedule
from duis_gateway.flow.incoming import Door
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.releases.records import Period, Stage
from duis_gateway.store.tables import outbox
from tests.support.databases import KINDS
from tests.support.pages import Pages, pages_over
from tests.support.rules import NEW, OURS, PILOT, THEIRS
from tests.support.steering import NORTH, OWN_NORTH, OWN_SOUTH, SOUTH, SPLIT, THEIR_HUB, Steering, steering

pytestmark = pytest.mark.requirement("BR-5.5")
DAY = timedelta(days=1)
REASON = "no radio contact"
NUMBER = re.compile(r"([0-9][0-9,]*)\+?(?: [^:]*)?")
"""What a link says that leads to so many: "12", "3 failed", "1 open flag"; not "90-B3-..." nor a time."""
LISTS = "//div[@aria-label={}]//tbody/tr"
"""The rows of a page's own list, by its name."""
NAMES = {
    "hubs": ("Hubs",),
    "messages": ("Messages",),
    "dead-letters": ("Which",),
    "flags": ("Open flags",),
}


@pytest.fixture(params=KINDS)
def pages(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pages]:
    """Some hubs are done, some failed, in both stages for one reason; messages are given up, wait, and are tried."""
    with steering(request.param, tmp_path) as dcc:
        dcc.piloting()
        _happens(dcc)
        with pages_over(dcc) as made:
            yield made


def _happens(dcc: Steering) -> None:
    period = Period(PILOT.end + DAY, PILOT.end + 8 * DAY)
    groups = (
        DeploymentGroup("G1", Stage.SAFE_LAUNCH, (OWN_NORTH,), period),
        DeploymentGroup("G2", Stage.SAFE_LAUNCH, (OWN_SOUTH, SPLIT), period),
    )
    assert not dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, groups)).startswith("E")
    dcc.passes(period.start + DAY)
    now = dcc.clock.now()
    for by, outcome in (
        (NORTH, HubOutcome(OWN_NORTH, OutcomeStage.DISTRIBUTION, False, NEW, now, REASON)),
        (NORTH, HubOutcome(OWN_NORTH, OutcomeStage.ACTIVATION, False, NEW, now, REASON)),
        (SOUTH, HubOutcome(OWN_SOUTH, OutcomeStage.ACTIVATION, False, NEW, now, REASON)),
        (SOUTH, HubOutcome(THEIR_HUB, OutcomeStage.ACTIVATION, True, NEW, now)),
    ):
        assert dcc.says(csp.ActivateFirmwareResponses((outcome,)), by=by, door=Door.CSP).status == "Accepted"
    dcc.passes(period.end + DAY)
    with dcc.store.write() as conn:
        of = {
            eui: select(outbox.c.id).where(outbox.c.recipient == eui, outbox.c.channel == "http")
            for eui in (OURS, NORTH)
        }
        first = {eui: conn.execute(query.order_by(outbox.c.id)).scalars().all() for eui, query in of.items()}
        refused, tried = {"state": "dead", "last_error": "HTTP 404"}, {"state": "in_flight", "last_error": "no answer"}
        for number, values in ((first[OURS][0], refused), (first[NORTH][0], refused), (first[NORTH][1], tried)):
            conn.execute(update(outbox).where(outbox.c.id == number).values(values))


def links(root: html.HtmlElement) -> Iterator[tuple[str, int, str]]:
    """What the numbers of a page that are links say, how many, and where they lead."""
    for link in root.xpath("//main//a[@href]"):
        said = " ".join(link.text_content().split())
        if found := NUMBER.fullmatch(said):
            yield said, int(found[1].replace(",", "")), str(link.get("href"))
    for name in root.xpath("//main//dl[@class='bars']/dt[a]"):
        figure = name.xpath("following-sibling::dd[@class='figure'][1]")[0].text_content().split()
        yield f"{name.text_content()}: {' '.join(figure)}", int(figure[2].replace(",", "")), name.xpath("a/@href")[0]


def leads_to(pages: Pages, link: str, root: html.HtmlElement, who: int | None) -> list[html.HtmlElement]:
    """The rows to which a link leads: of a part of this page, or of another page and all that follow it."""
    if link.startswith("#"):
        (part,) = root.xpath(f"//*[@id='{link[1:]}']")
        return list(part.xpath(".//article")) or list(part.xpath(".//tbody/tr"))
    (name,) = re.findall(r"/([a-z-]+)(?:\?|$)", link)
    rows: list[html.HtmlElement] = []
    further: str | None = link
    while further:
        page = pages.read(further, who)
        for heading in NAMES[name]:
            rows += page.xpath(LISTS.format(f"'{heading}'"))
        further = next(iter(page.xpath("//a[@rel='next']/@href")), None)
    return rows


@pytest.mark.parametrize(
    ("who", "path"),
    [
        (None, "/"),
        (None, "/releases/R1"),
        *((one, f"/supplier{path}") for one in (OURS, THEIRS) for path in ("", "/releases/R1")),
    ],
)
def test_every_number_that_is_a_link_leads_to_so_many(pages: Pages, who: int | None, path: str) -> None:
    """What waits led to what is pending alone, all reasons to one, and a party's dead letters to everybody's."""
    root = pages.read(path, who)
    found, wrong = list(links(root)), []
    for said, number, link in found:
        rows = leads_to(pages, link, root, who)
        if "overdue" in said:
            rows = [one for one in rows if one.xpath(".//*[@class='bad'][contains(., 'overdue')]")]
        if len(rows) != number:
            wrong.append(f"{said} leads to {len(rows)} at {link}")
    assert not wrong
    assert len(found) > 3


def test_what_waits_is_what_is_pending_and_what_is_tried_just_now(pages: Pages) -> None:
    north = format_eui(NORTH)
    every = leads_to(pages, f"/messages?way=sent&party={north}&state=waiting", pages.read("/"), None)
    states = [str(one.xpath("string(td[4]/span)")) for one in every]
    assert states[0] == "in flight"
    assert set(states[1:]) == {"pending"}
    own = "/supplier/messages?way=sent&state=waiting"
    assert leads_to(pages, own, pages.read("/supplier", OURS), OURS)
