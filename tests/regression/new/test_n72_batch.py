"""X08; N72 for DCC's own instruction."""

from __future__ import annotations

import pytest

from duis_gateway.conformance.pack import CLAUSES
from duis_gateway.conformance.subject import Subject

CLAUSE = CLAUSES["n72_batch"]
pytestmark = [
    pytest.mark.processes,
    pytest.mark.requirement("X08", "BR-3.7"),
    pytest.mark.parametrize("version", CLAUSE.versions),
]


def test_accepts(subject: Subject, version: str) -> None:
    CLAUSE.accepts(subject, version)


def test_refuses(subject: Subject, version: str) -> None:
    CLAUSE.refuses(subject, version)
