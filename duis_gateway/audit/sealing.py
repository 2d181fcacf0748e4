"""Appends what is committed to the chain, and signs a checkpoint each minute; every process of a gateway does it.

Entries get their sequence in the order in which this reads what is committed: what becomes visible late, because its
transaction was long, simply comes later. Numbers that were given out and never committed leave no gap. On PostgreSQL
sealers take turns by an advisory lock that ends with its transaction, and the primary key decides in any case: of two
entries with one sequence, one cannot be stored, and its batch waits for the next look.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from duis_gateway.audit import checkpoints
from duis_gateway.audit.chain import BEFORE_THE_FIRST, link_of
from duis_gateway.audit.recording import moment_text
from duis_gateway.errors import GatewayError
from duis_gateway.machine.recurring import Recurring
from duis_gateway.pki.signer import Signer
from duis_gateway.store.audit_tables import audit_checkpoint, audit_entry, audit_waiting
from duis_gateway.store.bulk import id_list, insert_many
from duis_gateway.store.engine import Store, now_seconds
from duis_gateway.store.failpoints import failpoint

log = logging.getLogger(__name__)

EVERY = 60.0
"""Seconds between two checkpoints, where there is something new to cover."""

_POLL = 1.0
_AT_ONCE = 500
_LOCK = 0x41554454  # the first key of an advisory lock; those of releases have another


@dataclass(frozen=True, slots=True)
class State:
    """How far the log is. Times are the database's, in seconds since 1970; None: there is none yet.

    Attributes:
        entries: the sequence of the newest entry; 0 where there is none.
        sealed_at: when it was sealed, as the log writes it.
        waiting: how many transactions have recorded something that is not sealed yet.
        oldest_waiting: when the oldest of them did.
        covered: the sequence up to which the newest checkpoint goes.
        checkpoint_at: when that was signed.
        now: when this was read.
    """

    entries: int
    sealed_at: str | None
    waiting: int
    oldest_waiting: float | None
    covered: int
    checkpoint_at: float | None
    now: float


def state_of(connection: Connection) -> State:
    """Return how far the log is."""
    entry = connection.execute(_NEWEST_ENTRY).one_or_none()
    waiting, oldest = connection.execute(_WAITING).one()
    checkpoint = connection.execute(_NEWEST_CHECKPOINT).one_or_none()
    return State(
        entries=entry.sequence if entry else 0,
        sealed_at=entry.sealed_at if entry else None,
        waiting=waiting,
        oldest_waiting=oldest,
        covered=checkpoint.sequence if checkpoint else 0,
        checkpoint_at=checkpoint.signed_at if checkpoint else None,
        now=now_seconds(connection),
    )


_NEWEST_ENTRY = (
    select(audit_entry.c.sequence, audit_entry.c.sealed_at, audit_entry.c.link)
    .order_by(audit_entry.c.sequence.desc())
    .limit(1)
)
_WAITING = select(func.count(), func.min(audit_waiting.c.recorded_at)).select_from(audit_waiting)
_NEXT_WAITING = select(audit_waiting.c.id, audit_waiting.c.content).order_by(audit_waiting.c.id).limit(_AT_ONCE)
_ANY_WAITING = select(audit_waiting.c.id).limit(1)
_NEWEST_CHECKPOINT = (
    select(audit_checkpoint.c.sequence, audit_checkpoint.c.signed_at)
    .order_by(audit_checkpoint.c.sequence.desc())
    .limit(1)
)


def seal_all(store: Store) -> int:
    """Append to the chain all that is committed and waits; return how many entries that made.

    Raises:
        NotDurable: it cannot be stored just now; what was appended until then stays.
    """
    sealed = 0
    while True:
        with store.read() as connection:
            if connection.execute(_ANY_WAITING).one_or_none() is None:
                return sealed
        with store.write() as connection:
            sealed += _seal(connection)
        failpoint("audit.after-seal")


def _seal(connection: Connection) -> int:
    _take_turn(connection)
    waiting = connection.execute(_NEXT_WAITING).all()
    newest = connection.execute(_NEWEST_ENTRY).one_or_none()
    sequence, link = (newest.sequence, newest.link) if newest else (0, BEFORE_THE_FIRST)
    sealed_at = moment_text(now_seconds(connection))
    rows = []
    for _, content in waiting:
        sequence += 1
        link = link_of(link, sequence, sealed_at, content)
        rows.append((sequence, sealed_at, content, link))
    if rows:
        insert_many(connection, audit_entry, ("sequence", "sealed_at", "content", "link"), rows)
        done = id_list(connection, [number for number, _ in waiting])
        connection.execute(delete(audit_waiting).where(audit_waiting.c.id.in_(select(done.c.value))))
        failpoint("audit.before-commit")
    return len(rows)


def sign_if_due(store: Store, signer: Signer | None, every: float = EVERY) -> bool:
    """Sign a checkpoint where there is something new and the newest is old enough; return whether that was so.

    Raises:
        NotDurable: it cannot be stored just now.
    """
    if signer is None:
        return False
    with store.read() as connection:
        if not _is_due(connection, every):
            return False
    with store.write() as connection:
        _take_turn(connection)
        if not _is_due(connection, every):  # another process was faster
            return False
        newest = connection.execute(_NEWEST_ENTRY).one()
        now = now_seconds(connection)
        document = checkpoints.sign(signer, newest.sequence, newest.link, moment_text(now))
        values = {"sequence": newest.sequence, "signed_at": now, "document": document}
        connection.execute(insert(audit_checkpoint).values(**values))
    about = {"event": "audit-checkpoint", "sequence": newest.sequence, "link": newest.link}
    log.info("the audit log is covered up to entry %d", newest.sequence, extra=about)
    return True


def _is_due(connection: Connection, every: float) -> bool:
    entry = connection.execute(_NEWEST_ENTRY).one_or_none()
    if entry is None:
        return False
    checkpoint = connection.execute(_NEWEST_CHECKPOINT).one_or_none()
    if checkpoint is None:
        return True
    # Where the clock was put back, nobody waits until it has come there again.
    return bool(entry.sequence > checkpoint.sequence and abs(now_seconds(connection) - checkpoint.signed_at) >= every)


def _take_turn(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK, 0)))


class Sealer(Recurring):
    """A thread that seals each second what waits, and signs when that is due."""

    def __init__(self, store: Store, signer: Callable[[], Signer | None], every: float = EVERY) -> None:
        super().__init__("sealer", _POLL)
        self._store = store
        self._signer = signer
        self._signs_every = every
        self._failing = False

    def _run(self) -> None:
        """Look once; of looks that fail one after another the first failure alone is logged."""
        try:
            seal_all(self._store)
            sign_if_due(self._store, self._signer(), self._signs_every)
        except Exception as error:
            if not self._failing:
                defect = not isinstance(error, GatewayError | SQLAlchemyError)
                level = logging.ERROR if defect else logging.WARNING
                log.log(level, "the audit log waits: %s", error, exc_info=defect, extra={"event": "audit-waits"})
            self._failing = True
            return
        if self._failing:
            log.info("the audit log continues", extra={"event": "audit-goes-on"})
        self._failing = False
