"""Which addresses the gateway may connect to (threats T61, T66).

A recipient's URL is chosen by somebody else. Without this guard it could name the gateway's own operations listener, a
neighbour in its network or a cloud's metadata service. The check is made twice: at registration, for a clear answer,
and at every connection, on the actual address that is then connected to, so that a name that later resolves elsewhere
gains nothing.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from duis_gateway.errors import GatewayError
from duis_gateway.text.urls import fault_of_host, fault_of_url, shown_url

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_NAT64 = ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ip_network("2000::/3")
_NOT_PUBLIC = tuple(
    ip_network(text)
    for text in (
        # IANA IPv4 Special-Purpose Address Registry (RFC 6890), and multicast
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        # IANA IPv6 Special-Purpose Address Registry, as far as it lies within global unicast
        *("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
    )
)
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


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read networks such as `127.0.0.0/8`.

    Raises:
        ValueError: a text is not a network.
    """
    return tuple(ip_network(text) for text in texts)


def parse_url(url: str) -> Target:
    """Return the parts of an HTTP or HTTPS URL that can be sent to.

    Raises:
        AddressRefused: the URL is not one, has a user or a fragment in it, or has characters that could end a header
        line (T66).
    """
    if len(url) > _LONGEST_URL or not _VISIBLE_ASCII.fullmatch(url):
        raise AddressRefused(f"the URL {shown_url(url)} is too long or has characters other than visible ASCII")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        reason = "it carries a user name" if "@" in url else error  # which may quote a part of a password
        raise AddressRefused(f"the URL {shown_url(url)} cannot be read: {reason}") from None
    fault = _fault(parts, port)
    if fault is not None:
        raise AddressRefused(f"the URL {shown_url(url)} {fault}")
    path = parts.path or "/"
    return Target(
        parts.scheme,
        (parts.hostname or "").rstrip("."),  # 127.0.0.1. is 127.0.0.1, whatever a resolver makes of it
        port or (443 if parts.scheme == "https" else 80),
        f"{path}?{parts.query}" if parts.query else path,
    )


def read_url(url: str) -> Target:
    """Return the parts of a URL that somebody gives, which also has to be written as URLs are.

    URLs registered before that was required are still sent to.

    Raises:
        AddressRefused: as for `parse_url`, or the URL has a character that is not allowed (RFC 3986), or no host can be
            called so (RFC 1035).
    """
    target = parse_url(url)
    if fault := fault_of_url(url) or fault_of_host(target.host):
        raise AddressRefused(f"the URL {shown_url(url)} {fault}")
    return target


def _fault(parts: SplitResult, port: int | None) -> str | None:
    if parts.scheme not in ("http", "https"):
        return "is neither http nor https"
    if not parts.hostname:
        return "names no host"
    if "%" in parts.hostname:
        return "has a per cent sign in its host"
    if parts.username is not None or parts.password is not None:
        return "carries a user name"
    if parts.fragment:
        return "has a fragment"
    if port == 0:
        return "names port 0"
    return None


def embedded_address(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for (mapped, NAT64), or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_public(address: Address) -> bool:
    """Tell whether a recipient can be there; `ipaddress` gives different answers in different Python versions."""
    unicast = isinstance(address, IPv4Address) or address in _GLOBAL_UNICAST
    return unicast and not any(address in network for network in _NOT_PUBLIC)


def _plain_form(host: str) -> str:
    """Return an IPv4 address written in decimal, octal, hexadecimal or in fewer parts in its usual form."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return host


@dataclass(frozen=True)
class AddressGuard:
    """Lets public unicast addresses pass, and those in `allowed_networks`."""

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
        return _is_public(inner)

    def refusal(self, addresses: Iterable[str]) -> str:
        """Say why addresses were refused."""
        return f"{', '.join(sorted(set(addresses))[:3])}: not a public address, and not in [delivery] allowed_networks"


def check_url(url: str, allowed_networks: Sequence[Network] = ()) -> bool:
    """Check a URL at registration, and return whether its host's name resolves.

    One that does not resolve right now passes: the guard checks again at every connection.

    Raises:
        AddressRefused: the gateway would never send to this URL; the text says why.
    """
    addresses = _addresses_of(read_url(url))
    guard = AddressGuard(allowed_networks)
    if addresses and not any(guard.allows(address) for address in addresses):
        raise AddressRefused(f"the URL {shown_url(url)} leads to {guard.refusal(addresses)}")
    return bool(addresses)


def resolves(url: str) -> bool:
    """Return whether the name of a URL's host is known here, wherever it leads (AddressRefused: it is no URL)."""
    return bool(_addresses_of(read_url(url)))


def _addresses_of(target: Target) -> list[str]:
    try:
        found = socket.getaddrinfo(_plain_form(target.host), target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(address[0]) for *_, address in found]


def own_authorities(folder: Path | None, recipient: int) -> Path | None:
    """Return the file of a party's own authorities (by its EUI-64) in `[delivery] ca_folder`, if there is one."""
    own = None if folder is None else folder / f"{recipient:016X}.pem"
    return own if own is not None and own.is_file() else None
