"""Who is connected, and who has to go when there are too many: the longest idle, of the address that has too many."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

_PREFIX = 64
"""An IPv6 client has a network of this many bits to itself, and may have an address of its own for each connection."""


class Crowd(Generic[T]):
    """The members, each with its address; at most `most`, and at most `most_an_address` of one address.

    A member is idle unless it is said to be busy. All operations take the same time, however many there are.
    """

    def __init__(self, most: int, most_an_address: int) -> None:
        self.most = most
        self.most_an_address = most_an_address
        self._places: dict[T, str] = {}
        self._idle: OrderedDict[T, None] = OrderedDict()
        self._idle_by_place: defaultdict[str, OrderedDict[T, None]] = defaultdict(OrderedDict)
        self._numbers: defaultdict[str, int] = defaultdict(int)

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._places))

    def __contains__(self, member: T) -> bool:
        return member in self._places

    def place(self, member: T) -> str:
        """Return whose connection a member is: its address, or of IPv6 its network."""
        return self._places[member]

    def add(self, member: T, address: str) -> None:
        """Take in a member; it is idle."""
        place = place_of(address)
        self._places[member] = place
        self._numbers[place] += 1
        self.idle(member)

    def remove(self, member: T) -> None:
        """Let a member go, where it is one."""
        if member not in self._places:
            return
        self.busy(member)
        place = self._places.pop(member)
        self._numbers[place] -= 1
        if not self._numbers[place]:
            del self._numbers[place]

    def busy(self, member: T) -> None:
        """Say that a member is being worked for, and must not be sent away."""
        if member not in self._idle:
            return
        del self._idle[member]
        place = self._places[member]
        there = self._idle_by_place[place]
        del there[member]
        if not there:
            del self._idle_by_place[place]

    def idle(self, member: T) -> None:
        """Say that a member has just moved, and is idle from now on."""
        if member in self._places:
            self._idle[member] = None
            self._idle.move_to_end(member)
            there = self._idle_by_place[self._places[member]]
            there[member] = None
            there.move_to_end(member)

    def has_room(self, address: str) -> bool:
        """Whether one more of this address may be taken in."""
        return len(self._places) < self.most and self._numbers.get(place_of(address), 0) < self.most_an_address

    def longest_idle(self, address: str | None = None) -> T | None:
        """Return who has to go so that one more of this address has room, None where all are busy.

        Where the address has as many as it may, it is one of its own.
        """
        idle = self._idle
        if address is not None:
            place = place_of(address)
            if self._numbers.get(place, 0) >= self.most_an_address:
                idle = self._idle_by_place.get(place, OrderedDict())
        return next(iter(idle), None)


def place_of(address: str) -> str:
    """Return who is at an address: itself, or of IPv6 its network."""
    if ":" not in address:
        return address
    found = ipaddress.IPv6Address(address.partition("%")[0])
    if found.ipv4_mapped is not None:  # a client of IPv4, where the listener is on `::`
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found), _PREFIX), strict=False))
