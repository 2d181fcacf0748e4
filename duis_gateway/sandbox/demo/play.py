"""What the acts are played with: the parties' ways to act, the wire to look at, and the screen to tell it on."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import NamedTuple, Protocol

from lxml import etree

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.client.requests import ServiceRequest, service_request
from duis_gateway.duis.identifiers import RequestId, format_eui, parse_eui
from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.namespaces import sr
from duis_gateway.outbox import view as outbox_view
from duis_gateway.partners.messages import PartnerBody
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.rollout_decisions.records import HubCounts
from duis_gateway.sandbox.demo import cast
from duis_gateway.sandbox.demo.cast import PILOTED, Supplier
from duis_gateway.sandbox.demo.processes import DemoFailed
from duis_gateway.sandbox.demo.world import World
from duis_gateway.sandbox.scenario import Step
from duis_gateway.store.engine import Store
from duis_gateway.text.counts import counted

DELIVERY_SECONDS = 300.0


class Screen(Protocol):
    """Where the demonstration is told."""

    def title(self, text: str) -> None:
        """Begin an act."""

    def line(self, text: str, indent: int = 0) -> None:
        """Tell something; where it takes several lines, all but the first are indented.

        A no-break space keeps words together.
        """

    def step(self, before: str, what: str, mark: str, *, good: bool) -> None:
        """Tell what was done, or checked, and how it came out."""

    def bar(self, label: str, unit: str) -> AbstractContextManager[Callable[[int, int], None]]:
        """Show the progress of what takes long; what it gives is told what is done and the whole."""


class Played(NamedTuple):
    """What was done for a step of the scenario, and whether it came out as expected."""

    of: str
    what: str
    held: bool


@dataclass
class Play:
    """The world as the acts see it, and what they have brought about so far.

    `check` raises `DemoFailed` where one of the processes has ended. `now_played` is the step of the scenario that is
    being played.
    """

    world: World
    screen: Screen
    store: Store
    check: Callable[[], None]
    now_played: Step
    began: float = field(default_factory=time.monotonic)
    steps: list[Played] = field(default_factory=list)
    counters: count[int] = field(default_factory=lambda: count(1))
    hubs: list[Hub] = field(default_factory=list)
    activated: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)

    def begin(self, step: Step) -> None:
        """Go on to a step of the scenario."""
        self.now_played = step
        if step.act:
            self.screen.title(step.act)

    def answered(self, what: str, seen: str, right: bool = True) -> None:
        """Tell what the gateway answered, which the scenario expects of this step."""
        (expected,) = set(self.now_played.expect["answers"])
        self.step(what, expected, seen, right)

    def dcc_says(self, what: str, body: PartnerBody) -> None:
        """Let DCC send a message by ESI."""
        self.partner_says(cast.DCC, what, esi.render_body(body))

    def csp_says(self, eui: int, what: str, body: PartnerBody) -> None:
        """Let a CSP send a message."""
        self.partner_says(eui, what, csp.render_body(body))

    def partner_says(self, eui: int, what: str, content: bytes) -> None:
        """Let a CSP or DCC send a message body, and look at its acknowledgement."""
        self.answered(what, acknowledged(*self.world.send(eui, content)))

    def days_pass(self, days: int) -> None:
        """Let business time go on: what falls due on the way is done."""
        self.world.put_clock(self.now + timedelta(days=days))
        self.screen.line(f"{'':10}{days} days pass")

    @property
    def now(self) -> datetime:
        """Business time."""
        return self.world.now()

    def counts(self) -> HubCounts:
        """Return how many hubs have come to an outcome, and to which."""
        return HubCounts(len(self.activated | self.failed), len(self.activated), len(self.failed))

    def due(self) -> set[int]:
        """Return the hubs that the CSPs have been told to activate now."""
        return self._of_plan("due")

    def planned(self) -> set[int]:
        """Return the hubs for which the CSPs have been told a period, open or not."""
        return self._of_plan("planned")

    def _of_plan(self, which: str) -> set[int]:
        about = {"release": PILOTED.release_id}
        told = [self.world.ask(eui, "/mock/v1/planned", about)[which] for eui in cast.REGIONS]
        return {parse_eui(text) for one in told for text in one}

    def of_csp(self, eui: int, devices: set[int]) -> set[int]:
        """Return those of these hubs that are in the regions of a CSP."""
        regions = cast.REGIONS[eui]
        return {h.device_id for h in self.hubs if h.device_id in devices and h.csp_region in regions}

    def distribute(self, failing: set[int]) -> None:
        """Let each CSP report how the image got to the hubs that are planned."""
        self._report("distribute", "has distributed the image to", self.planned(), failing)

    def ready(self) -> set[int]:
        """Return the hubs whose planned period is open and that have the image."""
        return self.due() - self.failed

    def activate(self, devices: set[int], failing: set[int]) -> None:
        """Let each CSP activate hubs that are ready, some of which fail."""
        self._report("activate", "registers CS06 for", devices, failing)
        self.activated |= devices - failing

    def _report(self, command: str, does: str, devices: set[int], failing: set[int]) -> None:
        for eui in cast.REGIONS:
            own = sorted(self.of_csp(eui, devices))
            order = {
                "release": PILOTED.release_id,
                "devices": [format_eui(d) for d in own],
                "failing": [format_eui(d) for d in own if d in failing],
                "batch": 500,
            }
            report = self.world.ask(eui, f"/mock/v1/{command}", order)
            answers = [*report["requests"], *report["responses"]]
            accepted = all(one.get("status") == "Accepted" for one in answers) and len(report["hubs"]) == len(own)
            name = f"{format_eui(eui)} {does} {counted(len(own), 'hub')} and posts the outcomes"
            self.step(name, "Accepted", "Accepted" if accepted else str(report))
        self.failed |= failing

    def wait_for(self, what: str, happened: Callable[[], bool]) -> None:
        """Wait until something that the gateway does by itself has been seen."""
        until = time.monotonic() + DELIVERY_SECONDS
        while not happened():
            self.check()
            if time.monotonic() > until:
                raise DemoFailed(f"this has not come about: {what}")
            time.sleep(0.1)
        self.step(what, "seen", "seen")

    def step(self, what: str, expected: str, seen: str, right: bool = True) -> None:
        """Tell a step, and keep whether it went as expected."""
        held = right and seen == expected
        self.steps.append(Played(self.now_played.id, what, held))
        seconds = time.monotonic() - self.began
        mark = seen if held else f"{seen}, NOT AS EXPECTED ({expected})"
        self.screen.step(f"{seconds:6.1f} s  ", what, mark, good=held)

    def request(self, supplier: Supplier, request: ServiceRequest, door: str = "xml") -> etree._Element:
        """Let a supplier send a Service Request; returns the answer, which its adapter has verified."""
        document = self.document(supplier, request, next(self.counters))
        status, answer = self.world.send(supplier.eui, document, door=door)
        if status != 200:
            raise DemoFailed(f"{request.reference} by {supplier.name}: HTTP {status}: {answer[:500]!r}")
        return parse_trusted(answer)

    @staticmethod
    def document(supplier: Supplier, request: ServiceRequest, counter: int) -> bytes:
        """Return a supplier's Service Request under a counter of its choice; its adapter signs it."""
        request_id = str(RequestId(supplier.eui, cast.GATEWAY, counter))
        return service_request(request_id, str(supplier.duis_version), request.reference, request.body())

    def own(self, supplier: Supplier) -> list[int]:
        """Return the supplier's commissioned hubs of the piloted model, split ones among them, by region in turn."""
        return [h.device_id for h in self.hubs if supplier.eui in h.suppliers and h.status == "Commissioned"]

    def wait_for_uploads(self, eui: int) -> None:
        """A list and a schedule for each release and region with hubs, each acknowledged."""
        expected = 2 * 2 * len(cast.REGIONS[eui])
        until = time.monotonic() + DELIVERY_SECONDS
        while time.monotonic() < until:
            self.check()
            answers = [acknowledged(200, raw) for raw in self.world.recorded(eui, "Acknowledgement")]
            if len(answers) >= expected:
                told = f"{format_eui(eui)} uploads {expected} Default Pilot Lists and Schedules"
                self.step(told, "Accepted", ", ".join(sorted(set(answers))))
                return
            time.sleep(0.1)
        raise DemoFailed(f"{format_eui(eui)} has not uploaded its default lists")

    def listed_by_csps(self) -> list[int]:
        """Return the hubs on the CSPs' default lists for the piloted release, from the wire."""
        lists = [
            csp.read_message(parse_trusted(raw)).body
            for own in cast.REGIONS
            for raw in self.world.recorded(own, "DefaultPilotList")
        ]
        return [
            d
            for one in lists
            if isinstance(one, csp.DefaultPilotList) and one.release_id == PILOTED.release_id
            for d in one.device_ids
        ]

    def preferred(self, supplier: Supplier) -> list[int]:
        """Return the supplier's pilot as the CSPs will have it: its newest list, which DCC is told whole."""
        reports = [
            esi.read_message(parse_trusted(raw)).body
            for raw in self.world.recorded(cast.DCC, "PreferredPilotListReport")
        ]
        own = [
            one
            for one in reports
            if isinstance(one, esi.PreferredPilotListReport)
            and (one.release_id, one.supplier) == (PILOTED.release_id, supplier.eui)
        ]
        return list(own[-1].device_ids)

    def show_received(self, supplier: Supplier) -> None:
        """Tell what has come to a supplier so far."""
        came = self.world.ask(supplier.eui, "/adapter/v1/received")
        glue = "\N{NO-BREAK SPACE}"
        told = ", ".join(f"{number}{glue}x{glue}{kind}" for kind, number in sorted(came.items())) or "nothing"
        self.screen.line(f"{'':10}{supplier.name} (DUIS {supplier.duis_version}) has received {told}", indent=12)

    def deliver(self, what: str) -> None:
        """Wait until the outbox is empty."""
        whole = self.pending()
        until = time.monotonic() + DELIVERY_SECONDS
        with self.screen.bar(f"delivering {what}", " messages") as tell:
            left, delivered = whole, 0
            while left and time.monotonic() < until:
                self.check()
                time.sleep(0.05)
                before, left = left, self.pending()
                delivered += max(0, before - left)
                tell(delivered, delivered + left)
        if left:
            raise DemoFailed(f"{left} messages are still not delivered: {what}")

    def pending(self) -> int:
        """Return how many messages are not delivered yet."""
        with self.store.read() as conn:
            stats = outbox_view.stats(conn)
        return sum(one.pending for one in stats.pending.values()) + sum(stats.in_flight.values())


def code(response: etree._Element) -> str:
    """Return the ResponseCode of an answer."""
    return response.findtext(f".//{sr('ResponseCode')}") or "no ResponseCode"


def listed(response: etree._Element, name: str) -> int:
    """Return how many hubs the answer names in a list."""
    return len((response.findtext(f".//{sr(name)}") or "").split(","))


def acknowledged(status: int, answer: bytes) -> str:
    """Return the Status of an acknowledgement, or the HTTP status of a refusal."""
    if status != 200:
        return f"HTTP {status}"
    return next((e.text or "" for e in parse_trusted(answer).iter() if etree.QName(e).localname == "Status"), "none")
