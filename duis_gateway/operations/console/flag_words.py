"""What the flags are about, and what an operator does about each kind (`docs/operations.md` has the kinds)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from duis_gateway.duis.identifiers import eui_as_typed, format_eui
from duis_gateway.operations.flags import OperatorFlag
from duis_gateway.rollout.failure_thresholds import store as thresholds
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases.lifecycle import Event
from duis_gateway.rollout.releases.records import Release, ReleaseState, Stage
from duis_gateway.rollout.rollout_decisions import store as rollout

TO_DO: Mapping[str, str] = {
    "unmatched": "Ask the CSP for the CS06 that this outcome belongs to; its registered suppliers were told of it.",
    "unknown_release": "Ask the CSP which release it meant, and DCC whether it was announced.",
    "paused_release": "Tell DCC: a hub was updated although the release is paused.",
    "halted_release": "Tell DCC: a hub was updated although the release is over.",
    "decision outstanding": "Ask DCC for its decision; the release's page says what stands until then.",
    "high priority": "See that DCC knows of the incident and decides on it.",
    "pause proposed": "Ask DCC to confirm the pause, or to let the release proceed.",
    "unregistered supplier": "Register the supplier (party add), or have DCC correct the inventory.",
    "no hub of the model": "Ask DCC whether manufacturer and model are right, or load the inventory (inventory load).",
    "missed obligation": "Nothing by itself: DCC may choose hubs for the supplier while the pilot takes any.",
    "no email address": "Add the party's email address (party change), or tell it in another way.",
    "revocation list grows old": "Put the issuer's newest revocation list into the folder of [trust] crls.",
    "not done in time": "Look into the log for not-done-in-time; it is tried again by itself.",
}


@dataclass(frozen=True, slots=True)
class About:
    """What a flag is about: the page of a release or hub, if it is of one, and what is to be done about it."""

    flag: OperatorFlag
    release: str | None
    hub: str | None
    to_do: str

    @property
    def is_settled(self) -> bool:
        """Whether nothing is to be done about it any more."""
        return self.to_do.startswith(_SETTLED)


_SETTLED = "Nothing any more: "


_OF_DCC = frozenset({"decision outstanding", "high priority", "pause proposed"})
"""The kinds that ask DCC for a decision."""
_OF_ITS_COURSE = _OF_DCC | {"missed obligation"}
"""The kinds that ask for something of a release that goes on."""

Awaited = Mapping[tuple[str, str], datetime]
"""Since when DCC's decision is awaited, by the kind of flag that asks for it and the release."""


def awaited(conn: Connection, raised: Iterable[OperatorFlag], releases: Mapping[str, Release]) -> Awaited:
    """Return for what flags ask DCC that it has not decided yet."""
    found: dict[tuple[str, str], datetime] = {}
    for name in {one.subject for one in raised if one.kind in _OF_DCC and one.subject in releases}:
        reports = filter(None, (rollout.report_of(conn, name, stage) for stage in Stage))
        outstanding = [one.reported_at for one in reports if not one.success and not one.decided]
        invalidated = history.newest(conn, name, Event.SUCCESSOR_APPROVED)
        if invalidated is not None and releases[name].state is ReleaseState.INVALIDATED:
            outstanding.append(invalidated.at)
        proposal = thresholds.find_proposal(conn, name)
        since = {
            "decision outstanding": outstanding,
            "high priority": [one.received_at for one in rollout.incidents(conn, name)],
            "pause proposed": [] if proposal is None else [proposal.at],
        }
        found |= {(kind, name): min(times) for kind, times in since.items() if times}
    return found


def about(flag: OperatorFlag, releases: Mapping[str, Release], awaited_since: Awaited) -> About:
    """Return what a flag is about; `releases`: all that there are, by their names."""
    subject = flag.subject
    named = (subject, subject.rpartition(" ")[0], subject.partition(" ")[0])
    release = next((one for one in named if one in releases), None)
    eui = eui_as_typed(subject)
    to_do = TO_DO.get(flag.kind, "")
    if release is not None and flag.kind in _OF_ITS_COURSE and releases[release].state.is_over:
        to_do = f"{_SETTLED}{release} is {releases[release].state}."
    elif release is not None and flag.kind in _OF_DCC:
        since = awaited_since.get((flag.kind, release))
        if since is None or flag.at < since:
            to_do = f"{_SETTLED}it is settled, and the page of {release} says how."
    return About(flag, release, None if eui is None else format_eui(eui), to_do)
