"""N64: a hub now runs a firmware version (X01)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from duis_gateway.duis.alerts.fields import DEVICE, VERSION
from duis_gateway.duis.alerts.kind import AlertBody, AlertKind
from duis_gateway.duis.alerts.words import Words, count_hubs, of_hubs
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.duis.rendering import leaf
from duis_gateway.namespaces import DUIS_5_1
from duis_gateway.partners.xml import Record


@dataclass(frozen=True, slots=True)
class CommsHubFirmwareActivation(AlertBody):
    """N64: this hub now runs this firmware version."""

    device_id: int
    firmware_version: str

    def parts(self, room: int) -> list[str]:
        """Return the only part."""
        device = f"<sr:DeviceID>{format_eui(self.device_id)}</sr:DeviceID>"
        return [f"{device}{leaf('FirmwareVersion', self.firmware_version)}"]

    def words(self) -> Words:
        """Return what is said about this one hub."""
        return activations([(self, None)])


def activations(told: Sequence[tuple[CommsHubFirmwareActivation, str | None]]) -> Words:
    """Return what one message's N64s say to a supplier, each with its release if that is known."""
    rows = tuple((format_eui(body.device_id), body.firmware_version, release or "") for body, release in told)
    what = of_hubs(rows, "now runs firmware", "now run new firmware")
    columns = ("device_id", "firmware_version", "release")
    return Words(f"New firmware active on {count_hubs(len(rows))}", (f"{what}.",), columns=columns, rows=rows)


N64 = AlertKind(
    "N64",
    "CommsHubFirmwareActivation",
    DUIS_5_1,
    frozenset({"X01"}),
    Record(CommsHubFirmwareActivation, DEVICE, VERSION),
    ordered=False,
)
