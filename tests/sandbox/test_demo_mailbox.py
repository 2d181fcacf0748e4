"""The demonstration's mail relay, spoken to by the standard library's client."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from duis_gateway.sandbox.demo.mailbox import address_of, listen
from duis_gateway.sandbox.mocks.record import Recorder

GATEWAY, SUPPLIER = 0x90B3D51F30000002, 0xFFB3D51F30010000
EMAIL = b"From: a@b.example\r\nX-DUIS-Gateway-Kind: A01\r\n\r\nYour hubs.\r\n.\r\n..a\r\n"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[smtplib.SMTP]:
    with listen(Recorder(tmp_path), GATEWAY, ("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            with smtplib.SMTP("127.0.0.1", server.server_address[1], timeout=20) as smtp:
                yield smtp
        finally:
            server.shutdown()
            thread.join()


def kept(folder: Path) -> dict[str, bytes]:
    return {path.name.partition("-")[2]: path.read_bytes() for path in folder.glob("*.eml")}


def test_an_email_is_kept_as_it_came_under_the_parties_and_its_kind(client: smtplib.SMTP, tmp_path: Path) -> None:
    client.sendmail("gateway@dcc.example", [address_of(SUPPLIER)], EMAIL)
    assert kept(tmp_path) == {"90B3D51F30000002-FFB3D51F30010000-A01.eml": EMAIL}


def test_each_recipient_gets_its_own(client: smtplib.SMTP, tmp_path: Path) -> None:
    client.sendmail("gateway@dcc.example", [address_of(SUPPLIER), address_of(GATEWAY)], EMAIL)
    client.sendmail("gateway@dcc.example", [address_of(SUPPLIER)], EMAIL)
    assert len(list(tmp_path.glob("*.eml"))) == 3


@pytest.mark.parametrize("kind", [b"", b"X-DUIS-Gateway-Kind: ../../A/01\r\n"])
def test_a_kind_never_leaves_the_folder(client: smtplib.SMTP, tmp_path: Path, kind: bytes) -> None:
    client.sendmail("gateway@dcc.example", [address_of(SUPPLIER)], kind + b"Subject: x\r\n\r\nx\r\n")
    (name,) = kept(tmp_path)
    assert name in ("90B3D51F30000002-FFB3D51F30010000-EMAIL.eml", "90B3D51F30000002-FFB3D51F30010000-A01.eml")


@pytest.mark.parametrize("mailbox", ["ops@supplier.example", "12@parties.example", f"{address_of(SUPPLIER)}.example"])
def test_nobody_elses_mail_is_taken(client: smtplib.SMTP, tmp_path: Path, mailbox: str) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        client.sendmail("gateway@dcc.example", [mailbox], EMAIL)
    assert not kept(tmp_path)


def test_commands_out_of_order_are_refused(client: smtplib.SMTP) -> None:
    assert client.docmd("RCPT", f"TO:<{address_of(SUPPLIER)}>")[0] == 503
    assert client.docmd("DATA")[0] == 503
    assert client.docmd("VRFY", "x")[0] == 502
    assert client.docmd("NOOP")[0] == 250


def test_t73_the_form_of_a_page_in_a_browser_is_no_email(client: smtplib.SMTP, tmp_path: Path) -> None:
    body = f"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<{address_of(SUPPLIER)}>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n"
    assert client.sock is not None
    client.send(f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n\r\n{body}")
    assert client.getreply()[0] == 421
    with contextlib.suppress(ConnectionError):
        assert client.sock.recv(100) == b""
    assert not kept(tmp_path)


def test_emails_to_everybody_at_once_are_all_taken(tmp_path: Path) -> None:
    """An announcement comes over a connection for each party at the same moment, faster than any is accepted."""
    with listen(Recorder(tmp_path), GATEWAY, ("127.0.0.1", 0)) as server, contextlib.ExitStack() as opened:
        port = int(server.server_address[1])
        clients = [opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5)) for _ in range(60)]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            assert {client.recv(100) for client in clients} == {b"220 mailbox ESMTP\r\n"}
        finally:
            server.shutdown()
            thread.join()
