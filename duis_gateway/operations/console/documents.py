"""The bytes of messages as they are stored: a beginning for a page, and the whole as a file, piece by piece.

A message may have megabytes, and many may ask for one at once: no more of it is read than a client is ready to take.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, LargeBinary, func, select

from duis_gateway.doors.wire import Answer
from duis_gateway.errors import NoSuchPath, NotDurable
from duis_gateway.operations.console.answers import SAFE
from duis_gateway.operations.console.search import Way
from duis_gateway.store.engine import Store
from duis_gateway.store.tables import outbox, partner_message_evidence, service_request_evidence

_PIECE = 256 * 1024
_EVIDENCE = {Way.REQUESTS: service_request_evidence, Way.PARTNERS: partner_message_evidence}


class Part(NamedTuple):
    """Some of a document, and the size of all of it in bytes; 0: it was pruned, or never existed."""

    size: int
    content: bytes

    @property
    def is_whole(self) -> bool:
        """Whether it is all of it."""
        return len(self.content) == self.size


_NOTHING = Part(0, b"")


class Stored(NamedTuple):
    """One document of the store: a message, or what it was answered."""

    way: Way
    number: int
    answer: bool = False

    def part(self, conn: Connection, begin: int, most: int) -> Part:
        """Return at most so many bytes of it, from this one on."""
        if self.answer and self.way is Way.SENT:
            return _NOTHING
        column, key = self._column()
        size = conn.execute(select(func.length(column)).where(key == self.number)).scalar_one_or_none()
        if not size:
            return _NOTHING
        if conn.dialect.name == "sqlite":
            # Its substr() would read the whole for each piece.
            driver: Any = conn.connection.driver_connection
            with driver.blobopen(column.table.name, column.name, self.number, readonly=True) as blob:
                blob.seek(min(begin, size))
                return Part(size, blob.read(most))
        content = func.substr(column, begin + 1, most, type_=LargeBinary)
        return Part(size, bytes(conn.execute(select(content).where(key == self.number)).scalar_one()))

    def _column(self) -> tuple[Column[bytes], Column[int]]:
        """Return where it is, and what its row is found by (SQLite: the rowid)."""
        if self.way is Way.SENT:
            return outbox.c.content, outbox.c.id
        table = _EVIDENCE[self.way]
        return (table.c.answer if self.answer else table.c.raw), table.c.message

    def download(self, store: Store, name: str) -> Answer:
        """Return its exact bytes, to be stored as a file of this name.

        Raises:
            NoSuchPath: there are none.
        """
        with store.read() as conn:
            first = self.part(conn, 0, _PIECE)
        if not first.size:
            raise NoSuchPath("there is no such document: its bytes were pruned, or it never existed")
        is_xml = self.way is not Way.SENT or first.content.lstrip()[:1] == b"<"
        kind, suffix = ("application/xml", "xml") if is_xml else ("message/rfc822", "eml")
        headers = (*SAFE, ("Content-Disposition", f'attachment; filename="{name}.{suffix}"'))
        # Nothing is kept of what was read while a client is waited for.
        pieces = (self._piece(store, begin) for begin in range(0, first.size, _PIECE))
        return Answer(200, kind, first.content if first.is_whole else pieces, headers, holds_snapshot=False)

    def _piece(self, store: Store, begin: int) -> bytes:
        """Return a piece, read by itself: what is stored of a message does not change, save that it is pruned."""
        with store.read() as conn:
            piece = self.part(conn, begin, _PIECE)
        if not piece.size:
            raise NotDurable("the message was pruned while it was sent")
        return piece.content
