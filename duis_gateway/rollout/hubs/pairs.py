"""A Communications Hub is two devices: the CHF, which everything is about, and the GPF, which goes with it.

They have one firmware, model, region and suppliers, which are said of the hub and hold for both; each has a status of
its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from duis_gateway.rollout.eligibility import is_hub
from duis_gateway.rollout.hubs.records import Hub

GPF = "GPF"
"""The device type of a Gas Proxy Function in the inventory."""

_ITSELF = "its GPF is the hub itself"
_NO_GPF = "its GPF is another type of device in the inventory, or a hub in this message"
_TAKEN = "its GPF belongs to another hub"


def resolved(hub: Hub, was: Hub | None) -> Hub:
    """Return a hub as it is given with the GPF that it has from now on: of which nothing is said, the one it had."""
    unsaid = hub.gpf_device_id is None and was is not None and is_hub(hub)
    return replace(hub, gpf_device_id=was.gpf if unsaid and was else hub.gpf)


def unpairable(given: Sequence[Hub], known: Mapping[int, Hub], hubs_of: Mapping[int, Hub]) -> dict[int, str]:
    """Return which of the hubs cannot have their GPF, each with the reason.

    Hubs may exchange their GPFs. Of two that are given the same one, that which has it keeps it, else the first.

    Args:
        given: the hubs as they are to be (`resolved`), each once.
        known: the hubs, and their GPFs, as the inventory has them.
        hubs_of: the hub that each of the GPFs is with now.
    """
    named = {hub.device_id for hub in given}
    claims: dict[int, int] = {}
    bad: dict[int, str] = {}
    for hub in sorted(given, key=lambda hub: _owner(hub.gpf, hubs_of) != hub.device_id):
        if hub.gpf is None:
            continue
        was, owner = known.get(hub.gpf), _owner(hub.gpf, hubs_of)
        if hub.gpf == hub.device_id:
            bad[hub.device_id] = _ITSELF
        elif hub.gpf in named or (was is not None and was.device_type != GPF):
            bad[hub.device_id] = _NO_GPF
        elif hub.gpf in claims or (owner is not None and owner not in named):
            bad[hub.device_id] = _TAKEN
        else:
            claims[hub.gpf] = hub.device_id
    _refuse_those_who_depend(bad, claims, known)
    return bad


def _owner(gpf: int | None, hubs_of: Mapping[int, Hub]) -> int | None:
    owner = None if gpf is None else hubs_of.get(gpf)
    return None if owner is None else owner.device_id


def _refuse_those_who_depend(bad: dict[int, str], claims: Mapping[int, int], known: Mapping[int, Hub]) -> None:
    """A hub that is refused keeps the GPF that it has, so that nobody else can have that one."""
    left = list(bad)
    while left:
        device_id = left.pop()
        was = known.get(device_id)
        other = None if was is None or was.gpf is None else claims.get(was.gpf)
        if other is not None and other not in bad:
            bad[other] = _TAKEN
            left.append(other)


def with_gpfs(given: Iterable[Hub], known: Mapping[int, Hub], hubs_of: Mapping[int, Hub]) -> list[Hub]:
    """Return the devices as they are from now on: those given, and the GPFs of hubs among them.

    A GPF has what its hub has, and the status that is given for it; else the one that it had, else its hub's.
    """
    after = {hub.device_id: hub for hub in given}
    pairs = {gpf: hub for gpf, hub in hubs_of.items() if hub.device_id not in after and _is_gpf(after.get(gpf))}
    pairs |= {hub.gpf: hub for hub in after.values() if hub.gpf is not None}
    for gpf, hub in pairs.items():
        own = after.get(gpf) or known.get(gpf) or hub
        after[gpf] = replace(hub, device_id=gpf, device_type=GPF, status=own.status, gpf_device_id=None)
    return list(after.values())


def _is_gpf(device: Hub | None) -> bool:
    return device is not None and device.device_type == GPF


def parted(after: Iterable[Hub], hubs_of: Mapping[int, Hub]) -> set[int]:
    """Return the devices that their hub has lost: they are another hub's GPF from now on, or no GPF any more."""
    devices = {hub.device_id: hub for hub in after}
    claims = {hub.gpf: hub.device_id for hub in devices.values() if hub.gpf is not None}
    return {
        gpf
        for gpf, owner in hubs_of.items()
        if claims.get(gpf, owner.device_id) != owner.device_id or (gpf in devices and not _is_gpf(devices[gpf]))
    }
