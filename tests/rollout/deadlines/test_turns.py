"""Whose turn it is with hubs that somebody else had instructed, or that two releases could move."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from duis_gateway.parties import store as parties
from duis_gateway.parties.records import PartyKind
from duis_gateway.rollout.deadlines.view import deadline_rows
from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.estate.view import status_rows
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import ReleaseState
from duis_gateway.rollout.releases.rules import last_to_instruct
from duis_gateway.rollout.rollout_decisions.records import DirectGroup
from duis_gateway.store.engine import Store
from tests.support.cli import OTHER_SUPPLIER, SUPPLIER
from tests.support.planned_estate import CSP, DAY, DCC, NOW, PILOT, RELEASE, fill, ids

KIND = {SUPPLIER: PartyKind.SUPPLIER, OTHER_SUPPLIER: PartyKind.SUPPLIER, CSP: PartyKind.CSP, DCC: PartyKind.DCC}


def own(store: Store, party: int, now: datetime) -> dict[tuple[str, str], int]:
    """The hubs of what a party has to do itself, by release and task."""
    with store.read() as conn:
        (me,) = (one for one in parties.all_parties(conn, KIND[party]) if one.eui == party)
        rows = deadline_rows(conn, me, now)
    own = [row for row in rows if row["whose"] == "own"]
    return {(str(row["release"]), str(row["task"])): int(str(row["hubs"] or 0)) for row in own}


@pytest.mark.requirement("BR-5.4", "PIA-A9")
def test_a_choice_of_dcc_that_passed_unused_is_the_supplier_s_turn_again(store: Store) -> None:
    """Before, only DCC was asked to instruct them anew, though the supplier could schedule them for safe launch."""
    fill(store)
    before = own(store, SUPPLIER, NOW)["REL-1", "instruct_safe_launch"]
    assert before == 1, "5, which is excluded from the pilot"
    assert own(store, SUPPLIER, NOW)["REL-1", "send_preferred_schedule"] == 2, "4, and 6, which proves"
    with store.write() as conn:
        direct.put_selection(conn, DirectGroup("REL-1", PILOT, NOW, ids(4, 6), supplier=SUPPLIER))
    assert own(store, SUPPLIER, NOW)["REL-1", "instruct_safe_launch"] == before
    assert ("REL-1", "send_preferred_schedule") not in own(store, SUPPLIER, NOW)
    assert own(store, SUPPLIER, PILOT.end)["REL-1", "instruct_safe_launch"] == before + 2
    assert own(store, DCC, PILOT.end)["REL-1", "instruct_anew"] == 2
    late = own(store, SUPPLIER, last_to_instruct(RELEASE) + DAY)
    assert ("REL-1", "instruct_safe_launch") not in late


@pytest.mark.requirement("BR-3.6", "BR-5.4")
def test_what_remains_stands_under_the_release_that_moves_the_hub(store: Store) -> None:
    """Of two releases for the model, both beyond their dates, the CSP was asked for the same hubs twice."""
    fill(store)
    older = replace(RELEASE, state=ReleaseState.SAFE_LAUNCH, automatic_date=RELEASE.automatic_date + 6 * DAY)
    newer = replace(
        older,
        release_id="REL-2",
        firmware_version="01020306",
        notified_at=NOW - 5 * DAY,
        automatic_date=RELEASE.automatic_date,
        permitted_predecessors=frozenset({"01020304"}),
    )
    with store.write() as conn:
        releases.put(conn, replace(older, revision=2), {})
        alone = len(ids(1, 2, 3, 4, 5, 6, 7, 8, 12))
    after = older.automatic_date + DAY
    assert own(store, CSP, after)["REL-1", "update_remaining_hubs"] == alone
    with store.write() as conn:
        releases.put(conn, newer, {})
    found = own(store, CSP, after)
    assert found["REL-2", "update_remaining_hubs"] == alone
    assert ("REL-1", "update_remaining_hubs") not in found
    with store.read() as conn:
        (csp,) = parties.all_parties(conn, PartyKind.CSP)
        planned = [row for row in status_rows(conn, csp, after) if row["state"] in ("planned", "failed")]
    assert {str(row["release"]) for row in planned} == {"REL-2"}
    assert sum(int(str(row["hubs"])) for row in planned) == alone, "as in the status"
