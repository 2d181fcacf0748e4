"""A CSP's own view of the Communications Hubs in its regions, from an inventory file (design section 9)."""

from __future__ import annotations

import csv
import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import NamedTuple

from csp_mgmt_gw.messages import FirmwareReleaseNotice
from duis_gateway.duis.identifiers import parse_eui
from duis_gateway.errors import GatewayError
from duis_gateway.text.cells import check_width, unguarded

_COLUMNS = ("device_id", "device_type", "manufacturer", "model", "firmware_version", "status", "csp_region")


class HubsUnusable(GatewayError):
    """The file of hubs cannot be read; the text says where."""


class KnownHub(NamedTuple):
    """What a CSP knows of one of its hubs."""

    device_id: int
    manufacturer: str
    model: str
    status: str
    csp_region: str


@dataclass
class Hubs:
    """The hubs of a CSP's regions, and the firmware that runs on them as far as it knows."""

    hubs: dict[int, KnownHub] = field(default_factory=dict)
    versions: dict[int, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def load(cls, path: Path, regions: Collection[str]) -> Hubs:
        """Read the Communications Hubs of these regions.

        Raises:
            HubsUnusable: no such file, a column is missing, a line has not as many fields as the header, or a device id
                is none; the text says where.
        """
        found = cls()
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                lines = csv.reader(file, skipinitialspace=True, strict=True)
                names = next(lines, [])
                missing = [name for name in _COLUMNS if name not in names]
                if missing:
                    raise HubsUnusable(f"{path}: there is no column {missing[0]}")
                for line in filter(None, lines):
                    check_width(line, names)
                    row = dict(zip(names, line, strict=True))
                    if row["device_type"] == "CHF" and row["csp_region"] in regions:
                        found._add(row)
                return found
        except OSError as error:
            raise HubsUnusable(f"{path}: {error.strerror}") from None
        except (csv.Error, ValueError) as error:
            raise HubsUnusable(f"{path}, line {lines.line_num}: {error}") from None

    def _add(self, row: dict[str, str]) -> None:
        device_id = parse_eui(row["device_id"])
        hub = KnownHub(
            device_id, unguarded(row["manufacturer"]), unguarded(row["model"]), row["status"], row["csp_region"]
        )
        self.hubs[device_id] = hub
        self.versions[device_id] = unguarded(row["firmware_version"])

    def activated(self, device_ids: Iterable[int], version: str) -> None:
        """Remember that these hubs run this version now."""
        with self._lock:
            self.versions.update(dict.fromkeys(device_ids, version))

    def without(self, version: str, model: tuple[str, str]) -> list[int]:
        """Return the commissioned hubs of a model that do not run this version, as far as it is known."""
        with self._lock:
            return [
                hub.device_id
                for hub in self.hubs.values()
                if (hub.manufacturer, hub.model) == model
                and hub.status == "Commissioned"
                and self.versions[hub.device_id] != version
            ]

    def _may_take(self, device_id: int, notice: FirmwareReleaseNotice) -> bool:
        version, permitted = self.versions[device_id], notice.permitted_predecessors
        return version != notice.firmware_version and (not permitted or version in permitted)

    def pilot(self, notice: FirmwareReleaseNotice, region: str, share: float) -> tuple[int, ...]:
        """Return the hubs of one region that a default pilot has: proving hubs, then a share of those that can be.

        Excluded hubs are never in; friendly hubs are chosen first (PIA-R3, PIA-A5, PIA-A10).
        """
        friendly, excluded, proving = set(notice.friendly), set(notice.excluded), set(notice.proving)
        model = (notice.manufacturer, notice.model)
        fitting = [
            hub.device_id
            for hub in self.hubs.values()
            if hub.csp_region == region
            and hub.status == "Commissioned"
            and (hub.manufacturer, hub.model) == model
            and self._may_take(hub.device_id, notice)
            and hub.device_id not in excluded
        ]
        chosen = sorted(hub for hub in fitting if hub in proving)
        others = sorted((hub for hub in fitting if hub not in proving), key=lambda hub: (hub not in friendly, hub))
        return (*chosen, *others[: ceil(round(share * len(others), 6))])
