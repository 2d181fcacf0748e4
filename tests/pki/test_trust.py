"""Whom the gateway believes: validity, revocation, roles and folders (threats T33 to T35), on real certificates."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from duis_gateway.envelope.signature import SignerReference
from duis_gateway.errors import NotAuthenticated
from duis_gateway.pki import chains
from duis_gateway.pki.certificates import CertificateUnusable
from duis_gateway.pki.files import WatchedFolder
from duis_gateway.pki.make import make_authority, make_crl
from tests.support.trust import LATE, NOW, SUPPLIER, Installation, accepted, refuse, resolve

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def place(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def test_a_certificate_in_order_is_resolved(place: Installation) -> None:
    mine = place.issue(place.authority())
    found = resolve(place.trust(), mine)
    assert (found.eui, found.role, found.serial) == (SUPPLIER, "87", mine.serial)
    assert found.public_key == mine.public_key


@pytest.mark.parametrize("printed", ["CN=Z1,OU=07", "CN=Z1, OU=07", "OU=07,CN=Z1", "ou=07; cn=z1"])
def test_the_issuer_is_compared_as_a_name(place: Installation, printed: str) -> None:
    mine = place.issue(place.authority())
    reference = SignerReference(printed, mine.serial)
    assert place.trust().resolve(reference, NOW, frozenset({"87"})).der == mine.der


@pytest.mark.parametrize("issuer", ["Z1", "CN=", "", "XX=1", "CN=\\", "CN=#00"])
def test_an_issuer_that_is_no_name_is_a_refusal(place: Installation, issuer: str) -> None:
    """401, never 500."""
    with pytest.raises(NotAuthenticated, match="issuer name cannot be read"):
        place.trust().resolve(SignerReference(issuer, 1), NOW, frozenset({"87"}))


def test_t36_who_is_not_registered_is_unknown(place: Installation) -> None:
    """T36: neither by another serial nor by another issuer."""
    mine = place.issue(place.authority())
    for reference in (SignerReference(mine.issuer, mine.serial + 1), SignerReference("CN=Z2,OU=07", mine.serial)):
        with pytest.raises(NotAuthenticated, match=r"^the certificate is unknown$"):
            place.trust().resolve(reference, NOW, frozenset({"87"}))


@pytest.mark.parametrize(
    ("offset", "why"),
    [(-DAY - SECOND, "not yet valid"), (-DAY, None), (DAY, None), (DAY + SECOND, "has expired")],
)
def test_t33_validity_at_the_gateways_clock(place: Installation, offset: timedelta, why: str | None) -> None:
    """T33: both ends are inside; no skew."""
    mine, trust = place.issue(place.authority()), place.trust()
    if why is None:
        assert accepted(trust, mine, NOW + offset)
    else:
        refuse(trust, mine, why, NOW + offset)


def test_t33_validity_is_never_remembered(place: Installation) -> None:
    mine, trust = place.issue(place.authority()), place.trust()
    assert accepted(trust, mine)
    refuse(trust, mine, "has expired", NOW + 2 * DAY)
    assert accepted(trust, mine)


def test_t34_revoked_by_the_operator(place: Installation) -> None:
    """T34: at once, though the chain is remembered; also where it is trusted directly."""
    authority, trust = place.authority(), place.trust()
    mine = place.issue(authority)
    assert accepted(trust, mine)
    place.revoke(mine)
    refuse(trust, mine, "^the certificate is revoked$")


def test_t34_revoked_by_a_list_that_appears_later(place: Installation) -> None:
    """T34: revocation lists are read again when they change."""
    authority = place.authority()
    mine, other, trust = place.issue(authority), place.issue(authority), place.trust()
    assert accepted(trust, mine)
    place.publish(authority, [mine.serial])
    refuse(trust, mine, "^the certificate is revoked$")
    assert accepted(trust, other)
    place.publish(authority, [mine.serial, other.serial])
    refuse(trust, other, "^the certificate is revoked$")
    (place.folder / "crls" / "list.crl").unlink()
    assert accepted(trust, other)


def test_t34_a_list_counts_for_directly_trusted_certificates_too(place: Installation) -> None:
    authority = place.authority()
    mine = place.register(place.issue(authority).x509, trusted_directly=True)
    place.publish(authority, [mine.serial])
    refuse(place.trust(), mine, "^the certificate is revoked$")


def test_t34_a_list_past_its_next_update_is_refused_unless_allowed(place: Installation) -> None:
    """T34, F28: the last list is good until its end, then fail closed; who is on it stays revoked either way."""
    authority = place.authority()
    mine, revoked = place.issue(authority), place.issue(authority)
    place.publish(authority, [revoked.serial], next_update=NOW)
    assert accepted(place.trust(), mine, NOW - SECOND)
    refuse(place.trust(), mine, "its issuer's revocation list is out of date")
    assert accepted(place.trust(allow_stale_crl=True), mine)
    for allowed in (True, False):
        refuse(place.trust(allow_stale_crl=allowed), revoked, "^the certificate is revoked$")
    place.publish(authority, [], "newer.crl", this_update=NOW)
    assert accepted(place.trust(), mine)


def test_t34_a_list_from_the_future_is_no_current_list(place: Installation) -> None:
    authority = place.authority()
    mine = place.issue(authority)
    place.publish(authority, [], this_update=NOW + SECOND)
    refuse(place.trust(), mine, "out of date")


def test_t34_a_list_signed_by_another_is_not_relied_on(place: Installation, tmp_path: Path) -> None:
    """T34: the same name does not make a list genuine, and while it lies there nobody of that issuer is believed."""
    mine = place.issue(place.authority())
    impostor = make_authority(tmp_path / "impostor", "Z1")
    place.publish(impostor, [])
    refuse(place.trust(), mine, "not signed by a known CA")


def test_t34_how_old_the_lists_are_can_be_asked(place: Installation) -> None:
    """T34: operators are to be warned before a list grows stale."""
    authority = place.authority()
    place.publish(authority, [1, 2], next_update=NOW)
    (key, (only,)), *others = place.trust().revocation_lists().items()
    assert others == []
    assert key == "CN=z1,OU=07"
    assert only.genuine
    assert only.next_update == NOW
    assert sorted(only.serials) == [1, 2]
    assert place.trust(crls=False).revocation_lists() == {}


def test_t34_an_issuer_without_a_list_revokes_nothing(place: Installation) -> None:
    mine = place.issue(place.authority())
    place.publish(place.authority("Z2"), [mine.serial])
    assert accepted(place.trust(), mine)


def test_t34_a_ca_that_is_revoked_takes_its_certificates_with_it(place: Installation) -> None:
    root = place.authority("Root")
    below = place.authority("Below", parent=root)
    mine, trust = place.issue(below), place.trust()
    assert accepted(trust, mine)
    place.publish(root, [below.certificate.serial_number])
    refuse(trust, mine, "a CA above it is revoked")


def test_t35_the_role_must_be_one_of_those_asked_for(place: Installation) -> None:
    """T35: DCC's certificate is good on its own door alone."""
    authority, trust = place.authority(), place.trust()
    dcc = place.issue(authority, role="89")
    refuse(trust, dcc, r"wrong kind \(OU 89\)")
    assert resolve(trust, dcc, roles=frozenset({"87", "89"})).role == "89"
    refuse(trust, place.issue(authority, role="02"), r"wrong kind \(OU 02\)")


def test_t35_key_agreement_certificates_do_not_sign(place: Installation) -> None:
    """T35: key usage without digitalSignature."""
    mine = place.issue(place.authority(), digital_signature=False)
    refuse(place.trust(), mine, "not an end entity with digitalSignature")
    place.register(mine.x509, trusted_directly=True)
    refuse(place.trust(), mine, "not an end entity with digitalSignature")


def test_t38_old_and_new_certificate_of_a_party_work_side_by_side(place: Installation) -> None:
    """T38: certificate rollover."""
    authority, trust = place.authority(), place.trust()
    for each in (place.issue(authority), place.issue(authority)):
        assert resolve(trust, each).eui == SUPPLIER


def test_a_registered_certificate_that_cannot_be_read_is_a_refusal(place: Installation) -> None:
    mine = place.issue(place.authority())
    key = (mine.issuer_key, str(mine.serial))
    place.registered[key] = replace(place.registered[key], der=b"spoiled")
    refuse(place.trust(), mine, "not a certificate")


# --- the folders


def test_anchors_are_read_again_when_they_change(place: Installation) -> None:
    """An anchor that is taken away takes its certificates' trust away, remembered or not."""
    trust = place.trust()
    authority = place.authority()
    mine = place.issue(authority)
    assert accepted(trust, mine)
    (place.folder / "anchors" / "Z1.pem").unlink()
    refuse(trust, mine, "does not lead to a trust anchor")
    place.anchor(authority.certificate, "again")
    assert accepted(trust, mine)


def test_a_list_is_checked_again_when_its_ca_appears(place: Installation) -> None:
    authority = place.authority()
    anchor = place.folder / "anchors" / "Z1.pem"
    data = anchor.read_bytes()
    anchor.unlink()
    mine = place.register(place.issue(authority).x509, trusted_directly=True)
    place.publish(authority, [])
    trust = place.trust()
    refuse(trust, mine, "not signed by a known CA")
    anchor.write_bytes(data)
    assert accepted(trust, mine)


@pytest.mark.parametrize("name", ["anchors/half.pem", "crls/half.crl"])
def test_a_bad_file_at_the_start_is_named(place: Installation, name: str) -> None:
    (place.folder / name).write_bytes(b"-----BEGIN X509 CRL-----\n-----BEGIN CERTIFICATE-----\nAAAA")
    with pytest.raises(CertificateUnusable, match=r"half\.(pem|crl): not a"):
        place.trust()


def test_a_folder_that_is_not_there_is_named(place: Installation) -> None:
    for name in ("anchors", "crls"):
        (place.folder / name).rename(place.folder / f"{name}-moved")
        with pytest.raises(CertificateUnusable, match=f"{name}: No such file"):
            place.trust()
        (place.folder / f"{name}-moved").rename(place.folder / name)


def test_a_file_caught_half_written_takes_nobodys_trust_away(
    place: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    """What was loaded before stays, revocations too; it is logged, and the whole file counts once it is there."""
    authority, trust = place.authority(), place.trust()
    mine, other = place.issue(authority), place.issue(authority)
    place.publish(authority, [other.serial])
    assert accepted(trust, mine)
    refuse(trust, other, "is revoked")
    whole = (place.folder / "crls" / "list.crl").read_bytes()
    (place.folder / "crls" / "list.crl").write_bytes(whole[:200])
    (place.folder / "anchors" / "half.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA")
    assert accepted(trust, mine)
    refuse(trust, other, "is revoked")
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    place.publish(authority, [mine.serial, other.serial])
    refuse(trust, mine, "is revoked")


def test_keys_and_other_files_beside_certificates_are_passed_over(place: Installation) -> None:
    """A folder as `make_authority` leaves it is an anchors folder."""
    authority = place.authority()
    for path in (authority.key_path, authority.certificate_path):
        (place.folder / "anchors" / path.name).write_bytes(path.read_bytes())
    (place.folder / "anchors" / "key.pem").write_bytes(authority.key_path.read_bytes())
    (place.folder / "anchors" / "README").write_text("not a certificate")
    assert accepted(place.trust(), place.issue(authority))


def test_files_may_be_der_or_hold_several(place: Installation) -> None:
    one, two = place.authority("One"), place.authority("Two")
    anchors, crls = place.folder / "anchors", place.folder / "crls"
    (anchors / "both.crt").write_bytes((anchors / "One.pem").read_bytes() + (anchors / "Two.pem").read_bytes())
    (anchors / "One.pem").unlink()
    (anchors / "Two.pem").unlink()
    mine, other = place.issue(one), place.issue(two)
    place.publish(one, [], "one.pem")
    place.publish(two, [other.serial], "two.pem")
    (crls / "both.pem").write_bytes((crls / "one.pem").read_bytes() + (crls / "two.pem").read_bytes())
    (crls / "one.pem").unlink()
    (crls / "two.pem").unlink()
    trust = place.trust()
    assert accepted(trust, mine)
    refuse(trust, other, "is revoked")
    (crls / "both.pem").unlink()
    der = x509.load_pem_x509_crl(make_crl(one, [mine.serial], LATE)).public_bytes(Encoding.DER)
    (crls / "one.crl").write_bytes(der)
    (anchors / "one.der").write_bytes(one.certificate.public_bytes(Encoding.DER))
    refuse(trust, mine, "is revoked")


def test_the_chain_is_built_once_for_each_certificate(place: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what cannot change is remembered: the signatures of a chain, as long as the anchors stay as they are."""
    found: list[x509.Certificate] = []
    genuine = chains.find_paths

    def noted(certificate: x509.Certificate, authorities: tuple[x509.Certificate, ...]) -> tuple[chains.Path, ...]:
        found.append(certificate)
        return genuine(certificate, authorities)

    monkeypatch.setattr(chains, "find_paths", noted)
    mine, trust = place.issue(place.authority()), place.trust()
    for _ in range(5):
        assert accepted(trust, mine)
    assert len(found) == 1
    place.authority("Another")
    assert accepted(trust, mine)
    assert len(found) == 2


def test_many_threads_while_lists_change(place: Installation) -> None:
    """Who is on every list is never believed, while other lists come and go."""
    authority = place.authority()
    mine, revoked = place.issue(authority), place.issue(authority)
    place.publish(authority, [revoked.serial])
    trust = place.trust()
    wrong: list[object] = []

    def work() -> None:
        for _ in range(60):
            try:
                wrong.append(resolve(trust, revoked))
            except NotAuthenticated as error:
                if "is revoked" not in error.detail:
                    wrong.append(error)
            resolve(trust, mine)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(10):
        place.publish(authority, [], f"{number}.crl")
        place.authority(f"Other{number}")
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_folder_shows_at_once_what_comes_and_within_its_time_what_is_written_in_place(tmp_path: Path) -> None:
    """T34: between two looks at the files a busy gateway asks for the folder's own time only."""

    def contents(folder: Path) -> list[str]:
        return sorted(path.read_text() for path in folder.iterdir())

    at_once, later = (WatchedFolder(tmp_path, contents, every) for every in (0.0, 3600.0))
    assert at_once.current() == later.current() == []
    (tmp_path / "a").write_text("one")
    os.utime(tmp_path, ns=(1, 1))  # whatever the clock of the file system can tell apart
    assert at_once.current() == later.current() == ["one"]
    (tmp_path / "a").write_text("three")
    assert at_once.current() == ["three"]
    assert later.current() == ["one"]
    (tmp_path / "b").write_text("two")
    os.utime(tmp_path, ns=(2, 2))
    assert at_once.current() == later.current() == ["three", "two"]
