"""SOAP 1.1; 11.5."""

from __future__ import annotations

import pytest

from duis_gateway.conformance.pack import CLAUSES
from duis_gateway.conformance.subject import Subject

CLAUSE = CLAUSES["soap_list"]
pytestmark = [
    pytest.mark.processes,
    pytest.mark.requirement("A04", "PIA-1"),
    pytest.mark.parametrize("version", CLAUSE.versions),
]


def test_accepts(subject: Subject, version: str) -> None:
    CLAUSE.accepts(subject, version)


def test_refuses(subject: Subject, version: str) -> None:
    CLAUSE.refuses(subject, version)
