"""Proven messages that may not be: schemas, versions, roles, doors, identities; and envelopes (T39 to T48, T57)."""

from __future__ import annotations

from collections.abc import Callable

from duis_gateway.namespaces import SOAP_ENVELOPE
from tests.support.doors import envelope
from tests.support.independent import sign
from tests.support.installation import GATEWAY
from tests.support.soap_shapes import refused_shapes
from tests.wire.cases import Case, on_doors
from tests.wire.scene import PATHS, Scene

_XSI = b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_DOORS = ("duis", "csp", "esi")


def _replaced(old: bytes, new: bytes) -> Callable[[Scene, str], bytes]:
    def sent(scene: Scene, door: str) -> bytes:
        document = scene.unsigned(door)
        assert old in document, old
        return scene.carry(door, scene.signed(door, document.replace(old, new)))

    return sent


DUIS = {
    "T44 an unknown version": (b'schemaVersion="6.0"', b'schemaVersion="7.0"', "400 not-valid", "served"),
    "T44 no version": (b'schemaVersion="6.0"', b'schemaVersion="six"', "400 not-valid", "decimal"),
    "T44 xsi:type": (b"<sr:ReadInventory>", b'<sr:ReadInventory %b xsi:type="sr:EUI">' % _XSI, "400 not-valid", ""),
    "T44 xsi:nil": (b"<sr:DeviceID>", b'<sr:DeviceID %b xsi:nil="true">' % _XSI, "400 not-valid", ""),
    "T44 more in the body": (b"</sr:ReadInventory>", b"<sr:Extra/></sr:ReadInventory>", "400 not-valid", ""),
    "T44 more in the header": (b"</sr:Header>", b"<sr:Extra/></sr:Header>", "400 not-valid", ""),
    "T44 another service's body": (b">8.2<", b">11.5<", "400 not-valid", "not that of service reference 11.5"),
    "T44 another service's variant": (b"Variant>8.2<", b"Variant>11.5<", "400 not-valid", ""),
    "T46 a device that is none": (b"<sr:DeviceID>", b"<sr:DeviceID>0", "400 not-valid", ""),
    "T43 a counter beyond 64 bits": (b"</sr:RequestID>", b"99999999999999999999</sr:RequestID>", "400 not-valid", ""),
    "T43 a counter with a sign": (b":%b:" % GATEWAY.encode(), b":%b:-" % GATEWAY.encode(), "400 not-valid", ""),
    "E12 another variant": (b"CommandVariant>8<", b"CommandVariant>1<", "200 E12", ""),
    "E19 another gateway": (GATEWAY.encode(), b"90-B3-D5-1F-30-00-00-03", "200 E19", ""),
}


def _reads(supplier: str, device: Callable[[Scene], str], path: str = PATHS["duis"]) -> Callable[[Scene], bytes]:
    def sent(scene: Scene) -> bytes:
        document = scene.play.reading(supplier, device(scene))
        return scene.post(path, sign(document, scene.play[supplier].identity))

    return sent


def _own(scene: Scene) -> str:
    return scene.hub


def _foreign(scene: Scene) -> str:
    return scene.play.lot["on54"][0]


def _on_another_door(name: str, door: str) -> Callable[[Scene], bytes]:
    """A message of the door that this sender would sign, were it of that kind."""

    def sent(scene: Scene) -> bytes:
        actor, owner = scene.play[name], {"csp": "north", "esi": "dcc"}[door]
        document = scene.unsigned(door).replace(scene.play[owner].eui.encode(), actor.eui.encode())
        return scene.post(PATHS[door], sign(document, actor.identity))

    return sent


def _used_before(scene: Scene, door: str) -> bytes:
    """The identity of a message that was accepted, with other content."""
    first = scene.unsigned(door)
    scene.exchange(door, scene.carry(door, scene.signed(door, first)))
    scene.play.settle()
    return scene.carry(door, scene.signed(door, _other(first)))


def _other(document: bytes) -> bytes:
    at = document.rindex(b"</")
    return document[:at] + b" " + document[at:]


MESSAGES: list[Case] = [
    *(
        case
        for name, (old, new, expected, says) in DUIS.items()
        for case in on_doors(("duis", "soap"), name, _replaced(old, new), expected, says)
    ),
    *on_doors(("csp",), "T44 more in the header", _replaced(b"</Header>", b"<Extra/></Header>"), "400 not-valid"),
    *on_doors(("esi",), "T44 more in the header", _replaced(b"</esi:Header>", b"<x/></esi:Header>"), "400 not-valid"),
    *on_doors(("csp",), "T46 a time without a zone", _replaced(b"Z</CreatedAt>", b"</CreatedAt>"), "400 not-valid"),
    *on_doors(("esi",), "T46 a day that is none", _replaced(b"2027-03-30T", b"2027-02-30T"), "400 not-valid"),
    *on_doors((*_DOORS, "soap"), "T40 an identity used before", _used_before, "409 identity-reused"),
    Case("E1 no role", "duis", _reads("roleless", _own), "200 E1"),
    Case("E3 suspended", "duis", _reads("suspended", _own), "200 E3"),
    Case("T48 another supplier's hub", "duis", _reads("gas", _foreign), "200 E4"),
    Case("T48 a hub that nobody has", "duis", _reads("main", lambda _scene: "00-DB-FF-FF-FF-FF-FF-FF"), "200 E19"),
    Case("E13 another URL", "duis", _reads("main", _own, "/api/v1/serviceS"), "200 E13"),
    Case("a supplier", "csp", _on_another_door("main", "csp"), "403 not-entitled", "is not registered"),
    Case("DCC", "csp", _on_another_door("dcc", "csp"), "403 not-entitled"),
    Case("a supplier", "esi", _on_another_door("main", "esi"), "403 not-entitled"),
    Case("a CSP", "esi", _on_another_door("north", "esi"), "403 not-entitled"),
    Case("a supplier's request", "csp", lambda scene: scene.post(PATHS["csp"], scene.signed("duis")), "400 not-valid"),
    Case("a supplier's request", "esi", lambda scene: scene.post(PATHS["esi"], scene.signed("duis")), "400 not-valid"),
    Case("a CSP's message", "duis", lambda scene: scene.post(PATHS["duis"], scene.signed("csp")), "400 not-valid"),
]  # fmt: skip


def _in_envelope(make: Callable[[bytes], bytes]) -> Callable[[Scene], bytes]:
    return lambda scene: scene.post(PATHS["soap"], make(scene.signed("soap").partition(b"-->\n")[2]), "text/xml")


def _shape(name: str) -> Callable[[bytes], bytes]:
    return lambda request: refused_shapes(request)[name]


_SOAP_1_2 = b"http://www.w3.org/2003/05/soap-envelope"
SOAP: list[Case] = [
    *(
        Case(f"T57 {name}", "soap", _in_envelope(_shape(name)), "400 soap-envelope-refused")
        for name in refused_shapes(b"")
    ),
    Case("T49 SOAP 1.2", "soap",
         _in_envelope(lambda request: envelope(request).replace(SOAP_ENVELOPE.encode(), _SOAP_1_2)),
         "415 soap-version-mismatch"),
    Case("T49 a header to be understood", "soap",
         _in_envelope(lambda request: envelope(request, header=b'<s:Header><x s:mustUnderstand="1"/></s:Header>')),
         "400 soap-header-not-understood"),
    Case("T49 a GET without ?wsdl", "soap", lambda scene: scene.get("/soap"), "405 method-not-allowed"),
]  # fmt: skip
