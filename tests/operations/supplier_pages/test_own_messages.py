"""A supplier's messages page by page: no address has a number of the gateway's rows, and each is listed once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from lxml import html

from duis_gateway.doors.wire import HttpRequest
from duis_gateway.operations.console import search
from duis_gateway.operations.supplier_pages.site import SupplierPages
from tests.support.rules import OURS, THEIRS
from tests.support.status_of import PARTIES
from tests.support.steering import DCC, steering


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[SupplierPages]:
    """Of a gateway on which two suppliers are told the same, and DCC and a CSP more."""
    with steering("sqlite", tmp_path) as dcc:
        dcc.piloting()
        for revision in range(2, 9):
            dcc.announces(revision=revision, release_note=f"https://notes.example/{revision}")
        made = SupplierPages(dcc.store, dcc.clock)
        yield made
        made.stop(0)


def listed(pages: SupplierPages, query: str) -> tuple[list[str], str]:
    """The addresses of the messages on a page, and the query of the next one."""
    request = HttpRequest("GET", "/supplier/messages", query, {}, b"", "192.0.2.1", "an-id")
    body = pages.messages(PARTIES[OURS], request).body
    assert isinstance(body, bytes)
    root = html.fromstring(body)
    following = [str(one.get("href")) for one in root.iter("a") if one.get("rel") == "next"]
    links = (str(one.get("href")) for cell in root.iter("td") for one in cell.iter("a"))
    return [one for one in links if "/messages/" in one], urlsplit(following[0]).query if following else ""


def walked(pages: SupplierPages, query: str) -> list[str]:
    found: list[str] = []
    for _ in range(1000):
        links, query = listed(pages, query)
        found += links
        assert all(not value.isdigit() for value in parse_qs(query).get("before", ())), query
        if not query:
            return found
    raise AssertionError("the pages do not end")


def test_each_message_is_listed_once_however_far_apart_they_lie(
    pages: SupplierPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {query: listed(pages, query)[0] for query in QUERIES}
    assert all(expected.values())
    for page, stretch in ((1, 5), (3, 2), (50, 3), (2, 1000)):
        monkeypatch.setattr(search, "PAGE", page)
        monkeypatch.setitem(search._STRETCH, "sent", stretch)
        for query, every in expected.items():
            assert walked(pages, query) == every, (query, page, stretch)
        assert walked(pages, "kind=none") == []


QUERIES = ("", "kind=a01", "state=pending", "until=2030-01-01&kind=A01")


def test_the_next_page_goes_on_behind_a_message_of_ones_own_alone(pages: SupplierPages) -> None:
    """Another's, or a row's number, is refused as what there is not."""
    links, _ = listed(pages, "")
    assert len(listed(pages, f"before={links[0].rpartition('/')[2]}")[0]) == len(links) - 1
    with pages._store.read() as conn:
        theirs = [one.identity for who in (THEIRS, DCC) for one in search.look(conn, wanted(who)).lines][:2]
    assert theirs
    for name in (*theirs, "5", "sent-5"):
        with pytest.raises(Exception, match="is yours"):
            listed(pages, f"before={name}")


def wanted(party: int) -> search.Wanted:
    return search.Wanted(search.Way.SENT, party=party)
