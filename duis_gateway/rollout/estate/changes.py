"""What has changed in an estate since a moment: everything that has, and seldom more (BR-5.3).

A hub counts as changed when anything that `estate` shows of it may have: the inventory has it otherwise, something was
said of it in a roll-out, or something happened that concerns its whole device model.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from sqlalchemy import ColumnElement, Connection, FromClause, and_, exists, func, or_, select, union

from duis_gateway.rollout.eligibility import is_hub
from duis_gateway.rollout.estate import eligible_hubs as estate
from duis_gateway.rollout.estate.eligible_hubs import HUBS_AT_ONCE, Scope
from duis_gateway.rollout.hubs import freshness
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.device_models import model_names, model_number
from duis_gateway.rollout.hubs.freshness import OVERLAP
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.periods import is_over_sql, to_come_sql
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.rules import last_to_instruct
from duis_gateway.store.rollout_tables import batch, former_hub, hub_news, model_news, piece_say, pilot_selection
from duis_gateway.store.tables import group_say, hub, instruction
from duis_gateway.text.times import show_time


def unknown_since(connection: Connection, since: datetime, now: datetime) -> str | None:
    """Return why it cannot be said what has changed since then; None if it can."""
    if since > now + OVERLAP:
        return "changed-since is in the future"
    known = freshness.departures_known_since(connection)
    if known is not None and since < known:
        whole = "read the whole estate, without changed-since, and compare it with what you have"
        return f"which hubs left the estate before {show_time(known)} was pruned: {whole}"
    return None


def changed(connection: Connection, scope: Scope, since: datetime, now: datetime) -> Iterator[list[Hub]]:
    """Yield the hubs of an estate that may have changed since then, each once, some thousand at once.

    As long as no more than `MANY` have changed they are found by the time of their change, whoever's they are, so that
    it takes as long as they are many, and not as long as the estate is large.
    """
    first = since - OVERLAP
    models = _changed_models(connection, first, now)
    of_model = hub.c.model_id.in_(sorted(models))
    if models:
        yield from estate.all_hubs(connection, scope, of_model)
    if _are_many(connection, first):
        said = exists().where(hub_news.c.device_id == hub.c.device_id, hub_news.c.changed_at >= first)
        yield from estate.all_hubs(connection, scope, ~of_model, or_(hub.c.changed_at >= first, said))
        return
    names = model_names(connection)
    shown = {names[number] for number in models}
    for chunk in _by_time(connection, first):
        known = hubs.get_many(connection, chunk).values()
        yield [one for one in known if is_hub(one) and scope.has(one) and (one.manufacturer, one.model) not in shown]


MANY = 100_000
"""Hubs that have changed, whoever's they are: of more the estate is looked through instead, which may have few."""

_SAID = (hub, hub_news)
"""Where it stands when hubs changed."""


def _are_many(connection: Connection, first: datetime) -> bool:
    some = (select(table.c.device_id).where(table.c.changed_at >= first).limit(MANY + 1).subquery() for table in _SAID)
    return any(connection.execute(select(func.count()).select_from(one)).scalar_one() > MANY for one in some)


def _by_time(connection: Connection, first: datetime) -> Iterator[list[int]]:
    query = union(*(select(table.c.device_id).where(table.c.changed_at >= first) for table in _SAID))
    found = iter(connection.execute(query, execution_options={"yield_per": HUBS_AT_ONCE}).scalars())
    while chunk := list(islice(found, HUBS_AT_ONCE)):
        yield chunk


def _changed_models(connection: Connection, first: datetime, now: datetime) -> set[int]:
    """Return the device models of which something changed that concerns every hub of them."""
    news = connection.execute(select(model_news.c.model_id).where(model_news.c.changed_at >= first)).scalars()
    return {*news, *_changed_by_time(connection, first, now)}


def _changed_by_time(connection: Connection, first: datetime, now: datetime) -> list[int]:
    """Return the device models of releases under which time has changed since how hubs stand, and nobody notes it.

    The last day for instructions has passed; or a period has ended while the release is paused, where what is held is
    told to nobody as planned.
    """
    return [
        connection.execute(model_number(one.manufacturer, one.model)).scalar_one()
        for one in releases.live(connection)
        if first <= last_to_instruct(one) < now or (one.paused and _ended(connection, one.release_id, first, now))
    ]


def _ended(connection: Connection, release_id: str, first: datetime, now: datetime) -> bool:
    def ends(table: FromClause, *of_release: ColumnElement[bool]) -> ColumnElement[bool]:
        return exists().where(to_come_sql(table.c.ends, first), is_over_sql(table.c.ends, now), *of_release)

    given = instruction.c.release_id == release_id
    query = select(
        or_(
            ends(instruction, given),
            ends(group_say, group_say.c.instruction_id == instruction.c.id, given),
            ends(piece_say, piece_say.c.instruction_id == instruction.c.id, given),
            ends(batch, batch.c.release_id == release_id),
            ends(pilot_selection, pilot_selection.c.release_id == release_id),
        )
    )
    return bool(connection.execute(query).scalar_one())


def departed(connection: Connection, scope: Scope, since: datetime) -> Iterator[int]:
    """Yield the hubs that have left an estate since then and are not back, each once."""
    query = (
        select(former_hub.c.device_id)
        .distinct()
        .where(former_hub.c.left_at >= since - OVERLAP, _was_in(scope))
        .order_by(former_hub.c.device_id)
    )
    left = iter(connection.execute(query, execution_options={"yield_per": HUBS_AT_ONCE}).scalars())
    while chunk := list(islice(left, HUBS_AT_ONCE)):
        known = hubs.get_many(connection, chunk)
        yield from (one for one in chunk if not ((now := known.get(one)) and is_hub(now) and scope.has(now)))


def _was_in(scope: Scope) -> ColumnElement[bool]:
    if scope.supplier is not None:
        return former_hub.c.supplier == scope.supplier
    if scope.regions is not None:
        return former_hub.c.csp_region.in_(sorted(scope.regions))
    return and_(former_hub.c.supplier.is_(None), former_hub.c.csp_region.is_(None))
