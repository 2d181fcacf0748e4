"""What is not delivered, by recipient, and why: what an operator would otherwise have to conclude from five columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from duis_gateway.outbox import view as outbox_view
from duis_gateway.outbox.view import OutboxEntry
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party

_EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is not delivered to one recipient on one channel, in one state; `oldest` and `next_try_in` in seconds."""

    recipient: int
    channel: str
    state: str
    messages: int
    why: str
    oldest: float | None = None
    next_try_in: float | None = None


def backlogs(conn: Connection, relay: bool) -> list[Backlog]:
    """Return what is not delivered: dead letters first, then what waits, then what is on its way.

    `relay`: there is one for emails.
    """
    stats = outbox_view.stats(conn)
    known = {party.eui: party for party in parties.all_parties(conn)}
    dead = [
        Backlog(eui, "", "dead", number, outbox_view.last_error(conn, "dead", eui) or "given up")
        for eui, number in stats.dead.items()
    ]
    pending = []
    for place, backlog in stats.pending.items():
        first = outbox_view.undelivered(conn, "pending", place.recipient, place.channel, limit=1)
        error = outbox_view.last_error(conn, "pending", place.recipient, place.channel)
        why = _why(known.get(place.recipient), place.channel, error, relay) or "due: waiting for its turn"
        wait = first[0].next_try_in if first else None
        pending.append(
            Backlog(place.recipient, place.channel, "pending", backlog.pending, why, backlog.oldest_age, wait)
        )
    flying = [
        Backlog(place.recipient, place.channel, "in flight", number, "being delivered now")
        for place, number in stats.in_flight.items()
    ]
    return [*dead, *pending, *flying]


@dataclass(frozen=True, slots=True)
class Why:
    """Why a message is not delivered, and what happens next.

    Attributes:
        text: the reason in words: its own, or that of the message that it waits behind.
        first: the message that has to be delivered first, None where it waits behind none.
        ahead: how many have to be delivered before it.
    """

    text: str
    first: OutboxEntry | None = None
    ahead: int = 0


def why_waits(conn: Connection, entry: OutboxEntry, relay: bool) -> Why | None:
    """Say why a message is not delivered, and what happens next; None where it is."""
    match entry.state:
        case "delivered":
            return None
        case "in_flight":
            return Why("It is being delivered now.")
        case "dead":
            return Why(f"It is a dead letter: {entry.last_error}. It will be sent again if it is replayed.")
    before = outbox_view.ahead_of(conn, entry.id)
    if before is None:
        return Why(_why_pending(conn, entry, relay))
    first, ahead = before
    why = "It is being delivered now." if first.state == "in_flight" else _why_pending(conn, first, relay)
    return Why(why, first, ahead)


def _why_pending(conn: Connection, entry: OutboxEntry, relay: bool) -> str:
    why = _why(parties.find(conn, entry.recipient), entry.channel, entry.last_error, relay)
    if why is None and (others := outbox_view.last_error(conn, "pending", entry.recipient, entry.channel)):
        why = f"the recipient is being spared, as it failed to take others: {others}"
    wait = entry.next_try_in or 0.0
    if why is None:
        return "It is due: it is waiting for what was due before it."
    return f"{why[0].upper()}{why[1:]}. The next attempt is due " + (f"in {wait:.0f} seconds." if wait >= 1 else "now.")


def _why(party: Party | None, channel: str, error: str | None, relay: bool) -> str | None:
    if channel == _EMAIL and not relay:
        return "there is no mail relay: [email] host is not set"
    if party is None:
        return "the recipient is not registered"
    return f"the last attempt failed: {error}" if error else None


def states(backlog: Sequence[Backlog]) -> Mapping[str, int]:
    """Return how many messages there are in each state."""
    counted: dict[str, int] = {}
    for one in backlog:
        counted[one.state] = counted.get(one.state, 0) + one.messages
    return counted
