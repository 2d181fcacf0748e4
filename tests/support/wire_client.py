"""A party's end of the wire, written from the interfaces' pages: it imports nothing of the project.

Documents are hand-written fixture files (`tests/fixtures`) with `$placeholders`. Whatever the gateway sends, answers
and deliveries alike, is proven here by code of its own before a test looks at it.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from urllib.parse import urlsplit
from xml.sax.saxutils import escape, quoteattr

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"

SR = "http://www.dccinterface.co.uk/ServiceUserGateway"
CSP = "urn:csp-mgmt-gw:1"
ESI = "urn:esi:1"
DS = "http://www.w3.org/2000/09/xmldsig#"
PROBLEM = "urn:ietf:rfc:7807"
SOAP_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"

_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
_SIGNED_INFO = (
    f'<ds:SignedInfo xmlns:ds="{DS}"><ds:CanonicalizationMethod Algorithm="{_EXCLUSIVE}"></ds:CanonicalizationMethod>'
    f'<ds:SignatureMethod Algorithm="{_ECDSA_SHA256}"></ds:SignatureMethod><ds:Reference URI=""><ds:Transforms>'
    f'<ds:Transform Algorithm="{_ENVELOPED}"></ds:Transform></ds:Transforms>'
    f'<ds:DigestMethod Algorithm="{_SHA256}"></ds:DigestMethod>'
    "<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
)
_ENVELOPE = (
    f'<soap:Envelope xmlns:soap="{SOAP_ENVELOPE}"><soap:Body>'
    '<gw:SubmitServiceRequest xmlns:gw="urn:duis-gateway:soap:1"><gw:ServiceRequest>{}'
    "</gw:ServiceRequest></gw:SubmitServiceRequest></soap:Body></soap:Envelope>"
)


@dataclass(frozen=True)
class Identity:
    """Who signs: an EUI-64 as text, a private key, and what the signature names the certificate by."""

    eui: str
    private_key: ec.EllipticCurvePrivateKey
    issuer: str
    serial: int

    @classmethod
    def load(cls, eui: str, key: Path, certificate: Path) -> Identity:
        """Read the two files of a party."""
        private_key = load_pem_private_key(key.read_bytes(), None)
        assert isinstance(private_key, ec.EllipticCurvePrivateKey)
        read = x509.load_pem_x509_certificate(certificate.read_bytes())
        return cls(eui, private_key, read.issuer.rfc4514_string(), read.serial_number)


def fill(name: str, **values: object) -> bytes:
    """Return a fixture file with its placeholders filled in; what is filled in is XML already."""
    return Template((FIXTURES / name).read_text(encoding="utf-8")).substitute(values).encode()


def element(name: str, *content: str, **attributes: str) -> str:
    """Return an element whose content is XML already."""
    given = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{given}>{''.join(content)}</{name}>"


def devices(name: str, ids: Iterable[str]) -> str:
    """Return a DeviceIDList under this name, or nothing for no devices."""
    listed = ",".join(ids)
    return element(name, listed) if listed else ""


def sign(document: bytes, identity: Identity) -> bytes:
    """Return the document with a signature in DUIS's profile as the last child of its root.

    The digest is over inclusive C14N 1.0, SignedInfo in exclusive C14N, the value r and s.
    """
    content = _canonical(_without_signature(etree.fromstring(document)))
    signed_info = _SIGNED_INFO.format(digest=base64.b64encode(hashlib.sha256(content).digest()).decode())
    r, s = decode_dss_signature(identity.private_key.sign(signed_info.encode(), ec.ECDSA(SHA256())))
    value = base64.b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")).decode()
    signature = (
        f'<ds:Signature xmlns:ds="{DS}">{signed_info}<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo>'
        f"<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>{escape(identity.issuer)}</ds:X509IssuerName>"
        f"<ds:X509SerialNumber>{identity.serial}</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data>"
        "</ds:KeyInfo></ds:Signature>"
    )
    end = document.rindex(b"</")
    return document[:end] + signature.encode() + document[end:]


def _without_signature(root: etree._Element) -> etree._Element:
    """Return the root without its signature; the text behind that stays, as the transform has it."""
    for found in root.findall(f"{{{DS}}}Signature"):
        before = found.getprevious()
        if before is None:
            root.text = (root.text or "") + (found.tail or "")
        else:
            before.tail = (before.tail or "") + (found.tail or "")
        root.remove(found)
    return root


def _canonical(root: etree._Element, *, exclusive: bool = False) -> bytes:
    return etree.tostring(root, method="c14n", exclusive=exclusive, with_comments=False)


class NotProven(AssertionError):
    """What came from the gateway does not carry the signature that it must carry."""


def prove(document: bytes, certificate: x509.Certificate) -> etree._Element:
    """Return the root of a document that this certificate's owner signed in DUIS's profile, without the signature."""
    root = etree.fromstring(document)
    signatures = list(root.iter(f"{{{DS}}}Signature"))
    if len(signatures) != 1 or root[-1] is not signatures[0]:
        raise NotProven("there is not one signature, the last child of the root")
    signature = deepcopy(signatures[0])
    expected = hashlib.sha256(_canonical(_without_signature(root))).digest()
    signed_info = signature[0]
    if _canonical(signed_info, exclusive=True).decode() != _SIGNED_INFO.format(
        digest=base64.b64encode(expected).decode()
    ):
        raise NotProven("SignedInfo is not DUIS's, or the digest is of something else")
    named = [signature.findtext(f".//{{{DS}}}{name}") for name in ("X509IssuerName", "X509SerialNumber")]
    if named != [certificate.issuer.rfc4514_string(), str(certificate.serial_number)]:
        raise NotProven(f"the signature names another certificate: {named}")
    _check_value(base64.b64decode(signature.findtext(f"{{{DS}}}SignatureValue") or ""), signed_info, certificate)
    return root


def _check_value(value: bytes, signed_info: etree._Element, certificate: x509.Certificate) -> None:
    key = certificate.public_key()
    if len(value) != 64 or not isinstance(key, ec.EllipticCurvePublicKey):
        raise NotProven("the signature value is not r and s of P-256")
    der = encode_dss_signature(int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big"))
    try:
        key.verify(der, _canonical(signed_info, exclusive=True), ec.ECDSA(SHA256()))
    except InvalidSignature:
        raise NotProven("the signature value is not this key's") from None


def texts(root: etree._Element, name: str) -> list[str]:
    """Return the text of every element of this local name, in document order."""
    return [found.text or "" for found in root.iter(f"{{*}}{name}")]


def only(root: etree._Element, name: str) -> str:
    """Return the text of the one element of this local name."""
    (text,) = texts(root, name)
    return text


def listed(root: etree._Element, name: str) -> list[str]:
    """Return the devices of the one list of this name; none where there is no such list."""
    found = texts(root, name)
    assert len(found) <= 1, f"{name} stands there {len(found)} times"
    return found[0].split(",") if found else []


@dataclass(frozen=True)
class Answer:
    """What came back in one HTTP exchange; `document` is the signed one, cut out of its envelope if it had one."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    document: bytes = b""
    proven: etree._Element | None = None

    @property
    def root(self) -> etree._Element:
        """The proven answer."""
        assert self.proven is not None, f"HTTP {self.status}: {self.body[:2000]!r}"
        return self.proven

    @property
    def code(self) -> str:
        """The ResponseCode of a Service Response, or the Status of an Acknowledgement."""
        return only(self.root, "Status" if self.root.tag.startswith("{urn:") else "ResponseCode")

    @property
    def lists(self) -> dict[str, list[str]]:
        """The lists of `DSPPilotListWarning` by name."""
        found = self.root.iterfind(f".//{{{SR}}}DSPPilotListWarning/*")
        return {etree.QName(one).localname: (one.text or "").split(",") for one in found}

    @property
    def refused_items(self) -> dict[str, str]:
        """The refused items of an Acknowledgement, each with its reason."""
        return dict(zip(texts(self.root, "Item"), texts(self.root, "Reason"), strict=True))

    def problem(self, name: str) -> str:
        """Return a member of the problem details of a refusal."""
        assert self.headers["content-type"] == "application/problem+xml", self.body[:2000]
        return only(etree.fromstring(self.body), name)


@dataclass(frozen=True)
class Client:
    """One party's client: signs with its identity, posts, and proves what comes back."""

    url: str
    identity: Identity
    gateway: x509.Certificate
    timeout: float = field(default=60.0)

    def send_duis(self, document: bytes, service: str = "serviceD") -> Answer:
        """Sign a Service Request and post it to the plain XML door."""
        return self.post(f"/api/v1/{service}", sign(document, self.identity))

    def send_soap(self, document: bytes) -> Answer:
        """Sign a Service Request and post it to the SOAP door."""
        return self.post_soap(sign(document, self.identity))

    def send_csp(self, document: bytes) -> Answer:
        """Sign a message and post it to the CSP Management Gateway interface."""
        return self.post("/csp-mgmt-gw/v1/messages", sign(document, self.identity))

    def send_esi(self, document: bytes) -> Answer:
        """Sign a message and post it to the Enterprise Systems Interface."""
        return self.post("/esi/v1/messages", sign(document, self.identity))

    def post_soap(self, signed: bytes) -> Answer:
        """Post a signed Service Request in an envelope; it stands there byte for byte, without its XML declaration."""
        bare = signed[signed.index(b"<sr:Request") :] if signed.startswith(b"<?xml") else signed
        answer = self.exchange("POST", "/soap", _ENVELOPE.format(bare.decode()).encode(), "text/xml; charset=utf-8")
        if answer.status != 200:
            return answer
        cut = answer.body[answer.body.index(b"<sr:Response") :]
        document = cut[: cut.index(b"</sr:Response>") + len(b"</sr:Response>")]
        return Answer(answer.status, answer.headers, answer.body, document, prove(document, self.gateway))

    def post(self, path: str, document: bytes, media: str = "application/xml") -> Answer:
        """Post a document as it is."""
        answer = self.exchange("POST", path, document, media)
        if answer.status != 200:
            return answer
        return Answer(answer.status, answer.headers, answer.body, answer.body, prove(answer.body, self.gateway))

    def exchange(self, method: str, path: str, body: bytes | None = None, media: str | None = None) -> Answer:
        """Make one HTTP request and return the answer, whatever it is."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=self.timeout)
        try:
            connection.request(method, path, body, {"Content-Type": media} if media else {})
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read())
        finally:
            connection.close()
