"""Each test makes its own parser."""

from __future__ import annotations

import pytest

from duis_gateway.envelope import parse


@pytest.fixture(autouse=True)
def _parse_anew() -> None:
    """A parser that an earlier test left behind says nothing of the code, which `tox -e mutate` changes since."""
    parse._threads.__dict__.clear()
