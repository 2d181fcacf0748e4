"""11.5, W110501 and E110502: bad hubs are listed."""

from __future__ import annotations

import pytest

from duis_gateway.conformance.pack import CLAUSES
from duis_gateway.conformance.subject import Subject

CLAUSE = CLAUSES["list_hubs"]
pytestmark = [
    pytest.mark.processes,
    pytest.mark.requirement("A04", "BR-5.2", "PIA-5"),
    pytest.mark.parametrize("version", CLAUSE.versions),
]


def test_accepts(subject: Subject, version: str) -> None:
    CLAUSE.accepts(subject, version)


def test_refuses(subject: Subject, version: str) -> None:
    CLAUSE.refuses(subject, version)
