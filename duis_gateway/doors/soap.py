"""The DUIS door, SOAP 1.1: the same requests and answers as the plain door, the same bytes, in an envelope.

Refusals are faults. Their HTTP status is 500 as SOAP 1.1 says (section 6.2), but 405, 413 and 415 stay.
"""

from __future__ import annotations

from functools import partial

from duis_gateway.doors.http import Route
from duis_gateway.doors.messages import Handler
from duis_gateway.doors.problem import headers_of, problem_answer
from duis_gateway.doors.soap_envelope import LIKELY_CAUSE, cut_request, envelope_limits
from duis_gateway.doors.spyne_edge import Call, SpyneEdge
from duis_gateway.doors.wire import SOAP, Answer, HttpRequest, check_media
from duis_gateway.duis.service_requests.table import ELEMENT_CAPS
from duis_gateway.envelope.parse import ShapeLimits
from duis_gateway.errors import MessageRefused, MethodNotAllowed, NotAuthenticated
from duis_gateway.flow.incoming import Door, Incoming

PATH = "/soap"
_TEXT_XML = f"{SOAP}; charset=utf-8"
_READS = ("GET", "HEAD")


class SoapDoor:
    """The SOAP door. `limits` are those of a message.

    `base_url` is how others reach the gateway, for the address in the WSDL; without it the request's Host says it.
    """

    def __init__(self, handler: Handler, limits: ShapeLimits, base_url: str | None = None) -> None:
        self._handler = handler
        self._limits = envelope_limits(limits, ELEMENT_CAPS.values())
        self._base_url = base_url
        self._spyne = SpyneEdge()

    def route(self) -> Route:
        """Return the route of this door."""
        return Route(PATH, Door.DUIS.value, "soap", ("POST", *_READS), self._serve, self._refuse)

    def _serve(self, request: HttpRequest) -> Answer:
        if request.method != "POST":
            return self._wsdl(request)
        check_media(request, SOAP)
        raw = request.body(self._limits.size)
        return self._call(Call(partial(self._submit, raw, request), request.correlation_id))

    def _submit(self, raw: bytes, asked: HttpRequest) -> bytes:
        try:
            request = cut_request(raw, self._limits)
            return self._handler(
                Incoming(Door.DUIS, "soap", request, asked.correlation_id, asked.notes, asked.organisations)
            )
        except NotAuthenticated as error:
            if error.detail.startswith("digest"):
                raise NotAuthenticated(f"{error.detail}; {LIKELY_CAUSE}", error.findings) from None
            raise

    def _wsdl(self, request: HttpRequest) -> Answer:
        if request.query.partition("=")[0].lower() != "wsdl":
            raise MethodNotAllowed("the method must be POST; the WSDL is at ?wsdl")
        base = self._base_url or f"{request.scheme}://{request.host}"
        return Answer(200, _TEXT_XML, self._spyne.wsdl(base.rstrip("/") + PATH))

    def _refuse(self, error: MessageRefused, request: HttpRequest) -> Answer:
        if request.method in _READS:  # who asks for a document makes no call, which a fault could answer
            return problem_answer(error, request)

        def refuse() -> bytes:
            raise error

        return self._call(Call(refuse, request.correlation_id))

    def _call(self, call: Call) -> Answer:
        done = self._spyne.call(call)
        headers = () if done.error is None else headers_of(done.error)
        return Answer(done.status, _TEXT_XML, done.body, headers, done.error)
