"""What parties are shown, and the outbox in figures, read from the store: for the party door and the metrics."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from sqlalchemy import Connection

from duis_gateway.audit import sealing
from duis_gateway.clock import Clock
from duis_gateway.errors import HttpRefused, NoSuchPath, NotEntitled
from duis_gateway.operations.figures import AuditFigures, OutboxFigures
from duis_gateway.outbox import view as outbox_view
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.audience import suppliers_of_model
from duis_gateway.rollout.deadlines.scopes import live_releases
from duis_gateway.rollout.deadlines.view import DEADLINE_COLUMNS, deadline_rows
from duis_gateway.rollout.estate.changes import unknown_since
from duis_gateway.rollout.estate.eligible_view import ELIGIBLE_COLUMNS, eligible_hubs, eligible_row
from duis_gateway.rollout.estate.history import HISTORY_COLUMNS, history_rows
from duis_gateway.rollout.estate.hub_by_hub import (
    ESTATE_COLUMNS,
    estate_rows,
    hub_row,
)
from duis_gateway.rollout.estate.view import STATUS_COLUMNS, status_rows
from duis_gateway.rollout.hubs.gpfs import hubs_named_by_gpf
from duis_gateway.rollout.protection.handle import COLUMNS as PROTECTED_COLUMNS
from duis_gateway.rollout.protection.handle import ProtectionLists
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import Release
from duis_gateway.store.engine import Store
from duis_gateway.text.controls import shown
from duis_gateway.text.tabular import Rows

PARTY_TABLES = {
    "status": STATUS_COLUMNS,
    "deadlines": DEADLINE_COLUMNS,
    "estate": ESTATE_COLUMNS,
    "eligible-hubs": ELIGIBLE_COLUMNS,
    "protected-hubs": PROTECTED_COLUMNS,
}
"""The tables of the party door, and their columns."""


def outbox_figures(store: Store) -> OutboxFigures:
    """Return the outbox in figures, by channel."""
    with store.read() as conn:
        stats = outbox_view.stats(conn)
    pending: dict[str, int] = {}
    for place, backlog in stats.pending.items():
        pending[place.channel] = pending.get(place.channel, 0) + backlog.pending
    return OutboxFigures(pending, sum(stats.dead.values()), stats.oldest_age)


def audit_figures(store: Store) -> AuditFigures:
    """Return how far the audit log is, in figures."""
    with store.read() as conn:
        state = sealing.state_of(conn)
    return AuditFigures(
        entries=state.entries,
        waiting=state.waiting,
        oldest_age=0.0 if state.oldest_waiting is None else max(0.0, state.now - state.oldest_waiting),
        covered=state.covered,
        checkpoint_at=state.checkpoint_at,
    )


class PartyView:
    """What a party sees of itself (`doors.party.PartyData`); nothing of anyone else."""

    def __init__(self, store: Store, clock: Clock, protection: ProtectionLists) -> None:
        self._store = store
        self._clock = clock
        self._protection = protection

    def party_of(self, token: str, organisations: frozenset[str] | None = None) -> int | None:
        """Return whose token this is, or None.

        Raises:
            NotOfOrganisation: the party belongs to none of these organisations; None: it need not.
        """
        with self._store.read() as conn:
            party = parties.by_token_hash(conn, parties.token_hash(token))
        if party is None:
            return None
        party.check_organisation(organisations)
        return party.eui

    def status(self, party: int) -> Rows:
        """Return the number of the party's hubs by release in flight, model, firmware version, status and state."""
        with self._store.read() as conn:
            who = parties.find(conn, party)
            return Rows(STATUS_COLUMNS, status_rows(conn, who, self._clock.now()) if who else ())

    def deadlines(self, party: int) -> Rows:
        """Return what the party has outstanding under the releases in flight, and what the others do next."""
        with self._store.read() as conn:
            who = parties.find(conn, party)
            return Rows(DEADLINE_COLUMNS, deadline_rows(conn, who, self._clock.now()) if who else ())

    def estate(self, party: int, since: datetime | None = None) -> Rows:
        """Return the party's hubs one by one: how each stands, why, and its last outcome (BR-5.3).

        With `since` only those that may have changed since then, and those that have left the estate.

        Raises:
            HttpRefused: `since` lies in the future, or further back than is known.
        """
        if since is not None:
            with self._store.read() as conn:
                unknown = unknown_since(conn, since, self._clock.now())
            if unknown is not None:
                raise HttpRefused(unknown)
        return Rows(ESTATE_COLUMNS, self._estate(party, since))

    def _estate(self, party: int, since: datetime | None) -> Iterator[Mapping[str, object]]:
        with self._store.read() as conn:
            who = parties.find(conn, party)
            if who is not None:
                yield from estate_rows(conn, who, self._clock.now(), since)

    def hub(self, party: int, device_id: int) -> tuple[Rows, Rows] | None:
        """Return how one of the party's hubs stands, and its history; None if it is none of its hubs."""
        with self._store.read() as conn:
            who = parties.find(conn, party)
            row = None if who is None else hub_row(conn, who, device_id, self._clock.now())
            if who is None or row is None:
                return None
            return Rows(ESTATE_COLUMNS, [row]), Rows(HISTORY_COLUMNS, history_rows(conn, who, device_id))

    def hubs_of_gpfs(self, party: int, ids: Collection[int]) -> Mapping[int, int]:
        """Return the hub of each of these devices that is the GPF of one of the party's hubs."""
        with self._store.read() as conn:
            who = parties.find(conn, party)
            return {} if who is None else hubs_named_by_gpf(conn, ids, who)

    def protected_hubs(self, party: int) -> Rows:
        """Return the hubs that a supplier lets into no pilot and no period; raises as `protect`."""
        self._require_supplier(party)
        return self._protection.rows(party)

    def protect(self, party: int, ids: Collection[int]) -> int:
        """Make these hubs a supplier's list, and return how many they are.

        Raises:
            NotEntitled: it is no supplier.
            HttpRefused: one of them is the GPF of a hub of its own.
            NotDurable: it cannot be stored just now.
        """
        self._require_supplier(party)
        return self._protection.replace(party, ids)

    def _require_supplier(self, party: int) -> None:
        with self._store.read() as conn:
            who = parties.find(conn, party)
        if who is None or who.kind is not PartyKind.SUPPLIER:
            raise NotEntitled("Only suppliers have a list of protected hubs.")

    def eligible_hubs(self, party: int, release_id: str | None) -> Rows:
        """Return a supplier's hubs that a release (or any live one) may be applied to, with the supplier's roles.

        Raises:
            NoSuchPath: DCC has announced no such release, or for a supplier, none for a model that it has hubs of.
        """
        if release_id is not None:
            with self._store.read() as conn:
                if not _concerned(conn, parties.find(conn, party), releases.find(conn, release_id)):
                    raise NoSuchPath(_NO_RELEASE.format(shown(release_id)[:80]))
        return Rows(ELIGIBLE_COLUMNS, self._eligible(party, release_id))

    def _eligible(self, party: int, release_id: str | None) -> Iterator[Mapping[str, object]]:
        with self._store.read() as conn:
            for release in live_releases(conn):
                if release_id is None or release.release_id == release_id:
                    for hub in eligible_hubs(conn, party, release, self._clock.now()):
                        yield eligible_row(hub, release, party)


_NO_RELEASE = (
    "DCC has announced no release {} for a device model of this party's hubs; /party/v1/deadlines and the emails about "
    "releases have the names of those that it has"
)


def _concerned(conn: Connection, party: Party | None, release: Release | None) -> bool:
    """Whether a party knows of a release: a supplier, if it has hubs of the model, whether or not there is one else."""
    if party is None or release is None:
        return False
    of_model = suppliers_of_model(conn, release.manufacturer, release.model)
    return party.kind is not PartyKind.SUPPLIER or party.eui in of_model
