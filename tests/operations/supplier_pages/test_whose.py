"""Whose pages are shown: besides the token, what the TLS connection and the party itself have to say."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from duis_gateway.doors.wire import HttpRequest
from duis_gateway.errors import NotOfOrganisation, TokenRefused
from duis_gateway.operations.supplier_pages.whose import supplier_of
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party, PartyKind, PartyStatus
from duis_gateway.store.engine import Store
from duis_gateway.text.folding import folded
from tests.support.databases import fresh_database, opened

SUPPLIER, TOKEN = 0x90B3D51F30010000, "a-token"
URL = "http://supplier.example/"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with fresh_database("sqlite", tmp_path) as url, opened(url) as made:
        with made.write() as conn:
            parties.add(conn, Party(SUPPLIER, PartyKind.SUPPLIER, URL, organisation="Supplier Limited"))
            parties.set_token_hash(conn, SUPPLIER, parties.token_hash(TOKEN))
        yield made


def asking(token: str = TOKEN, organisations: frozenset[str] | None = None) -> HttpRequest:
    headers = {"authorization": f"Basic {b64encode(f':{token}'.encode()).decode()}"}
    return HttpRequest("GET", "/supplier", "", headers, b"", "192.0.2.1", "an-id", organisations=organisations)


def test_a_token_in_another_organisations_hands_opens_nothing(store: Store) -> None:
    """T69."""
    assert supplier_of(asking(organisations=frozenset({folded("SUPPLIER  Limited")})), store).eui == SUPPLIER
    assert supplier_of(asking(), store).eui == SUPPLIER
    for others in (frozenset({folded("Other Limited")}), frozenset[str]()):
        with pytest.raises(NotOfOrganisation):
            supplier_of(asking(organisations=others), store)


def test_a_new_token_ends_the_old_one_at_once(store: Store) -> None:
    with store.write() as conn:
        parties.set_token_hash(conn, SUPPLIER, parties.token_hash("another"))
    with pytest.raises(TokenRefused):
        supplier_of(asking(), store)
    assert supplier_of(asking("another"), store).eui == SUPPLIER


def test_a_supplier_whose_requests_are_suspended_still_reads_what_it_is_told(store: Store) -> None:
    with store.write() as conn:
        assert parties.set_status(conn, SUPPLIER, PartyStatus.SUSPENDED)
    assert supplier_of(asking(), store).status is PartyStatus.SUSPENDED
