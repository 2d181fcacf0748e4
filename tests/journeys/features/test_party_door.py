"""Plays `party_door.feature` against a running gateway."""

from __future__ import annotations

import pytest
from pytest_bdd import scenarios

pytestmark = pytest.mark.processes

scenarios("party_door.feature")
