"""Periods for which no hub is told to be planned, and whose end is looked at all the same.

They wait for a second supplier, or a pause holds them, or they are of one half of a joint plan that goes on. The plan
before and the plan after do not differ at their end; nothing else would say it (`half_instructed`, `held`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from sqlalchemy import Connection, exists, or_, select, union

from duis_gateway.flow.tx import Moment
from duis_gateway.rollout.eligibility import split_sql
from duis_gateway.rollout.periods import is_over
from duis_gateway.rollout.plans import told
from duis_gateway.rollout.plans.counting import awaiting_say, counting_together
from duis_gateway.rollout.plans.records import PlanBasis, PlanFacts, PlanStanding, ToldPlan
from duis_gateway.rollout.plans.rules import Basis, plan_hub, waiting
from duis_gateway.rollout.releases.records import Period, Release, Stage
from duis_gateway.store.rollout_tables import batch, batch_hub, piece_say, pilot_selection, selected_hub
from duis_gateway.store.tables import group_say, hub, instruction, instruction_hub


def watch(moment: Moment, release: Release, every: Iterable[PlanFacts]) -> None:
    """Have the ends looked at of the periods that wait or are held, as those of plans that were told are."""
    found = {
        ToldPlan(stage, PlanBasis.SUPPLIERS, PlanStanding.REQUESTED, period)
        for facts in every
        for stage, period in _untold(facts)
        if not is_over(period, moment.now)
    }
    if found:
        told.watch(moment.conn, release.release_id, found)


def _untold(facts: PlanFacts) -> Iterator[tuple[Stage, Period]]:
    one = waiting(facts)
    if one is not None:
        yield one.stage, one.counting_period
    plan = plan_hub(facts)
    if plan.period is None or plan.stage is None:
        return
    if facts.release.paused:
        yield plan.stage, plan.period
    if plan.basis is Basis.INSTRUCTED:
        given = (half for half in counting_together(facts) if half is not None)
        yield from ((half.stage, half.period) for half in awaiting_say(facts, given) if half.period != plan.period)


def split_in_groups(connection: Connection, release_id: str) -> list[int]:
    """Return the hubs of two suppliers that suppliers' groups name."""
    query = (
        select(hub.c.device_id)
        .join(instruction_hub, instruction_hub.c.device_id == hub.c.device_id)
        .join(instruction, instruction.c.id == instruction_hub.c.instruction_id)
        .where(instruction.c.release_id == release_id, split_sql())
        .distinct()
    )
    return sorted(connection.execute(query).scalars())


def named_until(
    connection: Connection, release_id: str, ends: Collection[datetime], *, split: bool = False
) -> list[int]:
    """Return the hubs in what was instructed, or fixed by a CSP, until one of these moments.

    `split`: those of two suppliers alone, and without DCC's batches, for which they do not matter.
    """
    if not ends:
        return []
    of_group = exists().where(group_say.c.instruction_id == instruction.c.id, group_say.c.ends.in_(ends))
    of_piece = exists().where(piece_say.c.instruction_id == instruction.c.id, piece_say.c.ends.in_(ends))
    instructed = (
        select(hub.c.device_id)
        .join(instruction_hub, instruction_hub.c.device_id == hub.c.device_id)
        .join(instruction, instruction.c.id == instruction_hub.c.instruction_id)
        .where(instruction.c.release_id == release_id, or_(instruction.c.ends.in_(ends), of_group, of_piece))
    )
    chosen = (
        select(hub.c.device_id)
        .join(selected_hub, selected_hub.c.device_id == hub.c.device_id)
        .join(pilot_selection, pilot_selection.c.id == selected_hub.c.selection_id)
        .where(pilot_selection.c.release_id == release_id, pilot_selection.c.ends.in_(ends))
    )
    of_batch = (
        select(batch_hub.c.device_id)
        .join(batch, batch.c.id == batch_hub.c.batch_id)
        .where(batch.c.release_id == release_id, batch.c.ends.in_(ends))
    )
    two = split_sql()
    several = (instructed.where(two), chosen.where(two)) if split else (instructed, chosen, of_batch)
    return sorted(connection.execute(union(*several)).scalars())
