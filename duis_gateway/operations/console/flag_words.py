"""What the flags are about, and what an operator does about each kind (`docs/operations.md` has the kinds)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from duis_gateway.duis.identifiers import eui_as_typed, format_eui
from duis_gateway.operations.flags import OperatorFlag
from duis_gateway.rollout.releases.records import Release

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


_OF_ITS_COURSE = frozenset({"decision outstanding", "pause proposed", "missed obligation"})
"""The kinds that ask for something of a release that goes on."""


def about(flag: OperatorFlag, releases: Mapping[str, Release]) -> About:
    """Return what a flag is about; `releases`: all that there are, by their names."""
    subject = flag.subject
    named = (subject, subject.rpartition(" ")[0], subject.partition(" ")[0])
    release = next((one for one in named if one in releases), None)
    eui = eui_as_typed(subject)
    to_do = TO_DO.get(flag.kind, "")
    if release is not None and flag.kind in _OF_ITS_COURSE and releases[release].state.is_over:
        to_do = f"Nothing any more: {release} is {releases[release].state}."
    return About(flag, release, None if eui is None else format_eui(eui), to_do)
