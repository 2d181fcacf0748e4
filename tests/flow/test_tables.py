"""The tables of interactions, decisions and effects fit each other."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.alerts.table import ALERTS, VERSION_MISMATCH
from duis_gateway.duis.service_requests.table import SERVED
from duis_gateway.flow.handlers import TAKEN
from duis_gateway.flow.incoming import Door
from duis_gateway.flow.interactions import INTERACTIONS
from duis_gateway.parties.records import PartyKind
from duis_gateway.partners.messages import Direction
from duis_gateway.rollout.releases import effects
from duis_gateway.rollout.releases.lifecycle import Effect

DIRECTIONS = {Door.CSP: csp.DIRECTIONS, Door.ESI: esi.DIRECTIONS}
CODES = ALERTS.keys() - {VERSION_MISMATCH}


BY_RULE = {"X05", "X06", "X09", "X10", "X11"}
"""Interactions that the gateway begins itself."""


@pytest.mark.parametrize("door", [Door.CSP, Door.ESI])
def test_every_body_that_comes_in_is_handled_and_no_other(door: Door) -> None:
    coming = {name for name, way in DIRECTIONS[door].items() if way is Direction.IN}
    assert {body.__name__ for where, body in TAKEN if where is door} == coming


def test_every_service_request_served_is_handled_and_no_other() -> None:
    assert {body.__name__ for where, body in TAKEN if where is Door.DUIS} == {one.body for one in SERVED.values()}


def test_every_interaction_is_begun_by_a_body_or_by_a_rule() -> None:
    begun = {row for _, takes in TAKEN.values() for row in takes.rows}
    assert begun.isdisjoint(BY_RULE)
    assert begun | BY_RULE == {row.id for row in INTERACTIONS}


@pytest.mark.parametrize(
    ("kind", "directions"), [(PartyKind.CSP, csp.DIRECTIONS), (PartyKind.DCC, esi.DIRECTIONS)], ids=str
)
def test_every_message_that_goes_out_stands_in_a_row(kind: PartyKind, directions: Mapping[str, Direction]) -> None:
    going = {name for name, way in directions.items() if way is Direction.OUT}
    rows = {out.name for row in INTERACTIONS for out in row.out if out.recipient is kind}
    assert rows - {"email"} == going


def test_every_alert_stands_in_a_row() -> None:
    rows = {out.name for row in INTERACTIONS for out in row.out if out.recipient is PartyKind.SUPPLIER}
    assert rows - {"email"} == CODES


def test_every_effect_is_carried_out() -> None:
    assert effects.CARRIED_OUT.keys() == set(Effect)
