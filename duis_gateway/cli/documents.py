"""What a single document proves and says: its signer, its originator, and whether an answer is a refusal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree

from duis_gateway.client.trust import may_sign_for_another, signers_in, signers_of
from duis_gateway.duis.identifiers import RequestId, parse_eui
from duis_gateway.duis.verdict import Verdict, verdict_in
from duis_gateway.envelope.parse import ShapeLimits, parse_document, parse_trusted
from duis_gateway.envelope.signature import SignerReference, verify
from duis_gateway.errors import MessageRefused
from duis_gateway.namespaces import AUDIT, CSP, ESI, sr
from duis_gateway.pki.certificates import Certificate
from duis_gateway.pki.trust import Trust

_ROLES = frozenset({"06", "87", "89"})
_MOST_ELEMENTS = 1_000_000


@dataclass(frozen=True)
class Judgement:
    """What was found out about a signed document; `failed` says which check failed, None if none did."""

    named: SignerReference | None = None
    signer: Certificate | None = None
    originator: int | None = None
    content: bytes | None = None
    failed: str | None = None


def judge(document: bytes, believed: Path, crls: Path | None, at: datetime) -> Judgement:
    """Check a document as the gateway would, with the certificates in one folder and the revocation lists in another.

    `believed` may also be a single certificate's file, which is then trusted by itself.

    Raises:
        CertificateUnusable: a folder or file cannot be read.
    """
    folder = believed if believed.is_dir() else None
    signers = signers_of([believed]) if folder is None else signers_in(folder)
    trust = Trust(folder, crls, False, lambda issuer, serial: signers.get((issuer, serial)))
    found = Judgement()

    def public_key_of(reference: SignerReference) -> ec.EllipticCurvePublicKey:
        nonlocal found
        found = replace(found, named=reference)
        certificate = trust.resolve(reference, at, _ROLES)
        found = replace(found, signer=certificate)
        return certificate.public_key

    try:
        root = parse_document(document, ShapeLimits(default_elements=_MOST_ELEMENTS), {})
        proven = verify(root, public_key_of)
    except MessageRefused as error:
        return replace(found, failed=error.detail)
    content = parse_trusted(proven.content)
    found = replace(found, originator=find_originator(content), content=proven.content)
    if found.originator is None:
        return replace(found, failed="the document names no originator")
    if found.signer is None or (
        found.signer.eui != found.originator and not may_sign_for_another(content, found.signer)
    ):
        return replace(found, failed="the signer is not the originator")
    return found


def find_originator(root: etree._Element) -> int | None:
    """Return whose document this is according to its header, or None if it does not say.

    A Service Request belongs to the first party in its RequestID; an answer to the second, who was asked; an alert, or
    any message with a ResponseID, to the first party in that. A checkpoint of the audit log belongs to the gateway.
    """
    try:
        if root.tag in (sr("Request"), sr("Response")):
            return _duis_originator(root)
        if root.tag == f"{{{AUDIT}}}Checkpoint":
            return parse_eui(root.findtext(f"{{{AUDIT}}}Gateway") or "")
        if root.tag in (f"{{{CSP}}}Message", f"{{{ESI}}}Message"):
            sender = root.find("./{*}Header/{*}SenderID")
            return None if sender is None else parse_eui(sender.text or "")
    except ValueError:
        return None
    return None


def _duis_originator(root: etree._Element) -> int | None:
    header = root.find(sr("Header"))
    if header is None:
        return None
    request, response = header.findtext(sr("RequestID")), header.findtext(sr("ResponseID"))
    if root.tag == sr("Request"):
        return RequestId.parse(request or "").originator
    return RequestId.parse(response).originator if response else RequestId.parse(request or "").target


def verdict_of(answer: bytes, explanation: str | None = None) -> Verdict | None:
    """Return what an answer says: a Service Response, an acknowledgement, a problem or a SOAP fault.

    `explanation`: as `verdict_in`.
    """
    try:
        root = parse_trusted(answer)
    except MessageRefused:
        return None
    return verdict_in(root, explanation)


def no_answer_of(answer: bytes) -> str:
    """Say what came instead of an answer, if `verdict_of` finds none."""
    try:
        root = parse_trusted(answer)
    except MessageRefused:
        return "the answer is not XML" if answer.strip() else "the answer is empty"
    return f"the answer is XML, but not a gateway's answer: {root.tag[:100]}"
