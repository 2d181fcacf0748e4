"""What every Service Request must be, in every DUIS version: identity, header, door, signature, schema."""

from __future__ import annotations

import secrets
from dataclasses import replace

from duis_gateway.conformance.clause import Clause, Era, Play, brings
from duis_gateway.conformance.profile import Actor
from duis_gateway.conformance.subject import Reply, Subject, expect
from duis_gateway.envelope.signature import sign

DOOR = "/api/v1/serviceD"


def read_inventory(
    subject: Subject, version: str, by: Actor | None = None, *, request_id: str | None = None, variant: str = "8"
) -> bytes:
    """Return an unsigned 8.2 for a hub of the supplier on this version, by it unless told otherwise."""
    owner = subject.supplier(version)
    body = f"<sr:ReadInventory>{_device(owner.hubs[0])}</sr:ReadInventory>"
    return subject.request(by or owner, version, body, request_id=request_id, variant=variant)


def _device(hub: str) -> str:
    return f"<sr:DeviceID>{hub}</sr:DeviceID>"


@brings("I0")
def _is_served(subject: Subject, version: str) -> None:
    _send(subject, version).is_code("I0")


def _send(
    subject: Subject,
    version: str,
    service: str = "serviceD",
    *,
    request_id: str | None = None,
    variant: str = "8",
) -> Reply:
    document = read_inventory(subject, version, request_id=request_id, variant=variant)
    return subject.send(subject.supplier(version), document, service)


def _changed(old: bytes, new: bytes, status: int = 400) -> Play:
    """A case in which the request is changed before it is signed, and refused."""

    def play(subject: Subject, version: str) -> None:
        document = read_inventory(subject, version)
        expect(old in document, True, f"the request has {old!r}")
        subject.send(subject.supplier(version), document.replace(old, new, 1)).is_status(status)

    return play


def _id_is_echoed(subject: Subject, version: str) -> None:
    request_id = subject.request_id(subject.supplier(version))
    reply = _send(subject, version, request_id=request_id)
    reply.is_code("I0")
    expect(reply.text("RequestID"), request_id, "RequestID of the answer")


def _bad_id(subject: Subject, version: str) -> None:
    for text in ("1000", f"{subject.supplier(version).eui}:1000", subject.request_id(subject.supplier(version)) + ":1"):
        _send(subject, version, request_id=text).is_status(400)


def _same_again(subject: Subject, version: str) -> None:
    signed = sign(read_inventory(subject, version), subject.supplier(version).key)
    first, second = (subject.post(DOOR, signed) for _ in range(2))
    first.is_code("I0")
    expect(second.body, first.body, "the answer to the same request again")


def _other_content(subject: Subject, version: str) -> None:
    by = subject.supplier(version)
    document = read_inventory(subject, version)
    subject.send(by, document).is_code("I0")
    subject.send(by, document.replace(by.hubs[0].encode(), by.hubs[1].encode())).is_status(409)


def _high_counter(subject: Subject, version: str) -> None:
    """Counters are unsigned and of 64 bits; each is used once, so the pack takes another in each run."""
    by = subject.supplier(version)
    request_id = f"{subject.request_id(by).rpartition(':')[0]}:{2**64 - 1 - secrets.randbits(40)}"
    _send(subject, version, request_id=request_id).is_code("I0")


def _counter_zero(subject: Subject, version: str) -> None:
    by = subject.supplier(version)
    _send(subject, version, request_id=f"{subject.request_id(by).rpartition(':')[0]}:0").is_status(400)


@brings("E12")
def _another_variant(subject: Subject, version: str) -> None:
    for variant in ("1", "4"):
        _send(subject, version, variant=variant).is_code("E12")


@brings("E13")
def _another_url(subject: Subject, version: str) -> None:
    for service in ("serviceS", "serviceT"):
        _send(subject, version, service).is_code("E13")


def _by(name: str, code: str) -> Play:
    def play(subject: Subject, version: str) -> None:
        by = subject.profile[name]
        subject.send(by, read_inventory(subject, version, by)).is_code(code)

    return brings(code)(play)


@brings("E19")
def _another_target(subject: Subject, version: str) -> None:
    request_id = subject.request_id(subject.supplier(version), "90-B3-D5-1F-3F-FF-FF-FF")
    _send(subject, version, request_id=request_id).is_code("E19")


@brings("E2")
def _not_served(subject: Subject, version: str) -> None:
    by = subject.supplier(version)
    for reference, body in (("8.4", "UpdateInventory"), ("11.2", "ReadFirmwareVersion")):
        subject.send(by, subject.request(by, version, f"<sr:{body}/>", reference)).is_code("E2")


def _unsigned(subject: Subject, version: str) -> None:
    subject.post(DOOR, read_inventory(subject, version)).is_status(401)


def _tampered(subject: Subject, version: str) -> None:
    by = subject.supplier(version)
    signed = sign(read_inventory(subject, version), by.key)
    subject.post(DOOR, signed.replace(by.hubs[0].encode(), by.hubs[1].encode())).is_status(401)


def _another_key(subject: Subject, version: str) -> None:
    key = replace(subject.profile["dcc"].key, issuer=subject.supplier(version).key.issuer)
    key = replace(key, serial=subject.supplier(version).key.serial)
    subject.post(DOOR, sign(read_inventory(subject, version), key)).is_status(401)


def _another_party(subject: Subject, version: str) -> None:
    other = subject.supplier("5.0" if version != "5.0" else "6.0")
    subject.post(DOOR, sign(read_inventory(subject, version), other.key)).is_status(401)


def _unknown_certificate(subject: Subject, version: str) -> None:
    key = replace(subject.supplier(version).key, serial=1)
    subject.post(DOOR, sign(read_inventory(subject, version), key)).is_status(401)


def _older_version(subject: Subject, version: str) -> None:
    """A user may ask under any version up to its own."""
    by = subject.supplier(version)
    document = read_inventory(subject, version).replace(f'"{version}"'.encode(), b'"5.0"', 1)
    reply = subject.send(by, document)
    reply.is_code("I0")
    expect(reply.root is not None and reply.root.get("schemaVersion"), "5.0", "schemaVersion of the answer")


def _unknown_version(subject: Subject, version: str) -> None:
    newer = {"5.0": "5.1", "5.1": "6.0", "6.0": "7.0"}[version]
    for text in ("4.9", "six", newer):
        document = read_inventory(subject, version).replace(f'"{version}"'.encode(), f'"{text}"'.encode(), 1)
        subject.send(subject.supplier(version), document).is_status(400)


@brings("I0")
def _own_hub(subject: Subject, version: str) -> None:
    reply = _send(subject, version)
    reply.is_code("I0")
    expect(reply.text("DeviceID"), subject.supplier(version).hubs[0], "DeviceID of the answer")


@brings("E4", "E19")
def _others_hubs(subject: Subject, version: str) -> None:
    by = subject.supplier(version)
    other = subject.supplier("5.0" if version != "5.0" else "6.0").hubs[0]
    for hub, code in ((other, "E4"), ("00-DB-12-FF-FF-FF-FF-FF", "E19")):
        body = f"<sr:ReadInventory>{_device(hub)}</sr:ReadInventory>"
        subject.send(by, subject.request(by, version, body)).is_code(code)


@brings("E2")
def _by_address(subject: Subject, version: str) -> None:
    """By UPRN, MPxN or property: E2, for nobody can say that there is no such hub."""
    place = "<sr:PostCode>AB1 2CD</sr:PostCode><sr:AddressIdentifier>7</sr:AddressIdentifier>"
    keys = (
        "<sr:UPRN>1</sr:UPRN>",
        "<sr:MPxN>1234567890123</sr:MPxN>",
        f"<sr:PropertyFilter>{place}</sr:PropertyFilter>",
    )
    by = subject.supplier(version)
    for key in keys:
        subject.send(by, subject.request(by, version, f"<sr:ReadInventory>{key}</sr:ReadInventory>")).is_code("E2")


def _media_type(subject: Subject, version: str) -> None:
    signed = sign(read_inventory(subject, version), subject.supplier(version).key)
    for media in ("text/plain", "application/json"):
        subject.post(DOOR, signed, media).is_status(415)


def _unsafe(subject: Subject, version: str) -> None:
    signed = sign(read_inventory(subject, version), subject.supplier(version).key)
    for before in (b'<!DOCTYPE x [<!ENTITY a "b">]>', b"<!DOCTYPE x>", b"<?pi x?>", b"<a/>"):
        subject.post(DOOR, before + signed).is_status(400)


def _clause(name: str, source: str, refuses: Play, accepts: Play = _is_served) -> Clause:
    return Clause(name, source, Era.EXISTING, accepts, refuses, requirements=("FIA-4", "FIA-6"))


CLAUSES = (
    _clause("request_id", "DUIS 2.6: RequestID", _bad_id, _id_is_echoed),
    _clause("repeat", "DUIS 2.6: a RequestID is used once", _other_content, _same_again),
    _clause("counter", "DUIS 2.6: Originator Counter", _counter_zero, _high_counter),
    _clause("command_variant", "DUIS 2.6: CommandVariant; E12", _another_variant),
    _clause("url", "DUIS 2.2: service URLs; E13", _another_url),
    _clause("role", "DUIS 2.5: user roles; E1", _by("roleless", "E1")),
    _clause("user_status", "DUIS 2.5: user status; E3", _by("suspended", "E3")),
    _clause("target", "DUIS 2.6: Target; E19", _another_target),
    _clause("service_reference", "DUIS 3: Service Requests; E2", _not_served),
    _clause("signature", "DUIS 2.4: every request is signed", _unsigned),
    _clause("digest", "DUIS 2.4: the digest is over the whole request", _tampered),
    _clause("signature_value", "DUIS 2.4: the value is the signer's", _another_key),
    _clause("originator", "DUIS 2.4: the signer is the originator", _another_party),
    _clause("certificate", "DUIS 2.4: the certificate is a known one", _unknown_certificate),
    _clause("schema_version", "DUIS 2.7: schemaVersion", _unknown_version, _older_version),
    _clause(
        "schema", "DUIS 2.7: the request is valid", _changed(b"</sr:ReadInventory>", b"<sr:Other/></sr:ReadInventory>")
    ),
    _clause("body", "DUIS 2.6: the body is the reference's", _changed(b">8.2<", b">11.2<")),
    _clause("read_inventory", "DUIS 3.8: 8.2; E4, E19", _others_hubs, _own_hub),
    _clause("inventory_key", "DUIS 3.8: 8.2 by address; E2", _by_address, _own_hub),
    _clause("media_type", "DUIS 2.2: application/xml", _media_type),
    _clause("safe_xml", "DUIS 2.2: XML without a DTD", _unsafe),
)
"""What users of DUIS know from before."""
