"""Store: the message, its evidence and answer, and what is to be sent, beside the changes (design section 2)."""

from __future__ import annotations

from sqlalchemy import Connection

from duis_gateway.duis.codes import WRONG_URL
from duis_gateway.duis.responses import render_service_response, response_to
from duis_gateway.duis.service_requests.request import ServiceRequest
from duis_gateway.flow import evidence as messages
from duis_gateway.flow.message import Authorised, Decided
from duis_gateway.flow.reply import Reply, ServiceAnswer
from duis_gateway.outbox.emails.outbox_rows import EmailTerms
from duis_gateway.outbox.laying_in import lay_in_outbox, partner_message
from duis_gateway.parties.records import PartyKind
from duis_gateway.partners.messages import Acknowledgement
from duis_gateway.pki.signer import Signer


def store(decided: Decided, conn: Connection, signer: Signer, alert_bytes: int, emails: EmailTerms) -> bytes:
    """Record the message with its evidence and answer, and lay what is to be sent in the outbox.

    Returns the signed answer; it may be given only after the transaction of `conn` has been committed.
    A request on the wrong URL (E13) is answered and not recorded: the URL is not signed, so that its
    RequestID stays free (design section 5).

    Raises:
        IdentityTaken: somebody recorded the same identity in the meantime.
    """
    authorised = decided.authorised
    answer, outcome = _answer(authorised, decided.reply, signer)
    if authorised.refusal == WRONG_URL:
        return answer
    messages.record(
        conn,
        authorised.identity,
        door=authorised.incoming.door,
        kind=_kind(authorised),
        outcome=outcome,
        received_at=authorised.received_at,
        digest=authorised.digest,
        raw=authorised.incoming.body,
        answer=answer,
    )
    lay_in_outbox(decided.sends, conn, signer, authorised.received_at, alert_bytes, emails)
    return answer


def _kind(authorised: Authorised) -> str:
    message = authorised.message
    return f"SR{message.service_reference}" if isinstance(message, ServiceRequest) else message.body_name


def _answer(authorised: Authorised, answer: Reply, signer: Signer) -> tuple[bytes, str]:
    request = authorised.message
    if isinstance(request, ServiceRequest) and isinstance(answer, ServiceAnswer):
        response = response_to(
            request, answer.code, authorised.received_at, inventory=answer.inventory, warning=answer.warning
        )
        return signer.sign(render_service_response(response)), answer.code
    assert isinstance(answer, Acknowledgement)
    kind = authorised.party.kind if authorised.party else PartyKind.CSP
    content = partner_message(kind, answer, signer, authorised.received_at)[1]
    return content, answer.status
