"""The pictures in the docs are taken here, of a sandbox's pages, and what they show is still on the pages.

With DUIS_GATEWAY_TEST_PICTURES they are taken anew: it names the folder, docs/pictures. Beside each picture lie the
headings of its page, of tables too, by which it is seen here that a page has changed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, HttpCredentials

from tests.support.browsers import chromium
from tests.support.cli import SUPPLIER, run
from tests.support.sandboxes import RunningSandbox, sandbox

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
VARIABLE = "DUIS_GATEWAY_TEST_PICTURES"
AGAIN = f"take the pictures anew: {VARIABLE}=docs/pictures python -m pytest tests/docs/{Path(__file__).name}"
PASTED = "([from, to]) => { document.body.innerHTML = document.body.innerHTML.replaceAll(from, to) }"

pytestmark = [pytest.mark.processes, pytest.mark.once]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """A pilot under way: a group that has been decided, hubs that run the release, and one that failed."""
    hubs = [1, 2, 3, 4, 5, 6, 7, 8]
    with sandbox(tmp_path_factory.mktemp("pictures") / "work") as running:
        running.do("choose", supplier="you", hub=hubs)
        running.do("instruct", supplier="you", hub=hubs, group="FIRST-WEEK", start="+14d", end="+21d")
        running.do("group", group="FIRST-WEEK", decision="accepted")
        running.do("clock", to="+14d")
        running.do("activate", hub=[1, 2, 4, 5, 7])
        running.do("fail", hub=[3], reason="noImageHeld")
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


def address(shown: RunningSandbox, name: str) -> str:
    if name == "sandbox":
        return f"http://127.0.0.1:{shown.port}/"
    if name == "supplier":
        return f"{shown.status()['gateway']}/supplier"
    console = re.search(r"The gateway's console: (http://\S+?)/?;", shown.said)
    assert console is not None
    return f"{console[1]}/releases/SEC-2027-A"


def token(shown: RunningSandbox) -> HttpCredentials:
    """What a browser is asked for on the supplier's own pages."""
    printed = run("party", "token", SUPPLIER, "--config", shown.folder / "gateway.toml")
    return {"username": "", "password": printed.output.strip()}


@pytest.mark.parametrize("name", ["console", "sandbox", "supplier"])
def test_a_picture_shows_the_page_as_it_is(shown: RunningSandbox, browser: Browser, name: str, tmp_path: Path) -> None:
    folder = Path(os.environ.get(VARIABLE, tmp_path))
    credentials = token(shown) if name == "supplier" else None
    page = browser.new_page(viewport={"width": 1280, "height": 900}, http_credentials=credentials)
    page.goto(address(shown, name))
    headings = page.locator("h1, h2, h3, th, dt").all_inner_texts()
    page.evaluate(PASTED, [str(shown.folder), "sandbox-work"])  # where it lies here tells a reader nothing
    page.screenshot(path=folder / f"{name}.png")
    page.close()
    words = "".join(f"{line}\n" for one in headings for line in one.splitlines() if line)
    (folder / f"{name}.txt").write_text(words, encoding="utf-8")
    assert words == (PICTURES / f"{name}.txt").read_text("utf-8"), AGAIN
    assert (PICTURES / f"{name}.png").stat().st_size > 10_000
