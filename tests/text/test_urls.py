"""How a host may be called (RFC 1035, RFC 1123)."""

from __future__ import annotations

import pytest

from duis_gateway.outbox.guard import AddressRefused, read_url
from duis_gateway.text.urls import fault_of_host


@pytest.mark.parametrize(
    "host",
    [
        *("supplier.example", "supplier.example.", "a", "A-1.Example", "3com.example", "a_b.internal", "_x.example"),
        *("1.2.3.4", "xn--bcher-kva.example", "a--b.example", "1.2.3.4.in-addr.arpa", "2001:db8::1", "node1"),
        ".".join(("a" * 63, "b" * 63, "c" * 63, "d" * 61)),
    ],
)
def test_a_name_that_may_resolve_is_taken(host: str) -> None:
    assert fault_of_host(host) is None


@pytest.mark.parametrize(
    ("host", "said"),
    [
        *((host, "no name server can know") for host in ("a..b", "-a.example", "a-.example", ".a", "a~b", "a.-b")),
        *(
            (host, "is no IPv4 address")
            for host in ("1.2.3.4.5", "256.1.1.1", "1.2.3", "a.1", "2130706433", "01.2.3.4")
        ),
        ("a" * 64 + ".example", "too long"),
        (".".join(["a" * 60] * 5), "too long"),
    ],
)
def test_a_name_that_can_never_resolve_is_refused_when_it_is_registered(host: str, said: str) -> None:
    with pytest.raises(AddressRefused, match=said):
        read_url(f"http://{host}/")
