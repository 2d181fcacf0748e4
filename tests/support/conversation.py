"""What the parties of an installation say and hear: one message out, and all that comes of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus

from tests.support.installation import NOW, RELEASED, Actor, Delivery, Installation, Lot
from tests.support.wire_client import Answer

DAY = timedelta(days=1)
_END = b"</ds:Signature>"


def when(at: datetime) -> str:
    """Return a time as messages carry it."""
    return at.isoformat().replace("+00:00", "Z")


@dataclass(frozen=True)
class Group:
    """A deployment group, of a supplier or of a CSP."""

    name: str
    devices: Sequence[str] = ()
    stage: str = "Pilot"
    start: datetime = NOW + 2 * DAY
    end: datetime = NOW + 9 * DAY
    constraints: tuple[str, ...] = ()

    @classmethod
    def launch(cls, name: str, devices: Sequence[str] = (), constraints: tuple[str, ...] = ()) -> Group:
        """A group of safe launch, in the second week after the pilot."""
        return cls(name, devices, "SafeLaunch", NOW + 70 * DAY, NOW + 80 * DAY, constraints)


@dataclass(frozen=True)
class Outcome:
    """What became of one hub."""

    device: str
    success: bool = True
    version: str = RELEASED
    at: datetime = NOW - timedelta(minutes=5)
    reason: str = ""
    commentary: str = ""


@dataclass(frozen=True)
class Sent:
    """A message as it went over the wire, to be sent again."""

    actor: Actor
    post: Callable[[Actor, bytes], Answer]
    signed: bytes

    @property
    def unsigned(self) -> bytes:
        """The document without its signature."""
        end = self.signed.index(b"<ds:Signature")
        return self.signed[:end] + self.signed[self.signed.rindex(_END) + len(_END) :]

    def through(self, url: str) -> Answer:
        """Post it to this gateway process."""
        return self.post(replace(self.actor, url=url), self.signed)


def as_told(answer: Answer) -> tuple[int, str, dict[str, list[str]]]:
    """Return what a check should have said where this is the answer."""
    if answer.status != HTTPStatus.OK:
        return answer.status, answer.problem("type"), {}
    return answer.status, answer.code, answer.lists


_LIKE_THE_CHECK = ("serviceD", "soap")
_NOT_SENT = Answer(0, {}, b"")


def _plain(service: str) -> Callable[[Actor, bytes], Answer]:
    return lambda actor, signed: actor.client.post(f"/api/v1/{service}", signed)


def _soap(actor: Actor, signed: bytes) -> Answer:
    return actor.client.post_soap(signed)


def _csp(actor: Actor, signed: bytes) -> Answer:
    return actor.client.post("/csp-mgmt-gw/v1/messages", signed)


def _esi(actor: Actor, signed: bytes) -> Answer:
    return actor.client.post("/esi/v1/messages", signed)


class Conversation:
    """The parties of an installation with one lot; `sent` is the message that was sent last."""

    def __init__(self, installation: Installation, lot: Lot) -> None:
        self.installation = installation
        self.lot = lot
        self.sent: Sent
        self.checks_first = False
        """Whether each 11.5 and 11.6 is checked at the party door first, and has to be answered as was said there."""
        self._holds_back = False

    def __getitem__(self, name: str) -> Actor:
        return self.installation.actors[name]

    # --- ways in -------------------------------------------------------------------------------------------------

    def send(self, name: str, document: bytes, door: str = "serviceD") -> Answer:
        """Let a party sign a document and post it to a door: serviceD, serviceS, serviceT, soap, csp or esi."""
        doors = {"soap": _soap, "csp": _csp, "esi": _esi}
        actor = self[name]
        self.sent = Sent(actor, doors.get(door) or _plain(door), actor.me.sign(document))
        if self._holds_back:
            return _NOT_SENT
        if not self.checks_first or b"PreferredPilot" not in document or door not in _LIKE_THE_CHECK:
            return self.repeat()
        told = self.check(name, document)
        answer = self.repeat()
        assert told == as_told(answer), f"the check said {told}, then came {as_told(answer)}"
        return answer

    def check(self, name: str, document: bytes) -> tuple[int, str, dict[str, list[str]]]:
        """Let a party ask what a document would be answered; returns the HTTP status, the code and the lists."""
        actor = self[name]
        answer = actor.client.exchange("POST", "/party/v1/check", document, "application/xml", actor.token)
        told = json.loads(answer.body)
        if answer.status != HTTPStatus.OK:
            return answer.status, told["type"], {}
        assert told["accepted"] == (not told["code"].startswith("E"))
        return answer.status, told["code"], told["lists"]

    def prepare(self, say: Callable[[], Answer]) -> Sent:
        """Return the signed message that `say` would send, without sending it."""
        self._holds_back = True
        try:
            say()
        finally:
            self._holds_back = False
        return self.sent

    def repeat(self, door: str | None = None) -> Answer:
        """Send the last message again, byte for byte; `door` may be another than the first time."""
        sent = self.sent if door is None else replace(self.sent, post=_soap if door == "soap" else _plain(door))
        return sent.post(sent.actor, sent.signed)

    def _header(self, name: str) -> dict[str, str]:
        return {
            "message_id": self.installation.message_id(),
            "sender": self[name].eui,
            "created_at": when(NOW),
        }

    def new_request_id(self, supplier: str = "main") -> str:
        """Return a RequestID that was never used."""
        return self.installation.request_id(supplier)

    def settle(self, *down: str) -> None:
        """Wait until everything is delivered, but to the parties that are down."""
        self.installation.settle(*down)

    def received(self, name: str, *kinds: str) -> list[Delivery]:
        """Return what a party has received for this lot, once everything is delivered."""
        self.settle()
        return self[name].received(*kinds)

    def everything(self) -> dict[str, list[bytes]]:
        """Return all that every party has received for this lot, once everything is delivered."""
        self.settle()
        return {name: [one.raw for one in actor.came()] for name, actor in self.installation.actors.items()}

    def check_repeat(self, first: Answer, *doors: str) -> None:
        """Send the last message again, through these doors too: the first answer's bytes, and nothing else happens."""
        before = self.everything()
        for door in (None, *doors):
            again = self.repeat(door)
            assert again.document == first.document, (again.status, again.body[:500])
        assert self.everything() == before

    @contextmanager
    def down(self, *names: str) -> Iterator[None]:
        """These parties are gone from the network while the block lasts."""
        for name in names:
            self[name].take_down()
        try:
            yield
            self.settle(*names)
        finally:
            for name in names:
                self[name].come_back()

    def forget(self) -> None:
        """Let what was received begin anew, once everything is delivered."""
        self.settle()
        for actor in self.installation.actors.values():
            actor.forget()

    def version(self, hub: str) -> str:
        """Return the firmware version that the inventory has for a hub."""
        return self.installation.hub(hub).firmware_version
