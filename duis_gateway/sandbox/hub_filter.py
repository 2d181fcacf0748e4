"""Which hubs the page shows: by number or EUI-64, by how they stand, by release and by supplier, some at a time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.rollout.estate.rules import HubState
from duis_gateway.sandbox.cast import SUPPLIERS
from duis_gateway.sandbox.parameters import Backwards, WrongCommand, hubs_as_typed, known_words
from duis_gateway.sandbox.standing import HubStanding

NO_RELEASE = "no_release"
STATES = (*HubState, NO_RELEASE)
FIELDS = ("hub", "state", "release", "supplier", "after")
_AT_ONCE = 10


class Found(NamedTuple):
    """The hubs that are shown, of how many, and the number of the last one, where there are more; or what is wrong."""

    rows: Sequence[Mapping[str, Any]]
    of: int
    last: str = ""
    wrong: str = ""


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
        named = {format_eui(one) for one in hubs_as_typed(asked["hub"])} if "hub" in asked else None
    except Backwards as error:
        return Found((), 0, wrong=f"{error.given} is backwards: {error.meant} names these hubs.")
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
