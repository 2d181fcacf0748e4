"""Outcomes are recorded with whether CS06 was registered for them, which is looked up once for a message (FIA-2)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

import csp_mgmt_gw.messages as csp
from duis_gateway.flow.incoming import Door
from duis_gateway.rollout.activations import store as activations
from duis_gateway.rollout.activations.records import ActivationRequest, HubOutcome, OutcomeStage
from tests.support.databases import KINDS
from tests.support.rules import NEW
from tests.support.steering import NORTH, OWN_NORTH, SPLIT, Steering, steering


@pytest.fixture(params=KINDS)
def dcc(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steering]:
    with steering(request.param, tmp_path) as made:
        made.piloting()
        with made.store.write() as conn:
            activations.record_requests(conn, NORTH, [ActivationRequest(OWN_NORTH, NEW, made.clock.now())])
        yield made


@pytest.mark.requirement("FIA-2", "X01")
def test_what_was_registered_is_looked_up_once_and_recorded_of_each_hub(dcc: Steering) -> None:
    read: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        if "activation_request" in statement:
            read.append(statement)

    every = (OWN_NORTH, SPLIT)
    outcomes = tuple(HubOutcome(one, OutcomeStage.ACTIVATION, True, NEW, dcc.clock.now()) for one in every)
    event.listen(Engine, "before_cursor_execute", note)
    try:
        told = dcc.says(csp.ActivateFirmwareResponses(outcomes), by=NORTH, door=Door.CSP)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert (told.status, len(read)) == ("Accepted", 1)
    with dcc.store.read() as conn:
        recorded = [activations.outcomes_of(conn, one) for one in every]
    assert [one.matched for (one,) in recorded] == [True, False]
    assert [flag.subject for flag in dcc.flags() if flag.kind == "unmatched"] == ["00-00-00-00-00-00-00-03"]
