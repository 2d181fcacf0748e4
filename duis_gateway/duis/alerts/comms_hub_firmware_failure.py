"""N71: distribution of the image to a hub, or its activation, failed (X02)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from duis_gateway.duis.alerts.content import remark
from duis_gateway.duis.alerts.fields import COMMENTARY, DEVICE, VERSION
from duis_gateway.duis.alerts.kind import AlertBody, AlertKind
from duis_gateway.duis.alerts.words import Words, count_hubs, of_hubs
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.duis.rendering import leaf
from duis_gateway.namespaces import DUIS_6_0
from duis_gateway.partners.xml import TEXT, Field, Record, enumerated
from duis_gateway.rollout.activations.records import OutcomeStage


@dataclass(frozen=True, slots=True)
class CommsHubFirmwareFailure(AlertBody):
    """N71: distribution of the image to this hub, or its activation, failed (BR-2.5)."""

    device_id: int
    firmware_version: str
    stage: OutcomeStage
    reason: str | None = None
    commentary: str | None = None

    def parts(self, room: int) -> list[str]:
        """Return the only part."""
        return [
            leaf("DeviceID", format_eui(self.device_id))
            + leaf("FirmwareVersion", self.firmware_version)
            + leaf("Stage", self.stage)
            + remark("FailureReason", self.reason)
            + remark("Commentary", self.commentary)
        ]

    def words(self) -> Words:
        """Return what is said about this one hub."""
        return failures([(self, None)])


def failures(told: Sequence[tuple[CommsHubFirmwareFailure, str | None]]) -> Words:
    """Return what one message's N71s say to a supplier, each with its release if that is known."""
    rows = tuple(
        (
            format_eui(body.device_id),
            body.firmware_version,
            release or "",
            str(body.stage),
            body.reason or "",
            body.commentary or "",
        )
        for body, release in told
    )
    what = of_hubs(rows, "did not accept firmware", "did not accept new firmware")
    one = f" ({rows[0][3]}: {rows[0][4] or 'no reason stated'})" if len(rows) == 1 else ""
    columns = ("device_id", "firmware_version", "release", "stage", "failure_reason", "commentary")
    return Words(f"Firmware failed on {count_hubs(len(rows))}", (f"{what}{one}.",), columns=columns, rows=rows)


N71 = AlertKind(
    "N71",
    "CommsHubFirmwareFailure",
    DUIS_6_0,
    frozenset({"X02"}),
    Record(
        CommsHubFirmwareFailure,
        DEVICE,
        VERSION,
        Field("Stage", "stage", enumerated(OutcomeStage)),
        Field("FailureReason", "reason", TEXT, optional=True),
        COMMENTARY,
    ),
    ordered=False,
)
