"""What operators and parties are shown, read from the store: for the console, the metrics and the party door."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from duis_gateway.clock import Clock
from duis_gateway.doors.console import FlagLine, OutboxLine
from duis_gateway.doors.metrics import OutboxFigures
from duis_gateway.firmware.dates import one_month_before
from duis_gateway.model.identifiers import format_eui
from duis_gateway.model.parties import Party, PartyKind
from duis_gateway.model.releases import Release
from duis_gateway.store import flags, hubs, outbox_view, parties, releases
from duis_gateway.store.engine import Store
from duis_gateway.tabular import Rows

NEWEST_FLAGS = 50


def token_hash(token: str) -> str:
    """Return what the store keeps of a bearer token: its SHA-256 in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def live_releases(store: Store) -> list[Release]:
    """Return the releases in flight, the newest notice first."""
    with store.read() as conn:
        return [release for release in releases.all_releases(conn) if release.state.is_live]


class OperatorView:
    """What the console shows (`doors.console.ConsoleData`)."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def now(self) -> datetime:
        """Return business time."""
        return self._clock.now()

    def releases(self) -> Sequence[Release]:
        """Return the releases in flight."""
        return live_releases(self._store)

    def parties(self) -> Sequence[Party]:
        """Return all parties."""
        with self._store.read() as conn:
            return parties.all_parties(conn)

    def outbox(self) -> Sequence[OutboxLine]:
        """Return what is not delivered, by recipient and state, dead letters with the last error."""
        with self._store.read() as conn:
            stats = outbox_view.stats(conn)
            errors = {
                recipient: outbox_view.entries(conn, recipient=recipient, state="dead", limit=1)[0].last_error
                for recipient in stats.dead
            }
        waiting = [
            OutboxLine(place.recipient, place.channel, "pending", backlog.pending, backlog.oldest_age)
            for place, backlog in stats.pending.items()
        ]
        flying = [OutboxLine(place.recipient, place.channel, "in flight", n) for place, n in stats.in_flight.items()]
        dead = [OutboxLine(eui, "", "dead", n, last_error=errors[eui]) for eui, n in stats.dead.items()]
        return [*dead, *waiting, *flying]

    def flags(self) -> Sequence[FlagLine]:
        """Return the newest flags."""
        with self._store.read() as conn:
            newest = flags.newest(conn, NEWEST_FLAGS)
        return [FlagLine(flag.at, flag.kind, flag.subject, flag.text) for flag in newest]


def outbox_figures(store: Store) -> OutboxFigures:
    """Return the outbox in figures, by channel."""
    with store.read() as conn:
        stats = outbox_view.stats(conn)
    pending: dict[str, int] = {}
    for place, backlog in stats.pending.items():
        pending[place.channel] = pending.get(place.channel, 0) + backlog.pending
    return OutboxFigures(pending, sum(stats.dead.values()), stats.oldest_age)


class PartyView:
    """What a party sees of itself (`doors.party.PartyData`); nothing of anyone else."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def party_of(self, token: str) -> int | None:
        """Return whose token this is, or None."""
        with self._store.read() as conn:
            party = parties.by_token_hash(conn, token_hash(token))
        return None if party is None else party.eui

    def status(self, party: int) -> Rows:
        """Return the number of the party's hubs by model, firmware version and inventory status."""
        with self._store.read() as conn:
            counts = hubs.estate_counts(conn, party)
        columns = ("manufacturer", "model", "firmware_version", "status", "hubs")
        rows = [
            dict(zip(columns, (c.manufacturer, c.model, c.firmware_version, c.status, c.hubs), strict=True))
            for c in counts
        ]
        return Rows(columns, rows)

    def deadlines(self, party: int) -> Rows:
        """Return until when the party can still choose and instruct, for each release in flight."""
        now = self._clock.now()
        rows: list[Mapping[str, object]] = []
        for release in live_releases(self._store):
            dues = [("submit instructions", one_month_before(release.automatic_date))]
            if release.pilot is not None:
                dues.insert(0, ("submit the preferred pilot list", release.pilot.period.end))
            for action, due in dues:
                if due > now and self._concerns(party, release):
                    left = int((due - now).total_seconds())
                    rows.append({"release": release.release_id, "action": action, "due": due, "seconds_left": left})
        return Rows(("release", "action", "due", "seconds_left"), rows)

    def _concerns(self, party: int, release: Release) -> bool:
        with self._store.read() as conn:
            known = parties.find(conn, party)
            concerned = releases.suppliers_with_hubs_of_model(conn, release.manufacturer, release.model)
        return known is not None and known.kind is PartyKind.SUPPLIER and party in concerned

    def eligible_hubs(self, party: int, release_id: str | None) -> Rows:
        """Return the party's hubs that a release (or any live one) may be applied to, with the party's roles."""
        chosen = [r for r in live_releases(self._store) if release_id is None or r.release_id == release_id]
        return Rows(ELIGIBLE_COLUMNS, self._eligible(party, chosen))

    def _eligible(self, party: int, chosen: Sequence[Release]) -> Iterator[Mapping[str, object]]:
        for release in chosen:
            with self._store.read() as conn:
                for hub in hubs.eligible(conn, party, release):
                    yield {
                        "release": release.release_id,
                        "device_id": format_eui(hub.device_id),
                        "manufacturer": hub.manufacturer,
                        "model": hub.model,
                        "firmware_version": hub.firmware_version,
                        "status": hub.status,
                        "csp_region": hub.csp_region,
                        "import": hub.import_supplier == party,
                        "gas": hub.gas_supplier == party,
                    }


ELIGIBLE_COLUMNS = (
    "release",
    "device_id",
    "manufacturer",
    "model",
    "firmware_version",
    "status",
    "csp_region",
    "import",
    "gas",
)
