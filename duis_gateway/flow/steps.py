"""The steps on a message's path, in order; each takes what the previous step made, and none calls another.

`way.py` walks them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from sqlalchemy import Connection

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis import codes
from duis_gateway.duis.codes import NO_SUCH_ROLE, ROLE_NOT_ENTITLED, WRONG_URL
from duis_gateway.duis.identifiers import RequestId, format_eui
from duis_gateway.duis.responses import render_service_response, response_to
from duis_gateway.duis.service_requests.request import (
    AnyRequest,
    ServiceRequest,
    read_service_request,
    schema_version_of,
)
from duis_gateway.duis.service_requests.table import SERVED
from duis_gateway.envelope import signature
from duis_gateway.envelope.parse import Document, ShapeLimits, parse_document
from duis_gateway.envelope.schema import Schema
from duis_gateway.envelope.signature import SignerReference
from duis_gateway.errors import Finding, IdentityReused, NotAuthenticated, NotEntitled, NotOfOrganisation, NotValid
from duis_gateway.flow import evidence as messages
from duis_gateway.flow.handlers import handler_of
from duis_gateway.flow.incoming import Door, Incoming
from duis_gateway.flow.message import Admitted, Authorised, Decided, Message, Received, Validated, Verified
from duis_gateway.flow.profiles import PROFILES
from duis_gateway.flow.reply import Reply, ServiceAnswer
from duis_gateway.flow.tx import Tx, refused
from duis_gateway.namespaces import DUIS_SCHEMA_FOLDERS
from duis_gateway.outbox.emails.outbox_rows import EmailTerms
from duis_gateway.outbox.laying_in import Signed, lay_in_outbox, partner_message
from duis_gateway.parties.records import Party, PartyKind, PartyStatus
from duis_gateway.partners.messages import Acknowledgement
from duis_gateway.pki.certificates import Certificate
from duis_gateway.pki.signer import Signer
from duis_gateway.pki.trust import FindCertificate, Trust
from duis_gateway.rollout.hubs.gpfs import explained

# --- Receive: from bytes to a parsed document whose size and shape are harmless (threats T01 to T10). ---


def receive(incoming: Incoming, limits: ShapeLimits, now: datetime) -> Received:
    """Parse a message under the caps for its door and body.

    Raises:
        TooLarge: over the limit for one message.
        NotSafeXml: not well-formed, not UTF-8, a DTD or processing instruction, or over a cap.
    """
    root = parse_document(incoming.body, limits, PROFILES[incoming.door].element_caps)
    return Received(incoming, root, now)


FindParty = Callable[[int], Party | None]
"""Finds a registered party by its EUI-64."""

# --- Verify: from a document to the bytes that its originator provably signed (threats T11 to T38). ---


def verify(
    received: Received, trust: Trust, find: FindCertificate | None = None, find_party: FindParty = lambda _eui: None
) -> Verified:
    """Prove who signed the message, that this is the originator it names, and that the connection belongs to it.

    `find` and `find_party` look things up in a transaction that is already open (`Trust.resolve`).

    Raises:
        NotAuthenticated: no signature, a bad one, a certificate that is not good here and now, or one of another party
        than the originator.
        NotOfOrganisation: the connection's TLS certificate is of another organisation than the originator.
        NotValid: what is proven carries no identity.
    """
    profile = PROFILES[received.incoming.door]
    signers: list[Certificate] = []

    def public_key_of(reference: SignerReference) -> EllipticCurvePublicKey:
        signers.append(trust.resolve(reference, received.received_at, profile.certificate_roles, find))
        return signers[0].public_key

    proven = signature.verify(received.root, public_key_of)
    document = Document(proven.content)
    identity = profile.originator(document.beginning)
    if signers[0].eui != identity.originator:
        raise NotAuthenticated("The certificate belongs to another party than the message's originator.")
    _check_connection(received.incoming, identity.originator, find_party)
    return Verified(received.incoming, received.received_at, document, proven.digest, identity)


def _check_connection(incoming: Incoming, originator: int, find_party: FindParty) -> None:
    """Checked here, before a stored answer is given, because that is nobody else's either."""
    if incoming.organisations is None:
        return
    party = find_party(originator)
    if party is None:
        raise NotOfOrganisation("The sender is not registered, so it belongs to no organisation.")
    party.check_organisation(incoming.organisations)


# --- Known: a message that was answered before gets the answer of the first time, byte for byte. ---


def known(message: Verified | Authorised, conn: Connection, counter_window: int = 0) -> bytes | None:
    """Return the stored answer to exactly this message, or None if its identity is new.

    `counter_window` above 0 refuses counters more than that far below the highest seen (threat T41).

    Raises:
        IdentityReused: the identity was used with different content (threat T40), or its counter is too old.
    """
    stored = messages.find_answer(conn, message.identity)
    if stored is not None and stored.digest == message.digest:
        return stored.answer
    if stored is not None:
        raise IdentityReused(f"{message.identity} was used before, with different content.")
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


# --- Admit: may this sender speak on this door at all? Asked before the schema, which costs more. ---


def admit(verified: Verified, find_party: FindParty) -> Admitted:
    """Look up the originator, and turn away whoever has no business here.

    On the DUIS door everybody passes: what a user may not do is said in a signed answer to a valid request.

    Raises:
        NotEntitled: on the CSP or ESI door, the sender is not registered for it, or is suspended.
    """
    party = find_party(verified.identity.originator)
    if verified.incoming.door is not Door.DUIS:
        _check_partner(verified.incoming.door, party)
    return Admitted(verified, party)


def _check_partner(door: Door, party: Party | None) -> None:
    kind = PROFILES[door].sender_kind
    if party is None or party.kind is not kind:
        raise NotEntitled(f"The sender is not registered with this gateway as {kind}.")
    if party.status is not PartyStatus.ACTIVE:
        raise NotEntitled(f"{party.name} is suspended.")


# --- Validate: from proven bytes to a typed message, by the schema of its own version. ---


Schemas = Mapping[str, Schema]
"""The compiled schemas by their folder: "duis/5.0", "duis/5.1", "duis/6.0", "csp_mgmt_gw/1", "esi/1"."""

SCHEMA_NAMES = (*(f"duis/{folder}" for folder in dict.fromkeys(DUIS_SCHEMA_FOLDERS.values())), "csp_mgmt_gw/1", "esi/1")


def validate(admitted: Admitted, schemas: Schemas) -> Validated:
    """Check the message against the schema of its version, and read it.

    Raises:
        NotValid: not valid, of an unknown version or one above the originator's, or a body that does not match its
        header; at most ten findings.
    """
    verified, party = admitted.verified, admitted.party
    match verified.incoming.door:
        case Door.DUIS:
            message: Message = _service_request(verified, schemas, party)
        case Door.CSP:
            message = csp.read_message(schemas["csp_mgmt_gw/1"].check(verified.document))
        case Door.ESI:
            message = esi.read_message(schemas["esi/1"].check(verified.document))
    return Validated(verified.incoming, verified.received_at, verified.digest, verified.identity, message, party)


def _service_request(verified: Verified, schemas: Schemas, party: Party | None) -> AnyRequest:
    version = schema_version_of(verified.document.beginning)
    if party is not None and party.kind is PartyKind.SUPPLIER and version > party.duis_version:
        raise _too_new(version, party)
    folder = DUIS_SCHEMA_FOLDERS[version]
    return read_service_request(schemas[f"duis/{folder}"].check(verified.document))


def _too_new(version: Decimal, party: Party) -> NotValid:
    reason = f"schemaVersion {version} is above DUIS {party.duis_version}, for which {party.name} is registered"
    return NotValid(reason + ".", (Finding("/sr:Request/@schemaVersion", 1, reason),))


# --- Authorise: may this party ask for this, here, and in this way? ---


NON_DEVICE_URLS = frozenset({"serviceD", "soap"})


def authorise(validated: Validated, gateway_eui: int) -> Authorised:
    """Decide whether the originator may send this message.

    A message always comes out of here: what a Service Request may not do is said in a signed answer, and who may use
    the partners' doors was checked by `admit`.
    """
    refusal = None
    if isinstance(validated.message, ServiceRequest):
        refusal = _access_refusal(validated.message, validated.party, validated.incoming.service_url, gateway_eui)
    return Authorised(
        validated.incoming,
        validated.received_at,
        validated.digest,
        validated.identity,
        validated.message,
        validated.party,
        refusal,
    )


def _access_refusal(request: AnyRequest, party: Party | None, url: str, gateway_eui: int) -> str | None:
    """The order is DUIS's: access control first, then checks of the request (duis-facts, section 6)."""
    service = SERVED.get(request.service_reference)
    if party is None or party.kind is not PartyKind.SUPPLIER or not party.roles:
        return codes.NO_SUCH_ROLE
    if party.status is not PartyStatus.ACTIVE:
        return codes.USER_SUSPENDED
    if service is None or not party.roles & service.roles:
        return codes.ROLE_NOT_ENTITLED
    if url not in NON_DEVICE_URLS:
        return codes.WRONG_URL
    if request.command_variant not in service.command_variants:
        return codes.COMMAND_VARIANT
    if request.request_id.target != gateway_eui:
        return codes.NO_SUCH_DEVICE
    return None


# --- Decide: let the handler of an authorised message do its work, in the transaction that is open. ---


def decide(authorised: Authorised, conn: Connection, lock: Callable[[Connection, str], None]) -> Decided:
    """Pass the message to its handler; what is not allowed is answered without one."""
    message = authorised.message
    if authorised.refusal is not None or authorised.party is None:
        return Decided(authorised, ServiceAnswer(authorised.refusal or NO_SUCH_ROLE))
    handle = handler_of(authorised.incoming.door, message.body)
    if handle is None:
        return Decided(authorised, _not_served(message))
    tx = Tx(conn, authorised.received_at, lock, authorised.party)
    reply = handle(message, tx)
    if isinstance(reply, Acknowledgement) and reply.refused:
        reply = replace(reply, refused=explained(conn, reply.refused, authorised.party))
    return Decided(authorised, reply, tuple(tx.sends), tx.release_changed)


def _not_served(message: Message) -> Reply:
    if isinstance(message, ServiceRequest):
        return ServiceAnswer(ROLE_NOT_ENTITLED)
    return refused(message, "NotServed", f"{message.body_name} is not served.")


# --- Store: the message, its evidence and answer, and what is to be sent, beside the changes (design section 2). ---


def store(
    decided: Decided,
    conn: Connection,
    signer: Signer,
    alert_bytes: int,
    emails: EmailTerms,
    ahead: Sequence[Signed] = (),
) -> bytes:
    """Record the message with its evidence and answer, and put what is to be sent into the outbox.

    `ahead` is what was already signed. Returns the signed answer; it may be given only after the transaction of `conn`
    has been committed. A request to the wrong URL (E13) is answered but not recorded: the URL is not signed, so its
    RequestID stays free (design section 5).

    Raises:
        IdentityTaken: somebody recorded the same identity in the meantime.
    """
    authorised = decided.authorised
    answer, outcome = _answer(authorised, decided.reply, signer)
    kind = _kind(authorised)
    authorised.incoming.notes.update(kind=kind, outcome=outcome)
    if authorised.refusal == WRONG_URL:
        return answer
    messages.record(
        conn,
        authorised.identity,
        door=authorised.incoming.door,
        kind=kind,
        outcome=outcome,
        received_at=authorised.received_at,
        digest=authorised.digest,
        raw=authorised.incoming.body,
        answer=answer,
        explanation=decided.reply.explanation if isinstance(decided.reply, ServiceAnswer) else None,
    )
    lay_in_outbox(decided.sends, conn, signer, authorised.received_at, alert_bytes, emails, ahead)
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
