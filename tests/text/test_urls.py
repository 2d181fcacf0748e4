"""How a host may be called (RFC 1035, RFC 1123), and what of a URL may be shown."""

from __future__ import annotations

import pytest

from duis_gateway.outbox.guard import AddressRefused, read_url
from duis_gateway.text.urls import fault_of_host, without_password


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


_WITH_PASSWORDS = (
    *("postgres://duis:SECRET@db.example/duis", "postgresql+asyncpg://duis:SECRET@db/duis", "http://u:SEC#RET@[::1/v1"),
    *("postgresql://duis:SEC[RET@db/duis", "ftp://u:SECRET@h", "http://u:SEC@RET@h/", "duis:SECRET@db:5432"),
    *("http://u:SEC/RET@h:port/", "http://u:SEC RET@h/", "host=db port=5432 password=SECRET", "//u:SEC//RET@h"),
    *("postgresql://u@h/d?sslmode=require&password=SECRET", "http://:SECRET@h", "PASSWORD = SECRET"),
)


@pytest.mark.parametrize("url", _WITH_PASSWORDS)
def test_a_refusal_never_shows_a_password(url: str) -> None:
    assert not any(part in without_password(url) for part in ("SEC", "RET"))
    with pytest.raises(AddressRefused) as refusal:
        read_url(url)
    assert not any(part in str(refusal.value) for part in ("SEC", "RET"))


@pytest.mark.parametrize("url", ["http://supplier.example/a?b=c#d", "sqlite:///FILE", "http://me@h/", "a@b.example"])
def test_what_has_no_password_is_shown_as_it_is(url: str) -> None:
    assert without_password(url) == url
