"""What an address that somebody gives may be written with (RFC 3986, RFC 1035)."""

from __future__ import annotations

import re

_WRITTEN = re.compile(r"(?:[A-Za-z0-9._~:/?#@!$&'()*+,;=-]|(?<=//)\[[0-9A-Fa-f:.]+\]|%[0-9A-Fa-f]{2})*")

_LONGEST_LABEL = 63
_LONGEST_NAME = 253


def fault_of_url(url: str) -> str | None:
    """Return what is wrong with how a URL is written, None if nothing is; its parts are not looked at."""
    if _WRITTEN.fullmatch(url):
        return None
    at = next(length for length in range(len(url), -1, -1) if _WRITTEN.fullmatch(url[:length]))
    if url[at] == "%":
        return f"has {url[at : at + 3]!r}, which is not an octet: write a per cent sign itself as %25"
    return f"has {url[at]!r}, which is written in a URL as {_encoded(url[at])}"


def fault_of_host(host: str) -> str | None:
    """Return what is wrong with the length of a host's name, None if nothing is (RFC 1035, 2.3.4)."""
    if len(host) > _LONGEST_NAME or any(len(label) > _LONGEST_LABEL for label in host.split(".")):
        return f"names too long a host: at most {_LONGEST_LABEL} characters from dot to dot, {_LONGEST_NAME} in all"
    return None


def _encoded(character: str) -> str:
    return "".join(f"%{octet:02X}" for octet in character.encode())
