"""What is not delivered, by recipient, and why: what an operator would otherwise have to conclude from five columns."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.outbox import view as outbox_view
from duis_gateway.outbox.not_arrived import NotArrived
from duis_gateway.outbox.view import OutboxEntry
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party
from duis_gateway.text.counts import counted

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
    dead = [_dead(conn, eui, number) for eui, number in stats.dead.items()]
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


def _dead(conn: Connection, recipient: int, messages: int) -> Backlog:
    found, why = outbox_view.given_up(conn, recipient), outbox_view.last_error(conn, "dead", recipient)
    return Backlog(recipient, " and ".join(found.channels), "dead", messages, why or "given up", found.oldest_age)


@dataclass(frozen=True, slots=True)
class Why:
    """Why a message is not delivered, and what happens next.

    Attributes:
        text: the reason in sentences: its own, or that of the message that it waits behind.
        first: the message that has to be delivered first, None where it waits behind none.
        ahead: how many have to be delivered before it.
        cause: its own reason in a few words, for a list; of what waits behind another, that one's.
        to_do: what the operator can do about it, "" where there is nothing.
    """

    text: str
    first: OutboxEntry | None = None
    ahead: int = 0
    cause: str = ""
    to_do: str = ""


def why_waits(conn: Connection, entry: OutboxEntry, relay: bool) -> Why | None:
    """Say why a message is not delivered, and what happens next; None where it is."""
    match entry.state:
        case "delivered":
            return None
        case "in_flight":
            return _why_in_flight(conn, entry, relay)
        case "dead":
            error = entry.last_error or "given up"
            mend = _remedy(parties.find(conn, entry.recipient), entry, entry.last_error, relay)
            text = f"It is a dead letter: {error}. It will be sent again if it is replayed."
            to_do = f"Mend the cause first, or it will be given up again. {mend}".strip()
            return Why(text, cause=error, to_do=f"{to_do} Then replay it.")
    before = outbox_view.ahead_of(conn, entry.id)
    if before is None:
        return _why_pending(conn, entry, relay)
    first, ahead = before
    why = (_why_in_flight if first.state == "in_flight" else _why_pending)(conn, first, relay)
    return replace(why, first=first, ahead=ahead)


def whys(conn: Connection, messages: Collection[int], relay: bool) -> Mapping[int, Why]:
    """Return why some messages of the outbox are not delivered, by their numbers; for a page of them."""
    found = ((one.id, why_waits(conn, one, relay)) for one in outbox_view.some(conn, messages))
    return {number: why for number, why in found if why is not None}


@dataclass(frozen=True, slots=True)
class Stuck:
    """Messages to one recipient that have not arrived for one reason, the oldest first."""

    messages: Sequence[NotArrived]
    why: Why

    @property
    def first(self) -> NotArrived:
        """The oldest of them; it says of all to whom they go, how, and whether they were given up."""
        return self.messages[0]


def by_cause(conn: Connection, late: Iterable[NotArrived], relay: bool) -> list[Stuck]:
    """Return what has not arrived by recipient, channel and cause: those that wait behind others with these."""
    together: defaultdict[tuple[int, str, str | None, str], list[NotArrived]] = defaultdict(list)
    for one in late:
        # What waits behind another waits for that one's reason; each dead letter has its own.
        cause = (one.error or "") if one.given_up else None
        together[one.recipient, one.channel, cause, one.release_id].append(one)
    heads = whys(conn, [some[0].id for some in together.values()], relay)
    every = ((some, heads.get(some[0].id)) for some in together.values())
    return [Stuck(some, why) for some, why in every if why is not None]


def _why_in_flight(conn: Connection, entry: OutboxEntry, relay: bool) -> Why:
    party = parties.find(conn, entry.recipient)
    cause = _why(party, entry.channel, entry.last_error, relay)
    if cause is None or entry.last_error is None:
        return _BEING_DELIVERED
    text = f"{_BEING_DELIVERED.text[:-1]}, again: {cause.rstrip('.')}."
    return Why(text, cause=cause, to_do=_remedy(party, entry, entry.last_error, relay))


def _why_pending(conn: Connection, entry: OutboxEntry, relay: bool) -> Why:
    party = parties.find(conn, entry.recipient)
    error, cause = entry.last_error, _why(party, entry.channel, entry.last_error, relay)
    if cause is None:
        error = outbox_view.last_error(conn, "pending", entry.recipient, entry.channel)
        if not error:
            return Why("It is due: it is waiting for what was due before it.", cause="due: waiting for its turn")
        cause = f"the recipient is being spared, as it failed to take others: {error}"
    wait = entry.next_try_in or 0.0
    due = (
        f"The next attempt is due in {counted(round(wait), 'second')}."
        if wait >= 1
        else "It is due again, and tried in its turn."
    )
    return Why(f"{_sentence(cause)} {due}", cause=cause, to_do=_remedy(party, entry, error, relay))


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:].rstrip('.')}."


def _why(party: Party | None, channel: str, error: str | None, relay: bool) -> str | None:
    if channel == _EMAIL and not relay:
        return "there is no mail relay: [email] host is not set"
    if party is None:
        return "the recipient is not registered"
    return f"the last attempt failed: {error}" if error else None


def _remedy(party: Party | None, entry: OutboxEntry, error: str | None, relay: bool) -> str:
    """Say what an operator can do about a failed delivery (`docs/how-to/find-an-undelivered-message.md`)."""
    eui = format_eui(entry.recipient)
    if entry.channel == _EMAIL:
        if not relay:
            return "Set [email] host: then it is sent by itself."
        return (
            f"See that the mail relay takes mail for {entry.address} (another address: party change {eui} --email ...)."
        )
    if party is None:
        return f"Register the recipient (party add {eui} ...)."
    another = f"party change {eui} --url URL"
    status = _STATUS.search(error or "")
    if (error or "").startswith("no answer within"):
        return f"Its server at {party.url} does not answer in time: ask the party; the gateway goes on trying."
    if status is None:
        if "not a public address" in (error or ""):
            return f"[delivery] allowed_networks has to have its address; or register another ({another})."
        return (
            f"Its server at {party.url} cannot be reached: ask the party to see to it, "
            f"or register another address if that is the wrong one ({another})."
        )
    code = int(status[1])
    if code >= 500 or code in (408, 425, 429):
        return f"Its server at {party.url} cannot take it now: ask the party; the gateway goes on trying."
    if code < 400:
        return f"Its URL leads elsewhere, which is not followed: register the URL that it leads to ({another})."
    if code == 409:
        return (
            f"Its server at {party.url} says that it took another message under the same identity: where that was from "
            "before this gateway was begun anew, have it forget what it has taken; else ask the party why, and show it "
            "the exact bytes."
        )
    return (
        f"Its server at {party.url} refuses the message: ask the party why, and show it the exact bytes; "
        f"or register another address if that is the wrong one ({another})."
    )


_STATUS = re.compile(r"\bHTTP ([0-9]{3})")
_BEING_DELIVERED = Why("It is being delivered now.", cause="being delivered now")


def states(backlog: Sequence[Backlog]) -> Mapping[str, int]:
    """Return how many messages there are in each state."""
    counted: dict[str, int] = {}
    for one in backlog:
        counted[one.state] = counted.get(one.state, 0) + one.messages
    return counted
