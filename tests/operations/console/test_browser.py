"""The console in a browser: light and dark, on a telephone and on a wall, with and without script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from duis_gateway.operations import flags
from duis_gateway.outbox import view as outbox_view
from tests.support.browsers import chromium, cut_off, serious
from tests.support.console_scene import REASON, TOKEN, Shown, give_up
from tests.support.installation import NOW

pytestmark = pytest.mark.processes
Scheme = Literal["light", "dark"]
PAGES = (
    "",
    "releases/{release}",
    "hubs",
    "hubs/{failed}",
    "messages",
    "dead-letters",
    "flags",
    "parties",
    "search?q=x",
)


CUT_OFF = """[
  ...[...document.querySelectorAll(".scroll")].filter(one => one.scrollWidth > one.clientWidth),
  ...[...document.querySelectorAll("td")].filter(
    one => one.clientHeight < parseFloat(getComputedStyle(one, "::before").height)),
].map(one => one.outerHTML.slice(0, 200))"""
"""Tables that are wider than their place, and on a telephone cells whose label lies over the next one's."""


@pytest.fixture(scope="module")
def shown(console_on_sqlite: Shown) -> Shown:
    return console_on_sqlite


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


def addresses(shown: Shown) -> list[str]:
    return [f"{shown.url}/{page.format(release=shown.release, failed=shown.failed)}" for page in PAGES]


@contextmanager
def opened(browser: Browser, refused: int = 0, **how: Any) -> Iterator[Page]:
    """A page of a browser of its own, on which no error may come to pass, but that so many requests are refused."""
    said: list[str] = []
    context = browser.new_context(**how)
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert [one for one in said if "403 (Forbidden)" not in one and "503 (Service Unavailable)" not in one] == []
    assert len(said) == refused


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_and_is_accessible(browser: Browser, shown: Shown, scheme: Scheme, tmp_path: Path) -> None:
    """Nothing serious by WCAG 2.2 AA as axe-core knows it; no page or table is wider than the screen."""
    read_at = {"light": 1280, "dark": 390}[scheme]
    with opened(browser, color_scheme=scheme) as page:
        for address in addresses(shown):
            page.goto(address)
            for width in (2560, 1280, 390):
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (address, width)
                assert page.evaluate(CUT_OFF) == [], (address, width)
                assert cut_off(page) == [], (address, width)
                assert width != read_at or serious(page) == [], address


def test_an_operator_finds_why_a_hub_is_not_updated(browser: Browser, shown: Shown) -> None:
    with opened(browser) as page:
        page.goto(shown.url)
        page.get_by_role("searchbox").fill(shown.failed)
        page.get_by_role("button", name="Find").click()
        expect(page).to_have_url(f"{shown.url}/hubs/{shown.failed}")
        expect(page.locator("#standing")).to_contain_text(REASON)
        page.get_by_role("link", name="N71").click()
        expect(page.locator("pre")).to_contain_text("<sr:FailureReason>")


def see_a_flag(shown: Shown, page: Page, wait: Callable[[], None]) -> None:
    """Let something be flagged: the page shows it after the wait, and what was open on it stays open."""
    before = page.locator("#needs").inner_text()
    page.get_by_text("By region").first.click()
    with shown.installation.store.write() as conn:
        flags.raise_flags(conn, [("seen live", "by nobody")], NOW, "")
    wait()
    expect(page.locator("#needs")).not_to_have_text(before)
    expect(page.locator("details").first).to_have_attribute("open", "")


def test_a_page_takes_in_what_changes_as_it_is_told(browser: Browser, shown: Shown) -> None:
    """This page never looks without being told, but once when it begins to listen."""
    with opened(browser) as page:
        page.add_init_script("window.setInterval = () => 0")
        with page.expect_response(lambda answer: answer.request.resource_type == "fetch"):
            page.goto(shown.url)
        see_a_flag(shown, page, lambda: None)
        expect(page.locator("#told-live")).to_have_text("live")


def test_a_page_that_is_told_nothing_looks_every_ten_seconds(browser: Browser, shown: Shown) -> None:
    with opened(browser, refused=1) as page:
        page.route("**/events", lambda asked: asked.fulfill(status=503))
        page.clock.install()
        page.goto(shown.url)
        see_a_flag(shown, page, lambda: page.clock.fast_forward(10_000))
        expect(page.locator("#told-live")).to_have_text("live, every 10 seconds")


def test_what_is_typed_stays_and_what_waits_is_seen_to_arrive(browser: Browser, shown: Shown) -> None:
    give_up(shown)
    with opened(browser) as page:
        page.goto(f"{shown.url}/dead-letters")
        page.locator("tbody a").first.click()
        token = page.get_by_label("Operators' token")
        token.fill("half of it")
        page.get_by_role("heading", level=1).click()
        with (
            page.expect_response(lambda answer: answer.request.resource_type == "fetch"),
            shown.installation.store.write() as conn,
        ):
            flags.raise_flags(conn, [("seen live", "while somebody types")], NOW)
        expect(token).to_have_value("half of it")
        token.fill("")
        page.get_by_role("heading", level=1).click()
        with shown.installation.store.write() as conn:
            outbox_view.replay(conn)
        expect(page.locator("h1 .badge")).to_have_text("delivered", timeout=20_000)


def test_without_script_a_page_reloads_and_says_so(browser: Browser, shown: Shown) -> None:
    with opened(browser, java_script_enabled=False) as page:
        page.goto(shown.url)
        assert page.locator("noscript meta[http-equiv=refresh]").count() == 1
        expect(page.locator("footer")).to_contain_text("The page reloads every 30 seconds.")
        page.get_by_role("link", name="Dead letters").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Dead letters")
        assert page.locator("noscript meta[http-equiv=refresh]").count() == 0, "a token may be half typed"


def test_a_dead_letter_is_replayed_from_its_page(browser: Browser, shown: Shown) -> None:
    with opened(browser, java_script_enabled=False) as page:
        give_up(shown)
        page.goto(f"{shown.url}/dead-letters")
        page.locator("tbody a").first.click()
        expect(page.locator("#why")).to_contain_text("It is a dead letter: HTTP 404")
        page.get_by_label("Operators' token").fill(TOKEN)
        page.get_by_role("button", name="Replay this message").click()
        expect(page.get_by_role("status")).to_have_text("1 dead letter put back. Back to where you were")


def test_flags_are_chosen_and_acknowledged(browser: Browser, shown: Shown) -> None:
    with shown.installation.store.write() as conn:
        flags.raise_flags(conn, [("one", "of two"), ("two", "of two")], NOW)
    with opened(browser, refused=1) as page:
        page.goto(f"{shown.url}/flags")
        page.get_by_role("checkbox").first.check()
        page.get_by_label("Operators' token").fill("wrong")
        with page.expect_response(lambda answer: answer.request.method == "POST") as refused:
            page.get_by_role("button", name="Acknowledge the selected").click()
        assert refused.value.status == 403
        expect(page.get_by_role("alert")).to_contain_text("the operators' token is wrong")
        page.go_back()
        page.get_by_label("Operators' token").fill(TOKEN)
        page.get_by_role("button", name="Acknowledge all shown").click()
        expect(page.get_by_role("status")).to_contain_text("acknowledged")
        expect(page.locator("main")).to_contain_text("Nothing is flagged.")
