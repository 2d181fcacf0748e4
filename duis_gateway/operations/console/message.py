"""One message: what it says, who signed it, its answer, and what became of its delivery."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

from lxml import etree
from sqlalchemy import Connection

from duis_gateway.duis.verdict import Verdict, verdict_in
from duis_gateway.envelope.claims import SignerReference
from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.errors import MessageRefused
from duis_gateway.operations.console import search
from duis_gateway.operations.console.certificates import Held, registered, signer_of
from duis_gateway.operations.console.search import Line, Way
from duis_gateway.operations.console.waiting import Why, why_waits
from duis_gateway.outbox import view as outbox_view
from duis_gateway.outbox.view import FailedAttempt, OutboxEntry
from duis_gateway.parties import store as parties

_LONGEST = 200_000
_LONGEST_TEXT = 2_000
_LARGEST = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Document:
    """A document for reading. `signer`: whom its signature names; `certificate`: theirs, where it is registered."""

    size: int
    text: str
    shortened: bool
    signer: SignerReference | None = None
    certificate: Held | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the delivery of a message that is sent stands. `address`: where it goes to, None where there is none."""

    entry: OutboxEntry
    address: str | None
    failed: list[FailedAttempt]
    why_waits: Why | None


@dataclass(frozen=True, slots=True)
class MessagePage:
    """One message with all that is known of it; a document of which nothing is left was pruned.

    `release`: the one that it is about, where it names one; `verdict`: what the answer to it says.
    """

    line: Line
    document: Document | None
    answer: Document | None
    delivery: Delivery | None
    release: str | None = None
    verdict: Verdict | None = None


def page_of(conn: Connection, way: Way, number: int, relay: bool) -> MessagePage | None:
    """Return a message's page; None if there is no such message. `relay`: there is one for emails."""
    line, content = search.find(conn, way, number), search.bytes_of(conn, way, number)
    if line is None or content is None:
        return None
    delivery = None
    if way is Way.SENT:
        found = outbox_view.find(conn, number)
        assert found is not None
        failed, why = outbox_view.failed_attempts(conn, number), why_waits(conn, found[0], relay)
        delivery = Delivery(found[0], _address(conn, found[0]), failed, why)
    raw, answer = _root(content.raw), _root(content.answer)
    release = line.release or (None if raw is None else raw.findtext(".//{*}FirmwareReleaseID"))
    verdict = None if answer is None else verdict_in(answer)
    documents = _document(conn, content.raw, raw), _document(conn, content.answer, answer)
    return MessagePage(line, *documents, delivery, release, verdict)


def _root(content: bytes) -> etree._Element | None:
    """Return a document as a tree; None where it is none, or a very long one."""
    if content.lstrip()[:1] != b"<" or len(content) > _LARGEST:
        return None
    try:
        return parse_trusted(content)
    except MessageRefused:
        return None


def _address(conn: Connection, entry: OutboxEntry) -> str | None:
    """Return where a message goes to: a party's URL is looked up when it is sent."""
    party = parties.find(conn, entry.recipient) if entry.channel == "http" else None
    return entry.address if party is None else party.url


def _document(conn: Connection, content: bytes, root: etree._Element | None) -> Document | None:
    if not content:
        return None
    if content.lstrip()[:1] != b"<":
        return _cut(len(content), _email_text(content))
    if root is None:
        return _cut(len(content), content[:_LONGEST].decode("utf-8", "replace"))
    signer = signer_of(root)
    shown = _cut(len(content), pretty(root))
    return Document(
        shown.size, shown.text, shown.shortened, signer, None if signer is None else registered(conn, signer)
    )


def _cut(size: int, text: str) -> Document:
    return Document(size, text[:_LONGEST], len(text) > _LONGEST)


def pretty(root: etree._Element) -> str:
    """Return a document indented for reading, its long lists cut; it is no longer what was signed."""
    for element in root.iter("*"):
        text = element.text or ""
        if len(text) > _LONGEST_TEXT:
            element.text = f"{text[:_LONGEST_TEXT]} ... ({len(text) - _LONGEST_TEXT:,} more characters)"
    etree.indent(root)
    return etree.tostring(root, encoding="unicode")


def _email_text(content: bytes) -> str:
    email = message_from_bytes(content, policy=policy.default)
    assert isinstance(email, EmailMessage)
    head = "\n".join(f"{name}: {email[name]}" for name in ("From", "To", "Subject", "Date") if email[name])
    body = email.get_body(("plain",))
    files = [part.get_filename() or "unnamed" for part in email.iter_attachments()]
    parts = [head, body.get_content() if body is not None else "", *(f"Attached: {name}" for name in files)]
    return "\n\n".join(part for part in parts if part)
