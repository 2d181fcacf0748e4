"""The common course of every message of DCC's that changes where a release stands."""

from __future__ import annotations

from dataclasses import dataclass

from duis_gateway.flow.tx import Tx, accepted, refused
from duis_gateway.partners.messages import Acknowledgement, AnyMessage
from duis_gateway.rollout.releases.effects import Happening, carry_out, caught_up, current
from duis_gateway.rollout.releases.lifecycle import Event, advance
from duis_gateway.rollout.releases.telling import Word

UNKNOWN_RELEASE = "UnknownRelease"
NOT_POSSIBLE = "NotPossible"
NOT_KNOWN = "The release is not known to the gateway."


@dataclass(frozen=True, slots=True)
class Said:
    """What DCC said with an event: for the release's history, and for those who are told."""

    commentary: str | None = None
    word: Word | None = None
    by: str | None = None


def happened(message: AnyMessage, tx: Tx, release_id: str, event: Event, said: Said) -> Acknowledgement:
    """Let an event happen to a release, as its life allows it."""
    release = current(tx, release_id)
    if release is None:
        return refused(message, UNKNOWN_RELEASE, NOT_KNOWN)
    after = advance(release, event)
    if after.refusal is not None:
        return not_possible(message, after.refusal)
    by = said.by or tx.party.name
    happening = Happening(event, release, after.release, after.effects, tx.now, by, said.commentary, said.word)
    return settled(message, tx, happening)


def settled(message: AnyMessage, tx: Tx, happening: Happening) -> Acknowledgement:
    """Let this happen, after what time had brought and before what it brings now."""
    carry_out(happening, tx)
    caught_up(happening.after, tx, not_before=tx.now)
    return accepted(message)


def not_possible(message: AnyMessage, why: str) -> Acknowledgement:
    """Refuse the message; what time had brought has happened all the same."""
    return refused(message, NOT_POSSIBLE, f"{why[:1].upper()}{why[1:]}.")
