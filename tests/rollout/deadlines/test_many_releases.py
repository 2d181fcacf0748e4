"""Whose turn it is under many releases for one device model: each hub is looked at once for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, event

from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.deadlines.view import deadline_rows
from duis_gateway.rollout.pilot_lists import store as pilots
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import HubMark, Instruction, ReleaseState, Stage
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.store.engine import Store
from tests.support.estate import ALPHA, BETA, NOW, PERIOD, add_suppliers, fill, hub, release

pytestmark = pytest.mark.requirement("BR-5.4")

CSP, DCC = Party(7, PartyKind.CSP, "http://127.0.0.1:1/", regions=frozenset({"North"})), Party(10, PartyKind.DCC, "")
SUPPLIER = Party(ALPHA, PartyKind.SUPPLIER, "http://127.0.0.1:1/")
HUBS = tuple(range(1, 25))


def announce(connection: Connection, number: int, state: ReleaseState) -> None:
    """A release with proving and excluded hubs, a preferred list, and a group that waits for the other supplier."""
    name, version = f"R{number:02}", f"0102{number + 5:02}05"
    one = replace(release(name, version=version, state=state), notified_at=NOW - timedelta(days=number))
    marks = {HubMark.PROVING: [HUBS[number]], HubMark.EXCLUDED: [HUBS[number + 1]]}
    releases.put(connection, replace(one, automatic_date=one.automatic_date + timedelta(days=number)), marks)
    pilots.replace_preferred(connection, name, ALPHA, version, HUBS[number : number + 8], NOW)
    group = Instruction(name, ALPHA, "G1", Stage.PILOT, PERIOD, NOW, HUBS[number + 9 : number + 11])
    schedules.put_instructions(connection, [group])


@contextmanager
def counted(connection: Connection) -> Iterator[list[str]]:
    """The statements that are run meanwhile."""
    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(connection, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(connection, "before_cursor_execute", note)


@pytest.mark.parametrize("party", [SUPPLIER, CSP, DCC], ids=["supplier", "csp", "dcc"])
@pytest.mark.parametrize(
    ("state", "now"),
    [(ReleaseState.NOTIFIED, NOW), (ReleaseState.SAFE_LAUNCH, NOW + timedelta(days=300))],
    ids=["announced", "overdue"],
)
def test_four_times_the_releases_need_at_most_four_times_the_statements(
    store: Store, party: Party, state: ReleaseState, now: datetime
) -> None:
    """Before, all hubs were looked at under all releases for each release anew: 31 of them took two minutes.

    So were those that CSPs are to update, once the automatic dates of several releases had come.
    """
    needed = {}
    with store.write() as connection:
        add_suppliers(connection, (ALPHA, BETA))
        for one in (CSP, replace(DCC, url="http://127.0.0.1:1/")):
            parties.add(connection, one)
        fill(connection, [hub(number, ALPHA, BETA if number % 3 else ALPHA) for number in HUBS])
        for number in range(12):
            announce(connection, number, state)
            if number + 1 in (3, 12):
                with counted(connection) as statements:
                    rows = deadline_rows(connection, party, now)
                assert {row["release"] for row in rows} == {f"R{one:02}" for one in range(number + 1)}
                needed[number + 1] = len(statements)
    assert needed[12] <= 4 * needed[3], needed
