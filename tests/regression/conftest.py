"""The regression pack against a started gateway: the clauses that `duis-gateway conformance` plays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from duis_gateway.conformance.subject import Subject
from tests.support.conformance import playing


@pytest.fixture(scope="session")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    """A gateway made by `conformance init`, started as an operator does, for all clauses that a process plays."""
    with playing(tmp_path_factory.mktemp("pack") / "gateway") as made:
        yield made
