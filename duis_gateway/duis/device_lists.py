"""DUIS's `DeviceIDList`: comma-separated EUI-64s, up to 50,000 of them in a request."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from duis_gateway.duis.identifiers import format_eui, format_euis

EUI_CHARACTERS = 23
"""The length of one EUI-64 in DUIS's form."""

_STEP = EUI_CHARACTERS + 1

MAX_REQUESTED = 50_000
"""How many devices the list of a request may name: 1,199,999 characters."""


@dataclass(frozen=True, slots=True)
class DeviceList:
    """A list as received. `ids` are in the order sent, each once; `as_sent` has the text of each (its first)."""

    ids: tuple[int, ...]
    as_sent: Mapping[int, str]


def parse_device_list(text: str) -> DeviceList:
    """Read a list that the schema has accepted; linear in its length, a few milliseconds for 50,000 devices.

    Raises:
        ValueError: the text is no list of EUI-64s.
    """
    ids, as_sent = _read(text)
    return DeviceList(tuple(dict.fromkeys(ids)), as_sent)


def parse_device_lists(texts: Sequence[str]) -> tuple[list[tuple[int, ...]], Mapping[int, str]]:
    """Read several lists in one go: the devices of each, as `DeviceList.ids`, and the first text of every device.

    A schedule has a thousand groups of one hub, and reading them one by one takes ten times as long.

    Raises:
        ValueError: one of the texts is no list of EUI-64s.
    """
    if not texts:
        return [], {}
    ids, as_sent = _read(",".join(texts))
    lists, start = [], 0
    for text in texts:
        end = start + (len(text) + 1) // _STEP
        lists.append(tuple(dict.fromkeys(ids[start:end])))
        start = end
    return lists, as_sent


def _read(text: str) -> tuple[tuple[int, ...], Mapping[int, str]]:
    texts = text.split(",")
    count = len(texts)
    well_spaced = text[EUI_CHARACTERS::_STEP] == "," * (count - 1) and text.count("-") == 7 * count
    if len(text) != count * _STEP - 1 or not well_spaced:
        raise ValueError("not a list of EUI-64s")
    try:
        ids = struct.unpack(f">{count}Q", bytes.fromhex(text.encode("ascii").translate(None, b"-,").decode()))
    except (ValueError, struct.error):
        raise ValueError("not a list of EUI-64s") from None
    # Filled from the end, so that of two spellings of one device the first one stays.
    return ids, dict(zip(reversed(ids), reversed(texts), strict=True))


def render_device_list(ids: Iterable[int], as_sent: Mapping[int, str] | None = None) -> str:
    """Write a list; a device that the sender has named is written as the sender wrote it."""
    if as_sent:
        return ",".join(as_sent.get(device_id) or format_eui(device_id) for device_id in ids)
    return format_euis(ids)
