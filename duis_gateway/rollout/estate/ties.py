"""What came first of what CSPs and DCC decided at one clock time, where the clock stands still: by their messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import takewhile

from sqlalchemy import Connection, select

from duis_gateway.partners.bodies import text_as_written
from duis_gateway.rollout.hub_events.records import Happened, HubEvent
from duis_gateway.rollout.plans.records import VoidReason
from duis_gateway.store.tables import partner_message, partner_message_evidence

_BY_CSP, _BY_DCC = "ScheduleDecision", "RolloutDecision"


def is_of_a_pause(one: HubEvent) -> bool:
    """Whether it came of DCC's decision to pause a release, or to proceed with it."""
    return one.what is Happened.PLANNED or (one.what is Happened.VOID and one.word == VoidReason.PAUSED)


def decided_after(conn: Connection, happened: Iterable[HubEvent]) -> Mapping[HubEvent, int]:
    """Return after how many of DCC's decisions of the same clock time CSPs had their say on a hub's groups.

    Messages are numbered as they came; nothing is looked up but where the times are the same.
    """
    every = tuple(happened)
    paused = {(one.at, one.release_id) for one in every if is_of_a_pause(one)}
    tied = [one for one in every if one.what is Happened.DECIDED and (one.at, one.release_id) in paused]
    return {one: _before(conn, one) for one in tied}


def _before(conn: Connection, decided: HubEvent) -> int:
    """Count DCC's decisions before the CSP's; 0 where its message is kept no longer."""
    kinds = _kinds_about(conn, decided.at, decided.release_id, decided.group_id or "")
    return len(list(takewhile(lambda kind: kind == _BY_DCC, kinds))) if _BY_CSP in kinds else 0


def _kinds_about(conn: Connection, at: datetime, release_id: str, group_id: str) -> list[str]:
    """Return the kinds of the decisions of this time on a release, or on a group under it, as they came."""
    query = (
        select(partner_message.c.kind, partner_message_evidence.c.raw)
        .join_from(partner_message, partner_message_evidence)
        .where(partner_message.c.received_at == at, partner_message.c.kind.in_((_BY_CSP, _BY_DCC)))
        .where(partner_message.c.outcome == "Accepted")
        .order_by(partner_message.c.id)
    )
    release, group = (text_as_written(one).encode() for one in (release_id, group_id))
    return [kind for kind, raw in conn.execute(query) if release in raw and (kind == _BY_DCC or group in raw)]
