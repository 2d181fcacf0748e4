"""Pages as HTTP answers: the headers that keep a browser from doing more with a page than show it."""

from __future__ import annotations

from functools import cache
from importlib import resources

from duis_gateway.doors.wire import Answer

_HERE = "duis_gateway.operations.console"
_CONTENT = (
    "default-src 'none'; img-src data:; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

SAFE = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Content-Security-Policy", _CONTENT),
)
"""Of every page: it is kept nowhere, framed by nobody, loads nothing from elsewhere, and runs only our own script."""

_KEPT = (("Cache-Control", "max-age=300"), ("X-Content-Type-Options", "nosniff"))


def page(text: str) -> Answer:
    """Return a page as an answer."""
    return Answer(200, "text/html; charset=utf-8", text.encode(), SAFE)


def see_other(place: str) -> Answer:
    """Send the browser to another page."""
    return Answer(303, "text/plain", b"", (*SAFE, ("Location", place)))


def stylesheet() -> Answer:
    """Return the look of all pages."""
    return Answer(200, "text/css; charset=utf-8", _style(), _KEPT)


def script() -> Answer:
    """Return what refreshes a page of the console."""
    return Answer(200, "text/javascript; charset=utf-8", _file("console.js"), _KEPT)


@cache
def _style() -> bytes:
    return resources.files("duis_gateway.text").joinpath("page.css").read_bytes() + _file("console.css")


def _file(name: str) -> bytes:
    return resources.files(_HERE).joinpath(name).read_bytes()
