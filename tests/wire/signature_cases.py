"""Signatures and certificates that do not prove the originator, on every door that takes them (threats T11 to T38)."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree

from duis_gateway.namespaces import ds
from tests.support.independent import sign
from tests.support.signing import one, resigned
from tests.support.wrapping import WRAPS, Wrap
from tests.wire.cases import SIGNED_DOORS, Case, on_doors
from tests.wire.scene import Scene

Change = Callable[[etree._Element], None]
_REFUSED = "401 not-authenticated"
_VALUE = ".//ds:SignatureValue"


def _octets(root: etree._Element) -> bytes:
    return base64.b64decode(one(root, _VALUE).text or "")


def _with_value(make: Callable[[bytes], bytes]) -> Change:
    def change(root: etree._Element) -> None:
        one(root, _VALUE).text = base64.b64encode(make(_octets(root))).decode()

    return change


def _der(octets: bytes) -> bytes:
    return encode_dss_signature(int.from_bytes(octets[:32], "big"), int.from_bytes(octets[32:], "big"))


def _junk(path: str) -> Change:
    def change(root: etree._Element) -> None:
        element = one(root, path)
        element.text = f"!{element.text}"

    return change


def _doubled(path: str) -> Change:
    def change(root: etree._Element) -> None:
        found = one(root, path)
        found.addnext(copy.deepcopy(found))

    return change


def _commented(path: str) -> Change:
    return lambda root: one(root, path).insert(0, etree.Comment("x"))


def _set(path: str, name: str, value: str) -> Change:
    return lambda root: one(root, path).set(name, value)


def _more(path: str, tag: str) -> Change:
    def change(root: etree._Element) -> None:
        etree.SubElement(one(root, path), tag).text = "x"

    return change


def _removed(path: str) -> Change:
    def change(root: etree._Element) -> None:
        found = one(root, path)
        parent = found.getparent()
        assert parent is not None
        parent.remove(found)

    return change


def _to_the_front(root: etree._Element) -> None:
    root.insert(0, one(root, "ds:Signature"))


def _tampered(root: etree._Element) -> None:
    body = root[-2]
    body.text = (body.text or "") + "\n"


BENT: dict[str, tuple[Change, str]] = {
    "T20 a comment in the value": (_commented(_VALUE), "malformed"),
    "T27 DER": (_with_value(_der), "not 64"),
    "T27 63 octets": (_with_value(lambda octets: octets[:63]), "not 64"),
    "T27 r and s are 0": (_with_value(lambda _octets: bytes(64)), "signature value wrong"),
    "T29 junk in the value": (_junk(_VALUE), "malformed"),
    "T30 an Object": (_more("ds:Signature", ds("Object")), "malformed"),
    "T30 a KeyValue": (_more(".//ds:KeyInfo", ds("KeyValue")), "malformed"),
    "T30 a certificate carried along": (_more(".//ds:X509Data", ds("X509Certificate")), "malformed"),
    "T31 an empty signature": (lambda root: one(root, "ds:Signature").clear(), "malformed"),
    "T31 the signature in front": (_to_the_front, "malformed"),
    "T32 a line end more": (_tampered, "digest differs"),
    "T19 two KeyInfo": (_doubled(".//ds:KeyInfo"), "malformed"),
    "T11 two signatures": (_doubled("ds:Signature"), "malformed"),
}
"""Changes after the message was signed; what they bend is outside of what the value covers, or the digest tells."""

SIGNED_SO: dict[str, tuple[Change, str]] = {
    "T19 two references": (_doubled(".//ds:Reference"), "malformed"),
    "T19 two digests": (_doubled(".//ds:DigestValue"), "malformed"),
    "T20 a comment in the digest": (_commented(".//ds:DigestValue"), "malformed"),
    "T23 a reference by id": (_set(".//ds:Reference", "URI", "#x"), "URI"),
    "T23 a reference to somewhere": (_set(".//ds:Reference", "URI", "http://127.0.0.1:1/x"), "URI"),
    "T23 XPath": (_set(".//ds:Transform", "Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116"), "malformed"),
    "T23 no transform": (_removed(".//ds:Transform"), "malformed"),
    "T26 HMAC": (
        _set(".//ds:SignatureMethod", "Algorithm", "http://www.w3.org/2000/09/xmldsig#hmac-sha1"),
        "algorithm",
    ),
    "T26 SHA-1": (_set(".//ds:DigestMethod", "Algorithm", "http://www.w3.org/2000/09/xmldsig#sha1"), "algorithm"),
    "T29 junk in the digest": (_junk(".//ds:DigestValue"), "malformed"),
}
"""Signed in another profile, by the party's own good key."""

CERTIFICATES = {
    "T22 another's key": ("key of another", "signature value wrong"),
    "T33 expired": ("expired", "expired"),
    "T33 not yet valid": ("not yet valid", "not yet valid"),
    "T34 revoked": ("revoked", "revoked"),
    "T35 of the wrong kind": ("of the wrong kind", "wrong kind"),
    "T36 registered with nobody": ("unregistered", "unknown"),
    "T36 of a CA that is not known": ("of another CA", "trust anchor"),
    "T36 a lookalike": ("lookalike", "signature value wrong"),
    "T37 another party's": ("south", "another party"),
}
ISSUERS = {
    "T36 an issuer that does not exist": ("CN=Z2,OU=07", "unknown"),
    "T36 an issuer of another unit": ("CN=Z1,OU=08", "unknown"),
    "T36 an issuer without its name": ("OU=07", "unknown"),
    **{
        f"T36 an issuer that is no name: {name}": (name, "")
        for name in ("CN=#zz", "CN=\\", "=Z1", "CN=Z1,,OU=07", "9.9=x")
    },
}


def _bent(change: Change, *, anew: bool) -> Callable[[Scene, str], bytes]:
    def sent(scene: Scene, door: str) -> bytes:
        signed = scene.signed(door)
        if anew:
            return scene.carry(door, resigned(signed, change, scene.signer(door).private_key))
        root = etree.fromstring(signed)
        change(root)
        return scene.carry(door, etree.tostring(root))

    return sent


def _wrapped(wrap: Wrap) -> Callable[[Scene, str], bytes]:
    def sent(scene: Scene, door: str) -> bytes:
        forged, original = etree.fromstring(scene.unsigned(door)), etree.fromstring(scene.signed(door))
        return scene.carry(door, etree.tostring(wrap(forged, original)))

    return sent


def _with_certificate(kind: str) -> Callable[[Scene, str], bytes]:
    return lambda scene, door: scene.carry(door, scene.signed(door, signer=kind))


def _of_issuer(issuer: str) -> Callable[[Scene, str], bytes]:
    def sent(scene: Scene, door: str) -> bytes:
        return scene.carry(door, sign(scene.unsigned(door), replace(scene.signer(door), issuer=issuer)))

    return sent


SIGNATURES: list[Case] = [
    *on_doors(
        SIGNED_DOORS, "T31 no signature", lambda scene, door: scene.carry(door, scene.unsigned(door)), _REFUSED,
        "no signature",
    ),
    *(
        case
        for table, anew in ((BENT, False), (SIGNED_SO, True))
        for name, (change, says) in table.items()
        for case in on_doors(SIGNED_DOORS, name, _bent(change, anew=anew), _REFUSED, says)
    ),
    *(
        case
        for name, wrap in WRAPS.items()
        for case in on_doors(SIGNED_DOORS, f"T11 to T18 {name}", _wrapped(wrap), _REFUSED)
    ),
    *(
        case
        for name, (kind, says) in CERTIFICATES.items()
        for case in on_doors(("duis", "csp", "esi"), name, _with_certificate(kind), _REFUSED, says)
    ),
    *(
        case
        for name, (issuer, says) in ISSUERS.items()
        for case in on_doors(("duis", "csp", "esi"), name, _of_issuer(issuer), _REFUSED, says)
    ),
]  # fmt: skip
