"""Which addresses the gateway may connect to (threats T61, T66).

A recipient's URL is chosen by somebody else. Without this guard it could name the gateway's own operations
listener, a neighbour in its network or a cloud's metadata service. The check stands twice: at registration,
for a clear answer, and at every connect, on the very address that is then connected to, so that a name which
later resolves elsewhere gains nothing.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from duis_gateway.errors import GatewayError

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_NAT64 = ip_network("64:ff9b::/96")
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]+")
_LONGEST_URL = 2000


class AddressRefused(GatewayError):
    """A URL or address to which the gateway must not send anything; the text says why."""


class Target(NamedTuple):
    """The parts of a checked URL: `path` is the request target, with the query."""

    scheme: str
    host: str
    port: int
    path: str


class Endpoint(NamedTuple):
    """One socket address that passed the guard, as `socket.getaddrinfo` gave it."""

    family: int
    address: Any


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read networks such as `127.0.0.0/8`.

    Raises:
        ValueError: a text is no network.
    """
    return tuple(ip_network(text) for text in texts)


def parse_url(url: str) -> Target:
    """Return the parts of an HTTP or HTTPS URL that can be sent to.

    Raises:
        AddressRefused: the URL is no such URL, has a user or a fragment in it, or characters that could end a
            header line (T66).
    """
    if len(url) > _LONGEST_URL or not _VISIBLE_ASCII.fullmatch(url):
        raise AddressRefused(f"the URL {url[:80]!r} is too long or has characters other than visible ASCII")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressRefused(f"the URL {url[:80]!r} cannot be read: {error}") from None
    fault = _fault(parts, port)
    if fault is not None:
        raise AddressRefused(f"the URL {url[:80]!r} {fault}")
    path = parts.path or "/"
    return Target(
        parts.scheme,
        parts.hostname or "",
        port or (443 if parts.scheme == "https" else 80),
        f"{path}?{parts.query}" if parts.query else path,
    )


def _fault(parts: SplitResult, port: int | None) -> str | None:
    if parts.scheme not in ("http", "https"):
        return "is neither http nor https"
    if not parts.hostname:
        return "names no host"
    if parts.username is not None or parts.password is not None:
        return "carries a user name"
    if parts.fragment:
        return "has a fragment"
    if port == 0:
        return "names port 0"
    return None


def embedded_address(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for (mapped, 6to4, NAT64), or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _plain_form(host: str) -> str:
    """Return an IPv4 address written in decimal, octal, hexadecimal or in fewer parts in its usual form."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return host


@dataclass(frozen=True)
class AddressGuard:
    """Lets public unicast addresses pass, and those of `allowed_networks`."""

    allowed_networks: Sequence[Network] = ()

    def allows(self, text: str) -> bool:
        """Tell whether the gateway may connect to this numeric address."""
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            return False
        inner = embedded_address(address)
        if any(candidate in network for network in self.allowed_networks for candidate in (address, inner)):
            return True
        return address.is_global and inner.is_global and not (inner.is_multicast or inner.is_reserved)

    def endpoints(self, host: str, port: int) -> list[Endpoint]:
        """Resolve a host once and return the addresses that may be connected to, in the resolver's order.

        Raises:
            OSError: the name does not resolve.
            AddressRefused: it resolves, and to no address that is allowed.
        """
        found = socket.getaddrinfo(_plain_form(host), port, type=socket.SOCK_STREAM)
        allowed = [Endpoint(family, address) for family, _, _, _, address in found if self.allows(str(address[0]))]
        if not allowed:
            refused = ", ".join(sorted({str(address[0]) for *_, address in found})[:3])
            raise AddressRefused(f"{host} is {refused}: not a public address, and not in [delivery] allowed_networks")
        return allowed


def check_url(url: str, allowed_networks: Sequence[Network] = ()) -> None:
    """Check a URL at registration.

    A name that does not resolve just now passes: the guard stands again at every connect.

    Raises:
        AddressRefused: the gateway would never send to this URL; the text says why.
    """
    target = parse_url(url)
    try:
        AddressGuard(allowed_networks).endpoints(target.host, target.port)
    except (OSError, UnicodeError):
        return
