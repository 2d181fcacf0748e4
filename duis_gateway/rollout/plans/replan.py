"""The plan before and the plan after: whatever changes what hubs are planned for ends here (X09).

What was told is remembered (`told`); what follows now is worked out (`rules`); what differs is told to the CSPs, to
the suppliers responsible and to DCC in the transaction that brought it about. Whoever calls it has written what has
changed, and has the lock of the release.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from types import MappingProxyType

from duis_gateway.flow.tx import Moment
from duis_gateway.rollout.hub_events import store as events
from duis_gateway.rollout.hub_events.records import OF_DCC, Happened, HubEvent
from duis_gateway.rollout.hubs import freshness
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.periods import just_before
from duis_gateway.rollout.plans import of_the_row, told, untold
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans.comparison import Outlook, news
from duis_gateway.rollout.plans.groups import groups_around, groups_left, note_groups, without_group
from duis_gateway.rollout.plans.records import Lost, PlanBasis, PlanFacts, ToldHub, VoidReason
from duis_gateway.rollout.plans.rules import plan_hub
from duis_gateway.rollout.plans.telling import Bulletin, Listeners
from duis_gateway.rollout.plans.void import OF_INSTRUCTIONS, of_parties
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import Release, ReleaseState

HUBS_AT_ONCE = 50_000


def replan(
    moment: Moment, release: Release, ids: Iterable[int], held: Mapping[int, ToldHub] = MappingProxyType({})
) -> None:
    """Tell what has changed in the plan of these hubs under a release as it stands now.

    `held`: what a pause has held of them until now (`held.held_plans`); that it is taken back is told, too.
    """
    _replan(moment, release, _in_chunks(moment, ids), held=held)


def _in_chunks(moment: Moment, ids: Iterable[int]) -> Iterator[Collection[int]]:
    """Yield the hubs in chunks, each noted as one of which something else may be shown now."""
    given = tuple(dict.fromkeys(ids))
    for start in range(0, len(given), HUBS_AT_ONCE):
        chunk = given[start : start + HUBS_AT_ONCE]
        freshness.of_hubs(moment.conn, chunk, moment.now)
        yield chunk


def replan_all(
    moment: Moment,
    release: Release,
    lost: Lost | None = None,
    *,
    proceeds: bool = False,
    held: Mapping[int, ToldHub] = MappingProxyType({}),
) -> None:
    """Tell what has changed in the plan of every hub under a release: it is the release itself that changed.

    Instructions that this has ended (`lost`) are told in the same messages, also where they were only half of what a
    plan needs. `proceeds`: a pause has ended. `held`: as in `replan`.
    """
    if not (release.paused and release.state.is_live):
        events.forget_under_way(moment.conn, release.release_id)
    chunks = told.concerned(moment.conn, release.release_id, named=release.state.is_live, size=HUBS_AT_ONCE)
    _replan(moment, release, _and_the_rest(chunks, held), lost, proceeds=proceeds, held=held)


def _and_the_rest(chunks: Iterable[Collection[int]], ids: Iterable[int]) -> Iterator[Collection[int]]:
    """Yield the chunks, and then those of the hubs that were in none: what named them is gone, and nothing was told."""
    left = set(ids)
    for chunk in chunks:
        left.difference_update(chunk)
        yield chunk
    rest = sorted(left)
    yield from (rest[start : start + HUBS_AT_ONCE] for start in range(0, len(rest), HUBS_AT_ONCE))


def replan_hubs(
    moment: Moment,
    models: Collection[tuple[str, str]],
    ids: Collection[int],
    activated: Mapping[str, Collection[int]] = MappingProxyType({}),
    lost: Callable[[Release], Lost] = lambda _: Lost(),
    held: Mapping[str, Mapping[int, ToldHub]] = MappingProxyType({}),
    before: Mapping[int, Hub] = MappingProxyType({}),
) -> None:
    """Tell what has changed in the plan of hubs of which the inventory changed, under each live release.

    Args:
        moment: the transaction; it has the locks that `lock_releases_of` takes.
        models: the device models that the hubs had, or have.
        ids: the hubs.
        activated: those of them that their CSP has just reported as activated, by version. It knows, and the others
            are told by N64 and `PilotProgress`, so that the plan under the release of that version ends without a word.
        lost: returns the instructions under a release that the change has ended, to be told of.
        held: what pauses have held of them until now, by release (as in `replan`).
        before: the hubs as they were, where a release may be one for them now and was not, or the other way round: what
            that makes void, or no longer, is told also where nothing was planned.
    """
    for release in releases_of(moment, models):
        done = frozenset(activated.get(release.firmware_version, ()))
        if done:
            told.forget(moment.conn, release.release_id, done)
        chunks = _in_chunks(moment, (device_id for device_id in ids if device_id not in done))
        _replan(moment, release, chunks, lost(release), held=held.get(release.release_id, {}))
        of_the_row.tell_changed(moment, release, {one: hub for one, hub in before.items() if one not in done})


def lock_releases_of(moment: Moment, models: Collection[tuple[str, str]]) -> None:
    """Let nobody else decide about the live releases for these models until the transaction ends."""
    for release in releases_of(moment, models):
        moment.exclude_others(release.release_id)


def releases_of(moment: Moment, models: Collection[tuple[str, str]]) -> list[Release]:
    """Return the live releases for these models, in one order: two that lock them cannot wait for each other."""
    live = (one for one in releases.live(moment.conn) if (one.manufacturer, one.model) in models)
    return sorted(live, key=lambda one: one.release_id)


def _replan(
    moment: Moment,
    release: Release,
    chunks: Iterable[Collection[int]],
    lost: Lost | None = None,
    *,
    proceeds: bool = False,
    held: Mapping[int, ToldHub] = MappingProxyType({}),
) -> None:
    lost = lost or Lost()
    listeners = Listeners(moment)
    bulletin = Bulletin(proceeds=proceeds)
    shared = None
    by_dcc: set[int] = set()
    without: defaultdict[int, set[int]] = defaultdict(set)
    for chunk in chunks:
        if shared is None:
            shared = plans.of_release(moment.conn, release, moment.now)
        before = told.told(moment.conn, release.release_id, chunk)
        before.update((one, held[one]) for one in chunk if one in held)
        now: defaultdict[ToldHub, list[int]] = defaultdict(list)
        void: list[int] = []
        off: list[int] = []
        moving: list[int] = []
        kinds = plans.kinds(moment.conn, shared, chunk)
        untold.watch(moment, release, [facts for facts, _ in kinds])
        for was, outlook, device_ids, found in _compared(before, kinds):
            planned = outlook.planned
            if planned == was or (held and outlook.told is VoidReason.PAUSED):
                continue
            if was is not None and outlook.told is VoidReason.PAUSED and _moved(was, release, moment):
                moving += device_ids
            for why, members, facts in _why(was, outlook, device_ids, found, moment, shared):
                told_to = news(was, why, listeners.of)
                if any(isinstance(one, VoidReason) for one in told_to.values()):
                    off += members
                    if was is not None:
                        had_by_dcc = was.plan.basis is PlanBasis.DCC
                        by_dcc.update(members if had_by_dcc else ())
                        in_time = replace(facts, at=min(facts.at, just_before(was.plan.period.end)))
                        for supplier in without_group(in_time, by_dcc=had_by_dcc):
                            without[supplier].update(members)
                bulletin.add(told_to, members)
            if planned is None:
                void += device_ids
            else:
                now[planned] += device_ids
        note_groups(bulletin, moment, release, off, by_dcc, without)
        under_way = HubEvent(release.release_id, OF_DCC, Happened.UNDER_WAY, moment.now, moment.now)
        events.note(moment.conn, under_way, moving)
        if now:
            told.remember(moment.conn, release.release_id, now)
        if void:
            told.forget(moment.conn, release.release_id, void)
    for supplier, chosen in lost.chosen.items():
        without[supplier].update(chosen)
    _tell_lost(lost, (by_dcc, without), bulletin, listeners, moment, release)
    moment.send(bulletin.sends(release, listeners, moment))


def _moved(was: ToldHub, release: Release, moment: Moment) -> bool:
    """Whether hubs told to be planned so could be updated before the release was paused: CS06 may have been sent."""
    return release.state is not ReleaseState.NOTIFIED and was.plan.period.start <= moment.now


def _why(
    was: ToldHub | None,
    outlook: Outlook,
    ids: list[int],
    facts: PlanFacts,
    moment: Moment,
    shared: plans.ReleaseFacts,
) -> Iterator[tuple[Outlook, list[int], PlanFacts]]:
    """Yield hubs with what is told of them: where nothing is planned any more, why, as it is shown from now on."""
    if was is None or outlook.told not in OF_INSTRUCTIONS:
        yield outlook, ids, facts
        return
    for one, members in plans.kinds(moment.conn, shared, ids, ended=True):
        told_of, own = of_parties(one)
        others = frozenset((supplier, why) for supplier, why in own.items() if why is not told_of)
        yield replace(outlook, told=told_of, own=others), members, one


def _tell_lost(
    lost: Lost,
    of_dcc: tuple[Collection[int], Mapping[int, Collection[int]]],
    bulletin: Bulletin,
    listeners: Listeners,
    moment: Moment,
    release: Release,
) -> None:
    """Tell of instructions that have ended and that no plan rested on: nothing else would say why.

    Their suppliers are told of their own; the CSPs and DCC, which had them as requests, of all. Where something else
    goes on moving the hub, as DCC's batch, its supplier is told first that its group has ended, and then what goes on.
    """
    ended = Bulletin()
    owed: defaultdict[int, dict[int, VoidReason]] = defaultdict(dict)
    for supplier, own in lost.own.items():
        note_groups(bulletin, moment, release, own, *of_dcc)
        # Also where DCC had the plan: the group that waited beside it ends now.
        of_groups = own.keys() - lost.chosen.get(supplier, frozenset())
        for whose, name, members in groups_around(moment, release.release_id, of_groups) if of_groups else ():
            if whose == supplier:
                bulletin.groups[supplier].update(dict.fromkeys(members, name))
        owed[supplier] = dict(own)
    for device_id, region in hubs.regions(moment.conn, lost.reasons).items():
        for party in listeners.partners_in(region):
            owed[party][device_id] = lost.reasons[device_id]
    for party, reasons in owed.items():
        heard = {device_id: news for news, ids in bulletin.found.get(party, {}).items() for device_id in ids}
        rest = sorted(device_id for device_id in reasons if not isinstance(heard.get(device_id), VoidReason))
        planned = told.told(moment.conn, release.release_id, rest)
        of_groups = lost.own.get(party, {}).keys() - lost.chosen.get(party, frozenset())
        for device_id in rest:
            goes_on = planned.get(device_id)
            if goes_on is None or party not in listeners.of(goes_on):
                bulletin.add({party: reasons[device_id]}, (device_id,))
            elif device_id in of_groups:
                ended.add({party: reasons[device_id]}, (device_id,))
                if device_id not in heard:
                    bulletin.add({party: goes_on.plan}, (device_id,))
    for supplier, reasons_of in ended.found.items():
        for _, whose, name, members in groups_left(moment, release.release_id, {*chain(*reasons_of.values())}):
            if whose == supplier:
                ended.groups[supplier].update(dict.fromkeys(members, name))
    moment.send(ended.sends(release, listeners, moment))


def _compared(
    before: Mapping[int, ToldHub], kinds: Iterable[tuple[PlanFacts, list[int]]]
) -> Iterator[tuple[ToldHub | None, Outlook, list[int], PlanFacts]]:
    """Yield hubs that were told alike and stand alike now: what was told of them, how they stand, and by what."""
    for facts, device_ids in kinds:
        hub = facts.hub
        outlook = Outlook(plan_hub(facts).told, hub.csp_region, hub.import_supplier, hub.gas_supplier)
        if not before:
            yield None, outlook, device_ids, facts
            continue
        alike: defaultdict[int, list[int]] = defaultdict(list)
        met: dict[int, ToldHub | None] = {}
        for device_id in device_ids:
            was = before.get(device_id)
            # By identity: hubs told alike share one object, and 50,000 comparisons by content take their time.
            met[id(was)] = was
            alike[id(was)].append(device_id)
        for key, members in alike.items():
            yield met[key], outlook, members, facts
