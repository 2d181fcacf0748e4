"""Which messages a destination gets next: the oldest of each order, and what has no order, those due longest first."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    union_all,
)

from duis_gateway.store.tables import outbox

_MOST = bindparam("most", type_=Integer)
_OCTETS = bindparam("octets", type_=Integer)


def in_turn(now: ColumnElement[float]) -> Select[Any]:
    """Select the ids of what is due at `now`, locked, with the parameters `its_recipient`, `its_channel` and `most`.

    There is no further one once their contents have `octets`, a parameter as well. Of the messages with one `order_key`
    there is only the oldest open one. What another claimer has locked is passed over.
    """
    both = union_all(
        select(_due_longest(_heads(), now).cte("ordered")), select(_due_longest(_unordered(), now).cte("unordered"))
    ).subquery("in_turn")
    order = both.c.due_at, both.c.id
    before = func.sum(both.c.octets).over(order_by=order) - both.c.octets
    first = select(both.c.id, before.label("before")).order_by(*order).limit(_MOST).subquery("first")
    return select(first.c.id).where(first.c.before < _OCTETS)


# The states stand in these conditions as literals, not as parameters: only then do the planners see that the
# partial indexes answer them.


def pending(table: FromClause) -> ColumnElement[bool]:
    """Whether a message of the outbox waits to be claimed."""
    return table.c.state == literal_column("'pending'")


def _due_longest(these: ColumnElement[bool], now: ColumnElement[float]) -> Select[Any]:
    return (
        select(outbox.c.id, outbox.c.due_at, func.length(outbox.c.content).label("octets"))
        .where(pending(outbox), outbox.c.due_at <= now, these)
        .order_by(outbox.c.due_at, outbox.c.id)
        .limit(_MOST)
        .with_for_update(skip_locked=True)
    )


def _unordered() -> ColumnElement[bool]:
    return and_(*_of_the_destination(outbox), outbox.c.order_key.is_(None))


def _heads() -> ColumnElement[bool]:
    """The oldest open message of each order key.

    Steps from key to key along the index: what waits behind the heads costs nothing, however much it is.
    """
    head, further = outbox.alias("head"), outbox.alias("further")
    heads = (
        select(head.c.id, head.c.order_key)
        .where(head.c.id == _first(outbox.alias("first")))
        .cte("heads", recursive=True)
    )
    next_one = _first(further, further.c.order_key > heads.c.order_key)
    heads = heads.union_all(select(head.c.id, head.c.order_key).join_from(heads, head, head.c.id == next_one))
    return outbox.c.id.in_(select(heads.c.id))


def _first(table: FromClause, *of: ColumnElement[bool]) -> ScalarSelect[int]:
    # With min(id) PostgreSQL may go through all that was ever sent, in the order of ids, instead.
    found = select(table.c.id).where(*_ordered(table), *of).order_by(table.c.order_key, table.c.id).limit(1)
    return found.scalar_subquery()


def _ordered(table: FromClause) -> tuple[ColumnElement[bool], ...]:
    is_open = table.c.state.in_([literal_column("'pending'"), literal_column("'in_flight'")])
    return is_open, *_of_the_destination(table), table.c.order_key.is_not(None)


def _of_the_destination(table: FromClause) -> tuple[ColumnElement[bool], ...]:
    return table.c.recipient == bindparam("its_recipient"), table.c.channel == bindparam("its_channel")
