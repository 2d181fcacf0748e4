"""A program that goes on beside a sandbox which begins anew: it knows the ids that come again, and must forget them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from duis_gateway.client import Identity, InFile, Receiver, Serving, Trust
from duis_gateway.sandbox.words import forget_first
from tests.sandbox.test_sandbox_page import get, words
from tests.support.cli import done, run
from tests.support.gateway_process import wait_until
from tests.support.sandboxes import RunningSandbox

pytestmark = [pytest.mark.processes, pytest.mark.requirement("EX-3")]

_FORGET = "have the program there forget what it has taken, as the ids began again with the sandbox; then "


class Adapter:
    """An adapter that remembers in a file what it has taken, and can be begun anew with another."""

    def __init__(self, town: RunningSandbox) -> None:
        self._you = town.status()["you"]
        self._receiver = Receiver(self._identity, self._trust)

    @property
    def _identity(self) -> Identity:
        return Identity.load(self._you["key"], self._you["certificate"])

    @property
    def _trust(self) -> Trust:
        return Trust.certificate(self._you["gateway_certificate"])

    def begin(self, remembers: Path) -> None:
        self._receiver = Receiver(self._identity, self._trust, repeats=InFile(remembers))
        self._receiver.keep()

    def wsgi(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        return self._receiver.wsgi(environ, start)


def test_whose_program_remembers_is_told_at_the_reset_and_wherever_it_refuses(
    town: RunningSandbox, tmp_path: Path
) -> None:
    """Before, `reset` was silent, and `status` named `replay` alone, which met the same HTTP 409."""
    at, adapter = ("--port", str(town.port)), Adapter(town)
    adapter.begin(tmp_path / "taken.db")
    with Serving(adapter.wsgi) as server:
        assert done("sandbox", "reset", *at).splitlines() == ["the sandbox stands where it stood at first"]
        town.do("address", supplier="you", url=f"{server.url}/")
        town.do("activate", hub=[1])
        assert "a program there that recognises repeats has to forget" in words(get(town).get_element_by_id("clock"))
        _, told = done("sandbox", "reset", *at).splitlines()
        assert told.startswith(f"the alerts of you still go to {server.url}/, and their ids begin again: a program")
        assert "has to forget what it has taken" in told
        assert f"you: {_FORGET}`sandbox replay`" in run("sandbox", "activate", "2", *at).output
        wait_until(lambda: _yours(town)["given_up"], "the adapter's refusal is taken for good", 60)
        assert _yours(town)["given_up_why"].startswith("HTTP 409: ")
        assert f"given up ({_FORGET}`sandbox replay` sends them again)" in done("sandbox", "status", *at)
        refused = next(one["number"] for one in town.remote.get("/v1/messages") if one["state"] == "dead")
        why = words(get(town, f"/messages/{refused}").get_element_by_id("why"))
        assert f"{_FORGET}deliver this again" in why
        adapter.begin(tmp_path / "another.db")
        done("sandbox", "replay", *at)
        wait_until(lambda: not _yours(town)["given_up"] and not _yours(town)["waiting"], "all has arrived", 60)
        assert "sandbox replay" not in done("sandbox", "status", *at)


def test_another_refusal_is_not_for_ids_that_began_again() -> None:
    assert [forget_first(error) for error in (None, "", "HTTP 400: 0409 is unknown", "connection refused")] == [""] * 4


def _yours(town: RunningSandbox) -> dict[str, Any]:
    [you] = [one for one in town.status()["parties"] if one["name"] == "you"]
    return dict(you)
