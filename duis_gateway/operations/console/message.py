"""One message: what it says, who signed it, its answer, and what became of its delivery."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

from lxml import etree
from sqlalchemy import Connection

from duis_gateway.duis.verdict import Verdict, verdict_in
from duis_gateway.envelope.claims import SignerReference
from duis_gateway.envelope.parse import parse_cut_off, parse_trusted
from duis_gateway.errors import MessageRefused
from duis_gateway.flow import evidence as messages
from duis_gateway.machine.memory import give_back
from duis_gateway.operations.console import search
from duis_gateway.operations.console.certificates import Held, registered, signer_of
from duis_gateway.operations.console.documents import Part, Stored
from duis_gateway.operations.console.search import Line, Way
from duis_gateway.operations.console.waiting import Why, why_waits
from duis_gateway.outbox import view as outbox_view
from duis_gateway.outbox.view import FailedAttempt, OutboxEntry
from duis_gateway.parties import store as parties

_LONGEST = 200_000
_LONGEST_TEXT = 2_000
_READ = 128 * 1024
"""Bytes of a document that a page looks at: laid out, it takes many times as much, and many pages may be asked for."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document for reading. `signer`: whom its signature names; `certificate`: theirs, where it is registered.

    `shortened`: something of it is left out. `beginning`: only so many bytes of it were looked at, None: all.
    """

    size: int
    text: str
    shortened: bool
    beginning: int | None = None
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
    line = search.find(conn, way, number)
    if line is None:
        return None
    delivery = None
    if way is Way.SENT:
        found = outbox_view.find(conn, number)
        assert found is not None
        failed, why = outbox_view.failed_attempts(conn, number), why_waits(conn, found[0], relay)
        delivery = Delivery(found[0], _address(conn, found[0]), failed, why)
    raw, answer = (Stored(way, number, is_answer).part(conn, 0, _READ) for is_answer in (False, True))
    is_request = way is Way.REQUESTS
    # One tree at a time: each is much larger than what it is made of.
    root = _root(raw)
    release = line.release or (None if root is None else root.findtext(".//{*}FirmwareReleaseID"))
    document = _document(conn, raw, root)
    root = _root(answer)
    verdict = None if root is None else verdict_in(root, messages.explanation_of(conn, number) if is_request else None)
    page = MessagePage(line, document, _document(conn, answer, root), delivery, release, verdict)
    if not (raw.is_whole and answer.is_whole):
        root = None
        give_back()
    return page


def _root(part: Part) -> etree._Element | None:
    """Return a document, or the beginning of a long one, as a tree; None where it is none."""
    if part.content.lstrip()[:1] != b"<":
        return None
    try:
        return parse_trusted(part.content) if part.is_whole else parse_cut_off(part.content)
    except (MessageRefused, etree.XMLSyntaxError):
        return None


def _address(conn: Connection, entry: OutboxEntry) -> str | None:
    """Return where a message goes to: a party's URL is looked up when it is sent."""
    party = parties.find(conn, entry.recipient) if entry.channel == "http" else None
    return entry.address if party is None else party.url


def _document(conn: Connection, part: Part, root: etree._Element | None) -> Document | None:
    if not part.size:
        return None
    if part.content.lstrip()[:1] != b"<":
        return _cut(part, _email_text(part.content))
    if root is None:
        return _cut(part, part.content.decode("utf-8", "replace"))
    signer = signer_of(root)
    return _cut(part, pretty(root), signer, None if signer is None else registered(conn, signer))


def _cut(part: Part, text: str, signer: SignerReference | None = None, certificate: Held | None = None) -> Document:
    beginning = None if part.is_whole else len(part.content)
    return Document(part.size, text[:_LONGEST], len(text) > _LONGEST, beginning, signer, certificate)


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
