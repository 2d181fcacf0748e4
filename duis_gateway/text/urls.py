"""What an address that somebody gives may be written with (RFC 3986, RFC 1035, RFC 1123)."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address

from duis_gateway.text.numbers import is_digits

_WRITTEN = re.compile(r"(?:[A-Za-z0-9._~:/?#@!$&'()*+,;=-]|(?<=//)\[[0-9A-Fa-f:.]+\]|%[0-9A-Fa-f]{2})*")

_SHOWN = 80
_LONGEST_LABEL = 63
_LONGEST_NAME = 253
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?")
"""People's own networks have underscores as well, which RFC 1123 does not allow."""
_SECRET_WORD = re.compile(r"(pass[a-z]*\s*=\s*)[^&\s]+", re.IGNORECASE)


def fault_of_url(url: str) -> str | None:
    """Return what is wrong with how a URL is written, None if nothing is; its parts are not looked at."""
    if _WRITTEN.fullmatch(url):
        return None
    at = next(length for length in range(len(url), -1, -1) if _WRITTEN.fullmatch(url[:length]))
    if url[at] == "%":
        return f"has {url[at : at + 3]!r}, which is not an octet: write a per cent sign itself as %25"
    return f"has {url[at]!r}, which is written in a URL as {_encoded(url[at])}"


def fault_of_host(host: str) -> str | None:
    """Return why no host can be called so, None if one can (RFC 1035, 2.3.4; RFC 1123, 2.1); an IPv6 address can."""
    if ":" in host:
        return None
    host = host.removesuffix(".")
    if len(host) > _LONGEST_NAME or any(len(label) > _LONGEST_LABEL for label in host.split(".")):
        return f"names too long a host: at most {_LONGEST_LABEL} characters from dot to dot, {_LONGEST_NAME} in all"
    labels = host.split(".")
    if is_digits(labels[-1], _LONGEST_LABEL):
        try:
            IPv4Address(host)
        except AddressValueError:
            return "has a host that ends in a number and is no IPv4 address: four numbers from 0 to 255"
    elif not all(map(_LABEL.fullmatch, labels)):
        return (
            "has a host that no name server can know: from dot to dot, a name has letters, digits and hyphens, and "
            "neither begins nor ends with a hyphen"
        )
    return None


def without_password(text: str) -> str:
    """Return what somebody gave as a URL as it may be shown in a message: without a password, however it is written.

    What is shown is what could not be read, so nothing is assumed but that a password ends with the last `@`, or stands
    after `password=`.
    """
    before, at, after = text.rpartition("@")
    if at:
        scheme, slashes, who = before.partition("//") if "//" in before else ("", "", before)
        user, colon, _ = who.partition(":")
        text = f"{scheme}{slashes}{user}{':***' if colon else ''}@{after}"
    return _SECRET_WORD.sub(r"\1***", text)


def shown_url(url: str) -> str:
    """Return a URL as a message shows it: in quotes, without a password, cut where it is long."""
    return repr(without_password(url)[:_SHOWN])


def _encoded(character: str) -> str:
    return "".join(f"%{octet:02X}" for octet in character.encode())
