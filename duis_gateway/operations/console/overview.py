"""What an operator sees first: what needs somebody, how far releases are, and whose turn it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from duis_gateway.operations import flags
from duis_gateway.operations.console.certificates import SOON, Held, held
from duis_gateway.operations.console.flag_words import about, awaited
from duis_gateway.operations.console.release import Step, steps_of
from duis_gateway.operations.flags import OperatorFlag
from duis_gateway.rollout.deadlines.rules import Deadline
from duis_gateway.rollout.obligations.by_time import MISSED_OBLIGATION
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.last_word import LastWord, last_word
from duis_gateway.rollout.releases.records import Release

MOST_RELEASES = 20
_MOST_CLOSED = 50
_MOST_FLAGS = 200
_MOST_MISSED = 500


@dataclass(frozen=True, slots=True)
class Overview:
    """What is read for the first page each time.

    `live` has the releases that are not over: those in flight, and those that wait for DCC's decision, as their pilot
    was invalidated. `flags` has at most 200 that nobody has acknowledged, `flags_to_heed` whether something is to be
    done about one of them, `stages` has those of the newest of `live`, and `last_words` what keeps one from going on.
    """

    live: Sequence[Release]
    over: Sequence[Release]
    flags: Sequence[OperatorFlag]
    flags_to_heed: bool
    missed: Sequence[OperatorFlag]
    expiring: Sequence[Held]
    stages: Mapping[str, Sequence[Step]]
    last_words: Mapping[str, LastWord | None]

    @property
    def in_flight(self) -> int:
        """How many releases hubs are instructed and updated under."""
        return sum(one.state.is_live for one in self.live)

    @property
    def waiting(self) -> int:
        """How many wait for DCC's decision."""
        return len(self.live) - self.in_flight


def overview_of(conn: Connection, now: datetime) -> Overview:
    """Return what the first page shows besides what is counted."""
    every = releases.all_releases(conn)
    live = [one for one in every if not one.state.is_over]
    over = [one for one in every if one.state.is_over][:_MOST_CLOSED]
    expiring = [
        one for one in held(conn) if one.revoked_at is None and one.not_after is not None and one.not_after - now < SOON
    ]
    newest = [(one, history.of_release(conn, one.release_id)) for one in live[:MOST_RELEASES]]
    unseen, by_name = flags.unacknowledged(conn, _MOST_FLAGS), {one.release_id: one for one in every}
    since = awaited(conn, unseen, by_name)
    return Overview(
        live,
        over,
        unseen,
        not all(about(one, by_name, since).is_settled for one in unseen),
        _missed(conn, live),
        expiring,
        stages={one.release_id: steps_of(one, events) for one, events in newest},
        last_words={one.release_id: last_word(one, events) for one, events in newest},
    )


def _missed(conn: Connection, live: Sequence[Release]) -> list[OperatorFlag]:
    """Return what suppliers missed of their obligations to releases in flight, as it was when it fell due.

    To count it anew takes a while with millions of hubs.
    """
    owing = {release.release_id for release in live if release.obligations}
    found = flags.of_kind(conn, MISSED_OBLIGATION, _MOST_MISSED) if owing else []
    return [one for one in found if one.subject.rpartition(" ")[0] in owing]


def overdue(deadlines: Sequence[Deadline], now: datetime) -> int:
    """Return how many tasks of DCC and the CSPs are overdue."""
    return sum(one.overdue(now) for one in deadlines)
