"""Void is shown as it was told also where the hub's own row is the reason, or another release has the hub next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

import esi.messages as esi
from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup, PreferredPilotSchedule
from duis_gateway.rollout.estate.history import history_rows
from duis_gateway.rollout.releases.records import Period, PilotTerms, Stage
from tests.rollout.plans.test_off_the_plan import told
from tests.support.rules import AUTOMATIC, NEW, OLD, OURS, PILOT, THEIRS
from tests.support.status_of import PARTIES, void_of
from tests.support.steering import DCC, HUBS, IDLE, NORTH, OWN_NORTH, OWN_SOUTH, SPLIT, Steering
from tests.support.told_and_shown import shown, words_since

DAY = timedelta(days=1)
LAUNCH = Period(PILOT.end + DAY, PILOT.end + 6 * DAY)
OF_ONE, OF_SPLIT = (OURS, NORTH, DCC), (OURS, THEIRS, NORTH, DCC)

pytestmark = pytest.mark.requirement("X09", "BR-5.3", "BR-6.5")


def batch(dcc: Steering, *ids: int, release: str = "R1") -> None:
    assert dcc.says(esi.BatchInstruction(release, "DB", ids, LAUNCH)).status == "Accepted"


def instructs(dcc: Steering, supplier: int, *ids: int, release: str = "R1", version: str = NEW) -> None:
    group = DeploymentGroup("L1", Stage.SAFE_LAUNCH, ids, LAUNCH)
    assert not dcc.asks(supplier, "11.6", PreferredPilotSchedule(release, version, (group,))).startswith("E")


def changes(dcc: Steering, device_id: int, **how: Any) -> None:
    dcc.says(esi.InventoryUpdate((replace(HUBS[device_id - 1], **how),)))


UNFIT = [({"status": "Suspended"}, "NotCommissioned"), ({"firmware_version": "00000000"}, "NotPermitted")]


@pytest.mark.parametrize("by", ["batch", "suppliers"])
@pytest.mark.parametrize(("how", "word"), UNFIT)
def test_what_the_hub_itself_makes_void_is_shown_as_it_was_told(
    dcc: Steering, how: Mapping[str, str], word: str, by: str
) -> None:
    """Before, estate and status named no reason, as if nothing had been instructed."""
    dcc.announces(revision=2, permitted_predecessors=(OLD,))
    if by == "batch":
        batch(dcc, OWN_NORTH, SPLIT)
    else:
        instructs(dcc, OURS, OWN_NORTH, SPLIT)
        instructs(dcc, THEIRS, SPLIT)
    before = dcc.last_row()
    changes(dcc, OWN_NORTH, **how)
    changes(dcc, SPLIT, **how)
    expected = {(party, OWN_NORTH): word for party in OF_ONE} | {(party, SPLIT): word for party in OF_SPLIT}
    assert words_since(dcc, before) == expected
    assert {party: void_of(dcc, party) for party in OF_SPLIT} == {
        party: {word: 1 if party == THEIRS else 2} for party in OF_SPLIT
    }
    before = dcc.last_row()
    changes(dcc, OWN_NORTH)
    assert set(words_since(dcc, before).values()) == {"planned"}
    assert void_of(dcc, OURS) == {word: 1}


def test_a_hub_of_another_model_than_it_was_planned_for_is_shown_as_it_was_told(dcc: Steering) -> None:
    """Before, no row and no count said so: no release for the model that it has now names it."""
    instructs(dcc, OURS, OWN_NORTH, SPLIT)
    instructs(dcc, THEIRS, SPLIT)
    before = dcc.last_row()
    for device_id in (OWN_NORTH, SPLIT):
        changes(dcc, device_id, model="OTHER")
    told_to = {(party, OWN_NORTH) for party in OF_ONE} | {(party, SPLIT) for party in OF_SPLIT}
    assert words_since(dcc, before) == dict.fromkeys(told_to, "OtherModel")

    def is_shown(state: str) -> None:
        assert void_of(dcc, DCC) == void_of(dcc, NORTH) == void_of(dcc, OURS) == {"OtherModel": 2}
        assert void_of(dcc, THEIRS) == {"OtherModel": 1}
        row = shown(dcc)[OURS, OWN_NORTH]
        assert (row["state"], row["void"]) == (state, "OtherModel")
        assert "what was instructed under R1 is void (OtherModel)" in str(row["why"])

    is_shown("not_planned")
    dcc.announces("R9", model="OTHER", automatic_date=AUTOMATIC + 90 * DAY)
    is_shown("planned")
    dcc.approves("R9")
    is_shown("planned")
    instructs(dcc, OURS, OWN_NORTH, release="R9")
    assert void_of(dcc, OURS) == void_of(dcc, DCC) == {"OtherModel": 1}, "the other one is planned anew"
    changes(dcc, SPLIT)
    assert void_of(dcc, OURS) == void_of(dcc, THEIRS) == {}


@pytest.mark.requirement("X08", "X10")
def test_a_hub_without_a_supplier_is_shown_to_its_csp_and_dcc_as_they_were_told(dcc: Steering) -> None:
    """Before, `OtherModel`, and that a period was missed, were shown only where a supplier had been told, too."""
    for device_id in (OWN_NORTH, OWN_SOUTH):
        changes(dcc, device_id, import_supplier=None, gas_supplier=None)
    batch(dcc, OWN_NORTH, OWN_SOUTH)
    before = dcc.last_row()
    changes(dcc, OWN_NORTH, import_supplier=None, gas_supplier=None, model="OTHER")
    assert words_since(dcc, before) == {(NORTH, OWN_NORTH): "OtherModel", (DCC, OWN_NORTH): "OtherModel"}
    assert void_of(dcc, NORTH) == void_of(dcc, DCC) == {"OtherModel": 1}
    with dcc.store.read() as conn:
        assert history_rows(conn, PARTIES[NORTH], OWN_NORTH)[0]["what"] == "void: OtherModel"
    dcc.passes(LAUNCH.end)
    row = shown(dcc)[DCC, OWN_SOUTH]
    assert (row["void"], row["off_plan"]) == ("PeriodEnded", "PeriodMissed")
    assert void_of(dcc, DCC) == {"OtherModel": 1, "PeriodEnded": 1}
    changes(dcc, OWN_NORTH, gas_supplier=None)
    assert void_of(dcc, OURS) == {"PeriodEnded": 1}, "whoever has it may see what became of DCC's batch"


def test_who_gets_a_hub_that_is_not_commissioned_reads_nothing_of_what_a_former_supplier_instructed(
    dcc: Steering,
) -> None:
    instructs(dcc, OURS, OWN_NORTH)
    changes(dcc, OWN_NORTH, status="Suspended", import_supplier=IDLE, gas_supplier=IDLE)
    assert shown(dcc)[IDLE, OWN_NORTH]["void"] is None
    changes(dcc, SPLIT, status="Suspended")
    assert void_of(dcc, OURS) == {}, "nothing was instructed of it"


def test_a_half_of_a_hub_that_is_not_commissioned_any_more_is_void_to_whose_it_is(dcc: Steering) -> None:
    """The second supplier has instructed nothing, and is told nothing where it ends with its release."""
    instructs(dcc, OURS, SPLIT)
    changes(dcc, SPLIT, status="Suspended")
    for _ in ("live", "superseded"):
        assert void_of(dcc, OURS) == void_of(dcc, NORTH) == void_of(dcc, DCC) == {"NotCommissioned": 1}
        assert void_of(dcc, THEIRS) == {}
        pilot = PilotTerms(Period(dcc.clock.now() + DAY, LAUNCH.start), limit=10)
        dcc.announces("R2", firmware_version="00000003", automatic_date=AUTOMATIC + 90 * DAY, pilot=pilot)
        dcc.says(esi.Supersession("R1", "R2", dcc.clock.now()))


def test_what_ends_under_a_release_that_does_not_have_the_hub_next_is_shown(dcc: Steering) -> None:
    """Before, nothing was shown of what was told, where another release in flight had the hub next."""
    dcc.announces(
        "R2",
        firmware_version="00000003",
        automatic_date=AUTOMATIC + 90 * DAY,
        pilot=PilotTerms(Period(PILOT.end, LAUNCH.start), limit=10),
    )
    batch(dcc, OWN_NORTH, SPLIT, release="R2")
    before = dcc.last_row()
    dcc.passes(LAUNCH.end)
    assert told(dcc, before, "Deviation") == {}, "R2 was not approved"
    word = "PeriodEnded"
    assert words_since(dcc, before) == {(party, OWN_NORTH): word for party in OF_ONE} | {
        (party, SPLIT): word for party in OF_SPLIT
    }
    assert void_of(dcc, DCC) == void_of(dcc, OURS) == {word: 2}
    assert void_of(dcc, THEIRS) == {word: 1}
    row = shown(dcc)[OURS, OWN_NORTH]
    assert row["release"] == "R1"
    assert "what was instructed under R2 is void (PeriodEnded)" in str(row["why"])
    assert "what was instructed under R2 is void (PeriodEnded)" in str(row["reason"])
