"""What suppliers prefer, as far as it was told to this CSP: of each supplier and release, the newest word."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from csp_mgmt_gw.messages import PreferredPilotList, PreferredPilotSchedule
from duis_gateway.client import Message

Preference = PreferredPilotList | PreferredPilotSchedule


@dataclass(frozen=True, slots=True)
class _Word:
    list_id: str | None
    said_at: datetime
    parts: dict[int, Preference]


class Preferences:
    """The newest list, or the newest schedule, of each supplier for each release; long ones come in parts."""

    def __init__(self) -> None:
        self._words: dict[tuple[str, int], _Word] = {}

    def keep(self, message: Message, body: Preference) -> None:
        """Take a preference in place of the one before; one that arrives late changes nothing."""
        key = (body.release_id, body.supplier)
        known = self._words.get(key)
        list_id, number = (None, 1) if body.part is None else (body.part.list_id, body.part.number)
        if known is not None and list_id is not None and known.list_id == list_id:
            known.parts[number] = body
        elif known is None or message.at >= known.said_at:
            self._words[key] = _Word(list_id, message.at, {number: body})

    def hubs(self, release_id: str) -> tuple[int, ...]:
        """Return every hub that any supplier named for the release."""
        bodies = [body for (of, _), word in self._words.items() if of == release_id for body in word.parts.values()]
        return tuple(dict.fromkeys(hub for body in bodies for hub in _named(body)))


def _named(body: Preference) -> tuple[int, ...]:
    if isinstance(body, PreferredPilotList):
        return body.device_ids
    return tuple(hub for group in body.groups for hub in group.device_ids)
