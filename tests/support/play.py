"""What the parties of an installation say about one lot of hubs, each message from a fixture file filled in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tests.support.installation import (
    GATEWAY,
    MANUFACTURER,
    NOW,
    RELEASED,
    RUNNING,
    Actor,
    Delivery,
    Installation,
    Lot,
)
from tests.support.wire_client import Answer, devices, element, fill, sign

DAY = timedelta(days=1)
_END = b"</ds:Signature>"


def when(at: datetime) -> str:
    """Return a time as messages carry it."""
    return at.isoformat().replace("+00:00", "Z")


@dataclass(frozen=True)
class Group:
    """A deployment group, of a supplier or of a CSP."""

    name: str
    devices: Sequence[str] = ()
    stage: str = "Pilot"
    start: datetime = NOW + 2 * DAY
    end: datetime = NOW + 9 * DAY
    constraints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of one hub."""

    device: str
    success: bool = True
    version: str = RELEASED
    at: datetime = NOW - timedelta(minutes=5)
    reason: str = ""
    commentary: str = ""


@dataclass(frozen=True)
class Sent:
    """A message as it went over the wire, to be sent again."""

    actor: Actor
    post: Callable[[Actor, bytes], Answer]
    signed: bytes

    @property
    def unsigned(self) -> bytes:
        """The document without its signature."""
        end = self.signed.index(b"<ds:Signature")
        return self.signed[:end] + self.signed[self.signed.rindex(_END) + len(_END) :]

    def through(self, url: str) -> Answer:
        """Post it to this gateway process."""
        return self.post(replace(self.actor, url=url), self.signed)


_NOT_SENT = Answer(0, {}, b"")


def _plain(service: str) -> Callable[[Actor, bytes], Answer]:
    return lambda actor, signed: actor.client.post(f"/api/v1/{service}", signed)


def _soap(actor: Actor, signed: bytes) -> Answer:
    return actor.client.post_soap(signed)


def _csp(actor: Actor, signed: bytes) -> Answer:
    return actor.client.post("/csp-mgmt-gw/v1/messages", signed)


def _esi(actor: Actor, signed: bytes) -> Answer:
    return actor.client.post("/esi/v1/messages", signed)


class Play:
    """The parties with one lot; `sent` is the message that was sent last."""

    def __init__(self, installation: Installation, lot: Lot) -> None:
        self.installation = installation
        self.lot = lot
        self.sent: Sent
        self._holds_back = False

    def __getitem__(self, name: str) -> Actor:
        return self.installation.actors[name]

    # --- ways in -------------------------------------------------------------------------------------------------

    def send(self, name: str, document: bytes, door: str = "serviceD") -> Answer:
        """Let a party sign a document and post it to a door: serviceD, serviceS, serviceT, soap, csp or esi."""
        doors = {"soap": _soap, "csp": _csp, "esi": _esi}
        actor = self[name]
        self.sent = Sent(actor, doors.get(door) or _plain(door), sign(document, actor.identity))
        return _NOT_SENT if self._holds_back else self.repeat()

    def prepare(self, say: Callable[[], Answer]) -> Sent:
        """Return the signed message that `say` would send, without sending it."""
        self._holds_back = True
        try:
            say()
        finally:
            self._holds_back = False
        return self.sent

    def repeat(self, door: str | None = None) -> Answer:
        """Send the last message again, byte for byte; `door` may be another than the first time."""
        sent = self.sent if door is None else replace(self.sent, post=_soap if door == "soap" else _plain(door))
        return sent.post(sent.actor, sent.signed)

    # --- DCC -----------------------------------------------------------------------------------------------------

    def announce(
        self,
        *,
        release: str | None = None,
        firmware: str = RELEASED,
        revision: int = 1,
        kind: str = "SECRelease",
        automatic: datetime | None = None,
        pilot: tuple[datetime, datetime] | None = (NOW - DAY, NOW + 60 * DAY),
        limit: int = 100,
        minimum: int | None = None,
        marks: str = "",
        model: str | None = None,
    ) -> Answer:
        """DCC announces or revises a release of the lot's model."""
        terms = "" if pilot is None else self._terms(pilot, limit, minimum)
        date = "" if automatic is None else element("esi:AutomaticDate", when(automatic))
        document = fill(
            "esi/FirmwareRelease.xml",
            **self._header("dcc"),
            release=release or self.lot.release,
            revision=revision,
            type=kind,
            manufacturer=MANUFACTURER,
            model=model or self.lot.model,
            firmware=firmware,
            rest=date + terms + marks,
        )
        return self.send("dcc", document, "esi")

    @staticmethod
    def _terms(pilot: tuple[datetime, datetime], limit: int, minimum: int | None) -> str:
        return element(
            "esi:Pilot",
            element("esi:Start", when(pilot[0])),
            element("esi:End", when(pilot[1])),
            element("esi:Limit", str(limit)),
            "" if minimum is None else element("esi:Minimum", str(minimum)),
        )

    def _header(self, name: str) -> dict[str, str]:
        return {
            "message_id": self.installation.message_id(),
            "sender": self[name].eui,
            "created_at": when(NOW),
        }

    # --- CSPs ----------------------------------------------------------------------------------------------------

    def default_list(
        self, csp: str, region: str, ids: Iterable[str], *, part: str = "", release: str | None = None
    ) -> Answer:
        """A CSP uploads its pilot list for a region."""
        document = fill(
            "csp_mgmt_gw/DefaultPilotList.xml",
            **self._header(csp),
            part=part,
            release=release or self.lot.release,
            region=region,
            devices=",".join(ids),
        )
        return self.send(csp, document, "csp")

    def default_schedule(
        self,
        csp: str,
        region: str,
        groups: Iterable[Group],
        constraints: Iterable[str] = (),
        *,
        part: str = "",
        release: str | None = None,
    ) -> Answer:
        """A CSP uploads its pilot schedule for a region, with the constraints that it offers."""
        document = fill(
            "csp_mgmt_gw/DefaultPilotSchedule.xml",
            **self._header(csp),
            part=part,
            release=release or self.lot.release,
            region=region,
            groups="".join(
                element(
                    "csp:DeploymentGroup",
                    element("csp:GroupID", group.name),
                    devices("csp:DeviceIDList", group.devices),
                    element("csp:EarliestStart", when(group.start)),
                    element("csp:LatestEnd", when(group.end)),
                )
                for group in groups
            ),
            constraints="".join(
                element(
                    "csp:OfferedConstraint", element("csp:Code", code), element("csp:Description", f"{code}, please")
                )
                for code in constraints
            ),
        )
        return self.send(csp, document, "csp")

    def requested(self, csp: str, ids: Iterable[str], firmware: str = RELEASED) -> Answer:
        """A CSP says that it has sent CS06 to these hubs."""
        document = fill(
            "csp_mgmt_gw/ActivateFirmwareRequests.xml",
            **self._header(csp),
            release=self.lot.release,
            firmware=firmware,
            devices=",".join(ids),
            issued_at=when(NOW - timedelta(hours=1)),
        )
        return self.send(csp, document, "csp")

    def responded(self, csp: str, *outcomes: Outcome) -> Answer:
        """A CSP posts the hubs' answers to CS06."""
        return self._outcomes(csp, "ActivateFirmwareResponses", outcomes)

    def distributed(self, csp: str, *outcomes: Outcome) -> Answer:
        """A CSP posts how the distribution of the image to hubs ended."""
        return self._outcomes(csp, "DistributionOutcomes", outcomes)

    def _outcomes(self, csp: str, body: str, outcomes: Iterable[Outcome]) -> Answer:
        hubs = "".join(
            element(
                "Hub",
                element("DeviceID", one.device),
                element("Outcome", "Success" if one.success else "Failure"),
                element("FirmwareVersion", one.version),
                element("CompletedAt", when(one.at)),
                element("FailureReason", one.reason) if one.reason else "",
                element("Commentary", one.commentary) if one.commentary else "",
            )
            for one in outcomes
        )
        return self.send(csp, fill(f"csp_mgmt_gw/{body}.xml", **self._header(csp), hubs=hubs), "csp")

    # --- suppliers -----------------------------------------------------------------------------------------------

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
    ) -> Answer:
        """A supplier submits deployment groups (11.6)."""
        document = fill(
            "duis/11.6.xml",
            version="6.0",
            variant=8,
            request_id=self.installation.request_id(supplier),
            release=release or self.lot.release,
            firmware=firmware,
            groups="".join(map(_group, groups)),
        )
        return self.send(supplier, document, door)

    # --- what came of it -----------------------------------------------------------------------------------------

    def new_request_id(self, supplier: str = "main") -> str:
        """Return a RequestID that was never used."""
        return self.installation.request_id(supplier)

    def settle(self, *down: str) -> None:
        """Wait until everything is delivered, but to the parties that are down."""
        self.installation.settle(*down)

    def received(self, name: str, *kinds: str) -> list[Delivery]:
        """Return what a party has received for this lot, once everything is delivered."""
        self.settle()
        return self[name].received(*kinds)

    def everything(self) -> dict[str, list[bytes]]:
        """Return all that every party has received for this lot, once everything is delivered."""
        self.settle()
        return {name: [one.raw for one in actor.received()] for name, actor in self.installation.actors.items()}

    def check_repeat(self, first: Answer, *doors: str) -> None:
        """Send the last message again, through these doors too: the first answer's bytes, and nothing else happens."""
        before = self.everything()
        for door in (None, *doors):
            again = self.repeat(door)
            assert again.document == first.document, (again.status, again.body[:500])
        assert self.everything() == before

    @contextmanager
    def down(self, *names: str) -> Iterator[None]:
        """These parties are gone from the network while the block lasts."""
        for name in names:
            self[name].take_down()
        try:
            yield
            self.settle(*names)
        finally:
            for name in names:
                self[name].come_back()

    def forget(self) -> None:
        """Let what was received begin anew, once everything is delivered."""
        self.settle()
        for actor in self.installation.actors.values():
            actor.forget()

    def version(self, hub: str) -> str:
        """Return the firmware version that the inventory has for a hub."""
        return self.installation.hub(hub).firmware_version


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


__all__ = ["DAY", "NOW", "RELEASED", "RUNNING", "Group", "Outcome", "Play", "Sent", "when"]
