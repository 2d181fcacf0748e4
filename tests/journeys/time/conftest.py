"""DCC at the wheel, on both kinds of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import KINDS
from tests.support.steering import Steering, steering


@pytest.fixture(params=KINDS)
def dcc(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steering]:
    """A fresh database of each kind, with parties and hubs."""
    with steering(request.param, tmp_path) as made:
        yield made
