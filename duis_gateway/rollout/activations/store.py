"""CS06 commands that CSPs have sent, and what became of the firmware at each hub."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Protocol

from sqlalchemy import Connection, Select, Subquery, func, or_, select

from duis_gateway.rollout.activations.records import ActivationRequest, HubOutcome, OutcomeStage
from duis_gateway.rollout.hubs import freshness
from duis_gateway.store.bulk import GIVEN, given, given_ids, id_list, insert_many, upsert_many
from duis_gateway.store.tables import activation_outcome, activation_request

_OUTCOME_COLUMNS = (
    "device_id",
    "stage",
    "success",
    "firmware_version",
    "completed_at",
    "failure_reason",
    "commentary",
    "csp",
    "received_at",
    "matched",
    "release_id",
)


class ReportedOutcome(Protocol):
    """What a CSP reported of one hub, and the release that it belongs to, if any is known."""

    @property
    def outcome(self) -> HubOutcome:
        """The report itself."""

    @property
    def release_id(self) -> str | None:
        """The release of the hub's model and the outcome's version."""


@dataclass(frozen=True, slots=True)
class RecordedOutcome:
    """A hub's outcome as received. `matched`: a CS06 had been registered for this hub and version before."""

    outcome: HubOutcome
    csp: int
    received_at: datetime
    matched: bool
    release_id: str | None = None


def record_requests(connection: Connection, csp: int, requests: Iterable[ActivationRequest]) -> None:
    """Keep that the CSP sent CS06 to these hubs; for one hub and version the last one counts."""
    last = {(request.device_id, request.firmware_version): request for request in requests}
    rows = (
        (request.device_id, request.firmware_version, csp, request.issued_at, request.release_id)
        for request in last.values()
    )
    names = ("device_id", "firmware_version", "csp", "issued_at", "release_id")
    upsert_many(connection, activation_request, names, rows, ("issued_at", "release_id"))


def matching_requests(connection: Connection, device_ids: Iterable[int]) -> dict[tuple[int, str], ActivationRequest]:
    """Return the CS06 registered for these hubs, the newest for each hub and firmware version."""
    rows = connection.execute(_requests(connection.dialect.name), {GIVEN: given(connection, device_ids)})
    return {(row[0], row[1]): ActivationRequest(*row) for row in rows}


@cache
def _requests(dialect: str) -> Select[Any]:
    wanted = given_ids(dialect)
    return (
        select(
            activation_request.c.device_id,
            activation_request.c.firmware_version,
            activation_request.c.issued_at,
            activation_request.c.release_id,
        )
        .join_from(wanted, activation_request, activation_request.c.device_id == wanted.c.value)
        .order_by(activation_request.c.issued_at)
    )


def distributed_at(connection: Connection, device_ids: Iterable[int]) -> dict[int, datetime]:
    """Return the time of the newest distribution outcome of each hub that has any."""
    rows = connection.execute(_distributed(connection.dialect.name), {GIVEN: given(connection, device_ids)})
    return {row[0]: row[1] for row in rows}


@cache
def _distributed(dialect: str) -> Select[Any]:
    wanted = given_ids(dialect)
    newest = func.max(activation_outcome.c.completed_at, type_=activation_outcome.c.completed_at.type)
    return (
        select(activation_outcome.c.device_id, newest)
        .join_from(wanted, activation_outcome, activation_outcome.c.device_id == wanted.c.value)
        .where(activation_outcome.c.stage == OutcomeStage.DISTRIBUTION)
        .group_by(activation_outcome.c.device_id)
    )


def record_outcomes(
    connection: Connection,
    csp: int,
    outcomes: Sequence[ReportedOutcome],
    at: datetime,
    registered: Collection[tuple[int, str]],
) -> None:
    """Add outcomes that the CSP reported, received at this time, to the hubs' history.

    `registered`: the hubs and versions for which CS06 was registered (`matching_requests`).
    """
    rows = (
        (
            reported.outcome.device_id,
            str(reported.outcome.stage),
            reported.outcome.success,
            reported.outcome.firmware_version,
            reported.outcome.completed_at,
            reported.outcome.failure_reason,
            reported.outcome.commentary,
            csp,
            at,
            (reported.outcome.device_id, reported.outcome.firmware_version) in registered,
            reported.release_id,
        )
        for reported in outcomes
    )
    insert_many(connection, activation_outcome, _OUTCOME_COLUMNS, rows)
    freshness.of_hubs(connection, (reported.outcome.device_id for reported in outcomes), at)


def reported(connection: Connection, device_ids: Iterable[int]) -> list[HubOutcome]:
    """Return every outcome recorded of these hubs, the oldest first; without reasons and commentaries."""
    wanted = id_list(connection, device_ids)
    columns = [activation_outcome.c[name] for name in _OUTCOME_COLUMNS[:5]]
    query = (
        select(*columns)
        .join_from(wanted, activation_outcome, activation_outcome.c.device_id == wanted.c.value)
        .order_by(activation_outcome.c.id)
    )
    return [HubOutcome(row[0], OutcomeStage(row[1]), *row[2:]) for row in connection.execute(query)]


def newest_outcomes(connection: Connection, device_ids: Iterable[int]) -> dict[int, RecordedOutcome]:
    """Return the outcome reported last of each hub that has any."""
    newest = newest_of(connection, device_ids)
    columns = [activation_outcome.c[name] for name in _OUTCOME_COLUMNS]
    query = select(*columns).join_from(newest, activation_outcome, activation_outcome.c.id == newest.c.id)
    return {row[0]: _recorded(row) for row in connection.execute(query)}


def newest_of(connection: Connection, device_ids: Iterable[int], release_id: str | None = None) -> Subquery:
    """Return a table of the number (`id`) of each hub's newest outcome, or of its newest under one release."""
    wanted = id_list(connection, device_ids)
    query = (
        select(func.max(activation_outcome.c.id).label("id"))
        .join_from(wanted, activation_outcome, activation_outcome.c.device_id == wanted.c.value)
        .group_by(activation_outcome.c.device_id)
    )
    return (query if release_id is None else query.where(activation_outcome.c.release_id == release_id)).subquery()


def reported_since(
    connection: Connection, release_id: str, device_ids: Iterable[int], since: datetime
) -> frozenset[int]:
    """Return those of the hubs of which an activation, or a failure, under a release was reported since then."""
    wanted = id_list(connection, device_ids)
    query = (
        select(activation_outcome.c.device_id)
        .join_from(wanted, activation_outcome, activation_outcome.c.device_id == wanted.c.value)
        .where(activation_outcome.c.release_id == release_id, activation_outcome.c.completed_at >= since, _WAS_TRIED)
    )
    return frozenset(connection.execute(query).scalars())


def last_tried(connection: Connection, release_id: str, device_ids: Iterable[int]) -> dict[int, datetime]:
    """Return when an activation, or a failure, under a release came about last, of each hub of which one was reported.

    It is what `reported_since` goes by.
    """
    wanted = id_list(connection, device_ids)
    last = func.max(activation_outcome.c.completed_at, type_=activation_outcome.c.completed_at.type)
    query = (
        select(activation_outcome.c.device_id, last)
        .join_from(wanted, activation_outcome, activation_outcome.c.device_id == wanted.c.value)
        .where(activation_outcome.c.release_id == release_id, _WAS_TRIED)
        .group_by(activation_outcome.c.device_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


_WAS_TRIED = or_(activation_outcome.c.stage == OutcomeStage.ACTIVATION, ~activation_outcome.c.success)
"""An image that was distributed says nothing of whether the hub was updated."""


def outcomes_of(connection: Connection, device_id: int) -> list[RecordedOutcome]:
    """Return a hub's history, the newest first."""
    columns = [activation_outcome.c[name] for name in _OUTCOME_COLUMNS]
    query = select(*columns).where(activation_outcome.c.device_id == device_id).order_by(activation_outcome.c.id.desc())
    return [_recorded(row) for row in connection.execute(query)]


def _recorded(row: Sequence[Any]) -> RecordedOutcome:
    return RecordedOutcome(HubOutcome(row[0], OutcomeStage(row[1]), *row[2:7]), *row[7:])
