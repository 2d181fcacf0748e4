"""N73: each supplier of split hubs learns whether the other has instructed, and never who it is (X06)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from duis_gateway.duis.alerts.split_supplier_instruction import OtherSupplier, SplitSupplierInstruction
from duis_gateway.flow.reply import Alert
from duis_gateway.flow.tx import Moment, Tx
from duis_gateway.parties.records import Party
from duis_gateway.rollout.audience import registered
from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.eligibility import fits
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub, NamedHub
from duis_gateway.rollout.periods import is_over
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans.records import Lost, PlanFacts, VoidReason
from duis_gateway.rollout.plans.rules import plan_hub
from duis_gateway.rollout.plans.void import void_of
from duis_gateway.rollout.protection import store as protection
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import Instruction, Release, Stage
from duis_gateway.rollout.schedule_decisions.of_hubs import to_come
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.rollout.second_suppliers.rules import SecondSupplier, news_of_changed_suppliers, second_supplier_news

Halves = Mapping[int, frozenset[int]]
"""Who instructs split hubs, as N73 tells it: suppliers by hub. What is over, refused or protected is not counted."""


def second_supplier_alerts(
    release: Release,
    standing: Iterable[Instruction],
    changed: Iterable[Instruction],
    known: Mapping[int, NamedHub],
    tx: Tx,
) -> tuple[Alert, ...]:
    """Return what both suppliers of split hubs are told when the sender's instructions change.

    An instruction counts until its period ends or the CSP refuses it, also where a list has changed the group since.

    Args:
        release: the release that is instructed.
        standing: the sender's groups of both stages as they stand, those at least that name a hub of the others.
        changed: those that take the place of the standing ones of the same stage and name.
        known: hubs that have been looked up already.
        tx: the sender, and the transaction.
    """
    me = tx.party.eui
    groups, new = _by_name(standing), _by_name(changed)
    in_time = to_come(tx.conn, release.release_id, me, groups.values(), tx.now)
    chosen = direct.selected_for(tx.conn, release.release_id, me, tx.now)
    before = in_time | chosen
    unchanged = in_time & _members(group for name, group in groups.items() if name not in new)
    after = unchanged.union(chosen, *(_counting(group, groups.get(name), in_time) for name, group in new.items()))
    kept_out = protection.protected(tx.conn, before ^ after, me)
    return _alerts(release, me, before - kept_out, after - kept_out, known, tx)


def alerts_on_choice(
    release: Release, supplier: int, chosen: Iterable[int], known: Mapping[int, NamedHub], tx: Tx
) -> tuple[Alert, ...]:
    """Return what both suppliers of split hubs are told when DCC chooses on behalf of one of them (X08).

    To the second supplier it is an instruction like any other: it has to instruct, too, for the hub to move earlier.
    """
    new = frozenset(chosen)
    standing = schedules.instructions_around(tx.conn, release.release_id, supplier, new)
    own = to_come(tx.conn, release.release_id, supplier, standing, tx.now)
    before = own | direct.selected_for(tx.conn, release.release_id, supplier, tx.now)
    return _alerts(release, supplier, before, own | new, known, tx)


def alerts_on_protection(
    release: Release, supplier: int, added: frozenset[int], removed: frozenset[int], moment: Moment
) -> tuple[Alert, ...]:
    """Return what both suppliers of split hubs are told when one of them protects hubs, or does so no longer.

    What it instructed of a hub that it protects does not count. The other is told that, and never why.
    """
    asked = added | removed
    standing = schedules.instructions_around(moment.conn, release.release_id, supplier, asked)
    named = to_come(moment.conn, release.release_id, supplier, standing, moment.now)
    named = asked & (named | direct.selected_for(moment.conn, release.release_id, supplier, moment.now))
    return _alerts(release, supplier, named - removed, named - added, {}, moment)


def alerts_on_end(release: Release, supplier: int, ended: frozenset[int], moment: Moment) -> tuple[Alert, ...]:
    """Return what second suppliers are told when the period ends of what this one instructed without them."""
    return _alerts(release, supplier, ended, frozenset(), {}, moment)


def halves(release: Release, ids: Iterable[int], moment: Moment) -> Halves:
    """Return who instructs those of the hubs that have two suppliers, before something changes it or decides on it."""
    split = hubs.split(moment.conn, ids)
    by = _instructing(release, split, moment) if split else {}
    return {device_id: by.get(device_id, frozenset()) for device_id in split}


def alerts_on_halves(release: Release, before: Halves, moment: Moment) -> Iterator[Alert]:
    """Yield what suppliers of split hubs are told where a supplier instructs them no more, or does so again.

    Whatever brought that about and was no request of the supplier's: a revision, or what the CSP said of a group.
    """
    now = _instructing(release, sorted(before), moment) if before else {}
    for supplier in sorted({one for by in (*before.values(), *now.values()) for one in by}):
        did = frozenset(device_id for device_id, by in before.items() if supplier in by)
        does = frozenset(device_id for device_id, by in now.items() if supplier in by)
        yield from _alerts(release, supplier, did, does, {}, moment)


def alerts_on_changes(changed: Sequence[tuple[Hub, Hub]], moment: Moment) -> Iterator[Alert]:
    """Yield what the suppliers of hubs that change supplier are told, under each release in flight for their models.

    Nobody else may decide about these releases until the transaction ends.

    Args:
        changed: each hub as it was and as it is from now on.
        moment: the transaction.
    """
    for release in sorted(releases.live(moment.conn), key=lambda one: one.release_id):
        here = [(was, now) for was, now in changed if fits(now, release)]
        if not here:
            continue
        moment.exclude_others(release.release_id)
        instructing = _instructing(release, [now.device_id for _, now in here], moment)
        concerned = {supplier for both in here for hub in both for supplier in hub.suppliers}
        found, unable = _able(concerned, release.release_id, moment)
        for news in news_of_changed_suppliers(here, instructing, unable):
            if news.recipient in found:
                yield _alert(news, found[news.recipient], release)


def lost_by_former_suppliers(release: Release, changed: Sequence[tuple[Hub, Hub]], moment: Moment) -> Lost:
    """Return what suppliers had instructed that hubs have left, each as it was and as it is: it counts no longer.

    Whoever remains is told why the hub is void now, as its status says, if it is for another reason than before.
    """
    here = [(was, now) for was, now in changed if fits(now, release)]
    instructing = _instructing(release, [now.device_id for _, now in here], moment, refused=True)
    own: defaultdict[int, dict[int, VoidReason]] = defaultdict(dict)
    left: dict[int, Hub] = {}
    for was, now in here:
        for supplier in (was.suppliers - now.suppliers) & instructing.get(now.device_id, frozenset()):
            own[supplier][now.device_id] = VoidReason.CHANGED_SUPPLIER
            left[now.device_id] = was
    reasons: dict[int, VoidReason] = {}
    shared = plans.of_release(moment.conn, release, moment.now)
    for facts in plans.of_hubs(moment.conn, shared, [now for _, now in here if now.device_id in left]):
        was = left[facts.hub.device_id]
        if why := _void_now(facts, was, None):
            reasons[was.device_id] = why
        for supplier in facts.hub.suppliers & was.suppliers:
            if why := _void_now(facts, was, supplier):
                own[supplier][was.device_id] = why
    return Lost(reasons, own)


def _void_now(facts: PlanFacts, was: Hub, viewer: int | None) -> VoidReason | None:
    """Return why a hub is void for a viewer, None where it is not, or was for the same reason before it changed."""
    now = replace(facts, viewer=viewer)
    before = replace(now, hub=was)
    why = void_of(now, plan_hub(now))
    return None if why is void_of(before, plan_hub(before)) else why


def _instructing(
    release: Release, ids: Sequence[int], moment: Moment, *, refused: bool = False
) -> Mapping[int, frozenset[int]]:
    """Return whose instruction of each hub, or DCC's for whom, is not over, whoever is responsible for the hub.

    What the CSP refused counts only with `refused`.
    """
    theirs = schedules.instructing(moment.conn, release.release_id, ids, moment.now, refused=refused)
    chosen = direct.selections_naming(moment.conn, release.release_id, ids)
    kept_out = protection.protectors(moment.conn, ids)
    return {
        device_id: theirs.get(device_id, frozenset()).union(
            one.supplier
            for one in chosen.get(device_id, ())
            if one.supplier is not None and one.period is not None and not is_over(one.period, moment.now)
        )
        - kept_out.get(device_id, frozenset())
        for device_id in theirs.keys() | chosen.keys()
    }


def _able(suppliers: Iterable[int], release_id: str, moment: Moment) -> tuple[Mapping[int, Party], frozenset[int]]:
    """Return those that are registered, and those that cannot instruct: who is not registered cannot either."""
    wanted = frozenset(suppliers)
    found = registered(wanted, release_id, moment)
    return found, frozenset(s for s in wanted if s not in found or not found[s].can_instruct)


def _alerts(
    release: Release,
    me: int,
    before: frozenset[int],
    after: frozenset[int],
    known: Mapping[int, NamedHub],
    tx: Moment,
) -> tuple[Alert, ...]:
    split = _split_hubs(before ^ after, known, tx)
    if not split:
        return ()
    ids = [hub.device_id for hub in split]
    instructed = schedules.instructed_by_other(tx.conn, release.release_id, me, ids, tx.now)
    instructed |= direct.selected_for_other(tx.conn, release.release_id, me, ids, tx.now)
    instructed -= {hub for hub, kept_by in protection.protectors(tx.conn, ids).items() if kept_by - {me}}
    found, unable = _able({supplier for hub in split for supplier in hub.suppliers}, release.release_id, tx)
    news = second_supplier_news(split, me, before, after, instructed, unable)
    return tuple(_alert(one, found[one.recipient], release) for one in news if one.recipient in found)


def _counting(group: Instruction, was: Instruction | None, in_time: frozenset[int]) -> frozenset[int]:
    """Return the hubs that a changed group instructs: all that were instructed just now, the others as they stand."""
    ids = frozenset(group.device_ids)
    if was is None or group.received_at != was.received_at:
        return ids
    return ids & (in_time | ids.difference(was.device_ids))


def _by_name(groups: Iterable[Instruction]) -> dict[tuple[Stage, str], Instruction]:
    return {(group.stage, group.group_id): group for group in groups}


def _members(groups: Iterable[Instruction]) -> frozenset[int]:
    return frozenset(hub for group in groups for hub in group.device_ids)


def _split_hubs(ids: frozenset[int], known: Mapping[int, NamedHub], tx: Moment) -> Sequence[Hub | NamedHub]:
    """Return those of the hubs that have two suppliers, in the order of their identifiers."""
    missing = ids - known.keys()
    found: dict[int, Hub | NamedHub] = {d: known[d] for d in ids if d in known}
    if missing:
        found |= hubs.get_many(tx.conn, missing)
    return [found[d] for d in sorted(found) if len(found[d].suppliers) > 1]


def _alert(news: SecondSupplier, recipient: Party, release: Release) -> Alert:
    if news.instructed:
        other = OtherSupplier.INSTRUCTED
    else:
        other = OtherSupplier.NOT_INSTRUCTED if news.able else OtherSupplier.CANNOT_INSTRUCT
    return Alert(recipient, SplitSupplierInstruction(release.release_id, other, news.device_ids), release.release_id)
