"""The sandbox's parties: each made with the adapter kit, on a listener of its own, behaving as it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import csp_mgmt_gw.mock as csp_mock
import esi.mock as esi_mock
from duis_gateway.client import FileCounter, SetupWrong
from duis_gateway.client.http import HttpAnswer
from duis_gateway.client.problems import read_problem
from duis_gateway.client.requests import ServiceRequest
from duis_gateway.errors import GatewayError
from duis_gateway.parties.records import PartyKind
from duis_gateway.partners.messages import PartnerBody
from duis_gateway.sandbox.cast import CAST, YOU, Member
from duis_gateway.sandbox.folder import Folder
from duis_gateway.sandbox.mocks.behaviour import BEHAVIOURS, Behaviour
from duis_gateway.sandbox.mocks.partner import Exchange
from duis_gateway.sandbox.mocks.server import Listener
from duis_gateway.sandbox.mocks.start import Kit, assemble, common_arguments

_YOURS_FROM = 999_999
"""Your own programs have the numbers of RequestIDs below for themselves, and those made from the time."""
_PATIENCE = 5.0


@dataclass
class Player:
    """One party at work."""

    member: Member
    kit: Kit
    listener: Listener
    csp: csp_mock.Csp | None = None

    @property
    def url(self) -> str:
        """Where it receives what the gateway sends."""
        return self.listener.url + "/"

    @property
    def gateway(self) -> str:
        """The URL of the gateway that it sends to, whoever told it."""
        return self.kit.partner.gateway.url

    @property
    def behaviour(self) -> str:
        """How it answers what it is sent, whoever told it to."""
        return self.kit.door.temper.word

    def behave(self, behaviour: str, delay: float) -> None:
        """Answer in this way from now on; `delay` is the seconds of `slow`."""
        self.kit.door.temper.change(Behaviour(BEHAVIOURS[behaviour], delay=delay))

    def send(self, body: ServiceRequest | PartnerBody, door: str | None = None) -> Exchange:
        """Sign and send a message (NoGateway: the gateway gave no answer)."""
        gateway = self.kit.partner.gateway
        prepared = gateway.prepare(body)
        if door is not None:
            prepared = type(prepared)(prepared.kind, prepared.id, prepared.document, door)
        return self.kit.partner.send(prepared, _PATIENCE)

    def say(self, content: bytes) -> tuple[str, Exchange]:
        """Sign and send what somebody wrote: a `sr:Request`, or the element of a partner's body, right or wrong.

        Returns the kind of message that it is, and the exchange.
        """
        prepared = self.kit.door.prepared(content)
        return prepared.kind, self.kit.partner.send(prepared, _PATIENCE)


@dataclass
class Chores:
    """What the CSPs have to do after they were told something: done one after another, in the order of the cast.

    So the gateway gets it in the same order each time.
    """

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _waiting: list[tuple[int, int, Callable[[], object]]] = field(default_factory=list)
    _came: int = 0

    def of(self, order: int) -> Callable[[Callable[[], object], str], None]:
        """Return what takes the work of the party of this place in the order."""

        def later(work: Callable[[], object], _name: str) -> None:
            with self._lock:
                self._came += 1
                self._waiting.append((order, self._came, work))

        return later

    def any(self) -> bool:
        """Whether there is anything to do."""
        with self._lock:
            return bool(self._waiting)

    def do(self) -> None:
        """Do what there is now."""
        with self._lock:
            waiting, self._waiting = sorted(self._waiting, key=lambda one: one[:2]), []
        for _, _, work in waiting:
            work()


def make_players(folder: Folder, gateway: str, ports: Mapping[str, int], chores: Chores) -> list[Player]:
    """Return all parties, listening and not started, at these ports where they have had one before.

    Raises:
        GatewayError: a port is taken, or a key cannot be used.
    """
    return [_player(member, order, folder, gateway, ports, chores) for order, member in enumerate(CAST)]


def _player(
    member: Member, order: int, folder: Folder, gateway: str, ports: Mapping[str, int], chores: Chores
) -> Player:
    arguments = list(_arguments(member, folder, gateway))
    state = None
    match member.kind:
        case PartyKind.CSP:
            kit, state = csp_mock.make(csp_mock.parser().parse_args([*arguments, *_of_csp(member, folder)]))
            state.later = chores.of(order)
        case PartyKind.DCC:
            kit = esi_mock.begin(arguments)[1]
        case _:
            kit = assemble(common_arguments("a supplier", "").parse_args(arguments))
    way = kit.partner.gateway
    way.version = str(member.duis_version)
    requests = FileCounter(folder.counters / f"{member.name}-requests", last=_YOURS_FROM if member.name == YOU else 0)
    messages = FileCounter(folder.counters / f"{member.name}-messages")
    way.counter = requests
    way.message_ids = lambda: f"{member.name}-{messages()}"
    try:
        listener = Listener(kit.door, f"127.0.0.1:{ports.get(member.name, 0)}")
    except SetupWrong as error:
        raise GatewayError(f"{member.name} cannot listen: {error.detail}") from None
    return Player(member, kit, listener, state)


def _arguments(member: Member, folder: Folder, gateway: str) -> Iterable[str]:
    return (
        *("--key", str(folder.pki / f"{member.stem}.key")),
        *("--certificate", str(folder.pki / f"{member.stem}.pem")),
        *("--trust", str(folder.pki / "gateway.pem")),
        *("--gateway", gateway),
        *("--clock-file", str(folder.clock)),
    )


def _of_csp(member: Member, folder: Folder) -> Iterable[str]:
    regions = ",".join(member.regions)
    return ("--hubs", str(folder.inventory), "--auto", "--pilot-share", "0.2", "--regions", regions)


def summary(exchange: Exchange, player: Player, kind: str, release: str | None = None) -> dict[str, Any]:
    """Return what a message, about a release where it names one, was answered, as JSON has it."""
    told: dict[str, Any] = {
        "from": player.member.name,
        "kind": kind,
        "release": release,
        "id": exchange.message_id,
        "http": exchange.status,
    }
    answer = exchange.answer
    if answer is None:
        told_so = {"content-type": exchange.content_type}
        problem = read_problem(HttpAnswer(exchange.status, told_so, exchange.body))
        return {**told, "status": "Refused", "code": f"HTTP {exchange.status}", "text": problem.in_words}
    told |= {"status": answer.status, "code": answer.code, "text": answer.meaning, "proven": answer.proven is not None}
    if answer.warning:
        told["lists"] = {name: [str(one) for one in listed] for name, listed in answer.warning.items()}
    if answer.refused:
        told["refused"] = [{"item": one.item, "reason": one.reason} for one in answer.refused]
    if answer.devices:
        told["devices"] = [
            {"device": str(one.device), "version": one.firmware_version, "status": one.status} for one in answer.devices
        ]
    return told
