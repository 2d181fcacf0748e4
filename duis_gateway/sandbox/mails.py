"""The emails that the mail catcher has kept, one file each."""

from __future__ import annotations

import email.policy
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

from duis_gateway.sandbox.cast import name_of


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
