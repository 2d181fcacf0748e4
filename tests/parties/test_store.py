"""Parties and certificates as registered."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import exc

from duis_gateway.parties import certificates
from duis_gateway.parties import store as parties
from duis_gateway.parties.certificate_records import RegisteredCertificate
from duis_gateway.parties.records import Party, PartyKind, PartyStatus, Role
from duis_gateway.store.engine import Store
from tests.support.estate import ALPHA, BETA, GAMMA, HIGH, LOW, NOW, add_suppliers

FULL = Party(
    HIGH,
    PartyKind.SUPPLIER,
    "http://127.0.0.1:1/",
    "alerts@supplier.test",
    PartyStatus.SUSPENDED,
    frozenset(Role),
    Decimal("5.4"),
    True,
)
CSP = Party(LOW, PartyKind.CSP, "http://127.0.0.1:2/", regions=frozenset({"Central", "4G South"}))


def test_a_party_comes_back_as_it_was_registered(store: Store) -> None:
    """T43: EUI-64s with the top bit too."""
    with store.write() as connection:
        for party in (FULL, CSP):
            parties.add(connection, party)
    with store.read() as connection:
        assert parties.find(connection, HIGH) == FULL
        assert parties.find(connection, LOW) == CSP
        assert parties.find(connection, 2) is None
        assert parties.find_many(connection, [HIGH, LOW, 2]) == {HIGH: FULL, LOW: CSP}
        assert parties.all_parties(connection) == [CSP, FULL]
        assert parties.all_parties(connection, PartyKind.CSP) == [CSP]


def test_a_party_is_registered_once(store: Store) -> None:
    with pytest.raises(exc.IntegrityError), store.write() as connection:
        add_suppliers(connection, (ALPHA, ALPHA))


def test_a_party_can_be_changed_suspended_and_given_a_token(store: Store) -> None:
    changed = replace(FULL, url="http://127.0.0.1:3/", duis_version=Decimal("6.0"), published_schema_only=False)
    with store.write() as connection:
        parties.add(connection, FULL)
        assert parties.set_token_hash(connection, FULL.eui, "ab" * 32)
        assert parties.update(connection, changed)
        assert parties.set_status(connection, FULL.eui, PartyStatus.ACTIVE)
        assert not parties.set_status(connection, ALPHA, PartyStatus.SUSPENDED)
    with store.read() as connection:
        assert parties.by_token_hash(connection, "ab" * 32) == replace(changed, status=PartyStatus.ACTIVE)
        assert parties.by_token_hash(connection, "cd" * 32) is None


def _certificate(serial: int, party: int = ALPHA) -> RegisteredCertificate:
    return RegisteredCertificate(party, b"der", "CN=Z1,OU=07", serial, trusted_directly=True)


def test_a_certificate_is_found_by_issuer_and_serial_however_large(store: Store) -> None:
    """Serial numbers have up to 160 bits."""
    given = [_certificate(1), _certificate(2**159 + 1, BETA)]
    with store.write() as connection:
        add_suppliers(connection)
        for certificate in given:
            certificates.add(connection, certificate)
        assert certificates.revoke(connection, "CN=Z1,OU=07", 1, NOW)
        assert not certificates.revoke(connection, "CN=Z1,OU=07", 3, NOW)
    with store.read() as connection:
        assert certificates.find(connection, "CN=Z1,OU=07", 2**159 + 1) == given[1]
        assert certificates.find(connection, "CN=Z1,OU=07", 1) == replace(given[0], revoked_at=NOW)
        assert certificates.find(connection, "CN=Z2,OU=07", 1) is None
        assert len(certificates.all_certificates(connection)) == 2
        assert certificates.all_certificates(connection, BETA) == [given[1]]
        assert certificates.all_certificates(connection, GAMMA) == []


@pytest.mark.parametrize("second", [_certificate(1), _certificate(2, HIGH)])
def test_a_second_of_one_serial_or_one_of_nobody_is_refused(store: Store, second: RegisteredCertificate) -> None:
    with store.write() as connection:
        add_suppliers(connection)
        certificates.add(connection, _certificate(1))
    with pytest.raises(exc.IntegrityError), store.write() as connection:
        certificates.add(connection, second)
