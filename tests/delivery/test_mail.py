"""Emails, handed to a relay over real sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from duis_gateway.delivery.dispatcher import Delivery, DeliverySettings
from duis_gateway.delivery.mail import MailSender, SmtpSettings
from duis_gateway.delivery.retry import FailureKind, RetryPolicy
from duis_gateway.store import outbox_view
from duis_gateway.store.engine import Store
from duis_gateway.store.outbox import ClaimedMessage
from tests.support.mail_relay import MailRelay
from tests.support.outbox import enqueue, message

EMAIL = b"From: gateway@dcc.test\r\nTo: ops@supplier.test\r\nSubject: Release R1\r\n\r\nYour hubs.\r\n"


def claimed(address: str | None = "ops@supplier.test") -> ClaimedMessage:
    return ClaimedMessage(1, "t", 1, "email", address, "A01", "m1", EMAIL, "message/rfc822", 1, 0.0)


@contextmanager
def sender(port: int, timeout: float = 5.0) -> Iterator[MailSender]:
    mail = MailSender(SmtpSettings("127.0.0.1", "bounces@dcc.test", port, timeout=timeout))
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
    ],
)
def test_what_the_relay_refuses(recipient: bytes | None, content: bytes | None, refused: bool, detail: str) -> None:
    """F15 for email: 5xx has the small budget, 4xx the large one."""
    with MailRelay() as relay, sender(relay.port) as mail:
        relay.refuse_recipient, relay.refuse_content = recipient, content
        failure = mail.send(claimed())
    assert failure
    assert (failure.kind, failure.concerns_message, failure.detail) == (FailureKind.STATUS, refused, detail)


def test_a_relay_that_is_silent() -> None:
    """F14."""
    with socket.create_server(("127.0.0.1", 0)) as silent, sender(silent.getsockname()[1], timeout=0.3) as mail:
        failure = mail.send(claimed())
    assert failure
    assert failure.kind is FailureKind.TIMEOUT


def test_a_relay_that_is_away() -> None:
    """F13."""
    with MailRelay() as relay:
        pass
    with sender(relay.port) as mail:
        failure = mail.send(claimed())
    assert failure
    assert failure.kind is FailureKind.CONNECTION


@pytest.mark.parametrize("address", [None, "", "ops@supplier.test\r\nRCPT TO:<else@where.test>"])
def test_addresses_that_cannot_be_sent_to(address: str | None) -> None:
    """T66: nothing that would be another SMTP command."""
    with MailRelay() as relay, sender(relay.port) as mail:
        failure = mail.send(claimed(address))
        assert failure
        assert failure.kind is FailureKind.ADDRESS
        assert not relay.emails


def test_emails_go_out_from_the_outbox(store: Store) -> None:
    enqueue(store, message(EMAIL, channel="email"))
    with MailRelay() as relay, sender(relay.port) as mail:
        delivery = Delivery(store, {"email": mail}, RetryPolicy(base=0.02), DeliverySettings(poll=0.02))
        delivery.start()
        assert relay.arrived.wait(30)
        assert delivery.stop()
    with store.read() as conn:
        assert [entry.state for entry in outbox_view.entries(conn)] == ["delivered"]
