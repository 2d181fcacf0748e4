"""Which hubs the page shows: by number or EUI-64, by how they stand, by release and by supplier, some at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from duis_gateway.duis.identifiers import eui_as_typed, format_eui
from duis_gateway.rollout.estate.rules import HubState
from duis_gateway.sandbox.cast import LAST_HUB, SUPPLIERS
from duis_gateway.sandbox.parameters import HUB, WrongCommand, known_words
from duis_gateway.sandbox.standing import HubStanding

NO_RELEASE = "no_release"
STATES = (*HubState, NO_RELEASE)
FIELDS = ("hub", "state", "release", "supplier", "after")
_AT_ONCE = 10
_RANGE = re.compile(r"([0-9]{1,3})\s*[-\u2013]\s*([0-9]{1,3})")


class Found(NamedTuple):
    """The hubs that are shown, of how many, and the number of the last one, where there are more; or what is wrong."""

    rows: Sequence[Mapping[str, Any]]
    of: int
    last: str = ""
    wrong: str = ""


class _Backwards(Exception):
    """The end of a range stands before its beginning; the text says how it was meant."""


def find_hubs(hubs: Sequence[Mapping[str, Any]], stand: Mapping[str, HubStanding], asked: Mapping[str, str]) -> Found:
    """Return the hubs of the status that were asked for, from the one after `after` on.

    Raises:
        WrongCommand: there is no such state or supplier.
    """
    state, release, supplier = (asked.get(name, "") for name in ("state", "release", "supplier"))
    if state:
        known_words("the state", state, STATES)
    if supplier:
        known_words("the supplier", supplier, [one.name for one in SUPPLIERS])
    try:
        named = set(_named(asked["hub"])) if "hub" in asked else None
    except _Backwards as error:
        return Found((), 0, wrong=str(error))
    except ValueError as error:
        return Found((), 0, wrong=f"A hub is named by {error}; several are set apart by blanks, or named as 101-120.")
    wanted = [
        one
        for one in hubs
        if (named is None or one["device"] in named)
        and (not state or state in _states(one, stand.get(one["device"])))
        and (not release or release in _releases(one, stand.get(one["device"])))
        and (not supplier or supplier in (one["import_supplier"], one["gas_supplier"]))
    ]
    after = asked.get("after", "0")
    left = [one for one in wanted if _number(one["number"]) > _number(after)]
    return Found(left[:_AT_ONCE], len(wanted), left[_AT_ONCE - 1]["number"] if len(left) > _AT_ONCE else "")


def _named(text: str) -> Iterator[str]:
    """Yield the EUI-64s of what was typed (ValueError: it names no hub; the text says what does)."""
    if found := _RANGE.fullmatch(text.strip()):
        first, last = int(found[1]), int(found[2])
        if first > last:
            raise _Backwards(f"{first}-{last} is backwards: {last}-{first} names these hubs.")
        yield from (format_eui(HUB.read(one)) for one in range(max(first, 1), min(last, LAST_HUB) + 1))
        return
    if (eui := eui_as_typed(text)) is not None:  # it may be written with blanks
        yield format_eui(eui)
        return
    for one in re.split(r"[,\s]+", text.strip(", \t")):
        yield format_eui(HUB.read(one))


def _states(hub: Mapping[str, Any], stands: HubStanding | None) -> set[str]:
    """Return the states that a hub is found by; it has failed as long as its last outcome says so."""
    last = {HubState.FAILED.value} if hub["failed"] else set()
    return last | {NO_RELEASE if stands is None else stands.state}


def _releases(hub: Mapping[str, Any], stands: HubStanding | None) -> set[str]:
    """Return the releases that a hub is found by: the one that it stands under, and the one that it failed under."""
    return {one for one in (hub["failed_under"], stands and stands.release) if one}


def _number(name: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", name):
        raise WrongCommand(f"after must be the number of a hub, not {name[:20]!r}")
    return int(name)
