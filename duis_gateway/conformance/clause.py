"""What a clause is: one promise of the interface, with a case that is accepted and one that is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from duis_gateway.conformance.subject import Subject, expect

VERSIONS = ("5.0", "5.1", "6.0")
"""The DUIS versions that the pack is played on."""

Play = Callable[[Subject, str], None]


class Era(StrEnum):
    """Whether users know the clause from before SECMP0024."""

    EXISTING = "existing"
    NEW = "new"


@dataclass(frozen=True)
class Case:
    """A case that says which response codes and alert codes it brings out, and fails where one of them did not come."""

    play: Play
    codes: frozenset[str]

    def __call__(self, subject: Subject, version: str) -> None:
        """Play it; what came before it does not count."""
        subject.begin()
        self.play(subject, version)
        expect(sorted(self.codes - subject.seen), [], "codes that did not come")


def brings(*codes: str) -> Callable[[Play], Case]:
    """Make a case of a play that brings out these codes."""
    return lambda play: Case(play, frozenset(codes))


@dataclass(frozen=True)
class Clause:
    """One clause. Each case takes the gateway under test and a DUIS version; it raises NotConformant where it fails.

    Attributes:
        needs: what a profile may leave out, and without which the clause cannot be played: a party, or its token.
    """

    id: str
    source: str
    era: Era
    accepts: Play
    refuses: Play
    versions: tuple[str, ...] = VERSIONS
    requirements: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def codes(self) -> frozenset[str]:
        """The response codes and alert codes that the two cases bring out."""
        cases = (one for one in (self.accepts, self.refuses) if isinstance(one, Case))
        return frozenset().union(*(one.codes for one in cases))
