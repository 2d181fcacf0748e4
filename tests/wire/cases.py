"""One line of the table: what is sent to a running gateway, and what has to come back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.wire.scene import Scene

SIGNED_DOORS = ("duis", "soap", "csp", "esi")
"""The doors that take signed messages."""
USUAL = 2.0
"""How many good requests on its door a refusal may cost at most."""
_SOAP_KEEPS = ("method-not-allowed", "too-large", "unsupported-media", "content-coded")


@dataclass(frozen=True)
class Case:
    """What is sent, and what has to come of it.

    Attributes:
        name: the threat's id, and what is wrong.
        door: duis, soap, csp, esi, party or operations.
        sent: makes the bytes that go over the socket.
        expected: the HTTP status, then the type of the problem; of what is answered and signed its code.
        says: words of the refusal, where its type alone does not show which check it was.
        times: how many times a good request's processor time it may cost.
        beside_large: whether that good request is one of 256 kB, and not the door's usual one.
    """

    name: str
    door: str
    sent: Callable[[Scene], bytes]
    expected: str
    says: str = ""
    times: float = USUAL
    beside_large: bool = False

    @property
    def id(self) -> str:
        """How the test is called."""
        return f"{self.door}: {self.name}"

    @property
    def status(self) -> int:
        """The status of the answer; of a SOAP fault the one that its detail has."""
        return int(self.expected.partition(" ")[0])

    @property
    def http_status(self) -> int:
        """The status of the HTTP answer: SOAP 1.1 has 500 for what it can say by a fault."""
        is_fault = self.door == "soap" and self.status >= 400 and self.code not in _SOAP_KEEPS
        return 500 if is_fault else self.status

    @property
    def code(self) -> str:
        """The type of the problem, or the response code."""
        return self.expected.partition(" ")[2]

    @property
    def is_signed(self) -> bool:
        """Whether it is answered by a signed document."""
        return self.status == 200


def media_of(door: str) -> str:
    """Return the media type that a door takes."""
    return "text/xml" if door == "soap" else "application/xml"


def on_doors(
    doors: tuple[str, ...],
    name: str,
    sent: Callable[[Scene, str], bytes],
    expected: str,
    says: str = "",
    *,
    times: float = USUAL,
    beside_large: bool = False,
) -> list[Case]:
    """Return one case for each of these doors; `sent` is told which."""

    def at(door: str) -> Callable[[Scene], bytes]:
        return lambda scene: sent(scene, door)

    return [Case(name, door, at(door), expected, says, times, beside_large) for door in doors]
