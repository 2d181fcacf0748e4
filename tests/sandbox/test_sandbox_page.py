"""The sandbox's page: how far it is, whose turn it is, why a hub waits, and where the console has the rest."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from lxml import html
from playwright.sync_api import Route, expect

from tests.support.asked import Answered, exchange
from tests.support.browsers import chromium
from tests.support.cli import SUPPLIER, done, refused, run
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
    answer = exchange(town.remote.url, "GET", path.partition("#")[0], None, {})
    assert answer.status == 200, answer.data
    return answer.root


def post(town: RunningSandbox, form: html.HtmlElement, path: str = "/", **more: str) -> html.HtmlElement:
    """What the page says once a form of it was sent as it is; `path` is where it stands, `more` what was typed."""
    filled = {str(one.get("name")): str(one.get("value")) for one in form.xpath(".//input[@type='hidden']")}
    answer = exchange(town.remote.url, "POST", path, urlencode(filled | more), {})
    assert answer.status == 303
    place, fragment = answer.headers["Location"].split("#")
    assert fragment == "news"
    return get(town, place)


def row(root: html.HtmlElement, part: str, name: str) -> html.HtmlElement:
    (found,) = root.xpath(f"//section[@id='{part}']//tr[td[1][normalize-space()='{name}']]")
    return found


def shown(root: html.HtmlElement) -> list[str]:
    """The numbers of the hubs that are shown."""
    return [words(one) for one in root.xpath("//section[@id='hubs']//tbody/tr/td[1]")]


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
    # It runs the version of SEC-2027-A, and the next release has it, as on the console.
    assert "planned under SEC-2027-C: not before DCC approves the release" in words(row(root, "hubs", "1"))
    assert words(row(root, "hubs", "1")).endswith("not before DCC approves SEC-2027-C")
    failed = row(root, "hubs", "4")
    assert "failed under SEC-2027-A: " in words(failed)
    assert "hashMismatch" in words(failed)
    assert "The last attempt failed: hashMismatch." in words(failed)
    assert "automatic date, 2027-07-04 09:00 UTC: its supplier has not instructed." in words(row(root, "hubs", "2"))
    none = words(row(get(town, "/?hub=101"), "hubs", "101"))
    assert "no release in flight is for this device model." in none
    assert "nothing to activate: no release" in none
    (page, *_) = failed.xpath(".//a/@href")
    assert "00-DB-12-34-56-00-00-04" in words(on_console(town, page).root.find(".//h1"))


def test_a_hub_says_what_to_do_in_the_words_of_the_console(town: RunningSandbox) -> None:
    """Before, the page and the API said how a hub stands and why, and nothing of what to do about it."""
    for hub, begins in (
        ("1", "Its supplier can instruct it for safe launch once the pilot has ended (11.6)"),
        ("4", "Look into the failure first. "),
        ("101", ""),
    ):
        shown = row(get(town, f"/?hub={hub}"), "hubs", hub)
        stands = json.loads(exchange(town.remote.url, "GET", f"/v1/hubs/{hub}", None, {}).data)
        assert str(stands["next_step"]).startswith(begins)
        assert f"What to do: {stands['next_step']}" in words(shown)
        (page, *_) = shown.xpath(".//a/@href")
        assert f"What to do: {stands['next_step']}" in words(on_console(town, page).root)
        assert stands["state"] == ("failed" if hub == "4" else "not_planned" if hub == "101" else "planned")
    for unknown in ("0", "x", "00-00-00-00-00-00-00-01"):
        assert exchange(town.remote.url, "GET", f"/v1/hubs/{unknown}", None, {}).status == 404


@pytest.mark.once
def test_what_the_inventory_has_as_no_hub_any_more_is_not_shown_as_one(tmp_path: Path) -> None:
    """Before, the page was gone for good: DCC's InventoryUpdate, or a load, had made a meter of a hub."""
    with sandbox(tmp_path / "work") as town:
        town.do("activate", hub=[1, 2])
        town.do("fail", hub=[3])
        columns = "device_id,device_type,manufacturer,model,firmware_version,status,csp_region"
        columns += ",import_supplier,gas_supplier"
        lines = [f"00-DB-12-34-56-00-00-0{hub},ESME,106C,433100AC,9001,Commissioned,North,," for hub in (1, 3)]
        (town.folder / "meters.csv").write_text("\n".join((columns, *lines, "")), encoding="utf-8")
        done("inventory", "load", town.folder / "meters.csv", "--config", town.folder / "gateway.toml")
        assert shown(get(town))[:2] == ["2", "4"]
        assert [one["number"] for one in town.status()["hubs"]][:2] == ["2", "4"]
        for asked in ("/?hub=1", "/?hub=1&state=failed", "/?hub=3&release=SEC-2027-A"):
            assert "No such hub" in words(get(town, asked))
        said = refused(2, "sandbox", "hub", "1", "--port", str(town.port))
        assert "the inventory has to have it as a Communications Hub" in said
        assert town.do("activate", hub=[1, 4])["answers"]


@pytest.mark.once
def test_of_two_releases_in_flight_a_hub_stands_under_the_one_that_moves_it_next(tmp_path: Path) -> None:
    """Before, the page had it planned by the newest, while console and supplier had it instructed under the first."""
    with sandbox(tmp_path / "work") as town:
        town.do("activate", hub=[1])
        (town.folder / "kept.txt").write_text("00-DB-12-34-56-00-00-07\n", encoding="utf-8")
        run("protect", "load", town.folder / "kept.txt", "--party", SUPPLIER, "--config", town.folder / "gateway.toml")
        assert "has not instructed; protected by its supplier" in words(row(get(town), "hubs", "7"))
        assert words(row(get(town), "hubs", "1")).endswith("nothing to activate: it runs the version")
        town.do("clock", to="+90d")  # safe launch: a successor's approval would end the pilot
        town.do("announce", release="SEC-2027-C", model="433100AC", version="9003", predecessor="9001", days=20)
        town.do("batch", hub=[6], release="SEC-2027-A")
        instructed = words(row(get(town), "hubs", "6"))
        assert "batch under SEC-2027-A: " in instructed
        assert "under SEC-2027-A Activate Fail" in instructed
        (link,) = row(get(town), "hubs", "6").xpath(".//td[1]/a/@href")
        assert "SEC-2027-A" in words(on_console(town, link).root)
        assert shown(get(town, "/?state=batch")) == ["6"]
        commands: dict[str, dict[str, object]] = {
            "instruct": {"supplier": "you", "hub": [6], "group": "G6", "stage": "safe-launch"},
            "choose": {"supplier": "you", "hub": [6]},
            "batch": {"hub": [6]},
            "activate": {"hub": [6]},
        }
        said = "the release is SEC-2027-A, which has these hubs next; `release` names another"
        for command, members in commands.items():
            done = town.do(command, **members)
            assert {one["release"] for one in done["answers"]} <= {"SEC-2027-A", None}, command
            assert done["answers"]
            assert said in done["notes"], command
        whole = town.do("choose", supplier="you")
        assert whole["answers"][0]["release"] == "SEC-2027-C"
        assert "the release is SEC-2027-C, the newest approved one; `release` names another" in whole["notes"]
        assert not any("`release` names" in note for note in town.do("batch", hub=[8], release="SEC-2027-A")["notes"])


def test_a_hubs_buttons_go_for_the_release_that_they_name(town: RunningSandbox) -> None:
    """And so do the commands without a release: never for one that is not approved."""
    hub = row(get(town, "/?hub=20"), "hubs", "20")
    assert "under SEC-2027-A Activate Fail" in words(hub)
    (fail,) = [one for one in hub.xpath(".//form") if "Fail" in words(one)]
    after = post(town, fail, "/?hub=20")
    (said,) = after.xpath("//section[contains(@class, 'news')]")
    assert "N71 to you: delivered" in words(said)
    assert shown(after) == ["20"], "the hubs that were looked for are still there"
    assert "SEC-2027-C" not in words(said)
    assert {one["release"] for one in town.do("fail", hub=[21])["answers"]} <= {"SEC-2027-A", None}
    assert row(get(town, "/?hub=101"), "hubs", "101").xpath(".//form") == []
    town.do("announce", release="SEC-2027-D", model="433200BD", approve=False)
    unapproved = words(row(get(town, "/?hub=101"), "hubs", "101"))
    assert "under SEC-2027-D: not before DCC approves the release" in unapproved
    assert unapproved.endswith("not before DCC approves SEC-2027-D")
    at = ("--port", str(town.port))
    assert "SEC-2027-D is not approved yet: `sandbox approve --release SEC-2027-D`" in refused(
        1, "sandbox", "activate", "101", *at
    )


def test_a_form_that_was_refused_stands_open_as_it_was_filled_in(town: RunningSandbox) -> None:
    """It was folded and empty again, and a long document had to be typed anew."""
    (form,) = get(town).xpath("//form[input[@name='do'][@value='say']]")
    after = post(town, form, party="dcc", xml='<broken\n&amp;"')
    (again,) = after.xpath("//details[@open][@id='refused']")
    (text,) = again.xpath(".//textarea/text()")
    assert text.strip() == '<broken\n&amp;"'
    assert again.xpath(".//select[@name='party']/option[@selected]/text()") == ["dcc"]
    (link,) = after.xpath("//section[@id='news']//a")
    assert (link.get("href"), words(link)) == ("#refused", "The form of say, as it was filled in")
    (form,) = get(town).xpath("//form[input[@name='do'][@value='instruct']]")
    after = post(town, form, supplier="you", hub="9 foo", start="+3d")
    typed = {one.get("name"): one.get("value") for one in after.xpath("//details[@open]//input[@value]")}
    assert (typed["hub"], typed["start"]) == ("9 foo", "+3d")
    assert get(town).xpath("//details[@id='refused']") == []


def test_a_dead_letter_is_delivered_again_from_its_page(town: RunningSandbox) -> None:
    town.do("csp", name="south", behaviour="refuse")
    town.do("decide", action="pause", release="SEC-2027-A")
    wait_until(lambda: any(one["state"] == "dead" for one in messages(town)), "it is given up", 60)
    (dead,) = row(get(town), "parties", "south").xpath("td[last()]//a/@href")
    assert "dead letter" in words(on_console(town, dead).root.find(".//main"))
    number = next(
        one["number"] for one in messages(town) if one["state"] == "dead" and one["kind"] == "RolloutDecision"
    )
    cause = get(town, f"/messages/{number}").get_element_by_id("why")
    assert "south was told to behave: refuse. Let it answer normally Deliver it again once that is mended" in words(
        cause
    )
    normal, _again = cause.xpath(".//form")
    assert "south behaves: normal" in words(post(town, normal, f"/messages/{number}").get_element_by_id("news"))
    page = get(town, f"/messages/{number}")
    (console,) = [one for one in page.xpath("//a/@href") if "/messages/sent-" in one]
    assert "RolloutDecision" in on_console(town, console).root.findtext(".//h1")
    assert "south answers normally now: deliver it again." in words(page.get_element_by_id("why"))
    (form,) = page.xpath("//form")
    (said,) = post(town, form, f"/messages/{number}").xpath("//section[contains(@class, 'news')]")
    assert "1 message will be delivered again" in words(said)
    assert re.search(rf"gateway: RolloutDecision to south: delivered \(message {number}, ", words(said))
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


def test_hubs_are_found_by_number_eui_state_release_and_supplier(town: RunningSandbox) -> None:
    """Ten at a time; what names no hub is said where the hubs are."""
    assert shown(get(town)) == [str(number) for number in range(1, 11)]
    (further,) = get(town).xpath("//section[@id='hubs']//a[@rel='next']/@href")
    assert shown(get(town, further)) == [str(number) for number in range(11, 21)]
    assert shown(get(town, "/?hub=104")) == ["104"]
    assert shown(get(town, "/?hub=00db+1234+5600+0068")) == ["104"]
    assert shown(get(town, "/?hub=4,+104+81")) == ["4", "81", "104"]
    assert shown(get(town, "/?hub=118-120")) == ["118", "119", "120"]
    assert "5-1 is backwards: 1-5 names these hubs." in words(get(town, "/?hub=5-1").get_element_by_id("found"))
    assert "4" in shown(get(town, "/?state=failed"))
    assert "1" not in shown(get(town, "/?state=failed"))
    assert shown(get(town, "/?hub=41-120&supplier=gas")) == [str(number) for number in range(41, 51)]
    assert shown(get(town, "/?hub=91-102&release=SEC-2027-A&supplier=")) == [str(number) for number in range(91, 101)]
    assert "No such hub." in words(get(town, "/?hub=104&state=activated").get_element_by_id("found"))
    assert "A hub is named by a number from 1 to 120" in words(get(town, "/?hub=tower").get_element_by_id("found"))
    filled = get(town, "/?hub=tower&state=batch").get_element_by_id("hubs")
    assert filled.xpath(".//input[@name='hub']/@value") == ["tower"]
    assert filled.xpath(".//option[@selected]/@value") == ["batch"]


def test_a_hub_says_under_which_release_it_failed_and_a_release_who_stopped_it(town: RunningSandbox) -> None:
    town.do("decide", action="proceed")
    town.do("announce", release="SEC-2027-F", model="433200BD")
    town.do("fail", hub=[102], reason="noImageHeld", release="SEC-2027-F")
    town.do("decide", action="stop", release="SEC-2027-F", reason="a fault of the image")
    failed = words(row(get(town, "/?hub=102"), "hubs", "102"))
    assert "The last attempt, under SEC-2027-F, failed: noImageHeld." in failed
    assert "failed under SEC-2027-D" not in failed
    assert shown(get(town, "/?release=SEC-2027-F")) == ["102"]
    stopped = words(row(get(town), "releases", "SEC-2027-F"))
    assert "stopped by DCC on 2027-01-04 09:00:00: a fault of the image" in stopped
    assert "nobody's: the release is over" in stopped
    announced = row(get(town), "releases", "SEC-2027-C")
    assert "announced, not approved yet" in words(announced)
    assert [words(one) for one in announced.xpath(".//button")] == ["Approve", "Withdraw"]
    town.do("decide", action="pause", release="SEC-2027-A", reason="INC-1 is looked into")
    assert "paused by DCC on 2027-01-04 09:00:00: INC-1 is looked into" in words(
        row(get(town), "releases", "SEC-2027-A")
    )
    town.do("decide", action="proceed", release="SEC-2027-A")


def test_what_came_of_a_request_is_said_in_words(town: RunningSandbox) -> None:
    """As the commands print it, in the list and on its own page; and of a partner's message."""
    town.do("choose", supplier="you", hub=[5, 6])
    [refused_one] = town.do("instruct", supplier="you", hub=[31], group="BAD")["messages"]
    meaning = "E110608: a pilot group names hubs that are not on the supplier's preferred list"
    assert meaning in words(row(get(town), "messages", str(refused_one["number"])))
    page = get(town, f"/messages/{refused_one['number']}")
    assert meaning in words(page.get_element_by_id("verdict"))
    assert "What you can do: put the hubs on the preferred list first" in words(page.get_element_by_id("verdict"))
    (partly, *_) = town.do("batch", hub=[5, 101], release="SEC-2027-A")["messages"]
    assert "PartlyAccepted; 1 item: of another device model" in words(row(get(town), "messages", str(partly["number"])))


def test_that_a_message_was_refused_is_said_once(town: RunningSandbox) -> None:
    told = town.do("outcome", result="success", release="SEC-2027-C")
    assert [one["status"] for one in told["answers"]] == ["Refused"], "it is not approved"
    (wrong,) = [one for one in told["messages"] if one["from"] == "dcc"]
    verdict = words(get(town, f"/messages/{wrong['number']}").get_element_by_id("verdict"))
    assert verdict.startswith("Refused: NotPossible: A release")
    assert not verdict.endswith("..")


def test_an_n999_says_for_which_alert_it_stands(town: RunningSandbox) -> None:
    ran = run("sandbox", "activate", "82", "--port", str(town.port)).output
    assert "gateway: N999 (for N64) to oldest: delivered" in ran
    (number,) = re.findall(r"N999 \(for N64\) to oldest: delivered \(message (\d+)", ran)
    assert "N999 (for N64)" in words(row(get(town), "messages", number))
    assert get(town, f"/messages/{number}").findtext(".//h1") == f"Message {number}: N999 (for N64)"


def test_a_wrong_address_is_a_page_with_a_way_back_and_for_programs_a_problem(town: RunningSandbox) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    for path, status in (("/nope", 404), ("/messages/9999", 404), ("/mails/999", 404), ("/?stat=failed", 400)):
        page = exchange(town.remote.url, "GET", path, None, browser)
        assert (page.status, page.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
        assert page.root.xpath("//a/@href") == ["/"]
        problem = exchange(town.remote.url, "GET", path, None, {"Accept": "*/*"})
        assert (problem.status, problem.headers["Content-Type"]) == (status, "application/problem+json")
        assert json.loads(problem.data)["detail"] in words(page.root)


def test_a_message_that_waits_says_for_what_and_what_to_do_and_its_page_follows(town: RunningSandbox) -> None:
    """The one before it is named by the number that the page has for it, and led to, however old it is."""
    town.do("address", supplier="you", url="http://127.0.0.1:9/alerts")
    first, second = (
        next(one for one in town.do("activate", hub=[hub])["messages"] if one["to"] == "you") for hub in (7, 8)
    )
    assert re.match(rf"it waits behind message {first['number']}: ", second["error"])
    assert second["behind"] == first["number"]
    (waiting,) = row(get(town), "parties", "you").xpath("td[last() - 1]//a")
    to_come = on_console(town, waiting.get("href")).root.xpath("//div[@aria-label='Messages']//tbody/tr")
    assert len(to_come) == int(words(waiting)), "also while one of them is being tried"
    listed = row(get(town), "messages", str(second["number"]))
    assert f"waiting behind message {first['number']}: " in words(listed)
    assert f"/messages/{first['number']}" in listed.xpath(".//a/@href")
    page = get(town, f"/messages/{second['number']}")
    assert f"/messages/{first['number']}" in page.get_element_by_id("why").xpath(".//a/@href")
    here = f"/messages/{first['number']}"
    said = "Messages to you go to http://127.0.0.1:9/alerts, which is not the sandbox's"
    # While it is being tried, it does not wait.
    wait_until(lambda: said in words(get(town, here).xpath("//main")[0]), "why it waits", 30)
    for _ in range(3):
        town.do("clock", to="+1h")
        town.do("decide", action="pause", release="SEC-2027-A")
        town.do("decide", action="proceed", release="SEC-2027-A")
    assert here not in get(town).xpath("//section[@id='messages']//td[1]//a/@href"), "it is among the last no more"
    (older,) = get(town).xpath("//section[@id='messages']//a[@rel='next']/@href")
    assert here in [
        *get(town, older).xpath("//a/@href"),
        *get(town, f"/?before={first['number'] + 1}").xpath("//a/@href"),
    ]
    assert get(town, "/?mails_before=3").xpath("//section[@id='mails']//td[1]//a/@href") == ["/mails/2", "/mails/1"]
    with chromium() as browser:
        followed = browser.new_page()
        followed.goto(f"{town.remote.url}{here}")
        expect(followed.locator("#message")).to_contain_text("The last attempt failed", timeout=30_000)
        _, back = get(town, here).xpath("//form")
        assert "the alerts of you go to the sandbox's own adapter" in words(post(town, back, here))
        state = followed.locator("#message dt:text-is('State') + dd")
        expect(state).to_have_text(re.compile("^delivered"), timeout=30_000)
        expect(followed.locator("#why")).to_have_count(0)
        found = browser.new_page()
        found.goto(f"{town.remote.url}/?hub=9")
        expect(found.locator("#hubs tbody tr")).to_have_count(1)
        town.do("activate", hub=[9])
        expect(found.locator("#hubs tbody")).to_contain_text("9002", timeout=30_000)
        expect(found.locator("#hubs tbody tr")).to_have_count(1)


def test_what_a_page_caught_while_it_was_tried_does_not_stay_there(town: RunningSandbox) -> None:
    """The sandbox stood as before once the attempt was over, so the page went on saying that it was being tried."""
    stands = "pending"

    def status(route: Route) -> None:
        route.fulfill(json={"first": stands})

    def page(route: Route) -> None:
        nonlocal stands
        if route.request.resource_type == "fetch" and "in flight" not in seen:
            stands = "in flight"
        seen.append(stands)
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("<dl>", f"<p id='stands'>{stands}</p><dl>", 1))

    seen: list[str] = []
    with chromium() as browser:
        watched = browser.new_page()
        watched.route("**/v1/status", status)
        watched.route("**/messages/1", page)
        watched.goto(f"{town.remote.url}/messages/1")
        expect(watched.locator("#stands")).to_have_text("in flight")
        stands = "pending"
        expect(watched.locator("#stands")).to_have_text("pending", timeout=30_000)
