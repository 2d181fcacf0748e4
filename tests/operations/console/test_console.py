"""The console of a running gateway: what an operator finds on its pages, and what can be changed there."""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from lxml import etree, html

from duis_gateway.duis.identifiers import format_eui, parse_eui
from duis_gateway.operations import actions, flags
from duis_gateway.outbox import view as outbox_view
from tests.support.asked import Answered, exchange
from tests.support.console_scene import COMMENTARY, REASON, TOKEN, Shown, give_up
from tests.support.installation import NOW, wait_until

pytestmark = pytest.mark.processes


def ask(shown: Shown, method: str, path: str, body: str | None = None, **headers: str) -> Answered:
    return exchange(shown.url, method, path, body, headers)


def get(shown: Shown, path: str, status: int = 200) -> html.HtmlElement:
    """A page, with its figures, and what holds for every page."""
    answer = ask(shown, "GET", path)
    while b"being counted." in answer.data:
        answer = ask(shown, "GET", path)
    assert answer.status == status, (path, answer.status, answer.data[:500])
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    root = html.document_fromstring(answer.data.decode())
    assert root.xpath("//style | //*[@style] | //*[@onclick] | //script[not(@src)]") == []
    return root


def post(shown: Shown, path: str, fields: dict[str, str], **headers: str) -> Answered:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return ask(shown, "POST", path, urlencode(fields), **form, **headers)


def cells(root: html.HtmlElement, title: str) -> list[list[str]]:
    (section,) = root.xpath(f'//section[h2="{title}"]')
    return cells_of(section)


def cells_of(part: html.HtmlElement) -> list[list[str]]:
    return [[" ".join(cell.text_content().split()) for cell in row.xpath("td")] for row in part.xpath(".//tbody/tr")]


def words(root: html.HtmlElement, path: str = "//main") -> str:
    (found,) = root.xpath(path)
    return " ".join(found.text_content().split())


def sought(shown: Shown, name: str) -> str:
    """Where the field for everything leads to."""
    answer = ask(shown, "GET", f"/search?{urlencode({'q': name})}")
    assert answer.status == 303, answer.data[:300]
    return answer.headers["Location"]


def of_supplier(shown: Shown, path: str, status: int = 200) -> html.HtmlElement:
    """One of a supplier's own pages, with its figures."""
    token = b64encode(f":{shown.installation.actors['main'].token}".encode()).decode()
    while True:
        answer = exchange(shown.doors, "GET", f"/supplier{path}", None, {"Authorization": f"Basic {token}"})
        assert answer.status == status, (path, answer.data[:500])
        if b"being counted" not in answer.data:
            return answer.root


def form_token(root: html.HtmlElement) -> str:
    (token,) = {str(value) for value in root.xpath("//input[@name='form']/@value")}
    return token


# --- what is shown ------------------------------------------------------------------------------------------------


@pytest.mark.requirement("BR-5.5")
def test_the_overview_shows_how_far_each_release_is_and_whose_turn_it_is(shown: Shown) -> None:
    root = get(shown, "/")
    (card,) = root.xpath(f"//article[h3/a='{shown.release}']")
    text = " ".join(card.text_content().split())
    hubs = [
        hub for hub in shown.play.lot.owners if hub not in shown.play.lot["uncommissioned"] + shown.play.lot["no_hub"]
    ]
    active = [hub for hub in hubs if shown.play.version(hub) == "9002"]
    assert f"All hubs {len(active)} of {len(hubs)} 1 failed" in text
    (listed,) = card.xpath(".//a[.='All hubs']/@href")
    assert len(get(shown, str(listed)).xpath("//div[@aria-label='Hubs']//tbody/tr")) == len(hubs), "those counted"
    assert "Pilot" in text
    assert "Safe launch" in text
    assert "piloting" in text
    assert "send default list 4G North - its date had passed when the notice came" in text
    assert "decide on proposed pause - as soon as possible" in text
    assert f"supplier {shown.play['main'].eui}: send preferred schedule, 2 hubs" in text
    assert "What suppliers have to do was worked out" in text
    assert "Worked out" in words(root, "//div[@id='outstanding']")
    assert card.xpath(".//svg[@role='img'][contains(@aria-label, '% active')]")
    assert "Hubs were counted" in words(root)


@pytest.mark.requirement("BR-5.5")
def test_and_so_many_more_tasks_are_as_many_in_all_places(shown: Shown) -> None:
    """The overview and the release's page counted differently, and the table to which both lead had yet more."""
    seen = 0
    overview = get(shown, "/")
    for release in (shown.release, shown.successor.lot.release):
        (card,) = overview.xpath(f"//article[h3/a='{release}']")
        page = get(shown, f"/releases/{release}")
        who = Counter(page.xpath("//*[@id='tasks']//tbody/tr/td[1]//*[@class='eui']/text()"))
        for turns in (card.xpath(".//ul[@class='turn']/li"), page.xpath("//section[@id='turn']//li")):
            counted: Counter[str] = Counter()
            for one in turns:
                more = re.search(r"and (\d+) more task", one.text_content())
                for party in one.xpath(".//span[@class='eui'][1]/text()")[:1]:
                    counted[party] += 1 + int(more[1] if more else 0)
            assert counted.items() <= who.items()
            seen += counted.total() - len(turns)
    assert seen > 0, "somebody has more tasks than are shown"


def test_the_stages_on_the_overview_are_those_of_the_release_itself(shown: Shown) -> None:
    """The overview had the plan's dates: a release was piloting before it was notified."""

    def stages(root: html.HtmlElement) -> list[str]:
        return [" ".join(one.text_content().split()) for one in root.xpath(".//ol[@class='steps']/li")]

    overview = get(shown, "/")
    for release in (shown.release, shown.successor.lot.release):
        (card,) = overview.xpath(f"//article[h3/a='{release}']")
        assert stages(card) == stages(get(shown, f"/releases/{release}")) != []
        assert stages(of_supplier(shown, f"/releases/{release}")) == stages(card)


def test_the_suppliers_page_says_of_its_hubs_what_the_console_says(shown: Shown) -> None:
    """Their figures went apart as soon as another release for the model was announced."""
    bars = "//dl[@class='bars']/dt[.='{}']/following-sibling::dd[@class='figure'][1]"

    def figure(root: html.HtmlElement, name: str) -> str:
        found = root.xpath(bars.format(name))[0]
        return " ".join(found.text_content().split())

    main = shown.play["main"].eui
    for release in (shown.release, shown.successor.lot.release):
        theirs = figure(of_supplier(shown, f"/releases/{release}"), "Your hubs")
        assert theirs == figure(get(shown, f"/releases/{release}"), main)
        assert " of " in theirs


def test_a_tile_says_whose_tasks_it_counts(shown: Shown) -> None:
    assert "of DCC and the CSPs" in words(get(shown, "/"), "//ul[@class='tiles']/li[2]")
    said = "No supplier has missed an obligation to the pilot of a release in flight."
    assert said in words(get(shown, "/"), "//div[@id='missed']")


def test_what_is_not_delivered_is_shown_with_the_reason(shown: Shown) -> None:
    give_up(shown)
    wait_until(lambda: "dead letter" in words(get(shown, "/"), "//div[@id='outbox']"), "it is on the overview")
    rows = cells(get(shown, "/"), "Outbox")
    by_recipient = {row[0]: row for row in rows}
    dead = by_recipient[shown.play["on54"].eui]
    assert dead[2] == "dead letter"
    assert "HTTP 404" in dead[5]
    waiting = [row for row in rows if row[0] == shown.play["on50"].eui and row[2] == "pending"]
    assert not waiting or "the last attempt failed" in waiting[0][5]


def test_a_release_shows_its_stages_failures_tasks_and_activations(shown: Shown) -> None:
    root = get(shown, f"/releases/{shown.release}")
    assert root.xpath("//li[@aria-current='step']/b/text()") == ["piloting"]
    assert cells(root, "Failures by reason") == [["Activation", REASON, "1"]]
    assert [row[1] for row in cells(root, "History")][:3] == ["notified", "approved", "pilot begins"]
    tasks = {(row[0].split()[0].lower(), row[1]) for row in cells(root, "Everybody's tasks")}
    assert {
        ("supplier", "send preferred schedule"),
        ("csp", "send default list"),
        ("dcc", "report pilot outcome"),
    } <= tasks
    failed = "1 of 7 hubs failed within 24 hours"
    assert f"A pause is proposed: {failed}, awaiting DCC" in words(root, "//section[@id='turn']")
    assert "1 % of at least 1 hub within 24 hours: a pause is proposed to DCC" in words(root, "//section[@id='terms']")
    assert cells(root, "History")[3][1] == f"pause proposed: {failed}; the release's threshold is 1 %"
    assert root.xpath("//figure//svg[@role='img']")
    bars = root.xpath("//figure//svg/rect")
    assert len(bars) == 6
    assert root.xpath("string((//section[@id='activations']//tbody/tr)[last()]/td[3])") == "8"
    assert any(row[2].startswith("D-") for row in cells(root, "The CSPs' own schedules"))


@pytest.mark.requirement("BR-5.3")
def test_a_hub_shows_why_it_is_not_updated_and_what_was_told(shown: Shown) -> None:
    root = get(shown, sought(shown, shown.failed.lower()))
    headline = words(root, "//div[@id='standing']/div")
    assert headline.startswith(f"failed under {shown.release} (piloting), for 2027-")
    assert "What to do: Look into the failure first." in headline
    assert REASON in headline
    assert COMMENTARY in headline
    ((completed, *_, outcome_message),) = cells(root, "Outcomes that CSPs reported")
    assert completed == "2027-03-30 08:55:00"
    assert outcome_message == "open"
    (link,) = root.xpath("//div[@id='outcomes']//td[last()]/a/@href")
    assert "ActivateFirmwareResponses" in words(get(shown, link), "//h1")
    told = cells(root, "Who was told what about it, and when")
    assert [(row[1], row[2], row[4]) for row in told] == [("N71", shown.play["main"].eui, "delivered")]
    assert {row[1] for row in cells(root, "Everything that happened, newest first")} >= {"instructed", "CS06 sent"}


def test_a_hub_that_is_active_shows_its_n64(shown: Shown) -> None:
    root = get(shown, f"/hubs/{shown.active}")
    assert words(root, "//div[@id='standing']/div").startswith("activated")
    assert "N64" in [row[1] for row in cells(root, "Who was told what about it, and when")]


def test_a_message_shows_who_signed_it_its_answer_and_its_exact_bytes(shown: Shown) -> None:
    request_id = shown.play.installation.request_id("main")
    shown.play.send("main", shown.play.reading("main", shown.active, request_id=request_id))
    sent = shown.play.sent.signed
    page = sought(shown, request_id)
    root = get(shown, page)
    text = words(root)
    assert f"registered for {shown.play['main'].eui} (valid, OU 87)" in text
    assert "I0" in words(root, "//h1")
    message, answer = (pre.text_content() for pre in root.xpath("//pre"))
    assert "<sr:ReadInventory>" in message
    assert "DSPInventory" in answer
    raw = ask(shown, "GET", f"{page}.xml")
    assert raw.data == sent
    assert "attachment" in raw.headers["Content-Disposition"]
    assert etree.fromstring(ask(shown, "GET", f"{page}-answer.xml").data).tag.endswith("Response")


def test_messages_are_found_by_party_kind_time_hub_and_state(shown: Shown) -> None:
    supplier = shown.play["main"].eui

    def found(**asked: str) -> list[list[str]]:
        return cells_of(get(shown, f"/messages?{urlencode(asked)}"))

    assert {row[1] for row in found(way="sent", party=supplier, kind="N71")} == {"N71"}
    assert {row[6] for row in found(way="sent", hub=shown.active)} == {shown.active}
    assert [row[1] for row in found(way="requests", party=supplier, kind="SR11.6")] == ["SR11.6"]
    assert {row[2].split()[0] for row in found(way="partners", party=shown.play["north"].eui)} == {
        shown.play["north"].eui
    }
    assert all("dead letter" in row[3] for row in found(way="sent", state="dead"))
    assert found(way="sent", since="2027-03-30", until="2027-03-31")
    assert found(way="sent", until="2027-03-29 12:00") == found(way="requests", since="2027-04-01T00:00Z") == []
    assert found(way="sent", state="dead") == found(way="sent", state="Dead letter") != []
    assert found(way="sent", kind="n71") == found(way="sent", kind="N71") != []
    assert {row[3] for row in found(way="partners", state="partly accepted")} == {"PartlyAccepted"}
    refused = get(shown, "/messages?way=sent&state=lost", 400)
    assert "pending, in flight, delivered or a dead letter, not 'lost'" in words(refused)


def test_a_page_of_messages_leads_to_the_older_ones(shown: Shown) -> None:
    seen: list[str] = []
    path = "/messages?way=sent"
    while path:
        root = get(shown, path)
        seen += root.xpath("//tbody/tr/td[2]/a/@href")
        (path,) = root.xpath("//a[@rel='next']/@href") or [""]
    with shown.installation.store.read() as conn:
        stored = {f"/messages/sent-{one.id}" for one in outbox_view.entries(conn, limit=10_000)}
    assert len(seen) == len(set(seen))
    assert stored <= set(seen)


def test_why_a_message_waits_stands_on_its_page_with_its_attempts(shown: Shown) -> None:
    give_up(shown)
    dead = get(shown, "/dead-letters").xpath("//tbody/tr/td[2]/a/@href")[0]
    root = get(shown, dead)
    assert words(root, "//p[@id='why']").startswith("It is a dead letter: HTTP 404")
    assert "HTTP 404" in cells(root, "Failed attempts")[0][1]
    listed = get(shown, "/dead-letters").xpath("//tbody/tr[td[2]/a[contains(., 'N64') or contains(., 'N71')]]")
    assert all(row.xpath("td[8]/a/@href") for row in listed), "about one hub, which was not said"
    hub = get(shown, f"/hubs/{shown.waiting}")
    assert [row[1] for row in cells(hub, "Who was told what about it, and when")] == ["N999 (for N64)"]
    page = get(shown, hub.xpath("//div[@id='told']//td[2]/a/@href")[0])
    assert words(page, "//h1").startswith("N999 (for N64) ")
    assert "N999 (for N64)" in {row[1] for row in cells_of(get(shown, "/messages?kind=N999"))}
    why = words(page, "//p[@id='why']")
    assert why.startswith(("The last attempt failed: ", "It is being delivered now"))


def test_parties_and_certificates_are_listed_with_the_time_they_have(shown: Shown) -> None:
    root = get(shown, "/parties")
    known = {row[0]: row for row in cells(root, "Parties")}
    assert known[shown.play["suspended"].eui][4] == "suspended"
    assert known[shown.play["main"].eui][6] == "missing"
    assert {row[1] for row in cells(root, "Certificates")} == {"valid"}
    assert sought(shown, shown.play["idle"].eui) == f"/parties#{shown.play['idle'].eui}"


def test_what_is_not_there_is_said_on_a_page_of_its_own(shown: Shown) -> None:
    for path, status, said in (
        ("/releases/nothing", 404, "there is no release 'nothing'"),
        ("/hubs/00-DB-12-FF-FF-FF-FF-FF", 404, "is not in the inventory"),
        ("/hubs/x", 400, "the hub"),
        ("/messages/sent-999999999", 404, "there is no message"),
        ("/messages?party=x", 400, "the party"),
        ("/messages?since=yesterday", 400, "a time in UTC such as 2027-03-30 09:00, not 'yesterday'"),
        ("/messages?way=up", 400, "requests, partners, sent"),
        ("/messages?way=partners&release=R1", 400, "Release is only for sent messages"),
        ("/messages?way=requests&channel=http", 400, "By is only for sent messages"),
        ("/hubs?task=instruct_anew", 400, "say under which"),
        (f"/hubs?task=instruct_safe_launch&release={shown.release}", 400, "say which supplier"),
    ):
        assert said in words(get(shown, path, status)), path


@pytest.mark.parametrize(
    ("path", "field", "said", "kept"),
    [
        ("/messages?way=sent&kind=N64&since=yesterday", "since", "not 'yesterday'", {"kind": "N64"}),
        ("/messages?way=partners&release=R1", "release", "only for sent messages", {"way": "partners"}),
        ("/hubs?model=M&supplier=x", "supplier", "not an EUI-64: 'x'", {"model": "M"}),
        ("/hubs?state=lost&reason=r", "state", "must be one of activated", {"reason": "r"}),
    ],
)
def test_a_form_with_a_wrong_field_comes_back_as_it_was_filled_in(
    shown: Shown, path: str, field: str, said: str, kept: dict[str, str]
) -> None:
    """A bare page said what was wrong, and all that had been filled in was lost."""
    pages = [get(shown, path, 400)]
    if field != "supplier":
        pages.append(of_supplier(shown, path.replace("partners", "requests"), 400))
    for root in pages:
        (wrong,) = root.xpath("//form[@class='filter']//*[@aria-invalid='true']")
        assert wrong.get("name") == field
        assert said in words(root, f"//*[@id='{wrong.get('aria-describedby')}']")
        assert "Nothing was looked for" in words(root, "//*[@role='alert']")
        (form,) = [one for one in root.forms if one.get("class") == "filter"]
        assert {name: form.fields[name] for name in kept} in (kept, {"way": "requests"})
        assert not root.xpath("//table")
    given = dict(parse_qsl(path.partition("?")[2]))
    if field != "state":
        assert pages[0].xpath(f"//input[@name='{field}']/@value") == [given[field]], "to be corrected"


def test_fixed_words_are_found_in_any_case_and_what_there_is_not_is_said(shown: Shown) -> None:
    """Each gave "No such hub." without a hint."""
    release, model = shown.release, shown.play.lot.model
    for path, said in (
        (f"/hubs?release={release.swapcase()}", f"did you mean {release}?"),
        (f"/hubs?failed_under={release.swapcase()}", f"did you mean {release}?"),
        (f"/hubs?model={model.swapcase()}x", f"did you mean {model}?"),
        ("/hubs?manufacturer=nobody", "No manufacturer is called nobody."),
        ("/hubs?status=commision", "did you mean Commissioned?"),
        ("/hubs?csp_region=west", "No region is called west"),
        (f"/messages?way=sent&release={release.swapcase()}", f"did you mean {release}?"),
    ):
        assert said in words(get(shown, path)), path
        assert said in words(of_supplier(shown, path)), path
    nobody = "90-B3-D5-99-99-99-99-99"
    for path in (f"/hubs?supplier={nobody}", f"/hubs?csp={nobody}", f"/messages?way=sent&party={nobody}"):
        assert f"No party is registered with the EUI-64 {nobody}." in words(get(shown, path)), path
    for one in (get, of_supplier):
        typed, written = (
            one(shown, f"/hubs?{which}")
            for which in ("csp_region=north&status=COMMISSIONED", "csp_region=North&status=Commissioned")
        )
        found = [root.xpath("//div[@aria-label='Hubs']//a/@href") for root in (typed, written)]
        assert found[0] == found[1] != []


def test_a_field_that_a_form_does_not_have_is_said_above_the_empty_form(shown: Shown) -> None:
    root = get(shown, "/hubs?failed=X&model=M", 400)
    assert "There is no field 'failed' here" in words(root, "//*[@role='alert']")
    assert root.xpath("//input[@name='model']/@value") == ["M"]


def test_an_address_that_there_is_not_gives_a_browser_a_page_and_others_problem_details(shown: Shown) -> None:
    """A browser cannot show problem details: it stored them as a file."""
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    for path in ("/dead", "/parties/90-B3-D5-1F-30-01-00-00", "/hubs/x/y"):
        answer = ask(shown, "GET", path, Accept=browser)
        assert answer.status == 404, path
        assert answer.headers["Content-Type"].startswith("text/html")
        root = html.document_fromstring(answer.data.decode())
        assert "There is nothing here" in words(root)
        assert root.xpath("//nav//a[@href='/']")
        for accept in ({}, {"Accept": "*/*"}):
            plain = ask(shown, "GET", path, **accept)
            assert (plain.status, plain.headers["Content-Type"]) == (404, "application/problem+xml")
    assert "Nothing is called zzz" in words(get(shown, "/search?q=zzz"))


def test_a_number_alone_does_not_lead_to_a_message_without_a_word(shown: Shown) -> None:
    """It may be meant for a hub, as the sandbox numbers them."""
    root = get(shown, "/search?q=1")
    assert "A message has the number 1" in words(root)
    assert "A hub has no number here: it is found by its EUI-64." in words(root)
    assert root.xpath("//main//a/@href") == ["/messages/sent-1"]
    assert sought(shown, "sent-1") == "/messages/sent-1"


def test_nothing_that_others_wrote_becomes_markup(shown: Shown) -> None:
    for path in ("/", f"/releases/{shown.release}", f"/hubs/{shown.failed}"):
        assert not [one for one in get(shown, path).xpath("//b") if "No radio" in one.text_content()], path


# --- what changes something ---------------------------------------------------------------------------------------


def _dead(shown: Shown) -> int:
    return shown.installation.outbox()["dead"]


@pytest.mark.requirement("BR-5.5")
def test_a_dead_letter_is_replayed_with_the_token_and_kept_as_evidence(shown: Shown) -> None:
    supplier = shown.play["on54"]
    give_up(shown)
    page = get(shown, "/dead-letters")
    answer = post(
        shown,
        "/dead-letters",
        {"recipient": supplier.eui, "form": form_token(page), "token": TOKEN},
        Origin=shown.url,
        **{"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status == 303, answer.data
    wait_until(lambda: _dead(shown) == 0, "what was replayed is delivered")
    assert "put back" in words(get(shown, answer.headers["Location"]))
    with shown.installation.store.read() as conn:
        done = actions.newest(conn)[0]
    assert (done.action, done.subject, done.remote) == ("replay", f"all of {supplier.eui}", "127.0.0.1")
    assert '"event": "operator_action"' in shown.installation.log.read_text(encoding="utf-8")
    assert f"all of {supplier.eui}" in words(get(shown, "/dead-letters"))


def open_flag(shown: Shown) -> tuple[html.HtmlElement, str]:
    """The page of flags with a new one, and that one's number."""
    with shown.installation.store.write() as conn:
        flags.raise_flags(conn, [("new", "of this test")], NOW)
    root = get(shown, "/flags")
    return root, str(root.xpath("//input[@name='flag']/@value")[0])


def test_flags_are_acknowledged_with_the_token(shown: Shown) -> None:
    root, chosen = open_flag(shown)
    before = len(root.xpath("//input[@name='flag']"))
    answer = post(shown, "/flags", {"flag": chosen, "form": form_token(root), "token": TOKEN})
    assert answer.status == 303, answer.data
    after = get(shown, answer.headers["Location"])
    assert "1 flag acknowledged" in words(after)
    assert len(after.xpath("//input[@name='flag']")) == before - 1
    with shown.installation.store.read() as conn:
        (seen,) = [one for one in flags.newest(conn, 500) if one.id == int(chosen)]
    assert seen.acknowledged_at == NOW


def test_a_flag_leads_to_what_it_is_about_and_says_what_to_do(shown: Shown) -> None:
    with shown.installation.store.write() as conn:
        raised = [
            ("high priority", shown.release),
            ("unmatched", shown.active),
            ("missed obligation", f"{shown.release} x"),
        ]
        flags.raise_flags(conn, raised, NOW)
    root = get(shown, "/flags")
    links = root.xpath("//div[@aria-label='Open flags']//td[4]/a/@href")
    assert {f"/releases/{shown.release}", f"/hubs/{shown.active}"} <= set(links)
    assert "Ask the CSP for the CS06 that this outcome belongs to" in words(root)
    assert f"it is settled, and the page of {shown.release} says how." in words(root), "there is no such incident"


@pytest.mark.parametrize(
    ("changed", "headers", "said"),
    [
        ({"token": "wrong"}, {}, "the operators' token is wrong"),
        ({"token": ""}, {}, "the operators' token is wrong"),
        ({"form": "0" * 64}, {}, "the form is too old, or does not come from this console"),
        ({}, {"Origin": "http://evil.example"}, "another site's page"),
        ({}, {"Origin": "null"}, "another site's page"),
        ({}, {"Origin": "http://["}, "another site's page"),
        ({}, {"Origin": "http://[::1"}, "another site's page"),
        ({}, {"Sec-Fetch-Site": "cross-site"}, "another site's page"),
        ({}, {"Sec-Fetch-Site": "same-site"}, "another site's page"),
    ],
    ids=str,
)
def test_what_is_not_ours_changes_nothing(
    shown: Shown, changed: dict[str, str], headers: dict[str, str], said: str
) -> None:
    root, chosen = open_flag(shown)
    answer = post(shown, "/flags", {"flag": chosen, "form": form_token(root), "token": TOKEN, **changed}, **headers)
    assert answer.status == 403
    assert said in words(html.document_fromstring(answer.data.decode()))
    assert root.xpath("//input[@name='flag']/@value") == get(shown, "/flags").xpath("//input[@name='flag']/@value")


def test_a_form_for_one_action_is_none_for_another(shown: Shown) -> None:
    root, _ = open_flag(shown)
    token = form_token(root)
    answer = post(shown, "/dead-letters", {"recipient": shown.play["on54"].eui, "form": token, "token": TOKEN})
    assert answer.status == 403


def test_only_forms_are_taken(shown: Shown) -> None:
    assert ask(shown, "POST", "/flags", "{}", **{"Content-Type": "application/json"}).status == 415
    assert ask(shown, "POST", "/parties", "x").status == 405


def test_the_addresses_of_pages_are_short_and_their_names_safe(shown: Shown) -> None:
    assert urlsplit(sought(shown, shown.release)).path == f"/releases/{shown.release}"
    assert sought(shown, format_eui(parse_eui(shown.active))) == f"/hubs/{shown.active}"


def test_what_is_sought_may_be_typed_as_it_is_written_anywhere(shown: Shown) -> None:
    """With any separators or none, in either case; a partner's message as the sandbox calls it."""
    hub = f"/hubs/{shown.failed}"
    for typed in (shown.failed.replace("-", "").lower(), shown.failed.replace("-", ":"), f" {shown.failed.lower()} "):
        assert sought(shown, typed) == hub, typed
    assert words(get(shown, f"/hubs/{shown.failed.replace('-', '').lower()}"), "//h1") == f"Hub {shown.failed}"
    assert sought(shown, shown.release.lower()) == f"/releases/{shown.release}"
    (link,) = get(shown, hub).xpath("//div[@id='outcomes']//td[last()]/a/@href")
    page = get(shown, link)
    (identity,) = page.xpath("//dt[.='Identity']/following-sibling::dd[1]/text()")
    (sender,) = page.xpath("//dt[.='From']/following-sibling::dd[1]/a/text()")
    assert sought(shown, f"{sender}/{identity}") == sought(shown, f"{sender}/{identity}".upper()) == link
    for hyphen in ("\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2212", "\u00ad", "\u00a0"):
        assert sought(shown, shown.failed.replace("-", hyphen)) == hub, hyphen
    assert sought(shown, "0x" + shown.failed.replace("-", "")) == hub
    assert sought(shown, shown.release.replace("-", "\u2013")) == f"/releases/{shown.release}"
    pasted = shown.play["main"].eui.replace("-", "\u2013")
    assert listed(get(shown, f"/hubs?{urlencode({'supplier': pasted, 'state': 'failed'})}")) == [shown.failed]
    (request, *_) = get(shown, "/messages?way=requests").xpath("//tbody/tr")
    (link, *_) = request.xpath("td[2]/a/@href")
    name = request.xpath("td[5]")[0].text_content().strip()
    for typed in (name, name.replace("-", "").lower(), name.replace("-", ":")):
        assert sought(shown, typed) == link, typed
    (link,) = get(shown, hub).xpath("//div[@id='outcomes']//td[last()]/a/@href")
    assert "Nothing is called" in words(get(shown, f"/search?q={shown.active}/{identity}"))
    (told,) = get(shown, hub).xpath("//div[@id='told']//td[2]/a/@href")
    number = told.rpartition("-")[2]
    assert sought(shown, f"sent-{number}") == told
    assert get(shown, f"/search?q={number}").xpath("//main//a/@href") == [told]


def test_a_group_is_found_and_a_miss_says_what_can_be_found(shown: Shown) -> None:
    place = sought(shown, "g1")
    root = get(shown, place)
    assert sorted(listed(root)) == sorted(shown.play.lot["own"][:6])
    assert f"Group G1 of {shown.play['main'].eui} for {shown.release}: Pilot, " in words(root)
    assert "What the CSPs said of it: " in words(root)
    assert sought(shown, "d-north") == f"/releases/{shown.release}#offers"
    miss = get(shown, "/search?q=zzz")
    assert "in either case" in words(miss)
    assert miss.xpath("//form[@role='search']")
    assert miss.xpath("//nav")


@pytest.mark.requirement("BR-5.2")
def test_a_refused_request_says_in_words_why_of_which_hub_and_what_can_be_done(shown: Shown) -> None:
    hub = shown.play.lot["uncommissioned"][0]
    answer = shown.play.pilot_list("main", add=[hub])
    assert answer.code == "E110502"
    listed = get(shown, "/messages?way=requests&kind=SR11.5&state=E110502")
    root = get(shown, listed.xpath("//tbody//a[contains(@href, '/messages/')]/@href")[0])
    said = words(root, "//div[@id='verdict']")
    assert "E110502: no hub is acceptable; they are listed" in said
    assert "What the sender can do: mend what is said of each hub, or name other hubs" in said
    assert "a new RequestID" in said
    assert [hub, "not commissioned (NotCommissionedDeviceIDList)"] in cells(root, "What was not accepted")
    assert root.xpath(f"//dl//a[@href='/releases/{shown.release}']")
    assert not get(shown, "/messages?way=requests&kind=SR11.6").xpath("//div[@id='verdict']")


def listed(root: html.HtmlElement) -> list[str]:
    """The hubs of a list."""
    return [str(hub) for hub in root.xpath("//div[@aria-label='Hubs']//tbody/tr/td[1]/a/text()")]


def test_a_field_that_there_is_not_is_refused_with_those_that_there_are(shown: Shown) -> None:
    """Before, it was left out without a word, and everything was listed."""
    for path in ("/hubs", "/messages", "/flags", "/dead-letters", "/search"):
        assert "There is no field 'failed' here, only " in words(get(shown, f"{path}?failed=X", 400)), path


@pytest.mark.requirement("BR-5.3")
def test_the_numbers_lead_to_the_hubs_that_they_count(shown: Shown) -> None:
    """Whoever sees "1 failed" need not know an EUI-64 to read which one, and why."""
    root = get(shown, f"/releases/{shown.release}")
    (by_reason,) = root.xpath("//div[@id='failures']//td[3]/a/@href")
    (whole, *_) = root.xpath("//section[@id='progress']//a[contains(., 'failed')]/@href")
    for link in (by_reason, whole):
        assert listed(get(shown, link)) == [shown.failed], link
    assert REASON in words(get(shown, whole), "//div[@aria-label='Hubs']")
    for query, expected in (("state=failed", {shown.failed}), ("state=instructed&csp_region=North", None)):
        found = listed(get(shown, f"/hubs?release={shown.release}&{query}"))
        assert expected is None or set(found) == expected
        assert set(found) <= set(shown.play.lot.owners)
    main = shown.play["main"].eui
    assert shown.failed in listed(get(shown, f"/hubs?supplier={main}&state=failed"))
    assert "The void must be one of" in words(get(shown, "/hubs?void=x", 400))
    assert get(shown, "/hubs?state=failed").xpath("//*[@data-live]//tbody"), "the list follows what happens"
