"""One sandbox for a module's tests, which each finds as it is at first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.sandboxes import RunningSandbox, sandbox


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with sandbox(tmp_path_factory.mktemp("sandbox") / "work") as one:
        yield one


@pytest.fixture
def town(running: RunningSandbox) -> RunningSandbox:
    """The sandbox as it is at first."""
    running.do("reset")
    return running
