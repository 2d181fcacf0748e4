"""Each test reads names anew."""

from __future__ import annotations

import pytest

from duis_gateway.pki import names


@pytest.fixture(autouse=True)
def _read_anew() -> None:
    """A key that an earlier test left in the cache says nothing of the code, which `tox -e mutate` changes since."""
    names._text_key.cache_clear()
