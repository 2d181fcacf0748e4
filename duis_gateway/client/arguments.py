"""What the kit is given, looked at where it comes in: a value of another kind is told by its name, and what it is."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from duis_gateway.client.errors import CannotSend, ClientError, SetupWrong
from duis_gateway.clock import Clock, SystemClock
from duis_gateway.duis.eui import Eui
from duis_gateway.text.urls import fault_of_host, fault_of_url, shown_url

T = TypeVar("T")

_PATH = "the path of a file or folder"
_PEM = "-----BEGIN"
_SHOWN = 60
_LONGEST = 86_400.0


def expect(
    name: str, value: object, kinds: type | tuple[type, ...], meant: str, error: type[ClientError] = SetupWrong
) -> None:
    """See that a value is of one of these kinds (SetupWrong unless another error is named)."""
    if not isinstance(value, kinds):
        raise error(f"{name} must be {meant}, not {shown(value)}")


def expect_callable(name: str, value: object, meant: str) -> None:
    """See that a value is a function (SetupWrong: it is none)."""
    if not callable(value):
        raise SetupWrong(f"{name} must be {meant}, not {shown(value)}")


def clock_of(clock: Clock | None) -> Clock:
    """Return the clock that was given, or the machine's (SetupWrong: it has no `now`)."""
    if clock is None:
        return SystemClock()
    expect_callable("clock.now", getattr(clock, "now", None), "a function that returns a time with a zone")
    return clock


def path_of(name: str, value: Path | str) -> Path:
    """Return the path of a file or folder (SetupWrong: it is none, or no system has such a name)."""
    expect(name, value, (str, os.PathLike), _PATH)
    if _PEM in str(value):  # and what it is stays unsaid: it may be a private key
        raise SetupWrong(f"{name} must be {_PATH}, not its content")
    if value == "":  # it would be the current folder
        raise SetupWrong(f"{name} must be {_PATH}, not an empty text")
    path = Path(value)
    try:
        no_name = b"\0" in os.fsencode(path)
    except UnicodeEncodeError:
        no_name = True
    if no_name:
        raise SetupWrong(f"{name} must be {_PATH}, not {shown(value)}")
    return path


def eui_of(name: str, value: str | int, error: type[ClientError] = SetupWrong) -> Eui:
    """Return an EUI-64 (SetupWrong, unless another error is named: it is none)."""
    try:
        return Eui(value)
    except ValueError as wrong:
        raise error(f"{name}: {wrong}") from None


def listed(name: str, values: Iterable[T], meant: str = "a list of EUI-64s") -> tuple[T, ...]:
    """Return what a list has, which may come from a generator, so that it is there for every try.

    Raises:
        CannotSend: it is no list; a text would be taken for the list of its letters.
    """
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise CannotSend(f"{name} must be {meant}, not {shown(values)}", "put a single one in brackets: [...]")
    return tuple(values)


def expect_seconds(name: str, value: float, least: float = 0, error: type[ClientError] = SetupWrong) -> None:
    """See that a value is a number of seconds, from `least` to a day (SetupWrong unless another error is named)."""
    expect(name, value, (int, float), "a number of seconds", error)
    if not least <= value <= _LONGEST:
        raise error(f"{name}={shown(value)} is not a number of seconds from {least} to a day")


def expect_url(value: str, meant: str) -> None:
    """See that a value can be the URL of something to be asked, written as URLs are (SetupWrong: it cannot)."""
    expect("url", value, str, meant)
    if not value.isascii() or not value.isprintable() or " " in value:
        raise SetupWrong(f"the URL {shown_url(value)} has characters other than visible ASCII")
    expect_http(value)
    if fault := fault_of_url(value) or fault_of_host(urlsplit(value).hostname or ""):
        raise SetupWrong(f"the URL {shown_url(value)} {fault}")


def expect_http(url: str) -> None:
    """See that a URL is one of HTTP or HTTPS, and names a host, and a port that there is (SetupWrong)."""
    expect("the URL", url, str, "a text")
    if not url.startswith(("http://", "https://")) or not _has_place(url):
        raise SetupWrong(f"{shown_url(url) or 'an empty text'} is not an http or https URL")


def _has_place(url: str) -> bool:
    """Whether the URL names a host, and a port that there is."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def shown(value: object) -> str:
    """Return a value as an error shows it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
