"""Pages: what is filled in is escaped, what is missing is an error, and everybody can read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from lxml import html

from duis_gateway.text.counts import counted
from duis_gateway.text.pages import render, show_duration, show_time

ROOT = Path(__file__).resolve().parents[2]
FRAME = (ROOT / "duis_gateway" / "text" / "page.css").read_text(encoding="utf-8")
TEMPLATES = sorted(
    path for folder in ("duis_gateway", "esi", "csp_mgmt_gw", "tests") for path in (ROOT / folder).rglob("*.html")
)
EVIL = "<script>alert(1)</script>\"'&{{ 7 * 7 }}"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_turns_the_escape_off(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\|\s*safe\b|autoescape|Markup", text)
    columns = [tag for tag in re.findall(r"<th\b[^>]*>", text) if "scope=" not in tag]
    assert columns == [], "a header says which cells it is of"


def test_what_is_filled_in_stays_text() -> None:
    link = "https://x.example/?" + EVIL
    facts = {"subject": EVIL, "paragraphs": [EVIL], "facts": [(EVIL, link)], "footer": EVIL}
    page = html.fromstring(render("duis_gateway.outbox.emails/email.html", **facts))
    assert list(page.iter("script")) == []
    assert [one.text for one in page.iter("title", "p", "th", "a")] == [EVIL] * 3 + [link, EVIL]
    assert [one.get("href") for one in page.iter("a")] == [link]


def test_control_characters_are_shown_and_not_obeyed() -> None:
    """T70: a direction mark would let a page say the opposite of what was written."""
    page = render("duis_gateway.outbox.emails/email.html", subject="a\u202eb\x9b", paragraphs=[], facts=[], footer="")
    assert html.fromstring(page).findtext(".//title") == r"a\u202eb\x9b"


def test_a_name_that_a_template_is_not_given_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="paragraphs"):
        render("duis_gateway.outbox.emails/email.html", subject="x", facts=(), footer="")


def test_times_lengths_and_counts_are_shown_in_one_way() -> None:
    assert show_time(datetime(2026, 3, 29, 2, 0, tzinfo=timezone(timedelta(hours=1)))) == "2026-03-29 01:00:00"
    assert show_time(datetime(2026, 3, 29, 1, 0, tzinfo=UTC)) == "2026-03-29 01:00:00"
    assert [show_duration(seconds) for seconds in (0, 59, 60, 5400, 129600)] == [
        "0 s",
        "59 s",
        "1.0 min",
        "1.5 h",
        "1.5 d",
    ]
    assert [counted(n, "flag") for n in (0, 1, 1200)] == ["0 flags", "1 flag", "1,200 flags"]


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--(\w+): (#[0-9a-f]+)", block))


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_colour_of_words_can_be_told_from_every_ground(mode: str) -> None:
    """WCAG 2.2, 1.4.3 (AA): a contrast of 4.5 to 1."""
    light, dark = FRAME.split("@media (prefers-color-scheme: dark)")
    chosen = colours(light) if mode == "light" else colours(light) | colours(dark)
    faint = {}
    for words, ground in product(("ink", "soft", "good", "bad", "warn"), ("ground", "sheet", "head")):
        lower, higher = sorted((luminance(chosen[words]), luminance(chosen[ground])))
        contrast = (higher + 0.05) / (lower + 0.05)
        if contrast < 4.5:
            faint[words, ground] = round(contrast, 2)
    assert faint == {}
