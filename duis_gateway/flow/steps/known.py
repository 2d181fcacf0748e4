"""Known: a message that was answered before gets the answer of the first time, byte for byte."""

from __future__ import annotations

from sqlalchemy import Connection

from duis_gateway.duis.identifiers import RequestId, format_eui
from duis_gateway.errors import IdentityReused
from duis_gateway.flow import evidence as messages
from duis_gateway.flow.message import Authorised, Verified


def known(message: Verified | Authorised, conn: Connection, counter_window: int = 0) -> bytes | None:
    """Return the stored answer to this very message, or None where its identity is new.

    `counter_window` above 0 refuses counters more than so many below the highest seen (threat T41).

    Raises:
        IdentityReused: the identity was used with other content (threat T40), or its counter is too old.
    """
    stored = messages.find_answer(conn, message.identity)
    if stored is not None and stored.digest == message.digest:
        return stored.answer
    if stored is not None:
        raise IdentityReused(f"{message.identity} was used before, with other content.")
    if counter_window and isinstance(message.identity, RequestId):
        _check_counter(message.identity, conn, counter_window)
    return None


def _check_counter(request_id: RequestId, conn: Connection, window: int) -> None:
    highest = messages.highest_counter(conn, request_id.originator, request_id.target)
    if highest is not None and request_id.counter < highest - window:
        raise IdentityReused(
            f"The counter {request_id.counter} is more than {window} below the highest that "
            f"{format_eui(request_id.originator)} has used ({highest})."
        )
