"""Every test run knows the phases, can write a completion report, and has databases and DCC at the wheel."""

from __future__ import annotations

pytest_plugins = ["tests.support.completion", "tests.support.databases", "tests.support.steering"]
