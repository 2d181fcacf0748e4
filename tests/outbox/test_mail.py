"""Emails, handed to a relay over real sockets."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from threading import enumerate as enumerate_threads
from typing import Any

import pytest

from duis_gateway.outbox import view as outbox_view
from duis_gateway.outbox.dispatcher import Delivery, DeliverySettings
from duis_gateway.outbox.guard import parse_networks
from duis_gateway.outbox.held import A_RELAY
from duis_gateway.outbox.mail import MailSender, SmtpSettings
from duis_gateway.outbox.retry import FailureKind, RetryPolicy
from duis_gateway.outbox.senders import HttpSender
from duis_gateway.outbox.store import ClaimedMessage, OutboxMessage
from duis_gateway.outbox.transport import HttpTransport, TransportSettings
from duis_gateway.store.engine import Store
from tests.support.mail_relay import MailRelay
from tests.support.outbox import SUPPLIER, enqueue, message
from tests.support.receivers import Receiver
from tests.support.scripted_peer import scripted_peer
from tests.support.threads import without_threads
from tests.support.web_certificates import make_web_certificate
from tests.support.writing import wait_until

EMAIL = b"From: gateway@dcc.test\r\nTo: ops@supplier.test\r\nSubject: Release R1\r\n\r\nYour hubs.\r\n"
LOOPBACK = parse_networks(["127.0.0.0/8"])


def claimed(address: str | None = "ops@supplier.test", content: bytes = EMAIL) -> ClaimedMessage:
    return ClaimedMessage(1, 1, "email", address, "A01", "m1", content, "message/rfc822", 1, 0, "t", 0.0)


@contextmanager
def sender(port: int, timeout: float = 5.0, **more: Any) -> Iterator[MailSender]:
    mail = MailSender(SmtpSettings("127.0.0.1", "bounces@dcc.test", port, timeout=timeout, **more))
    yield mail
    mail.close()


def test_the_email_arrives_as_it_is() -> None:
    with MailRelay() as relay, sender(relay.port) as mail:
        assert mail.send(claimed()) is None
        assert relay.emails == [("bounces@dcc.test", "ops@supplier.test", EMAIL)]


@pytest.mark.parametrize(
    ("recipient", "content", "refused", "detail"),
    [
        (b"550 no such user", None, True, "SMTP 550: no such user"),
        (b"451 try later", None, False, "SMTP 451: try later"),
        (None, b"554 looks like spam", True, "SMTP 554: looks like spam"),
        (None, b"452 full", False, "SMTP 452: full"),
        (b"554 5.7.1 <a@b.example>: Relay access denied", None, False, None),
        (b"553 5.7.1 <g@dcc.example>: Sender address rejected: not logged in", None, False, None),
        (b"550 5.1.8 bad sender", None, False, None),
        (b"550 5.1.1 no such user", None, True, None),
        (None, b"554 5.7.1 looks like spam", True, None),
    ],
)
def test_what_the_relay_refuses(
    recipient: bytes | None, content: bytes | None, refused: bool, detail: str | None
) -> None:
    """F15 for email: 5xx has the small budget, 4xx the large one, and what is held against the gateway itself too."""
    with MailRelay() as relay, sender(relay.port) as mail:
        relay.refuse_recipient, relay.refuse_content = recipient, content
        failure = mail.send(claimed())
    assert failure
    said = (recipient or content or b"").decode()
    detail = detail or f"SMTP {said[:3]}: {said[4:]}"
    assert (failure.kind, failure.concerns_message, failure.detail) == (FailureKind.STATUS, refused, detail)


def test_a_relay_that_is_silent() -> None:
    """F14."""
    with socket.create_server(("127.0.0.1", 0)) as silent, sender(silent.getsockname()[1], timeout=0.3) as mail:
        failure = mail.send(claimed())
    assert failure
    assert failure.kind is FailureKind.TIMEOUT


def test_no_email_goes_without_its_deadline_and_the_next_has_one() -> None:
    """F17, F31: where the machine has no thread for the watchdog, the attempt has failed; later there is one."""
    with MailRelay() as relay, sender(relay.port) as mail, without_threads("delivery-watchdog", 1):
        failure = mail.send(claimed())
        assert failure is not None
        assert not failure.refused
        assert relay.emails == []
        assert mail.send(claimed()) is None
    dripping = [(b"", b"2")] * 1_000
    with scripted_peer(dripping, pause=0.05) as port, sender(port, timeout=0.3) as mail:
        with without_threads("delivery-watchdog", 1):
            assert mail.send(claimed()) is not None
        late = mail.send(claimed())
    assert late is not None
    assert late.kind is FailureKind.TIMEOUT


def test_a_relay_whose_greeting_drips() -> None:
    """F17: the deadline holds from the first octet on, and a byte now and then does not buy more time."""
    with scripted_peer([(b"", b"2")] * 1_000, pause=0.05) as port, sender(port, timeout=0.3) as mail:
        failure = mail.send(claimed())
    assert failure
    assert failure.kind is FailureKind.TIMEOUT


def test_a_relay_that_breaks_off_in_its_last_reply_has_accepted_nothing() -> None:
    """F30: what there is of the reply looks like an acceptance."""
    polite = [(b"", b"220 relay\r\n"), *[(b"\r\n", b"250 ok\r\n")] * 3, (b"\r\n", b"354 go on\r\n")]
    with scripted_peer([*polite, (b"\r\n.\r\n", b"250")]) as port, sender(port) as mail:
        failure = mail.send(claimed())
    assert failure
    assert (failure.kind, failure.concerns_message) == (FailureKind.CONNECTION, False)


def test_a_relay_that_goes_while_the_email_is_sent_is_told_as_such() -> None:
    polite = [(b"", b"220 relay\r\n"), *[(b"\r\n", b"250 ok\r\n")] * 3, (b"\r\n", b"354 go on\r\n")]
    with scripted_peer(polite) as port, sender(port) as mail:
        failure = mail.send(replace(claimed(), content=EMAIL + b"x" * 20_000_000))
    assert failure
    assert failure.kind is FailureKind.CONNECTION
    assert "not connected" not in failure.detail
    assert failure.detail == "the relay closed the connection while the email was being sent"


POLITE = [(b"", b"220 relay\r\n"), *[(b"\r\n", b"250 ok\r\n")] * 3]


@pytest.mark.parametrize(
    "turns",
    [
        [*POLITE, (b"\r\n", b"354 go\r\n250 queued\r\n"), (b"\r\n.\r\n", b"554 no\r\n")],
        [*POLITE[:3], (b"\r\n", b"250 ok\r\n354 go\r\n250 queued\r\n"), (b"\r\n.\r\n", b"554 no\r\n")],
        [(b"", b"220 relay\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n")],
    ],
)
def test_a_reply_that_came_before_its_question_is_no_answer(turns: list[tuple[bytes, bytes]]) -> None:
    """T67 for email: what was said before the email went out says nothing about it (RFC 5321, 4.3.1)."""
    with scripted_peer(turns) as port, sender(port) as mail:
        failure = mail.send(claimed())
    assert failure
    assert (failure.kind, failure.concerns_message) == (FailureKind.CONNECTION, False)
    assert failure.detail.startswith("the relay answered before it was asked: ")


@pytest.mark.parametrize("said", ["hello", "2_0 relay", "HTTP/1.1 400 Bad Request"])
def test_what_is_no_answer_of_smtp_is_told_as_it_came(said: str) -> None:
    with scripted_peer([(b"", f"{said}\x1b[31m\r\n".encode())]) as port, sender(port) as mail:
        failure = mail.send(claimed())
    assert failure
    assert (failure.kind, failure.concerns_message) == (FailureKind.CONNECTION, False)
    assert failure.detail == f"not an SMTP answer: {said} [31m"


REPLIES = [b"220 relay", b"250 ok", b"250 ok", b"250 ok", b"354 go", b"250 taken"]
"""To the connection, EHLO, MAIL, RCPT, DATA and the email."""


def relay_that_says(*replies: bytes) -> AbstractContextManager[int]:
    ends = [b"", *[b"\r\n"] * 4, b"\r\n.\r\n"]
    return scripted_peer([(end, reply + b"\r\n") for end, reply in zip(ends, replies, strict=True)])


@pytest.mark.parametrize("step", range(len(REPLIES)))
@pytest.mark.parametrize("form", ["{0}0 ok", "{0}ok", "550-no\r\n{0} ok", "{0}-ok\r\n550 no", "\u0662{0} ok", "650 ok"])
def test_a_reply_that_is_not_in_the_form_of_smtp_accepts_nothing(step: int, form: str) -> None:
    """RFC 5321, 4.2 and 4.2.1: three digits, then a space or a hyphen, and the same three in each line."""
    replies = list(REPLIES)
    replies[step] = form.format(REPLIES[step][:3].decode()).encode()
    with relay_that_says(*replies) as port, sender(port) as mail:
        failure = mail.send(claimed())
    assert failure
    assert (failure.kind, failure.concerns_message) == (FailureKind.CONNECTION, False)
    assert failure.detail.startswith("not an SMTP answer: ")


@pytest.mark.parametrize("code", [200, 250, 251, 252, 299])
@pytest.mark.parametrize("step", [2, 3, 5], ids=["MAIL", "RCPT", "content"])
def test_the_first_digit_says_what_a_relay_accepts(step: int, code: int) -> None:
    """RFC 5321, 4.2.1 and 4.3.2: an email that was accepted must not go out again and again."""
    replies = list(REPLIES)
    replies[step] = b"%d it will do" % code
    with relay_that_says(*replies) as port, sender(port) as mail:
        assert mail.send(claimed()) is None


@pytest.mark.parametrize("reply", [b"250", b"250-one\r\n250 two", b"250-one\r\n250-\r\n250"])
def test_a_reply_may_have_several_lines_or_no_text(reply: bytes) -> None:
    with relay_that_says(*REPLIES[:-1], reply) as port, sender(port) as mail:
        assert mail.send(claimed()) is None


def test_a_challenge_that_is_none_is_told_as_the_relays(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret")
    hello = (b"\r\n", b"250-relay\r\n250 AUTH LOGIN\r\n")
    turns = [(b"", b"220 relay\r\n"), hello, (b"\r\n", b"334 a\r\n")]
    login: dict[str, Any] = {"username": "gateway", "password_file": tmp_path / "password"}
    with scripted_peer(turns) as port, sender(port, **login) as mail:
        failure = mail.send(claimed())
    assert failure
    assert "the relay's challenge is not one" in failure.detail
    assert not failure.concerns_message


def test_a_reply_without_end_is_cut() -> None:
    """T63: it is neither kept in memory nor waited for."""
    with scripted_peer([(b"", b"220-and more\r\n" * 10_000)]) as port, sender(port) as mail:
        failure = mail.send(claimed())
    assert failure
    assert "longer than 65536 octets" in failure.detail


def test_a_relay_that_is_away() -> None:
    """F13."""
    with MailRelay() as relay:
        pass
    with sender(relay.port) as mail:
        failure = mail.send(claimed())
    assert failure
    assert failure.kind is FailureKind.CONNECTION


@contextmanager
def silent(kind: str) -> Iterator[int]:
    """Give the port of an address of the relay at which nothing goes on, as one of 127.0.0.5."""
    with socket.create_server(("127.0.0.5", 0), backlog=0) as listening, ExitStack() as waiting:
        if kind == "no answer to a SYN":
            for _ in range(3):
                one = waiting.enter_context(socket.socket())
                one.setblocking(False)
                one.connect_ex(listening.getsockname())
        if kind == "hangs up":
            Thread(target=lambda: listening.accept()[0].close(), daemon=True).start()
        port = int(listening.getsockname()[1])
        if kind == "refuses":
            listening.close()
        yield port


@pytest.mark.parametrize("kind", ["no answer to a SYN", "no greeting", "hangs up", "refuses"])
def test_a_relay_whose_first_address_is_silent_is_reached_at_its_next(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 5321, 5.1; and the look that `doctor` takes."""
    with MailRelay() as relay, silent(kind) as dead, sender(relay.port, timeout=1.5) as mail:
        places = [("127.0.0.5", dead), ("127.0.0.1", relay.port)]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", place) for place in places]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        assert mail.send(claimed()) is None
        assert mail.look() is None
        assert len(relay.emails) == 1


@pytest.mark.parametrize("address", [None, "", "ops@supplier.test\r\nRCPT TO:<else@where.test>"])
def test_addresses_that_cannot_be_sent_to(address: str | None) -> None:
    """T66: nothing that would be another SMTP command."""
    with MailRelay() as relay, sender(relay.port) as mail:
        failure = mail.send(claimed(address))
        assert failure
        assert failure.kind is FailureKind.ADDRESS
        assert not relay.emails


def test_an_email_stored_before_there_was_a_relay_gets_its_from() -> None:
    bare = EMAIL.partition(b"\r\n")[2]
    with MailRelay() as relay, sender(relay.port) as mail:
        assert mail.send(claimed(content=bare)) is None
        (arrived,) = relay.wait_for(1)
    assert arrived["From"] == "bounces@dcc.test"
    assert relay.emails[0][2].endswith(bare)


def test_lines_that_begin_with_a_dot_arrive_as_they_are() -> None:
    """The end of an email is a dot alone; one within must not cut it."""
    content = EMAIL + b".\r\n..\r\n.hidden\r\n"
    with MailRelay() as relay, sender(relay.port) as mail:
        assert mail.send(claimed(content=content)) is None
        assert relay.emails[0][2] == content


def test_starttls_and_login(tmp_path: Path) -> None:
    """The password comes from a file; the connection is encrypted, to a relay that proves its name."""
    certificate = make_web_certificate(tmp_path / "relay.pem", "127.0.0.1")
    (tmp_path / "password").write_text("s3cret\n")
    with MailRelay(certificate=certificate, login=("gateway", "s3cret")) as relay:
        good: dict[str, Any] = {
            "starttls": True,
            "username": "gateway",
            "password_file": tmp_path / "password",
            "ca_file": certificate,
        }
        with sender(relay.port, **good) as mail:
            assert mail.send(claimed()) is None
        assert relay.users == ["gateway"]
        with sender(relay.port, **good | {"ca_file": None}) as mail:
            failure = mail.send(claimed())
        assert failure
        assert failure.kind is FailureKind.TLS
    assert len(relay.emails) == 1


def test_a_login_in_letters_beyond_ascii(tmp_path: Path) -> None:
    """RFC 4616: they go in UTF-8; a file in another encoding is named."""
    certificate = make_web_certificate(tmp_path / "relay.pem", "127.0.0.1")
    password = tmp_path / "password"
    password.write_text("sécret", encoding="utf-8")
    login: dict[str, Any] = {"starttls": True, "username": "gäteway", "password_file": password, "ca_file": certificate}
    with MailRelay(certificate=certificate, login=("gäteway", "sécret")) as relay, sender(relay.port, **login) as mail:
        assert mail.send(claimed()) is None
        assert relay.users == ["gäteway"]
        password.write_text("sécret", encoding="latin-1")
        unreadable = mail.send(claimed())
        password.unlink()
        missing = mail.send(claimed())
    for failure, why in ((unreadable, "it is not UTF-8"), (missing, "No such file or directory")):
        assert failure
        assert failure.detail == f"the password in {password} cannot be read: {why}"


@pytest.mark.parametrize("within", ["handshake", "reply"])
def test_a_relay_that_drips_after_starttls_is_cut_at_the_deadline(tmp_path: Path, within: str) -> None:
    """F17: smtplib goes on with another socket object then; the deadline is that of the same attempt."""
    certificate = make_web_certificate(tmp_path / "relay.pem", "127.0.0.1")
    encrypted: dict[str, Any] = {"timeout": 1.0, "starttls": True, "ca_file": certificate}
    with _dripping_relay(certificate, within) as port, sender(port, **encrypted) as mail:
        failure = mail.send(claimed())
    assert failure
    assert failure.kind in (FailureKind.TIMEOUT, FailureKind.TLS)
    assert not failure.concerns_message


@contextmanager
def _dripping_relay(certificate: Path, within: str) -> Iterator[int]:
    """A relay that begins TLS, and from the handshake or the next reply on sends an octet now and then, for ever."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            for reply in (b"220 relay\r\n", b"250-relay\r\n250 STARTTLS\r\n", b"220 go\r\n"):
                connection.sendall(reply)
                connection.recv(4096, socket.MSG_PEEK if reply.startswith(b"220 go") else 0)
            if within == "handshake":
                drip(connection, b"\x16\x03\x03\x40\x00" + bytes(10_000))
                return
            with context.wrap_socket(connection, server_side=True) as encrypted:
                encrypted.recv(4096)
                drip(encrypted, b"2" * 10_000)

    def drip(connection: socket.socket, octets: bytes) -> None:
        for octet in octets:
            connection.sendall(bytes([octet]))
            if stop.wait(0.05):
                return

    stop = Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=serve, args=(listener,))
        thread.start()
        yield listener.getsockname()[1]
        stop.set()
        thread.join()


def test_no_name_server_is_asked_what_this_machine_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver waits as long as it likes, and no deadline of ours holds there."""

    def asked() -> str:
        raise AssertionError("a name server was asked")

    monkeypatch.setattr(socket, "getfqdn", asked)
    monkeypatch.setattr(socket, "gethostname", lambda: "gateway")
    with MailRelay() as relay, sender(relay.port) as mail:
        assert mail.send(claimed()) is None
        relay.wait_for(1)


def test_a_wrong_password_is_not_the_emails_fault(tmp_path: Path) -> None:
    """What the relay says of the gateway has the large budget: the operator has time to put it right."""
    certificate = make_web_certificate(tmp_path / "relay.pem", "127.0.0.1")
    password = tmp_path / "password"
    password.write_text("wrong")
    login: dict[str, Any] = {"starttls": True, "username": "gateway", "password_file": password, "ca_file": certificate}
    with MailRelay(certificate=certificate, login=("gateway", "s3cret")) as relay, sender(relay.port, **login) as mail:
        failure = mail.send(claimed())
    assert failure
    assert failure.detail.startswith("SMTP 535")
    assert not failure.concerns_message
    assert "wrong" not in failure.detail


def test_a_relay_without_starttls_gets_nothing_where_it_is_asked_for() -> None:
    with MailRelay() as relay, sender(relay.port, starttls=True) as mail:
        failure = mail.send(claimed())
        assert failure
        assert not failure.concerns_message
        assert not relay.emails


# --- from the outbox ----------------------------------------------------------------------------------------------


@contextmanager
def delivering(store: Store, port: int, refused_attempts: int = 3) -> Iterator[None]:
    """Deliver emails to a relay, with short back-off, while the block lasts."""
    policy = RetryPolicy(base=0.02, cap=0.05, refused_attempts=refused_attempts)
    with sender(port) as mail:
        delivery = Delivery(store, {"email": mail}, policy, DeliverySettings(poll=0.02))
        delivery.start()
        yield
        assert delivery.stop()


def email_message(number: int, release: str = "R1") -> OutboxMessage:
    content = f"From: a@dcc.test\r\nSubject: {number}\r\n\r\n.\r\n".encode()
    return replace(message(content, channel="email"), order_key=f"{SUPPLIER:016X}/{release}/email")


def test_large_emails_for_many_are_not_all_in_memory_while_the_relay_is_slow(store: Store) -> None:
    """An announcement to 24 suppliers with 45,000 hubs each took a process to 513 MB; each of them gets on in turn."""
    size, recipients = A_RELAY // 5, range(1, 25)
    large = [
        message(EMAIL + b"a hub that can be updated\r\n" * (size // 26), channel="email", recipient=one)
        for one in recipients
    ]
    with MailRelay() as relay, delivering(store, relay.port):
        relay.answers.clear()
        try:
            enqueue(store, *large)
            relay.wait_for(5)
            wait_until(lambda: lanes() == len(recipients))
            assert in_flight(store) <= 7, "as many as there is room for, and one more for each who looks at once"
        finally:
            relay.answers.set()
        relay.wait_for(len(recipients))
    assert states(store) == ["delivered"] * len(recipients)


def lanes() -> int:
    return sum(one.name == "delivery-lane" for one in enumerate_threads())


def in_flight(store: Store) -> int:
    return states(store).count("in_flight")


def states(store: Store) -> list[str]:
    with store.read() as conn:
        return [entry.state for entry in outbox_view.entries(conn)]


def test_emails_go_out_from_the_outbox(store: Store) -> None:
    enqueue(store, message(EMAIL, channel="email"))
    with MailRelay() as relay, delivering(store, relay.port):
        relay.wait_for(1)
        wait_until(lambda: states(store) == ["delivered"])


def test_emails_wait_for_a_relay_that_is_down_and_come_in_order(store: Store) -> None:
    """F13, F19."""
    with MailRelay() as relay:
        port = relay.port
    enqueue(store, *(email_message(number) for number in range(1, 6)))
    with delivering(store, port):
        wait_until(lambda: first_error(store) is not None)
        with MailRelay(port) as relay:
            arrived = relay.wait_for(5)
            wait_until(lambda: set(states(store)) == {"delivered"})
    assert [one["Subject"] for one in arrived] == ["1", "2", "3", "4", "5"]


def first_error(store: Store) -> str | None:
    with store.read() as conn:
        return outbox_view.entries(conn, limit=1)[0].last_error


def test_a_relay_that_is_busy_gets_the_email_later(store: Store) -> None:
    """4xx is tried again beyond the small budget of what is refused."""
    enqueue(store, email_message(1))
    with MailRelay() as relay, delivering(store, relay.port, refused_attempts=1):
        relay.refuse_content = b"452 no space"
        wait_until(lambda: first_error(store) == "SMTP 452: no space")
        relay.refuse_content = None
        relay.wait_for(1)
        wait_until(lambda: states(store) == ["delivered"])


def test_an_email_that_is_refused_becomes_a_dead_letter_and_those_behind_it_go_on(store: Store) -> None:
    """F18: 5xx has the small budget; an operator can replay it."""
    enqueue(store, email_message(1), email_message(2))
    with MailRelay() as relay:
        relay.refuse_recipient = b"550 no such user"
        with delivering(store, relay.port):
            wait_until(lambda: states(store)[0] == "dead")
            assert "SMTP 550: no such user (given up after attempt 3)" in str(first_error(store))
            relay.refuse_recipient = None
            wait_until(lambda: states(store)[1] in ("delivered", "dead"))
            with store.write() as conn:
                outbox_view.replay(conn)
            relay.wait_for(2)
            wait_until(lambda: states(store) == ["delivered", "delivered"])


def test_without_a_relay_emails_wait_and_hold_no_alert_back(store: Store) -> None:
    """Emails have an order of their own: alerts about the same release pass them."""
    alerts = [message(f"<a{number}/>".encode(), key="R1") for number in range(3)]
    enqueue(store, email_message(1), *alerts, email_message(2))
    with Receiver() as receiver:
        http = HttpSender(HttpTransport(TransportSettings(allowed_networks=LOOPBACK)), lambda _: receiver.url)
        delivery = Delivery(store, {"http": http}, RetryPolicy(base=0.02), DeliverySettings(poll=0.02))
        delivery.start()
        wait_until(lambda: states(store) == ["pending", "delivered", "delivered", "delivered", "pending"])
        assert delivery.stop()
        assert [*receiver.accepted] == [b"<a0/>", b"<a1/>", b"<a2/>"]


STEPS = ("MAIL", "RCPT", "DATA", "content")


@pytest.mark.parametrize(
    ("code", "speaks_of_the_email"),
    [
        (421, ()),
        (450, ()),
        (451, ()),
        (452, ()),
        (500, ()),
        (501, ("RCPT",)),
        (503, ()),
        (530, ()),
        (550, ("RCPT", "DATA", "content")),
        (552, ("MAIL", "RCPT", "DATA", "content")),
        (553, ("RCPT", "content")),
        (554, ("RCPT", "DATA", "content")),
        (555, ()),
        (556, ("RCPT",)),
    ],
)
def test_which_answers_speak_of_this_email(code: int, speaks_of_the_email: tuple[str, ...]) -> None:
    """F15, F18: 552 at MAIL is the email's size (RFC 1870); the gateway's own faults have the large budget."""
    found = []
    with MailRelay() as relay, sender(relay.port) as mail:
        for step in STEPS:
            relay.refuse = {step: f"{code} no"}
            failure = mail.send(claimed())
            assert failure
            assert failure.detail == f"SMTP {code}: no"
            found += [step] if failure.concerns_message else []
        assert not relay.emails
    assert tuple(found) == speaks_of_the_email


@pytest.mark.parametrize("said", ["550 5.3.4 message too big", "523 5.2.3 too long", "554 5.3.4 too big"])
@pytest.mark.parametrize("step", STEPS)
def test_an_enhanced_code_says_that_the_email_is_too_large(step: str, said: str) -> None:
    """F18: by RFC 3463; what stands behind it goes on after the small budget."""
    with MailRelay() as relay, sender(relay.port) as mail:
        relay.refuse = {step: said}
        failure = mail.send(claimed())
        assert failure
        assert failure.concerns_message
        relay.refuse = {step: said.replace("5", "4", 1).replace("5.", "4.", 1)}
        failure = mail.send(claimed())
        assert failure
        assert not failure.concerns_message


def test_an_email_that_is_too_large_is_not_sent_and_those_behind_it_go_on(store: Store) -> None:
    """RFC 1870: the relay says what it takes; whoever asks nevertheless gets 552."""
    large = replace(email_message(1), content=EMAIL + b"x" * 30_000)
    enqueue(store, large, email_message(2))
    with MailRelay(largest=20_000) as relay, delivering(store, relay.port):
        wait_until(lambda: states(store) == ["dead", "delivered"])
        assert "relay takes 20000 at most (given up after attempt 3)" in str(first_error(store))
