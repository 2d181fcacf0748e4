"""The tables of interactions, decisions and effects fit each other."""

from __future__ import annotations

import pytest

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.alerts import ALERTS, VERSION_MISMATCH
from duis_gateway.flow.incoming import Door
from duis_gateway.flow.interactions import BESIDE, INTERACTIONS, is_served
from duis_gateway.flow.steps.decide import PARTNER_MESSAGES, SERVICE_REQUESTS
from duis_gateway.parties.records import PartyKind
from duis_gateway.partners.messages import Direction
from duis_gateway.rollout.releases import effects
from duis_gateway.rollout.releases.lifecycle import Effect

DIRECTIONS = {Door.CSP: csp.DIRECTIONS, Door.ESI: esi.DIRECTIONS}
CODES = ALERTS.keys() - {VERSION_MISMATCH}


@pytest.mark.parametrize("door", [Door.CSP, Door.ESI])
def test_every_body_that_comes_in_is_served_and_no_other(door: Door) -> None:
    coming = {name for name, way in DIRECTIONS[door].items() if way is Direction.IN}
    assert {name for name in coming if is_served(door, name) and name in PARTNER_MESSAGES} == coming
    in_table = {body for row in INTERACTIONS if row.door is door for body in row.bodies}
    assert in_table | {body for where, body in BESIDE if where is door} == coming


def test_nothing_is_decided_that_never_comes_in() -> None:
    coming = {name for names in DIRECTIONS.values() for name, way in names.items() if way is Direction.IN}
    assert PARTNER_MESSAGES.keys() == coming
    assert SERVICE_REQUESTS.keys() == {"8.2", "11.5", "11.6"}


@pytest.mark.parametrize(
    ("kind", "directions"), [(PartyKind.CSP, csp.DIRECTIONS), (PartyKind.DCC, esi.DIRECTIONS)], ids=str
)
def test_every_message_that_goes_out_stands_in_a_row(kind: PartyKind, directions: dict[str, Direction]) -> None:
    going = {name for name, way in directions.items() if way is Direction.OUT}
    rows = {out.name for row in INTERACTIONS for out in row.out if out.recipient is kind}
    assert rows - {"email"} == going


def test_every_alert_stands_in_a_row() -> None:
    rows = {out.name for row in INTERACTIONS for out in row.out if out.recipient is PartyKind.SUPPLIER}
    assert rows - {"email"} == CODES


def test_every_effect_is_carried_out() -> None:
    assert effects.CARRIED_OUT.keys() == set(Effect)
