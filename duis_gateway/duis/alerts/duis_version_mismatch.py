"""N999: something that the recipient's DUIS version cannot express."""

from __future__ import annotations

from dataclasses import dataclass

from duis_gateway.duis.alerts.comms_hub_firmware_activation import CommsHubFirmwareActivation
from duis_gateway.duis.alerts.fields import DEVICE, VERSION
from duis_gateway.duis.alerts.kind import AlertBody, AlertKind
from duis_gateway.duis.alerts.words import Words
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.duis.rendering import leaf, node
from duis_gateway.duis.versions import format_version
from duis_gateway.namespaces import DUIS_5_0
from duis_gateway.parties.records import Party
from duis_gateway.partners.xml import TEXT, Field, Record, Wrapped


@dataclass(frozen=True, slots=True)
class DUISVersionMismatch(AlertBody):
    """N999: an alert of this code was meant for the recipient, whose DUIS version does not know it."""

    meant: str
    duis_version: str
    device_id: int | None = None
    firmware_version: str | None = None

    @classmethod
    def of(cls, body: AlertBody, code: str, recipient: Party) -> DUISVersionMismatch:
        """Return what takes the place of an alert.

        The FirmwareVersion is SECMP0024's wish and not in the published schema (FIA-3).
        """
        version = None
        if isinstance(body, CommsHubFirmwareActivation) and not recipient.published_schema_only:
            version = body.firmware_version
        device_id = getattr(body, "device_id", None)
        return cls(code, format_version(recipient.duis_version), device_id, version)

    def parts(self, room: int) -> list[str]:
        """Return the only part."""
        content = [leaf("DCCAlertCode", self.meant)]
        if self.device_id is not None:
            content.append(leaf("DeviceID", format_eui(self.device_id)))
        if self.firmware_version is not None:
            content.append(leaf("FirmwareVersion", self.firmware_version))
        return [node("DCCAlertVersionMismatch", *content) + leaf("ServiceUserDUISVersion", self.duis_version)]

    def words(self) -> Words:
        """Return which alert was meant."""
        return Words(f"DCC Alert {self.meant}", (f"DUIS {self.duis_version} does not know DCC Alert {self.meant}.",))


N999 = AlertKind(
    "N999",
    "DUISVersionMismatch",
    DUIS_5_0,
    frozenset(),
    Record(
        DUISVersionMismatch,
        Wrapped("DCCAlertVersionMismatch", (Field("DCCAlertCode", "meant", TEXT), DEVICE, VERSION)),
        Field("ServiceUserDUISVersion", "duis_version", TEXT),
    ),
    ordered=False,
)
