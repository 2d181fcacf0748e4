"""What the mock CSP does by itself with a release notice: a default pilot list and schedule for each of its regions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from csp_mgmt_gw.hubs import Hubs
from csp_mgmt_gw.messages import DefaultPilotList, DefaultPilotSchedule, FirmwareReleaseNotice
from duis_gateway.partners.messages import Part, PartnerBody, split_list
from duis_gateway.partners.xml import HUBS_IN_A_LIST
from duis_gateway.rollout.releases.records import DefaultGroup, OfferedConstraint, Period

NIGHT = OfferedConstraint("NIGHT", "Between 00:00 and 05:00 UTC only")
WEEKDAY = OfferedConstraint("WEEKDAY", "From Monday to Friday only")


@dataclass(frozen=True, slots=True)
class Plan:
    """How the CSP plans: the share of fitting hubs that it would pilot, and in how many waves one after the other."""

    regions: tuple[str, ...]
    share: float = 0.1
    waves: int = 1
    constraints: tuple[OfferedConstraint, ...] = (NIGHT, WEEKDAY)

    def bodies(self, notice: FirmwareReleaseNotice, hubs: Hubs, list_id: str) -> Iterator[PartnerBody]:
        """Return the messages that answer a notice; none for a release without a pilot."""
        if notice.pilot is None:
            return
        for index, region in enumerate(self.regions):
            chosen = hubs.pilot(notice, region, self.share)
            if not chosen:
                continue
            for part, device_ids in split_list(f"{list_id}.{index}", chosen):
                yield DefaultPilotList(notice.release_id, region, device_ids, part)
            groups = tuple(self._groups(notice.pilot.period, chosen))
            yield DefaultPilotSchedule(notice.release_id, region, groups, self.constraints)

    def _groups(self, period: Period, chosen: tuple[int, ...]) -> Iterator[DefaultGroup]:
        """Return one group a wave; hubs are named where there are several waves and their lists are not too long."""
        length = (period.end - period.start) / self.waves
        naming = self.waves > 1 and len(chosen) <= self.waves * HUBS_IN_A_LIST
        for wave in range(self.waves):
            part = Period(period.start + wave * length, period.start + (wave + 1) * length)
            named = chosen[wave :: self.waves] if naming else ()
            if named or not naming:
                yield DefaultGroup(f"WAVE-{wave + 1}", part, named)


class NoticeParts:
    """Puts notices together whose lists of marked hubs are too long for one message."""

    def __init__(self) -> None:
        self._parts: dict[str, dict[int, FirmwareReleaseNotice]] = {}

    def whole(self, notice: FirmwareReleaseNotice) -> FirmwareReleaseNotice | None:
        """Return the notice once every part of it is in."""
        part: Part | None = notice.part
        if part is None:
            return notice
        have = self._parts.setdefault(part.list_id, {})
        have[part.number] = notice
        if len(have) < part.of:
            return None
        notices = [have[number] for number in sorted(self._parts.pop(part.list_id))]
        return replace(
            notice,
            part=None,
            proving=tuple(hub for one in notices for hub in one.proving),
            friendly=tuple(hub for one in notices for hub in one.friendly),
            excluded=tuple(hub for one in notices for hub in one.excluded),
        )
