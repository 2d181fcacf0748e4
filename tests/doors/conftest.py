"""Doors that are tried in plain HTTP and over TLS, by the same tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.doors import over_tls


@pytest.fixture(scope="module", params=["http", "https"])
def wire(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What `open_doors` speaks in this module."""
    if request.param == "http":
        yield
        return
    with over_tls(tmp_path_factory.mktemp("tls")):
        yield
