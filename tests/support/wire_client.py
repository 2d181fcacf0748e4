"""A party's end of the wire in end-to-end tests, played with the adapter kit.

Documents are hand-written fixture files (`tests/fixtures`) with `$placeholders`. Whatever the gateway sends, answers
and deliveries alike, is proven before a test looks at it.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from string import Template
from urllib.parse import urlsplit
from xml.sax.saxutils import quoteattr

from lxml import etree

from duis_gateway.client import DOORS, Identity, Trust, soap
from duis_gateway.namespaces import SR

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"

PROBLEM = "urn:ietf:rfc:7807"


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
    me: Identity
    trust: Trust
    timeout: float = field(default=60.0)
    headers: Mapping[str, str] = field(default_factory=dict)

    def send_duis(self, document: bytes, service: str = "serviceD") -> Answer:
        """Sign a Service Request and post it to the plain XML door."""
        return self.post(DOORS[service], self.me.sign(document))

    def send_soap(self, document: bytes) -> Answer:
        """Sign a Service Request and post it to the SOAP door."""
        return self.post_soap(self.me.sign(document))

    def send_csp(self, document: bytes) -> Answer:
        """Sign a message and post it to the CSP Management Gateway interface."""
        return self.post(DOORS["csp"], self.me.sign(document))

    def send_esi(self, document: bytes) -> Answer:
        """Sign a message and post it to the Enterprise Systems Interface."""
        return self.post(DOORS["esi"], self.me.sign(document))

    def post_soap(self, signed: bytes) -> Answer:
        """Post a signed Service Request in an envelope; it stands there byte for byte, without its XML declaration."""
        answer = self.exchange("POST", DOORS["soap"], soap.into_envelope(signed), soap.HEADERS["Content-Type"])
        return self._proven(answer, soap.from_envelope(answer.body))

    def post(self, path: str, document: bytes, media: str = "application/xml") -> Answer:
        """Post a document as it is."""
        answer = self.exchange("POST", path, document, media)
        return self._proven(answer, answer.body)

    def _proven(self, answer: Answer, document: bytes) -> Answer:
        if answer.status != 200:
            return answer
        return replace(answer, document=document, proven=self.trust.prove(document).root)

    def exchange(
        self, method: str, path: str, body: bytes | None = None, media: str | None = None, token: str | None = None
    ) -> Answer:
        """Make one HTTP request and return the answer, whatever it is."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=self.timeout)
        try:
            said = {**self.headers, **({"Content-Type": media} if media else {})}
            connection.request(method, path, body, said | ({"Authorization": f"Bearer {token}"} if token else {}))
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read())
        finally:
            connection.close()
