"""Whose turn it is with the hubs that nothing but the automatic date moves: counted by the rule for one (`asked`).

Most hubs are named by nothing, so that all of a kind stand alike: these are counted by the database.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from duis_gateway.rollout.audience import unable_of_model
from duis_gateway.rollout.deadlines.asked import Asked, Outlooks, asked, in_vain
from duis_gateway.rollout.deadlines.rules import Task
from duis_gateway.rollout.deadlines.scopes import open_releases
from duis_gateway.rollout.eligibility import fits
from duis_gateway.rollout.estate import eligible_hubs as estate
from duis_gateway.rollout.estate.eligible_hubs import HubKind, Scope
from duis_gateway.rollout.estate.rules import Prospect, next_prospect
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.periods import is_over
from duis_gateway.rollout.pilot_lists import store as pilots
from duis_gateway.rollout.pilot_lists.membership import own_for_the_pilot, own_in_pilot
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans.counting import instructs
from duis_gateway.rollout.plans.records import HubInstruction, PlanFacts, VoidReason
from duis_gateway.rollout.plans.rules import Basis, plan_hub, waiting
from duis_gateway.rollout.protection import store as protection
from duis_gateway.rollout.releases.records import HubMark, Release, Stage
from duis_gateway.rollout.releases.rules import pilot_window_open

_Pilots = Mapping[int, frozenset[tuple[str, int]]]
"""The pilots in which suppliers have a hub: release and supplier, by hub."""
_Named = tuple[frozenset[int], frozenset[tuple[str, int]], frozenset[tuple[str, int]]]
"""Of a hub: who protects it, the pilots in which suppliers have put it, and those that bar it from safe launch."""
_NONE: frozenset[tuple[str, int]] = frozenset()
_NOBODY: frozenset[int] = frozenset()


@dataclass(slots=True)
class Turns:
    """Of how many hubs of an estate an instruction is asked for under a release; each hub is in one number, of one.

    Attributes:
        void: by who instructed them (a supplier, or `asked.DCC`), and why that moves them no more.
        void_until: likewise, when the first ends of the other suppliers' halves with which these go.
        awaited: by supplier, those that its instruction alone would bring into the plan, as the other's stands.
        awaited_until: by supplier, when the first of these instructions of the other's ends.
        unscheduled: by supplier, those that it has put on its pilot list, and that are to be scheduled.
        uninstructed: by supplier, the others that it may instruct for safe launch, and not in vain (`asked`).
        listable: by supplier, those that it may put on its pilot list, and not in vain, whatever it is asked for.
        halves: by supplier, the split hubs that it has instructed and that wait for the other, whatever that is asked;
            not where the other cannot instruct.
        halves_until: by supplier, when the first of these instructions of its own ends.
    """

    void: defaultdict[int, Counter[VoidReason]] = field(default_factory=lambda: defaultdict(Counter))
    void_until: defaultdict[int, dict[VoidReason, datetime]] = field(default_factory=lambda: defaultdict(dict))
    awaited: Counter[int] = field(default_factory=Counter)
    awaited_until: dict[int, datetime] = field(default_factory=dict)
    unscheduled: Counter[int] = field(default_factory=Counter)
    uninstructed: Counter[int] = field(default_factory=Counter)
    listable: Counter[int] = field(default_factory=Counter)
    halves: Counter[int] = field(default_factory=Counter)
    halves_until: dict[int, datetime] = field(default_factory=dict)

    def add(self, one: Asked, hubs: int) -> None:
        """Count so many hubs of which this is asked."""
        if one.why is not None:
            self.void[one.who][one.why] += hubs
            if one.until is not None:
                ends = self.void_until[one.who]
                ends[one.why] = min(one.until, ends.get(one.why, one.until))
        elif one.until is not None:
            self.awaited[one.who] += hubs
            self.awaited_until[one.who] = min(one.until, self.awaited_until.get(one.who, one.until))
        elif one.task is Task.SEND_PREFERRED_SCHEDULE:
            self.unscheduled[one.who] += hubs
        else:
            self.uninstructed[one.who] += hubs

    def add_halves(self, who: int, end: datetime, hubs: int) -> None:
        """Count so many split hubs of which this supplier's half waits until then."""
        self.halves[who] += hubs
        self.halves_until[who] = min(end, self.halves_until.get(who, end))


class Holding(NamedTuple):
    """What stands of a hub under a release, so that no request under another can have it.

    `instructions`: what its suppliers have instructed that is neither refused nor over, what ends last first. `more`:
    whether there is something besides: DCC's batch, or what a supplier has instructed that protects the hub, of which
    nothing is said.
    """

    instructions: tuple[HubInstruction, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class AskedOfHub:
    """What a hub's suppliers and DCC are asked for of it, each once, as it is counted.

    Attributes:
        tasks: what is asked for.
        releases: those under which something may be asked for, by their names.
        protectors: its suppliers that protect it, and are asked for nothing.
        barred: the pilots on whose account safe launch cannot have it yet: release and supplier.
        schedulable: the pilots for which it can be scheduled (11.6, stage Pilot) as it is, likewise.
        listable: the releases under which it may be put on a preferred list (11.5), likewise, whether or not in time;
            not where that is in vain.
        waiting: by release, when the half of a split hub ends that waits for the other supplier's.
        half_stages: by release, the stage of that half.
        instructing: by release and supplier, whose instruction, or DCC's for it, can still move it.
        holding: what stands under each release that keeps the others from it; looked at where several are in flight.
    """

    tasks: tuple[Asked, ...] = ()
    releases: Mapping[str, Release] = field(default_factory=dict)
    protectors: Collection[int] = frozenset()
    barred: Collection[tuple[str, int]] = frozenset()
    schedulable: Collection[tuple[str, int]] = frozenset()
    listable: Collection[tuple[str, int]] = frozenset()
    waiting: Mapping[str, datetime] = field(default_factory=dict)
    half_stages: Mapping[str, Stage] = field(default_factory=dict)
    instructing: Collection[tuple[str, int]] = frozenset()
    holding: Mapping[str, Holding] = field(default_factory=dict)


def turns(
    connection: Connection, device_model: tuple[str, str], suppliers: Collection[int], scope: Scope, now: datetime
) -> Mapping[str, Turns]:
    """Count what is asked for under each release for a device model that is not over, of these suppliers and of DCC.

    One look at a hub finds what is asked of it under all of them: of many releases, looking anew for each would take
    as many times as long.

    Args:
        connection: where to look.
        device_model: the manufacturer and the model.
        suppliers: whose turn to look at.
        scope: the estate: that of the one supplier, or all.
        now: the time.
    """
    model = _Model(connection, device_model, suppliers, now)
    found = {one.release_id: Turns() for one in model.releases}
    seen = defaultdict[int, Counter[HubKind]](Counter)
    for chunk in estate.looked_at(connection, scope, model.releases):
        for outlooks, members in model.outlooks(chunk):
            for supplier in members[0].suppliers:
                seen[supplier][estate.kind_of(members[0])] += len(members)
            for one in outlooks.asked:
                found[one.release_id].add(one, len(members))
            for name, who in outlooks.listable:
                found[name].listable[who] += len(members)
            for name, who, end, _ in outlooks.halves:
                found[name].add_halves(who, end, len(members))
    _count_the_others(connection, found, model, suppliers, seen, scope, now)
    return found


class WhoIsAsked:
    """Which of some hubs a task under a release that is not over is about, by the rule by which they are counted.

    `suppliers`: whose task it is, or `asked.DCC`. `why`: of what is to be instructed anew, the reason; None: any.
    """

    def __init__(
        self,
        connection: Connection,
        release: Release,
        task: Task,
        suppliers: Collection[int],
        now: datetime,
        why: VoidReason | None = None,
    ):
        self._release = release
        self._task = task
        self._suppliers = suppliers
        self._why = why
        self._of_model = _Model(connection, _model(release), suppliers, now)

    def among(self, chunk: Sequence[Hub]) -> frozenset[int]:
        """Return those of some thousand hubs of which one of the suppliers is asked for it."""
        own = [one for one in chunk if (one.manufacturer, one.model) == _model(self._release)]
        found: set[int] = set()
        for outlooks, members in self._of_model.outlooks(own):
            if self._task is Task.SEND_PREFERRED_LIST:
                about = {who for release_id, who in outlooks.listable if release_id == self._release.release_id}
            else:
                mine = (one for one in outlooks.asked if one.release_id == self._release.release_id)
                about = {one.who for one in mine if one.task is self._task and self._why in (None, one.why)}
            if not about.isdisjoint(self._suppliers):
                found.update(hub.device_id for hub in members)
        return frozenset(found)


def asked_of_hub(connection: Connection, hub: Hub, now: datetime) -> AskedOfHub:
    """Return what is asked for of one hub, by the rule by which hubs are counted."""
    model = _Model(connection, (hub.manufacturer, hub.model), hub.suppliers, now)
    if not model.releases:
        return AskedOfHub()
    ((outlooks, _),) = model.outlooks([hub])
    return AskedOfHub(
        outlooks.asked,
        {one.release_id: one for one in model.releases},
        protection.protectors(connection, [hub.device_id]).get(hub.device_id, _NOBODY),
        model.barred.get(hub.device_id, _NONE),
        frozenset(one for one in model.schedulable(hub) if one[0] not in outlooks.excluded),
        outlooks.listable,
        {release_id: end for release_id, _, end, _ in outlooks.halves},
        {release_id: stage for release_id, _, _, stage in outlooks.halves},
        outlooks.instructing,
        outlooks.holding,
    )


class _Model:
    """The releases for a device model that are not over, and what is the same of them for all its hubs.

    `suppliers`: whose pilot lists are looked at.
    """

    def __init__(self, connection: Connection, model: tuple[str, str], suppliers: Collection[int], now: datetime):
        self._connection = connection
        self.releases = [one for one in open_releases(connection) if _model(one) == model]
        self.live = [one for one in self.releases if one.state.is_live]
        self._windows = [one for one in self.live if pilot_window_open(one, now)]
        self._listed, self.barred = _in_pilots(connection, self._windows, suppliers)
        self.unable = unable_of_model(connection, *model) if self.live else _NOBODY
        every = sorted(self.releases, key=lambda one: not one.state.is_live)
        self._shared = [plans.of_release(connection, one, now) for one in every]

    def schedulable(self, hub: Hub) -> frozenset[tuple[str, int]]:
        """Return the pilots, by release and supplier, whose groups may have the hub: by the rule that judges 11.6."""
        every = ((one.release_id, who) for one in self._windows for who in hub.suppliers)
        return frozenset(one for one in every if hub.device_id in own_for_the_pilot(self._connection, *one))

    def outlooks(self, chunk: Sequence[Hub]) -> Iterator[tuple[_Answer, list[Hub]]]:
        """Yield what is asked of some thousand hubs, with those of which it is, which stand alike."""
        return _outlooks(self._connection, self._shared, chunk, self._listed, self.barred)


def _model(release: Release) -> tuple[str, str]:
    return release.manufacturer, release.model


def _in_pilots(
    connection: Connection, releases: Iterable[Release], suppliers: Iterable[int]
) -> tuple[_Pilots, _Pilots]:
    """Return by hub the pilots on whose lists suppliers have put it, and all those in which it is for them.

    A release's proving hubs are on every list, also on one that came before they were named.
    """
    listed, barred = defaultdict[int, set[tuple[str, int]]](set), defaultdict[int, set[tuple[str, int]]](set)
    for release_id in [one.release_id for one in releases]:
        for supplier in suppliers:
            chosen = pilots.preferred(connection, release_id, supplier)
            proving = () if chosen is None else pilots.proving_hubs(connection, release_id, supplier)
            for one in (*(chosen or ()), *proving):
                listed[one.device_id].add((release_id, supplier))
            for device_id in own_in_pilot(connection, release_id, supplier):
                barred[device_id].add((release_id, supplier))
    return _frozen(listed), _frozen(barred)


def _frozen(found: Mapping[int, set[tuple[str, int]]]) -> _Pilots:
    return {device_id: frozenset(pilots_of) for device_id, pilots_of in found.items()}


class _Answer(NamedTuple):
    """What is asked of a hub; by release and supplier: who may list it, whose half waits until when, its stage.

    And whose instruction can still move it, what stands under the releases that keep others from it, and from which
    pilots it is excluded.
    """

    asked: tuple[Asked, ...]
    listable: tuple[tuple[str, int], ...]
    halves: tuple[tuple[str, int, datetime, Stage], ...]
    instructing: frozenset[tuple[str, int]]
    holding: Mapping[str, Holding]
    excluded: frozenset[str]


def _outlooks(
    connection: Connection, shared: Sequence[plans.ReleaseFacts], chunk: Sequence[Hub], listed: _Pilots, barred: _Pilots
) -> Iterator[tuple[_Answer, list[Hub]]]:
    """Yield what is asked of some thousand hubs: worked out once for all that stand alike, with these.

    `shared`: of the releases in flight, the newest notice first; then of those that gave way.
    """
    ids = [hub.device_id for hub in chunk]
    under = [plans.kinds(connection, one, ids, ended=True) for one in shared]
    kind_of = [{device_id: n for n, (_, members) in enumerate(kinds) for device_id in members} for kinds in under]
    live = [one for one in shared if one.release.state.is_live]
    several = len(live) > 1
    holding = [hubs.standing_under(connection, ids, one.release, one.now) if several else _NOBODY for one in live]
    protectors = protection.protectors(connection, ids)
    alike: defaultdict[tuple[tuple[int, ...], tuple[bool, ...], _Named], list[Hub]] = defaultdict(list)
    for hub in chunk:
        device_id = hub.device_id
        kinds_of_it = tuple([one[device_id] for one in kind_of])
        holds = tuple([device_id in hubs_of for hubs_of in holding])
        named = protectors.get(device_id, _NOBODY), listed.get(device_id, _NONE), barred.get(device_id, _NONE)
        alike[kinds_of_it, holds, named].append(hub)
    for (kinds_of_it, holds, named), members in alike.items():
        facts = [kinds[n][0] for kinds, n in zip(under, kinds_of_it, strict=True)]
        busy = tuple(sum(holds) > it for it in holds)  # by another one
        one = Outlooks(facts[: len(live)], busy, facts[len(live) :], *named)
        stands = {facts.release.release_id: _standing(facts) for facts, it in zip(one.live, holds, strict=True) if it}
        every = tuple(asked(one)), tuple(_listable(one)), tuple(_halves(one)), _instructing(one)
        yield _Answer(*every, stands, _excluded(one)), members


def _standing(facts: PlanFacts) -> Holding:
    own = (one for one in facts.instructions if one.supplier in facts.hub.suppliers and not one.is_refused)
    stand = (one for one in own if not is_over(one.counting_period, facts.at))
    instructions = tuple(sorted(stand, key=lambda one: one.counting_period.end, reverse=True))
    batch = facts.undated_batch or (facts.batch is not None and not is_over(facts.batch, facts.at))
    return Holding(instructions, batch or bool(facts.withheld))


def _listable(hub: Outlooks) -> Iterator[tuple[str, int]]:
    for facts, busy in zip(hub.live, hub.busy, strict=True):
        if not busy and facts.mark is not HubMark.EXCLUDED and fits(facts.hub, facts.release):
            for supplier in facts.hub.suppliers - hub.protectors:
                if not in_vain(facts, supplier):
                    yield facts.release.release_id, supplier


def _excluded(hub: Outlooks) -> frozenset[str]:
    return frozenset(one.release.release_id for one in hub.live if one.mark is HubMark.EXCLUDED)


def _instructing(hub: Outlooks) -> frozenset[tuple[str, int]]:
    return frozenset(
        (one.release.release_id, who) for one in hub.live for who in one.hub.suppliers if instructs(one, who)
    )


def _halves(hub: Outlooks) -> Iterator[tuple[str, int, datetime, Stage]]:
    for facts in hub.live:
        half = waiting(facts)
        if half is None or facts.hub.suppliers - {half.supplier} <= facts.unable:
            continue  # the other one cannot instruct, as it was told (N73): it is nobody's turn but DCC's
        if not half.by_dcc and not is_over(half.counting_period, facts.at):
            yield facts.release.release_id, half.supplier, half.counting_period.end, half.stage


def _count_the_others(
    connection: Connection,
    found: Mapping[str, Turns],
    model: _Model,
    suppliers: Iterable[int],
    seen: Mapping[int, Counter[HubKind]],
    scope: Scope,
    now: datetime,
) -> None:
    """Add the hubs that nothing names: of a kind, all or none are asked for under a release."""
    protected = estate.protected_kinds(connection, scope, model.releases)
    useless = estate.kinds_beside(connection, scope, model.releases, model.unable)
    for supplier in suppliers:
        left = Counter(estate.kinds(connection, Scope(supplier=supplier)))
        left.subtract(seen.get(supplier, {}))
        left.subtract(protected.get(supplier, {}))
        left.subtract(useless[supplier])
        for kind, number in left.items():
            hub = estate.of_kind(kind)
            fitting = [one.release_id for one in model.live if fits(hub, one)]
            for release_id in fitting if number else ():
                found[release_id].listable[supplier] += number
            if number and (goes := _next(hub, model.live, now)) in fitting:
                found[goes].uninstructed[supplier] += number


def _next(hub: Hub, live: Sequence[Release], now: datetime) -> str | None:
    """Return the release by whose automatic date a hub goes that nothing names, None if by none."""
    chosen = next_prospect([Prospect(one, plan_hub(PlanFacts(hub, one, now))) for one in live])
    goes = chosen is not None and chosen.plan.basis is Basis.AUTOMATIC_DATE
    return chosen.release.release_id if chosen is not None and goes else None
