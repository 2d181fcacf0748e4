"""One run of the simulation: random parties, messages, faults and time from one seed, checked at every step.

After each step the plan that everybody was told is that of the independent model (`tests.support.plan_model`). Then the
release gives way to a later one, and everybody is shown what was told, and of all else what was shown before. At the
end, when all faults are over, the books have to balance: whatever was laid into the outbox came to its recipient, in
its order; nothing else did; whatever was answered is answered again with the same bytes; the audit log is whole.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from sqlalchemy import select

from duis_gateway.audit.messages import Messages
from duis_gateway.audit.records import stored
from duis_gateway.audit.verification import Verification
from duis_gateway.client import Group, PreferredPilotList, PreferredPilotSchedule, ServiceRequest, Stage
from duis_gateway.duis.service_requests import preferred_pilot_list as duis_list
from duis_gateway.duis.service_requests import preferred_pilot_schedule as duis_schedule
from duis_gateway.envelope.signature import SignerReference
from duis_gateway.flow.incoming import Door
from duis_gateway.outbox.view import replay
from duis_gateway.partners.messages import Acknowledgement, AcknowledgementStatus, PartnerBody
from duis_gateway.pki.certificates import Certificate
from duis_gateway.store.engine import Store
from duis_gateway.store.tables import outbox
from tests.simulation.gateway import ROLES, SimulatedGateway, parties
from tests.simulation.machine import Machine, running
from tests.simulation.network import Network
from tests.support.random_roll_out import World
from tests.support.steering import DCC, GATEWAY, MovingClock, Steering, Told

STEPS = 12
_PARTIES = tuple(eui for eui in ROLES if eui != GATEWAY)
_LONGEST_PAUSE = 3600.0
_LOOKS = 400


class Conversing(Steering):
    """Parties say things by signed messages, which they send until they are answered."""

    def __init__(self, gateway: SimulatedGateway, clock: MovingClock) -> None:
        super().__init__(gateway.store, clock)
        self._gateway = gateway
        gateway.came_up = self._finds

    def _finds(self, store: Store) -> None:
        self.store = store

    def says(self, body: PartnerBody, *, by: int = DCC, door: Door = Door.ESI, after: timedelta | None = None) -> Told:
        if after is not None:
            self.clock.instant += after
        answer = self._gateway.hears(by, body)
        status = AcknowledgementStatus(answer.status)
        return Told(Acknowledgement("", status, answer.code, answer.meaning, answer.refused), ())

    def asks(
        self,
        supplier: int,
        reference: str,
        body: duis_schedule.PreferredPilotSchedule | duis_list.PreferredPilotList,
    ) -> str:
        return self._gateway.hears(supplier, _as_sent(body)).code

    def passes(self, to: datetime) -> int:
        self.clock.instant = max(self.clock.instant, to)
        return self._gateway.does_what_is_due()


def _as_sent(body: duis_schedule.PreferredPilotSchedule | duis_list.PreferredPilotList) -> ServiceRequest:
    release, version = body.release_id, body.firmware_version
    if isinstance(body, duis_list.PreferredPilotList):
        return PreferredPilotList(release, version, body.device_ids, body.add, body.remove)
    groups = [
        Group(one.group_id, one.device_ids, one.period.start, one.period.end, Stage(one.stage.value), one.constraints)
        for one in body.groups
    ]
    cancelled = [(one.group_id, Stage(one.stage.value)) for one in body.cancelled]
    return PreferredPilotSchedule(release, version, groups, cancelled)


@dataclass
class Simulation:
    """A world of parties about a gateway, on a machine that fails."""

    random: Random
    machine: Machine
    network: Network
    gateway: SimulatedGateway
    world: World

    def step(self) -> None:
        """Something goes wrong, perhaps; a party does something; the gateway does some of its work."""
        for what in self.random.sample(self._faults(), self.random.choice([0, 0, 1, 1, 2])):
            what()
        own = self.world.own()
        self.world.step()
        self.world.reads(own)
        self.world.reported()
        assert not any(self.world.over.values()), "a plan ended in a pause, and not everybody was told"
        planned = self.world.planned()
        assert self.world.told == planned, "what was told is not what is planned"
        self.world.agrees()
        self.world.remains()
        for what in self.random.choices([self.gateway.delivers, self.gateway.seals, self._waits], k=3):
            what()

    def _faults(self) -> list[Callable[[], None]]:
        machine = self.machine
        return [
            machine.crash_soon,
            machine.crash_soon,
            machine.disk_is_full,
            machine.disk_is_slow,
            machine.put_clock,
            machine.checkpoint,
            lambda: self.network.turns(_PARTIES),
            lambda: self.network.turns(_PARTIES),
            self._repeats,
        ]

    def _waits(self) -> None:
        self.machine.passes(self.random.choice([0.5, 5.0, 100.0, 4000.0]))

    def _repeats(self) -> None:
        """An old message comes once more, as a sender's queue that was restored from a copy would send it."""
        if self.gateway.answered:
            document, (door, _) = self.random.choice(list(self.gateway.answered.items()))
            self.gateway.answers(document, door)

    # --- the end -----------------------------------------------------------------------------------------------------

    def balances(self) -> None:
        """All faults are over: let everything be delivered, and look at the books."""
        self.machine.note("all faults are over")
        self.machine.is_sound()
        self.network.clears_up()
        self._delivers_all()
        with self.gateway.store.read() as conn:
            rows = conn.execute(select(outbox).order_by(outbox.c.id)).all()
        by_order: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            came = [content for number, content in self.network.mailboxes[row.recipient] if number == row.id]
            assert came, f"{row.kind} {row.id} never came to its recipient"
            assert set(came) == {bytes(row.content)}, f"{row.kind} {row.id} came changed"
            if row.order_key:
                by_order[row.order_key].append(row.id)
        known = {row.id for row in rows}
        for party, mailbox in self.network.mailboxes.items():
            assert {number for number, _ in mailbox} <= known, f"{party:016X} got what is in no outbox"
        for key, due in by_order.items():
            recipient = next(row.recipient for row in rows if row.order_key == key)
            first = dict.fromkeys(number for number, _ in self.network.mailboxes[recipient] if number in set(due))
            assert list(first) == due, f"what is to come in order ({key}) came in another"
        for document, (door, answer) in self.gateway.answered.items():
            assert self.gateway.answers(document, door) == answer
        self.gateway.seals()
        with self.gateway.store.read() as conn:
            wrong = list(Verification(self._believed, (), Messages(conn)).run(stored(conn)))
        assert not wrong, wrong

    def _delivers_all(self) -> None:
        for _ in range(_LOOKS):
            self.gateway.delivers()
            with self.gateway.store.write() as conn:
                replay(conn)
            with self.gateway.store.read() as conn:
                states = set(conn.execute(select(outbox.c.state).distinct()).scalars())
            if states <= {"delivered"}:
                return
            self.machine.passes(_LONGEST_PAUSE / 4)
        raise AssertionError("the outbox was never empty")

    def _believed(self, _named: SignerReference) -> Certificate:
        return self.gateway.parties.identities[GATEWAY].certificate


@contextmanager
def simulation(seed: int, folder: Path) -> Iterator[Simulation]:
    """Everything of one seed, with a release that was announced and approved."""
    random = Random(seed)
    machine, clock = Machine(random), MovingClock()
    network = Network(machine)
    everybody = parties()
    with running(machine):
        gateway = SimulatedGateway(machine, network, clock, everybody, folder)
        dcc = Conversing(gateway, clock)
        made = Simulation(random, machine, network, gateway, World.begun(dcc, random))
        try:
            yield made
        finally:
            machine.disk_has_room()
            made.gateway.store.close()


def run(seed: int, steps: int = STEPS) -> list[str]:
    """Play a seed; return its trace.

    Raises:
        AssertionError: something was not as it has to be; `__notes__` has the trace.
    """
    with _folder() as folder, simulation(seed, Path(folder)) as made:
        try:
            for number in range(steps):
                made.machine.note(f"step {number}")
                made.step()
            made.machine.note("the release gives way")
            made.world.gives_way()
            made.balances()
        except BaseException as error:
            error.add_note("\n".join(made.machine.trace))
            raise
        return made.machine.trace


def _folder() -> tempfile.TemporaryDirectory[str]:
    memory = Path("/dev/shm")  # a flush costs nothing there, and what is durable is for the simulation to say
    return tempfile.TemporaryDirectory(prefix="duis-simulation-", dir=memory if memory.is_dir() else None)
