"""The Service Requests that a supplier sends: 8.2, 11.5 and 11.6, as dataclasses that become signed documents.

Devices are given as text or as numbers (`Eui`). What is built is its own inclusive C14N, so that it can be signed as
it stands.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import ClassVar

from duis_gateway.client.arguments import expect, listed, shown
from duis_gateway.client.errors import CannotSend
from duis_gateway.duis.device_lists import MAX_REQUESTED, render_device_list
from duis_gateway.duis.eui import euis
from duis_gateway.duis.rendering import leaf, node
from duis_gateway.duis.times import format_date_time
from duis_gateway.namespaces import SR

NON_DEVICE = "8"
"""The command variant of all Service Requests here: they are answered by DCC, not by a device."""

Devices = Iterable[str | int]


class Stage(StrEnum):
    """The stage of the roll-out that a deployment group is for."""

    PILOT = "Pilot"
    SAFE_LAUNCH = "SafeLaunch"


_STAGES = " or ".join(Stage)
_CANCELLED = "a list of pairs, each of a GroupID and its stage"


class ServiceRequest(ABC):
    """What a Service Request asks; the gateway's client adds RequestID, version and signature."""

    reference: ClassVar[str]

    @abstractmethod
    def body(self) -> str:
        """Return the element of the request's body (ValueError: it holds what it cannot carry)."""


@dataclass(frozen=True)
class ReadInventory(ServiceRequest):
    """8.2: what the inventory says of one device."""

    device: str | int
    reference: ClassVar[str] = "8.2"

    def __post_init__(self) -> None:
        expect("device", self.device, (str, int), "an EUI-64, as a text or as a number", CannotSend)

    def body(self) -> str:
        """Return `ReadInventory`."""
        return node("ReadInventory", _leaf_of("DeviceID", (self.device,)))


@dataclass(frozen=True)
class PreferredPilotList(ServiceRequest):
    """11.5: the hubs that a supplier wants in a release's pilot.

    `devices` is the whole list. Without it, `add` and `remove` amend the CSPs' default lists; without any, the
    default lists are accepted as they are.
    """

    release: str
    version: str
    devices: Devices | None = None
    add: Devices = ()
    remove: Devices = ()
    reference: ClassVar[str] = "11.5"

    def __post_init__(self) -> None:
        _expect_texts(self, "release", "version")
        for name in ("devices", "add", "remove"):
            if name != "devices" or self.devices is not None:
                _keep(self, name)

    def body(self) -> str:
        """Return `PreferredPilotList`."""
        if self.devices is None:
            lists = _leaf_of("AddDeviceIDList", self.add) + _leaf_of("RemoveDeviceIDList", self.remove)
        elif self.add or self.remove:
            raise ValueError("with a whole list of devices there is nothing to add or remove")
        else:
            lists = _leaf_of("DeviceIDList", self.devices, least=1)
        return node("PreferredPilotList", _release(self.release, self.version), lists)


@dataclass(frozen=True)
class Group:
    """One deployment group of an 11.6: these hubs, between these two times (aware), under these offered constraints."""

    name: str
    devices: Devices
    start: datetime
    end: datetime
    stage: Stage = Stage.PILOT
    constraints: Sequence[str] = ()

    def __post_init__(self) -> None:
        _expect_texts(self, "name")
        _keep(self, "devices")
        for name in ("start", "end"):
            _expect_moment(name, getattr(self, name))
        if self.stage not in list(Stage):
            raise CannotSend(f"stage must be {_STAGES}, not {shown(self.stage)}")
        _keep(self, "constraints", "a list of texts")

    def element(self) -> str:
        """Return `DeploymentGroup`."""
        return node(
            "DeploymentGroup",
            leaf("GroupID", self.name),
            leaf("Stage", self.stage),
            _leaf_of("DeviceIDList", self.devices, least=1),
            leaf("EarliestStart", format_date_time(self.start)),
            leaf("LatestEnd", format_date_time(self.end)),
            *(leaf("SchedulingConstraint", one) for one in self.constraints),
        )


@dataclass(frozen=True)
class PreferredPilotSchedule(ServiceRequest):
    """11.6: when a supplier wants its hubs updated, group by group; the only instruction to deploy.

    `cancelled` names groups, by GroupID and stage, that are taken back before their period starts.
    """

    release: str
    version: str
    groups: Sequence[Group] = ()
    cancelled: Sequence[tuple[str, Stage]] = ()
    reference: ClassVar[str] = "11.6"

    def __post_init__(self) -> None:
        _expect_texts(self, "release", "version")
        _keep(self, "groups", "a list of Group")
        _keep(self, "cancelled", _CANCELLED)
        for group in self.groups:
            expect("one of groups", group, Group, "a Group", CannotSend)
        for one in self.cancelled:
            if not _is_pair(one):
                raise CannotSend(f"cancelled must be {_CANCELLED}, not of {shown(one)}")

    def body(self) -> str:
        """Return `PreferredPilotSchedule`."""
        if not self.groups and not self.cancelled:
            raise ValueError("a schedule has at least one group, or cancels one")
        groups = [group.element() for group in self.groups]
        groups += [
            node("CancelledGroup", leaf("GroupID", name), leaf("Stage", stage)) for name, stage in self.cancelled
        ]
        return node("PreferredPilotSchedule", _release(self.release, self.version), *groups)


def service_request(
    request_id: str, version: str, reference: str, body: str, *, variant: str | None = None, command: str = NON_DEVICE
) -> bytes:
    """Return an unsigned `sr:Request` around a body that is XML already, right or wrong: for tests of gateways too.

    `variant` is the service reference variant where it is not the reference itself, `command` the command variant.
    """
    header = node(
        "Header",
        leaf("RequestID", request_id),
        leaf("CommandVariant", command),
        leaf("ServiceReference", reference),
        leaf("ServiceReferenceVariant", variant or reference),
    )
    return f'<sr:Request xmlns:sr="{SR}" schemaVersion="{version}">{header}{node("Body", body)}</sr:Request>'.encode()


def _is_pair(value: object) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2


def _expect_texts(request: object, *names: str) -> None:
    for name in names:
        expect(name, getattr(request, name), str, "a text", CannotSend)


def _expect_moment(name: str, at: datetime) -> None:
    expect(name, at, datetime, "a datetime with a zone", CannotSend)
    try:
        at.astimezone(UTC)
    except OverflowError:
        raise CannotSend(f"{name} is not in the years 1 to 9999 in UTC: {at.isoformat()}") from None


def _keep(request: object, name: str, meant: str = "a list of EUI-64s") -> None:
    object.__setattr__(request, name, listed(name, getattr(request, name), meant))


def _release(release: str, version: str) -> str:
    return leaf("FirmwareReleaseID", release) + leaf("FirmwareVersion", version)


def _leaf_of(name: str, devices: Devices, *, least: int = 0) -> str:
    listed = euis(devices)
    if not least <= len(listed) <= MAX_REQUESTED:
        raise ValueError(f"{name} holds {least} to {MAX_REQUESTED} devices, not {len(listed)}")
    return leaf(name, render_device_list(listed)) if listed else ""
