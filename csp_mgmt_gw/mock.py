"""The mock CSP: plans pilots, keeps what it is told to deploy, and activates hubs as that says."""

from __future__ import annotations

import argparse
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from csp_mgmt_gw.activation import OF_ACTIVATION, Activation
from csp_mgmt_gw.deployment import Deployments
from csp_mgmt_gw.hubs import Hubs
from csp_mgmt_gw.messages import ActivateFirmwareRequests, FirmwareReleaseNotice
from csp_mgmt_gw.planning import NoticeParts, Plan
from duis_gateway.client import Message
from duis_gateway.duis.identifiers import format_eui, parse_eui
from duis_gateway.parties.records import CSP_REGIONS
from duis_gateway.partners.messages import PartnerBody
from duis_gateway.rollout.activations.records import OutcomeStage
from duis_gateway.sandbox.mocks.members import SECONDS, CommandRefused, Taken, euis, text
from duis_gateway.sandbox.mocks.options import path_option
from duis_gateway.sandbox.mocks.partner import Exchange, NoGateway, Partner
from duis_gateway.sandbox.mocks.start import Kit, assemble, common_arguments, in_background

PROGRAM = "python -m csp_mgmt_gw"

_log = logging.getLogger(__name__)


@dataclass
class Csp:
    """The mock's state: its hubs, and what the gateway has told it to deploy.

    `later` does the work that a message brings about, after the message has been answered.
    """

    partner: Partner
    hubs: Hubs
    plan: Plan | None
    patience: float = 60.0
    later: Callable[[Callable[[], object], str], object] = in_background
    deployments: Deployments = field(init=False)
    _notices: NoticeParts = field(default_factory=NoticeParts)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Begin with nothing to deploy."""
        self.deployments = Deployments(self.hubs)

    def take(self, message: Message) -> None:
        """Take one new message from the gateway."""
        body = message.body
        if not isinstance(body, PartnerBody):
            return
        self.deployments.take(body)
        if isinstance(body, FirmwareReleaseNotice):
            with self._lock:
                whole = self._notices.whole(body)
            if whole is not None and self.plan is not None:
                self.later(lambda: self.answer_notice(whole), "notice")

    def answer_notice(self, notice: FirmwareReleaseNotice) -> list[Exchange]:
        """Upload the default pilot list and schedule of each region, as `--auto` does."""
        if self.plan is None:
            return []
        exchanges = []
        for body in self.plan.bodies(notice, self.hubs, self.partner.gateway.message_ids()):
            try:
                exchanges.append(self.partner.send_body(body, self.patience))
            except NoGateway as error:
                _log.warning("the %s of %s was not uploaded: %s", type(body).__name__, notice.release_id, error)
                break
        return exchanges

    def planned(self, members: Mapping[str, Any]) -> Any:
        """Say what the gateway has told to deploy for a release: the command `planned`."""
        release = self._told_of(members["release"])
        due = self.deployments.due(release, self.partner.clock.now())
        return {
            "version": self.deployments.version(release),
            "planned": list(map(format_eui, self.deployments.planned(release))),
            "due": list(map(format_eui, due)),
        }

    def activate(self, members: Mapping[str, Any]) -> Any:
        """Register CS06 for hubs whose planned period is open, and report their outcomes: the command `activate`.

        Members: `release`, `devices` (EUI-64s; without them every hub that is due), and those of `Activation.of`.
        Hubs that are not due are left alone, and so are those that the gateway's acknowledgement names.
        """
        release = self._told_of(members["release"])
        now = self.partner.clock.now()
        due = self.deployments.due(release, now)
        wanted = members.get("devices", due)
        planned = frozenset(due)
        chosen = [one for one in wanted if one in planned]
        version = self.deployments.version(release)
        activation = Activation.of(members, chosen, version, OutcomeStage.ACTIVATION, now)
        patience = members.get("patience", self.patience)
        carried = self.carry_out(activation, lambda body: self.partner.send_body(body, patience))
        return {**carried.summary(), "not_planned": [format_eui(one) for one in wanted if one not in planned]}

    def distribute(self, members: Mapping[str, Any]) -> Any:
        """Report how the distribution of the image ended: the command `distribute`.

        Members: `release`, `devices` (EUI-64s; without them every hub that is planned), those of `Activation.of`.
        """
        release = self._told_of(members["release"])
        devices = members.get("devices", self.deployments.planned(release))
        version = self.deployments.version(release)
        outcomes = Activation.of(members, devices, version, OutcomeStage.DISTRIBUTION, self.partner.clock.now())
        patience = members.get("patience", self.patience)
        return self.carry_out(outcomes, lambda body: self.partner.send_body(body, patience)).summary()

    def _told_of(self, release_id: str) -> str:
        told = self.deployments.releases()
        if release_id not in told:
            known = f"it was told of {', '.join(told)}" if told else "it was told of none yet"
            raise CommandRefused(f"this CSP knows no release {release_id[:60]!r}: {known}")
        return release_id

    def carry_out(self, activation: Activation, send: Callable[[PartnerBody], Exchange]) -> CarriedOut:
        """Register CS06 first; report what became of the hubs that the gateway does not stop."""
        requests = []
        stopped: dict[int, str] = {}
        for body in activation.requests():
            exchange = send(body)
            requests.append(exchange)
            stopped |= _stopped(body, exchange)
        rest = activation.without(stopped)
        responses = [send(body) for body in rest.responses()]
        self.hubs.activated(rest.succeeding, rest.version)
        return CarriedOut(rest, requests, responses, stopped)


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """What was reported, what the gateway answered, and the hubs that it stopped, with the reason."""

    activation: Activation
    requests: list[Exchange]
    responses: list[Exchange]
    stopped: Mapping[int, str]

    def summary(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        device_ids = self.activation.device_ids
        return {
            "hubs": list(map(format_eui, device_ids)),
            "failed": sum(one in self.activation.failing for one in device_ids),
            "stopped": {format_eui(one): reason for one, reason in self.stopped.items()},
            "requests": [exchange.summary() for exchange in self.requests],
            "responses": [exchange.summary() for exchange in self.responses],
        }


def _stopped(body: PartnerBody, exchange: Exchange) -> dict[int, str]:
    """Return the hubs that the acknowledgement names; without one that is proven and takes some, all of them."""
    assert isinstance(body, ActivateFirmwareRequests), "CS06 is registered"
    answer = exchange.answer
    if answer is None:
        return dict.fromkeys(body.device_ids, f"HTTP {exchange.status}")
    found = dict.fromkeys(body.device_ids, answer.code or "refused") if answer.status == "Refused" else {}
    return found | {parse_eui(one.item): one.reason for one in answer.refused}


def begin(arguments: Sequence[str]) -> tuple[argparse.Namespace, Kit]:
    """Return the arguments as read, and the mock ready to serve.

    Raises:
        GatewayError: a key, a certificate or the file of hubs cannot be used.
    """
    options = parser().parse_args(arguments)
    return options, make(options)[0]


def make(options: argparse.Namespace) -> tuple[Kit, Csp]:
    """Return the mock, and its state (errors as `begin`)."""
    kit = assemble(options)
    regions = tuple(options.regions)
    hubs = Hubs.load(options.hubs, regions) if options.hubs else Hubs()
    plan = Plan(regions, options.pilot_share, options.waves) if options.auto else None
    csp = Csp(kit.partner, hubs, plan)
    kit.partner.receiver.on()(csp.take)
    kit.door.commands |= {"planned": csp.planned, "activate": csp.activate, "distribute": csp.distribute}
    outcomes = Taken({"release": text, "devices": euis, **OF_ACTIVATION, "patience": SECONDS}, needs=("release",))
    planned = Taken({"release": text}, needs=("release",))
    kit.door.taken |= {"planned": planned, "activate": outcomes, "distribute": outcomes}
    return kit, csp


def parser() -> argparse.ArgumentParser:
    """Return what reads the mock's arguments."""
    made = common_arguments(PROGRAM, "A mock CSP, on the CSP Management Gateway interface.")
    made.add_argument(
        "--regions", type=_regions, default=CSP_REGIONS, metavar="A,B", help="its regions, separated by commas"
    )
    made.add_argument(
        "--hubs", type=path_option, metavar="FILE.csv", help="its own view of the hubs: an inventory file"
    )
    made.add_argument(
        "--auto", action="store_true", help="answer each release notice with a default pilot list and schedule"
    )
    made.add_argument(
        "--pilot-share", type=_share, default=0.1, metavar="0..1", help="share of the eligible hubs to put in the pilot"
    )
    made.add_argument(
        "--waves", type=int, choices=range(1, 21), default=1, metavar="N", help="number of groups in a schedule"
    )
    return made


def _regions(text: str) -> tuple[str, ...]:
    regions = tuple(part.strip() for part in text.split(","))
    unknown = [region for region in regions if region not in CSP_REGIONS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no such region: {unknown[0]!r}; there are {', '.join(CSP_REGIONS)}")
    return regions


def _share(text: str) -> float:
    share = float(text)
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError("must be above 0 and at most 1")
    return share
