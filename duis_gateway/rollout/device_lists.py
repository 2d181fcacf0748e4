"""Which hubs of a list are acceptable, and in which one list each of the others stands (design section 5).

BR-5.2: hubs that fail validation are listed to the requester, each with its reason. A list may hold
50,000 hubs, so that the loop here is the one place of the rules where speed counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace

from duis_gateway.rollout.eligibility import Unfit, is_hub, responsible, unfit
from duis_gateway.rollout.hub_events.records import NOT_ACCEPTED, PROTECTED
from duis_gateway.rollout.hubs.records import NamedHub
from duis_gateway.rollout.releases.records import HubMark, Release

OBJECTION = "a supplier responsible for it objects"
"""What DCC and CSPs are told of a hub that is on a protection list: neither whose, nor why."""


@dataclass(frozen=True, slots=True)
class HubFindings:
    """Hubs that were not accepted, by reason, in the order in which they were sent.

    The first seven are lists of `DSPPilotListWarning`; a hub stands in one of them at most. `in_pilot` are hubs that
    safe launch cannot have before the pilot has ended.
    `not_on_preferred_list` goes with E110608, `repeated` with E110609. `removed_from_groups` are hubs that a
    new preferred list took out of standing deployment groups. `protected` are hubs that a supplier lets into no pilot
    and no period. `under_way` are hubs that move already, and that a request would have taken back.
    """

    invalid: tuple[int, ...] = ()
    not_responsible: tuple[int, ...] = ()
    not_commissioned: tuple[int, ...] = ()
    not_applicable: tuple[int, ...] = ()
    excluded: tuple[int, ...] = ()
    in_progress: tuple[int, ...] = ()
    in_pilot: tuple[int, ...] = ()
    not_on_preferred_list: tuple[int, ...] = ()
    repeated: tuple[int, ...] = ()
    removed_from_groups: tuple[int, ...] = ()
    protected: tuple[int, ...] = ()
    under_way: tuple[int, ...] = ()

    @property
    def any(self) -> bool:
        """Whether there is anything to tell the requester."""
        return any(getattr(self, item.name) for item in fields(self))

    def how_left_out(self) -> dict[int, str]:
        """Return how an instruction of each hub that was named, and not accepted, ends with the list or group."""
        named = (item.name for item in fields(self) if item.name != "removed_from_groups")
        left_out = dict.fromkeys((hub for name in named for hub in getattr(self, name)), NOT_ACCEPTED)
        return left_out | dict.fromkeys(self.protected, PROTECTED)


NOTHING_FOUND = HubFindings()


def merged(findings: Iterable[HubFindings]) -> HubFindings:
    """Return all findings as one; a hub found twice for the same reason is listed once."""
    every = tuple(findings)
    return HubFindings(
        **{
            item.name: tuple(dict.fromkeys(hub for one in every for hub in getattr(one, item.name)))
            for item in fields(HubFindings)
        }
    )


def classify(
    ids: Iterable[int],
    known: Mapping[int, NamedHub],
    release: Release,
    supplier: int | None,
    removing: bool = False,
    pilot: bool = True,
    protected: Collection[int] = (),
) -> tuple[list[int], HubFindings]:
    """Split a list of hubs into the acceptable ones, in order, and the findings on the others.

    Args:
        ids: the hubs as sent; a hub named twice counts once.
        known: what the inventory knows of them; a hub that is absent here is unknown.
        release: the release that the request is for.
        supplier: the EUI of the requester; None for DCC, which may name anyone's hubs.
        removing: the hubs are to be taken out of the default list, for which it is enough that they are in it,
            are the requester's own and are no proving hubs.
        pilot: the hubs are meant for the pilot; hubs marked as excluded are excluded from that only (PIA-R3).
        protected: those of the hubs that are on a protection list which counts here.
    """
    unique = dict.fromkeys(ids)
    if removing:
        return _classify_removed(unique, known, supplier)
    good, findings = _classify_added(unique, known, release, supplier, pilot)
    kept = tuple(device_id for device_id in good if device_id in protected) if protected else ()
    if not kept:
        return good, findings
    return [device_id for device_id in good if device_id not in protected], replace(findings, protected=kept)


def _classify_added(
    ids: Iterable[int],
    known: Mapping[int, NamedHub],
    release: Release,
    supplier: int | None,
    pilot: bool,
) -> tuple[list[int], HubFindings]:
    """The order of the conditions is the order of design section 5: the first that fits is told."""
    good: list[int] = []
    invalid: list[int] = []
    foreign: list[int] = []
    idle: list[int] = []
    unsuited: list[int] = []
    excluded: list[int] = []
    busy: list[int] = []
    find = known.get
    left_out = HubMark.EXCLUDED.value if pilot else None
    for device_id in ids:
        hub = find(device_id)
        why = unfit(hub, release)
        if hub is None or why is Unfit.NO_HUB:
            invalid.append(device_id)
        elif supplier is not None and not responsible(hub, supplier):
            foreign.append(device_id)
        elif why is Unfit.NOT_COMMISSIONED:
            idle.append(device_id)
        elif why is not None:
            unsuited.append(device_id)
        elif hub.mark is not None and hub.mark == left_out:
            excluded.append(device_id)
        elif hub.in_progress:
            busy.append(device_id)
        else:
            good.append(device_id)
    lists = (invalid, foreign, idle, unsuited, excluded, busy)
    return good, HubFindings(*map(tuple, lists))


def _classify_removed(
    ids: Iterable[int], known: Mapping[int, NamedHub], supplier: int | None
) -> tuple[list[int], HubFindings]:
    """A hub that can no longer be updated may still leave the list, so that nothing else is asked of it."""
    good: list[int] = []
    invalid: list[int] = []
    foreign: list[int] = []
    kept: list[int] = []
    for device_id in ids:
        hub = known.get(device_id)
        if hub is None or not is_hub(hub) or not hub.in_default_list:
            invalid.append(device_id)
        elif supplier is not None and not responsible(hub, supplier):
            foreign.append(device_id)
        elif hub.mark == HubMark.PROVING:
            kept.append(device_id)
        else:
            good.append(device_id)
    return good, HubFindings(invalid=tuple(invalid), not_responsible=tuple(foreign), excluded=tuple(kept))
