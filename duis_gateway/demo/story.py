"""The demonstration: a release from its announcement to the last N64, over real HTTP between real processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Protocol

from lxml import etree

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.demo import cast, requests
from duis_gateway.demo.cast import LARGE, PILOTED, Supplier
from duis_gateway.demo.processes import DemoFailed
from duis_gateway.demo.world import World
from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.model.hubs import Hub
from duis_gateway.model.identifiers import format_eui
from duis_gateway.model.releases import Period
from duis_gateway.namespaces import sr
from duis_gateway.store import outbox_view
from duis_gateway.store.engine import Store

LONGEST_LIST = 50_000
DELIVERY_SECONDS = 300.0


class Progress(Protocol):
    """A progress bar."""

    def update(self, n_steps: int) -> None:
        """Move on."""


@dataclass(frozen=True, slots=True)
class Screen:
    """Where the demonstration is told: lines, and bars for what takes long."""

    line: Callable[[str], None]
    bar: Callable[[str, int], AbstractContextManager[Progress]]


@dataclass(frozen=True, slots=True)
class Expected:
    """What the story has brought about, for the checks to hold against the messages on the wire."""

    activated: frozenset[int]
    failed: frozenset[int]
    steps: tuple[tuple[str, bool], ...]


@dataclass
class Story:
    """The story's way: its world, and what it has seen."""

    world: World
    screen: Screen
    store: Store
    began: float = field(default_factory=time.monotonic)
    steps: list[tuple[str, bool]] = field(default_factory=list)
    counters: count[int] = field(default_factory=lambda: count(1))
    hubs: list[Hub] = field(default_factory=list)

    def play(self) -> Expected:
        """Play all of it, and return what the wire must show now."""
        self.hubs = [h for h in cast.hubs(self.world.hubs, self.world.suppliers) if h.model == PILOTED.model]
        self._announce()
        self._choose_pilot()
        self._choose_large_pilot()
        self._instruct()
        activated, failed = self._activate()
        self._read_inventory(activated)
        self._refuse()
        return Expected(activated, failed, tuple(self.steps))

    # --- the acts ------------------------------------------------------------------------------------------------

    def _announce(self) -> None:
        limits = {PILOTED.release_id: 300, LARGE.release_id: 60_000}
        for model in (PILOTED, LARGE):
            notice = requests.release_notice(model, datetime.now(UTC).replace(microsecond=0), limits[model.release_id])
            status, answer = self.world.send(cast.DCC, esi.render_body(notice))
            self._step(f"DCC announces {model.release_id} by ESI", "Accepted", _acknowledged(status, answer))
        self._deliver("release notices to the CSPs, their default lists and schedules to the suppliers")
        for eui in cast.REGIONS:
            self._wait_for_uploads(eui)
        self._deliver("N66, N67 and N999 to the suppliers")
        for supplier in self.world.suppliers:
            self._show_received(supplier)

    def _choose_pilot(self) -> None:
        first, _second, _third, fourth, *_ = self.world.suppliers
        own = self._own(first)
        mine, foreign = own[:100], [h.device_id for h in self.hubs if first.eui not in h.suppliers][:3]
        unknown = [0x00DB123400000001, 0x00DB123400000002]
        body = requests.pilot_list(PILOTED, [*mine, *foreign, *unknown])
        answer = self._request(first, "11.5", body)
        told = f"{len(foreign)} foreign and {len(unknown)} unknown hubs are listed"
        right = _listed(answer, "NotResponsibleDeviceIDList") == len(foreign)
        right &= _listed(answer, "InvalidDeviceIDList") == len(unknown)
        self._step(f"11.5 by {first.name} over plain XML: {len(mine)} hubs; {told}", "W110501", _code(answer), right)
        split = [h.device_id for h in self.hubs if {first.eui, fourth.eui} <= h.suppliers and h.device_id in mine]
        answer = self._request(fourth, "11.5", requests.pilot_list(PILOTED, split), door="soap")
        self._step(f"11.5 by {fourth.name} over SOAP: the {len(split)} hubs it shares", "I99", _code(answer))
        listed = [d for d in self._listed_by_csps() if d in set(own)]
        add = [d for d in own if d not in listed][:5]
        answer = self._request(first, "11.5", requests.pilot_amendments(PILOTED, add, listed[-2:]))
        self._step(f"11.5 by {first.name} as amendments: {len(add)} added, 2 removed", "I99", _code(answer))
        self._deliver("preferred lists to the CSPs and to DCC")

    def _choose_large_pilot(self) -> None:
        fourth = self.world.suppliers[3]
        everything = (h.device_id for h in cast.hubs(self.world.hubs, self.world.suppliers) if h.model == LARGE.model)
        own = [device_id for _, device_id in zip(range(LONGEST_LIST), everything, strict=False)]
        before = time.monotonic()
        answer = self._request(fourth, "11.5", requests.pilot_list(LARGE, own))
        seconds = time.monotonic() - before
        name = f"11.5 by {fourth.name}: {len(own):,} hubs of {LARGE.release_id}, answered in {seconds:.1f} s"
        self._step(name, "I99", _code(answer))

    def _instruct(self) -> None:
        first, fourth = self.world.suppliers[0], self.world.suppliers[3]
        tomorrow = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
        period = Period(tomorrow, tomorrow + timedelta(days=7))
        listed = self._preferred(first)
        answer = self._request(first, "11.6", requests.pilot_schedule(PILOTED, "WEEK-1", listed, period, None))
        self._step(f"11.6 by {first.name}: {len(listed)} hubs in one group", "I99", _code(answer))
        shared = self._preferred(fourth)
        later = Period(tomorrow + timedelta(days=2), tomorrow + timedelta(days=9))
        body = requests.pilot_schedule(PILOTED, "SHARED", shared, later, None)
        answer = self._request(fourth, "11.6", body, door="soap")
        self._step(f"11.6 by {fourth.name} over SOAP: the shared hubs, two days later", "I99", _code(answer))
        self._deliver("lists and schedules to both CSPs and to DCC")

    def _activate(self) -> tuple[frozenset[int], frozenset[int]]:
        chosen = self._pilot()
        failed = frozenset(sorted(chosen)[7::40])
        for eui, regions in cast.REGIONS.items():
            own = sorted(h.device_id for h in self.hubs if h.device_id in chosen and h.csp_region in regions)
            order = {
                "release": PILOTED.release_id,
                "version": PILOTED.released,
                "devices": [format_eui(d) for d in own],
                "failing": [format_eui(d) for d in own if d in failed],
                "batch": 500,
            }
            report = self.world.ask(eui, "/mock/v1/activate", order)
            answers = [*report["requests"], *report["responses"]]
            accepted = all(one.get("status") == "Accepted" for one in answers)
            name = f"{format_eui(eui)} registers CS06 for {len(own)} hubs and posts their responses"
            self._step(name, "Accepted", "Accepted" if accepted else str(report))
        self._deliver("N64, N71 and N999 to the suppliers, progress to DCC")
        return chosen - failed, failed

    def _read_inventory(self, activated: frozenset[int]) -> None:
        first = self.world.suppliers[0]
        hub = min(set(self._own(first)) & activated)
        answer = self._request(first, "8.2", requests.read_inventory(hub))
        version = answer.findtext(f".//{sr('DeviceFirmwareVersion')}")
        told = f"8.2 by {first.name}: {format_eui(hub)} runs {version}"
        self._step(told, "I0", _code(answer), version == PILOTED.released)
        second = self.world.suppliers[1]
        foreign = min(set(self._own(first)) - set(self._own(second)))
        answer = self._request(second, "8.2", requests.read_inventory(foreign))
        self._step(f"8.2 by {second.name} for another's hub", "E4", _code(answer))

    def _refuse(self) -> None:
        first = self.world.suppliers[0]
        own = self._own(first)
        body = requests.pilot_list(PILOTED, own[:1])
        for how, status in (("tampered", 401), ("unsigned", 401)):
            document = requests.service_request(first.eui, next(self.counters), "6.0", "11.5", body)
            seen, _ = self.world.send(first.eui, document, **{"as": how})
            self._step(f"An 11.5 that is {how} is refused", f"HTTP {status}", f"HTTP {seen}")
        number = next(self.counters)
        document = requests.service_request(first.eui, number, "6.0", "8.2", requests.read_inventory(own[0]))
        _, answer = self.world.send(first.eui, document)
        _, again = self.world.send(first.eui, document, **{"as": "repeat"})
        self._step(
            "An exact repeat gets the first answer", "the same bytes", "the same bytes" if again == answer else "others"
        )
        other = requests.service_request(first.eui, number, "6.0", "8.2", requests.read_inventory(own[1]))
        seen, _ = self.world.send(first.eui, other, **{"as": "reused"})
        self._step("A used RequestID with other content is refused", "HTTP 409", f"HTTP {seen}")

    # --- what the acts need --------------------------------------------------------------------------------------

    def _step(self, what: str, expected: str, seen: str, right: bool = True) -> None:
        held = right and seen == expected
        self.steps.append((what, held))
        seconds = time.monotonic() - self.began
        mark = seen if held else f"{seen}, NOT AS EXPECTED ({expected})"
        self.screen.line(f"{seconds:6.1f} s  {what} -> {mark}")

    def _request(self, supplier: Supplier, reference: str, body: str, door: str = "xml") -> etree._Element:
        version = str(supplier.duis_version)
        document = requests.service_request(supplier.eui, next(self.counters), version, reference, body)
        status, answer = self.world.send(supplier.eui, document, door=door)
        if status != 200:
            raise DemoFailed(f"{reference} by {supplier.name}: HTTP {status}: {answer[:500]!r}")
        return parse_trusted(answer)

    def _own(self, supplier: Supplier) -> list[int]:
        """Return the supplier's commissioned hubs of the piloted model, split ones among them, by region in turn."""
        return [h.device_id for h in self.hubs if supplier.eui in h.suppliers and h.status == "Commissioned"]

    def _wait_for_uploads(self, eui: int) -> None:
        """A list and a schedule for each release and region with hubs, each acknowledged."""
        expected = 2 * 2 * len(cast.REGIONS[eui])
        until = time.monotonic() + DELIVERY_SECONDS
        while time.monotonic() < until:
            answers = [_acknowledged(200, raw) for raw in self.world.recorded(eui, "Acknowledgement")]
            if len(answers) >= expected:
                told = f"{format_eui(eui)} uploads {expected} Default Pilot Lists and Schedules"
                self._step(told, "Accepted", ", ".join(sorted(set(answers))))
                return
            time.sleep(0.1)
        raise DemoFailed(f"{format_eui(eui)} has not uploaded its default lists")

    def _listed_by_csps(self) -> list[int]:
        """Return the hubs on the CSPs' default lists for the piloted release, from the wire."""
        lists = [csp.read_message(parse_trusted(raw)).body for own in cast.REGIONS for raw in self._lists_of(own)]
        return [
            d
            for one in lists
            if isinstance(one, csp.DefaultPilotList) and one.release_id == PILOTED.release_id
            for d in one.device_ids
        ]

    def _lists_of(self, own: int) -> list[bytes]:
        return self.world.recorded(own, "DefaultPilotList")

    def _preferred(self, supplier: Supplier) -> list[int]:
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

    def _pilot(self) -> frozenset[int]:
        """Return the hubs that the CSPs pilot: their default lists, as the suppliers have amended them."""
        choosers = [self.world.suppliers[0], self.world.suppliers[3]]
        theirs = {d for one in choosers for d in self._own(one)}
        default = set(self._listed_by_csps()) - theirs
        return frozenset(default | {d for one in choosers for d in self._preferred(one)})

    def _show_received(self, supplier: Supplier) -> None:
        came = self.world.ask(supplier.eui, "/adapter/v1/received")
        told = ", ".join(f"{number} x {kind}" for kind, number in sorted(came.items())) or "nothing"
        self.screen.line(f"{'':10}{supplier.name} (DUIS {supplier.duis_version}) has received {told}")

    def _deliver(self, what: str) -> None:
        """Wait until the outbox is empty."""
        whole = self._pending()
        until = time.monotonic() + DELIVERY_SECONDS
        with self.screen.bar(f"delivering {what}", whole) as bar:
            left = whole
            while left and time.monotonic() < until:
                time.sleep(0.05)
                now = self._pending()
                bar.update(max(0, left - now))
                left = now
        if left:
            raise DemoFailed(f"{left} messages are still not delivered: {what}")

    def _pending(self) -> int:
        with self.store.read() as conn:
            stats = outbox_view.stats(conn)
        return sum(one.pending for one in stats.pending.values()) + sum(stats.in_flight.values())


def _code(response: etree._Element) -> str:
    return response.findtext(f".//{sr('ResponseCode')}") or "no ResponseCode"


def _listed(response: etree._Element, name: str) -> int:
    """Return how many hubs the answer names in a list."""
    return len((response.findtext(f".//{sr(name)}") or "").split(","))


def _acknowledged(status: int, answer: bytes) -> str:
    if status != 200:
        return f"HTTP {status}"
    return next((e.text or "" for e in parse_trusted(answer).iter() if etree.QName(e).localname == "Status"), "none")
