"""The common course of every message of DCC's that changes where a release stands."""

from __future__ import annotations

from dataclasses import dataclass

from duis_gateway.flow.context import Context, accepted, refused
from duis_gateway.flow.reply import Decision, Write
from duis_gateway.partners.messages import PartnerMessage
from duis_gateway.rollout.releases.effects import Consequences, Current, Happening, carry_out, caught_up, current
from duis_gateway.rollout.releases.lifecycle import Event, advance
from duis_gateway.rollout.releases.records import Release
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


def happened(
    message: PartnerMessage, context: Context, release_id: str, event: Event, said: Said, *writes: Write
) -> Decision:
    """Let an event happen to a release, as its life allows it; `writes` go with it."""
    now = current(context.moment, release_id)
    if now.release is None:
        return Decision(refused(message, UNKNOWN_RELEASE, NOT_KNOWN))
    after = advance(now.release, event)
    if after.refusal is not None:
        return not_possible(message, now, after.refusal)
    by = said.by or context.party.name
    happening = Happening(event, now.release, after.release, after.effects, context.now, by, said.commentary, said.word)
    return settled(message, context, now, happening, *writes)


def settled(
    message: PartnerMessage, context: Context, before: Current, happening: Happening, *writes: Write
) -> Decision:
    """Return the decision in which this happens, after what time had brought and before what it brings now."""
    done = before.since + carry_out(happening, context.moment) + Consequences(writes)
    done += caught_up(happening.after, context.moment, not_before=context.now).since
    return Decision(accepted(message), done.writes, done.sends, changes_release=True)


def not_possible(message: PartnerMessage, now: Current, why: str) -> Decision:
    """Refuse the message; what time had brought happens all the same."""
    answer = refused(message, NOT_POSSIBLE, f"{why[:1].upper()}{why[1:]}.")
    return Decision(answer, now.since.writes, now.since.sends, changes_release=bool(now.since.writes))


def model_subject(release: Release) -> str:
    """Return what to lock before looking at several releases of one model, so that none can change between."""
    return f"model {release.manufacturer}/{release.model}"
