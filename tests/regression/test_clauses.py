"""Both cases of every clause of the pack, on every DUIS version that it is of, against one started gateway."""

from __future__ import annotations

import pytest

from duis_gateway.conformance.clause import Play
from duis_gateway.conformance.pack import CLAUSES
from duis_gateway.conformance.subject import Subject

# Each case carries the requirements of its clause; `tests.support.traceability` reads them there too.
_CASES = [
    pytest.param(
        play,
        version,
        id=f"{clause.era}-{clause.id}-{name}-{version}",
        marks=pytest.mark.requirement(*clause.requirements),
    )
    for clause in CLAUSES.values()
    for version in clause.versions
    for name, play in (("accepts", clause.accepts), ("refuses", clause.refuses))
]


@pytest.mark.processes
@pytest.mark.parametrize(("play", "version"), _CASES)
def test_clause(subject: Subject, play: Play, version: str) -> None:
    play(subject, version)
