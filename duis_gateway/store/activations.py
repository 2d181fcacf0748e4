"""CS06 commands that CSPs have sent, and what became of the firmware at each hub."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from duis_gateway.model.outcomes import ActivationRequest, HubOutcome, OutcomeStage
from duis_gateway.store.bulk import id_list, insert_many, upsert_many
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


@dataclass(frozen=True, slots=True)
class RecordedOutcome:
    """A hub's outcome as received. `matched`: its CSP had registered a CS06 for this hub and version before."""

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


def matching_requests(
    connection: Connection, csp: int, device_ids: Iterable[int]
) -> dict[tuple[int, str], ActivationRequest]:
    """Return the CS06 that this CSP registered for these hubs, by hub and firmware version."""
    wanted = id_list(connection, device_ids)
    query = (
        select(
            activation_request.c.device_id,
            activation_request.c.firmware_version,
            activation_request.c.issued_at,
            activation_request.c.release_id,
        )
        .join_from(wanted, activation_request, activation_request.c.device_id == wanted.c.value)
        .where(activation_request.c.csp == csp)
    )
    return {(row[0], row[1]): ActivationRequest(*row) for row in connection.execute(query)}


def record_outcomes(connection: Connection, outcomes: Iterable[RecordedOutcome]) -> None:
    """Add outcomes to the hubs' history."""
    rows = (
        (
            done.outcome.device_id,
            str(done.outcome.stage),
            done.outcome.success,
            done.outcome.firmware_version,
            done.outcome.completed_at,
            done.outcome.failure_reason,
            done.outcome.commentary,
            done.csp,
            done.received_at,
            done.matched,
            done.release_id,
        )
        for done in outcomes
    )
    insert_many(connection, activation_outcome, _OUTCOME_COLUMNS, rows)


def outcomes_of(connection: Connection, device_id: int) -> list[RecordedOutcome]:
    """Return a hub's history, the newest first."""
    columns = [activation_outcome.c[name] for name in _OUTCOME_COLUMNS]
    query = select(*columns).where(activation_outcome.c.device_id == device_id).order_by(activation_outcome.c.id.desc())
    return [
        RecordedOutcome(HubOutcome(row[0], OutcomeStage(row[1]), *row[2:7]), *row[7:])
        for row in connection.execute(query)
    ]
