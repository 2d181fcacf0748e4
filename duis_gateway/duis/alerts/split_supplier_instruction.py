"""N73: whether the second supplier of hubs has instructed them, but never who it is (X06)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from duis_gateway.duis.alerts.content import with_devices
from duis_gateway.duis.alerts.fields import DEVICES, RELEASE
from duis_gateway.duis.alerts.kind import AlertBody, AlertKind
from duis_gateway.duis.alerts.words import Words, count_hubs, hub_rows
from duis_gateway.duis.rendering import leaf
from duis_gateway.namespaces import DUIS_6_0
from duis_gateway.partners.xml import Field, Record, enumerated


class OtherSupplier(StrEnum):
    """What a hub's second supplier has done; "cannot": its DUIS is older, or it is not registered (BR-3.3)."""

    INSTRUCTED = "Instructed"
    NOT_INSTRUCTED = "NotInstructed"
    CANNOT_INSTRUCT = "CannotInstruct"


_IN_WORDS = {
    OtherSupplier.INSTRUCTED: "has instructed",
    OtherSupplier.NOT_INSTRUCTED: "has not instructed",
    OtherSupplier.CANNOT_INSTRUCT: "cannot instruct: it is not registered, or its DUIS version is too old",
}


@dataclass(frozen=True, slots=True)
class SplitSupplierInstruction(AlertBody):
    """N73: whether the second supplier of these hubs has instructed them, but never who it is."""

    release_id: str
    other: OtherSupplier
    device_ids: tuple[int, ...]

    def parts(self, room: int) -> list[str]:
        """Return the hubs, in parts if there are many."""
        head = leaf("FirmwareReleaseID", self.release_id) + leaf("OtherSupplier", self.other)
        return with_devices(head, self.device_ids, "", room)

    def words(self) -> Words:
        """Return what the second supplier has done, and for which hubs."""
        have = "has" if len(self.device_ids) == 1 else "have"
        what = f"{count_hubs(len(self.device_ids))} of yours {have} a second supplier, which {_IN_WORDS[self.other]}."
        return Words(
            f"Second supplier's instruction under {self.release_id}",
            (what,),
            columns=("device_id",),
            rows=hub_rows(self.device_ids),
        )


N73 = AlertKind(
    "N73",
    "SplitSupplierInstruction",
    DUIS_6_0,
    frozenset({"X06"}),
    Record(SplitSupplierInstruction, RELEASE, Field("OtherSupplier", "other", enumerated(OtherSupplier)), DEVICES),
    ordered=False,
)
