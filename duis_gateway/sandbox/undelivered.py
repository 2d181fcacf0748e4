"""Why a message has not arrived, and what there is in the sandbox that keeps it: for the message's page."""

from __future__ import annotations

from dataclasses import dataclass

from duis_gateway.operations.console.waiting import why_waits
from duis_gateway.outbox import view as outbox_view
from duis_gateway.outbox.view import OutboxEntry
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import PartyKind
from duis_gateway.sandbox.cast import BY_EUI
from duis_gateway.sandbox.mocks.behaviour import NORMAL
from duis_gateway.sandbox.words import forget_first
from duis_gateway.sandbox.world import World


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Why a message has not arrived.

    Attributes:
        why: in words; of the message that goes first, where it waits behind one.
        behind: the number of that message, None where it waits behind none.
        ahead: how many go before it.
        given_up: it is tried no more.
        party: to whom it goes, by name.
        url: where the party's messages go.
        own: that is not the sandbox's.
        behaviour: how the sandbox's own answers.
        is_supplier: another address can be given by command.
        by_email: it is an email.
        forget: what has to be forgotten where it goes, before anything else can help; "" where nothing has.
    """

    why: str
    behind: int | None
    ahead: int
    given_up: bool
    party: str
    url: str
    own: bool
    behaviour: str
    is_supplier: bool
    by_email: bool
    forget: str


def why_undelivered(world: World, row: int) -> Undelivered | None:
    """Say why the message in this row of the outbox has not arrived; None: it has, or is tried for the first time."""
    with world.store.read() as conn:
        found = outbox_view.find(conn, row)
        if found is None or _is_first_try(found[0]):
            return None
        entry = found[0]
        why, party = why_waits(conn, entry, relay=True), parties.find(conn, entry.recipient)
    member = BY_EUI.get(entry.recipient)
    if why is None or party is None or member is None:
        return None
    player = world.players[member.name]
    return Undelivered(
        why=why.text,
        behind=None if why.first is None else world.traffic.number_of(why.first.id),
        ahead=why.ahead,
        given_up=entry.state == "dead",
        party=member.name,
        url=party.url,
        own=party.url != player.url,
        behaviour=player.behaviour if party.url == player.url else NORMAL,
        is_supplier=member.kind is PartyKind.SUPPLIER,
        by_email=entry.channel == "email",
        forget=forget_first((entry if why.first is None else why.first).last_error),
    )


def _is_first_try(one: OutboxEntry) -> bool:
    return one.state == "in_flight" and one.last_error is None
