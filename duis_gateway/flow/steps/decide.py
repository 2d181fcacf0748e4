"""Decide: let the handler of an authorised message do its work, in the transaction that is open."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from duis_gateway.duis.codes import NO_SUCH_ROLE, ROLE_NOT_ENTITLED
from duis_gateway.duis.service_requests.request import ServiceRequest
from duis_gateway.flow.handlers import handler_of
from duis_gateway.flow.message import Authorised, Decided, Message
from duis_gateway.flow.reply import Reply, ServiceAnswer
from duis_gateway.flow.tx import Tx, refused


def decide(authorised: Authorised, conn: Connection, lock: Callable[[Connection, str], None]) -> Decided:
    """Hand the message to its handler; what may not be had is answered without one."""
    message = authorised.message
    if authorised.refusal is not None or authorised.party is None:
        return Decided(authorised, ServiceAnswer(authorised.refusal or NO_SUCH_ROLE))
    handle = handler_of(authorised.incoming.door, message.body)
    if handle is None:
        return Decided(authorised, _not_served(message))
    tx = Tx(conn, authorised.received_at, lock, authorised.party)
    reply = handle(message, tx)
    return Decided(authorised, reply, tuple(tx.sends), tx.release_changed)


def _not_served(message: Message) -> Reply:
    if isinstance(message, ServiceRequest):
        return ServiceAnswer(ROLE_NOT_ENTITLED)
    return refused(message, "NotServed", f"{message.body_name} is not served.")
