"""What every party reads of its estate, whole and since a moment, compared."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from duis_gateway.parties import store as parties
from duis_gateway.rollout.estate.hub_by_hub import DEPARTED, ESTATE_COLUMNS, estate_rows
from duis_gateway.rollout.hubs.freshness import OVERLAP
from tests.support.steering import Steering

Rows = dict[object, Mapping[str, object]]
"""Rows of an estate by hub."""


@dataclass(frozen=True)
class Estates:
    """Each party's estate at a moment."""

    rows: dict[int, Rows]

    @classmethod
    def of(cls, dcc: Steering, *parties: int) -> Estates:
        """Read those of these parties, or of all, as they are now."""
        return cls({eui: rows for eui, (rows, _) in _read(dcc, None, parties).items()})

    def miss_nothing_since(self, since: datetime, dcc: Steering) -> dict[int, set[object]]:
        """Hold what has changed since these were read to what is shown of it; return the hubs shown to each party."""
        shown: dict[int, set[object]] = {}
        for eui, (after, changed) in _read(dcc, since, self.rows).items():
            before = self.rows[eui]
            gone = before.keys() - after.keys()
            other = {device_id for device_id, row in after.items() if row != before.get(device_id)}
            missed = (gone | other) - changed.keys()
            assert not missed, (f"{eui:016X}", [(before.get(one), after.get(one)) for one in missed])
            for device_id, row in changed.items():
                if device_id in after:
                    assert row == after[device_id]
                else:
                    told = {name for name in ESTATE_COLUMNS if row[name] is not None}
                    assert (row["state"], told) == (DEPARTED, {"device_id", "state", "why"})
            shown[eui] = set(changed)
        return shown


def _read(dcc: Steering, since: datetime | None, euis: Collection[int]) -> dict[int, tuple[Rows, Rows]]:
    """Return each party's estate, and what of it has changed; a moment later by the overlap, so that it counts not."""
    now = dcc.clock.now()
    with dcc.store.read() as conn:
        found = {}
        for party in parties.all_parties(conn):
            if euis and party.eui not in euis:
                continue
            whole = _by_hub(list(estate_rows(conn, party, now)))
            asked = [] if since is None else list(estate_rows(conn, party, now, since + OVERLAP))
            found[party.eui] = whole, _by_hub(asked)
        return found


def _by_hub(rows: list[Mapping[str, object]]) -> Rows:
    found = {row["device_id"]: row for row in rows}
    assert len(found) == len(rows), "no hub comes twice"
    return found
