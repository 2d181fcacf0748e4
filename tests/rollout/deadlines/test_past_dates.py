"""Who is late: for a date that passed, and not for one that a notice put into the past (BR-5.4, PIA-A9)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.deadlines.view import deadline_rows
from duis_gateway.rollout.releases.records import PilotTerms
from tests.support.databases import KINDS
from tests.support.rules import AUTOMATIC, OURS, PILOT
from tests.support.steering import NORTH, WEEK, Steering, steering

DAY = timedelta(days=1)
DUE = PILOT.start + 2 * WEEK
TERMS = PilotTerms(PILOT, limit=10, minimum=2, share_by=DUE)

pytestmark = pytest.mark.requirement("BR-5.4", "PIA-A9")


@pytest.fixture(params=KINDS)
def dcc(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steering]:
    """A pilot to which suppliers owe hubs; nobody has sent any by the time they are due."""
    with steering(request.param, tmp_path) as made:
        made.piloting(pilot=TERMS, obligations=True)
        made.passes(DUE + DAY)
        yield made


def owed(dcc: Steering) -> Any:
    return row(dcc, Party(OURS, PartyKind.SUPPLIER, ""), "provide_minimum")


def row(dcc: Steering, party: Party, task: str, release: str = "R1") -> Any:
    with dcc.store.read() as conn:
        found = deadline_rows(conn, party, dcc.clock.now())
    return next(one for one in found if (one["whose"], one["release"], one["task"]) == ("own", release, task))


def test_what_was_missed_before_a_revision_stays_missed(dcc: Steering) -> None:
    """Before, any later notice excused it, and blamed itself for the date."""
    before = owed(dcc)
    assert (before["due"], before["state"], before["overdue"]) == (DUE, "missed", True)
    dcc.clock.instant += DAY
    dcc.announces(revision=2, pilot=TERMS, obligations=True, automatic_date=AUTOMATIC + WEEK)
    assert {**owed(dcc), "seconds_left": 0} == {**before, "seconds_left": 0}


def test_a_date_that_a_notice_put_into_the_past_excuses_for_good(dcc: Steering) -> None:
    earlier = PilotTerms(PILOT, limit=10, minimum=2, share_by=DUE - WEEK)
    dcc.announces(revision=2, pilot=earlier, obligations=True)
    excused = owed(dcc)
    assert excused["overdue"] is False
    assert f"notice of {DUE + DAY:%Y-%m-%d} put this date into the past" in excused["why"]
    dcc.clock.instant += WEEK
    dcc.announces(revision=3, pilot=earlier, obligations=True, automatic_date=AUTOMATIC + WEEK)
    assert (owed(dcc)["overdue"], owed(dcc)["why"]) == (False, excused["why"])
    later = PilotTerms(PILOT, limit=10, minimum=2, share_by=dcc.clock.now() + WEEK)
    dcc.announces(revision=4, pilot=later, obligations=True, automatic_date=AUTOMATIC + WEEK)
    assert (owed(dcc)["state"], owed(dcc)["why"]) == ("open", "0 of 2 hubs are provided so far")
    dcc.clock.instant += 2 * WEEK
    assert owed(dcc)["overdue"] is True


def test_a_csp_is_not_late_for_a_date_that_was_past_as_it_was_announced(dcc: Steering) -> None:
    north = Party(NORTH, PartyKind.CSP, "", regions=frozenset({"North"}))
    assert row(dcc, north, "send_default_list")["overdue"] is True, "the pilot has begun since"
    dcc.announces("R2", firmware_version="00000003", pilot=TERMS)
    late = row(dcc, north, "send_default_list", "R2")
    assert late["overdue"] is False
    assert late["why"].startswith("DCC's notice")
    assert late["why"].endswith("put this date into the past")
