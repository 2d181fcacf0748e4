"""The console: one page that shows an operator what is under way, and what needs somebody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from duis_gateway.parties.records import Party
from duis_gateway.rollout.deadlines.rules import Deadline
from duis_gateway.rollout.releases.records import Release
from duis_gateway.text.pages import render

_DEAD = "dead"


@dataclass(frozen=True, slots=True)
class OutboxLine:
    """What lies in the outbox for one recipient on one channel in one state; `oldest_age` in seconds."""

    recipient: int
    channel: str
    state: str
    count: int
    oldest_age: float | None = None
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class FlagLine:
    """Something that an operator should look at."""

    at: datetime
    kind: str
    subject: str
    text: str


class ConsoleData(Protocol):
    """What the console shows; the application answers from the store."""

    def now(self) -> datetime:
        """Return business time."""

    def releases(self) -> Sequence[Release]:
        """Return the releases in flight, newest first."""

    def deadlines(self) -> Sequence[Deadline]:
        """Return what DCC and the CSPs have outstanding, the most pressing first."""

    def missed(self) -> Sequence[FlagLine]:
        """Return what suppliers missed of their obligations to releases in flight, the newest first."""

    def parties(self) -> Sequence[Party]:
        """Return all parties."""

    def outbox(self) -> Sequence[OutboxLine]:
        """Return what is not delivered, by recipient and state."""

    def flags(self) -> Sequence[FlagLine]:
        """Return the newest flags for the operator."""


def page(data: ConsoleData) -> str:
    """Return the console's page; everything in it is escaped, whoever wrote it."""
    outbox = data.outbox()
    dead = sum(line.count for line in outbox if line.state == _DEAD)
    return render(
        "duis_gateway.operations/console.html",
        now=data.now(),
        releases=data.releases(),
        deadlines=data.deadlines(),
        missed=data.missed(),
        parties=data.parties(),
        outbox=outbox,
        flags=data.flags(),
        dead=dead,
        waiting=sum(line.count for line in outbox) - dead,
    )
