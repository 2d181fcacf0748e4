"""What the pages say where a party got no message: whose turn that makes it, and what can be done about it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import select, update

import esi.messages as esi
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup, PreferredPilotSchedule
from duis_gateway.outbox import view as outbox_view
from duis_gateway.rollout.estate.hub_by_hub import hub_row
from duis_gateway.rollout.releases.records import Period, Stage
from duis_gateway.rollout.rollout_decisions.records import RolloutAction, Standing
from duis_gateway.store.tables import failed_attempt, outbox
from duis_gateway.text.pages import show_time
from tests.support.asking import ask, whole
from tests.support.databases import KINDS
from tests.support.pages import TOKEN, Pages, pages_over
from tests.support.rules import NEW, OURS, PILOT, THEIRS
from tests.support.status_of import PARTIES
from tests.support.steering import DCC, NORTH, OWN_NORTH, OWN_SOUTH, SOUTH, SPLIT, WEEK, Steering, steering

DAY = timedelta(days=1)
FORM = {"content-type": "application/x-www-form-urlencoded"}
GOES_BY = "until then it goes by the plan that it had before, if any"
"""What a CSP does that has not taken a plan: the one that it has may hold hubs that are to wait, or move them."""


@pytest.fixture(params=KINDS)
def pages(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pages]:
    """A group of a supplier's has begun, and the schedule that tells its CSP of it was given up."""
    with steering(request.param, tmp_path) as dcc:
        dcc.piloting()
        arrived(dcc)
        group = DeploymentGroup("G1", Stage.SAFE_LAUNCH, (OWN_NORTH,), Period(PILOT.end + DAY, PILOT.end + WEEK))
        assert not dcc.asks(OURS, "11.6", PreferredPilotSchedule("R1", NEW, (group,))).startswith("E")
        dcc.passes(PILOT.end + 2 * DAY)
        given_up(dcc, "PreferredPilotSchedule", NORTH)
        arrived(dcc)
        with pages_over(dcc) as made:
            yield made


def arrived(dcc: Steering, what: str = "pending") -> None:
    with dcc.store.write() as conn:
        conn.execute(update(outbox).where(outbox.c.state == what).values(state="delivered"))


def given_up(dcc: Steering, kind: str, *to: int) -> list[int]:
    """All of these messages have become dead letters; their numbers."""
    these = (outbox.c.kind == kind, outbox.c.recipient.in_(to))
    with dcc.store.write() as conn:
        conn.execute(update(outbox).where(*these).values(state="dead", last_error="HTTP 404", attempts=12))
        return list(conn.execute(select(outbox.c.id).where(*these).order_by(outbox.c.id)).scalars())


def stored(pages: Pages, message: int) -> str:
    """When a message was stored, as the pages show it."""
    with pages.dcc.store.read() as conn:
        found = outbox_view.find(conn, message)
    assert found is not None
    return show_time(found[0].created_at)


def state(pages: Pages, message: int) -> str:
    with pages.dcc.store.read() as conn:
        found = outbox_view.find(conn, message)
    assert found is not None
    return found[0].state


# --- why is this hub not updated ----------------------------------------------------------------------------------


def test_a_hub_says_that_its_csp_was_not_told_and_the_message_is_replayed_there(pages: Pages) -> None:
    """Before, it said "the CSP has not decided yet"; what would have told the CSP was a dead letter."""
    hub = format_eui(OWN_NORTH)
    root = pages.read(f"/hubs/{hub}")
    (section,) = root.xpath("//section[@id='not-told']")
    assert f"{format_eui(NORTH)} (CSP North): PreferredPilotSchedule of R1 was given up: HTTP 404" in " ".join(
        section.text_content().split()
    )
    standing = pages.words(f"/hubs/{hub}", part="//div[@id='standing']")
    assert "its CSP has not been told yet" in standing
    assert "What to do: First replay what was given up" in standing
    (link,) = section.xpath(".//a[starts-with(@href, '/messages/')]/@href")
    fields = {str(one.get("name")): str(one.get("value")) for one in section.xpath(".//input[@type='hidden']")}
    assert link == f"/messages/sent-{fields['message']}"
    answer = ask(
        pages.edge, "/dead-letters", "POST", content=urlencode(fields | {"token": TOKEN}).encode(), headers=FORM
    )
    assert answer.status == 303
    assert state(pages, int(fields["message"])) == "pending"
    headers = FORM | {"referer": f"http://console.example/hubs/{hub}", "host": "console.example"}
    wrong = ask(pages.edge, "/dead-letters", "POST", content=urlencode(fields).encode(), headers=headers)
    assert wrong.status == 403
    assert f'<a href="/hubs/{hub}">Back to where you were</a>' in whole(wrong).decode()
    elsewhere = headers | {"referer": f"http://evil.example/hubs/{hub}"}
    wrong = ask(pages.edge, "/dead-letters", "POST", content=urlencode(fields).encode(), headers=elsewhere)
    assert "Back to where" not in whole(wrong).decode()


@pytest.mark.parametrize("what", ["dead", "pending"])
def test_a_hub_says_once_that_its_csp_was_not_told_and_does_not_have_it_asked(pages: Pages, what: str) -> None:
    """It said so twice, and next that the CSP was late with its decision, and to be asked."""
    with pages.dcc.store.write() as conn:
        conn.execute(update(outbox).where(outbox.c.state == "dead").values(state=what))
    tries = "the gateway is still trying to deliver the message"
    for who, root in ((None, ""), (OURS, "/supplier")):
        said = pages.words(f"{root}/hubs/{format_eui(OWN_NORTH)}", who, "//div[@id='standing']/div")
        assert said.count("its CSP has not been told yet") == 1
        assert "its CSP has to be told" not in said.replace("First", "first").lower()
        assert said.count(tries) == (what == "pending")
        assert "ask it" not in said
        assert "Its CSP can decide on the period once it has been told of it. The period stands" in said


def test_a_list_and_the_table_of_plans_say_it_in_the_same_words(pages: Pages) -> None:
    """Before, the list of a group's hubs said that the CSP had not decided, as if it had been asked."""
    hub, said = format_eui(OWN_NORTH), "its CSP has not been told yet: whoever runs the gateway has to send the message"
    for who, root in ((None, ""), (OURS, "/supplier")):
        (mine, *_) = pages.read(f"{root}/hubs?group=G1&release=R1", who).xpath("//tbody/tr")
        assert hub in mine.text_content()
        assert said in mine.text_content()
        assert said in pages.words(f"{root}/hubs/{hub}", who, "//div[@id='plans']")
    others = [words for row in pages.read("/hubs").xpath("//tbody/tr") if hub not in (words := row.text_content())]
    assert others
    assert not any("has not been told" in one for one in others)
    given_up(pages.dcc, "FirmwareReleaseNotice", SOUTH)
    (row,) = pages.read("/hubs").xpath(f"//tbody/tr[contains(., '{format_eui(OWN_SOUTH)}')]")
    assert said in row.text_content()


def test_several_dead_letters_are_replayed_at_once(pages: Pages) -> None:
    numbers = [*given_up(pages.dcc, "FirmwareReleaseNotice", NORTH), *given_up(pages.dcc, "StageChange", NORTH)]
    root = pages.read(f"/hubs/{format_eui(OWN_NORTH)}")
    given = [(str(one.get("name")), str(one.get("value"))) for one in root.xpath("//form//input[@type='hidden']")]
    assert {int(value) for name, value in given if name == "message"} > {*numbers}
    content = urlencode([*given, ("token", TOKEN)]).encode()
    assert ask(pages.edge, "/dead-letters", "POST", content=content, headers=FORM).status == 303
    assert {state(pages, one) for one in numbers} == {"pending"}


def test_a_supplier_learns_that_its_csp_was_not_told_and_nothing_of_the_message(pages: Pages) -> None:
    path = f"/supplier/hubs/{format_eui(OWN_NORTH)}"
    standing = pages.words(path, OURS, "//div[@id='standing']")
    assert "whoever runs the gateway has to send the message again" in standing
    assert "What to do: First ask whoever runs the gateway to send its CSP the message again." in standing
    said = pages.words(path, OURS, "//section[@id='not-told']")
    assert "Its CSP: the gateway has given up; whoever runs it has to send it again, so ask there." in said
    for foreign in ("PreferredPilotSchedule", "HTTP 404", format_eui(NORTH)):
        assert foreign not in pages.words(path, OURS)


def test_a_supplier_sees_that_a_csp_was_not_told_of_a_group(pages: Pages) -> None:
    said = "nothing yet (a CSP has not been told of it: the gateway's message has not arrived)"
    assert said in pages.words("/supplier/releases/R1", OURS, "//div[@id='plan']")
    arrived(pages.dcc, "dead")
    assert "has not been told" not in pages.words("/supplier/releases/R1", OURS, "//div[@id='plan']")


def test_a_groups_list_of_hubs_says_what_its_csp_said_and_that_it_was_not_told(pages: Pages) -> None:
    """It said of each hub that the CSP had not decided, and nothing of the group."""
    place = "/hubs?release=R1&group=G1"
    north = f"{format_eui(NORTH)} (CSP North)"
    said = f"A CSP was not told of it: {north}: PreferredPilotSchedule of R1 was given up: HTTP 404"
    text = pages.words(place)
    assert "What the CSPs said of it: nothing yet." in text
    assert said in text
    arrived(pages.dcc, "dead")
    assert "was not told" not in pages.words(place)


@pytest.mark.requirement("BR-5.5")
def test_plans_are_numbered_so_that_a_later_one_does_not_make_up_for_one_that_was_given_up(pages: Pages) -> None:
    """Before, a hub's page said to wait for its CSP, which waited for the plan before the one that it had."""
    dcc = pages.dcc
    arrived(dcc, "dead")
    plans = given_up(dcc, "PlannedDeployment", NORTH)
    later = DeploymentGroup("G2", Stage.SAFE_LAUNCH, (SPLIT,), Period(PILOT.end + WEEK, PILOT.end + 2 * WEEK))
    for supplier in (OURS, THEIRS):
        assert not dcc.asks(supplier, "11.6", PreferredPilotSchedule("R1", NEW, (later,))).startswith("E")
    arrived(dcc)
    north, said = f"CSP North {format_eui(NORTH)}", "its CSP has not been told yet: whoever runs the gateway has to"
    since = f"which has not taken it since {stored(pages, plans[0])}"
    replay = f"Operator: replay PlannedDeployment to {north}, {since} (HTTP 404); {GOES_BY}"
    for hub in (OWN_NORTH, SPLIT):
        standing = pages.words(f"/hubs/{format_eui(hub)}", part="//div[@id='standing']")
        assert said in standing
        first = "First replay what was given up: until then its CSP goes by what it was told before, if anything."
        assert f"What to do: {first}" in standing
        assert f"{replay}: each later plan of the release waits for this one" in standing
        assert said in pages.words(f"/supplier/hubs/{format_eui(hub)}", OURS, "//div[@id='standing']")
    (link,) = pages.read(f"/hubs/{format_eui(SPLIT)}").xpath("//section[@id='not-told']//li/a[2]/@href")
    assert link == f"/messages/sent-{plans[0]}"
    assert replay not in pages.words(f"/hubs/{format_eui(OWN_SOUTH)}")
    for path in ("/", "/releases/R1"):
        assert replay in pages.words(path)
    with dcc.store.write() as conn:
        assert sum(outbox_view.replay(conn, message=plan) for plan in plans) == len(plans)
    arrived(dcc)
    for path in (f"/hubs/{format_eui(OWN_NORTH)}", f"/hubs/{format_eui(SPLIT)}", "/", "/releases/R1"):
        assert "update planned hubs" not in pages.words(path)


@pytest.mark.requirement("BR-5.5")
def test_a_plan_that_its_csp_does_not_take_is_said_while_it_is_tried_and_once_it_is_given_up(pages: Pages) -> None:
    """The release's page said nothing of a batch of DCC's while the gateway tried to tell its plan to the CSP."""
    dcc = pages.dcc
    arrived(dcc, "dead")
    batch = Period(dcc.clock.now() + DAY, dcc.clock.now() + WEEK)
    assert dcc.says(esi.BatchInstruction("R1", "B1", (OWN_SOUTH,), batch)).status == "Accepted"
    assert "update planned hubs" not in pages.words("/releases/R1"), "it is on its way"
    with dcc.store.write() as conn:
        this = (outbox.c.kind == "PlannedDeployment", outbox.c.recipient == SOUTH, outbox.c.state == "pending")
        number = conn.execute(select(outbox.c.id).where(*this)).scalar_one()
        conn.execute(update(outbox).where(*this).values(last_error="Connection refused", attempts=3))
    to = f"PlannedDeployment to CSP South {format_eui(SOUTH)}, which has not taken it since {stored(pages, number)}"
    tried = f"Gateway: delivering {to} (Connection refused); {GOES_BY}"
    places = ("/", "/releases/R1", f"/hubs/{format_eui(OWN_SOUTH)}")
    for path in places:
        assert tried in pages.words(path)
        assert pages.read(path).xpath(f"//ul[@class='turn']//a[@href='/messages/sent-{number}']")
    still = f"not told yet: PlannedDeployment of {stored(pages, number)}"
    assert f"{still} is still being tried" in pages.words("/releases/R1", part="//div[@id='tasks']")
    assert tried not in pages.words(f"/hubs/{format_eui(OWN_NORTH)}")
    given_up(dcc, "PlannedDeployment", SOUTH)
    for path in places:
        assert f"Operator: replay {to} (HTTP 404); {GOES_BY}" in pages.words(path)
    assert f"{still} was given up" in pages.words("/releases/R1", part="//div[@id='tasks']")


def test_a_supplier_is_shown_what_itself_was_not_told(pages: Pages) -> None:
    (number, *_) = given_up(pages.dcc, "N77", OURS)
    path = f"/supplier/hubs/{format_eui(OWN_NORTH)}"
    assert "you have not been told yet: whoever" in pages.words(path, OURS, "//div[@id='standing']")
    assert "You: N77 of R1 was given up: HTTP 404" in pages.words(path, OURS, "//section[@id='not-told']")
    assert pages.read(path, OURS).xpath(f"//section[@id='not-told']//a[@href='{address(pages, number)}']")


def test_of_a_split_hub_it_is_said_which_of_its_suppliers_was_not_told_and_to_replay_it_first(pages: Pages) -> None:
    """Before, "its supplier" was not told, whichever of them, and what to do was silent about it."""
    path = f"/hubs/{format_eui(SPLIT)}"
    given_up(pages.dcc, "A01", THEIRS)
    standing = pages.words(path, part="//div[@id='standing']")
    assert "its Gas Supplier has not been told yet: whoever runs the gateway has to send the message again" in standing
    assert "What to do: First replay what was given up: its Gas Supplier does not know of it." in standing
    given_up(pages.dcc, "A01", OURS)
    both = "First replay what was given up: its Import Supplier and its Gas Supplier do not know of it."
    assert both in pages.words(path, part="//div[@id='standing']")
    assert "First" not in pages.words(f"/supplier{path}", OURS, "//div[@id='standing']")


def test_the_second_supplier_hears_nothing_of_what_the_first_was_not_told(pages: Pages) -> None:
    given_up(pages.dcc, "A01", OURS)
    path = f"/supplier/hubs/{format_eui(SPLIT)}"
    assert "You: A01 of R1" in pages.words(path, OURS)
    assert "not been told" not in pages.words(path, THEIRS)


def test_a_hub_of_which_nothing_is_amiss_says_nothing_of_the_kind(pages: Pages) -> None:
    """The dead letter names another hub."""
    for hub in (OWN_SOUTH, SPLIT):
        assert pages.read(f"/hubs/{format_eui(hub)}").xpath("//*[@id='not-told']") == []
        with pages.dcc.store.read() as conn:
            row = hub_row(conn, PARTIES[DCC], hub, pages.dcc.clock.now())
        assert row is not None
        assert "told" not in str(row["why"])


# --- whose turn it is ---------------------------------------------------------------------------------------------


@pytest.mark.requirement("BR-5.5")
def test_it_is_the_operators_turn_where_a_csp_was_not_told(pages: Pages) -> None:
    north = f"CSP North {format_eui(NORTH)}"
    (number,) = given_up(pages.dcc, "PreferredPilotSchedule", NORTH)
    since = f"which has not taken it since {stored(pages, number)}"
    told = f"Operator: replay PreferredPilotSchedule to {north}, {since} (HTTP 404); it was not told to decide"
    for path in ("/", "/releases/R1"):
        text = pages.words(path)
        assert told in text
        assert f"CSP North {format_eui(NORTH)}: decide on group" not in text
    assert "overdue" not in pages.words("/", part="//div[@id='outstanding']//tr[contains(., 'G1')]")


@pytest.mark.requirement("BR-5.5")
def test_what_was_worked_out_a_while_ago_says_of_messages_how_they_are_now(pages: Pages) -> None:
    """Before, the overview's first look had "Gateway: delivering" of what had been given up long since."""
    with pages.dcc.store.write() as conn:
        conn.execute(update(outbox).where(outbox.c.state == "dead").values(state="pending"))
    for path in ("/", "/releases/R1"):
        assert "Gateway: delivering PreferredPilotSchedule" in pages.words(path)
    given_up(pages.dcc, "PreferredPilotSchedule", NORTH)
    for path in ("/", "/releases/R1"):
        text = pages.words(path)
        assert "Operator: replay PreferredPilotSchedule" in text
        assert "Gateway: delivering" not in text
    arrived(pages.dcc, "dead")
    for path in ("/", "/releases/R1"):
        assert f"CSP North {format_eui(NORTH)}: decide on group G1" in pages.words(path)


@pytest.mark.requirement("BR-5.5")
def test_a_supplier_does_not_wait_for_a_csp_that_was_not_told(pages: Pages) -> None:
    given_up(pages.dcc, "FirmwareReleaseNotice", NORTH, SOUTH)
    for path in ("/supplier", "/supplier/releases/R1"):
        text = pages.words(path, OURS)
        assert "about it was given up, and whoever runs the gateway has to" in text
        assert "HTTP 404" not in text


def test_a_release_lists_what_has_not_arrived(pages: Pages) -> None:
    root = pages.read("/releases/R1")
    (row,) = root.xpath("//div[@id='not-arrived']//tbody/tr")
    (link,) = row.xpath(".//a[starts-with(@href, '/messages/')]/@href")
    text = " ".join(row.text_content().split())
    assert "dead letter HTTP 404. Mend the cause first, or it will be given up again. Its server at" in text
    assert text.endswith("Then replay it.")
    assert format_eui(NORTH) in text
    assert "dead letter" in pages.words(link, part="//h1")
    assert "What to do: Mend the cause first, or it will be given up again." in pages.words(
        link, part="//p[@id='to-do']"
    )


def test_what_waits_for_one_reason_is_one_line_and_is_explained_alike_in_all_places(pages: Pages) -> None:
    """Eight lines were alike; lists gave no reason, or "due now" of what waits behind another."""
    first, *others = fails(pages.dcc, "PreferredPilotSchedule", "FirmwareReleaseNotice", "StageChange", to=NORTH)
    (row,) = pages.read("/releases/R1").xpath("//div[@id='not-arrived']//tbody/tr")
    text = " ".join(row.text_content().split())
    cause = "the last attempt failed: Connection refused"
    assert f"and {len(others)} more messages, which wait for it" in text
    assert cause in text
    to_do = f"or register another address if that is the wrong one (party change {format_eui(NORTH)} --url URL)"
    assert to_do in text
    assert to_do in pages.words(f"/messages/sent-{first}", part="//p[@id='to-do']")
    assert "What to do: see to that one. Its server at" in pages.words(
        f"/messages/sent-{others[-1]}", part="//p[@id='to-do']"
    )
    listed = pages.read("/messages?way=sent&state=pending").xpath("//tbody/tr")
    reasons = {row.xpath("td[2]/a/@href")[0]: " ".join(row.xpath("td[4]")[0].text_content().split()) for row in listed}
    assert reasons[f"/messages/sent-{first}"] == f"pending: {cause}"
    behind = reasons[f"/messages/sent-{others[-1]}"]
    assert behind.startswith(f"pending: behind {len(others)} others, the first of which is ")
    assert behind.endswith(cause)
    for path in (f"/messages/sent-{first}", f"/messages/sent-{others[-1]}", "/", "/releases/R1"):
        assert "due now" not in pages.words(path)


# --- why has this message not arrived -----------------------------------------------------------------------------


def fails(dcc: Steering, *kinds: str, to: int = OURS) -> list[int]:
    """The first of these messages to a party fails, and the others wait behind it; their numbers."""
    these = (outbox.c.kind.in_(kinds), outbox.c.recipient == to, outbox.c.channel == "http")
    with dcc.store.write() as conn:
        conn.execute(update(outbox).where(*these).values(state="pending", last_error=None, attempts=0))
        numbers = list(conn.execute(select(outbox.c.id).where(*these).order_by(outbox.c.id)).scalars())
        first = update(outbox).where(outbox.c.id == numbers[0])
        conn.execute(first.values(last_error="Connection refused", attempts=13, due_at=outbox.c.due_at + 3600))
    assert len(numbers) > 2
    return numbers


def address(pages: Pages, number: int) -> str:
    """Where a supplier's pages show a message."""
    with pages.dcc.store.read() as conn:
        found = outbox_view.find(conn, number)
    assert found is not None
    return f"/supplier/messages/{found[0].message_id}"


def test_a_message_that_waits_leads_to_the_first_before_it_and_says_why_that_fails(pages: Pages) -> None:
    """It said "message 66", which was neither a link nor a name of anything."""
    first, *others = fails(pages.dcc, "PreferredPilotSchedule", "FirmwareReleaseNotice", "StageChange", to=NORTH)
    text = pages.words(f"/messages/sent-{others[-1]}", part="//p[@id='why']")
    assert f"It waits behind {len(others)} other messages, which have to be delivered first: the first is " in text
    assert "The last attempt failed: Connection refused. The next attempt is due in " in text
    root = pages.read(f"/messages/sent-{others[0]}")
    assert root.xpath("//p[@id='why']/a/@href") == [f"/messages/sent-{first}"]
    assert "It waits behind another message, which has to be delivered first: " in pages.words(
        f"/messages/sent-{others[0]}"
    )


def test_attempts_before_a_replay_are_told_apart(pages: Pages) -> None:
    """They stood in one list with those since, which alone are counted."""
    (number,) = given_up(pages.dcc, "PreferredPilotSchedule", NORTH)
    ends = "HTTP 404 (given up after attempt 12)"
    with pages.dcc.store.write() as conn:
        conn.execute(failed_attempt.insert().values(message=number, at=1798761600.25, error=ends))
    path = f"/messages/sent-{number}"
    assert "before it was replayed" not in pages.words(path)
    with pages.dcc.store.write() as conn:
        assert outbox_view.replay(conn, message=number) == 1
        conn.execute(update(outbox).where(outbox.c.id == number).values(attempts=1))
        conn.execute(failed_attempt.insert().values(message=number, at=1798761700.25, error="HTTP 503"))
    text = pages.words(path)
    assert "Attempts1 since it was replayed" in text
    since, before = pages.read(path).xpath("//tr[td]/td[2]")[-2:]
    assert since.text_content().strip() == "HTTP 503"
    assert before.text_content().strip() == f"before it was replayed: {ends}"


def test_what_was_delivered_after_a_replay_is_listed_without_why_it_failed_before(pages: Pages) -> None:
    path = "/messages?kind=PreferredPilotSchedule"
    assert "dead letter: HTTP 404" in pages.words(path)
    arrived(pages.dcc, "dead")
    assert "delivered" in pages.words(path, part="//tbody")
    assert "HTTP 404" not in pages.words(path)


def test_a_message_says_where_it_goes_and_how_long_it_is_tried(pages: Pages) -> None:
    first, *_ = fails(pages.dcc, "PreferredPilotSchedule", "FirmwareReleaseNotice", "StageChange", to=NORTH)
    text = pages.words(f"/messages/sent-{first}")
    assert "by http to http://127.0.0.1:1/" in text
    assert "UTC (business time)" in text
    assert "All times are in UTC" in pages.words(f"/messages/sent-{first}", part="//footer")
    assert "2,000 attempts in all, or 12 that the recipient refuses" in text


def test_a_supplier_is_shown_first_what_has_a_reason_and_what_it_can_do(pages: Pages) -> None:
    for action in (RolloutAction.PAUSE, RolloutAction.PROCEED):
        pages.dcc.says(esi.RolloutDecision("R1", action, "why", Standing.CONFIRMED, "DCC"))
    first, *others = fails(pages.dcc, "N77", "N72", "N999", "N68")
    (number,) = given_up(pages.dcc, "A01", OURS)[:1]
    root = pages.read("/supplier", OURS)
    rows = root.xpath("//section[@id='undelivered']//tbody/tr")
    links = [row.xpath("td[2]/a/@href")[0] for row in rows]
    assert links.index(address(pages, number)) < links.index(address(pages, first))
    assert links[-len(others) :] == [address(pages, one) for one in others]
    reasons = [" ".join(row.xpath("td[6]")[0].text_content().split()) for row in rows]
    assert "The last attempt failed: Connection refused" in reasons[links.index(address(pages, first))]
    assert reasons[-1].startswith(f"behind {len(others)} others, the first of which is ")
    assert rows[-1].xpath("ancestor::details/summary")[0].text_content().startswith(f"{len(others)} messages that wait")
    for path in ("/supplier", address(pages, first)):
        text = pages.words(path, OURS)
        assert "have your server at http://127.0.0.1:1/ answer with HTTP 2xx" in text
        assert "ask whoever runs the gateway to replay it" in text
        assert "up to 2,000 times, but gives it up" in text
    assert "What is pending" not in pages.words(address(pages, number), OURS), "it is a dead letter"
