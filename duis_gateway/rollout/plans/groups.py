"""The groups of suppliers that hubs are in, or were until now: what N77 names where a plan is void."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Row, select

from duis_gateway.flow.tx import Moment
from duis_gateway.rollout.hub_events import store as events
from duis_gateway.rollout.periods import is_over
from duis_gateway.rollout.plans.counting import counting_in_the_plan, ended_since, given_by
from duis_gateway.rollout.plans.records import GroupName, PlanFacts
from duis_gateway.rollout.plans.telling import Bulletin
from duis_gateway.rollout.releases.records import Release, Stage
from duis_gateway.store.bulk import id_list, stored_columns
from duis_gateway.store.tables import instruction, instruction_hub
from duis_gateway.store.types import unsigned

_NOBODY: Mapping[int, Collection[int]] = MappingProxyType({})


def note_groups(
    bulletin: Bulletin,
    moment: Moment,
    release: Release,
    ids: Collection[int],
    by_dcc: Collection[int] = (),
    without: Mapping[int, Collection[int]] = _NOBODY,
) -> None:
    """Note which group of each supplier these hubs are in, or were until now; of some DCC had the plan (`by_dcc`).

    `without`: by supplier, the hubs of which it is told no group (`without_group`).
    """
    for supplier, name, members in groups_around(moment, release.release_id, ids, by_dcc) if ids else ():
        apart = without.get(supplier, ())
        bulletin.groups[supplier].update((device_id, name) for device_id in members if device_id not in apart)


def without_group(facts: PlanFacts, *, by_dcc: bool) -> Iterator[int]:
    """Yield the suppliers of a hub whose own group had no part in its plan at the time of the facts.

    DCC had chosen the hub on its behalf, or had instructed it by itself (`by_dcc`), and its own group was over. One
    that ended just now, and before which DCC's choice had not counted, had a part in it.
    """
    ended = ended_since(replace(facts, viewer=None))
    for supplier in facts.hub.suppliers:
        gone = facts.endings.get(supplier)
        if not by_dcc and gone is not None and not gone.by_dcc and facts.at <= gone.at:
            continue
        counts = counting_in_the_plan(facts, supplier)
        given = (one for one in given_by(facts, supplier) if not one.by_dcc)
        own = any(not is_over(one.counting_period, facts.at) for one in given)
        chosen = ended is not None and ended[0] == supplier and ended[1].by_dcc
        if (counts is not None and counts.by_dcc) or ((by_dcc or chosen) and not own):
            yield supplier


def groups_around(
    moment: Moment, release_id: str, ids: Collection[int], by_dcc: Collection[int] = ()
) -> Iterator[tuple[int, GroupName, list[int]]]:
    """Yield whose groups name some of these hubs, or did until this moment, whether they count or not; the newest last.

    Whatever takes a hub out of its group in this transaction has noted it by now (`rollout.hub_events`). Hubs that DCC
    had planned until now (`by_dcc`) have left no group with that plan: one noted at this moment had gone before.
    """
    left = groups_left(moment, release_id, set(ids).difference(by_dcc))
    found = [(at, False, supplier, name, members) for at, supplier, name, members in left]
    for row, members in _standing(moment.conn, release_id, ids):
        found.append((row.received_at, True, row.supplier, GroupName(row.group_id, Stage(row.stage)), members))
    for _, _, supplier, name, members in sorted(found, key=lambda one: one[:2]):
        yield supplier, name, members


def groups_left(
    moment: Moment, release_id: str, ids: Collection[int]
) -> Iterator[tuple[datetime, int, GroupName, list[int]]]:
    """Yield since when whose groups had named some of these hubs that this transaction has taken out of them."""
    for one, members in events.left_groups(moment.conn, release_id, ids, moment.now):
        yield one.at, one.supplier, GroupName(one.group_id or "", one.stage or Stage.PILOT), members


def _standing(connection: Connection, release_id: str, ids: Collection[int]) -> Iterator[tuple[Row[Any], list[int]]]:
    query = select(instruction).where(instruction.c.release_id == release_id).order_by(instruction.c.id)
    heads = connection.execute(query).all()
    wanted = id_list(connection, ids)
    naming = select(instruction_hub.c.instruction_id, instruction_hub.c.device_id).join_from(
        wanted, instruction_hub, instruction_hub.c.device_id == wanted.c.value
    )
    number, device = stored_columns(connection, naming)
    members: defaultdict[int, list[int]] = defaultdict(list)
    for owner, device_id in zip(number, unsigned(device), strict=True):
        members[owner].append(device_id)
    for row in heads:
        if row.id in members:
            yield row, members[row.id]
