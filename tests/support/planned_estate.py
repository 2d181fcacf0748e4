"""An installation of the command line with a small roll-out under way: two suppliers, a CSP, DCC, twelve hubs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from duis_gateway.clock import FixedClock
from duis_gateway.doors.http import Edge
from duis_gateway.doors.party import party_routes
from duis_gateway.operations.metrics import Metrics
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party, PartyKind, Role
from duis_gateway.parties.store import token_hash
from duis_gateway.rollout.activations import store as activations
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.pilot_lists import store as pilots
from duis_gateway.rollout.plans.records import GroupSay
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import (
    HubMark,
    Instruction,
    Period,
    PilotTerms,
    Release,
    ReleaseState,
    ReleaseType,
    Stage,
)
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from duis_gateway.rollout.schedule_decisions import store as says
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.store.engine import Store
from tests.support.asking import ask, whole
from tests.support.cli import OTHER_SUPPLIER, SUPPLIER, Installation
from tests.support.doors import nothing_to_check, party_view
from tests.support.roll_out_scenario import Reported

NOW = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
DAY = timedelta(days=1)
CSP, DCC = 0x90B3D51F30000007, 0x90B3D51F3000000A
TOKENS = {SUPPLIER: "token-of-supplier", OTHER_SUPPLIER: "token-of-other", CSP: "token-of-csp", DCC: "token-of-dcc"}
FIRST = 0x00DB123456000000
RELEASE = Release(
    release_id="REL-1",
    revision=1,
    release_type=ReleaseType.SEC_RELEASE,
    manufacturer="Acme",
    model="CH-1",
    firmware_version="01020305",
    release_note="https://notes.example/",
    severity="high",
    priority="normal",
    notified_at=NOW - 10 * DAY,
    automatic_date=NOW + 180 * DAY,
    pilot=PilotTerms(Period(NOW - DAY, NOW + 60 * DAY), limit=5, minimum=4, share_percent=50),
    obligations=True,
    state=ReleaseState.PILOTING,
)
PILOT, LAUNCH = Period(NOW + DAY, NOW + 20 * DAY), Period(NOW + 70 * DAY, NOW + 80 * DAY)


def hub(number: int, importer: int = SUPPLIER, gas: int = SUPPLIER, **changes: Any) -> Hub:
    """A commissioned hub in North (odd numbers) or South."""
    region = "North" if number % 2 else "South"
    made = Hub(FIRST + number, "CHF", "Acme", "CH-1", "01020304", "Commissioned", region, importer, gas)
    return replace(made, **changes)


HUBS = (
    *(hub(number) for number in range(1, 7)),
    hub(7, gas=OTHER_SUPPLIER),
    hub(8, importer=OTHER_SUPPLIER),
    hub(9, firmware_version="01020305"),
    hub(10, status="Pending"),
    hub(11, model="CH-2"),
    hub(12, importer=OTHER_SUPPLIER, gas=OTHER_SUPPLIER),
)
"""Six of the supplier's own, two split, one updated, one not commissioned, one of another model, one of the other's."""


def ids(*numbers: int) -> tuple[int, ...]:
    return tuple(FIRST + number for number in numbers)


def fill(store: Store) -> None:
    """Hub 1 waits for the CSP's say, 2 is decided, 3 failed; of the split hubs 7 is instructed by both, 8 by one."""
    with store.write() as conn:
        for eui, token in TOKENS.items():
            parties.add(conn, _party(eui))
            parties.set_token_hash(conn, eui, token_hash(token))
        hubs.upsert(conn, HUBS)
        releases.put(conn, RELEASE, {HubMark.FRIENDLY: ids(4), HubMark.EXCLUDED: ids(5), HubMark.PROVING: ids(6)})
        pilots.replace_preferred(conn, "REL-1", SUPPLIER, "01020305", ids(1, 2, 3, 4), NOW)
        mine = (
            _group("G1", Stage.PILOT, PILOT, 1),
            _group("G2", Stage.PILOT, PILOT, 2, 3),
            _group("L1", Stage.SAFE_LAUNCH, LAUNCH, 7),
        )
        theirs = replace(_group("L1", Stage.SAFE_LAUNCH, LAUNCH, 7, 8), supplier=OTHER_SUPPLIER)
        schedules.put_instructions(conn, [*mine, theirs])
        for group, regions in ((mine[1], ["North", "South"]), (mine[2], ["North"]), (theirs, ["North"])):
            says.put_say(conn, group, regions, CSP, GroupSay(GroupDecision.ACCEPTED), NOW)
        failure = HubOutcome(FIRST + 3, OutcomeStage.DISTRIBUTION, False, "01020305", NOW, "no room")
        activations.record_outcomes(conn, CSP, [Reported(failure, "REL-1")], NOW, ())


def _group(name: str, stage: Stage, period: Period, *numbers: int) -> Instruction:
    return Instruction("REL-1", SUPPLIER, name, stage, period, NOW - DAY, ids(*numbers))


def _party(eui: int) -> Party:
    url = "http://127.0.0.1:1/"
    if eui == CSP:
        return Party(eui, PartyKind.CSP, url, regions=frozenset({"North", "South"}))
    if eui == DCC:
        return Party(eui, PartyKind.DCC, url)
    return Party(eui, PartyKind.SUPPLIER, url, roles=frozenset(Role), duis_version=Decimal("6.0"))


@contextmanager
def store_of(installation: Installation) -> Iterator[Store]:
    """The database that the installation's configuration names."""
    store = Store.open(f"sqlite:///{installation.folder / 'gateway.db'}")
    try:
        yield store
    finally:
        store.close()


def at_the_door(store: Store, path: str, party: int, query: str = "") -> str:
    """Return what the party reads at the party door."""
    app = Edge(party_routes(party_view(store, FixedClock(NOW)), nothing_to_check, 1000), Metrics())
    token = {"authorization": f"Bearer {TOKENS[party]}"}
    answer = ask(app, f"/party/v1/{path}", query=query, headers=token)
    body = whole(answer)
    assert answer.status == 200, body
    return body.decode()
