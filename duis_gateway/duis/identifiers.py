"""EUI-64 identifiers and RequestIDs: the text forms of DUIS and the integers that the gateway computes with."""

from __future__ import annotations

import re
import struct
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

_EUI = re.compile(r"(?:[0-9A-Fa-f]{2}-){7}[0-9A-Fa-f]{2}")
EUI_SCHEMA: Mapping[str, object] = {
    "type": "string",
    "pattern": f"^{_EUI.pattern}$",
    "description": "an EUI-64: eight pairs of hexadecimal digits separated by hyphens, letters in either case",
    "examples": ["90-B3-D5-1F-30-01-00-00"],
}
"""The same as JSON Schema has it, for descriptions of what takes one."""
EUI_AS_TYPED_SCHEMA: Mapping[str, object] = {
    **EUI_SCHEMA,
    "pattern": "^(0[xX])?[0-9A-Fa-f]{2}([-:. ]?[0-9A-Fa-f]{2}){7}$",
    "description": "an EUI-64: sixteen hexadecimal digits in either case, in pairs or not",
}
"""The same for what people type: as `eui_as_typed` reads it."""
NOBODY = 0
"""The EUI-64 that is all zeros, which systems write where they have none."""
_TYPED = re.compile("(?:0[xX])?" + "[-:. ]?".join(["([0-9A-Fa-f]{2})"] * 8))
_PLAIN = {"Pd": "-", "Zs": " ", "Cf": ""}
_MINUS = "\u2212"
_REQUEST_ID = re.compile(rf"({_EUI.pattern}):({_EUI.pattern}):(0|[1-9][0-9]{{0,19}})")
_EUI_CHARACTERS = 23
_2_63 = 1 << 63
_2_64 = 1 << 64


def parse_eui(text: str) -> int:
    """Return the EUI-64 written as `90-B3-D5-1F-30-01-00-00`, in either case, as an unsigned integer.

    Raises:
        ValueError: the text is no EUI-64 in DUIS's form.
    """
    if not _EUI.fullmatch(text):
        raise ValueError(f"not an EUI-64: {text[:40]!r}")
    return int(text.replace("-", ""), 16)


def as_typed(text: str) -> str:
    """Return what a person pasted as a keyboard writes it: word processors have hyphens and blanks of their own.

    What cannot be seen (as marks of where a word may be broken) is left out.
    """
    if text.isascii():
        return text.strip()
    plain = (_PLAIN.get(unicodedata.category(one), one) for one in text.replace(_MINUS, "-"))
    return "".join(plain).strip()


def eui_as_typed(text: str) -> int | None:
    """Return the EUI-64 that a person means: sixteen digits in either case, in pairs or not; None: it is none."""
    match = _TYPED.fullmatch(as_typed(text))
    return None if match is None else int("".join(match.groups()), 16)


def format_eui(eui: int) -> str:
    """Return the EUI-64 as DUIS writes it, in capitals."""
    return eui.to_bytes(8, "big").hex("-").upper()


def format_euis(euis: Iterable[int]) -> str:
    """Return EUI-64s in capitals with commas between, as DUIS writes a list; of none, an empty text.

    The whole list is written in one go, in a third of the time that one by one would take.
    """
    listed = tuple(euis)
    text = bytearray(struct.pack(f">{len(listed)}Q", *listed).hex("-").upper().encode())
    text[_EUI_CHARACTERS :: _EUI_CHARACTERS + 1] = b"," * max(0, len(listed) - 1)
    return text.decode()


def format_eui_plain(eui: int) -> str:
    """Return the EUI-64 as sixteen hexadecimal digits in capitals (file names, log lines)."""
    return f"{eui:016X}"


def to_signed(value: int) -> int:
    """Return an unsigned 64-bit integer as the two's complement that databases store."""
    return value - _2_64 if value >= _2_63 else value


def from_signed(value: int) -> int:
    """Return the unsigned 64-bit integer that `to_signed` made this from."""
    return value + _2_64 if value < 0 else value


@dataclass(frozen=True, slots=True)
class RequestId:
    """DUIS's `originator:target:counter`, of Service Requests and (as ResponseID) of answers and alerts."""

    originator: int
    target: int
    counter: int

    @classmethod
    def parse(cls, text: str) -> RequestId:
        """Read a RequestID.

        Raises:
            ValueError: the text is no RequestID, or its counter is 2**64 or more.
        """
        match = _REQUEST_ID.fullmatch(text)
        if match is None:
            raise ValueError(f"not a RequestID: {text[:80]!r}")
        counter = int(match[3])
        if counter >= _2_64:
            raise ValueError("the counter of the RequestID is not below 2^64")
        return cls(parse_eui(match[1]), parse_eui(match[2]), counter)

    def __str__(self) -> str:
        return f"{_between(self.originator, self.target)}:{self.counter}"


def request_id_as_typed(text: str) -> RequestId | None:
    """Return the RequestID that a person means, however its EUI-64s are written; None: it is none."""
    euis, _, counter = as_typed(text).rpartition(":")
    places = (place for place, character in enumerate(euis) if character == ":")
    halves = ((eui_as_typed(euis[:place]), eui_as_typed(euis[place + 1 :])) for place in places)
    for originator, target in halves:
        if originator is not None and target is not None:
            try:
                return RequestId.parse(f"{format_eui(originator)}:{format_eui(target)}:{counter.strip()}")
            except ValueError:
                return None
    return None


@lru_cache(maxsize=256)
def _between(originator: int, target: int) -> str:
    """What the ids of all alerts to one recipient begin with: there may be ten thousand in a transaction."""
    return f"{format_eui(originator)}:{format_eui(target)}"


@dataclass(frozen=True, slots=True)
class MessageId:
    """The identity of a message on the CSP and ESI doors: whose it is, and the sender's own id for it."""

    sender: int
    message_id: str

    @property
    def originator(self) -> int:
        """The party that the message says it comes from."""
        return self.sender

    def __str__(self) -> str:
        return f"{format_eui(self.sender)}/{self.message_id}"


MessageIdentity = RequestId | MessageId
