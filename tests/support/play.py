"""What the parties of an installation say about one lot of hubs, each message from a fixture file filled in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from tests.support.conversation import DAY, Group, Outcome, Sent, when
from tests.support.installation import GATEWAY, NOW, RELEASED, RUNNING, Installation
from tests.support.partner_play import PartnerPlay
from tests.support.wire_client import Answer, devices, element, fill

__all__ = ["DAY", "NOW", "RELEASED", "RUNNING", "Group", "Outcome", "Play", "Sent", "when"]


class Play(PartnerPlay):
    """All parties: the suppliers as well."""

    def crowd(self, size: int) -> list[str]:
        """Give the main supplier so many hubs of the lot's model in the north, for this test."""
        return self.installation.crowd(self.lot.model, "main", size)

    def read_inventory(
        self, supplier: str, device: str, *, version: str | None = None, variant: int = 8, door: str = "serviceD"
    ) -> Answer:
        """A supplier asks for one hub (8.2)."""
        return self.send(supplier, self.reading(supplier, device, version=version, variant=variant), door)

    def reading(
        self,
        supplier: str,
        device: str,
        *,
        version: str | None = None,
        variant: int = 8,
        target: str = GATEWAY,
        request_id: str | None = None,
    ) -> bytes:
        """Return an unsigned 8.2."""
        return fill(
            "duis/8.2.xml",
            version=version or self[supplier].registration.version,
            variant=variant,
            request_id=request_id or self.installation.request_id(supplier, target),
            device=device,
        )

    def pilot_list(
        self,
        supplier: str,
        ids: Iterable[str] | None = None,
        *,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
        release: str | None = None,
        firmware: str = RELEASED,
        door: str = "serviceD",
    ) -> Answer:
        """A supplier submits a whole pilot list, or amendments to the default list (11.5)."""
        lists = devices("sr:AddDeviceIDList", add) + devices("sr:RemoveDeviceIDList", remove)
        document = fill(
            "duis/11.5.xml",
            version="6.0",
            variant=8,
            request_id=self.installation.request_id(supplier),
            release=release or self.lot.release,
            firmware=firmware,
            lists=lists if ids is None else devices("sr:DeviceIDList", ids),
        )
        return self.send(supplier, document, door)

    def pilot_schedule(
        self,
        supplier: str,
        *groups: Group,
        release: str | None = None,
        firmware: str = RELEASED,
        door: str = "serviceD",
        cancelled: Sequence[tuple[str, str]] = (),
    ) -> Answer:
        """A supplier submits deployment groups, and takes back others, by GroupID and stage (11.6)."""
        document = fill(
            "duis/11.6.xml",
            version="6.0",
            variant=8,
            request_id=self.installation.request_id(supplier),
            release=release or self.lot.release,
            firmware=firmware,
            groups="".join((*map(_group, groups), *(_cancelled(*one) for one in cancelled))),
        )
        return self.send(supplier, document, door)


@contextmanager
def playing(installation: Installation) -> Iterator[Play]:
    """The parties, with hubs that no other test has touched; their releases are over in the end, a crowd is gone."""
    yield Play(installation, installation.lot())
    installation.end_releases()
    installation.disperse()


def _cancelled(name: str, stage: str) -> str:
    inner = f"<sr:GroupID>{name}</sr:GroupID><sr:Stage>{stage}</sr:Stage>"
    return f"<sr:CancelledGroup>{inner}</sr:CancelledGroup>"


def _group(group: Group) -> str:
    return element(
        "sr:DeploymentGroup",
        element("sr:GroupID", group.name),
        element("sr:Stage", group.stage),
        devices("sr:DeviceIDList", group.devices),
        element("sr:EarliestStart", when(group.start)),
        element("sr:LatestEnd", when(group.end)),
        *(element("sr:SchedulingConstraint", code) for code in group.constraints),
    )
