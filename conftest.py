"""Every test run knows the phases and can write a completion report."""

from __future__ import annotations

pytest_plugins = ["tests.support.completion"]
