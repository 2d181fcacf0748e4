"""A fresh installation for each test of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import Installation, done


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    done("init", tmp_path / "gateway")
    return Installation(tmp_path / "gateway")
