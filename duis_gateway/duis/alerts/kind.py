"""What every alert declares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from duis_gateway.duis.alerts.words import Words
from duis_gateway.partners.xml import Record


class AlertBody(ABC):
    """The content of an alert's element."""

    __slots__ = ()

    @abstractmethod
    def parts(self, room: int) -> list[str]:
        """Return the content of the alert's element, in several parts if one would have more than `room` octets.

        Raises:
            ValueError: the body holds what an alert cannot carry, or even one hub is too long for the room.
        """

    @abstractmethod
    def words(self) -> Words:
        """Return what the alert says to people."""


@dataclass(frozen=True, slots=True)
class AlertKind:
    """One DCC Alert code.

    Attributes:
        code: what goes into `DCCAlertCode`.
        element: the element that carries the body.
        since: the first DUIS version that knows the alert.
        rows: the interactions that use it (design section 3).
        record: how the body is read from its element.
        ordered: it keeps its place among the alerts to one recipient about one release.
        given: what a body has to say to be sent with this code, if its class has two.
    """

    code: str
    element: str
    since: Decimal
    rows: frozenset[str]
    record: Record
    ordered: bool = True
    given: Mapping[str, Any] = field(default_factory=dict)

    def tells(self, body: AlertBody) -> bool:
        """Whether a body is raised by this code."""
        same = type(body) is self.record.kind
        return same and all(getattr(body, name) == value for name, value in self.given.items())
