"""X06; never who the other supplier is."""

from __future__ import annotations

import pytest

from duis_gateway.conformance.pack import CLAUSES
from duis_gateway.conformance.subject import Subject

CLAUSE = CLAUSES["n73_silence"]
pytestmark = [
    pytest.mark.processes,
    pytest.mark.requirement("X06", "BR-3.3"),
    pytest.mark.parametrize("version", CLAUSE.versions),
]


def test_accepts(subject: Subject, version: str) -> None:
    CLAUSE.accepts(subject, version)


def test_refuses(subject: Subject, version: str) -> None:
    CLAUSE.refuses(subject, version)
