"""A browser for tests of pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright


@contextmanager
def chromium() -> Iterator[Browser]:
    """The distribution's Chromium (Debian: the package `chromium`)."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("there is no Chromium here; Debian's package is called chromium")
    with sync_playwright() as playwright:
        # As root, as in a container, Chromium cannot have its sandbox; it loads pages of this machine alone.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        launched = playwright.chromium.launch(executable_path=program, args=arguments)
        yield launched
        launched.close()


def serious(page: Page) -> list[tuple[str, str]]:
    """What axe-core finds that is serious or worse, each with the first place where it is."""
    found = Axe().run(page).response
    assert found["passes"]
    grave = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
    return [(one["id"], one["nodes"][0]["html"]) for one in grave]


def cut_off(page: Page) -> list[str]:
    """The placeholders of a page that their fields are too narrow for."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("input[placeholder]")].filter((field) => {
            if (!field.getClientRects().length) return false;
            const style = getComputedStyle(field), ruler = document.createElement("canvas").getContext("2d");
            ruler.font = style.font;
            const room = field.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
            return ruler.measureText(field.placeholder).width > room;
        }).map((field) => field.placeholder)"""
    )
    return found
