"""Which URLs and addresses are sent to (threats T61, T66)."""

from __future__ import annotations

import socket

import pytest

from duis_gateway.outbox.guard import AddressGuard, AddressRefused, check_url, parse_networks, parse_url

LOOPBACK = parse_networks(["127.0.0.0/8"])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "::ffff:192.0.0.8",
        "64:ff9b::c058:6301",
        "64:ff9b:1::808:808",
        "::8.8.8.8",
        "2002:808:808::1",
        "2001::1",
        "2001:10::1",
        "2001:20::1",
        "2001:db8::1",
        "2620:4f:8000::1",
        "3fff::1",
        "5f00::1",
        "100::1",
        "fec0::1",
        "192.0.0.8",
        "192.0.0.9",
        "192.0.0.10",
        "192.0.0.170",
        "192.0.2.1",
        "192.31.196.1",
        "192.52.193.1",
        "192.88.99.1",
        "192.175.48.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "240.0.0.1",
        "no address",
    ],
)
def test_inner_addresses_are_refused(address: str) -> None:
    """T61: whatever notation hides them."""
    assert not AddressGuard().allows(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "192.0.1.1", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_pass(address: str) -> None:
    assert AddressGuard().allows(address)


def test_allowed_networks_open_a_door_of_their_own_size() -> None:
    guard = AddressGuard(LOOPBACK)
    assert guard.allows("127.0.0.1")
    assert guard.allows("::ffff:127.0.0.1")
    assert not guard.allows("::1")
    assert not guard.allows("10.0.0.1")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost:8080/x",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://0177.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1./",
        "http://localhost./",
    ],
)
def test_registration_refuses_inner_addresses(url: str) -> None:
    """T61: decimal, octal, hexadecimal and short forms are the same address to a resolver, and no host's name."""
    with pytest.raises(AddressRefused, match=r"allowed_networks|is no IPv4 address"):
        check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://8.8.8.8/\r\nX-Evil: 1",
        "http://8.8.8.8/a b",
        "http://8.8.8.8/\x00",
        "http://8.8.8.8/é",
        "ftp://8.8.8.8/",
        "file:///etc/passwd",
        "//8.8.8.8/",
        "http:///nothing",
        "http://user:secret@8.8.8.8/",
        "http://8.8.8.8/#part",
        "http://8.8.8.8:0/",
        "http://8.8.8.8:99999/",
        "http://8.8.8.8:port/",
        "http://[::1/",
        "http://[::1%25lo]/",
        "http://%31%32%37.0.0.1/",
        "http://localhost%00/",
        "http://8.8.8.8/" + "x" * 2000,
        "",
    ],
)
def test_what_is_no_plain_url_is_refused(url: str) -> None:
    """T66: above all nothing that could end a header line."""
    with pytest.raises(AddressRefused):
        check_url(url)


def test_good_urls_pass() -> None:
    assert check_url("https://8.8.8.8/receive?x=1")
    check_url("http://127.0.0.1:8080/", LOOPBACK)
    assert parse_url("https://Example.test/a/b?c=d") == ("https", "example.test", 443, "/a/b?c=d")
    assert parse_url("http://[2001:db8::1]:81") == ("http", "2001:db8::1", 81, "/")


def test_a_name_that_does_not_resolve_may_be_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert not check_url("https://not-yet.test/")
