"""Approvals of several releases of one model at once: none waits for another for ever, and one pilot is left."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from duis_gateway.rollout.releases.records import ReleaseState
from tests.support.rules import PILOT
from tests.support.steering import NORTH, Steering


@pytest.mark.requirement("PIA-A13")
def test_approvals_at_once_invalidate_every_pilot_of_an_older_release(dcc: Steering) -> None:
    names = [f"R{number}" for number in range(6)]
    for name in names:
        dcc.announces(name)
        dcc.clock.instant += timedelta(minutes=1)
    dcc.clock.instant = PILOT.start
    at_once = threading.Barrier(len(names))

    def approve(name: str) -> str:
        at_once.wait()
        return dcc.approves(name).status

    with ThreadPoolExecutor(len(names)) as threads:
        assert set(threads.map(approve, names)) == {"Accepted"}
    states = {name: dcc.state(name) for name in names}
    assert states["R5"] is ReleaseState.PILOTING
    # What was approved before a newer one has lost its pilot; what was approved after it has begun one of its own.
    assert set(states.values()) <= {ReleaseState.PILOTING, ReleaseState.INVALIDATED}
    begun = [kind for _, kind in dcc.outbox(NORTH) if kind == "StageChange"]
    ended = sum(state is ReleaseState.INVALIDATED for state in states.values())
    assert len(begun) == len(names) + ended
