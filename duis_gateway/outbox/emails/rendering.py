"""An email as it goes out: RFC 5322, with text and HTML that say the same, and a CSV file if there is one.

Headers hold only what is printable and on one line (threat T66), the HTML is escaped whoever wrote the words, and
everything is ASCII on the wire, so that any relay can carry it.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from duis_gateway.duis.alerts.words import Facts
from duis_gateway.text.cells import csv_lines
from duis_gateway.text.controls import one_line
from duis_gateway.text.pages import render as render_page

CONTENT_TYPE = "message/rfc822"

_POLICY = SMTP.clone(cte_type="7bit")
_WIDTH = 76
_LONGEST_HEADER = 200


@dataclass(frozen=True, slots=True)
class CsvFile:
    """An attachment: its name, and its content (UTF-8, RFC 4180, a header line first)."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class EmailContent:
    """One email, complete except for what the wire needs."""

    to: str
    subject: str
    paragraphs: Sequence[str]
    facts: Facts = ()
    footer: str = ""
    file: CsvFile | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """What identifies an email: its id, its time, its sender, and its kind (for filters at the receiving end).

    Without a `sender` there is no From; delivery adds it from the configuration at that time.
    """

    message_id: str
    at: datetime
    sender: str | None = None
    kind: str = ""
    release_id: str | None = None


def render(content: EmailContent, envelope: Envelope) -> bytes:
    """Return the whole email; the same arguments give the same bytes.

    Raises:
        ValueError: `to` or the sender is no email address (`parties.records.is_email_address`).
    """
    message = EmailMessage(policy=_POLICY)
    if envelope.sender is not None:
        message["From"] = Address("DUIS gateway", addr_spec=envelope.sender)
    message["To"] = Address(addr_spec=content.to)
    message["Subject"] = header_text(content.subject)
    message["Date"] = envelope.at
    message["Message-ID"] = f"<{envelope.message_id}@duis-gateway>"
    # RFC 3834: no out-of-office notice or other automatic reply is wanted.
    message["Auto-Submitted"] = "auto-generated"
    message["X-DUIS-Gateway-Kind"] = header_text(envelope.kind)
    if envelope.release_id is not None:
        message["X-DUIS-Gateway-Release"] = header_text(envelope.release_id)
    message.set_content(_text(content))
    message.add_alternative(_html(content), subtype="html")
    if content.file is not None:
        message.add_attachment(
            content.file.content,
            maintype="text",
            subtype="csv",
            filename=content.file.name,
            params={"charset": "utf-8", "header": "present"},
        )
    _fix_boundaries(message, envelope.message_id)
    return message.as_bytes()


def header_text(text: str) -> str:
    """Return the text made fit for a header: on one line, not too long, and taken literally."""
    # Python's email package decodes an encoded word (RFC 2047) that it is given, line ends in it too (T66).
    words = one_line(text).replace("=?", "= ?")
    return words if len(words) <= _LONGEST_HEADER else f"{words[: _LONGEST_HEADER - 3]}..."


def file_name(*words: str) -> str:
    """Return the name of a CSV file made of these words, in characters that every file system accepts."""
    return "-".join(re.sub(r"[^A-Za-z0-9._-]+", "-", word) for word in words if word)[:120] + ".csv"


def csv_file(name: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> CsvFile:
    """Return a CSV file of texts (`csv_lines`)."""
    return CsvFile(name, csv_lines((columns, *rows)).encode())


def _fix_boundaries(message: EmailMessage, message_id: str) -> None:
    """Make the boundaries deterministic: the same email is the same bytes."""
    for number, part in enumerate(one for one in message.walk() if one.is_multipart()):
        part.set_boundary(f"={message_id}={number}=")


def _text(content: EmailContent) -> str:
    blocks = [_wrapped(one_line(paragraph)) for paragraph in content.paragraphs]
    if content.facts:
        width = max(len(label) for label, _ in content.facts) + 2
        lines = (f"{label + ':':<{width}}{one_line(value)}" for label, value in content.facts)
        blocks.append("\n".join(lines))
    if content.footer:
        blocks.append("-- \n" + _wrapped(content.footer))
    return "\n\n".join(blocks) + "\n"


def _wrapped(paragraph: str) -> str:
    return textwrap.fill(paragraph, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _html(content: EmailContent) -> str:
    return render_page(
        "duis_gateway.outbox.emails/email.html",
        subject=one_line(content.subject),
        paragraphs=list(map(one_line, content.paragraphs)),
        facts=[(one_line(label), one_line(value)) for label, value in content.facts],
        footer=one_line(content.footer),
    )
