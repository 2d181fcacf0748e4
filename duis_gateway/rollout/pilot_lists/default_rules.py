"""The rules for what a CSP uploads: its list for the pilot, its schedules of both stages (A02, A03, A08)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.rollout.activations.records import RefusedItem
from duis_gateway.rollout.device_lists import OBJECTION
from duis_gateway.rollout.eligibility import Unfit, unfit
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.periods import ends_before, is_empty
from duis_gateway.rollout.releases.records import DefaultGroup, HubMark, Release, Stage

Problem = tuple[str, str]
"""A code and a text for the acknowledgement."""


def release_problem(
    release: Release | None,
    csp_region: str,
    regions: frozenset[str],
    groups: Sequence[DefaultGroup] = (),
    stage: Stage = Stage.PILOT,
    opens: datetime | None = None,
) -> Problem | None:
    """Return why what a CSP uploads for a stage cannot be taken as a whole, or None.

    A CSP speaks for its own regions only (design section 6), and only for a live release, which for the pilot has
    one; each group's period ends after it starts and before the automatic date, and group names differ. Groups of
    safe launch do not start before the pilot has ended, which is at `opens` if it has not.
    """
    if release is None:
        return "UnknownRelease", "The release is not known to the gateway."
    if not release.state.is_live:
        return "ReleaseNotLive", f"The release is {release.state}."
    if stage is Stage.PILOT and release.pilot is None:
        return "NoPilot", "The release has no pilot."
    if csp_region not in regions:
        return "NotYourRegion", f"The sender is not registered for the region {csp_region}."
    early = [one for one in groups if stage is Stage.SAFE_LAUNCH and opens is not None and one.period.start < opens]
    if early and opens is not None:
        until = f"{opens:%Y-%m-%dT%H:%M:%SZ}"
        return "PeriodInvalid", f"Group {early[0].group_id} starts before the end of the pilot, {until}."
    return _group_problem(release, groups)


def _group_problem(release: Release, groups: Sequence[DefaultGroup]) -> Problem | None:
    for group in groups:
        if is_empty(group.period):
            return "PeriodInvalid", f"Group {group.group_id} does not end after it starts."
        if not ends_before(group.period, release.automatic_date):
            return "PeriodInvalid", f"Group {group.group_id} does not end before the automatic date."
    if len({group.group_id for group in groups}) < len(groups):
        return "GroupRepeated", "Two groups have the same GroupID."
    seen: set[int] = set()
    for group in groups:
        twice = seen.intersection(group.device_ids)
        if twice:
            return "HubRepeated", f"{format_eui(min(twice))} is in two groups."
        seen.update(group.device_ids)
    return None


def judge_default_hubs(
    ids: Iterable[int],
    found: Mapping[int, Hub],
    release: Release,
    csp_region: str,
    marks: Mapping[HubMark, Iterable[int]],
    stage: Stage = Stage.PILOT,
    in_pilot: Collection[int] = (),
    protected: Collection[int] = (),
) -> tuple[list[int], list[RefusedItem]]:
    """Split a CSP's list into the hubs that the stage can have and the items refused, each with its reason.

    Excluded hubs are outside the pilot, and in safe launch like any other (PIA-R3). Safe launch cannot have those that
    are in a pilot which has not ended (BR-0.3), `in_pilot`. No stage can have those that a supplier responsible for
    them protects, `protected`: that is its objection.
    """
    excluded = frozenset(marks.get(HubMark.EXCLUDED, ()) if stage is Stage.PILOT else ())
    good: list[int] = []
    bad: list[RefusedItem] = []
    for device_id in dict.fromkeys(ids):
        reason = _reason(found.get(device_id), release, csp_region, device_id in excluded)
        if reason is None and device_id in in_pilot:
            reason = "in the pilot, which has not ended"
        if reason is None and device_id in protected:
            reason = OBJECTION
        if reason is None:
            good.append(device_id)
        else:
            bad.append(RefusedItem(format_eui(device_id), reason))
    return good, bad


def _reason(hub: Hub | None, release: Release, csp_region: str, excluded: bool) -> str | None:
    why = unfit(hub, release)
    if hub is not None and why is not Unfit.NO_HUB and hub.csp_region != csp_region:
        return f"not in the region {csp_region}"
    if why is not None:
        return why.value
    return "excluded from the pilot" if excluded else None
