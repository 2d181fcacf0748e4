"""A party of an installation at work, and what was delivered to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus

from lxml import etree

from duis_gateway.client import Identity, Trust
from tests.support import independent, wire_client
from tests.support.lots import Registration
from tests.support.receivers import Receiver
from tests.support.wire_client import Client


@dataclass(frozen=True)
class Delivery:
    """What the gateway delivered to a party: its kind (alert code or body element), proven, and its bytes."""

    kind: str
    root: etree._Element
    raw: bytes

    def text(self, name: str) -> str:
        return wire_client.only(self.root, name)

    def listed(self, name: str = "DeviceIDList") -> list[str]:
        return wire_client.listed(self.root, name)


OF_THE_PLAN = ("N77", "PlannedDeployment", "PlannedDeploymentReport", "PlanDeviation")
"""What comes of nearly everything that is said, and is looked at where plans are (X09, X10)."""


def of_the_plan(one: Delivery) -> bool:
    """Whether a message tells of the plan of hubs, if only as N999."""
    return one.kind in OF_THE_PLAN or wire_client.texts(one.root, "DCCAlertCode")[1:] == ["N77"]


def _is_asked_for(one: Delivery, kinds: tuple[str, ...]) -> bool:
    if not of_the_plan(one):
        return not kinds or one.kind in kinds
    return one.kind in OF_THE_PLAN and one.kind in kinds


@dataclass
class Actor:
    """A party at work: its identity, its client of the gateway, and the web server that it receives on."""

    registration: Registration
    identity: independent.Identity
    me: Identity
    trust: Trust
    receiver: Receiver = field(default_factory=Receiver)
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    _earlier: list[bytes] = field(default_factory=list)
    _seen: int = 0
    _is_down: bool = False

    @property
    def eui(self) -> str:
        return self.registration.eui

    @property
    def token(self) -> str:
        """Its bearer token for the party door."""
        return f"token-of-{self.eui}"

    @property
    def client(self) -> Client:
        return Client(self.url, self.me, self.trust, headers=self.headers)

    def pull(self, path: str) -> wire_client.Answer:
        """Return what it reads under a path of the party door."""
        answer = self.client.exchange("GET", f"/party/v1/{path}", token=self.token)
        assert answer.status == HTTPStatus.OK, answer.body[:2000]
        return answer

    def take_down(self) -> None:
        """Be gone from the network: nothing listens any more."""
        self.receiver.close()
        self._earlier += self.receiver.accepted
        self._is_down = True

    def come_back(self) -> None:
        """Listen again, at the same address."""
        self.receiver = Receiver(port=self.receiver.port)
        self._is_down = False

    @property
    def bodies(self) -> list[bytes]:
        """Everything that was accepted, in the order of its coming."""
        return [*self._earlier, *([] if self._is_down else self.receiver.accepted)]

    def forget(self) -> None:
        """Let `received` begin here."""
        self._seen = len(self.bodies)

    def received(self, *kinds: str) -> list[Delivery]:
        """Return what has come since `forget`, each proven: of these kinds, or all but what tells of plans."""
        return [one for one in self.came() if _is_asked_for(one, kinds)]

    def came(self) -> list[Delivery]:
        """Return all that has come since `forget`, each proven."""
        return [self._delivery(raw) for raw in self.bodies[self._seen :]]

    def _delivery(self, raw: bytes) -> Delivery:
        root = self.trust.prove(raw).root
        codes = wire_client.texts(root, "DCCAlertCode")
        return Delivery(codes[0] if codes else etree.QName(root[1][0]).localname, root, raw)
