"""How a single configuration value is read and refused, and on which line of a TOML file a key is."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from duis_gateway.clock import business_time
from duis_gateway.duis.identifiers import NOBODY, parse_eui
from duis_gateway.machine.files import standard_stream
from duis_gateway.parties.records import is_email_address
from duis_gateway.text.numbers import parse_decimal, parse_whole_number
from duis_gateway.text.urls import fault_of_host, fault_of_url, shown_url, without_password

T = TypeVar("T")
Network = IPv4Network | IPv6Network

_LARGEST_PORT = 65535
_LARGEST_NUMBER = 10**15
_MOST_DAYS = 3650
_MOST_THREADS = 1000
_LONGEST = 366 * 24 * 60 * 60
_PASSWORD = re.compile(r"[a-z0-9+]+://[^:/]*:[^@]*@")
_SQLITE = re.compile(r"(sqlite:///)(.+)")


@dataclass(frozen=True)
class Reader(Generic[T]):
    """Reads one kind of value.

    `expects` completes "must be ..."; `read` takes what TOML gave and the configuration's folder, and raises
    ValueError where it is not that kind of value; `from_text` turns an environment variable into what TOML
    would have given. `fault` says what is wrong with the file or folder that a value names, None if it can be used.
    """

    expects: str
    read: Callable[[Any, Path], T]
    from_text: Callable[[str], object] = str
    fault: Callable[[Path], str | None] | None = None


class Unacceptable(ValueError):
    """A value of the right kind that still cannot be used; the text says why and what to do."""


def setting(reader: Reader[Any], doc: str, default: Any = MISSING) -> Any:
    """Make the dataclass field for one key. Without a default, the key is required."""
    return field(default=default, metadata={"reader": reader, "doc": doc})


def _text(value: Any, _: Path) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError
    return value


def _integer(least: int, most: int = _LARGEST_NUMBER) -> Callable[[Any, Path], int]:
    def read(value: Any, _: Path) -> int:
        if type(value) is not int or not least <= value <= most:
            raise ValueError
        return value

    return read


def _seconds(value: Any, _: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _LONGEST:
        raise ValueError
    return float(value)


def _boolean(value: Any, _: Path) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _boolean_of(text: str) -> bool:
    try:
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[text.strip().lower()]
    except KeyError:
        raise ValueError from None


def _path(value: Any, folder: Path) -> Path:
    text = _text(value, folder)
    if text.startswith("-----BEGIN"):
        raise ValueError
    return _resolved(folder, text)


def _resolved(folder: Path, text: str) -> Path:
    try:
        path = folder / Path(text).expanduser()
        resolved = path.resolve()
    except RuntimeError:
        raise Unacceptable(
            f"{text[:80]!r} cannot be followed: there is no such home, or its links go round in a circle; "
            "write out the path"
        ) from None
    # /dev/fd/3 and the like may be links to a pipe or a socket, which has no name of its own.
    return path.absolute() if os.path.exists(path) and not os.path.exists(resolved) else resolved


def _log_file(value: Any, folder: Path) -> Path:
    named = Path(_text(value, folder))
    return _path(value, folder) if standard_stream(named) is None else named


def _fault_of_file(path: Path) -> str | None:
    try:
        path.open("rb").close()
    except OSError as error:
        return error.strerror or str(error)
    return None


def _fault_of_folder(path: Path) -> str | None:
    try:
        os.scandir(path).close()
    except OSError as error:
        return error.strerror or str(error)
    return None


def _fault_of_authorities(path: Path) -> str | None:
    if fault := _fault_of_file(path):
        return fault
    try:
        ssl.create_default_context(cafile=str(path))
    except ssl.SSLError:
        return "it has no PEM certificate"
    return None


def _fault_of_authorities_folder(path: Path) -> str | None:
    if fault := _fault_of_folder(path):
        return fault
    for file in sorted(path.iterdir()):
        if not re.fullmatch(r"[0-9A-F]{16}\.pem", file.name):
            return f"{file.name} names no party: files are named after EUI-64s without hyphens, 90B3D51F30010000.pem"
        if fault := _fault_of_authorities(file):
            return f"{file.name}: {fault}"
    return None


def _http_url(value: Any, folder: Path) -> str:
    text = _text(value, folder).rstrip("/")
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.port == 0:
        raise ValueError
    if fault := fault_of_url(text) or fault_of_host(parts.hostname):
        raise Unacceptable(f"{shown_url(text)} {fault}")
    return text


def _host(value: Any, folder: Path) -> str:
    text = _text(value, folder)
    if bracketed := _BRACKETED.fullmatch(text):
        raise Unacceptable(f"{text[:80]!r} has brackets: an IPv6 address stands without them here, {bracketed[1]}")
    return text


def _store_url(value: Any, folder: Path) -> str:
    text = _text(value, folder)
    if sqlite := _SQLITE.fullmatch(text):
        return sqlite[1] + str(_resolved(folder, sqlite[2]))
    parts = urlsplit(text)
    if parts.scheme not in ("postgresql", "postgresql+psycopg"):
        raise ValueError
    # The password that counts is what SQLAlchemy reads as one: up to the `@`, whatever signs it has.
    if _PASSWORD.match(text) or "password=" in text:
        raise Unacceptable(
            "contains a password; secrets are given as paths: write it to a file that [store] password_file names, or "
            "the variable DUIS_GATEWAY_STORE_PASSWORD_FILE"
        )
    return text


def _list_of(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError
    return value


def _networks(value: Any, folder: Path) -> tuple[Network, ...]:
    return tuple(ip_network(_text(one, folder)) for one in _list_of(value))


def _roles(value: Any, folder: Path) -> frozenset[str]:
    roles = frozenset(_text(one, folder) for one in _list_of(value))
    if not roles:
        raise ValueError
    return roles


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _instant(value: Any, _: Path) -> datetime:
    instant = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(instant, datetime) or instant.tzinfo is None:
        raise ValueError
    try:
        return business_time(instant)
    except ValueError as error:
        raise Unacceptable(str(error)) from None


def _email(value: Any, folder: Path) -> str:
    text = _text(value, folder)
    if not is_email_address(text):
        raise ValueError
    return text


def _eui(value: Any, folder: Path) -> int:
    read = parse_eui(_text(value, folder))
    if read == NOBODY:
        raise ValueError
    return read


def choice(*words: str) -> Reader[str]:
    """Read one of these words, in any case."""

    def read(value: Any, folder: Path) -> str:
        word = _text(value, folder).lower()
        if word not in words:
            raise ValueError
        return word

    return Reader(f"one of {', '.join(words)}", read)


def whole_number(least: int, most: int = _LARGEST_NUMBER) -> Reader[int]:
    """Read a whole number within these bounds."""
    return Reader(f"a whole number from {least} to {most}", _integer(least, most), parse_whole_number)


def list_of(expects: str, read_one: Callable[[str], T]) -> Reader[tuple[T, ...]]:
    """Read a list of texts, none empty, each in this way: a ValueError of it is what a person is told."""

    def read(value: Any, folder: Path) -> tuple[T, ...]:
        texts = [_text(one, folder) for one in _list_of(value)]
        try:
            return tuple(map(read_one, texts))
        except ValueError as error:
            raise Unacceptable(str(error)) from None

    return Reader(expects, read)


def read_value(reader: Reader[T], value: object, folder: Path, *, from_text: bool = False) -> T:
    """Return a value that TOML gave, or with `from_text` an environment variable; paths are relative to the folder.

    Raises:
        ValueError: it is not acceptable; the text says, behind the name of its key, what it must be.
    """
    try:
        raw = reader.from_text(value) if from_text and isinstance(value, str) else value
        return reader.read(raw, folder.resolve())
    except Unacceptable:
        raise
    except ValueError:
        unfit = isinstance(value, dict | list) or "-----BEGIN" in str(value)
        shown = "" if unfit else f", not {without_password(str(value))[:40]!r}"
        raise ValueError(f"must be {reader.expects}{shown}") from None


TEXT = Reader("a text that is not empty", _text)
PORT = Reader("a port number from 0 to 65535 (0: any free one)", _integer(0, _LARGEST_PORT), parse_whole_number)
COUNT = whole_number(1)
COUNT_OR_ZERO = whole_number(0)
DAYS = Reader(f"a whole number of days from 0 to {_MOST_DAYS}", _integer(0, _MOST_DAYS), parse_whole_number)
THREADS = whole_number(1, _MOST_THREADS)
PERCENT = whole_number(1, 100)
SECONDS = Reader("a number of seconds above 0, at most a year", _seconds, parse_decimal)
BOOLEAN = Reader("true or false", _boolean, _boolean_of)
PATH = Reader("a path to a file (never the secret itself)", _path, fault=_fault_of_file)
LOG_FILE = Reader("a path to a file, or - for standard output", _log_file)
FOLDER = Reader("a path to a folder", _path, fault=_fault_of_folder)
AUTHORITIES = Reader("a path to a file of certificates in PEM", _path, fault=_fault_of_authorities)
AUTHORITIES_FOLDER = Reader("a path to a folder", _path, fault=_fault_of_authorities_folder)
HOST = Reader("an address or a name", _host)
EMAIL = Reader("an email address such as gateway@dcc.example", _email)
EUI = Reader("an EUI-64 such as 90-B3-D5-1F-30-00-00-02", _eui)
HTTP_URL = Reader("an http or https URL", _http_url)
STORE_URL = Reader("sqlite:///FILE or postgresql://USER@HOST/DATABASE", _store_url)
NETWORKS = Reader('a list of networks such as "10.1.0.0/16"', _networks, _words)
ROLES = Reader('a list of the OUs of certificates, such as "87"', _roles, _words)
INSTANT = Reader("a date and time with a time zone, such as 2027-01-04T09:00:00Z", _instant)


_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]{2,45})\](?::[0-9]*)?")
_TABLE = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")


def lines_of_keys(text: str) -> dict[tuple[str, ...], int]:
    """Return the line, from 1, of each table and key in a TOML text. For messages only: odd texts may leave gaps."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.fullmatch(line):
            table = _dotted(header[1])
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            name = (*table, *_dotted(key[1]))
            for length in range(1, len(name) + 1):
                lines.setdefault(name[:length], number)
    return lines


def _dotted(name: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in name.split("."))
