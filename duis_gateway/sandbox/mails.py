"""The emails that the mail catcher has kept, one file each."""

from __future__ import annotations

import email.policy
from dataclasses import dataclass
from email.message import EmailMessage, MIMEPart
from email.parser import BytesHeaderParser, BytesParser
from pathlib import Path
from typing import Any

from duis_gateway.sandbox.cast import name_of

_OF_THE_FORM = ("Content-Type", "Content-Transfer-Encoding", "MIME-Version")


@dataclass(frozen=True, slots=True)
class Mail:
    """One email: its number, to whom, and what about; the file has it as it came over the wire."""

    number: int
    recipient: str
    kind: str
    subject: str
    path: Path

    @property
    def told(self) -> dict[str, Any]:
        """The email as JSON has it."""
        return {"number": self.number, "to": self.recipient, "kind": self.kind, "subject": self.subject}


@dataclass(frozen=True, slots=True)
class Letter:
    """What is in an email, for reading: its headers in their order, its plain text, and its files as texts."""

    headers: tuple[tuple[str, str], ...]
    text: str
    files: tuple[tuple[str, str], ...]


def opened(raw: bytes) -> Letter:
    """Return what is in an email that came over the wire."""
    parsed = BytesParser(EmailMessage, policy=email.policy.default).parsebytes(raw)
    body = parsed.get_body(("plain",))
    files = ((part.get_filename() or "without a name", _text(part)) for part in parsed.iter_attachments())
    headers = ((name, str(value)) for name, value in parsed.items() if name not in _OF_THE_FORM)
    return Letter(tuple(headers), _text(body) if body is not None else "", tuple(files))


def _text(part: MIMEPart) -> str:
    content = part.get_content()
    text = content if isinstance(content, str) else bytes(content).decode("utf-8", "replace")
    return text.replace("\r\n", "\n").strip()


class Mails:
    """The emails in a folder, in the order of their coming."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> list[Mail]:
        """Return every email."""
        found = sorted(self._folder.glob("*.eml"), key=lambda path: path.name)
        return [_read(number, path) for number, path in enumerate(found, 1)]


def _read(number: int, path: Path) -> Mail:
    _moment, _sender, recipient, kind = path.stem.split("-", 3)
    with path.open("rb") as file:
        headers = BytesHeaderParser(policy=email.policy.default).parse(file)
    return Mail(number, name_of(int(recipient, 16)), kind, str(headers["Subject"]).strip(), path)
