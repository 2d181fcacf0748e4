"""A fresh installation for each test of the command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.cli import Installation, done


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `init` makes, once for all."""
    folder = tmp_path_factory.mktemp("made") / "gateway"
    done("init", folder)
    return folder


@pytest.fixture
def installation(made: Path, tmp_path: Path) -> Installation:
    """An installation as `init` has just made it: a copy, as its tables and keys take ten times as long."""
    return Installation(shutil.copytree(made, tmp_path / "gateway"))
