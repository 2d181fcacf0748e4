"""What a supplier's pages say of whose turn it is, as of now; and what they find by names that are not quite right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from lxml import html
from sqlalchemy import update

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.doors.wire import Answer, HttpRequest
from duis_gateway.duis.alerts.table import AlertCode
from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup, PreferredPilotSchedule
from duis_gateway.flow.incoming import Door
from duis_gateway.operations.console.kinds import kind_in_words
from duis_gateway.operations.supplier_pages.site import SupplierPages
from duis_gateway.rollout.moments import Moments
from duis_gateway.rollout.protection.handle import ProtectionLists
from duis_gateway.rollout.releases.records import Period, PilotTerms, Stage
from duis_gateway.rollout.rollout_decisions.records import GroupDecision, RolloutAction, Standing
from duis_gateway.store.tables import outbox
from tests.support.bodies_page import said_of
from tests.support.rules import NEW, OURS, PILOT, THEIRS
from tests.support.status_of import PARTIES
from tests.support.steering import IN_PILOT, NORTH, OWN_NORTH, OWN_SOUTH, SOUTH, SPLIT, WEEK, Steering, steering

LAUNCH = Period(PILOT.end + WEEK, PILOT.end + 2 * WEEK)


class Pages:
    """One supplier's pages, and what happens on the gateway meanwhile."""

    def __init__(self, dcc: Steering) -> None:
        self.dcc = dcc
        self.site = SupplierPages(dcc.store, dcc.clock)

    def get(self, name: str, path: str = "", query: str = "", who: int = OURS) -> Answer:
        request = HttpRequest("GET", f"/supplier{path}", query, {}, b"", "192.0.2.1", "an-id")
        answer: Answer = getattr(self.site, name)(PARTIES[who], request)
        return answer

    def root(self, name: str, path: str = "", query: str = "", who: int = OURS) -> html.HtmlElement:
        while True:
            body = self.get(name, path, query, who).body
            assert isinstance(body, bytes)
            if b"being counted" not in body:
                return html.fromstring(body)

    def words(self, name: str, path: str = "", query: str = "", part: str = "//main", who: int = OURS) -> str:
        found = self.root(name, path, query, who).xpath(part)
        return " ".join(" ".join(one.text_content() for one in found).split())


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    """A pilot has begun; a supplier has scheduled a hub for it, and half of a split hub for safe launch."""
    with steering("sqlite", tmp_path) as dcc:
        dcc.piloting()
        assert not dcc.asks(OURS, "11.5", PreferredPilotList("R1", NEW, (OWN_NORTH,))).startswith("E")
        groups = (
            DeploymentGroup("G1", Stage.PILOT, (OWN_NORTH,), IN_PILOT),
            DeploymentGroup("HALF", Stage.SAFE_LAUNCH, (SPLIT,), LAUNCH),
        )
        assert not dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, groups)).startswith("E")
        made = Pages(dcc)
        yield made
        made.site.stop(0)


def test_the_others_turns_say_who_has_to_do_what_of_how_many_hubs(pages: Pages) -> None:
    """Before, a CSP had to "decide on group", without which, and a second supplier was not named at all."""
    for body in (
        csp.DefaultPilotList("R1", "North", (OWN_NORTH,)),
        csp.DefaultPilotSchedule("R1", "North", (), ()),
        csp.SafeLaunchSchedule("R1", "North", ()),
        csp.DefaultPilotList("R1", "South", (OWN_SOUTH,)),
        csp.DefaultPilotSchedule("R1", "South", (), ()),
        csp.SafeLaunchSchedule("R1", "South", ()),
    ):
        by = NORTH if body.csp_region == "North" else SOUTH
        assert pages.dcc.says(body, by=by, door=Door.CSP).status == "Accepted", body
    others = "//article/ul[last()]"
    said = pages.words("overview", part=others)
    assert "CSP of North: decide on group G1, 1 hub - " in said
    assert "The other supplier of your split hubs: instruct split hubs, 1 hub (optional) - " in said
    (link,) = pages.root("overview").xpath(f"{others}//a[contains(@href, '/hubs?')]/@href")
    assert link == "/supplier/hubs?release=R1&group=G1"
    assert "second" not in pages.words("overview", part=others, who=THEIRS)
    ProtectionLists(Moments(pages.dcc.store, pages.dcc.clock, pages.dcc.signer, 95_000)).replace(THEIRS, [SPLIT])
    assert Pages(pages.dcc).words("overview", part=others) == said, "what the other protects is its own affair"


def test_what_is_void_says_how_long_there_is(pages: Pages) -> None:
    """Before, "void" stood in the place of the time, or beside it, as if the task were void."""
    say = csp.ScheduleDecision("R1", OURS, "G1", GroupDecision.REFUSED, None, None, reason="no room")
    assert pages.dcc.says(say, by=NORTH, door=Door.CSP).status == "Accepted"
    said = pages.words("overview", part="//article")
    assert re.search(r"instruct anew RefusedByCSP, 1 hub \(optional\) - [0-9.]+ d left, until ", said), said
    later = PilotTerms(Period(PILOT.start + WEEK / 7, PILOT.end), limit=10)
    pages.dcc.announces("R2", firmware_version="00000003", pilot=later)
    pages.dcc.approves("R2")
    said = pages.words("overview", part="//section[@id='invalidated']")
    assert "DCC: decide on invalidated pilot - as soon as possible: Release R2 " in said, "it was said to be void"


def test_groups_on_which_the_csp_is_late_are_named_each_with_since_when(pages: Pages) -> None:
    """Before, of two the first alone, and the groups' table only "nothing yet"."""
    assert not pages.dcc.asks(OURS, "11.5", PreferredPilotList("R1", NEW, (OWN_NORTH, OWN_SOUTH))).startswith("E")
    more = PreferredPilotSchedule("R1", NEW, (DeploymentGroup("G2", Stage.PILOT, (OWN_SOUTH,), IN_PILOT),))
    assert not pages.dcc.asks(OURS, "11.6", more).startswith("E")
    pages.dcc.passes(IN_PILOT.start + WEEK / 7)
    with pages.dcc.store.write() as conn:
        conn.execute(update(outbox).values(state="delivered"))
    said = pages.words("overview", part="//article/ul[last()]")
    for region, group in (("North", "G1"), ("South", "G2")):
        assert f"CSP of {region}: decide on group {group}, 1 hub - overdue by 1.0 d, until " in said
    assert re.search(r"and [0-9]+ more tasks", said), said
    table = pages.words("release", "/releases/R1", part="//div[@id='plan']")
    assert table.count("nothing yet, overdue by 1.0 d") == 2, table


def test_what_a_decision_has_ended_is_no_task_any_more_at_once(pages: Pages) -> None:
    """Before, the tasks stood there until they were counted anew, beside the release that was stopped."""
    assert pages.words("overview", part="//div[@id='tasks']//tbody")
    stopped = esi.RolloutDecision("R1", RolloutAction.STOP, "it is bad.", Standing.CONFIRMED, "DCC")
    assert pages.dcc.says(stopped).status == "Accepted"
    assert "Nothing is outstanding." in pages.words("overview", part="//div[@id='tasks']")
    hub = pages.words("hub", "/hubs/00-00-00-00-00-00-00-01")
    assert "it is bad." in hub
    assert ".." not in hub, "the reason has its own full stop"


def test_a_name_that_is_not_quite_right_leads_to_what_is_near(pages: Pages) -> None:
    def places(name: str) -> list[str]:
        answer = pages.get("search", "/search", urlencode({"q": name}))
        if answer.status == 303:
            return [value for key, value in answer.headers if key == "Location"]
        if answer.status == 404:
            return []
        assert isinstance(answer.body, bytes)
        root = html.fromstring(answer.body)
        return [str(one.get("href")) for part in root.iter("main") for one in part.iter("a")]

    assert places("n77") == ["/supplier/messages?way=sent&kind=N77"]
    assert places("e110608") == ["/supplier/messages?way=requests&state=E110608"]
    assert places("11.6") == ["/supplier/messages?way=requests&kind=SR11.6"]
    assert places("ha") == ["/supplier/releases/R1#plan"]
    assert places("r") == ["/supplier/releases/R1"]
    (asked,) = pages.root("messages", "/messages", "way=requests&kind=SR11.6").xpath("//tbody//td[2]/a/@href")
    assert asked in places(str(asked).rpartition(":")[2])
    assert "What do you look for?" in pages.words("search", "/search", "q=")
    assert places("zz") == []


def test_kinds_and_codes_are_said_in_words_as_in_the_reference(pages: Pages) -> None:
    for code in AlertCode:
        words = kind_in_words(code)
        assert said_of(code) == f"{words[0].upper()}{words[1:]}."
    assert "Preferred Pilot Schedule" in pages.words("messages", "/messages", "way=requests", part="//tbody")
    sent = pages.root("messages", "/messages", "kind=N77").xpath("//tbody/tr[1]/td[2]")[0].text_content()
    assert sent.endswith("the plan for the recipient's hubs: made, void, or departed from")
