"""Plays `n64.feature` against a running gateway."""

from __future__ import annotations

import pytest
from pytest_bdd import scenarios

pytestmark = pytest.mark.processes

scenarios("n64.feature")
