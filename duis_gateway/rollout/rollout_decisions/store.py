"""What DCC decided and reported of roll-outs: decisions, incidents, and how the stages went."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Select, insert, select, update

from duis_gateway.rollout.releases.records import Stage
from duis_gateway.rollout.rollout_decisions.records import (
    HubCounts,
    OpenIncident,
    RecordedDecision,
    RolloutAction,
    StageReport,
    Standing,
)
from duis_gateway.store.rollout_tables import incident, rollout_decision, stage_report
from duis_gateway.store.upsert import upsert_one

# --- decisions ----------------------------------------------------------------------------------------------------


def record_decision(connection: Connection, decision: RecordedDecision) -> None:
    """Keep a decision; the release's open incidents, and its failed stages, have one now."""
    values = {
        "release_id": decision.release_id,
        "action": decision.action,
        "standing": decision.standing,
        "decided_by": decision.decided_by,
        "reason": decision.reason,
        "received_at": decision.received_at,
        "new_date": decision.new_date,
    }
    connection.execute(insert(rollout_decision).values(**values))
    undecided = (incident.c.release_id == decision.release_id, incident.c.decided_at.is_(None))
    connection.execute(update(incident).where(*undecided).values(decided_at=decision.received_at))
    reported = stage_report.c.release_id == decision.release_id
    connection.execute(update(stage_report).where(reported).values(decided=True))


def decisions(connection: Connection, release_id: str) -> list[RecordedDecision]:
    """Return the release's decisions, the oldest first."""
    columns = ("release_id", "action", "standing", "decided_by", "reason", "received_at", "new_date")
    query = (
        select(*(rollout_decision.c[name] for name in columns))
        .where(rollout_decision.c.release_id == release_id)
        .order_by(rollout_decision.c.id)
    )
    return [
        RecordedDecision(row[0], RolloutAction(row[1]), Standing(row[2]), *row[3:]) for row in connection.execute(query)
    ]


def unconfirmed(taken: Iterable[RecordedDecision]) -> tuple[RecordedDecision, ...]:
    """Return the provisional decisions since the last confirmed one, of each action the newest (BR-6.4)."""
    pending: dict[RolloutAction, RecordedDecision] = {}
    for decision in taken:
        if decision.standing is Standing.CONFIRMED:
            pending.clear()
        else:
            pending[decision.action] = decision
    return tuple(pending.values())


# --- incidents ----------------------------------------------------------------------------------------------------


def put_incident(connection: Connection, new: OpenIncident) -> None:
    """Keep an incident, in the place of what was said under its reference before."""
    values = {
        "reference": new.reference,
        "supplier": new.supplier,
        "release_id": new.release_id,
        "severity": new.severity,
        "emergency_stop": new.emergency_stop,
        "received_at": new.received_at,
        "decided_at": new.decided_at,
    }
    upsert_one(connection, incident, values)


def find_incident(connection: Connection, reference: str) -> OpenIncident | None:
    """Return the incident of this reference, or None."""
    row = connection.execute(_incidents().where(incident.c.reference == reference)).one_or_none()
    return None if row is None else OpenIncident(*row)


def incidents(connection: Connection, release_id: str | None = None) -> list[OpenIncident]:
    """Return the incidents (of a release) on which no decision was taken, the oldest first."""
    query = _incidents().where(incident.c.decided_at.is_(None))
    if release_id is not None:
        query = query.where(incident.c.release_id == release_id)
    return [OpenIncident(*row) for row in connection.execute(query)]


def _incidents() -> Select[Any]:
    names = ("reference", "supplier", "release_id", "severity", "emergency_stop", "received_at", "decided_at")
    return select(*(incident.c[name] for name in names)).order_by(incident.c.received_at, incident.c.reference)


# --- how stages went ----------------------------------------------------------------------------------------------


def put_report(connection: Connection, report: StageReport) -> None:
    """Keep how a stage went, in the place of what was reported of it before."""
    values = {
        "release_id": report.release_id,
        "stage": report.stage,
        "success": report.success,
        "targeted": report.counts.targeted,
        "activated": report.counts.activated,
        "failed": report.counts.failed,
        "commentary": report.commentary,
        "reported_at": report.reported_at,
        "decided": report.decided,
    }
    upsert_one(connection, stage_report, values)


def report_of(connection: Connection, release_id: str, stage: Stage) -> StageReport | None:
    """Return what DCC reported of the stage last, or None."""
    mine = (stage_report.c.release_id == release_id, stage_report.c.stage == stage)
    row = connection.execute(select(stage_report).where(*mine)).one_or_none()
    if row is None:
        return None
    counts = HubCounts(row.targeted, row.activated, row.failed)
    return StageReport(release_id, stage, row.success, counts, row.commentary, row.reported_at, row.decided)
