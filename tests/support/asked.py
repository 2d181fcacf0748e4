"""One exchange with a listener by the standard library, and a page that came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import urlsplit

from lxml import html


@dataclass(frozen=True)
class Answered:
    """What came."""

    status: int
    headers: dict[str, str]
    data: bytes

    @property
    def root(self) -> html.HtmlElement:
        """The page."""
        return html.document_fromstring(self.data.decode())


def exchange(base: str, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> Answered:
    """Ask the listener at this URL for a path."""
    connection = HTTPConnection(urlsplit(base).netloc)
    try:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        return Answered(answer.status, dict(answer.getheaders()), answer.read())
    finally:
        connection.close()
