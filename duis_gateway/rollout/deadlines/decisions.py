"""Which of DCC's decisions a party has not heard: on a whole release (X03, A11, A12), or about hubs it names (X08).

A decision is unheard until it is delivered, put aside, or given up and said anew by a later one that was delivered.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from duis_gateway.duis.alerts.firmware_rollout_decision import DirectInstruction
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.outbox.not_arrived import NotArrived, arrived_since, content_of, not_arrived
from duis_gateway.outbox.stand_ins import as_meant
from duis_gateway.parties.records import PartyKind
from duis_gateway.rollout.rollout_decisions.records import Consequence, RolloutAction

_OF_HUBS = frozenset({DirectInstruction.BATCH.value, DirectInstruction.PILOT_SELECTION.value})
"""What DCC instructs for hubs that it names: as the kinds of messages to CSPs, and as an N72 calls it."""

KINDS: Mapping[PartyKind, Collection[str]] = {
    PartyKind.CSP: ("RolloutDecision", "Closure", "Supersession", *_OF_HUBS),
    PartyKind.SUPPLIER: ("N72", "A11", "A12"),
}
"""What DCC decides, as CSPs and suppliers are told."""

_DECISION = re.compile(rb"<(?:\w+:)?Decision>(\w+)<")
_LIST = re.compile(rb"<(?:\w+:)?DeviceIDList>([^<]*)<")
_HUB = re.compile(rb"(?:[0-9A-F]{2}-){7}[0-9A-F]{2}")


@dataclass(frozen=True, slots=True)
class Unheard:
    """A decision that a party has not heard; `of_hubs`: it is about hubs that it names, not about the release."""

    message: NotArrived
    of_hubs: bool


def unheard_decisions(
    conn: Connection,
    release_ids: Collection[str],
    in_flight: Collection[str],
    kind_of: Mapping[int, PartyKind],
    hub: int | None = None,
) -> Iterator[Unheard]:
    """Yield the decisions on these releases that these parties have not heard, the oldest first.

    Args:
        conn: the connection.
        release_ids: the releases.
        in_flight: those of them that are not over: once one is, what its end says goes for all of its hubs.
        kind_of: the parties, CSPs and suppliers, and which each is.
        hub: the hub whose affair it has to be: a decision that names others is not; None: any hub's.
    """
    for one in not_arrived(conn, release_ids, kind_of.keys()):
        if (one.stands_for or one.kind) not in KINDS[kind_of[one.recipient]]:
            continue
        said = content_of(conn, one.id)
        of_hubs = _names_hubs(one.kind, said)
        if of_hubs and one.release_id not in in_flight:
            continue
        later = arrived_since(conn, one) if one.given_up else ()
        if _hubs_unheard(said, later, hub) if of_hubs else _stands(one, said, later):
            yield Unheard(one, of_hubs)


def first_of_each(found: Iterable[Unheard]) -> Collection[NotArrived]:
    """Return the oldest decision of each kind that each party has not heard about each release."""
    first: dict[tuple[object, ...], NotArrived] = {}
    for one in found:
        message = one.message
        first.setdefault((message.kind, one.of_hubs, message.release_id, message.recipient), message)
    return first.values()


def hubs_in(said: bytes) -> frozenset[str]:
    """Return whatever a message has in it that may be a hub's EUI-64, as the wire writes it: its parties' as well."""
    return frozenset(one.decode() for one in _HUB.findall(said))


def _names_hubs(kind: str, said: bytes) -> bool:
    return kind in _OF_HUBS or _decision(said) in _OF_HUBS


def _decision(said: bytes) -> str:
    found = _DECISION.search(said)
    return "" if found is None else found[1].decode()


def _hubs_unheard(said: bytes, later: Iterable[bytes], hub: int | None) -> bool:
    """Whether hubs are named (or this one is) that no later message names."""
    left = _hubs_of(said)
    if hub is not None:
        left &= {format_eui(hub).encode()}
    for other in later:
        if not left:
            break
        left -= _hubs_of(other)
    return bool(left)


def _hubs_of(said: bytes) -> set[bytes]:
    found = _LIST.search(said)
    return set() if found is None else set(_HUB.findall(found[1]))


def _stands(one: NotArrived, said: bytes, later: Iterable[bytes]) -> bool:
    """Whether no later decision on the release takes the place of this one.

    A delay is about the date alone: it leaves a pause as it is, and a pause leaves the date.
    """
    is_delay = _decision(said) == RolloutAction.DELAY
    for other in later:
        if one.stands_for:
            if as_meant(one.stands_for).encode() in other:
                return False
        elif not _names_hubs(one.kind, other):
            decision = _decision(other)
            if decision in _ENDS or is_delay == (decision == RolloutAction.DELAY):
                return False
    return True


_ENDS = frozenset({RolloutAction.STOP, RolloutAction.REVOKE, RolloutAction.WITHDRAW, Consequence.PILOT_INVALIDATED})
