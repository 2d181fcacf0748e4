"""Whose pages they are: the supplier's token, as a browser asks for it and sends it by itself (RFC 7617).

Basic authentication needs neither a cookie nor a form nor a script, so that there is no session to steal or to fix:
the token is in one header, and never in an address. As the pages only read, a request that another site has a browser
make changes nothing, and its answer is not for that site to see.
"""

from __future__ import annotations

import binascii
from base64 import b64decode

from duis_gateway.doors.wire import HttpRequest
from duis_gateway.duis.identifiers import eui_as_typed
from duis_gateway.errors import NotEntitled, TokenRefused
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.store.engine import Store

CHALLENGE = ("WWW-Authenticate", 'Basic realm="duis-gateway: the password is your token", charset="UTF-8"')
"""What makes a browser ask for a user name and a password."""

_LONGEST = 1024


def supplier_of(request: HttpRequest, store: Store) -> Party:
    """Return the supplier whose token a request bears.

    Raises:
        TokenRefused: there is no token, or none of a party; or the user name is another party's.
        NotEntitled: it is a CSP's or DCC's.
        NotOfOrganisation: the TLS client certificate is another organisation's, where that is asked for.
    """
    name, token = _given(request)
    with store.read() as conn:
        party = parties.by_token_hash(conn, parties.token_hash(token))
    if party is None:
        raise TokenRefused("The password is not a registered party's token.")
    if name and eui_as_typed(name) != party.eui:
        raise TokenRefused("The user name is not the EUI-64 of the token's owner; it may be left empty.")
    party.check_organisation(request.organisations)
    if party.kind is not PartyKind.SUPPLIER:
        raise NotEntitled("These pages are for suppliers; other parties have the party door.")
    return party


def _given(request: HttpRequest) -> tuple[str, str]:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    encoded = encoded.strip()
    if scheme.lower() != "basic" or not encoded:
        raise TokenRefused("The password is the token that the gateway's operator gave you.")
    try:
        if len(encoded) > _LONGEST:
            raise ValueError
        name, colon, token = _parted(b64decode(encoded, validate=True).decode("ascii"))
    except (ValueError, binascii.Error):
        raise TokenRefused("The user name and the password cannot be read.") from None
    if not colon or not token:
        raise TokenRefused("The password is missing: it is your token.")
    return name.strip(), token.strip()


def _parted(given: str) -> tuple[str, str, str]:
    """Return user name, colon and password; an EUI-64 may be written with colons, which no other user name has."""
    whole = len("90:B3:D5:1F:30:01:00:00")
    if eui_as_typed(given[:whole]) is not None and given[whole : whole + 1] == ":":
        return given[:whole], ":", given[whole + 1 :]
    return given.partition(":")
