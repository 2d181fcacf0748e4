"""Split suppliers: a hub whose Import and Gas Supplier are different parties (BR-3.2, BR-3.3, BR-4.1, BR-4.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from duis_gateway.rollout.eligibility import responsible
from duis_gateway.rollout.hubs.records import Hub, NamedHub
from duis_gateway.rollout.periods import ends_before
from duis_gateway.rollout.releases.records import Period


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
    if not ends_before(period, automatic_date):
        return SplitPlan(None, SplitBasis.TOO_LATE)
    return SplitPlan(period, SplitBasis.ONE_INSTRUCTION if same_party else SplitBasis.BOTH_INSTRUCTED)


@dataclass(frozen=True, slots=True)
class SecondSupplier:
    """What one of two suppliers is told of the other for some of its hubs (X06, N73); never who the other is.

    `able` is false where the other's DUIS version has no Service Requests to instruct with, or it is not registered.
    """

    recipient: int
    instructed: bool
    able: bool
    device_ids: tuple[int, ...]


def second_supplier_news(
    hubs: Iterable[Hub | NamedHub],
    supplier: int,
    before: frozenset[int],
    after: frozenset[int],
    instructed: frozenset[int],
    unable: frozenset[int] = frozenset(),
) -> tuple[SecondSupplier, ...]:
    """Return what both suppliers of split hubs learn when one of them has instructed anew (BR-3.3).

    The other supplier learns of every hub for which it now stands otherwise; the one that instructed learns, for the
    hubs that it now instructs and did not before, whether the other has. A hub of one party alone is no news.

    Args:
        hubs: the hubs in question, in any order.
        supplier: who has instructed, or has taken an instruction back.
        before: the hubs that this supplier's instructions named until now.
        after: the hubs that they name from now on.
        instructed: the hubs that their other supplier's instructions name.
        unable: suppliers that cannot instruct.
    """
    told: dict[tuple[int, bool, bool], list[int]] = {}
    for hub in hubs:
        others = set(hub.suppliers - {supplier})
        changed = (hub.device_id in before) != (hub.device_id in after)
        if not changed or len(others) != 1 or not responsible(hub, supplier):
            continue
        other = others.pop()
        now_named = hub.device_id in after
        told.setdefault((other, now_named, supplier not in unable), []).append(hub.device_id)
        if now_named:
            key = (supplier, hub.device_id in instructed, other not in unable)
            told.setdefault(key, []).append(hub.device_id)
    return tuple(SecondSupplier(*key, tuple(ids)) for key, ids in sorted(told.items()))


def news_of_changed_suppliers(
    changed: Iterable[tuple[Hub, Hub]],
    instructing: Mapping[int, frozenset[int]],
    unable: frozenset[int] = frozenset(),
) -> tuple[SecondSupplier, ...]:
    """Return what the suppliers of now learn when hubs have changed supplier (BR-3.3, "Inventory changes").

    Who had been told that its second supplier has instructed learns that this no longer holds, as only instructions
    of those who are responsible count; who is new to a hub learns that the other has instructed it; who has
    instructed a hub that gets a second supplier learns that there is one. Where nothing changes for a supplier, or
    nobody has instructed, there is no news: a change from one other party to another is not told by itself.

    Args:
        changed: each hub as it was and as it is.
        instructing: for each hub the suppliers, of then and now, whose standing instructions name it.
        unable: suppliers that cannot instruct.
    """
    told: dict[tuple[int, bool, bool], list[int]] = {}
    for before, after in changed:
        by = instructing.get(after.device_id, frozenset())
        for supplier in sorted(after.suppliers):
            was, now = (_second(hub, supplier, by, unable) for hub in (before, after))
            if now is None:
                continue
            news = was != now if supplier in by else (was is not None and was[0]) != now[0]
            if news:
                told.setdefault((supplier, *now), []).append(after.device_id)
    return tuple(SecondSupplier(*key, tuple(ids)) for key, ids in sorted(told.items()))


def _second(hub: Hub, supplier: int, instructing: frozenset[int], unable: frozenset[int]) -> tuple[bool, bool] | None:
    """Return whether the hub's other supplier has instructed it, and whether it can; None without another."""
    others = hub.suppliers - {supplier}
    if not responsible(hub, supplier) or not others:
        return None
    (other,) = others
    return other in instructing, other not in unable
