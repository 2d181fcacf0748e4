"""The SOAP door: the same handler and the same bytes inside as the plain XML door."""

from __future__ import annotations

from duis_gateway.conformance.clause import Clause, Era, brings
from duis_gateway.conformance.clauses.requests import DOOR, read_inventory
from duis_gateway.conformance.clauses.said import group, list_request, own, schedule
from duis_gateway.conformance.notices import Terms
from duis_gateway.conformance.subject import Reply, Subject, expect
from duis_gateway.envelope.signature import sign


def _signed(subject: Subject, version: str) -> bytes:
    return sign(read_inventory(subject, version), subject.supplier(version).key)


@brings("I0")
def _is_served(subject: Subject, version: str) -> None:
    """The answer, cut out of its envelope, verifies by itself; it is of the request's version and names it."""
    request_id = subject.request_id(subject.supplier(version))
    document = read_inventory(subject, version, request_id=request_id)
    reply = subject.post_soap(sign(document, subject.supplier(version).key))
    reply.is_code("I0")
    expect(reply.text("RequestID"), request_id, "RequestID of the answer")
    expect(reply.root is not None and reply.root.get("schemaVersion"), version, "schemaVersion of the answer")


def _is_a_fault(subject: Subject, version: str) -> None:
    """Tampered with after it was signed; not signed; not valid."""
    by = subject.supplier(version)
    subject.post_soap(_signed(subject, version).replace(by.hubs[0].encode(), by.hubs[1].encode())).is_fault("Client")
    document = read_inventory(subject, version)
    subject.post_soap(document).is_fault("Client")
    invalid = document.replace(b"</sr:ReadInventory>", b"<sr:Other/></sr:ReadInventory>")
    subject.post_soap(sign(invalid, by.key)).is_fault("Client")


@brings("E1", "E12")
def _codes_are_the_same(subject: Subject, version: str) -> None:
    """What is refused after authorisation is a signed answer here too, and no fault."""
    by = subject.supplier(version)
    subject.post_soap(sign(read_inventory(subject, version, variant="1"), by.key)).is_code("E12")
    roleless = subject.profile["roleless"]
    subject.post_soap(sign(read_inventory(subject, version, roleless), roleless.key)).is_code("E1")


@brings("I0")
def _same_bytes_through_either_door(subject: Subject, version: str) -> None:
    def plain(signed: bytes) -> Reply:
        return subject.post(DOOR, signed)

    for first, second in ((plain, subject.post_soap), (subject.post_soap, plain)):
        signed = _signed(subject, version)
        answer = first(signed)
        answer.is_code("I0")
        expect(second(signed).body, answer.body, "the answer to the same request through the other door")


def _other_content(subject: Subject, version: str) -> None:
    by = subject.supplier(version)
    document = read_inventory(subject, version)
    subject.send(by, document).is_code("I0")
    other = document.replace(by.hubs[0].encode(), by.hubs[1].encode())
    subject.post_soap(sign(other, by.key)).is_fault("Client")


@brings("I99")
def _list_is_taken_once(subject: Subject, _: str) -> None:
    """11.5 over SOAP and again as plain XML: one answer, and DCC and the CSP hear of it once."""
    by = subject.supplier("6.0")
    with subject.release() as release:
        signed = sign(list_request(subject, release, own(subject)), by.key)
        answer = subject.post_soap(signed)
        answer.is_code("I99")
        expect(subject.post(DOOR, signed).body, answer.body, "the answer to the same request through the other door")
        # What comes after it to the same parties, in order, says that nothing else is on its way.
        schedule(subject, release, group(subject, "G1", own(subject), "Pilot")).is_code("I99")
        for name, body in (("csp", "PreferredPilotSchedule>"), ("dcc", "PreferredPilotScheduleReport>")):
            subject.message(subject.profile[name], body, f">{release.id}<")
            lists = subject.came(subject.profile[name], body.replace("Schedule", "List"), f">{release.id}<")
            expect(len(lists), 1, f"lists that {name} has got")


@brings("E110503")
def _list_is_refused(subject: Subject, _: str) -> None:
    by = subject.supplier("6.0")
    with subject.release(Terms(days=(-30, -1))) as release:
        subject.post_soap(sign(list_request(subject, release, own(subject)), by.key)).is_code("E110503")


CLAUSES = (
    Clause("soap", "SOAP 1.1; fault Client", Era.EXISTING, _is_served, _is_a_fault,
           requirements=("FIA-4", "FIA-6")),
    Clause("soap_repeat", "SOAP 1.1; one answer through either door", Era.EXISTING, _same_bytes_through_either_door,
           _other_content, requirements=("FIA-4", "FIA-6")),
    Clause("soap_codes", "SOAP 1.1; a response code is no fault", Era.EXISTING, _is_served, _codes_are_the_same,
           requirements=("FIA-4", "FIA-6")),
    Clause("soap_list", "SOAP 1.1; 11.5", Era.NEW, _list_is_taken_once, _list_is_refused, ("6.0",),
           ("A04", "PIA-1")),
)  # fmt: skip
"""What goes by the SOAP door."""
