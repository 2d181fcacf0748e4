"""Business time."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from duis_gateway.clock import clock_of, write_clock


def test_the_system_clock_is_aware_in_utc_and_goes_on() -> None:
    clock = clock_of(None)
    first = clock.now()
    assert first.tzinfo is UTC
    assert abs(first - datetime.now(UTC)) < timedelta(minutes=1)
    assert clock.now() >= first


def test_a_fixed_clock_stands_still_and_speaks_utc() -> None:
    clock = clock_of(datetime(2027, 1, 4, 10, tzinfo=timezone(timedelta(hours=1))))
    assert clock.now() == clock.now() == datetime(2027, 1, 4, 9, tzinfo=UTC)
    assert clock.now().tzinfo is UTC


def test_whoever_writes_the_file_of_a_clock_moves_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "clock"
    file.write_text("2027-01-04T10:00:00+01:00\n", encoding="ascii")
    clock = clock_of(None, file)
    assert clock.now() == clock.now() == datetime(2027, 1, 4, 9, tzinfo=UTC)
    later = datetime(2027, 3, 1, tzinfo=UTC)
    write_clock(file, later)
    assert clock.now() == later
    with caplog.at_level(logging.ERROR):
        file.write_text("soon", encoding="ascii")
        assert clock.now() == clock.now() == later
        file.unlink()
        assert clock.now() == later
    assert len(caplog.records) == 2
    with pytest.raises(OSError, match="No such file"):
        clock_of(None, file)
