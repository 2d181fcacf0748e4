"""Whose page a browser sends a request for: what a browser says of it can be forged by no page that it shows.

A door that asks for no password, because it is for this machine alone, is open to every page that a browser on this
machine shows, unless it looks at this. Programs send neither `Origin` nor `Sec-Fetch-Site`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_SAFE = ("GET", "HEAD")  # RFC 9110, section 9.2.1; a link to here may be followed from any page
_PORT = re.compile(r":[0-9]{1,5}$")
_THIS_MACHINE = ("127.0.0.1", "localhost", "[::1]")


def asked_as_here(host: str, *also: str) -> bool:
    """Tell whether a Host header names this machine by its own name, or by one of `also`, with any port or none.

    A page whose own name was made to stand for this machine's address (DNS rebinding) asks by that name.
    """
    return _PORT.sub("", host.lower()) in (*_THIS_MACHINE, *map(str.lower, also))


def from_another_site(method: str, host: str, headers: Mapping[str, str]) -> bool:
    """Tell whether another site's page has a browser send this, where it could change something.

    `headers` has lower-case names (Fetch Standard, section 3.2; Fetch Metadata Request Headers, section 2).
    """
    if method in _SAFE:
        return False
    site, origin = headers.get("sec-fetch-site", "same-origin"), headers.get("origin")
    return site != "same-origin" or (origin is not None and origin.partition("://")[2].lower() != host.lower())
