"""The steps from bytes to an authorised message, one by one and at their edges; no database, no socket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from duis_gateway.duis.identifiers import RequestId, format_eui, parse_eui
from duis_gateway.envelope.parse import ShapeLimits
from duis_gateway.errors import (
    Finding,
    IdentityReused,
    MessageRefused,
    NotAuthenticated,
    NotEntitled,
    NotOfOrganisation,
    NotValid,
)
from duis_gateway.flow import evidence
from duis_gateway.flow.incoming import Door, Incoming
from duis_gateway.flow.steps import admit, known, receive, verify
from duis_gateway.parties.records import PartyKind, PartyStatus, Role
from duis_gateway.store.engine import Store
from tests.support.duis import PILOT_LIST, request_xml
from tests.support.examples_duis import CSP, DCC, GATEWAY, SUPPLIER
from tests.support.steps_walk import SIGNERS, StepsWalk
from tests.support.trust import NOW
from tests.support.wire_client import fill

OTHER = parse_eui("90-B3-D5-1F-30-0F-00-00")
AT = NOW.isoformat().replace("+00:00", "Z")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> StepsWalk:
    return StepsWalk(tmp_path_factory.mktemp("steps"))


@pytest.fixture
def walk(made: StepsWalk) -> StepsWalk:
    """The same parties as ever, whatever the test before made of them."""
    made.parties.clear()
    made.parties.update(StepsWalk.usual_parties())
    return made


def request_id(originator: int = SUPPLIER, target: int = GATEWAY, counter: int = 1) -> str:
    return f"{format_eui(originator)}:{format_eui(target)}:{counter}"


def reading(**changes: Any) -> bytes:
    return request_xml(**{"request_id": request_id(), **changes})


def from_csp(sender: int = CSP) -> bytes:
    return fill(
        "csp_mgmt_gw/ActivateFirmwareRequests.xml", message_id="m", sender=format_eui(sender), created_at=AT,
        release="", firmware="9002", devices="00-DB-12-34-56-78-90-A2", issued_at=AT,
    )  # fmt: skip


def from_dcc(sender: int = DCC) -> bytes:
    return fill(
        "esi/Closure.xml", message_id="m", sender=format_eui(sender), created_at=AT, release="R", at=AT, rest=""
    )


MESSAGES: dict[Door, Callable[[], bytes]] = {Door.DUIS: reading, Door.CSP: from_csp, Door.ESI: from_dcc}


@pytest.mark.parametrize("door", MESSAGES)
def test_a_good_message_is_proven_admitted_and_authorised(walk: StepsWalk, door: Door) -> None:
    """What is authorised is what was proven: the same digest and identity, and the message that they are of."""
    raw = walk.signed(MESSAGES[door](), door)
    verified, done = walk.verified(raw, door), walk.authorised(raw, door)
    assert (done.refusal, done.party) == (None, walk.parties[SIGNERS[door][0]])
    assert (done.received_at, done.digest, done.identity) == (NOW, verified.digest, verified.identity)
    assert done.incoming == verified.incoming
    body = {Door.DUIS: "ReadInventory", Door.CSP: "ActivateFirmwareRequests", Door.ESI: "Closure"}
    assert type(done.message.body).__name__ == body[door]


def test_the_certificate_is_looked_up_where_the_caller_says(walk: StepsWalk) -> None:
    """Within a transaction that is open already: what is not registered there is not registered."""
    received = receive(Incoming(Door.DUIS, "serviceD", walk.signed(reading(), Door.DUIS), "test"), ShapeLimits(), NOW)
    assert verify(received, walk.trust).received_at == NOW
    with pytest.raises(NotAuthenticated, match="unknown"):
        verify(received, walk.trust, lambda _issuer, _serial: None)


@pytest.mark.parametrize("door", MESSAGES)
@pytest.mark.parametrize("role", ["02", "06", "87", "89"])
def test_each_door_takes_its_own_kinds_of_certificate(walk: StepsWalk, door: Door, role: str) -> None:
    """T35."""
    good = {Door.DUIS: {"87"}, Door.CSP: {"87", "06"}, Door.ESI: {"87", "89"}}[door]
    signed = walk.signed(MESSAGES[door](), door, role=role)
    if role in good:
        assert walk.verified(signed, door).received_at == NOW
        return
    with pytest.raises(NotAuthenticated, match="of the wrong kind"):
        walk.verified(signed, door)


@pytest.mark.parametrize("door", MESSAGES)
def test_the_certificate_is_the_originators_own(walk: StepsWalk, door: Door) -> None:
    """T37: everything else about it is good."""
    with pytest.raises(NotAuthenticated, match="belongs to another party than the message's originator"):
        walk.verified(walk.signed(MESSAGES[door](), door, eui=OTHER), door)


@pytest.mark.parametrize("door", MESSAGES)
def test_what_was_changed_or_never_signed_proves_nothing(walk: StepsWalk, door: Door) -> None:
    """T31, T32."""
    unsigned = MESSAGES[door]()
    signed = walk.signed(unsigned, door)
    for raw in (unsigned, signed.replace(b"-DB-", b"-DC-") if b"-DB-" in signed else signed.replace(b">R<", b">S<")):
        with pytest.raises(NotAuthenticated):
            walk.verified(raw, door)


@pytest.mark.parametrize(
    ("of_party", "of_connection", "good"),
    [
        ("Alpha", None, True),
        (None, None, True),
        ("Alpha", ["Alpha"], True),
        ("Alpha", ["Beta", "Alpha"], True),
        ("Alpha", ["Beta"], False),
        ("Alpha", [], False),
        (None, ["Alpha"], False),
        (None, [], False),
    ],
)
@pytest.mark.parametrize("door", MESSAGES)
def test_the_connection_is_of_the_originators_organisation_where_that_is_asked_for(
    walk: StepsWalk, door: Door, of_party: str | None, of_connection: list[str] | None, good: bool
) -> None:
    """T69: asked with the proof, before a stored answer can be given."""
    eui = SIGNERS[door][0]
    walk.parties[eui] = replace(walk.parties[eui], organisation=of_party)
    signed = walk.signed(MESSAGES[door](), door)
    if good:
        assert walk.verified(signed, door, organisations=of_connection).received_at == NOW
        return
    with pytest.raises(NotOfOrganisation):
        walk.verified(signed, door, organisations=of_connection)


def test_who_is_not_registered_is_of_no_organisation(walk: StepsWalk) -> None:
    """T69."""
    del walk.parties[SUPPLIER]
    with pytest.raises(NotOfOrganisation, match="not registered, so it belongs to no organisation"):
        walk.verified(walk.signed(reading(), Door.DUIS), organisations=["Alpha"])


@pytest.mark.parametrize("kind", [None, *PartyKind])
@pytest.mark.parametrize("status", PartyStatus)
@pytest.mark.parametrize("door", [Door.CSP, Door.ESI])
def test_on_a_partners_door_that_partner_alone_speaks_while_it_is_active(
    walk: StepsWalk, door: Door, status: PartyStatus, kind: PartyKind | None
) -> None:
    eui = SIGNERS[door][0]
    party = None if kind is None else replace(walk.parties[eui], kind=kind, status=status)
    verified = walk.verified(walk.signed(MESSAGES[door](), door), door)
    if kind is {Door.CSP: PartyKind.CSP, Door.ESI: PartyKind.DCC}[door] and status is PartyStatus.ACTIVE:
        assert admit(verified, lambda _eui: party).party == party
        return
    is_partner = kind is {Door.CSP: PartyKind.CSP, Door.ESI: PartyKind.DCC}[door]
    words = "is suspended" if is_partner else "not registered with this gateway as"
    with pytest.raises(NotEntitled, match=words):
        admit(verified, lambda _eui: party)


def test_the_party_that_is_looked_up_is_the_originator(walk: StepsWalk) -> None:
    asked: list[int] = []
    admit(walk.verified(walk.signed(reading(), Door.DUIS)), lambda eui: asked.append(eui))
    assert asked == [SUPPLIER]


@pytest.mark.parametrize(
    ("version", "registered", "good"),
    [("6.0", "6.0", True), ("5.4", "6.0", True), ("5.0", "5.0", True), ("5.1", "5.0", False), ("6.0", "5.4", False),
     ("7.0", "6.0", False), ("4.9", "6.0", False)],
)  # fmt: skip
def test_a_version_is_served_up_to_the_suppliers(walk: StepsWalk, version: str, registered: str, good: bool) -> None:
    """T44."""
    walk.parties[SUPPLIER] = replace(walk.parties[SUPPLIER], duis_version=Decimal(registered))
    signed = walk.signed(reading(version=version), Door.DUIS)
    if good:
        assert walk.authorised(signed).refusal is None
        return
    with pytest.raises(NotValid) as refused:
        walk.authorised(signed)
    if version not in ("7.0", "4.9"):  # those are nobody's
        reason = f"schemaVersion {version} is above DUIS {registered}, for which {format_eui(SUPPLIER)} is registered"
        assert refused.value.detail == f"{reason}."
        assert refused.value.findings == (Finding("/sr:Request/@schemaVersion", 1, reason),)


def test_whose_version_is_not_a_suppliers_is_told_that_it_has_no_role(walk: StepsWalk) -> None:
    walk.parties[SUPPLIER] = replace(walk.parties[SUPPLIER], kind=PartyKind.DCC, duis_version=Decimal("5.0"))
    assert walk.authorised(walk.signed(reading(), Door.DUIS)).refusal == "E1"
    del walk.parties[SUPPLIER]
    assert walk.authorised(walk.signed(reading(), Door.DUIS)).refusal == "E1"


@pytest.mark.parametrize("door", MESSAGES)
def test_a_message_of_another_door_is_not_valid(walk: StepsWalk, door: Door) -> None:
    for other, document in MESSAGES.items():
        if other is not door:
            with pytest.raises(MessageRefused):
                walk.authorised(walk.signed(document(), door), door)


@pytest.mark.parametrize(("body", "reference"), [("ReadInventory", "11.5"), ("PreferredPilotList", "8.2")])
def test_a_body_goes_with_its_service_reference(walk: StepsWalk, body: str, reference: str) -> None:
    """T44."""
    document = reading(reference=reference) if body == "ReadInventory" else reading(body=PILOT_LIST, reference="8.2")
    with pytest.raises(NotValid, match="not that of service reference"):
        walk.authorised(walk.signed(document, Door.DUIS))


_Wrong = dict[str, Any]
_WRONG_URL: _Wrong = {"service": "serviceS"}
_VARIANT: _Wrong = {"command_variant": "1"}
_TARGET: _Wrong = {"target": OTHER}
_NO_ROLES: _Wrong = {"roles": frozenset()}
_SUSPENDED: _Wrong = {"status": PartyStatus.SUSPENDED}
_A_CSP: _Wrong = {"kind": PartyKind.CSP}


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ([], None),
        ([{"service": "soap"}], None),
        ([{"roles": frozenset({Role.GAS_SUPPLIER})}], None),
        ([{"roles": frozenset({Role.IMPORT_SUPPLIER})}], None),
        ([_TARGET], "E19"),
        ([_VARIANT], "E12"),
        ([_WRONG_URL], "E13"),
        ([{"service": "serviceT"}], "E13"),
        ([_SUSPENDED], "E3"),
        ([_NO_ROLES], "E1"),
        ([_A_CSP], "E1"),
        # Of several the first of DUIS's order is told: the user, the role, the URL, the variant, the target.
        ([_VARIANT, _TARGET], "E12"),
        ([_WRONG_URL, _VARIANT, _TARGET], "E13"),
        ([_SUSPENDED, _WRONG_URL, _VARIANT, _TARGET], "E3"),
        ([_NO_ROLES, _SUSPENDED, _WRONG_URL, _VARIANT, _TARGET], "E1"),
        ([_A_CSP, _SUSPENDED, _WRONG_URL, _VARIANT, _TARGET], "E1"),
    ],
)
def test_what_a_supplier_may_not_ask_is_told_by_the_first_code_that_fits(
    walk: StepsWalk, wrong: list[_Wrong], code: str | None
) -> None:
    """T48."""
    said = {key: value for one in wrong for key, value in one.items()}
    service = said.pop("service", "serviceD")
    document = {"request_id": request_id(target=said.pop("target", GATEWAY))}
    document |= {"command_variant": said.pop("command_variant")} if "command_variant" in said else {}
    walk.parties[SUPPLIER] = replace(walk.parties[SUPPLIER], **said)
    assert walk.authorised(walk.signed(reading(**document), Door.DUIS), service=service).refusal == code


def test_a_service_that_is_not_served_is_told_as_such(walk: StepsWalk) -> None:
    body = "<sr:ReadFirmwareVersion/>"
    document = reading(body=body, reference="11.2", version="5.4")
    assert walk.authorised(walk.signed(document, Door.DUIS)).refusal == "E2"


def recorded(store: Store, counter: int, digest: bytes = b"d" * 32) -> None:
    with store.write() as conn:
        evidence.record(
            conn, RequestId(SUPPLIER, GATEWAY, counter), door="duis", kind="SR8.2", outcome="I0", received_at=NOW,
            digest=digest, raw=b"raw", answer=b"the answer",
        )  # fmt: skip


def test_what_was_answered_gets_that_answer_and_what_was_used_otherwise_is_refused(
    walk: StepsWalk, store: Store
) -> None:
    """T39, T40."""
    verified = walk.verified(walk.signed(reading(), Door.DUIS))
    with store.read() as conn:
        assert known(verified, conn) is None
    recorded(store, 1, verified.digest)
    with store.read() as conn:
        assert known(verified, conn) == b"the answer"
        assert known(verified, conn, 10) == b"the answer"
        with pytest.raises(IdentityReused, match="with different content"):
            known(replace(verified, digest=b"x" * 32), conn)


@pytest.mark.parametrize(
    ("counter", "window", "good"),
    [(90, 10, True), (89, 10, False), (1, 0, True), (101, 10, True), (99, 1, True), (98, 1, False)],
)
def test_a_counter_may_be_as_far_below_the_highest_as_the_window_is_wide(
    walk: StepsWalk, store: Store, counter: int, window: int, good: bool
) -> None:
    """T41: to the last one; a window of 0 is none."""
    recorded(store, 100)
    verified = walk.verified(walk.signed(reading(request_id=request_id(counter=counter)), Door.DUIS))
    with store.read() as conn:
        assert known(verified, conn) is None, "without a window any order is good"
        if good:
            assert known(verified, conn, window) is None
            return
        with pytest.raises(IdentityReused, match="below the highest"):
            known(verified, conn, window)
