"""The mock CSP: plans pilots, keeps what suppliers prefer, and activates hubs when it is told to."""

from __future__ import annotations

import argparse
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from csp_mgmt_gw.activation import Activation
from csp_mgmt_gw.hubs import Hubs
from csp_mgmt_gw.messages import (
    DefaultPilotList,
    FirmwareReleaseNotice,
    PreferredPilotList,
    PreferredPilotSchedule,
)
from csp_mgmt_gw.planning import NoticeParts, Plan
from csp_mgmt_gw.preferences import Preferences
from duis_gateway.client import Message
from duis_gateway.duis.identifiers import parse_eui
from duis_gateway.parties.records import CSP_REGIONS
from duis_gateway.partners.messages import PartnerBody
from duis_gateway.sandbox.mocks.door import CommandRefused
from duis_gateway.sandbox.mocks.partner import Exchange, NoGateway, Partner
from duis_gateway.sandbox.mocks.start import Kit, assemble, common_arguments, in_background

PROGRAM = "python -m csp_mgmt_gw"

_log = logging.getLogger(__name__)


@dataclass
class Csp:
    """The mock's state: its hubs, what it uploaded, and what suppliers prefer.

    `later` does the work that a message brings about, after the message has been answered.
    """

    partner: Partner
    hubs: Hubs
    plan: Plan | None
    patience: float = 60.0
    later: Callable[[Callable[[], object], str], object] = in_background
    defaults: dict[str, list[int]] = field(default_factory=dict)
    lists: Preferences = field(default_factory=Preferences)
    schedules: Preferences = field(default_factory=Preferences)
    _notices: NoticeParts = field(default_factory=NoticeParts)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, message: Message) -> None:
        """Take one new message from the gateway."""
        body = message.body
        with self._lock:
            match body:
                case PreferredPilotList():
                    self.lists.keep(message, body)
                case PreferredPilotSchedule():
                    self.schedules.keep(message, body)
                case FirmwareReleaseNotice():
                    whole = self._notices.whole(body)
                    if whole is not None and self.plan is not None:
                        self.later(lambda: self.answer_notice(whole), "notice")

    def answer_notice(self, notice: FirmwareReleaseNotice) -> list[Exchange]:
        """Upload the default pilot list and schedule of each region, as `--auto` does."""
        if self.plan is None:
            return []
        exchanges = []
        self.defaults[notice.release_id] = []
        for body in self.plan.bodies(notice, self.hubs, self.partner.gateway.message_ids()):
            if isinstance(body, DefaultPilotList):
                self.defaults[notice.release_id].extend(body.device_ids)
            try:
                exchanges.append(self.partner.send_body(body, self.patience))
            except NoGateway as error:
                _log.warning("the %s of %s was not uploaded: %s", type(body).__name__, notice.release_id, error)
                break
        return exchanges

    def activate(self, members: Mapping[str, Any]) -> Any:
        """Register CS06 and report the outcomes: the command `activate`.

        Members: `release`, `version`, `devices` (a list of EUI-64s, or "pilot": all hubs on preferred lists,
        "scheduled": those in preferred schedules, "default": the default list), and those of `Activation.of`.
        """
        device_ids = self._device_ids(members)
        activation = Activation.of(members, device_ids, self.partner.clock.now())
        patience = float(members.get("patience", self.patience))
        requests = [exchange.summary() for exchange in self._send_all(activation.requests(), patience)]
        responses = [exchange.summary() for exchange in self._send_all(activation.responses(), patience)]
        self.hubs.activated(activation.succeeding, activation.version)
        failed = sum(one in activation.failing for one in device_ids)
        return {"hubs": len(device_ids), "failed": failed, "requests": requests, "responses": responses}

    def _send_all(self, bodies: Iterator[PartnerBody], patience: float) -> Iterator[Exchange]:
        for body in bodies:
            yield self.partner.send_body(body, patience)

    def _device_ids(self, members: Mapping[str, Any]) -> tuple[int, ...]:
        which, release = members["devices"], str(members.get("release", ""))
        if isinstance(which, list):
            return tuple(dict.fromkeys(parse_eui(str(text)) for text in which))
        with self._lock:
            if which == "pilot":
                return self.lists.hubs(release)
            if which == "scheduled":
                return self.schedules.hubs(release)
            if which == "default":
                return tuple(dict.fromkeys(self.defaults.get(release, ())))
        raise CommandRefused('devices must be a list of EUI-64s, "pilot", "scheduled" or "default"')


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
    kit.door.commands["activate"] = csp.activate
    return kit, csp


def parser() -> argparse.ArgumentParser:
    """Return what reads the mock's arguments."""
    made = common_arguments(PROGRAM, "A mock CSP, on the CSP Management Gateway interface.")
    made.add_argument(
        "--regions", type=_regions, default=CSP_REGIONS, metavar="A,B", help="its regions, separated by commas"
    )
    made.add_argument("--hubs", type=Path, metavar="FILE.csv", help="its own view of the hubs: an inventory file")
    made.add_argument(
        "--auto", action="store_true", help="answer each release notice with a default pilot list and schedule"
    )
    made.add_argument(
        "--pilot-share", type=_share, default=0.1, metavar="0..1", help="share of the fitting hubs to pilot"
    )
    made.add_argument("--waves", type=int, choices=range(1, 21), default=1, metavar="N", help="groups of a schedule")
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
