"""One HTTP exchange, by libcurl: deadlines for all of it, no redirects, no proxy, bounded answers, TLS verified."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pycurl

from duis_gateway.client.arguments import expect, expect_http, expect_seconds, path_of
from duis_gateway.client.errors import NoAnswer, NotListening, SetupWrong, TlsFailed
from duis_gateway.machine.strays import Strays
from duis_gateway.pki.certificates import CertificateUnusable
from duis_gateway.pki.tls import check_authorities, read_chain
from duis_gateway.text.urls import without_password

MAX_ANSWER = 16 * 1024 * 1024
_SHORTEST = 0.001  # libcurl counts milliseconds, and takes 0 as no limit
_CONNECT_SECONDS = 10.0
_NO_TLS = "wrong version number"
"""What OpenSSL says where the first bytes of the other side are no TLS."""
_ALERT = " alert "
"""What OpenSSL says where the other side ended TLS with a reason; in TLS 1.3 that may come after the handshake."""
_INTERNAL = "internal error"
_OF_PARENTS: list[_Handle] = []  # handles that a fork left in this process, and that nobody may close
_NOBODY_THERE = frozenset({pycurl.E_COULDNT_RESOLVE_HOST, pycurl.E_COULDNT_CONNECT})


@dataclass(frozen=True)
class HttpAnswer:
    """What came back, to which attempt; the names of the headers are in small letters."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    attempts: int = 1


@dataclass(frozen=True)
class TlsIdentity:
    """A TLS client certificate with its chain, and its key: files in PEM, the key without a passphrase."""

    certificate: Path | str
    key: Path | str


class Http:
    """Posts documents; each thread keeps its connection open from one to the next.

    A connection on which something came that belongs to no answer is never used again (`machine.strays`): it would be
    taken for the answer to the next request.
    """

    def __init__(
        self,
        timeout: float,
        authorities: Path | str | None = None,
        most: int = MAX_ANSWER,
        tls: TlsIdentity | None = None,
    ) -> None:
        """Take the seconds that an exchange may take, and a PEM file of the CAs that TLS is verified with.

        An answer may have `most` octets. `tls` is shown to a server that asks for a client certificate.

        Raises:
            SetupWrong: a file cannot be read or used; the text names it. Or such a time-out cannot be.
        """
        expect_seconds("timeout", timeout, _SHORTEST)
        _check_files(authorities, tls)
        self._tls = tls
        self._timeout = timeout
        self._most = most
        self._authorities = str(authorities) if authorities else ssl.get_default_verify_paths().cafile
        self._own = threading.local()

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """Post these bytes and return the answer, whatever it is.

        Raises:
            NotListening: nobody listens there, so that nothing was sent.
            TlsFailed: TLS cannot be agreed on, however often it is tried.
            NoAnswer: the time is over, or the answer broke off, is endless, or came before the request.
            SetupWrong: not a URL of http or https.
        """
        return self.exchange("POST", url, body, headers)

    def get(self, url: str) -> HttpAnswer:
        """Ask for what is there and return the answer, whatever it is; raises as `post`."""
        return self.exchange("GET", url)

    def exchange(
        self, method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        """Ask by any method, with a body or without, and return the answer, whatever it is; raises as `post`."""
        handle = self._handle(url)
        if body is None:
            handle.curl.setopt(pycurl.HTTPGET, 1)
        else:
            handle.curl.setopt(pycurl.POSTFIELDS, body)
        handle.curl.setopt(pycurl.CUSTOMREQUEST, method)
        # libcurl would wait for "100 Continue" before a long body.
        lines = [f"{name}: {value}" for name, value in (headers or {}).items()]
        handle.curl.setopt(pycurl.HTTPHEADER, [*lines, "Expect:"])
        return self._exchange(handle, url)

    def _exchange(self, handle: _Handle, url: str) -> HttpAnswer:
        curl, reader, shown = handle.curl, _Reader(self._most), without_password(url)
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.HEADERFUNCTION, reader.header)
        curl.setopt(pycurl.WRITEFUNCTION, reader.content)
        try:
            curl.perform()
        except pycurl.error as error:
            reason = curl.errstr() or error.args[1]
            if handle.strays.seen:
                raise _early(shown) from None
            if error.args[0] in _NOBODY_THERE:
                refused = error.args[0] == pycurl.E_COULDNT_CONNECT and _system_says(curl)
                raise NotListening(f"{shown} could not be reached: {refused or reason}") from None
            _expect_no_tls_failure(shown, error.args[0], str(reason))
            if reader.size > self._most:
                raise NoAnswer(f"{shown} answered with more than {self._most // 1024 // 1024} MiB") from None
            raise NoAnswer(f"{shown} gave no answer: {reason}") from None
        finally:
            handle.let_go_of_sockets()
        if handle.strays.seen:
            raise _early(shown)
        return HttpAnswer(int(curl.getinfo(pycurl.RESPONSE_CODE)), reader.headers, b"".join(reader.parts))

    def _handle(self, url: str) -> _Handle:
        """Return this thread's handle, which holds its connection; a new one where that cannot be used again."""
        expect_http(url)
        origin = "/".join(url.split("/", 3)[:3])
        handle: _Handle | None = getattr(self._own, "handle", None)
        if handle is not None and handle.process != os.getpid():
            # The connection is still the parent's: not even TLS's end may be said on it.
            _OF_PARENTS.append(handle)
            handle = None
        if handle is None or handle.origin != origin or not handle.is_quiet():
            if handle is not None:
                handle.curl.close()
            self._own.handle = handle = _Handle(origin, self._timeout, self._authorities, self._tls)
        return handle


class _Handle:
    """libcurl with one connection to one place."""

    def __init__(self, origin: str, timeout: float, authorities: str | None, identity: TlsIdentity | None) -> None:
        self.origin = origin
        self.process = os.getpid()
        tls = origin.startswith("https:")
        self.strays = Strays(tls)
        self._opened: list[socket.socket] = []
        self.curl = curl = pycurl.Curl()
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.PROXY, "")
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.MAXCONNECTS, 1)
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, int(min(timeout, _CONNECT_SECONDS) * 1000))
        curl.setopt(pycurl.TIMEOUT_MS, int(timeout * 1000))
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        curl.setopt(pycurl.PREREQFUNCTION, self._ask)
        curl.setopt(pycurl.DEBUGFUNCTION, self.strays.shown)
        curl.setopt(pycurl.VERBOSE, int(tls))
        curl.setopt(pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2)
        if identity is not None:
            curl.setopt(pycurl.SSLCERT, str(identity.certificate))
            curl.setopt(pycurl.SSLKEY, str(identity.key))
        if authorities:
            curl.setopt(pycurl.CAINFO, authorities)

    def is_quiet(self) -> bool:
        """Return whether the connection is open, and nothing has come on it since the last answer."""
        number = int(self.curl.getinfo(pycurl.ACTIVESOCKET))
        return number >= 0 and self.strays.none_on(number)

    def let_go_of_sockets(self) -> None:
        """Close our side of what was opened for the exchange; libcurl has its own."""
        for opened in self._opened:
            opened.close()
        self._opened.clear()

    def _open_socket(self, _purpose: int, address: Any) -> socket.socket:
        opened = socket.socket(address.family, address.socktype, address.protocol)
        self._opened.append(opened)
        self.strays.connected()
        return opened

    def _ask(self, _remote: str, _local: str, _remote_port: int, local_port: int) -> int:
        """Look at a new connection just before the request is written; a kept one was looked at."""
        connected = [opened for opened in self._opened if opened.getsockname()[1] == local_port]
        return int(pycurl.PREREQFUNC_OK if all(map(self.strays.ask, connected)) else pycurl.PREREQFUNC_ABORT)


def _system_says(curl: pycurl.Curl) -> str:
    """Return why the system did not connect; libcurl's own words say three times that it did not."""
    number = int(curl.getinfo(pycurl.OS_ERRNO))
    return os.strerror(number) if number else ""


def _expect_no_tls_failure(url: str, error: int, reason: str) -> None:
    """Raise where it is one that another attempt would meet again (TlsFailed)."""
    if error == pycurl.E_SSL_CONNECT_ERROR and _NO_TLS in reason:
        raise TlsFailed(f"{url} could not be reached: it does not speak TLS; try http://") from None
    if error == pycurl.E_PEER_FAILED_VERIFICATION:
        raise TlsFailed(f"{url} shows a TLS certificate that is not trusted here: {reason}", "authorities") from None
    if _ALERT in reason and _INTERNAL not in reason:
        raise TlsFailed(f"{url} refuses our TLS: {reason}", "tls") from None


def _early(url: str) -> NoAnswer:
    return NoAnswer(f"{url} sent something before it was asked, so that is not an answer")


def _check_files(authorities: Path | str | None, tls: TlsIdentity | None) -> None:
    try:
        if authorities:
            check_authorities(path_of("authorities", authorities))
        if tls is not None:
            expect("tls", tls, TlsIdentity, "a TlsIdentity")
            read_chain(path_of("the TLS certificate", tls.certificate), path_of("the TLS key", tls.key))
    except CertificateUnusable as error:
        raise SetupWrong(str(error)) from None


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
