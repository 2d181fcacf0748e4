"""A group that a revision ends is named to its supplier also where something else goes on moving the hub (N77)."""

from __future__ import annotations

import pytest
from lxml import etree
from sqlalchemy import select

import esi.messages as esi
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.rollout.releases.records import Period, PilotTerms
from duis_gateway.store.tables import outbox
from tests.rollout.plans.test_told_is_shown import FIRST, LATER, batch, chooses, instructs
from tests.support.rules import OURS, PILOT, THEIRS
from tests.support.status_of import void_of
from tests.support.steering import DCC, NORTH, OWN_NORTH, SPLIT, Steering
from tests.support.told_and_shown import words_since

pytestmark = pytest.mark.requirement("X09", "BR-3.3", "BR-6.5")


def plans_told(dcc: Steering, party: int, since: int) -> list[list[str]]:
    """What each N77 said of the plan, in order: of whom and why, or by whom until when."""
    query = select(outbox.c.content).where(outbox.c.recipient == party, outbox.c.id > since, outbox.c.kind == "N77")
    with dcc.store.read() as conn:
        every = [etree.fromstring(one) for one in conn.execute(query.order_by(outbox.c.id)).scalars()]
    names = ("Reason", "GroupID", "Basis", "DeviceIDList")
    return [[leaf.text or "" for leaf in root.iter("{*}*") if etree.QName(leaf).localname in names] for root in every]


def shortens(dcc: Steering) -> None:
    """DCC revises the release: the pilot ends before what was instructed for the later part of it."""
    terms = PilotTerms(Period(PILOT.start, LATER.start), limit=10)
    assert dcc.announces(revision=2, pilot=terms).status == "Accepted"


@pytest.mark.parametrize("hub", [SPLIT, OWN_NORTH])
def test_a_group_that_ends_beside_a_batch_that_goes_on_is_named(dcc: Steering, hub: int) -> None:
    """Before, its supplier was told nothing of it, or of the batch alone."""
    instructs(dcc, OURS, LATER, hub)
    batch(dcc, FIRST if hub == SPLIT else LATER, hub)
    before = dcc.last_row()
    shortens(dcc)
    eui = format_eui(hub)
    assert plans_told(dcc, OURS, before) == [["OutsidePilot", "W1", eui], ["DCC", eui]]
    assert plans_told(dcc, THEIRS, before) == []
    assert words_since(dcc, before)[OURS, hub] == "planned"
    assert void_of(dcc, OURS) == void_of(dcc, NORTH) == void_of(dcc, DCC) == {}


def test_a_group_that_ends_beside_dcc_s_choice_that_goes_on_is_named(dcc: Steering) -> None:
    """The brother: its supplier was told of the choice alone, as if its group still had the hub."""
    instructs(dcc, OURS, LATER, OWN_NORTH)
    chooses(dcc, OURS, FIRST, OWN_NORTH)
    before = dcc.last_row()
    shortens(dcc)
    eui = format_eui(OWN_NORTH)
    assert plans_told(dcc, OURS, before) == [["OutsidePilot", "W1", eui], ["DCC", eui]]
    words_since(dcc, before)


def test_of_a_choice_that_ends_beside_a_batch_no_group_is_named(dcc: Steering) -> None:
    chooses(dcc, OURS, LATER, OWN_NORTH)
    assert dcc.says(esi.BatchInstruction("R1", "DB", (OWN_NORTH,), LATER)).status == "Accepted"
    before = dcc.last_row()
    shortens(dcc)
    assert plans_told(dcc, OURS, before) == [["DCC", format_eui(OWN_NORTH)]]
    words_since(dcc, before)
