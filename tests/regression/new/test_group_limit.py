"""11.6, E110604: no more hubs in Pilot groups than the release allows."""

from __future__ import annotations

import pytest

from duis_gateway.conformance.pack import CLAUSES
from duis_gateway.conformance.subject import Subject

CLAUSE = CLAUSES["group_limit"]
pytestmark = [
    pytest.mark.processes,
    pytest.mark.requirement("BR-0.2", "PIA-5"),
    pytest.mark.parametrize("version", CLAUSE.versions),
]


def test_accepts(subject: Subject, version: str) -> None:
    CLAUSE.accepts(subject, version)


def test_refuses(subject: Subject, version: str) -> None:
    CLAUSE.refuses(subject, version)
