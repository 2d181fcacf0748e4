"""The chain itself: how an entry covers the one before, and what is found where one does not. Pure.

An entry's link is the SHA-256, in hexadecimal, of four lines: the link before it (64 zeros before the first), its
sequence, the time at which it was sealed, and its content. So a link stands for everything up to its entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

BEFORE_THE_FIRST = "0" * 64


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: what one transaction recorded, as canonical JSON; `sealed_at` is the database's time."""

    sequence: int
    sealed_at: str
    content: str
    link: str


def link_of(previous: str, sequence: int, sealed_at: str, content: str) -> str:
    """Return the link of an entry that follows the link `previous`."""
    return sha256(f"{previous}\n{sequence}\n{sealed_at}\n{content}".encode()).hexdigest()


@dataclass(slots=True)
class Follower:
    """Follows the chain from its first entry on; stands after the entry `sequence`, whose link is `link`."""

    sequence: int = 0
    link: str = BEFORE_THE_FIRST

    def follow(self, entry: Entry) -> Iterator[str]:
        """Take the next entry, and yield what is wrong with it.

        Afterwards it goes on from the link that the entry has, so that one change is told once.
        """
        expected = self.sequence + 1
        if entry.sequence <= self.sequence:
            yield f"comes after entry {self.sequence}: it is out of order, or there twice"
        elif entry.sequence > expected:
            last = entry.sequence - 1
            gone = f"entry {last} is" if last == expected else f"entries {expected} to {last} are"
            yield f"follows entry {self.sequence}: {gone} missing"
        if link_of(self.link, entry.sequence, entry.sealed_at, entry.content) != entry.link:
            yield "its link does not cover its content and the entry before it: one of them was changed"
        self.sequence, self.link = entry.sequence, entry.link
