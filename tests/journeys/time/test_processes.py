"""Several processes of the gateway, and time: each thing is done once, also when one is killed while it does it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import Period, PilotTerms, Release, ReleaseState, ReleaseType
from tests.support.databases import KINDS
from tests.support.gateway_process import GatewayProcess, wait_until
from tests.support.installation import MANUFACTURER, NOW, RELEASED, Installation, Lot, installed
from tests.support.play import DAY

pytestmark = [pytest.mark.processes, pytest.mark.once]


@pytest.fixture(params=KINDS)
def at_rest(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    """An at_rest that no gateway runs for yet."""
    with installed(request.param, tmp_path) as made:
        yield made


def approve_overdue(at_rest: Installation) -> list[str]:
    """Approved releases whose pilots have begun while nothing ran."""
    lots: list[Lot] = [at_rest.lot() for _ in range(5)]
    with at_rest.store.write() as conn:
        for lot in lots:
            releases.put(conn, _release(lot), {})
    return [lot.release for lot in lots]


def _release(lot: Lot) -> Release:
    return Release(
        lot.release,
        1,
        ReleaseType.SEC_RELEASE,
        MANUFACTURER,
        lot.model,
        RELEASED,
        "a note",
        "High",
        "2",
        NOW - 30 * DAY,
        NOW + 150 * DAY,
        PilotTerms(Period(NOW - DAY, NOW + 30 * DAY), limit=10),
        state=ReleaseState.APPROVED,
    )


def all_piloting(at_rest: Installation, names: list[str]) -> bool:
    with at_rest.store.read() as conn:
        found = [releases.find(conn, name) for name in names]
    return all(one is not None and one.state is ReleaseState.PILOTING for one in found)


def check_told_once(at_rest: Installation, names: list[str]) -> None:
    wait_until(lambda: all_piloting(at_rest, names), "the pilots begin")
    at_rest.settle()
    for csp in ("north", "south"):
        told = [one.text("FirmwareReleaseID") for one in at_rest.actors[csp].received("StageChange")]
        assert sorted(told) == sorted(names)


def test_three_processes_begin_each_pilot_once(at_rest: Installation) -> None:
    names = approve_overdue(at_rest)
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(at_rest.running())
        check_told_once(at_rest, names)


@pytest.mark.parametrize("place", ["store.before-commit", "store.after-commit"])
def test_a_process_killed_while_a_stage_begins_leaves_it_whole_or_not_begun(at_rest: Installation, place: str) -> None:
    names = approve_overdue(at_rest)
    doomed = GatewayProcess(at_rest.config, at_rest.log, DUIS_GATEWAY_FAILPOINT=place)
    assert doomed.ended() == -signal.SIGKILL
    with at_rest.running():
        check_told_once(at_rest, names)
