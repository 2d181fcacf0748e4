"""A supplier's own pages on a running gateway: whose they are, what is on them, and that nothing of others is."""

from __future__ import annotations

import csv
import io
import re
from base64 import b64encode
from collections import Counter
from urllib.parse import unquote, urlencode

import pytest
from lxml import html

from duis_gateway.duis.identifiers import parse_eui
from duis_gateway.operations.console.hints import hints
from tests.support.actors import Actor
from tests.support.asked import Answered, exchange
from tests.support.console_scene import COMMENTARY, REASON, Shown, give_up
from tests.support.installation import GATEWAY, wait_until

pytestmark = pytest.mark.processes
EXAMPLE = "00-DB-12-34-56-00-00-01"
"""What the field for a hub shows while it is empty."""
_EUI = re.compile(r"\b(?:[0-9A-F]{2}-){7}[0-9A-F]{2}\b")


def ask(shown: Shown, path: str, method: str = "GET", **headers: str) -> Answered:
    return exchange(shown.doors, method, path, None, headers)


def basic(token: str, name: str = "") -> str:
    return f"Basic {b64encode(f'{name}:{token}'.encode()).decode()}"


def read(shown: Shown, path: str, who: str = "main", status: int = 200) -> Answered:
    """One of a supplier's pages, with its figures, and what holds for every page."""
    named = basic(shown.installation.actors[who].token)
    answer = ask(shown, f"/supplier{path}", Authorization=named)
    while b"being counted" in answer.data or b"being found out" in answer.data:
        answer = ask(shown, f"/supplier{path}", Authorization=named)
    assert answer.status == status, (path, answer.status, answer.data[:500])
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    return answer


def page(shown: Shown, path: str, who: str = "main", status: int = 200) -> html.HtmlElement:
    root = read(shown, path, who, status).root
    assert root.xpath("//script | //style | //*[@style] | //meta[@http-equiv]") == []
    return root


def words(root: html.HtmlElement, path: str = "//main") -> str:
    (found,) = root.xpath(path)
    return " ".join(found.text_content().split())


def rows_of(root: html.HtmlElement, title: str) -> list[list[str]]:
    (section,) = root.xpath(f'//section[h2="{title}"]')
    return [[" ".join(cell.text_content().split()) for cell in row.xpath("td")] for row in section.xpath(".//tbody/tr")]


def own_hubs(shown: Shown, who: str = "main") -> set[str]:
    """What the party door says that the supplier's hubs are."""
    token = shown.installation.actors[who].token
    answer = ask(shown, "/party/v1/estate?format=csv", Authorization=f"Bearer {token}")
    return {row["device_id"] for row in csv.DictReader(io.StringIO(answer.data.decode()))}


# --- whose they are -----------------------------------------------------------------------------------------------


def test_a_browser_is_made_to_ask_for_the_token_and_no_address_bears_it(shown: Shown) -> None:
    me, other, csp = (shown.installation.actors[name] for name in ("main", "gas", "north"))
    refused = {
        "": "The password is the token",
        f"Bearer {me.token}": "The password is the token",
        basic("not a token"): "not a registered party's token",
        basic(""): "The password is missing",
        "Basic !!": "cannot be read",
        f"Basic {b64encode(b'x' * 2000).decode()}": "cannot be read",
        basic(me.token, other.eui): "not the EUI-64 of the token's owner",
        basic(me.token, "admin"): "not the EUI-64 of the token's owner",
    }
    for given, why in refused.items():
        answer = ask(shown, f"/supplier?token={me.token}", Authorization=given)
        assert answer.status == 401, given
        assert answer.headers["WWW-Authenticate"].startswith('Basic realm="duis-gateway')
        assert why in words(answer.root)
        assert words(answer.root, "//h1") == "You are not signed in"
        assert me.token not in answer.data.decode()
    assert ask(shown, "/supplier", Authorization=basic(me.token, me.eui)).status == 200
    assert ask(shown, "/supplier/", Authorization=basic(me.token, me.eui.lower())).status == 200
    for name in (me.eui.replace("-", ""), me.eui.replace("-", ":").lower()):
        assert ask(shown, "/supplier", Authorization=basic(me.token, name)).status == 200, "as everywhere else"
    answer = ask(shown, "/supplier", Authorization=basic(csp.token))
    assert (answer.status, "WWW-Authenticate" in answer.headers) == (403, False)
    assert "for suppliers" in words(answer.root)


def test_what_a_browser_sends_by_itself_opens_no_door_that_changes_something(shown: Shown) -> None:
    """Neither the pages nor the party door: another site's form would come with it."""
    me = basic(shown.installation.actors["main"].token)
    for method in ("POST", "PUT", "DELETE"):
        assert ask(shown, "/supplier/hubs", method, Authorization=me).status == 405
        assert ask(shown, "/party/v1/protected-hubs", method, Authorization=me).status in (401, 405)


# --- nothing of anyone else ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["main", "gas", "on54"])
def test_every_page_that_can_be_reached_names_nobody_else(shown: Shown, who: str) -> None:
    """Links are followed to at most four pages of each kind; and hubs of two suppliers are looked at."""
    me = shown.installation.actors[who]
    may = own_hubs(shown, who) | {me.eui, GATEWAY, EXAMPLE}
    split = [hub for hub in shown.play.lot["split"] if hub in may][:2]
    left = ["", "/messages?way=requests", *(f"/hubs/{hub}" for hub in split)]
    seen: set[str] = set()
    looked_at: Counter[str] = Counter()
    while left:
        path = left.pop(0)
        if path in seen or looked_at[shape(path)] == 4:
            continue
        seen.add(path)
        looked_at[shape(path)] += 1
        answer = read(shown, path, who)
        named = {found[0] for found in _EUI.finditer(answer.data.decode())}
        assert named <= may, (path, named - may)
        if answer.headers["Content-Type"].startswith("text/html"):
            links = answer.root.xpath("//a[not(ancestor::tr) or ancestor::tr[position() <= 3]]/@href")
            left += [link.removeprefix("/supplier") for link in links if link.startswith("/supplier/")]
    assert {"", "/hubs", "/messages", "/estate.csv"} <= seen
    assert {"/hubs/", "/releases/", "/messages/", "/messages/.xml"} <= {*looked_at}


def shape(path: str) -> str:
    """What kind of page a path leads to, whichever hub, release or message it is of."""
    return re.sub(r"(?<=[a-z]/).+?(?=\.xml|$)", "", path.partition("?")[0])


def test_what_is_not_the_suppliers_own_is_not_there(shown: Shown) -> None:
    """It reads the same whether there is such a thing or not."""
    foreign = next(hub for hub in shown.play.lot.owners if hub not in own_hubs(shown, "gas"))
    nobody = "00-DB-99-99-99-99-99-99"
    for hub in (foreign, nobody):
        assert f"{hub} is not one of your hubs" in words(page(shown, f"/hubs/{hub}", "gas", 404))
        assert "You have nothing called" in words(page(shown, f"/search?q={hub}", "gas", 404))
    numbered = ("sent-1", "sent-999999", "requests-1", "partners-1")
    for name in (*foreign_messages(shown, "gas"), *numbered):
        for suffix in ("", "-answer", ".xml"):
            assert "is yours" in words(page(shown, f"/messages/{name}{suffix}", "gas", 404))
        assert "is yours" in words(page(shown, f"/messages?{urlencode({'before': name})}", "gas", 400))
    assert "may not read" in words(page(shown, "/messages?way=partners", "gas", 400))
    assert "concerns your hubs" in words(page(shown, "/releases/NONE", "gas", 404))


def foreign_messages(shown: Shown, who: str) -> list[str]:
    """What messages to others are called."""
    mine = set(message_links(shown, who))
    found = [href.rpartition("/")[2] for href in message_links(shown, "main") if href not in mine]
    assert found
    return found[:3]


def message_links(shown: Shown, who: str, query: str = "") -> list[str]:
    links = page(shown, f"/messages{query}", who).xpath("//tbody//a[contains(@href, '/messages/')]/@href")
    return [str(link) for link in links]


def test_no_address_has_a_number_that_tells_how_many_messages_others_have(shown: Shown) -> None:
    """Before, those of messages were numbers of the whole gateway's rows, and so was that of the next page."""
    for query in ("", "?way=requests", "?state=delivered"):
        links = message_links(shown, "main", query)
        names = [unquote(link.rpartition("/")[2]) for link in links]
        assert links
        assert all(own_identity(name, shown.installation.actors["main"].eui) for name in names), names


def own_identity(name: str, eui: str) -> bool:
    """Whether it is a RequestID or a ResponseID of this supplier's."""
    *between, counter = name.split(":")
    return len(between) == 2 and eui in between and counter.isdigit()


def test_a_field_that_there_is_not_is_refused_with_those_that_there_are(shown: Shown) -> None:
    """Before, it was left out without a word, and everything was listed."""
    main = shown.installation.actors["main"].eui
    for path, name in (("/hubs?failed=X", "failed"), (f"/hubs?supplier={main}", "supplier"), ("/search?x=1", "x")):
        assert f"There is no field '{name}' here, only " in words(page(shown, path, "gas", 400)), path
    assert "There is no field 'party' here" in words(page(shown, f"/messages?party={main}", "gas", 400))


# --- what is shown ------------------------------------------------------------------------------------------------


@pytest.mark.requirement("BR-5.3", "BR-5.4")
def test_the_overview_says_how_far_a_release_is_and_what_there_is_to_do(shown: Shown) -> None:
    root = page(shown, "")
    (card,) = root.xpath(f"//article[h3/a='{shown.release}']")
    text = " ".join(card.text_content().split())
    assert "piloting" in text
    assert "send preferred schedule, 2 hubs" in text
    assert "DCC: decide on proposed pause - as soon as possible" in text
    assert f"{len(own_hubs(shown)):,} hubs" in words(root, "//ul[@class='tiles']")
    counted = {
        row[3]: int(row[-1]) for row in rows_of(root, "Your hubs by firmware version and state") if "REL" in row[4]
    }
    assert counted["failed"] == 1
    links = [*card.xpath(".//a[contains(@href, 'failed')]/@href"), *root.xpath("//ul[@class='tiles']//li[3]/a/@href")]
    assert len(links) == 3
    for failed in links:
        assert [row[0] for row in hubs(page(shown, str(failed).removeprefix("/supplier")))] == [shown.failed]


def hubs(root: html.HtmlElement) -> list[list[str]]:
    return [[" ".join(cell.text_content().split()) for cell in row.xpath("td")] for row in root.xpath("//tbody/tr")]


def test_the_hubs_are_paged_and_each_is_there_once(shown: Shown) -> None:
    for asked, expected in (("", own_hubs(shown)), ("?release=NONE", set()), ("?csp_region=North", None)):
        found: list[str] = []
        path = f"/hubs{asked}"
        while path:
            root = page(shown, path)
            found += [row[0] for row in hubs(root)]
            (following,) = root.xpath("//a[@rel='next']/@href") or ("",)
            path = following.removeprefix("/supplier")
        assert len(set(found)) == len(found)
        assert expected is None or set(found) == expected
    assert 0 < len(found) < len(own_hubs(shown))


@pytest.mark.parametrize("field", ["hub=00DB12345600000A", "release=R1"])
def test_what_only_sent_messages_have_is_not_left_out_without_a_word(shown: Shown, field: str) -> None:
    """All messages that were received were listed, whatever hub or release had been filled in."""
    text = words(page(shown, f"/messages?way=requests&{field}", status=400))
    assert f"{field.partition('=')[0].title()} is only for sent messages: choose these, or leave it empty." in text


def test_what_others_have_reads_as_what_there_is_not(shown: Shown) -> None:
    """A supplier that has no hub of a model is told neither of that nor of its releases, as if there were none."""
    asked = {"release": shown.release, "model": shown.play.lot.model}
    with shown.installation.store.read() as conn:
        said = hints(conn, asked, supplier=1)
        assert hints(conn, asked) == hints(conn, asked, parse_eui(shown.play["main"].eui)) == []
    assert said == [f"No {what} is called {name}." for what, name in asked.items()]


def test_a_state_that_is_none_is_refused_in_words(shown: Shown) -> None:
    assert "The state must be one of activated, failed" in words(page(shown, "/hubs?state=lost", status=400))


def test_a_hub_shows_why_it_is_not_updated(shown: Shown) -> None:
    root = page(shown, f"/hubs/{shown.failed}")
    text = words(root, "//div[@id='standing']")
    assert text.startswith(f"failed under {shown.release} (piloting), for 2027-")
    assert "you have instructed it; the CSP has not decided yet." in text
    assert f"The last attempt failed: {REASON} ({COMMENTARY})." in text
    assert "What to do: Look into the failure first. Wait for the CSP's decision" in text
    assert [row[1][:3] for row in rows_of(root, "What you were told about it")] == ["N71"]
    assert "Activation: Failure" in words(root, "//div[@id='history']")


def test_a_release_shows_the_suppliers_list_and_groups(shown: Shown) -> None:
    root = page(shown, f"/releases/{shown.release}")
    assert "hubs, received on" in words(root, "//section[@id='list']")
    ((group, stage, *_, hubs_in_it, _received, said),) = rows_of(root, "Your deployment groups")
    assert (group, stage, hubs_in_it, said) == ("G1", "Pilot", "6", "nothing yet")
    assert "You have instructed none." in words(page(shown, f"/releases/{shown.release}", "gas"))


def test_the_csv_is_that_of_the_party_door(shown: Shown) -> None:
    given = read(shown, "/estate.csv")
    assert given.headers["Content-Disposition"] == 'attachment; filename="estate.csv"'
    token = shown.installation.actors["main"].token
    same = ask(shown, "/party/v1/estate?format=csv", Authorization=f"Bearer {token}")
    assert given.data == same.data


def test_a_request_is_shown_with_its_answer_and_both_can_be_fetched(shown: Shown) -> None:
    listed = page(shown, "/messages?way=requests&kind=SR11.6")
    (link,) = {str(one) for one in listed.xpath("//tbody//a/@href")}
    key = link.removeprefix("/supplier")
    root = page(shown, key)
    assert "I99" in words(root, "//h1")
    assert root.xpath("//section[.//pre]/h2/text()") == ["Message", "Answer"]
    for name, element in (("", b"PreferredPilotSchedule"), ("-answer", b"I99")):
        given = read(shown, f"{key}{name}.xml")
        assert element in given.data
        assert given.headers["Content-Type"] == "application/xml"
    (identity,) = root.xpath("//dt[.='Identity']/following-sibling::dd[1]/text()")
    answer = ask(shown, f"/supplier/search?{urlencode({'q': identity})}", Authorization=me(shown, "main"))
    assert (answer.status, answer.headers["Location"]) == (303, link)


def me(shown: Shown, who: str) -> str:
    actor: Actor = shown.installation.actors[who]
    return basic(actor.token)


def test_what_did_not_arrive_is_shown_with_the_reason_and_what_to_do(shown: Shown) -> None:
    give_up(shown)
    wait_until(lambda: "HTTP 404" in words(page(shown, "", "on54"), "//section[@id='undelivered']"), "it is shown")
    root = page(shown, "", "on54")
    (link, *_) = root.xpath("//section[@id='undelivered']//tbody//a[contains(@href, '/messages/')]/@href")
    text = words(page(shown, str(link).removeprefix("/supplier"), "on54"), "//p[@id='why']")
    assert text.startswith("Delivery was given up: HTTP 404")
    assert "Ask whoever runs the gateway to send it again" in text
    assert "Replay" not in text


def test_the_field_finds_hubs_and_releases(shown: Shown) -> None:
    for name, place in ((shown.failed, f"hubs/{shown.failed}"), (shown.release, f"releases/{shown.release}")):
        answer = ask(shown, f"/supplier/search?{urlencode({'q': name})}", Authorization=me(shown, "main"))
        assert (answer.status, answer.headers["Location"]) == (303, f"/supplier/{place}")


def test_the_field_takes_names_as_they_are_typed_and_finds_groups_and_oneself(shown: Shown) -> None:
    own = shown.installation.actors["main"].eui
    for typed, place in (
        (shown.failed.replace("-", "").lower(), f"/hubs/{shown.failed}"),
        (shown.failed.replace("-", ":"), f"/hubs/{shown.failed}"),
        (shown.release.lower(), f"/releases/{shown.release}"),
        ("g1", f"/releases/{shown.release}#plan"),
        (own.lower(), ""),
    ):
        answer = ask(shown, f"/supplier/search?{urlencode({'q': typed})}", Authorization=me(shown, "main"))
        assert (answer.status, answer.headers["Location"]) == (303, f"/supplier{place}"), typed


def test_whoever_finds_nothing_keeps_the_menu_and_reads_what_can_be_found(shown: Shown) -> None:
    """The group is another supplier's: it is found by nobody else."""
    for path, status in (("/search?q=g1", 404), ("/hubs/x", 400), ("/releases/NONE", 404)):
        root = page(shown, path, "gas", status)
        assert root.xpath("//nav//a/text()") == ["Overview", "Hubs", "Messages"], path
        assert root.xpath("//form[@role='search']"), path
    assert "in either case" in words(page(shown, "/search?q=g1", "gas", 404))


def test_a_refused_request_says_why_and_what_one_can_do(shown: Shown) -> None:
    hub = shown.play.lot["uncommissioned"][0]
    assert shown.play.pilot_list("main", add=[hub]).code == "E110502"
    listed = page(shown, "/messages?way=requests&kind=SR11.5&state=E110502")
    link = str(listed.xpath("//tbody//a[contains(@href, '/messages/')]/@href")[0])
    root = page(shown, link.removeprefix("/supplier"))
    assert "What you can do: mend what is said of each hub" in words(root, "//div[@id='verdict']")
    assert root.xpath(f"//a[@href='/supplier/hubs/{hub}'] and //dl//a[@href='/supplier/releases/{shown.release}']")


def test_the_list_of_hubs_is_ones_own_whatever_is_asked_of_it(shown: Shown) -> None:
    """A group by the name of another's, and another supplier, find nothing of theirs."""
    assert [row[0] for row in hubs(page(shown, "/hubs?group=G1"))] == sorted(shown.play.lot["own"][:6])
    assert hubs(page(shown, "/hubs?group=G1", "gas")) == []
    assert [row[0] for row in hubs(page(shown, f"/hubs?failed_under={shown.release}"))] == [shown.failed]
    assert hubs(page(shown, f"/hubs?failed_under={shown.release}", "gas")) == []
    assert [row[0] for row in hubs(page(shown, f"/hubs?{urlencode({'reason': REASON})}"))] == [shown.failed]
    assert hubs(page(shown, "/hubs?reason=never+so")) == []


def test_a_task_leads_to_the_hubs_that_it_is_about(shown: Shown) -> None:
    """To as many as it says, too: before, every task led to all that are planned."""
    found = []
    for row in page(shown, "").xpath("//div[@id='tasks']//tbody/tr[td[4]/a]"):
        release, task, _, number, *_ = (" ".join(cell.text_content().split()) for cell in row.xpath("td"))
        path = str(row.xpath("td[4]/a/@href")[0])
        listed = []
        while path:
            root = page(shown, path.removeprefix("/supplier"))
            listed += [one[0] for one in hubs(root)]
            (path,) = root.xpath("//a[@rel='next']/@href") or ("",)
        assert listed, (release, task)
        if task.startswith(("send", "instruct s")):
            assert len(set(listed)) == len(listed) == int(number.replace(",", "")), (release, task)
        if (release, task) == (shown.release, "send preferred schedule"):
            found = listed
    own = shown.play.lot["own"]
    assert own[6] in found, "on the list, and in no group yet"
    assert not {*found} & {*own[:6]}, "they are in a group"
    assert hubs(page(shown, "/hubs?task=send_preferred_schedule&release=NONE")) == []
    unsaid = page(shown, "/hubs?task=send_preferred_schedule", status=400)
    assert "What is asked for is asked under a release: say under which." in words(unsaid)
    assert "The task must be one of" in words(page(shown, "/hubs?task=close_release", status=400))
