"""The further delivery processes beside the first one."""

from __future__ import annotations

import sys
from pathlib import Path
from time import monotonic

import pytest

from duis_gateway.cli.workers import WorkerProcesses
from tests.support.writing import wait_until


def test_a_process_that_cannot_be_started_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """F31: the system may have no process left for a while; nobody would keep the worker running afterwards."""
    program, ran = tmp_path / "program", tmp_path / "ran"
    monkeypatch.setattr(sys, "executable", str(program))
    workers = WorkerProcesses(tmp_path / "gateway.toml", 1, 0)
    workers.start()
    wait_until(lambda: "cannot be started" in caplog.text)
    program.write_text(f"#!/bin/sh\necho ran > '{ran}'\nread line\n", encoding="utf-8")
    program.chmod(0o755)
    wait_until(ran.exists)
    workers.begin_to_stop()
    workers.stop(monotonic() + 30)
