"""Split suppliers: a hub whose Import and Gas Supplier are different parties (BR-3.2, BR-3.3, BR-4.1, BR-4.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from duis_gateway.model.releases import Period


class SplitBasis(StrEnum):
    """Why a hub is planned as it is."""

    ONE_INSTRUCTION = "one_instruction"
    BOTH_INSTRUCTED = "both_instructed"
    NOT_INSTRUCTED = "not_instructed"
    IMPORT_SUPPLIER_SILENT = "import_supplier_silent"
    GAS_SUPPLIER_SILENT = "gas_supplier_silent"
    TOO_LATE = "too_late"


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """The period that counts, or None for the automatic date, and the reason."""

    period: Period | None
    basis: SplitBasis


def later(one: Period, other: Period) -> Period:
    """Return the later start and the later end of two periods (BR-4.2)."""
    return Period(max(one.start, other.start), max(one.end, other.end))


def planned_period(
    import_instruction: Period | None,
    gas_instruction: Period | None,
    same_party: bool,
    automatic_date: datetime,
) -> SplitPlan:
    """Return when a hub moves, given what its two suppliers instructed.

    Args:
        import_instruction: the period that the Import Supplier instructed, if it did.
        gas_instruction: the period that the Gas Supplier instructed, if it did.
        same_party: both are one party, or the hub has one supplier only: one instruction is enough.
        automatic_date: DCC's own date, which stands unless all who must instruct an earlier period did.
    """
    given = [period for period in (import_instruction, gas_instruction) if period is not None]
    if not given:
        return SplitPlan(None, SplitBasis.NOT_INSTRUCTED)
    if not same_party and import_instruction is None:
        return SplitPlan(None, SplitBasis.IMPORT_SUPPLIER_SILENT)
    if not same_party and gas_instruction is None:
        return SplitPlan(None, SplitBasis.GAS_SUPPLIER_SILENT)
    period = later(given[0], given[-1])
    if period.end >= automatic_date:
        return SplitPlan(None, SplitBasis.TOO_LATE)
    return SplitPlan(period, SplitBasis.ONE_INSTRUCTION if same_party else SplitBasis.BOTH_INSTRUCTED)
