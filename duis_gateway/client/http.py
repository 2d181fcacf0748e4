"""One HTTP exchange, by libcurl: deadlines for all of it, no redirects, no proxy, bounded answers, TLS verified."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pycurl

from duis_gateway.client.errors import NoAnswer, NotListening, SetupWrong

MAX_ANSWER = 16 * 1024 * 1024
_CONNECT_SECONDS = 10.0
_NOBODY_THERE = frozenset({pycurl.E_COULDNT_RESOLVE_HOST, pycurl.E_COULDNT_CONNECT})


@dataclass(frozen=True)
class HttpAnswer:
    """What came back, to which attempt; the names of the headers are in small letters."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    attempts: int = 1


class Http:
    """Posts documents; each thread keeps its connection open from one to the next."""

    def __init__(self, timeout: float, authorities: Path | str | None = None, most: int = MAX_ANSWER) -> None:
        """Take the seconds that an exchange may take, and a PEM file of the CAs that TLS is verified with.

        An answer may have `most` octets.
        """
        self._timeout = timeout
        self._most = most
        self._authorities = str(authorities) if authorities else ssl.get_default_verify_paths().cafile
        self._own = threading.local()

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """Post these bytes and return the answer, whatever it is.

        Raises:
            NotListening: nobody listens there, so that nothing was sent.
            NoAnswer: the time is over, or the answer broke off or is endless.
            SetupWrong: not a URL of http or https.
        """
        curl = self._curl()
        curl.setopt(pycurl.POSTFIELDS, body)
        # libcurl would wait for "100 Continue" before a long body.
        curl.setopt(pycurl.HTTPHEADER, [*(f"{name}: {value}" for name, value in headers.items()), "Expect:"])
        return self._exchange(curl, url)

    def get(self, url: str) -> HttpAnswer:
        """Ask for what is there and return the answer, whatever it is; raises as `post`."""
        curl = self._curl()
        curl.setopt(pycurl.HTTPGET, 1)
        curl.setopt(pycurl.HTTPHEADER, [])
        return self._exchange(curl, url)

    def _exchange(self, curl: pycurl.Curl, url: str) -> HttpAnswer:
        if not url.startswith(("http://", "https://")):
            raise SetupWrong(f"{url[:80]!r} is not an http or https URL")
        reader = _Reader(self._most)
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.HEADERFUNCTION, reader.header)
        curl.setopt(pycurl.WRITEFUNCTION, reader.content)
        try:
            curl.perform()
        except pycurl.error as error:
            reason = curl.errstr() or error
            if error.args[0] in _NOBODY_THERE:
                raise NotListening(f"{url} could not be reached: {reason}") from None
            if reader.size > self._most:
                raise NoAnswer(f"{url} answered with more than {self._most // 1024 // 1024} MiB") from None
            raise NoAnswer(f"{url} gave no answer: {reason}") from None
        return HttpAnswer(int(curl.getinfo(pycurl.RESPONSE_CODE)), reader.headers, b"".join(reader.parts))

    def _curl(self) -> pycurl.Curl:
        """Return this thread's handle, which holds its connection."""
        curl: pycurl.Curl | None = getattr(self._own, "curl", None)
        if curl is None:
            curl = pycurl.Curl()
            curl.setopt(pycurl.NOSIGNAL, 1)
            curl.setopt(pycurl.PROXY, "")
            curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
            curl.setopt(pycurl.CONNECTTIMEOUT_MS, int(min(self._timeout, _CONNECT_SECONDS) * 1000))
            curl.setopt(pycurl.TIMEOUT_MS, int(self._timeout * 1000))
            if self._authorities:
                curl.setopt(pycurl.CAINFO, self._authorities)
            self._own.curl = curl
        return curl


class _Reader:
    """Takes in one answer; libcurl shows the headers of informational answers (1xx) as well, which do not count."""

    def __init__(self, most: int) -> None:
        self.headers: dict[str, str] = {}
        self.parts: list[bytes] = []
        self.size = 0
        self._most = most

    def header(self, line: bytes) -> None:
        text = line.decode("latin-1").strip()
        if text.startswith("HTTP/"):
            self.headers = {}
        name, _, value = text.partition(":")
        if value:
            self.headers[name.strip().lower()] = value.strip()

    def content(self, part: bytes) -> int | None:
        self.size += len(part)
        if self.size > self._most:
            return -1  # libcurl ends the exchange
        self.parts.append(part)
        return None
