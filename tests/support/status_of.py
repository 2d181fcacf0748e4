"""What parties of `steering` read of their estates."""

from __future__ import annotations

from collections import Counter

from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.estate.hub_by_hub import estate_rows
from duis_gateway.rollout.estate.view import status_rows
from tests.support.rules import OURS, THEIRS
from tests.support.steering import DCC, IDLE, NORTH, SOUTH, Steering

PARTIES = {
    NORTH: Party(NORTH, PartyKind.CSP, "", regions=frozenset({"North"})),
    SOUTH: Party(SOUTH, PartyKind.CSP, "", regions=frozenset({"South"})),
    DCC: Party(DCC, PartyKind.DCC, ""),
    **{eui: Party(eui, PartyKind.SUPPLIER, "") for eui in (OURS, THEIRS, IDLE)},
}


def void_of(dcc: Steering, party: int) -> dict[str, int]:
    """How many hubs of a party's estate are void, by why: in the status, and hub by hub alike."""
    with dcc.store.read() as conn:
        rows = status_rows(conn, PARTIES[party], dcc.clock.now())
        hub_by_hub = Counter(row["void"] for row in estate_rows(conn, PARTIES[party], dcc.clock.now()))
    found: Counter[str] = Counter()
    for row in rows:
        if row["void"] is not None:
            found[str(row["void"])] += int(str(row["hubs"]))
    assert found == {why: hubs for why, hubs in hub_by_hub.items() if why is not None}
    return dict(found)
