"""Lists that are too long for one message: what each of its parts holds (design section 4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup
from duis_gateway.machine.identities import new_identity
from duis_gateway.partners.bodies import HUBS_IN_A_MESSAGE
from duis_gateway.partners.messages import Part
from duis_gateway.partners.xml import HUBS_IN_A_LIST
from duis_gateway.rollout.plans.records import Deployment, Deviation, VoidPlan

Entry = TypeVar("Entry", Deployment, VoidPlan, Deployment | VoidPlan, Deviation, DeploymentGroup)


def portions(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Yield the entries of each message: as many hubs, and as many entries, as one may have.

    An entry of more hubs than there is room for goes on in the next message, under the same head.
    """
    portion: list[Entry] = []
    room = HUBS_IN_A_LIST
    for entry in entries:
        rest = entry.device_ids
        while True:
            if (rest and not room) or len(portion) == HUBS_IN_A_MESSAGE:
                yield portion
                portion, room = [], HUBS_IN_A_LIST
            portion.append(replace(entry, device_ids=rest[:room]))
            room, rest = room - len(rest[:room]), rest[room:]
            if not rest:
                break
    if portion:
        yield portion


def in_parts(entries: Iterable[Entry]) -> Iterator[tuple[list[Entry], Part | None]]:
    """Yield the portions, each with which part of the list it is: None where one message holds all of it."""
    found = list(portions(entries)) or [[]]
    list_id = new_identity()
    for number, portion in enumerate(found, start=1):
        yield portion, Part(list_id, number, len(found)) if len(found) > 1 else None
