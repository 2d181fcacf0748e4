"""What becomes of octets that are no answer: a server must not have one taken for the answer to the next request."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from duis_gateway.client import Gateway, PartyDoor, ReadInventory
from duis_gateway.client.errors import NoAnswer, NotListening, TlsFailed
from duis_gateway.client.http import Http, TlsIdentity
from duis_gateway.machine.strays import Strays
from tests.support.descriptors import many_descriptors
from tests.support.parties import Parties
from tests.support.processes import ROOT
from tests.support.tls_pki import Authority
from tests.support.web_certificates import make_web_certificate


def answer(text: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)


@contextlib.contextmanager
def serving(greeting: bytes, after: bytes, tls: ssl.SSLContext | None) -> Iterator[tuple[int, threading.Event]]:
    """A server that answers each request with its path, and says something else before the first or after each.

    The event is set when something has been said that nobody asked for.
    """
    said = threading.Event()

    def serve(plain: socket.socket) -> None:
        with contextlib.suppress(OSError), _secured(plain, tls) if tls else plain as connection:
            if greeting:
                connection.sendall(greeting)
                said.set()
            reader = connection.makefile("rb")
            while path := reader.readline().split(b" ")[1:2]:
                while reader.readline().strip():
                    pass
                connection.sendall(answer(path[0]))
                connection.sendall(after)
                said.set()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                connection.settimeout(30)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1], said
        listening.shutdown(socket.SHUT_RDWR)


def _secured(plain: socket.socket, tls: ssl.SSLContext) -> ssl.SSLSocket:
    connection = tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
    try:
        connection.do_handshake()
    except OSError:
        # Closed with something unread, it would be reset, and the reason lost.
        with connection, contextlib.suppress(OSError):
            while os.read(connection.fileno(), 65536):
                pass
        raise
    return connection


@pytest.fixture(params=["http", "https"])
def scheme(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, ssl.SSLContext | None, Path | None]:
    if request.param == "http":
        return "http", None, None
    certificate = make_web_certificate(tmp_path / "server.pem", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return "https", context, certificate


def test_an_answer_that_nobody_asked_for_is_not_that_to_the_next_request(
    scheme: tuple[str, ssl.SSLContext | None, Path | None],
) -> None:
    name, tls, authorities = scheme
    with serving(b"", answer(b"stray"), tls) as (port, said):
        http = Http(10.0, authorities)
        for path in ("/a", "/b", "/c", "/d"):
            assert http.get(f"{name}://127.0.0.1:{port}{path}").body == path.encode()
            assert said.wait(30)
            said.clear()


def test_an_answer_before_the_request_is_none(
    scheme: tuple[str, ssl.SSLContext | None, Path | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    name, tls, authorities = scheme
    with serving(answer(b"early"), b"", tls) as (port, said):

        def look_late(strays: Strays, connection: socket.socket) -> bool:
            assert said.wait(30)
            return look(strays, connection)

        look = Strays.ask
        monkeypatch.setattr(Strays, "ask", look_late)
        with pytest.raises(NoAnswer, match="before it was asked"):
            Http(10.0, authorities).get(f"{name}://127.0.0.1:{port}/a")


def test_more_files_may_be_open_than_select_can_hold(scheme: tuple[str, ssl.SSLContext | None, Path | None]) -> None:
    name, tls, authorities = scheme
    with many_descriptors(), serving(b"", b"", tls) as (port, _):
        http = Http(10.0, authorities)
        assert [http.get(f"{name}://127.0.0.1:{port}/{n}").body for n in range(2)] == [b"/0", b"/1"]


@pytest.mark.parametrize(
    ("shown", "known", "lacks"),
    [("none", True, "tls"), ("another's", True, "tls"), ("own", False, "authorities"), ("own", True, None)],
)
def test_a_handshake_that_cannot_succeed_is_an_error_of_its_own(
    tmp_path: Path, shown: str, known: bool, lacks: str | None
) -> None:
    """It names what is missing, and no patience tries it again; nor does a party's door."""
    authority, other = Authority(tmp_path / "one"), Authority(tmp_path / "other")
    server, client = authority.issue("server"), (authority if shown == "own" else other).issue("client")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.file))
    context.load_cert_chain(server.certificate, server.key)
    context.verify_mode = ssl.CERT_REQUIRED
    tls = None if shown == "none" else TlsIdentity(client.certificate, client.key)
    given: Any = {"authorities": authority.file if known else other.file, "tls": tls}
    with serving(b"", b"", context) as (port, _):
        url = f"https://127.0.0.1:{port}"
        if lacks is None:
            assert Http(10.0, **given).get(f"{url}/a").body == b"/a"
            return
        parties = Parties.make(tmp_path / "pki")
        gateway = Gateway(url, identity=parties.supplier, trust=parties.trust, **given)
        prepared = gateway.prepare(ReadInventory("00-DB-12-34-56-00-00-01"))
        for ask in (
            lambda: gateway.exchange(prepared, patience=600.0),
            lambda: PartyDoor(url, "a-token", **given).protected_hubs(),
        ):
            with pytest.raises(TlsFailed, match=f"{lacks}=") as failed:
                ask()
            assert (failed.value.lacks, "again" in str(failed.value)) == (lacks, False)


def test_a_server_without_tls_is_told_from_one_that_does_not_answer() -> None:
    with (
        serving(answer(b"x"), b"", None) as (port, _),
        pytest.raises(NotListening, match="it does not speak TLS; try http://"),
    ):
        Http(10.0).get(f"https://127.0.0.1:{port}/a")


FORKED = """
import os, sys
from duis_gateway.client.http import Http

url = sys.argv[1]
http = Http(10.0)
assert http.get(url + "/before").body == b"/before"
child = os.fork()
for number in range(200):
    path = f"/{'parent' if child else 'child'}-{number}"
    got = http.get(url + path).body.decode()
    assert got == path, f"{got} is the answer to another's request"
if child:
    assert os.waitpid(child, 0)[1] == 0
"""


def test_a_process_that_was_forked_has_a_connection_of_its_own() -> None:
    """As a web server's workers, where the application was used before: each would read the other's answers."""
    with serving(b"", b"", None) as (port, _):
        words = [sys.executable, "-c", FORKED, f"http://127.0.0.1:{port}"]
        ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")
