"""Business time."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.clock import clock_of, write_clock
from duis_gateway.config.settings import load_config
from duis_gateway.duis.service_requests.request import read_service_request
from duis_gateway.envelope.schema import Schema
from duis_gateway.errors import ConfigurationError, HttpRefused, NotValid
from duis_gateway.operations.console.asked import moment
from duis_gateway.rollout.hubs.records import Hub
from schemas import schema_path
from tests.support.cli import run
from tests.support.duis import group_xml, request_xml, schedule_xml
from tests.support.partner_bodies import NOW, many_outcomes

HUB = Hub(0x00DB123456000001, "CHF", "106C", "433100AC", "9001", "Commissioned", "North", None, None)


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
        file.write_bytes(b"\xef\xbb\xbf2027-04-01T00:00:00Z\r\n")  # as some editors save it
        assert clock.now() == datetime(2027, 4, 1, tzinfo=UTC)
    assert len(caplog.records) == 2
    file.unlink()
    for path, why in ((file, "No such file"), (Path("/dev/zero"), "a device and no file")):
        with pytest.raises(OSError, match=why):
            clock_of(None, path)


def _duis(time: str) -> object:
    document = request_xml(schedule_xml(group_xml(start=time)), "11.6")
    return read_service_request(Schema(schema_path("duis/6.0")).check(document))


def _csp(time: str) -> object:
    message = csp.render_message("M-1", 1, NOW, many_outcomes(1))
    return csp.read_message(Schema(schema_path(csp.SCHEMA)).check(_dated("CompletedAt", message, time)))


def _esi(time: str) -> object:
    message = esi.render_message("M-1", 1, NOW, esi.InventoryUpdate((HUB,)))
    return esi.read_message(Schema(schema_path(esi.SCHEMA)).check(_dated("CreatedAt", message, time)))


def _dated(element: str, message: bytes, time: str) -> bytes:
    changed, number = re.subn(f"<{element}>[^<]*".encode(), f"<{element}>{time}".encode(), message)
    assert number == 1
    return changed


def _configuration(time: str) -> object:
    file = Path("gateway.toml")
    file.write_text(f'[clock]\nfixed = "{time}"\n', encoding="ascii")
    return load_config(file, {})


def _file(time: str) -> object:
    Path("clock").write_text(time, encoding="ascii")
    return clock_of(None, Path("clock"))


WAYS_IN: dict[str, Callable[[str], object]] = {
    "DUIS": _duis,
    "CSP": _csp,
    "ESI": _esi,
    "configuration": _configuration,
    "file": _file,
    "console": lambda time: moment(time, "from"),
}


@pytest.mark.parametrize("time", ["3000-01-01T00:00:00Z", "1999-12-31T23:59:59Z"])
def test_t46_a_year_on_the_command_line(time: str, tmp_path: Path) -> None:
    file = tmp_path / "message.xml"
    file.write_text("<a/>", encoding="ascii")
    done = run("verify", "--at", time, "--trust", tmp_path, file)
    assert done.code != 0
    assert "--at: a time outside the years 2000 to 2999 (in UTC)" in done.error


@pytest.mark.parametrize("way", WAYS_IN.values(), ids=WAYS_IN)
@pytest.mark.parametrize(
    "time", ["2999-12-31T23:59:59-14:00", "3000-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "2000-01-01T00:00:00+14:00"]
)
def test_t46_a_year_is_judged_in_utc_in_the_same_words_wherever_a_time_comes_in(
    way: Callable[[str], object], time: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T46: no CSV and no JSON of a party brings a time of its own; the client's JSON becomes one of these messages."""
    monkeypatch.chdir(tmp_path)
    Path("gateway.toml").write_text("", encoding="ascii")
    with pytest.raises((NotValid, ConfigurationError, HttpRefused, ValueError)) as refused:
        way(time)
    said = [str(refused.value), *(one.reason for one in getattr(refused.value, "findings", ()))]
    assert any("a time outside the years 2000 to 2999 (in UTC)" in text for text in said)
