"""N73: the second supplier of split hubs learns whether the first has instructed, and never who it is (X06)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from duis_gateway.decision import Alert
from duis_gateway.decisions.context import Context
from duis_gateway.duis.alert_bodies import OtherSupplier, SplitSupplierInstruction
from duis_gateway.firmware.split import SecondSupplier, second_supplier_news
from duis_gateway.model.hubs import Hub, NamedHub
from duis_gateway.model.parties import Party
from duis_gateway.model.releases import Instruction, Release, Stage
from duis_gateway.store import direct, hubs, parties, schedules


def second_supplier_alerts(
    release: Release,
    standing: Iterable[Instruction],
    changed: Iterable[Instruction],
    known: Mapping[int, NamedHub],
    context: Context,
) -> tuple[Alert, ...]:
    """Return what both suppliers of split hubs are told when the sender's instructions change.

    Args:
        release: the release that is instructed.
        standing: the sender's groups of both stages as they stand.
        changed: those that take the place of the standing ones of the same stage and name.
        known: hubs that have been looked up already.
        context: the sender, and the transaction.
    """
    me = context.party.eui
    groups = _by_name(standing)
    chosen = direct.selected_for(context.conn, release.release_id, me)
    before = _members(groups.values()) | chosen
    after = _members({**groups, **_by_name(changed)}.values()) | chosen
    return _alerts(release, me, before, after, known, context)


def alerts_on_choice(
    release: Release, supplier: int, chosen: Iterable[int], known: Mapping[int, NamedHub], context: Context
) -> tuple[Alert, ...]:
    """Return what both suppliers of split hubs are told when DCC chooses on behalf of one of them (X08).

    To the second supplier it is an instruction like any other: it has to instruct, too, for the hub to move earlier.
    """
    own = _members(schedules.instructions(context.conn, release.release_id, supplier))
    before = own | direct.selected_for(context.conn, release.release_id, supplier)
    return _alerts(release, supplier, before, own.union(chosen), known, context)


def _alerts(
    release: Release,
    me: int,
    before: frozenset[int],
    after: frozenset[int],
    known: Mapping[int, NamedHub],
    context: Context,
) -> tuple[Alert, ...]:
    split = _split_hubs(before ^ after, known, context)
    if not split:
        return ()
    ids = [hub.device_id for hub in split]
    instructed = schedules.instructed_by_other(context.conn, release.release_id, me, ids)
    instructed |= direct.selected_for_other(context.conn, release.release_id, me, ids)
    found = parties.find_many(context.conn, {supplier for hub in split for supplier in _suppliers(hub)})
    # Who is not registered has nothing to instruct with either.
    unable = frozenset(s for hub in split for s in _suppliers(hub) if s not in found or not found[s].can_instruct)
    news = second_supplier_news(split, me, before, after, instructed, unable)
    return tuple(_alert(one, found[one.recipient], release) for one in news if one.recipient in found)


def _by_name(groups: Iterable[Instruction]) -> dict[tuple[Stage, str], Instruction]:
    return {(group.stage, group.group_id): group for group in groups}


def _members(groups: Iterable[Instruction]) -> frozenset[int]:
    return frozenset(hub for group in groups for hub in group.device_ids)


def _split_hubs(ids: frozenset[int], known: Mapping[int, NamedHub], context: Context) -> Sequence[Hub | NamedHub]:
    """Return those of the hubs that have two suppliers, in the order of their identifiers."""
    missing = ids - known.keys()
    found: dict[int, Hub | NamedHub] = {d: known[d] for d in ids if d in known}
    if missing:
        found |= hubs.get_many(context.conn, missing)
    return [found[d] for d in sorted(found) if len(_suppliers(found[d])) > 1]


def _suppliers(hub: Hub | NamedHub) -> set[int]:
    return {s for s in (hub.import_supplier, hub.gas_supplier) if s is not None}


def _alert(news: SecondSupplier, recipient: Party, release: Release) -> Alert:
    if news.instructed:
        other = OtherSupplier.INSTRUCTED
    else:
        other = OtherSupplier.NOT_INSTRUCTED if news.able else OtherSupplier.CANNOT_INSTRUCT
    return Alert(recipient, SplitSupplierInstruction(release.release_id, other, news.device_ids), release.release_id)
