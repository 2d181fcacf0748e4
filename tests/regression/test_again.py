"""The pack can be run again: a gateway that could not reach its receiver between two runs does not fail for that."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from duis_gateway.client import Message
from duis_gateway.conformance.mailbox import Mailbox
from duis_gateway.conformance.profile import Actor, Profile
from tests.support.cli import done, run
from tests.support.conformance import started

pytestmark = [pytest.mark.processes, pytest.mark.requirement("EX-9")]

CASE = "new/n69::accepts[6.0]"


class Unreached(Mailbox):
    """Takes nothing until it is waited for longer: as where a gateway spares the parties after an earlier run."""

    def __init__(self, profile: Profile) -> None:
        self._is_open = False
        super().__init__(profile)

    def wait_for(self, to: Actor, fits: Callable[[bytes], bool], seconds: float) -> Message | None:
        return super().wait_for(to, fits, seconds if self._is_open else 0.0)

    def wait_to_hear(self, party: Actor, seconds: float) -> None:
        self._is_open = True
        super().wait_to_hear(party, seconds)

    def _serve(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if self._is_open:
            return super()._serve(environ, start)
        start("503 Service Unavailable", [("Content-Length", "0")])
        return []


def test_a_party_that_is_spared_is_waited_for_and_a_run_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = tmp_path / "gateway"
    with started(gateway) as process:
        words = ("conformance", "--url", process.url, "--profile", gateway / "conformance.toml", "--case", CASE)
        with monkeypatch.context() as patched:
            patched.setattr("duis_gateway.conformance.subject.Mailbox", Unreached)
            spared = run(*words, "--reports", tmp_path)
        again = run(*words, "--reports", tmp_path)
        left = json.loads(
            done("outbox", "list", "--state", "pending", "--format", "json", "--config", gateway / "gateway.toml")
        )
    assert (spared.code, spared.error) == (0, "")
    assert "waiting for up to 300 s more, as a gateway may spare a party that it could not reach" in spared.output
    assert (again.code, "waiting for" in again.output) == (0, False), again.output
    assert left == []
