"""Service Requests as dataclasses, read from proven documents (design section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, TypeVar

from lxml import etree

from duis_gateway.duis.identifiers import RequestId
from duis_gateway.duis.service_requests.elements import Wrong, child, name, number, only_child, refusal, text
from duis_gateway.duis.service_requests.service import RequestBody, Unserved
from duis_gateway.duis.service_requests.table import SERVED, body_belongs, variant_belongs
from duis_gateway.duis.versions import parse_version
from duis_gateway.namespaces import sr

Body_co = TypeVar("Body_co", bound=RequestBody, covariant=True)


@dataclass(frozen=True, slots=True)
class ServiceRequest(Generic[Body_co]):
    """One Service Request.

    `request_id_as_sent` and `as_sent` (device id -> text) keep the sender's spelling, which answers echo.
    """

    request_id: RequestId
    request_id_as_sent: str
    schema_version: Decimal
    command_variant: int
    service_reference: str
    service_reference_variant: str
    body: Body_co
    as_sent: Mapping[int, str]


AnyRequest = ServiceRequest[RequestBody]


def read_request_id(root: etree._Element) -> RequestId:
    """Return the RequestID of a proven document that has not been held against a schema yet.

    Raises:
        NotValid: the document is no `sr:Request`, or its RequestID is missing or malformed.
    """
    try:
        return _request_id(root)[0]
    except Wrong as wrong:
        raise refusal([wrong.finding]) from None


def schema_version_of(root: etree._Element) -> Decimal:
    """Return the DUIS version of a document, as a number: 5.10 is 5.1.

    Raises:
        NotValid: the attribute `schemaVersion` is missing, no decimal, or of a version that is not served.
    """
    try:
        return _schema_version(root)
    except Wrong as wrong:
        raise refusal([wrong.finding]) from None


def read_service_request(root: etree._Element) -> AnyRequest:
    """Read a proven Service Request that is valid against the schema of its version.

    Linear in the length of its lists; a device that a list names twice counts once.

    Raises:
        NotValid: what the schema cannot say: the counter is 0, the variant or the body is not that of the
            service reference, or a time has no zone.
    """
    try:
        request_id, request_id_as_sent = _request_id(root)
        version = _schema_version(root)
        header = child(root, "Header")
        element = only_child(child(root, "Body"))
        reference = text(child(header, "ServiceReference"))
        _check_header(header, request_id, element)
        as_sent: dict[int, str] = {}
        service = SERVED.get(reference)
        body = service.read(element, as_sent) if service else Unserved(name(element))
        return ServiceRequest(
            request_id=request_id,
            request_id_as_sent=request_id_as_sent,
            schema_version=version,
            command_variant=number(child(header, "CommandVariant")),
            service_reference=reference,
            service_reference_variant=text(child(header, "ServiceReferenceVariant")),
            body=body,
            as_sent=as_sent,
        )
    except Wrong as wrong:
        raise refusal([wrong.finding]) from None


def _check_header(header: etree._Element, request_id: RequestId, body: etree._Element) -> None:
    if request_id.counter == 0:
        raise Wrong(child(header, "RequestID"), "the counter is 0")
    reference = text(child(header, "ServiceReference"))
    variant = child(header, "ServiceReferenceVariant")
    if not variant_belongs(reference, text(variant)):
        raise Wrong(variant, f"{text(variant)} is not a variant of service reference {reference}")
    if not body_belongs(reference, name(body)):
        raise Wrong(body, f"the body is not that of service reference {reference}")


def _request_id(root: etree._Element) -> tuple[RequestId, str]:
    if root.tag != sr("Request"):
        raise Wrong(root, "the document is not a DUIS Request")
    element = child(child(root, "Header"), "RequestID")
    as_sent = text(element)
    try:
        return RequestId.parse(as_sent), as_sent
    except ValueError as error:
        raise Wrong(element, str(error)) from None


def _schema_version(root: etree._Element) -> Decimal:
    version = root.get("schemaVersion")
    if version is None:
        raise Wrong(root, "the attribute schemaVersion is missing")
    try:
        return parse_version(str(version))
    except ValueError as error:
        raise Wrong(root, f"schemaVersion {str(version)[:20]!r}: {error}") from None
