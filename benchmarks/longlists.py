"""What messages and commands that reach many hubs cost, and how long others wait meanwhile.

    python -m benchmarks.longlists [HUBS] [sqlite|postgresql]

Against an inventory of HUBS (130,000 by default), one after another: lists in messages of at most 50,000 hubs, in
parts where they are longer; what reaches every hub that was instructed (a pause, a revision, a closure); what time
brings; and loading the inventory again. For each: its seconds (of a list in parts the last one's, which brings
everything about), this process's processor time, and of 8.2 requests that a thread of the same process sends one after
another meanwhile the longest wait, and how many were answered 503. Needs the extra `test`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from time import perf_counter, process_time

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from benchmarks.arguments import numbers
from benchmarks.steps import as_it_came
from duis_gateway.app import Gateway, open_trust
from duis_gateway.cli.serve import spare_collector
from duis_gateway.clock import write_clock
from duis_gateway.config.settings import load_config
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.errors import NotDurable
from duis_gateway.flow.way import Flow
from duis_gateway.partners.bodies import Standing
from duis_gateway.partners.messages import Part, PartnerBody
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.releases.records import DefaultGroup, Period
from duis_gateway.rollout.rollout_decisions.records import RolloutAction
from tests.support.databases import fresh_database
from tests.support.duis import group_xml
from tests.support.fault_world import (
    CSP,
    CSP_DOOR,
    DCC,
    ESI_DOOR,
    RELEASE,
    RELEASED,
    RUNNING,
    SUPPLIER,
    FaultWorld,
    fault_world,
    hub_id,
)
from tests.support.ledger import Outgoing
from tests.support.million import UNCOMMISSIONED, load, own_hubs, run_measured

PORTION, OUTCOMES = 50_000, 10_000


@contextmanager
def others(world: FaultWorld, flow: Flow) -> Iterator[list[float]]:
    """Send 8.2 one after another meanwhile; gives the seconds of each, infinite where it was answered 503."""
    waits: list[float] = []
    ended = Event()

    def ask() -> None:
        while not ended.is_set():
            request = as_it_came(world.read_inventory(0))
            started = perf_counter()
            try:
                flow.handle(request)
                waits.append(perf_counter() - started)
            except NotDurable:
                waits.append(float("inf"))
            ended.wait(0.02)

    thread = Thread(target=ask)
    thread.start()
    yield waits
    ended.set()
    thread.join()


class Measuring:
    """Does the work and prints a line for each."""

    def __init__(self, world: FaultWorld, gateway: Gateway, flow: Flow, hubs: int) -> None:
        self.world, self.gateway, self.flow = world, gateway, flow
        self.commissioned = [hub_id(number) for number in range(hubs) if number % 10 != UNCOMMISSIONED]
        self.own = [hub_id(number) for number in own_hubs(hubs, hubs * 6 // 10)]

    def line(self, name: str, work: Callable[[], object]) -> None:
        """Do something and print what it took."""
        with others(self.world, self.flow) as waits:
            started, used = perf_counter(), process_time()
            work()
            seconds, used = perf_counter() - started, process_time() - used
        refused = waits.count(float("inf"))
        longest = max((one for one in waits if one < float("inf")), default=0.0)
        print(f"{name:<52}{seconds:7.2f} s {used:7.2f} s {longest:7.2f} s {refused:4}", flush=True)

    def message(self, name: str, *outgoing: Outgoing) -> None:
        """Send a message, or one in parts, of which the last is measured."""
        *before, last = map(as_it_came, outgoing)
        for one in before:
            self.flow.handle(one)
        self.line(name, lambda: self.flow.handle(last))

    def dcc(self, name: str, *bodies: PartnerBody) -> None:
        """Send what DCC says."""
        self.message(name, *(self.world._from_partner(DCC, ESI_DOOR, body) for body in bodies))

    def csp(self, name: str, *bodies: PartnerBody) -> None:
        """Send what the CSP says."""
        self.message(name, *(self.world._from_partner(CSP, CSP_DOOR, body) for body in bodies))


def parts(name: str, ids: Sequence[int]) -> Iterator[tuple[tuple[int, ...], Part]]:
    """Yield a list in parts."""
    starts = range(0, len(ids), PORTION)
    for number, start in enumerate(starts, 1):
        yield tuple(ids[start : start + PORTION]), Part(name, number, len(starts))


def measure(to: Measuring) -> None:
    """Everything, in an order in which each finds what it needs."""
    world, every, own = to.world, to.commissioned, to.own
    now = world._now
    pilot, launch = Period(now, now + timedelta(days=60)), Period(now + timedelta(days=61), now + timedelta(days=70))
    listed = own[:PORTION]
    numbers = [one - hub_id(0) for one in listed]
    notice = world.release_notice(limit=len(every))
    to.message("FirmwareRelease", notice)
    to.message(f"11.5 of {len(listed):,}", world.pilot_list_of(numbers, numbers))
    group = group_xml("G1", ",".join(map(format_eui, listed)), f"{now:%Y-%m-%dT%H:%M:%SZ}", f"{pilot.end:%FT%TZ}")
    schedule = (
        f"<sr:PreferredPilotSchedule><sr:FirmwareReleaseID>{RELEASE}</sr:FirmwareReleaseID>"
        f"<sr:FirmwareVersion>{RELEASED}</sr:FirmwareVersion>{group}</sr:PreferredPilotSchedule>"
    )
    offer = csp.DefaultPilotSchedule(RELEASE, "North", (DefaultGroup("D1", pilot, ()),))
    to.csp("DefaultPilotSchedule that names no hubs", offer)
    to.message(f"11.6 of {len(listed):,}", world._from_supplier(schedule, "11.6"))
    selected = [esi.PilotSelection(RELEASE, SUPPLIER, ids, None, part) for ids, part in parts("S", own)]
    to.dcc(f"PilotSelection of {len(own):,}", *selected)
    to.dcc("ReleaseApproval", esi.ReleaseApproval(RELEASE, now))
    batches = [esi.BatchInstruction(RELEASE, "B1", ids, launch, part) for ids, part in parts("B", every)]
    to.dcc(f"BatchInstruction of {len(every):,}", *batches)
    groups = [
        csp.SafeLaunchSchedule(RELEASE, "North", (DefaultGroup("L1", launch, ids),), (), part)
        for ids, part in parts("L", every)
    ]
    to.csp(f"SafeLaunchSchedule of {len(every):,}", *groups)
    reported = world.activations([one - hub_id(0) for one in every[:OUTCOMES]], shared=False)
    to.message(f"ActivateFirmwareResponses of {min(OUTCOMES, len(every)):,}", reported)
    to.dcc(f"InventoryUpdate of {len(own[-OUTCOMES:]):,}", esi.InventoryUpdate(tuple(map(_told, own[-OUTCOMES:]))))
    for action in (RolloutAction.PAUSE, RolloutAction.PROCEED):
        decided = esi.RolloutDecision(RELEASE, action, "measured", Standing.CONFIRMED, "DCC")
        to.dcc(f"RolloutDecision {action.value}", decided)
    file = str(world.folder / "inventory.csv")
    to.line(
        "inventory load of the same file",
        lambda: run_measured("inventory", "load", file, "--config", str(world.config)),
    )
    write_clock(world.folder / "clock", launch.end + timedelta(hours=1))
    to.line("periods end (scheduler)", lambda: _until_nothing_is_due(to))
    to.dcc("Closure", esi.Closure(RELEASE, now))


def _told(device_id: int) -> Hub:
    return Hub(device_id, "CHF", "106C", "433100AC", RUNNING, "Commissioned", "North", SUPPLIER, None)


def _until_nothing_is_due(to: Measuring) -> None:
    agenda = to.gateway._agenda(load_config(to.world.config, _settings(to.world.folder)))
    while agenda.run():
        pass


def _settings(folder: Path) -> dict[str, str]:
    ports = {"DUIS_GATEWAY_SERVER_PORT": "0", "DUIS_GATEWAY_OPERATIONS_PORT": "0"}
    return {**ports, "DUIS_GATEWAY_CLOCK_FILE": str(folder / "clock")}


def main(hubs: int = 130_000, database: str = "sqlite") -> None:
    """Make an installation and measure it."""
    with tempfile.TemporaryDirectory() as directory, fresh_database(database, Path(directory)) as url:
        folder = Path(directory)
        with fault_world(url, folder, hub_count=0) as world:
            load(world, hubs)
            write_clock(folder / "clock", world._now + timedelta(seconds=1))
            config = load_config(world.config, _settings(folder))
            gateway = Gateway(config, delivery=False)
            flow = gateway._flow(config, open_trust(config, gateway.store))
            spare_collector()
            print(f"{hubs:,} hubs, {database:<38}    lasts   processor  others   503")
            measure(Measuring(world, gateway, flow, hubs))
            gateway.store.close()


if __name__ == "__main__":
    main(*numbers(hubs=10), *sys.argv[2:3])
