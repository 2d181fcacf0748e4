"""The sandbox's page: how far it is, whose turn it is, why a hub waits, and where the console has the rest."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from lxml import html
from playwright.sync_api import expect

from tests.support.asked import Answered, exchange
from tests.support.browsers import chromium
from tests.support.cli import SUPPLIER, refused, run
from tests.support.gateway_process import wait_until
from tests.support.sandboxes import RunningSandbox, sandbox

pytestmark = [pytest.mark.processes, pytest.mark.requirement("EX-3")]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """Hub 1 is active, hub 4 failed; the next release for their model waits for its approval; one party refuses."""
    with sandbox(tmp_path_factory.mktemp("sandbox") / "work") as one:
        one.do("activate", hub=[1])
        one.do("fail", hub=[4])
        one.do("announce", release="SEC-2027-C", model="433100AC", approve=False)
        yield one


def get(town: RunningSandbox, path: str = "/") -> html.HtmlElement:
    answer = exchange(town.remote.url, "GET", path, None, {})
    assert answer.status == 200, answer.data
    return answer.root


def post(town: RunningSandbox, form: html.HtmlElement) -> html.HtmlElement:
    """What the page says once a form of it was sent as it is."""
    fields = urlencode({str(one.get("name")): str(one.get("value")) for one in form.xpath(".//input[@type='hidden']")})
    answer = exchange(town.remote.url, "POST", "/", fields, {})
    assert answer.status == 303
    return get(town, answer.headers["Location"])


def row(root: html.HtmlElement, part: str, name: str) -> html.HtmlElement:
    (found,) = root.xpath(f"//section[@id='{part}']//tr[td[1][normalize-space()='{name}']]")
    return found


def words(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def messages(town: RunningSandbox) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = town.remote.get("/v1/messages")
    return found


def on_console(town: RunningSandbox, link: str) -> Answered:
    console = town.status()["console"]
    assert link.startswith(console)
    return exchange(console.rstrip("/"), "GET", link.removeprefix(console.rstrip("/")), None, {})


def test_a_release_says_how_far_it_is_and_whose_turn_it_is(town: RunningSandbox) -> None:
    release = row(get(town), "releases", "SEC-2027-A")
    said = words(release)
    assert "1 of 99, 1 failed" in said
    assert "dcc: report pilot outcome" in said
    assert "you: send preferred list" in said
    (page, *_) = release.xpath(".//a/@href")
    assert "SEC-2027-A" in on_console(town, page).root.findtext(".//h1")


def test_what_it_says_at_the_start_opens_the_suppliers_own_pages(town: RunningSandbox) -> None:
    """So does its page, and `status`, until another token was made."""
    at = ("--port", str(town.port))
    for said in (town.said, run("sandbox", "status", *at).output, words(get(town).find(".//section[@id='yours']"))):
        assert town.status()["you"]["supplier_pages"] in said
        assert "sandbox-you" in said
    assert own_pages(town, "you", "sandbox-you") == 200
    assert own_pages(town, "gas", "sandbox-gas") == 200
    another = run("party", "token", SUPPLIER, "--config", town.folder / "gateway.toml").output.strip()
    assert (own_pages(town, "you", "sandbox-you"), own_pages(town, "you", another)) == (401, 200)
    assert "sandbox-you" not in run("sandbox", "status", *at).output
    assert "the password is what party token printed last" in words(get(town).find(".//section[@id='yours']"))


def own_pages(town: RunningSandbox, name: str, password: str) -> int:
    """The status with which a supplier's own pages open."""
    (eui,) = [one["eui"] for one in town.status()["parties"] if one["name"] == name]
    basic = b64encode(f"{eui}:{password}".encode()).decode()
    return exchange(town.status()["gateway"], "GET", "/supplier", None, {"Authorization": f"Basic {basic}"}).status


def test_a_hub_says_how_it_stands_and_why(town: RunningSandbox) -> None:
    root = get(town)
    assert "activated under SEC-2027-A" in words(row(root, "hubs", "1"))
    failed = row(root, "hubs", "4")
    assert "failed under SEC-2027-A: " in words(failed)
    assert "hashMismatch" in words(failed)
    assert "no release in flight is for this model" in words(row(root, "hubs", "101"))
    (page, *_) = failed.xpath(".//a/@href")
    assert "00-DB-12-34-56-00-00-04" in words(on_console(town, page).root.find(".//h1"))


def test_a_hubs_buttons_go_for_the_release_that_they_name(town: RunningSandbox) -> None:
    """And so do the commands without a release: never for one that is not approved."""
    hub = row(get(town), "hubs", "20")
    assert "under SEC-2027-A Activate Fail" in words(hub)
    (fail,) = [one for one in hub.xpath(".//form") if "Fail" in words(one)]
    (said,) = post(town, fail).xpath("//section[contains(@class, 'news')]")
    assert "N71 to you: delivered" in words(said)
    assert "SEC-2027-C" not in words(said)
    assert {one["release"] for one in town.do("fail", hub=[21])["answers"]} <= {"SEC-2027-A", None}
    assert row(get(town), "hubs", "101").xpath(".//form") == []
    town.do("announce", release="SEC-2027-D", model="433200BD", approve=False)
    assert "under SEC-2027-D: not before DCC approves the release" in words(row(get(town), "hubs", "101"))
    at = ("--port", str(town.port))
    assert "SEC-2027-D is not approved yet: `sandbox approve --release SEC-2027-D`" in refused(
        1, "sandbox", "activate", "101", *at
    )


def test_a_dead_letter_is_delivered_again_from_its_page(town: RunningSandbox) -> None:
    town.do("csp", name="south", behaviour="refuse")
    town.do("decide", action="pause", release="SEC-2027-A")
    wait_until(lambda: any(one["state"] == "dead" for one in messages(town)), "it is given up", 60)
    (dead,) = row(get(town), "parties", "south").xpath("td[last()]//a/@href")
    assert "dead letter" in words(on_console(town, dead).root.find(".//main"))
    number = next(
        one["number"] for one in messages(town) if one["state"] == "dead" and one["kind"] == "RolloutDecision"
    )
    town.do("csp", name="south", behaviour="normal")
    page = get(town, f"/messages/{number}")
    (console,) = [one for one in page.xpath("//a/@href") if "/messages/sent-" in one]
    assert "RolloutDecision" in on_console(town, console).root.findtext(".//h1")
    (form,) = page.xpath("//form")
    (said,) = post(town, form).xpath("//section[contains(@class, 'news')]")
    assert "1 message will be delivered again" in words(said)
    assert [one["state"] for one in messages(town) if one["number"] == number] == ["delivered"]
    [note] = town.do("replay", message=number)["notes"]
    assert note == f"0 messages will be delivered again: message {number} was not given up"
    assert "message 1 is none that the gateway has sent" in refused(
        2, "sandbox", "replay", "1", "--port", str(town.port)
    )
    town.do("decide", action="proceed", release="SEC-2027-A")


def test_what_came_in_is_found_on_the_console_by_its_identity(town: RunningSandbox) -> None:
    (number, *_) = [one["number"] for one in messages(town) if one["from"] == "dcc"]
    (link,) = [one for one in get(town, f"/messages/{number}").xpath("//a/@href") if "/search?q=" in one]
    found = on_console(town, link)
    assert (found.status, found.headers["Location"][:19]) == (303, "/messages/partners-")


def test_the_consoles_buttons_take_the_token_that_the_page_names_and_nothing_is_lost_unasked(
    town: RunningSandbox,
) -> None:
    town.do("csp", name="south", behaviour="refuse")
    town.do("decide", action="pause", release="SEC-2027-A")
    wait_until(lambda: any(one["state"] == "dead" for one in messages(town)), "it is given up", 60)
    town.do("csp", name="south", behaviour="normal")
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{town.remote.url}/")
        word = page.locator("header code").inner_text()
        expect(page.get_by_role("button", name="start afresh")).not_to_be_visible()
        page.locator("summary", has_text="Start afresh").click()
        expect(page.get_by_role("button", name="start afresh")).to_be_visible()
        page.goto(f"{town.status()['console']}dead-letters")
        page.get_by_label("Operators' token").first.fill(word)
        page.get_by_role("button", name="Replay").first.click()
        expect(page.get_by_role("status")).to_contain_text("put back")
