"""A10; safe launch failure: N70, N999 below 6.0."""

from __future__ import annotations

import pytest

from duis_gateway.conformance.pack import CLAUSES
from duis_gateway.conformance.subject import Subject

CLAUSE = CLAUSES["n70"]
pytestmark = [
    pytest.mark.processes,
    pytest.mark.requirement("A10", "PIA-9", "FIA-3"),
    pytest.mark.parametrize("version", CLAUSE.versions),
]


def test_accepts(subject: Subject, version: str) -> None:
    CLAUSE.accepts(subject, version)


def test_refuses(subject: Subject, version: str) -> None:
    CLAUSE.refuses(subject, version)
