"""N66: a CSP's default pilot list, as it concerns the recipient (A02)."""

from __future__ import annotations

from dataclasses import dataclass

from duis_gateway.duis.alerts.content import release, with_devices
from duis_gateway.duis.alerts.fields import DEVICES, REGION, RELEASE, VERSION
from duis_gateway.duis.alerts.kind import AlertBody, AlertKind
from duis_gateway.duis.alerts.words import Words, count_hubs, hub_rows
from duis_gateway.duis.rendering import leaf
from duis_gateway.namespaces import DUIS_6_0
from duis_gateway.partners.xml import Record


@dataclass(frozen=True, slots=True)
class DefaultPilotList(AlertBody):
    """N66: the recipient's hubs on a CSP's default pilot list; none, if it only had some on the list before."""

    release_id: str
    firmware_version: str
    csp_region: str
    device_ids: tuple[int, ...] = ()

    def parts(self, room: int) -> list[str]:
        """Return the list, in parts if it is long."""
        head = release(self.release_id, self.firmware_version) + leaf("CSPRegion", self.csp_region)
        return with_devices(head, self.device_ids, "", room) if self.device_ids else [head]

    def words(self) -> Words:
        """Return how many hubs are listed, and which."""
        listed = count_hubs(len(self.device_ids)) if self.device_ids else "no hub"
        return Words(
            f"Default Pilot List for {self.release_id}, {self.csp_region}",
            (f"The CSP for {self.csp_region} has {listed} of yours on its Default Pilot List.",),
            columns=("device_id",),
            rows=hub_rows(self.device_ids),
        )


N66 = AlertKind(
    "N66",
    "DefaultPilotList",
    DUIS_6_0,
    frozenset({"A02"}),
    Record(DefaultPilotList, RELEASE, VERSION, REGION, DEVICES),
)
