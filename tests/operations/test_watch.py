"""What operators are told of certificates and revocation lists, on real ones (threats T34, F28)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from duis_gateway.operations import flags
from duis_gateway.operations.watch import LIST_GROWS_OLD, TrustFigures, TrustWatch
from duis_gateway.parties import certificates
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party, PartyKind, PartyStatus, Role
from duis_gateway.pki.certificates import Certificate
from duis_gateway.pki.make import Authority, make_certificate
from duis_gateway.store.engine import Store
from tests.support.databases import fresh_database, opened
from tests.support.trust import DAY, NOW, Installation

FIRST, SECOND = 0x90B3D51F30010000, 0x90B3D51F30020000
HOUR = timedelta(hours=1)


@dataclass
class MovingClock:
    instant: datetime = NOW

    def now(self) -> datetime:
        return self.instant


@dataclass
class Watched:
    """An installation on disk with its registered certificates in a store."""

    place: Installation
    store: Store
    clock: MovingClock
    number: int = 0

    def watch(self, *, allow_stale: bool = False) -> TrustWatch:
        """What another process would look with."""
        return TrustWatch(self.store, self.place.trust(allow_stale_crl=allow_stale), self.clock)

    def certificate(self, eui: int, authority: Authority, until: datetime, *, directly: bool = False) -> Certificate:
        """Register a certificate of a party that is good from long ago until then."""
        self.number += 1
        made = make_certificate(
            authority, eui, "87", self.place.folder / "other", stem=f"c{self.number}",
            not_before=NOW - 300 * DAY, not_after=until,
        )  # fmt: skip
        read = self.place.register(made.certificate, trusted_directly=directly)
        registered = self.place.registered[read.issuer_key, str(read.serial)]
        with self.store.write() as conn:
            if parties.find(conn, eui) is None:
                parties.add(conn, _supplier(eui))
            certificates.add(conn, registered)
        return read

    def flagged(self) -> list[str]:
        with self.store.read() as conn:
            return [flag.subject for flag in flags.of_kind(conn, LIST_GROWS_OLD)]


def _supplier(eui: int) -> Party:
    return Party(eui, PartyKind.SUPPLIER, "http://a.example/", roles=frozenset(Role), duis_version=Decimal("6.0"))


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with fresh_database("sqlite", tmp_path) as url, opened(url) as store:
        yield Watched(Installation(tmp_path), store, MovingClock())


def test_without_lists_and_parties_there_is_nothing_to_say(watched: Watched) -> None:
    watched.place.authority()
    assert watched.watch().figures() == TrustFigures()
    assert watched.watch().problems() == (True, "")


def test_the_list_of_whose_life_most_is_over_is_the_one_that_is_told_of(watched: Watched) -> None:
    """T34: a short-lived list may be younger and still more pressing; the earliest nextUpdate may be another's."""
    long, short = watched.place.authority("Long"), watched.place.authority("Short")
    watched.certificate(FIRST, long, NOW + 90 * DAY)
    watched.certificate(SECOND, short, NOW + 60 * DAY)
    watched.place.publish(long, [], "long.crl", NOW + HOUR, NOW - HOUR)
    watched.place.publish(short, [], "short.crl", NOW + 2 * HOUR, NOW - 6 * HOUR)
    figures = watched.watch().figures()
    assert (figures.crl_age, figures.crl_life_used) == (6 * 3600, 0.75)
    assert figures.crl_next_update == (NOW + HOUR).timestamp()
    assert figures.party_expiry == (NOW + 60 * DAY).timestamp()


def test_of_two_lists_of_one_issuer_the_newer_counts(watched: Watched) -> None:
    authority = watched.place.authority()
    watched.certificate(FIRST, authority, NOW + 90 * DAY)
    watched.place.publish(authority, [], "old.crl", NOW - HOUR, NOW - 9 * HOUR)
    watched.place.publish(authority, [], "new.crl", NOW + 9 * HOUR, NOW - HOUR)
    assert watched.watch().figures().crl_life_used == 0.1
    assert watched.watch().problems() == (True, "")


def test_a_party_is_left_without_a_certificate_when_its_last_one_ends(watched: Watched) -> None:
    """One that has been replaced troubles nobody, nor one that was revoked or is a suspended party's."""
    authority = watched.place.authority()
    watched.certificate(FIRST, authority, NOW - DAY)
    watched.certificate(FIRST, authority, NOW + 50 * DAY)
    revoked = watched.certificate(SECOND, authority, NOW + 400 * DAY)
    watched.certificate(SECOND, authority, NOW + 40 * DAY)
    assert watched.watch().figures().party_expiry == (NOW + 50 * DAY).timestamp()
    with watched.store.write() as conn:
        assert certificates.revoke(conn, revoked.issuer_key, revoked.serial, NOW)
    assert watched.watch().figures().party_expiry == (NOW + 40 * DAY).timestamp()
    watched.clock.instant = NOW + 45 * DAY
    assert watched.watch().figures().party_expiry == (NOW + 40 * DAY).timestamp(), "what has ended is still told"
    with watched.store.write() as conn:
        assert parties.set_status(conn, SECOND, PartyStatus.SUSPENDED)
    assert watched.watch().figures().party_expiry == (NOW + 50 * DAY).timestamp()


def test_a_list_out_of_date_is_said_in_words_unless_stale_ones_are_allowed(watched: Watched) -> None:
    """T34: nobody can be believed, so the gateway is not ready."""
    authority = watched.place.authority("Z1")
    watched.certificate(FIRST, authority, NOW + 90 * DAY)
    watched.place.publish(authority, [], next_update=NOW)
    good, said = watched.watch().problems()
    assert not good
    assert said == "the revocation list of CN=Z1,OU=07 (good until 2026-06-01 12:00:00 UTC) is out of date"
    assert watched.watch(allow_stale=True).problems() == (True, "")
    watched.clock.instant = NOW - HOUR
    assert watched.watch().problems() == (True, "")


def test_while_some_can_be_believed_the_gateway_is_ready_and_says_what_is_wrong(watched: Watched) -> None:
    good, stale = watched.place.authority("Good"), watched.place.authority("Stale")
    watched.certificate(FIRST, good, NOW + 90 * DAY)
    watched.certificate(SECOND, stale, NOW + 90 * DAY)
    watched.place.publish(stale, [], next_update=NOW)
    ready, said = watched.watch().problems()
    assert ready
    assert "CN=Stale" in said


def test_the_list_of_a_ca_above_counts_as_well(watched: Watched) -> None:
    root = watched.place.authority("Root")
    issuing = watched.place.authority("Issuing", parent=root)
    watched.certificate(FIRST, issuing, NOW + 90 * DAY)
    watched.place.publish(root, [], next_update=NOW)
    assert not watched.watch().problems()[0]
    watched.certificate(SECOND, issuing, NOW + 90 * DAY, directly=True)
    assert watched.watch().problems()[0], "who is trusted directly does not need the CA above"


def test_a_list_that_nobody_depends_on_troubles_nobody(watched: Watched) -> None:
    """An authority that was left behind: its parties' certificates have expired."""
    now, then = watched.place.authority("Now"), watched.place.authority("Then")
    watched.certificate(FIRST, then, NOW - DAY)
    watched.certificate(FIRST, now, NOW + 90 * DAY)
    watched.place.publish(then, [], "then.crl", NOW - HOUR)
    assert watched.watch().problems() == (True, "")
    assert watched.watch().figures().crl_age is None
    watched.watch().warn()
    assert watched.flagged() == []


def test_from_half_of_its_life_on_a_list_is_flagged_once(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    """T34: however many processes look, and how often; the next list anew."""
    authority = watched.place.authority("Z1")
    watched.certificate(FIRST, authority, NOW + 90 * DAY)
    watched.place.publish(authority, [], next_update=NOW + 10 * HOUR, this_update=NOW)
    watched.clock.instant = NOW + 5 * HOUR - timedelta(seconds=1)
    watched.watch().warn()
    assert watched.flagged() == []
    watched.clock.instant = NOW + 5 * HOUR
    one, other = watched.watch(), watched.watch()
    for watch in (one, other, one):
        watch.warn()
    first = "CN=Z1,OU=07, 2026-06-01 12:00:00"
    assert watched.flagged() == [first]
    assert sum(getattr(record, "event", "") == "crl-grows-old" for record in caplog.records) == 2, "each process once"
    later = watched.clock.instant
    watched.place.publish(authority, [], next_update=later + 2 * HOUR, this_update=later)
    watched.clock.instant = later + HOUR
    watched.watch().warn()
    assert watched.flagged() == ["CN=Z1,OU=07, 2026-06-01 17:00:00", first]
