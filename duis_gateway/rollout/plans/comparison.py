"""The plan before and the plan after, compared: what each party is told (X09).

A party has been told what the hubs of its own are planned for, and is told what differs: a plan that is new or other
than before, or that it is void, with the reason. A former supplier, or the CSP of a region that a hub has left, hears
that the plan is void, as it was told of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from duis_gateway.rollout.hub_events.records import OF_DCC
from duis_gateway.rollout.hubs.records import of_roles
from duis_gateway.rollout.plans.records import ToldHub, ToldPlan, VoidReason

Parties = Callable[[ToldHub], frozenset[int]]
"""Who hears of a hub that is planned so."""

_NOBODY: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Outlook:
    """How a hub stands now: what it is planned for, or why for nothing; its region and its suppliers.

    `own`: suppliers that are told another reason than the CSPs and DCC, each with that reason.
    """

    told: ToldPlan | VoidReason
    csp_region: str
    import_supplier: int | None
    gas_supplier: int | None
    own: frozenset[tuple[int, VoidReason]] = frozenset()

    @property
    def planned(self) -> ToldHub | None:
        """The plan as it is to be remembered, None where there is none."""
        if isinstance(self.told, VoidReason):
            return None
        return ToldHub(self.told, self.csp_region, self.import_supplier, self.gas_supplier)

    @property
    def suppliers(self) -> frozenset[int]:
        """The suppliers responsible for the hub."""
        return of_roles(self.import_supplier, self.gas_supplier)


def news(before: ToldHub | None, after: Outlook, parties: Parties) -> dict[int, ToldPlan | VoidReason]:
    """Return what each party is told of a hub, by the party's EUI; who has heard it already is told nothing.

    Args:
        before: what was told last, None where nothing is planned as far as was told.
        after: how the hub stands now.
        parties: who hears of a hub: its CSP, its suppliers and DCC.
    """
    planned = after.planned
    had = parties(before) if before is not None else _NOBODY
    have = parties(planned) if planned is not None else _NOBODY
    told: dict[int, ToldPlan | VoidReason] = {}
    if planned is not None:
        same = before is not None and before.plan == planned.plan
        told.update(dict.fromkeys(have - had if same else have, planned.plan))
    if before is not None:
        left = had - have - ({OF_DCC} if after.suppliers else _NOBODY)  # a hub that was nobody's is somebody's now
        told.update((party, _void(party, before, after)) for party in left)
    return told


def _void(party: int, before: ToldHub, after: Outlook) -> VoidReason:
    """Return why a party's plan is void: by itself no supplier learns more than that the hub is not its own now."""
    if party in before.suppliers and party not in after.suppliers:
        return VoidReason.CHANGED_SUPPLIER
    if isinstance(after.told, ToldPlan):
        return VoidReason.CHANGED_REGION
    if after.told is VoidReason.NOT_INSTRUCTED and before.suppliers != after.suppliers:
        return VoidReason.CHANGED_SUPPLIER
    # Of two suppliers the one who remains has instructed still: its second one is awaited.
    return dict(after.own).get(party, after.told)
