"""POST of a message to a recipient's URL, with libcurl: guarded, limited in time and size, over kept connections.

- The actual address that is connected to is checked (T61); redirects are not followed (T62); no proxy is used.
- At most `reply_limit` octets of the reply are read, and their content is ignored (T63).
- TLS is always verified (T64), against the recipient's own authorities if it has any; files are read as they are now.
- Connecting, and the whole attempt, have deadlines that hold for a dripping peer too (F14, F17).
- Informational responses (1xx) are skipped, and what an answer leaves behind never counts for the next one: a
connection is kept only after a clean 2xx, and not if anything has come on it since, or before it was asked (T67).
"""

from __future__ import annotations

import logging
import os
import socket
import ssl
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import pycurl

from duis_gateway.machine.files import states_of
from duis_gateway.machine.strays import Strays
from duis_gateway.outbox.answer import STATUS_LINE, field, seconds_asked, stays_open
from duis_gateway.outbox.guard import AddressGuard, AddressRefused, Network, own_authorities, parse_url
from duis_gateway.outbox.retry import Failure, FailureKind
from duis_gateway.text.controls import one_line

log = logging.getLogger(__name__)

_MOST_URLS = 1024
_DRAIN_SECONDS = 1.0
_EXCERPT = 160
_NO_HTTP = frozenset({pycurl.E_UNSUPPORTED_PROTOCOL, pycurl.E_FTP_WEIRD_SERVER_REPLY})  # the latter of HTTP, too
_NO_STATUS_LINE = "it does not begin with HTTP/1.1, a space, and a status of three digits"  # libcurl blames the version
_TLS_ERRORS = frozenset(
    {
        pycurl.E_SSL_CONNECT_ERROR,
        pycurl.E_PEER_FAILED_VERIFICATION,
        pycurl.E_SSL_CERTPROBLEM,
        pycurl.E_SSL_CIPHER,
        pycurl.E_SSL_CACERT_BADFILE,
        pycurl.E_SSL_ISSUER_ERROR,
    }
)


@dataclass(frozen=True)
class TransportSettings:
    """The `[delivery]` settings that concern one attempt; times in seconds, `reply_limit` in octets.

    `ca_folder` has a file EUI.pem for each recipient with authorities of its own; `certificate` and `key` are the
    gateway's, for recipients that ask for one.
    """

    connect_timeout: float = 5.0
    total_timeout: float = 10.0
    reply_limit: int = 64 * 1024
    connections: int = 4
    keep_connections: bool = True
    ca_file: Path | None = None
    ca_folder: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    allowed_networks: Sequence[Network] = ()
    user_agent: str = "duis-gateway"


FileStates = tuple[tuple[int, int, int], ...]


class _Connection:
    """One kept connection to one URL, and what is known about the exchange under way on it. For one thread at a time.

    Raises:
        AddressRefused: the URL can never be sent to.
    """

    def __init__(
        self,
        url: str,
        settings: TransportSettings,
        options: Mapping[int, Any],
        guard: AddressGuard,
        aborted: threading.Event,
        files: FileStates,
    ) -> None:
        self.files = files
        """The state of the TLS files when the connection was made."""
        tls = parse_url(url).scheme == "https"
        self._strays = Strays(tls)
        self._settings = settings
        self._guard = guard
        self._aborted = aborted
        self._told: tuple[str, str | None] = ("", None)
        self._begin(b"")
        self._handle = pycurl.Curl()
        for option, value in options.items():
            self._handle.setopt(option, value)
        self._handle.setopt(pycurl.URL, url)
        self._handle.setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        self._handle.setopt(pycurl.PREREQFUNCTION, self._ask)
        self._handle.setopt(pycurl.DEBUGFUNCTION, self._strays.shown)
        self._handle.setopt(pycurl.VERBOSE, int(tls))
        self._handle.setopt(pycurl.READFUNCTION, self._read)
        self._handle.setopt(pycurl.SEEKFUNCTION, self._seek)
        self._handle.setopt(pycurl.HEADERFUNCTION, self._header)
        self._handle.setopt(pycurl.WRITEFUNCTION, self._write)
        self._handle.setopt(pycurl.XFERINFOFUNCTION, self._look)

    def post(self, content: bytes, content_type: str, traceparent: str | None = None) -> Failure | None:
        """Send a message and return None if the answer was 2xx, otherwise what was wrong."""
        self._begin(content)
        if (content_type, traceparent) != self._told:
            headers = [f"Content-Type: {content_type}", f"User-Agent: {self._settings.user_agent}", "Expect:"]
            self._handle.setopt(pycurl.HTTPHEADER, headers + [f"traceparent: {one}" for one in (traceparent,) if one])
            self._told = (content_type, traceparent)
        self._handle.setopt(pycurl.POSTFIELDSIZE_LARGE, len(content))
        try:
            self._handle.perform()
            self.clean = True
        except pycurl.error as error:
            self.clean = False
            if not self._answered:
                return self._failure(*error.args)
        finally:
            for opened in self._opened:
                opened.close()
        if not self._answered:
            self.clean = False
            return Failure(FailureKind.CONNECTION, "the recipient's answer is not an answer to a POST")
        if 200 <= self._status < 300:
            if self.clean and self._ended_by_surplus():
                self._strays.seen = True
            return None
        self.clean = False
        return self._refusal()

    @property
    def is_quiet(self) -> bool:
        """Whether it is open and nothing has come since the last answer: that would be taken for the next one's.

        libcurl checks this by itself, but not at each use, and not what OpenSSL holds.
        """
        number = int(self._handle.getinfo(pycurl.ACTIVESOCKET))
        return number >= 0 and self._strays.none_on(number)

    @property
    def has_strayed(self) -> bool:
        """Whether unsolicited octets have come."""
        return self._strays.seen

    def close(self) -> None:
        """Close it; not while a message is being sent."""
        self._handle.close()

    def _begin(self, content: bytes) -> None:
        self.clean = False
        """Whether the last exchange ended as it should, so that the next may use the connection."""
        self._content, self._taken, self._sent = content, 0, 0
        self._status, self._no_http = 0, ""
        self._in_header, self._early, self._asked = False, False, False
        self._answered = False  # the header of an answer that is not informational has come, to its last line
        self._status_line = b""
        self._fields: list[bytes] = []
        self._reply = b""
        self._refused: list[str] = []
        self._opened: list[socket.socket] = []
        self._drained_by = float("inf")

    def _ended_by_surplus(self) -> bool:
        """Whether libcurl has closed it after an answer that leaves it open: it has read more octets than that."""
        return int(self._handle.getinfo(pycurl.ACTIVESOCKET)) < 0 and stays_open(self._status_line, self._fields)

    # --- called by libcurl ----------------------------------------------------------------------------------------

    def _open_socket(self, _purpose: int, address: Any) -> socket.socket | int:
        host = address.addr[0].decode() if isinstance(address.addr[0], bytes) else str(address.addr[0])
        if not self._guard.allows(host):
            self._refused.append(host)
            return int(pycurl.SOCKET_BAD)
        opened = socket.socket(address.family, address.socktype, address.protocol)
        # libcurl connects by itself, which auditing hooks would otherwise not see (PEP 578).
        sys.audit("socket.connect", opened, address.addr)
        self._opened.append(opened)  # pycurl uses a duplicate
        self._strays.connected()
        return opened

    def _ask(self, _remote: str, _local: str, _remote_port: int, local_port: int) -> int:
        """Check a new connection, among those tried, before the request is written; a kept one is known."""
        self._asked = True
        connected = (opened for opened in self._opened if opened.getsockname()[1] == local_port)
        return int(pycurl.PREREQFUNC_OK if all(map(self._strays.ask, connected)) else pycurl.PREREQFUNC_ABORT)

    def _read(self, size: int) -> bytes:
        piece = self._content[self._taken : self._taken + size]
        self._taken += len(piece)
        return piece

    def _seek(self, offset: int, origin: int) -> int:
        if origin != os.SEEK_SET:
            return int(pycurl.SEEKFUNC_CANTSEEK)  # libcurl asks for no other
        self._taken = offset
        return int(pycurl.SEEKFUNC_OK)

    def _header(self, line: bytes) -> int | None:
        if self._strays.seen:
            return -1
        if self._answered:
            return None  # a trailer
        if not self._in_header:
            found = STATUS_LINE.match(line)
            if found is None:
                self._no_http = f"it begins with {line[:_EXCERPT].decode('utf-8', 'replace')!r}"
                return -1
            self._in_header, self._status, self._status_line, self._fields = True, int(found[1]), line, []
        elif line.strip(b"\r\n"):
            self._fields.append(line)
        else:
            self._in_header = False
            return self._header_is_over()
        return None

    def _header_is_over(self) -> int | None:
        if self._status < 200:
            return None
        if self._status < 300 and self._sent < len(self._content):
            # Nobody can accept what has not left us yet. What libcurl has read may not have left it.
            self._early = True
            return -1
        self._answered = True
        self._drained_by = monotonic() + _DRAIN_SECONDS
        return None

    def _write(self, piece: bytes) -> int | None:
        self._reply += piece
        return -1 if len(self._reply) > self._settings.reply_limit or monotonic() > self._drained_by else None

    def _look(self, _to_come: int, _come: int, _to_send: int, sent: int) -> bool:
        """Tell whether to abort; called at every step, and each second while nothing happens: `sent` octets are out."""
        self._sent = sent
        return self._aborted.is_set() or monotonic() > self._drained_by

    # --- what it comes to -----------------------------------------------------------------------------------------

    def _failure(self, code: int, text: str) -> Failure:
        if self.has_strayed:
            return Failure(FailureKind.CONNECTION, "octets came before the request was sent")
        if self._early:
            return Failure(FailureKind.CONNECTION, f"HTTP {self._status} before the whole message was sent")
        if self._no_http or code in _NO_HTTP:
            text = _NO_STATUS_LINE if code == pycurl.E_UNSUPPORTED_PROTOCOL else text
            return Failure(FailureKind.CONNECTION, _printable(f"not an HTTP/1.1 answer: {self._no_http or text}"))
        if code == pycurl.E_ABORTED_BY_CALLBACK:
            return Failure(FailureKind.INTERRUPTED, "the gateway stopped before the answer came")
        if code == pycurl.E_COULDNT_CONNECT and self._refused:
            return Failure(FailureKind.ADDRESS, self._guard.refusal(self._refused))
        if code == pycurl.E_URL_MALFORMAT:
            return Failure(FailureKind.ADDRESS, _printable(text))
        if code == pycurl.E_OPERATION_TIMEDOUT:
            return Failure(FailureKind.TIMEOUT, self._late())
        if code in _TLS_ERRORS:
            return Failure(FailureKind.TLS, _printable(text))
        number = self._handle.getinfo(pycurl.OS_ERRNO)
        system = os.strerror(number) if number else ""
        cause = text if system in text else f"{text}: {system}"
        return Failure(FailureKind.CONNECTION, _printable(cause))

    def _late(self) -> str:
        settings, told = self._settings, self._handle.getinfo
        if self._asked:
            begun = f": only its beginning came, HTTP {self._status}" if self._status else ""
            return f"no answer within {settings.total_timeout:g} s{begun}"
        missing = "TLS handshake" if told(pycurl.CONNECT_TIME) else "connection"
        within = f"within {min(settings.connect_timeout, settings.total_timeout):g} s"
        return f"no {missing if told(pycurl.NAMELOOKUP_TIME) else 'address of the host'} {within}"

    def _refusal(self) -> Failure:
        excerpt = _printable(self._reply[: 4 * _EXCERPT].decode("utf-8", "replace"))
        detail = f"HTTP {self._status}: {excerpt}" if excerpt else f"HTTP {self._status}"
        fields = dict(map(field, self._fields))
        if 300 <= self._status < 400 and (leads := _printable(fields.get(b"location", ""))):
            detail = f"HTTP {self._status} to {leads}: redirects are not followed; register the URL that accepts alerts"
        return Failure(
            FailureKind.STATUS, detail, self._status, seconds_asked(fields.get(b"retry-after"), fields.get(b"date"))
        )


class _Peer(NamedTuple):
    """What connections are kept for: the URL, and the recipient's own authorities if it has any.

    Parties at one address may have different ones.
    """

    url: str
    authorities: Path | None


class HttpTransport:
    """Posts messages over connections kept for each URL. Safe to use from many threads."""

    def __init__(self, settings: TransportSettings) -> None:
        self._settings = settings
        if settings.ca_file is not None:
            ssl.create_default_context(cafile=str(settings.ca_file))  # says at start-up that a file is no good
        self._options = _options(settings)
        self._guard = AddressGuard(settings.allowed_networks)
        self._files = [path for path in (settings.ca_file, settings.certificate, settings.key) if path is not None]
        self._idle: OrderedDict[_Peer, list[_Connection]] = OrderedDict()
        self._strayed: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()
        self._aborted = threading.Event()
        self._closed = False

    @property
    def total_timeout(self) -> float:
        """How many seconds one attempt may take in all."""
        return self._settings.total_timeout

    def post(self, url: str, content: bytes, media: str, to: int = 0, trace: str | None = None) -> Failure | None:
        """Send one message to a party and return None if the answer was 2xx, otherwise what was wrong.

        A 2xx counts as soon as its status line and header are in, whatever becomes of the reply's body, but only if the
        whole message had gone out by then.
        """
        peer = _Peer(url, own_authorities(self._settings.ca_folder, to))
        files = self._file_states(peer)
        try:
            # None that began with other files than the present ones.
            connection = self._kept(peer, files) or self._new(peer, files)
        except AddressRefused as error:
            return Failure(FailureKind.ADDRESS, str(error))
        try:
            return connection.post(content, media, trace)
        finally:
            self._keep(peer, connection)

    def abort(self) -> None:
        """End every attempt under way, and any still to come, as interrupted, within a second."""
        self._aborted.set()

    def close(self) -> None:
        """End every attempt and close every connection."""
        self._aborted.set()
        with self._lock:
            self._closed = True
            idle = [connection for connections in self._idle.values() for connection in connections]
            self._idle.clear()
        for connection in idle:
            connection.close()

    def _new(self, peer: _Peer, files: FileStates) -> _Connection:
        options = self._options
        if peer.authorities is not None:
            options = {**options, pycurl.CAINFO: str(peer.authorities), pycurl.CAPATH: None}
        return _Connection(peer.url, self._settings, options, self._guard, self._aborted, files)

    def _file_states(self, peer: _Peer) -> FileStates:
        if not peer.url.startswith("https:"):
            return ()
        return states_of(self._files if peer.authorities is None else [*self._files, peer.authorities])

    def _kept(self, peer: _Peer, files: FileStates) -> _Connection | None:
        while True:
            with self._lock:
                kept = self._idle.get(peer)
                connection = kept.pop() if kept else None
            if connection is None or (connection.files == files and connection.is_quiet):
                return connection
            if connection.has_strayed:
                self._never_keep(peer)
            connection.close()

    def _keep(self, peer: _Peer, connection: _Connection) -> None:
        surplus = [connection]
        if connection.has_strayed:
            self._never_keep(peer)
        with self._lock:
            keeping = self._settings.keep_connections and peer.url not in self._strayed
            if keeping and connection.clean and not self._closed:
                kept = self._idle.setdefault(peer, [])
                self._idle.move_to_end(peer)
                if len(kept) < self._settings.connections:
                    kept.append(surplus.pop())
                if len(self._idle) > _MOST_URLS:
                    surplus += self._idle.popitem(last=False)[1]
        for one in surplus:
            one.close()

    def _never_keep(self, peer: _Peer) -> None:
        """Open a connection for each message from now on: early or late octets could be taken for an answer."""
        url = peer.url
        with self._lock:
            known = url in self._strayed
            self._strayed[url] = None
            kept = self._idle.pop(peer, [])
            if len(self._strayed) > _MOST_URLS:
                self._strayed.popitem(last=False)
        for connection in kept:
            connection.close()
        if not known:
            log.warning("octets that belong to no answer came from %s: its connections are no longer kept", url)


def _options(settings: TransportSettings) -> dict[int, Any]:
    """What libcurl is told about every exchange; this module's docstring says why."""
    paths = ssl.get_default_verify_paths()
    options: dict[int, Any] = {
        pycurl.POST: 1,
        pycurl.NOSIGNAL: 1,
        pycurl.NOPROGRESS: 0,
        pycurl.PROTOCOLS: pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS,
        pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_1_1,
        pycurl.FOLLOWLOCATION: 0,
        pycurl.PROXY: "",  # nor one that the environment names
        pycurl.PATH_AS_IS: 1,
        pycurl.TCP_NODELAY: 1,
        pycurl.MAXCONNECTS: 1,
        pycurl.CONNECTTIMEOUT_MS: max(1, int(1000 * min(settings.connect_timeout, settings.total_timeout))),
        pycurl.TIMEOUT_MS: max(1, int(1000 * settings.total_timeout)),
        pycurl.SSL_VERIFYPEER: 1,
        pycurl.SSL_VERIFYHOST: 2,
        pycurl.SSLVERSION: pycurl.SSLVERSION_TLSv1_2,
    }
    # A wheel's libcurl does not know where this system keeps its authorities.
    authorities = str(settings.ca_file) if settings.ca_file is not None else paths.cafile
    if authorities is not None:
        options[pycurl.CAINFO] = authorities
    if settings.certificate is not None:
        options |= {pycurl.SSLCERT: str(settings.certificate), pycurl.SSLKEY: str(settings.key)}
    if settings.ca_file is not None:
        options[pycurl.CAPATH] = None
    elif paths.capath is not None:
        options[pycurl.CAPATH] = paths.capath
    return options


def _printable(text: str) -> str:
    return one_line(text)[:_EXCERPT]
