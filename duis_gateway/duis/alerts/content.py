"""The content of an alert's element, cut into parts if one alert would be too long.

A receiver takes bodies below 100 kB (design section 5), which is some 4,000 hubs. Anything longer comes as several
alerts: each has the same head, a run of the hubs, groups or constraints, and says which part it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from duis_gateway.duis.device_lists import EUI_CHARACTERS, render_device_list
from duis_gateway.duis.rendering import leaf, node, optional
from duis_gateway.duis.times import format_date_time
from duis_gateway.rollout.releases.records import DefaultGroup, OfferedConstraint, Period
from duis_gateway.rollout.rollout_decisions.records import HubCounts

MAX_REMARK = 2_000
"""How many characters of a reason, commentary or description an alert carries; the rest is cut."""

PART_ROOM = 120
"""Octets kept free for `PartNumber` and `PartCount`."""


class DoesNotFit(ValueError):
    """Even one hub or group is too long for the size limit on alerts."""


def numbered(parts: Sequence[str]) -> tuple[str, ...]:
    """Return the parts of an alert, each with its number if there are several."""
    if len(parts) == 1:
        return tuple(parts)
    count = len(parts)
    return tuple(
        part + leaf("PartNumber", number) + leaf("PartCount", count) for number, part in enumerate(parts, start=1)
    )


def remark(name: str, text: str | None) -> str:
    """Return an optional element of free text, cut to what the schema allows."""
    if text is not None and len(text) > MAX_REMARK:
        text = text[: MAX_REMARK - 1] + "…"
    return optional(name, text)


def outcome(release_id: str, counts: HubCounts, commentary: str | None) -> str:
    """Return the content of an alert about a stage that ended."""
    return (
        leaf("FirmwareReleaseID", release_id)
        + leaf("HubsTargeted", counts.targeted)
        + leaf("HubsActivated", counts.activated)
        + leaf("HubsFailed", counts.failed)
        + remark("Commentary", commentary)
    )


def release(release_id: str, firmware_version: str) -> str:
    """Return the two elements that name a release and its version."""
    return leaf("FirmwareReleaseID", release_id) + leaf("FirmwareVersion", firmware_version)


def period(span: Period) -> str:
    """Return the two elements of a period."""
    return leaf("EarliestStart", format_date_time(span.start)) + leaf("LatestEnd", format_date_time(span.end))


def _size(text: str) -> int:
    return len(text.encode())


def _devices_that_fit(room: int) -> int:
    return max(0, (room + 1) // (EUI_CHARACTERS + 1))


def with_devices(head: str, device_ids: tuple[int, ...], tail: str, room: int) -> list[str]:
    """Return the parts of an alert that holds one list, with at least one device."""
    each = _devices_that_fit(room - _size(head) - _size(tail) - _size(leaf("DeviceIDList", "")))
    if not each:
        raise DoesNotFit(f"no device fits into an alert with {room} octets of content")
    if not device_ids:
        raise ValueError("an alert that lists hubs must list at least one")
    return [
        head + leaf("DeviceIDList", render_device_list(device_ids[start : start + each])) + tail
        for start in range(0, len(device_ids), each)
    ]


def with_lists(
    head: str, lists: Iterable[tuple[Callable[[tuple[int, ...]], str], tuple[int, ...]]], room: int
) -> list[str]:
    """Return the parts of an alert that holds several lists of devices, each rendered into an element of its own."""
    packer = _Packer(head, room - _size(head))
    for render, device_ids in lists:
        for piece in _list_pieces(render, device_ids, packer):
            packer.add(piece)
    return packer.finish()


def of_schedule(
    head: str, groups: tuple[DefaultGroup, ...], offered: Iterable[OfferedConstraint], room: int
) -> list[str]:
    """Return the parts of an alert about a CSP's schedule: its groups, then the constraints that it offers."""
    constraints = (
        node("OfferedConstraint", leaf("Code", each.code), remark("Description", each.description)) for each in offered
    )
    return with_items(head, groups, constraints, room)


def with_items(head: str, groups: tuple[DefaultGroup, ...], others: Iterable[str], room: int) -> list[str]:
    """Return the parts of an alert that holds groups and then other elements, packed in order."""
    packer = _Packer(head, room - _size(head))
    for group in groups:
        for piece in _group_pieces(group, packer):
            packer.add(piece)
    for other in others:
        packer.add(other)
    return packer.finish()


@dataclass
class _Packer:
    """Fills one part after another; what does not fit into the rest of a part begins the next."""

    head: str
    room: int

    def __post_init__(self) -> None:
        self.left = self.room
        self._parts: list[str] = []
        self._items: list[str] = []

    def add(self, item: str) -> None:
        size = _size(item)
        if size > self.room:
            raise DoesNotFit(f"an element of {size} octets does not fit into an alert")
        if size > self.left:
            self._close()
        self._items.append(item)
        self.left -= size

    def finish(self) -> list[str]:
        if self._items or not self._parts:
            self._close()
        return self._parts

    def _close(self) -> None:
        self._parts.append(self.head + "".join(self._items))
        self._items = []
        self.left = self.room


def _group(group: DefaultGroup) -> str:
    devices = leaf("DeviceIDList", render_device_list(group.device_ids)) if group.device_ids else ""
    return node("DeploymentGroup", leaf("GroupID", group.group_id), devices, period(group.period))


def _group_pieces(group: DefaultGroup, packer: _Packer) -> Iterator[str]:
    """Yield the group, or pieces of it under the same GroupID, the first as large as the part has room for."""
    if not group.device_ids:
        yield _group(group)
        return
    yield from _list_pieces(lambda ids: _group(replace(group, device_ids=ids)), group.device_ids, packer)


def _list_pieces(render: Callable[[tuple[int, ...]], str], rest: tuple[int, ...], packer: _Packer) -> Iterator[str]:
    """Yield the element of a list, or several that share it, the first as large as the part has room for."""
    bare = _size(render(rest[:1])) - EUI_CHARACTERS
    while len(rest) > (fitting := _devices_that_fit(packer.left - bare)):
        if fitting == 0:
            fitting = _devices_that_fit(packer.room - bare)
        if fitting == 0:
            raise DoesNotFit("no device of a list fits into an alert")
        yield render(rest[:fitting])
        rest = rest[fitting:]
    if rest:
        yield render(rest)
