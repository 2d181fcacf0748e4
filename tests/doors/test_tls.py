"""TLS on a listener: who gets in, who does not and is told why in one line, and what hostile handshakes cost.

That the doors behave over TLS as without is in the tests of HTTP, time and crowds, which run in both.
"""

from __future__ import annotations

import gc
import os
import random
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from duis_gateway.doors.connections import Connection
from duis_gateway.doors.limits import ServerLimits
from duis_gateway.doors.tls import Tls
from duis_gateway.pki.tls import server_context
from tests.support.doors import ANSWER, SIZE, AuditLines, Doors, OneContext, StandIn, audited, open_doors, replies
from tests.support.tls_pki import Authority, Files
from tests.support.writing import wait_until

DUIS = "/api/v1/serviceD"
GOOD = b"POST /api/v1/serviceD HTTP/1.1\r\nHost: g\r\nContent-Type: application/xml\r\nContent-Length: 4\r\n\r\n<a/>"
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
SHORT = ServerLimits(body=SIZE, handshake_time=0.5, lingering_time=0.3)


class Pki(NamedTuple):
    """Who is who: the gateway's authority, the clients' own, and another one."""

    ours: Authority
    theirs: Authority
    other: Authority
    gateway: Files
    client: Files


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    folder = tmp_path_factory.mktemp("pki")
    ours, theirs, other = (Authority(folder / name, name) for name in ("ours", "theirs", "other"))
    return Pki(ours, theirs, other, ours.issue("gateway"), theirs.issue("client", "Supplier  One\tLtd"))


@contextmanager
def listening(
    pki: Pki, limits: ServerLimits | None = None, *, ask: bool = True, binds: bool = False
) -> Iterator[Doors]:
    """Doors over TLS, which ask for a certificate of `theirs`; good clients show one."""
    context = server_context(pki.gateway.certificate, pki.gateway.key, pki.theirs.file if ask else None)
    flow, tls = StandIn(lambda _incoming: ANSWER), pki.ours.trusting(pki.client if ask else None)
    with open_doors(flow, limits, secured=OneContext(context, binds), tls=tls) as doors:
        yield doors


@pytest.fixture(scope="module")
def doors(pki: Pki) -> Iterator[Doors]:
    with listening(pki, SHORT) as running:
        yield running


def refused(doors: Doors, context: ssl.SSLContext) -> str:
    """How a client with this context is refused, in the words of its alert; TLS 1.3 tells it after the handshake."""

    def ask() -> None:
        client.do_handshake()
        client.sendall(GOOD)
        assert not client.recv(1)

    with doors.over_with(context) as client, pytest.raises((ssl.SSLError, ConnectionError)) as caught:
        ask()
    return str(caught.value)


def one_line(lines: AuditLines) -> str:
    """The reason in the one line that a failed handshake leaves."""
    wait_until(lambda: bool(lines.records))
    assert lines.fields("stage") == ["handshake"]
    assert all(record.exc_info is None for record in lines.records)
    return str(lines.fields("reason")[0])


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_with_its_certificate_is_served(doors: Doors, pki: Pki, version: ssl.TLSVersion) -> None:
    context = pki.ours.trusting(pki.client)
    context.minimum_version = context.maximum_version = version
    with doors.over_with(context) as client:
        client.do_handshake()
        client.sendall(GOOD + GOOD)
        assert client.recv(12) == b"HTTP/1.1 200"
        assert client.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]
        assert client.selected_alpn_protocol() is None
        cipher = client.cipher()
        assert cipher is not None
        assert "GCM" in cipher[0] or "CHACHA20" in cipher[0]
    assert doors.url.startswith("https://")


@pytest.mark.parametrize("tool", ["curl", "openssl"])
def test_common_tools_get_their_answer(doors: Doors, pki: Pki, tool: str) -> None:
    address = f"{doors.server.host}:{doors.server.port}"
    shown = ("--cert", str(pki.client.certificate), "--key", str(pki.client.key))
    if tool == "curl":
        post = ("--data-binary", "<a/>", "-H", "Content-Type: application/xml")
        command = ["curl", "-sS", "-i", "--cacert", str(pki.ours.file), *shown, *post, f"https://{address}{DUIS}"]
    else:
        shown = ("-cert", str(pki.client.certificate), "-key", str(pki.client.key))
        command = ["openssl", "s_client", "-quiet", "-connect", address, "-CAfile", str(pki.ours.file), *shown]
        command += ["-verify_return_error"]
    ran = subprocess.run(
        command, input=GOOD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), capture_output=True, timeout=30
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith(b"HTTP/1.1 200")
    assert ran.stdout.endswith(ANSWER)


def expired(pki: Pki) -> Files:
    return pki.theirs.issue("expired", ends=timedelta(days=-1))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        (lambda _pki: None, "peer did not return a certificate"),
        (lambda pki: pki.other.issue("stranger"), "certificate verify failed: unable to get local issuer certificate"),
        (expired, "certificate verify failed: certificate has expired"),
    ],
    ids=["none", "of another authority", "expired"],
)
def test_a_client_without_a_good_certificate_is_one_line_in_the_log(
    doors: Doors, pki: Pki, version: ssl.TLSVersion, shown: Callable[[Pki], Files | None], reason: str
) -> None:
    """T68: it hears an alert; others go on."""
    context = pki.ours.trusting(shown(pki))
    context.minimum_version = context.maximum_version = version
    before = len(doors.flow.taken)
    with audited() as lines:
        said = refused(doors, context)
        assert one_line(lines) == reason
    assert "alert" in said
    assert len(doors.flow.taken) == before
    assert doors.post(DUIS).status == 200


def test_a_revoked_certificate_is_refused_where_the_authorities_file_has_a_list(tmp_path: Path, pki: Pki) -> None:
    """T68."""
    theirs = Authority(tmp_path, "with-list")
    good, bad = theirs.issue("good"), theirs.issue("bad")
    theirs.revoke(bad)
    context = server_context(pki.gateway.certificate, pki.gateway.key, theirs.file)
    with (
        open_doors(
            StandIn(lambda _incoming: ANSWER), secured=OneContext(context), tls=pki.ours.trusting(good)
        ) as doors,
        audited() as lines,
    ):
        assert doors.post(DUIS).status == 200
        refused(doors, pki.ours.trusting(bad))
        assert one_line(lines) == "certificate verify failed: certificate revoked"


def test_a_certificate_of_an_intermediate_authority_comes_with_its_chain(tmp_path: Path, pki: Pki) -> None:
    """Both ways: the clients' authorities name the root alone, and so do the gateway's."""
    root = Authority(tmp_path, "root")
    between = Authority(tmp_path, "between", root)
    own, client = between.issue("own"), between.issue("shown")
    context = server_context(own.certificate, own.key, root.file)
    with open_doors(StandIn(lambda _incoming: ANSWER), secured=OneContext(context), tls=root.trusting(client)) as doors:
        assert doors.post(DUIS).status == 200


def test_old_versions_and_weak_ciphers_are_refused(doors: Doors, pki: Pki) -> None:
    """T68: nothing before TLS 1.2, and of 1.2 nothing without forward secrecy."""
    weak = pki.ours.trusting(pki.client)
    weak.set_ciphers("AES128-SHA:ECDHE-ECDSA-AES128-SHA:AES128-GCM-SHA256")
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    with audited() as lines:
        refused(doors, weak)
        assert one_line(lines) == "no shared cipher"
    said = hello(weak)
    assert said[9:11] == b"\x03\x03"  # TLS 1.2, which this makes 1.1
    with audited() as lines, doors.bare() as client:
        client.sendall(said[:9] + b"\x03\x02" + said[11:])
        assert client.recv(7)[-2:] == b"\x02\x46"  # the alert protocol_version
        assert one_line(lines) == "unsupported protocol"


def test_plain_http_is_told_to_speak_tls(doors: Doors) -> None:
    """In plain HTTP, and nothing of it is processed."""
    before = len(doors.flow.taken)
    with audited() as lines, doors.bare() as client:
        client.sendall(GOOD)
        (reply,) = replies(client)
        assert (reply.status, reply.problem("stage")) == (400, "handshake")
        assert "https://" in reply.problem("detail")
        one_line(lines)
    assert len(doors.flow.taken) == before


def hello(context: ssl.SSLContext) -> bytes:
    """What a client says first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1").do_handshake()
    return outgoing.read()


HOSTILE: dict[str, Callable[[bytes], bytes]] = {
    "random bytes": lambda _hello: random.Random(1).randbytes(5000),
    "a record of no known kind": lambda _hello: b"\x99\x03\x03\x00\x05hello",
    "application data first": lambda _hello: b"\x17\x03\x03\x00\x05hello",
    "an alert first": lambda _hello: b"\x15\x03\x03\x00\x02\x02\x28",
    "a message that never ends": lambda _hello: (b"\x16\x03\x01\x40\x00" + b"\x01\xff\xff\xff" + b"a" * 16380) * 9,
    "a hello that is broken": lambda hello: hello[:60] + b"\xff" * 40 + hello[100:],
    "a hello and then plain text": lambda hello: hello + GOOD,
    "SSL 2": lambda _hello: b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10" + b"a" * 37,
    "an old version": lambda _hello: b"\x16\x03\x00\x00\x2f\x01\x00\x00\x2b\x03\x00" + b"a" * 41,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_handshakes_end_their_own_connection(doors: Doors, pki: Pki, kind: str) -> None:
    """T68: one line in the log, no traceback, and the next client is served."""
    with audited() as lines, doors.bare() as client:
        client.sendall(HOSTILE[kind](hello(pki.ours.trusting())))
        client.settimeout(10)
        try:
            while client.recv(4096):
                pass
        except ConnectionResetError:
            pass
        one_line(lines)
    assert doors.post(DUIS).status == 200


def test_a_handshake_may_come_octet_by_octet_and_has_a_deadline(pki: Pki) -> None:
    """T52, T68: the time counts from the beginning, not from the last octet; who says nothing has no longer."""
    said = hello(pki.ours.trusting())
    with listening(pki, SHORT) as doors, audited() as lines, doors.bare() as silent, doors.bare() as dripping:
        began = time.monotonic()
        dripping.settimeout(0.02)
        ended = False
        for octet in said:
            try:
                dripping.sendall(bytes([octet]))
                ended = dripping.recv(1) == b""
            except TimeoutError:
                continue
            except ConnectionError:
                ended = True
            if ended:
                break
        assert ended
        assert silent.recv(1) == b""
        assert time.monotonic() - began < 10
        assert one_line(lines) == "the handshake did not finish in time"
    with listening(pki, ask=False) as doors, doors.bare() as slow:
        slow.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in said:
            slow.sendall(bytes([octet]))
        assert slow.recv(1) == b"\x16"


def test_silent_connections_leave_room_for_others(pki: Pki) -> None:
    """T52, T68: 400 that never shake hands where 100 may be; an honest client among them is served, and stays."""
    limits = ServerLimits(body=SIZE, connections=100, address_percent=100)
    with listening(pki, limits) as doors, ExitStack() as opened:
        honest = opened.enter_context(doors.connect())
        silent = [opened.enter_context(doors.bare()) for _ in range(90)]
        honest.sendall(GOOD)
        assert honest.recv(12) == b"HTTP/1.1 200"
        silent += [opened.enter_context(doors.bare()) for _ in range(310)]
        assert doors.post(DUIS).status == 200
        assert all(one.recv(1) == b"" for one in silent[:250])


def test_the_end_of_a_connection_is_told(doors: Doors) -> None:
    """After `Connection: close` comes close_notify: a client that knows the body by the end knows that it is whole."""
    with doors.connect() as client:
        client.sendall(GOOD.replace(b"Host: g", b"Host: g\r\nConnection: close"))
        (reply,) = replies(client)
        assert reply.body == ANSWER
        raw = client.unwrap() if isinstance(client, ssl.SSLSocket) else client
        raw.close()


def test_a_connection_that_breaks_in_the_middle_of_a_record_ends(doors: Doors) -> None:
    with doors.connect() as client:
        os.write(client.fileno(), b"\x17\x03\x03\x00\x30" + b"x" * 0x30)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            client.recv(1)
    with doors.connect() as gone:
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert doors.post(DUIS).status == 200


def hello_of(size: int) -> bytes:
    """The beginning of a ClientHello that would be so long, in as many records as it takes."""
    message = b"\x01" + size.to_bytes(3, "big") + b"\x03\x03" + b"a" * (size - 100)
    pieces = (message[at : at + 16384] for at in range(0, len(message), 16384))
    return b"".join(b"\x16\x03\x01" + len(one).to_bytes(2, "big") + one for one in pieces)


def test_a_handshake_without_end_is_refused(pki: Pki) -> None:
    """T68: it is kept until it is over, and a stranger may begin many."""
    with listening(pki, ask=False) as doors, audited() as lines:
        with doors.bare() as client:
            client.sendall(hello_of(130_000))
            while client.recv(4096):
                pass
        wait_until(lambda: bool(lines.fields("reason")))
        assert "the handshake has more than 65536 bytes" in str(lines.fields("reason"))
        assert doors.post(DUIS).status == 200


def test_handshakes_that_are_not_over_count_as_what_is_held(pki: Pki) -> None:
    """Who holds most goes, when it is too much in all."""
    limits = ServerLimits(body=SIZE, held=100_000)
    with listening(pki, limits, ask=False) as doors, ExitStack() as opened:
        clients = [opened.enter_context(doors.bare()) for _ in range(3)]
        for client in clients:
            client.sendall(hello_of(60_000)[:50_000])
        wait_until(lambda: any(has_ended(client) for client in clients))
        assert doors.post(DUIS).status == 200


def has_ended(client: socket.socket) -> bool:
    client.settimeout(0.05)
    try:
        return not client.recv(1)
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_nothing_is_left_of_connections_that_are_closed(pki: Pki) -> None:
    """Also before the collector comes, which is seldom: what OpenSSL holds of each is tens of thousands of bytes."""
    with listening(pki, ask=False) as doors:
        assert doors.post(DUIS).status == 200
        gc.collect()
        gc.disable()
        try:
            before = alive()
            for sent in (b"", b"GET", hello_of(20_000), b"\x16\x03\x01nonsense"):
                with doors.bare() as client:
                    client.sendall(sent)
            for _ in range(5):
                assert doors.post(DUIS).status == 200
            wait_until(lambda: alive() <= before)
        finally:
            gc.enable()


def alive() -> int:
    """How many connections, and states of OpenSSL of a server, there are in this process."""
    return sum(isinstance(one, Tls | Connection) for one in gc.get_objects())


def test_the_organisation_of_a_certificate_goes_with_what_its_client_sends(pki: Pki) -> None:
    """T69: where senders are bound to it, and nowhere else."""
    for binds, want in ((True, frozenset({"supplier one ltd"})), (False, None)):
        with listening(pki, binds=binds) as doors:
            assert doors.post(DUIS).status == 200
            assert [one.organisations for one in doors.flow.taken] == [want]
    pki_without = pki._replace(client=pki.theirs.issue("nameless"))
    with listening(pki_without, binds=True) as doors:
        doors.post(DUIS)
        assert [one.organisations for one in doors.flow.taken] == [frozenset()]
    with listening(pki, ask=False) as doors:
        assert b'location="https://' in doors.request("GET", "/soap?wsdl").body
