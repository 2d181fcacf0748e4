"""What is not a signed document: SOAP envelopes, faults, problem documents, and what parties and operators read."""

from __future__ import annotations

import tempfile
from dataclasses import replace

from duis_gateway.clock import FixedClock
from duis_gateway.doors.http import Edge
from duis_gateway.doors.party import party_routes
from duis_gateway.doors.problem import problem_answer
from duis_gateway.doors.spyne_edge import Call, SpyneEdge
from duis_gateway.doors.wire import HttpRequest
from duis_gateway.errors import Finding, MessageRefused, NotAuthenticated, NotDurable, NotValid
from duis_gateway.namespaces import SOAP_ENVELOPE, SOAP_SERVICE
from duis_gateway.operations.listener import operations_app
from duis_gateway.operations.metrics import Metrics
from duis_gateway.operations.readiness import Check
from duis_gateway.outbox.emails.announcement import announcement
from duis_gateway.outbox.emails.outbox_rows import EmailTerms, email_rows
from duis_gateway.parties import store as parties
from duis_gateway.parties.store import token_hash
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import PilotTerms, Release, ReleaseType
from duis_gateway.store.engine import Store
from tests.support.asking import ask, whole
from tests.support.doors import nothing_to_check, party_view
from tests.support.examples_duis import (
    AT,
    AUTOMATIC,
    GATEWAY,
    HUBS,
    MANUFACTURER,
    MODEL,
    OTHER_SUPPLIER,
    PILOT,
    RELEASE,
    SUPPLIER,
    VERSION,
    hub,
    supplier,
)

_TOKEN = "example"
_NOTE = "https://releases.example/SEC-2026-11-A"
CORRELATION_ID = "0d1e3c52-6a3e-4c0b-9a51-3f2c1a7e9b44"
_REFUSALS: dict[str, MessageRefused] = {
    "problem-400": NotValid(
        "the message is not valid against its schema",
        (
            Finding(
                "/sr:Request/sr:Body/sr:PreferredPilotList/sr:FirmwareVersion",
                1,
                "value has to be shorter than or equal to 8 characters",
            ),
        ),
    ),
    "problem-401": NotAuthenticated("digest differs: the content is not what was signed"),
    "problem-503": NotDurable("the gateway's disk is nearly full"),
}


def soap_request(signed: bytes) -> bytes:
    """Return the envelope around a signed Service Request, as a client sends it."""
    return (
        f'<soap:Envelope xmlns:soap="{SOAP_ENVELOPE}"><soap:Body>'
        f'<g:SubmitServiceRequest xmlns:g="{SOAP_SERVICE}"><g:ServiceRequest>'.encode()
        + signed
        + b"</g:ServiceRequest></g:SubmitServiceRequest></soap:Body></soap:Envelope>"
    )


def soap_response(signed: bytes) -> bytes:
    """Return the envelope around a signed answer, as the SOAP door makes it."""
    return SpyneEdge().call(Call(lambda: signed, CORRELATION_ID)).body


def plain_examples() -> dict[str, bytes]:
    """Return the other examples, by file name."""
    found = {f"{name}.xml": _problem(error) for name, error in _REFUSALS.items()}
    found["soap-fault.xml"] = _fault(_REFUSALS["problem-401"])
    found |= _party_examples()
    found["health-ready.json"] = _health()
    return found


def _problem(error: MessageRefused) -> bytes:
    body = problem_answer(error, HttpRequest("", "", "", {}, b"", "", CORRELATION_ID)).body
    assert isinstance(body, bytes)
    return body


def _fault(error: MessageRefused) -> bytes:
    def refuse() -> bytes:
        raise error

    return SpyneEdge().call(Call(refuse, CORRELATION_ID)).body


def _party_examples() -> dict[str, bytes]:
    """What a supplier with three hubs reads, answered from a real store."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{folder}/examples.db")
        store.migrate()
        with store.write() as conn:
            parties.add(conn, supplier("6.0"))
            parties.add(conn, replace(supplier("6.0"), eui=OTHER_SUPPLIER))
            parties.set_token_hash(conn, SUPPLIER, token_hash(_TOKEN))
            old = [replace(hub(), device_id=device_id) for device_id in HUBS[:2]]
            hubs.upsert(conn, [*old, replace(hub(), device_id=HUBS[2], firmware_version=VERSION)])
            releases.put(conn, _release(), {})
        app = Edge(party_routes(party_view(store, FixedClock(AT)), nothing_to_check, 1000), Metrics())
        found = {
            f"party-{path}.json": _served(app, f"/party/v1/{path}", query)
            for path, query in (("status", ""), ("deadlines", ""), ("eligible-hubs", f"release={RELEASE}"))
        }
        found["party-status.csv"] = _served(app, "/party/v1/status", "format=csv")
        found["email-A01.eml"] = _email(store)
        store.close()
    return found


def _email(store: Store) -> bytes:
    to = replace(supplier("6.0"), email="firmware@supplier.example")
    terms = EmailTerms("gateway@duis.example")
    with store.read() as conn:
        [row] = email_rows([announcement(_release(), to, AT, revised=False)], conn, GATEWAY, AT, terms)
    # The id of an email is made up anew each time.
    return row.content.replace(row.message_id.encode(), CORRELATION_ID.encode())


def _release() -> Release:
    pilot = PilotTerms(PILOT, limit=300)
    about = (RELEASE, 1, ReleaseType.SEC_RELEASE, MANUFACTURER, MODEL, VERSION, _NOTE, "Major", "High")
    return Release(*about, notified_at=AT, automatic_date=AUTOMATIC, pilot=pilot)


def _health() -> bytes:
    checks = {"signing": Check(ok=True), "store": Check(ok=True)}
    return _served(operations_app(Metrics(), lambda: checks, installation="5f0c2e9ab6d41873"), "/health/ready", "")


def _served(app: Edge, path: str, query: str) -> bytes:
    return whole(ask(app, path, query=query, headers={"authorization": f"Bearer {_TOKEN}"}))
