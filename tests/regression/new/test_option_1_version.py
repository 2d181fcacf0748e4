"""11.5 and 11.6 are of DUIS 6.0."""

from __future__ import annotations

import pytest

from duis_gateway.conformance.pack import CLAUSES
from duis_gateway.conformance.subject import Subject

CLAUSE = CLAUSES["option_1_version"]
pytestmark = [
    pytest.mark.processes,
    pytest.mark.requirement("PIA-1", "FIA-4"),
    pytest.mark.parametrize("version", CLAUSE.versions),
]


def test_accepts(subject: Subject, version: str) -> None:
    CLAUSE.accepts(subject, version)


def test_refuses(subject: Subject, version: str) -> None:
    CLAUSE.refuses(subject, version)
