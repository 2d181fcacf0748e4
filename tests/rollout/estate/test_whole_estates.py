"""Plans and states of large estates: read through, and never held."""

from __future__ import annotations

import tracemalloc
from collections import Counter

import pytest

from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.estate.eligible_hubs import Scope
from duis_gateway.rollout.estate.eligible_view import eligible_hubs
from duis_gateway.rollout.estate.view import status_rows
from duis_gateway.rollout.plans.view import plans_under
from duis_gateway.rollout.releases.records import Instruction, Stage
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.store.engine import Store
from tests.support.estate import ALPHA, BETA, NOW, PERIOD, TOP, add_suppliers, fill, hub, release

HUBS, INSTRUCTED = 12_000, 4_000
MOST_BYTES = 12_000_000

pytestmark = pytest.mark.once


def test_an_estate_is_planned_listed_and_counted_in_bounded_memory(store: Store) -> None:
    mine = Instruction("R1", ALPHA, "G1", Stage.PILOT, PERIOD, NOW, tuple(range(TOP, TOP + INSTRUCTED)))
    with store.write(alone=True) as connection:
        add_suppliers(connection)
        fill(connection, (hub(TOP + n, ALPHA, BETA if n % 2 else ALPHA) for n in range(HUBS)), [release()])
        schedules.put_instructions(connection, [mine])
    with store.read() as connection:
        tracemalloc.start()
        try:
            bases = Counter(plan.basis for _, plan in plans_under(connection, release(), Scope(supplier=ALPHA), NOW))
            listed = sum(1 for _ in eligible_hubs(connection, ALPHA, release(), NOW))
            counted: Counter[object] = Counter()
            for row in status_rows(connection, Party(ALPHA, PartyKind.SUPPLIER, ""), NOW):
                counted[row["state"]] += int(str(row["hubs"]))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert bases == {"instructed": INSTRUCTED // 2, "automatic_date": HUBS - INSTRUCTED // 2}
    assert counted == {"instructed": INSTRUCTED // 2, "planned": HUBS - INSTRUCTED // 2}
    assert listed == HUBS
    assert peak < MOST_BYTES, f"{peak:,} bytes at once"
