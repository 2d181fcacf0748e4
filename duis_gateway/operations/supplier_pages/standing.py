"""How a supplier stands: its hubs in numbers under each release, what it has to do, and its groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, func, select

from duis_gateway.errors import NoSuchPath
from duis_gateway.operations.console.groups import Group, groups_of
from duis_gateway.operations.console.release import Step, failed_undecided, steps_of
from duis_gateway.parties.records import Party
from duis_gateway.rollout.audience import suppliers_of_model
from duis_gateway.rollout.deadlines.rules import Task
from duis_gateway.rollout.deadlines.scopes import open_releases
from duis_gateway.rollout.deadlines.view import OWN, deadline_rows
from duis_gateway.rollout.eligibility import COMMISSIONED
from duis_gateway.rollout.estate.view import counts_in, status_rows
from duis_gateway.rollout.progress.records import OwnFar
from duis_gateway.rollout.progress.store import failed_of, own_far
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.last_word import LastWord, last_word, until_decided
from duis_gateway.rollout.releases.records import Release, ReleaseState, Stage
from duis_gateway.rollout.rollout_decisions import store as rollout
from duis_gateway.rollout.rollout_decisions.records import ReleaseEvent, StageReport
from duis_gateway.store.tables import preferred_hub, preferred_list

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Standing:
    """A supplier's estate in numbers, and its deadlines, both as the party door tells them.

    `far` is how far each release that is not over is with its hubs, `failed` how many of these failed last under one,
    whichever release has them next.
    """

    status: Sequence[Row]
    deadlines: Sequence[Row]
    far: Mapping[str, OwnFar]
    failed: int = 0

    @property
    def hubs(self) -> int:
        """How many hubs there are."""
        return _sum(self.status)

    @property
    def failed_under(self) -> list[str]:
        """The releases under which they did."""
        return [release_id for release_id, far in self.far.items() if far.whole.failed]

    @property
    def own(self) -> list[Row]:
        """The supplier's own tasks, the most pressing first."""
        return [row for row in self.deadlines if row["whose"] == OWN]

    @property
    def overdue(self) -> int:
        """How many of them are overdue."""
        return sum(row["overdue"] is True for row in self.own)

    def states(self, release_id: str) -> Mapping[str, int]:
        """Return how many hubs are in which state, of those that a release has next."""
        states: Counter[str] = Counter()
        for row in self.status:
            if row["release"] == release_id:
                states[str(row["state"])] += _hubs(row)
        return states

    def running(self, release: Release) -> int:
        """Return how many commissioned hubs run a release's version."""
        of_release = (release.manufacturer, release.model, release.firmware_version)
        own = (row for row in self.status if row["status"] == COMMISSIONED)
        return _sum(row for row in own if (row["manufacturer"], row["model"], row["firmware_version"]) == of_release)

    def own_of(self, release_id: str) -> list[Row]:
        """Return the supplier's tasks under a release."""
        return [row for row in self.own if row["release"] == release_id]

    def next_of_others(self, release_id: str) -> list[Row]:
        """Return what CSPs and DCC do next under a release."""
        return [row for row in self.deadlines if row["whose"] != OWN and row["release"] == release_id]

    def late_groups(self, release_id: str) -> Mapping[str, int]:
        """Return the supplier's groups under a release on which a CSP is late to decide, with for how many seconds."""
        late: dict[str, int] = {}
        for row in self.next_of_others(release_id):
            left = row["seconds_left"]
            if row["task"] == Task.DECIDE_ON_GROUP and row["overdue"] is True and isinstance(left, int):
                late[str(row["subject"])] = max(-left, late.get(str(row["subject"]), 0))
        return late


@dataclass(frozen=True, slots=True)
class Chosen:
    """The supplier's preferred list: when it came, and how many hubs it names."""

    received_at: datetime
    hubs: int


@dataclass(frozen=True, slots=True)
class OwnRelease:
    """A release as one supplier sees it: its terms and stages, the supplier's list and groups; nobody else's.

    `events` and `reports` are what DCC decided, and how it said that stages went, as every supplier is told.
    """

    release: Release
    steps: Sequence[Step]
    last_word: LastWord | None = None
    chosen: Chosen | None = None
    groups: Sequence[Group] = field(default=())
    meanwhile: str = ""
    events: Sequence[ReleaseEvent] = field(default=())
    reports: Sequence[StageReport] = field(default=())


def standing_of(conn: Connection, supplier: Party, now: datetime) -> Standing:
    """Count a supplier's hubs, and find what it has to do."""
    status = status_rows(conn, supplier, now)
    counts = list(counts_in(status))
    own = [one for one in open_releases(conn) if _concerns(conn, one, supplier.eui)]
    far = {one.release_id: own_far(conn, supplier.eui, one, counts) for one in own}
    return Standing(status, deadline_rows(conn, supplier, now), far, failed_of(conn, supplier.eui, own))


def what_it_follows_from(conn: Connection) -> Hashable:
    """Return how the releases stand: where that changes, what was counted before has tasks that are no more."""
    every = releases.all_releases(conn)
    return tuple((one.release_id, one.revision, one.state, one.paused, one.automatic_date) for one in every)


def announced(conn: Connection) -> frozenset[str]:
    """Return the releases that DCC has not approved yet."""
    return frozenset(one.release_id for one in releases.all_releases(conn) if one.state is ReleaseState.NOTIFIED)


def far_of_one(conn: Connection, supplier: Party, release_id: str, now: datetime) -> OwnFar:
    """Count how far a release is with a supplier's hubs that is over: of that the standing says nothing."""
    found = releases.find(conn, release_id)
    if found is None:
        raise NoSuchPath("The release is gone.")
    return own_far(conn, supplier.eui, found, list(counts_in(status_rows(conn, supplier, now))))


def releases_of(conn: Connection, supplier: int) -> list[OwnRelease]:
    """Return the releases for models that the supplier has hubs of, the newest first."""
    own = [one for one in releases.all_releases(conn) if _concerns(conn, one, supplier)]
    every = [(one, history.of_release(conn, one.release_id)) for one in own]
    return [OwnRelease(one, steps_of(one, events), last_word(one, events)) for one, events in every]


def release_of(conn: Connection, supplier: int, release_id: str) -> OwnRelease | None:
    """Return a release with what the supplier chose and instructed; None if there is none that concerns it."""
    found = releases.find(conn, release_id)
    if found is None or not _concerns(conn, found, supplier):
        return None
    events = history.of_release(conn, release_id)
    steps, word = steps_of(found, events), last_word(found, events)
    chosen, groups = _chosen(conn, release_id, supplier), groups_of(conn, release_id, supplier)
    # Of the failure of a stage it was told; of incidents of others, and of a pause that is proposed, it was not.
    reports = [one for stage in Stage if (one := rollout.report_of(conn, release_id, stage))]
    meanwhile, told = until_decided(found, failed_undecided(reports)), history.told_to_suppliers(events)
    return OwnRelease(found, steps, word, chosen, groups, meanwhile, told, reports)


def _concerns(conn: Connection, release: Release, supplier: int) -> bool:
    return supplier in suppliers_of_model(conn, release.manufacturer, release.model)


def _chosen(conn: Connection, release_id: str, supplier: int) -> Chosen | None:
    query = select(preferred_list.c.id, preferred_list.c.received_at).where(
        preferred_list.c.release_id == release_id, preferred_list.c.supplier == supplier
    )
    row = conn.execute(query).one_or_none()
    if row is None:
        return None
    counted = select(func.count()).select_from(preferred_hub).where(preferred_hub.c.list_id == row.id)
    return Chosen(row.received_at, conn.execute(counted).scalar_one())


def _sum(rows: Iterable[Row]) -> int:
    return sum(_hubs(row) for row in rows)


def _hubs(row: Row) -> int:
    number = row["hubs"]
    assert isinstance(number, int)
    return number
