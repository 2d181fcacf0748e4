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
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    """An installation that no gateway runs for yet."""
    with installed(request.param, tmp_path) as made:
        yield made


def approve_overdue(installation: Installation) -> list[str]:
    """Approved releases whose pilots have begun while nothing ran."""
    lots: list[Lot] = [installation.lot() for _ in range(5)]
    with installation.store.write() as conn:
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


def all_piloting(installation: Installation, names: list[str]) -> bool:
    with installation.store.read() as conn:
        found = [releases.find(conn, name) for name in names]
    return all(one is not None and one.state is ReleaseState.PILOTING for one in found)


def check_told_once(installation: Installation, names: list[str]) -> None:
    wait_until(lambda: all_piloting(installation, names), "the pilots begin")
    installation.settle()
    for csp in ("north", "south"):
        told = [one.text("FirmwareReleaseID") for one in installation.actors[csp].received("StageChange")]
        assert sorted(told) == sorted(names)


def test_three_processes_begin_each_pilot_once(installation: Installation) -> None:
    names = approve_overdue(installation)
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(installation.running())
        check_told_once(installation, names)


@pytest.mark.parametrize("place", ["store.before-commit", "store.after-commit"])
def test_a_process_killed_while_a_stage_begins_leaves_it_whole_or_not_begun(
    installation: Installation, place: str
) -> None:
    names = approve_overdue(installation)
    doomed = GatewayProcess(installation.config, installation.log, DUIS_GATEWAY_FAILPOINT=place)
    assert doomed.ended() == -signal.SIGKILL
    with installation.running():
        check_told_once(installation, names)
