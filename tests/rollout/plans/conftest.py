"""Where most tests of the plans begin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import KINDS
from tests.support.steering import Steering, steering


@pytest.fixture(params=KINDS)
def dcc(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steering]:
    """A pilot that has begun."""
    with steering(request.param, tmp_path) as made:
        made.piloting()
        yield made
