"""What a clause is: one promise of the interface, with a case that is accepted and one that is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from duis_gateway.conformance.subject import Subject

VERSIONS = ("5.0", "5.1", "6.0")
"""The DUIS versions that the pack is played on."""

Play = Callable[[Subject, str], None]


class Era(StrEnum):
    """Whether users know the clause from before SECMP0024."""

    EXISTING = "existing"
    NEW = "new"


@dataclass(frozen=True)
class Clause:
    """One clause. Each case takes the gateway under test and a DUIS version; it raises NotConformant where it fails."""

    id: str
    source: str
    era: Era
    accepts: Play
    refuses: Play
    versions: tuple[str, ...] = VERSIONS
    requirements: tuple[str, ...] = ()
