"""What suppliers owe to a pilot: a minimum number of hubs, and a share of their hubs in time (PIA-A9, PIA-C5).

Obligations apply only where the release sets them. What counts is what a supplier has on its preferred list, what DCC
chose for it, and what the pilot has updated already, which no list can name any more; proving hubs aside. The sources
ask suppliers to "provide" hubs within the first two months, after which DCC selects on their behalf
(`selection.judge_selection`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from duis_gateway.rollout.periods import add_months, one_month_before
from duis_gateway.rollout.releases.records import PilotTerms, Release

MONTHS_TO_PROVIDE = 2
"""PIA-A9: within the first two months of the pilot, unless the release names the date."""


class ObligationKind(StrEnum):
    """What is owed."""

    MINIMUM = "minimum"
    SHARE = "share"


class ObligationState(StrEnum):
    """Whether it is met, may still be met, or was missed."""

    MET = "met"
    OPEN = "open"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class SupplierPilot:
    """A supplier's part in a pilot, in hubs; proving and excluded hubs are in neither number.

    `eligible` are its own hubs to which the release may be applied (those already active under it included), and not
    split hubs whose other supplier cannot instruct, unless its list names them all the same. `provided` are those of
    them on its preferred list, chosen by DCC for it, or active through the pilot.
    """

    supplier: int
    eligible: int
    provided: int


@dataclass(frozen=True, slots=True)
class Obligation:
    """One thing that a supplier owes to the pilot of a release, in hubs."""

    supplier: int
    kind: ObligationKind
    required: int
    provided: int
    due: datetime
    state: ObligationState

    @property
    def missing(self) -> int:
        """How many hubs are still to be provided."""
        return max(0, self.required - self.provided)


def due_date(terms: PilotTerms) -> datetime:
    """Return when the hubs are due: as the release says, else two months into the pilot.

    Always early enough for DCC to choose on a supplier's behalf what it did not provide: by a month before the pilot's
    end, or half-way through a pilot of less than two months.
    """
    if terms.share_by is not None:
        return terms.share_by
    start, end = terms.period.start, terms.period.end
    left_to_choose = max(one_month_before(end), start + (end - start) / 2)
    return min(add_months(start, MONTHS_TO_PROVIDE), left_to_choose)


def assess(release: Release, pilot: SupplierPilot, now: datetime) -> tuple[Obligation, ...]:
    """Return what a supplier owes to the pilot of a release, and how it stands now.

    Nobody owes more hubs than it has or than the release lets it bring; who has none owes nothing.
    """
    terms = release.pilot
    if terms is None or not release.obligations or pilot.eligible == 0:
        return ()
    due = due_date(terms)
    required = {ObligationKind.MINIMUM: terms.minimum, ObligationKind.SHARE: _share(terms, pilot.eligible)}
    return tuple(
        Obligation(pilot.supplier, kind, number, pilot.provided, due, _state(number, pilot.provided, due, now))
        for kind, wanted in required.items()
        if (number := min(wanted, pilot.eligible, terms.limit)) > 0
    )


def _share(terms: PilotTerms, eligible: int) -> int:
    """A share is rounded up, as a part of a hub cannot be provided."""
    return -(-eligible * (terms.share_percent or 0) // 100)


def _state(required: int, provided: int, due: datetime, now: datetime) -> ObligationState:
    if provided >= required:
        return ObligationState.MET
    return ObligationState.OPEN if now <= due else ObligationState.MISSED


def missed(release: Release, pilots: Iterable[SupplierPilot], now: datetime) -> tuple[Obligation, ...]:
    """Return what is to be reported to DCC: what all suppliers missed, while the release is live."""
    if not release.state.is_live:
        return ()
    return tuple(
        owed for pilot in pilots for owed in assess(release, pilot, now) if owed.state is ObligationState.MISSED
    )
