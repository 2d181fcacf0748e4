"""A supplier's pages in a browser that runs no script: light and dark, on a telephone and on a wall."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browsers import chromium, cut_off, serious
from tests.support.console_scene import REASON, Shown

pytestmark = pytest.mark.processes
Scheme = Literal["light", "dark"]
PAGES = (
    "",
    "/releases/{release}",
    "/hubs",
    "/hubs?state=lost",
    "/hubs/{failed}",
    "/messages",
    "/messages?way=requests",
    "/messages?since=yesterday",
)


@pytest.fixture(scope="module")
def shown(console_on_sqlite: Shown) -> Shown:
    return console_on_sqlite


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@contextmanager
def opened(browser: Browser, shown: Shown, **how: Any) -> Iterator[Page]:
    """A page of a browser that was given the supplier's token when the gateway asked for it."""
    me = shown.installation.actors["main"]
    context = browser.new_context(http_credentials={"username": me.eui, "password": me.token}, **how)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_and_is_accessible(browser: Browser, shown: Shown, scheme: Scheme) -> None:
    """Nothing serious by WCAG 2.2 AA as axe-core knows it; no page is wider than the screen."""
    read_at = {"light": 1280, "dark": 390}[scheme]
    with opened(browser, shown, color_scheme=scheme) as page:
        for place in PAGES:
            page.goto(f"{shown.doors}/supplier{place.format(release=shown.release, failed=shown.failed)}")
            for width in (2560, 1280, 390):
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (place, width)
                assert cut_off(page) == [], (place, width)
                assert width != read_at or serious(page) == [], place


def test_without_script_a_supplier_finds_why_a_hub_is_not_updated(browser: Browser, shown: Shown) -> None:
    with opened(browser, shown, java_script_enabled=False) as page:
        page.goto(f"{shown.doors}/supplier")
        page.get_by_role("listitem").filter(has_text="failed last").get_by_role("link").click()
        page.get_by_role("link", name=shown.failed).click()
        expect(page.locator("#standing")).to_contain_text(REASON)
        page.get_by_role("link", name="N71").click()
        expect(page.locator("pre")).to_contain_text("<sr:FailureReason>")
        assert shown.installation.actors["main"].token not in page.url
