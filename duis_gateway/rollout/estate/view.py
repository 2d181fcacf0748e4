"""A party's whole estate by firmware version and state, in numbers (BR-5.3).

Most hubs are named by nothing, so that all hubs of a kind stand alike: these are counted by the database. Those that an
instruction, a batch, a choice of DCC's or a failure names are planned one by one. Both by the one rule.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from sqlalchemy import Connection

from duis_gateway.parties.records import Party
from duis_gateway.rollout.deadlines.scopes import given_way, live_releases, scope_of
from duis_gateway.rollout.eligibility import COMMUNICATIONS_HUB
from duis_gateway.rollout.estate import eligible_hubs as estate
from duis_gateway.rollout.estate.departures import Departures
from duis_gateway.rollout.estate.eligible_hubs import HubKind, Scope
from duis_gateway.rollout.estate.other_models import OtherModels
from duis_gateway.rollout.estate.prospects import judged_prospects
from duis_gateway.rollout.estate.rules import (
    HubState,
    Prospect,
    next_prospect,
    state_of,
    why_off_plan,
    why_void,
)
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans import store as plans
from duis_gateway.rollout.plans.records import DeviationKind, PlanFacts, VoidReason
from duis_gateway.rollout.plans.rules import plan_hub
from duis_gateway.rollout.releases.records import Release

STATUS_COLUMNS = (
    "release",
    "release_state",
    "paused",
    "manufacturer",
    "model",
    "firmware_version",
    "status",
    "state",
    "void",
    "off_plan",
    "hubs",
)


class _Line(NamedTuple):
    """What hubs have in common that are counted in one row; "" stands for no live release, not void, not off plan."""

    manufacturer: str
    model: str
    firmware_version: str
    status: str
    release: str
    state: HubState
    void: str
    off_plan: str

    @property
    def kind(self) -> HubKind:
        """The kind of these hubs."""
        return HubKind(self.manufacturer, self.model, COMMUNICATIONS_HUB, self.firmware_version, self.status)


def status_rows(conn: Connection, party: Party, now: datetime) -> list[Mapping[str, object]]:
    """Return the number of the party's hubs by release in flight, model, firmware version, status and state.

    Each hub is counted once, under the release that has it next (`rollout.estate.rules.next_prospect`). Why it is void
    may have come about under one that this one has taken the place of.
    """
    live = live_releases(conn)
    by_id = {release.release_id: release for release in live}
    counted = _counted(conn, scope_of(party), live, now, given_way(conn))
    return [_row(line, counted[line], by_id.get(line.release)) for line in sorted(counted) if counted[line]]


def moved_by(conn: Connection, scope: Scope, live: Sequence[Release], now: datetime) -> Mapping[str, int]:
    """Return how many hubs of an estate go next by each of several releases for their model, as in the status."""
    done = (HubState.ACTIVATED, HubState.NOT_PLANNED)
    found: Counter[str] = Counter()
    for line, hubs in _counted(conn, scope, live, now).items():
        found[line.release] += 0 if line.state in done else hubs
    return found


class KindCount(NamedTuple):
    """How many hubs of a kind are in a state under the release that has them next; "": no live one."""

    kind: HubKind
    release: str
    state: HubState
    hubs: int


def counts_for_model(conn: Connection, scope: Scope, live: Sequence[Release], now: datetime) -> list[KindCount]:
    """Return how many of an estate's hubs each of these releases for one model has next, as in the status."""
    counted = _counted(conn, scope, live, now)
    return [KindCount(line.kind, line.release, line.state, hubs) for line, hubs in counted.items() if hubs]


def counts_in(rows: Iterable[Mapping[str, object]]) -> Iterator[KindCount]:
    """Yield the same from the rows of a party's status."""
    for row in rows:
        manufacturer, model, version, status = (str(row[name]) for name in _KIND_COLUMNS)
        kind = HubKind(manufacturer, model, COMMUNICATIONS_HUB, version, status)
        hubs = row["hubs"]
        assert isinstance(hubs, int)
        yield KindCount(kind, str(row["release"] or ""), HubState(str(row["state"])), hubs)


_KIND_COLUMNS = ("manufacturer", "model", "firmware_version", "status")


def off_plan_under(
    conn: Connection, scope: Scope, releases: Sequence[Release], now: datetime
) -> Mapping[str, Mapping[DeviationKind, int]]:
    """Return how many hubs of an estate were moved, or were not, otherwise than planned, by release and kind.

    Those of which it still says how they stand, as in the status; each once, under one of these releases or none.
    """
    found: dict[str, Counter[DeviationKind]] = {one.release_id: Counter() for one in releases}
    for model, of_model in _by_model(releases).items():
        departures = Departures(conn, model, now, scope.supplier)
        for chunk in estate.off_the_plan(conn, scope, of_model):
            for one in departures.among(chunk).values():
                if one.release_id in found:
                    found[one.release_id][one.kind] += 1
    return found


def _row(line: _Line, hubs: int, release: Release | None) -> Mapping[str, object]:
    return {
        "release": release and release.release_id,
        "release_state": release and release.state.value,
        "paused": release and release.paused,
        "manufacturer": line.manufacturer,
        "model": line.model,
        "firmware_version": line.firmware_version,
        "status": line.status,
        "state": line.state.value,
        "void": line.void or None,
        "off_plan": line.off_plan or None,
        "hubs": hubs,
    }


def _counted(
    conn: Connection, scope: Scope, live: Sequence[Release], now: datetime, gone: Sequence[Release] = ()
) -> Counter[_Line]:
    by_model, gone_by_model = _by_model(live), _by_model(gone)
    kinds = estate.kinds(conn, scope)
    alike = {kind: _line_of_kind(kind, by_model[kind.manufacturer, kind.model], now) for kind in kinds}
    counted: Counter[_Line] = Counter()
    for kind, number in kinds.items():
        counted[alike[kind]] += number
    others, met = OtherModels(conn, now, scope.supplier), set[int]()
    lines = (
        _looked_at(conn, scope, by_model[m], gone_by_model[m], others, met, now) for m in {**by_model, **gone_by_model}
    )
    for hub, line in chain(*lines, _of_other_models(scope, others, met, alike)):
        counted[alike[estate.kind_of(hub)]] -= 1
        counted[line] += 1
    return counted


def _of_other_models(
    scope: Scope, others: OtherModels, met: Set[int], alike: Mapping[HubKind, _Line]
) -> Iterator[tuple[Hub, _Line]]:
    """Yield the hubs that nothing but a release for a model that they had before names, and that were not met yet."""
    for chunk in others.hubs(scope):
        under = others.prospects(chunk)
        for hub in (one for one in chunk if one.device_id in under and one.device_id not in met):
            line = alike[estate.kind_of(hub)]
            # None moves it and none has taken it: where it runs the version of its release, nothing is void.
            void = "" if line.state is HubState.ACTIVATED else VoidReason.OTHER_MODEL.value
            yield hub, line._replace(void=line.void or void)


def _by_model(releases: Iterable[Release]) -> defaultdict[tuple[str, str], list[Release]]:
    found: defaultdict[tuple[str, str], list[Release]] = defaultdict(list)
    for release in releases:
        found[release.manufacturer, release.model].append(release)
    return found


def _looked_at(
    conn: Connection,
    scope: Scope,
    live: Sequence[Release],
    gone: Sequence[Release],
    others: OtherModels,
    met: set[int],
    now: datetime,
) -> Iterator[tuple[Hub, _Line]]:
    """Yield the hubs that something names under these releases of one model, each with the line it is in.

    Those that were of another model before are added to what was `met`.
    """
    releases = (*live, *gone)
    model = (releases[0].manufacturer, releases[0].model) if releases else None
    shared = [plans.of_release(conn, release, now) for release in releases]
    for chunk in estate.touched(conn, scope, releases):
        own = [hub for hub in chunk if (hub.manufacturer, hub.model) == model]
        under = [judged_prospects(conn, one, own, scope.supplier) for one in shared]
        before = others.prospects(own)
        met.update(before)
        for hub, *prospects in zip(own, *under, strict=True):
            left = (*prospects[len(live) :], *before.get(hub.device_id, ()))
            yield hub, _line(estate.kind_of(hub), prospects[: len(live)], left)


def _line_of_kind(kind: HubKind, releases: Sequence[Release], now: datetime) -> _Line:
    """Return the line of the hubs of a kind that nothing names."""
    hub = estate.of_kind(kind)
    return _line(kind, [Prospect(release, plan_hub(PlanFacts(hub, release, now))) for release in releases])


def _line(kind: HubKind, prospects: Sequence[Prospect], gone: Sequence[Prospect] = ()) -> _Line:
    chosen = next_prospect(prospects)
    state = HubState.NOT_PLANNED if chosen is None else state_of(chosen)
    release = "" if chosen is None else chosen.release.release_id
    void, off = why_void(chosen, (*prospects, *gone)), why_off_plan(prospects, gone)
    said = void.value if void else "", off.value if off else ""
    return _Line(kind.manufacturer, kind.model, kind.firmware_version, kind.status, release, state, *said)
