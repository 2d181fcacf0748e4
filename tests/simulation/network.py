"""The network of a simulation: what comes to a party's mailbox, what does not, and what does though nobody hears it."""

from __future__ import annotations

from collections import defaultdict
from enum import Enum, auto

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.outbox.retry import Failure, FailureKind
from duis_gateway.outbox.store import ClaimedMessage
from tests.simulation.machine import Machine

DEADLINE = 10.0


class Weather(Enum):
    """How it is to reach a party."""

    FAIR = auto()
    ROUGH = auto()
    DOWN = auto()


class Network:
    """Delivers to the parties' mailboxes, as the outbox's sender for each channel."""

    deadline = DEADLINE

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.weather: dict[int, Weather] = defaultdict(lambda: Weather.FAIR)
        self.mailboxes: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
        """What came to each party, as often as it came: the outbox's number of the message, and the bytes."""

    def turns(self, parties: tuple[int, ...]) -> None:
        """The weather of one party changes."""
        party = self._machine.random.choice(parties)
        self.weather[party] = self._machine.random.choice([Weather.FAIR, Weather.ROUGH, Weather.DOWN])
        self._machine.note(f"{format_eui(party)} is {self.weather[party].name} to reach")

    def clears_up(self) -> None:
        """Everybody can be reached again."""
        self.weather.clear()

    def send(self, message: ClaimedMessage) -> Failure | None:
        """Try to deliver a message."""
        random, weather = self._machine.random, self.weather[message.recipient]
        self._machine.passes(random.random() * 0.2)
        if weather is Weather.DOWN:
            return Failure(FailureKind.CONNECTION, "connection refused")
        if weather is Weather.ROUGH:
            failure = random.choice(
                [
                    None,
                    None,
                    Failure(FailureKind.TIMEOUT, "no answer"),
                    Failure(FailureKind.CONNECTION, "reset"),
                    Failure(FailureKind.STATUS, "HTTP 500", 500),
                    Failure(FailureKind.STATUS, "HTTP 429", 429, retry_after=random.choice([0.5, 700.0])),
                    Failure(FailureKind.STATUS, "HTTP 400", 400),
                ]
            )
            if failure is not None and failure.kind is FailureKind.TIMEOUT:
                self._machine.passes(DEADLINE)
                if random.random() < 0.5:  # it came; only the answer did not come back
                    self._arrives(message)
            if failure is not None:
                return failure
        self._arrives(message)
        return None

    def _arrives(self, message: ClaimedMessage) -> None:
        self.mailboxes[message.recipient].append((message.id, message.content))
        self._machine.note(f"{message.kind} {message.id} comes to {format_eui(message.recipient)}")

    def loses(self) -> bool:
        """Whether something between a party and the gateway is lost."""
        return self._machine.random.random() < 0.1

    def abort(self) -> None:
        """Nothing is ever under way while somebody else acts."""

    def close(self) -> None:
        """There is nothing to close."""
