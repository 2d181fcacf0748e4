"""What is looked up of a long list costs as much for each hub as it does of a short one, on SQLite.

Counted are the steps of SQLite's own machine, which say the same on every computer. Where a query began with the lists
of a release, it looked through all identifiers given for each of their hubs: 78,000 hubs took longer than a minute.
Nor does a list cost more where more is instructed already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection

from duis_gateway.duis.identifiers import RequestId
from duis_gateway.duis.service_requests.preferred_pilot_schedule import DeploymentGroup, PreferredPilotSchedule
from duis_gateway.duis.service_requests.request import ServiceRequest
from duis_gateway.flow.incoming import Door, Incoming
from duis_gateway.flow.message import Authorised
from duis_gateway.flow.reply import PartnerSend, Send, ServiceAnswer
from duis_gateway.flow.steps import decide
from duis_gateway.parties import store as parties
from duis_gateway.partners.bodies import SupplierPilotSchedule
from duis_gateway.rollout.activations import store as activations
from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.hub_events import store as events
from duis_gateway.rollout.hub_events.records import TAKEN_BACK, Happened, HubEvent
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.pilot_lists import store as pilots
from duis_gateway.rollout.pilot_lists.membership import in_pilot
from duis_gateway.rollout.plans import told
from duis_gateway.rollout.plans.records import PlanBasis, PlanStanding, ToldHub, ToldPlan
from duis_gateway.rollout.protection import store as protection
from duis_gateway.rollout.releases.records import Instruction, Period, Stage
from duis_gateway.rollout.rollout_decisions.records import DirectGroup
from duis_gateway.rollout.schedules import store as schedules
from tests.support.rules import AUTOMATIC, NEW, NOW, OURS, PILOT, THEIRS
from tests.support.steering import GATEWAY, HUBS, IN_PILOT, SPLIT, Steering

FEW, TIMES = 300, 8
AFTER_THE_PILOT = Period(PILOT.end + timedelta(days=1), AUTOMATIC - timedelta(days=1))
LOOKED_UP: dict[str, Callable[[Connection, list[int]], object]] = {
    "in the pilot": lambda conn, ids: in_pilot(conn, "R1", ids),
    "instructed by another supplier": lambda conn, ids: schedules.instructed_by_other(conn, "R1", THEIRS, ids, NOW),
    "groups around": lambda conn, ids: schedules.instructions_around(conn, "R1", OURS, ids),
    "preferring": lambda conn, ids: pilots.preferring(conn, "R1", ids),
    "instructing": lambda conn, ids: schedules.instructing(conn, "R1", ids),
    "chosen for another supplier": lambda conn, ids: direct.selected_for_other(conn, "R1", THEIRS, ids, NOW),
    "batches": lambda conn, ids: direct.batches_naming(conn, "R1", ids),
    "selections": lambda conn, ids: direct.selections_naming(conn, "R1", ids),
    "told": lambda conn, ids: told.told(conn, "R1", ids),
    "named": lambda conn, ids: hubs.named(conn, ids, "R1", None, NOW),
    "named under another release": lambda conn, ids: hubs.named(conn, ids, "R2", None, NOW),
    "reported": lambda conn, ids: activations.reported_since(conn, "R1", ids, NOW),
    "groups left": lambda conn, ids: list(events.left_groups(conn, "R1", ids, NOW)),
    "how instructions ended": lambda conn, ids: events.endings_of(conn, events.endings(conn, "R1"), ids),
    "protectors": lambda conn, ids: protection.protectors(conn, ids),
}


def steps(connection: Connection, work: Callable[[], object]) -> int:
    """Return how often SQLite's machine went through twenty of its instructions."""
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 1
        return 0

    driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(count, 20)
    try:
        work()
    finally:
        driver.set_progress_handler(None, 0)
    return counted


def fill(connection: Connection, ids: Iterable[int]) -> None:
    """Let every list of a release have these hubs, all of two suppliers."""
    every = tuple(ids)
    split = next(hub for hub in HUBS if hub.device_id == SPLIT)
    hubs.upsert(connection, [replace(split, device_id=device_id) for device_id in every])
    pilots.replace_default_list(connection, "R1", "North", every)
    pilots.replace_preferred(connection, "R1", OURS, NEW, every, NOW)
    schedules.put_instructions(connection, [Instruction("R1", OURS, "G1", Stage.PILOT, IN_PILOT, NOW, every)])
    ended = HubEvent("R1", OURS, Happened.ENDED, NOW, NOW, word=TAKEN_BACK)
    for event in (ended, replace(ended, what=Happened.INSTRUCTED)):
        events.note(connection, event, every)
    direct.put_batch(connection, DirectGroup("R1", IN_PILOT, NOW, every, "B1"))
    direct.put_selection(connection, DirectGroup("R1", IN_PILOT, NOW, every, supplier=OURS))
    plan = ToldPlan(Stage.PILOT, PlanBasis.SUPPLIERS, PlanStanding.FIXED, IN_PILOT)
    told.remember(connection, "R1", {ToldHub(plan, "North", OURS, THEIRS): every})


@pytest.mark.parametrize("name", LOOKED_UP)
def test_more_hubs_are_as_much_more_work_and_no_more(dcc: Steering, name: str) -> None:
    dcc.piloting()
    dcc.announces("R2", firmware_version="00000009")
    spent = []
    for count in (FEW, TIMES * FEW):
        with dcc.store.write() as conn:
            ids = list(range(1000, 1000 + count))
            fill(conn, ids)
            spent.append(steps(conn, lambda: LOOKED_UP[name](conn, ids)))  # noqa: B023
    few, many = spent
    assert many < 2 * TIMES * few, f"{many / few:.0f} times the work for {TIMES} times the hubs"


@pytest.mark.requirement("A05", "X09", "BR-3.9")
def test_a_list_costs_the_same_however_many_hubs_stand_beside_it(dcc: Steering) -> None:
    """An 11.6 with all that it brings: judged, forwarded, planned and told. It read and told every group that stood."""
    dcc.piloting()
    spent, told_of = [], []
    with dcc.store.write() as conn:
        for standing in (0, TIMES):
            for number in range(standing):
                group = range(10_000 * (number + 1), 10_000 * (number + 1) + FEW)
                launches(dcc, conn, f"STANDS-{number}", group)
            for _ in range(2):  # the second time, as the first may find tables without statistics
                sends: list[Send] = []
                ids = range(1000, 1000 + FEW)
                spent.append(steps(conn, lambda: sends.extend(launches(dcc, conn, "NEW", ids))))  # noqa: B023
            told_of.append([groups_of(send) for send in sends])
    assert spent[3] < 1.5 * spent[1], f"{spent[3] / spent[1]:.1f} times the work where {TIMES} times as many stand"
    assert told_of[0] == told_of[1]
    assert ["NEW"] in told_of[0]


def launches(dcc: Steering, conn: Connection, name: str, ids: Iterable[int]) -> tuple[Send, ...]:
    """Our supplier instructs hubs of its own for safe launch; return what is sent."""
    own = next(hub for hub in HUBS if hub.suppliers == {OURS})
    every = tuple(ids)
    hubs.upsert(conn, [replace(own, device_id=device_id) for device_id in every])
    group = DeploymentGroup(name, Stage.SAFE_LAUNCH, every, AFTER_THE_PILOT)
    body = PreferredPilotSchedule("R1", NEW, (group,))
    request_id = RequestId(OURS, GATEWAY, 1)
    request = ServiceRequest(request_id, str(request_id), Decimal("6.0"), 8, "11.6", "11.6", body, {})
    incoming = Incoming(Door.DUIS, "serviceD", b"<evidence/>", "test")
    party = parties.find(conn, OURS)
    decided = decide(
        Authorised(incoming, dcc.clock.now(), b"digest", request_id, request, party), conn, dcc.store.lock_release
    )
    assert isinstance(decided.reply, ServiceAnswer)
    assert decided.reply.code == "I99"
    return decided.sends


def groups_of(send: Send) -> list[str]:
    """Return the groups of a schedule that is forwarded."""
    body = send.body if isinstance(send, PartnerSend) else None
    return [group.group_id for group in body.groups] if isinstance(body, SupplierPilotSchedule) else []
