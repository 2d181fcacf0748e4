"""Random roll-outs played against a gateway, and what its parties were told of the plan, added up.

Two suppliers, two CSPs and DCC say random things: instructions, decisions, batches, choices, revisions, pauses, changes
of supplier, region, status, version and model, activations, failures that hold the plan; and time passes. Each CSP has
the requests of the suppliers for the hubs in its regions, and no others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from lxml import etree
from sqlalchemy import select

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.identifiers import format_eui, parse_eui
from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.duis.service_requests.preferred_pilot_schedule import (
    CancelledGroup,
    DeploymentGroup,
    PreferredPilotSchedule,
)
from duis_gateway.flow.incoming import Door
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.pilot_lists import store as pilots
from duis_gateway.rollout.plans.records import GroupSay
from duis_gateway.rollout.releases.records import (
    FailureThreshold,
    Instruction,
    Period,
    PilotTerms,
    ReleaseState,
    Stage,
)
from duis_gateway.rollout.rollout_decisions.records import GroupDecision, RolloutAction
from duis_gateway.rollout.rollout_decisions.records import Standing as DecisionStanding
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.store.tables import outbox
from tests.support.plan_model import expected_plan, going_on, over_in_the_pause
from tests.support.roll_out_scenario import Given, Said, Scenario, key_of
from tests.support.rules import AUTOMATIC, NEW, OLD, OURS, PILOT, THEIRS
from tests.support.steering import DCC, MAKER, MODEL, NORTH, SOUTH, Steering
from tests.support.told_and_shown import Heard, shown

DAY = timedelta(days=1)
SUPPLIERS, CSPS = (OURS, THEIRS), (NORTH, SOUTH)
IDS = (1, 2, 3, 4, 2**63 + 5)
REGION_OF = {NORTH: "North", SOUTH: "South"}
STEPS = 25
REQUEST_ENDED = {"TooLate", "OutsidePilot", "BeforeSafeLaunch", "Excluded", "ChangedSupplier"} | {
    "ReleaseOver",
    "PilotInvalidated",
}
"""Why a CSP and DCC are told that what a supplier requested is void, although it was planned by nothing yet."""
LEFT_BY_TIME = {"PeriodEnded", "AwaitsSecondSupplier"}
"""Why a plan is void that time alone ended in a pause: it is over, or one half waits beside a batch that is over."""
THRESHOLD = FailureThreshold(share_percent=100, window_hours=24, least_hubs=1, hold=True)
"""One hub that fails holds the plan."""

Plan = tuple[str, str, datetime, datetime]
"""Stage, standing and period."""

Requests = dict[tuple[int, str, str], frozenset[int]]
"""The hubs that a CSP has from a supplier, by supplier, stage and group; of a preferred list both are empty."""


@dataclass
class World:
    """The gateway with all that was said to it, and what each party was told of the plan."""

    dcc: Steering
    random: Random
    said: list[Said] = field(default_factory=list)
    told: dict[int, dict[int, Plan]] = field(default_factory=lambda: {p: {} for p in (*SUPPLIERS, *CSPS, DCC)})
    requested: dict[int, Requests] = field(default_factory=lambda: {csp_eui: {} for csp_eui in CSPS})
    revisions: dict[int, int] = field(default_factory=dict)
    seen: int = 0
    since: dict[Given, dict[int, datetime]] = field(default_factory=dict)
    activated: int | None = None
    remaining: dict[int, datetime] = field(default_factory=dict)
    over: dict[int, set[int]] = field(default_factory=dict)
    """The hubs whose plan has ended in a pause, each with who has not been told yet."""
    time_passed: bool = False
    """Whether the last step was that time passed, and nobody said anything."""
    other_row: set[int] = field(default_factory=set)
    """The hubs to which the last step made the release applicable again, or no longer, or not for another reason."""
    revision: Iterator[int] = field(default_factory=lambda: count(2))
    heard: Heard = field(default_factory=Heard)
    saw: dict[tuple[int, int], Mapping[str, object]] = field(default_factory=dict)
    """What each party was shown of those of them that the inventory changed, before it did."""

    @classmethod
    def begun(cls, dcc: Steering, random: Random) -> World:
        """A world with hubs in random regions, some of them split, and a release that was announced.

        Nearly always it was approved, too; else that comes in a step, if it does.
        """
        with dcc.store.write() as conn:
            estate = [
                Hub(device_id, "CHF", MAKER, MODEL, OLD, "Commissioned", random.choice(["North", "South"]), OURS, gas)
                for device_id, gas in zip(IDS, (OURS, THEIRS, THEIRS, None, THEIRS), strict=True)
            ]
            hubs.upsert(conn, estate)
        dcc.announces(pilot=PilotTerms(PILOT, limit=100), failure_threshold=THRESHOLD)
        if random.random() < 0.7:
            dcc.approves()
        return cls(dcc, random)

    # --- what can happen -------------------------------------------------------------------------------------------

    def instructs(self) -> None:
        supplier = self.random.choice(SUPPLIERS)
        stage = self.random.choice(list(Stage))
        name = self.random.choice(["G1", "G2"])
        group = DeploymentGroup(name, stage, self.some(), self.period())
        self.asks(supplier, "11.6", PreferredPilotSchedule("R1", NEW, (group,)))

    def sends_again(self) -> None:
        """11.6 with a group that stands, for longer or shorter and with other hubs besides: its half goes on."""
        supplier = self.random.choice(SUPPLIERS)
        groups = [group for group in self.instructions(supplier) if group.device_ids]
        if groups:
            was = self.random.choice(groups)
            end = max(was.period.end, self.dcc.clock.now()) + self.random.randint(-2, 15) * DAY
            ids = tuple({*was.device_ids, *self.some()})
            group = DeploymentGroup(was.group_id, was.stage, ids, Period(was.period.start, end))
            self.asks(supplier, "11.6", PreferredPilotSchedule("R1", NEW, (group,)))

    def takes_back(self) -> None:
        """11.6 with a group that is taken back, whether its period has started or not."""
        supplier = self.random.choice(SUPPLIERS)
        groups = [group for group in self.instructions(supplier) if group.device_ids]
        if groups:
            group = self.random.choice(groups)
            cancelled = (CancelledGroup(group.group_id, group.stage),)
            self.asks(supplier, "11.6", PreferredPilotSchedule("R1", NEW, (), cancelled))

    def lists(self) -> None:
        """11.5, again and again: groups lose the hubs that the new list drops."""
        self.asks(self.random.choice(SUPPLIERS), "11.5", PreferredPilotList("R1", NEW, self.some()))

    def asks(self, supplier: int, reference: str, body: PreferredPilotSchedule | PreferredPilotList) -> None:
        before = {(one.stage, one.group_id): one for one in self.instructions(supplier)}
        scenario = self.scenario()
        code = self.dcc.asks(supplier, reference, body)
        if isinstance(body, PreferredPilotSchedule) and not code.startswith("E"):
            release = scenario.releases[0]
            for one in self.instructions(supplier):
                if before.get((one.stage, one.group_id)) != one:
                    self.since[key_of(one)] = going_on(scenario, release, one)
            # What was said of a group goes with it where it is sent again, or is taken back.
            after = {(one.stage, one.group_id): one for one in self.instructions(supplier)}
            again = {name for name, one in after.items() if before.get(name) != one}
            self.said = [one for one in self.said if _name(one) not in {(supplier, *name) for name in again}]

    def decides(self) -> None:
        by, supplier = self.random.choice(CSPS), self.random.choice(SUPPLIERS)
        groups = self.instructions(supplier)
        if not groups:
            return
        name = self.random.choice(groups).group_id
        decision = self.random.choice(list(GroupDecision))
        period = self.period() if decision is GroupDecision.AMENDED else None
        times = (period.start, period.end) if period else (None, None)
        body = csp.ScheduleDecision("R1", supplier, name, decision, *times)
        if self.dcc.says(body, by=by, door=Door.CSP).status != "Refused":
            # The pilot's group of a name is meant until the pilot has ended, then that of safe launch.
            pilot = self.dcc.release().pilot
            assert pilot is not None
            first = Stage.PILOT if self.dcc.clock.now() < pilot.period.end else Stage.SAFE_LAUNCH
            named = sorted((g for g in groups if g.group_id == name), key=lambda g: g.stage is not first)
            fixed = period if period != named[0].period else None
            self.said.append(Said(by, named[0], GroupSay(decision, fixed)))

    def batches(self) -> None:
        period = self.random.choice([None, self.period()])
        self.dcc.says(esi.BatchInstruction("R1", self.random.choice(["B1", "B2"]), self.some(), period))

    def chooses(self) -> None:
        scenario = self.scenario()
        supplier = self.random.choice(SUPPLIERS)
        answer = self.dcc.says(esi.PilotSelection("R1", supplier, self.some(), self.period()))
        for one in self.scenario().selections if answer.status != "Refused" else ():
            if one.supplier == supplier:
                self.since[key_of(one)] = going_on(scenario, scenario.releases[0], one)

    def rolls(self) -> None:
        action = self.random.choice([RolloutAction.PAUSE, RolloutAction.PROCEED])
        self.dcc.says(esi.RolloutDecision("R1", action, "why", DecisionStanding.CONFIRMED, "DCC"))

    def delays(self) -> None:
        later = max(self.dcc.release().automatic_date, self.dcc.clock.now()) + 9 * DAY
        self.dcc.says(esi.RolloutDecision("R1", RolloutAction.DELAY, "why", DecisionStanding.CONFIRMED, "DCC", later))

    def revises(self) -> None:
        pilot = Period(PILOT.start + self.random.randint(-5, 5) * DAY, PILOT.end + self.random.randint(-9, 9) * DAY)
        date = AUTOMATIC + self.random.choice([0, 0, 0, -60, 30]) * DAY
        if self.random.random() < 0.2:  # near: no instruction is in time any more
            now = self.dcc.clock.now()
            pilot, date = Period(now + DAY, now + 6 * DAY), now + 20 * DAY
        terms = PilotTerms(pilot, limit=100)
        self.dcc.announces("R1", next(self.revision), pilot=terms, automatic_date=date, failure_threshold=THRESHOLD)

    def inventory(self) -> None:
        was = self.random.choice(self.hubs())
        changes: list[dict[str, Any]] = [
            {"import_supplier": self.random.choice([*SUPPLIERS, *SUPPLIERS, None])},
            {"gas_supplier": self.random.choice([*SUPPLIERS, None])},
            {"csp_region": "South" if was.csp_region == "North" else "North"},
            {"status": self.random.choice(["Commissioned", "Commissioned", "Suspended"])},
            {"firmware_version": self.random.choice([OLD, OLD, OLD, NEW])},
            {"model": self.random.choice([MODEL, MODEL, "OTHER"])},
        ]
        changed = {**self.random.choice(changes), "told_version": None, "completed_at": None}
        if "csp_region" in changed:
            self.said = [replace(one, moved=one.moved | {was.device_id}) for one in self.said]
        self.dcc.says(esi.InventoryUpdate((replace(was, **changed),)))

    def activates(self) -> None:
        hub = self.random.choice(self.hubs())
        by = NORTH if hub.csp_region == "North" else SOUTH
        good = self.random.random() < 0.6
        outcome = HubOutcome(
            hub.device_id, OutcomeStage.ACTIVATION, good, NEW, self.dcc.clock.now(), None if good else "no power"
        )
        answer = self.dcc.says(csp.ActivateFirmwareResponses((outcome,)), by=by, door=Door.CSP)
        self.activated = hub.device_id if good and answer.status == "Accepted" else None

    def approves(self) -> None:
        self.dcc.approves()

    def passes(self) -> None:
        self.dcc.passes(self.dcc.clock.now() + self.random.choice([1, 2, 5, 11]) * DAY)

    def step(self) -> None:
        happens = [self.instructs] * 6 + [self.decides] * 4 + [self.inventory] * 3 + [self.passes] * 2
        happens += [self.batches, self.chooses, self.rolls, self.revises, self.delays, self.activates]
        happens += [self.lists] * 3 + [self.sends_again] * 4 + [self.takes_back] * 2 + [self.revises]
        could_move = self.dcc.state() is not ReleaseState.NOTIFIED
        if not could_move:  # batches and choices are planned before the approval, too, and their periods pass
            happens += [self.approves, *[self.passes, self.batches] * 4]
        if self.dcc.release().paused:
            happens += [self.rolls] * 7 + [self.passes, self.takes_back, self.batches, self.chooses] * 2
        before, what = self.scenario(), self.random.choice(happens)
        saw = shown(self.dcc) if what == self.inventory else {}
        what()
        self.time_passed = what == self.passes
        # What is due is due before anybody looks.
        self.dcc.passes(self.dcc.clock.now())
        self.heard.could_move = could_move
        after = self.scenario()
        self.other_row = {device_id for device_id, _ in _rows(after) ^ _rows(before)}
        self.saw = {key: row for key, row in saw.items() if key[1] in self.other_row}
        ended = over_in_the_pause(before, after) if after.releases[0].paused else {}
        self.over = {
            hub.device_id: {DCC, NORTH if hub.csp_region == "North" else SOUTH, *hub.suppliers} & self.told.keys()
            for hub in after.hubs
            if ended.get(hub.device_id)
        }

    def gives_way(self) -> None:
        """A later release for the model takes the place of this one: what ends is told, all else stays as it was."""
        dcc, now, own = self.dcc, self.dcc.clock.now(), self.own()
        date = max(dcc.release().automatic_date, now) + 200 * DAY
        pilot = PilotTerms(Period(now + DAY, now + 30 * DAY), limit=100)
        dcc.announces("R2", firmware_version="00000003", pilot=pilot, automatic_date=date)
        self.reads(own)
        self.heard.is_shown(dcc)
        before = shown(dcc)
        if dcc.state() is not ReleaseState.SAFE_LAUNCH and self.random.random() < 0.6:
            dcc.approves("R2")
        if dcc.state().is_live or self.random.random() < 0.5:
            assert dcc.says(esi.Supersession("R1", "R2", now)).status == "Accepted"
        self.reads(own)
        self.heard.stays(before, dcc)
        assert self.told == self.planned(), "nothing is planned under it any more"

    def some(self) -> tuple[int, ...]:
        return tuple(self.random.sample(IDS, self.random.randint(1, 4)))

    def period(self) -> Period:
        release = self.dcc.release()
        assert release.pilot is not None
        start = self.random.choice([release.pilot.period.start, release.pilot.period.end, self.dcc.clock.now()])
        start += self.random.randint(0, 20) * DAY
        return Period(start, start + self.random.randint(1, 20) * DAY)

    def agrees(self) -> None:
        """What was told in this step is what is shown now; of what was not told, nothing else is shown than before."""
        self.heard.goes_on(self.saw, self.dcc)
        self.saw = {}
        self.heard.is_shown(self.dcc)

    # --- what stands -----------------------------------------------------------------------------------------------

    def hubs(self) -> list[Hub]:
        with self.dcc.store.read() as conn:
            return list(hubs.get_many(conn, IDS).values())

    def instructions(self, supplier: int) -> list[Instruction]:
        with self.dcc.store.read() as conn:
            return schedules.instructions(conn, "R1", supplier)

    def scenario(self) -> Scenario:
        every = tuple(self.hubs())
        with self.dcc.store.read() as conn:
            batches, choices = direct.batches(conn, "R1"), direct.selections(conn, "R1")
            lists = {one: pilots.preferred(conn, "R1", one) or () for one in SUPPLIERS}
        release = self.dcc.release()
        given = tuple(group for supplier in SUPPLIERS for group in self.instructions(supplier))
        standing = {(one.supplier, one.stage, one.group_id): one for one in given}
        said = tuple(replace(one, group=standing[_name(one)]) for one in self.said if _name(one) in standing)
        return Scenario(
            every, every, (release,), {"R1": {}}, given, said, tuple(batches), tuple(choices), (), (),
            self.dcc.clock.now(), dict(self.since),
            {supplier: frozenset(hub.device_id for hub in listed) for supplier, listed in lists.items()},
        )  # fmt: skip

    def planned(self) -> dict[int, dict[int, Plan]]:
        """What each party ought to have been told by now, as the model plans it."""
        scenario = self.scenario()
        wanted: dict[int, dict[int, Plan]] = {party: {} for party in self.told}
        for hub in scenario.hubs:
            plan = expected_plan(scenario, scenario.releases[0], hub)
            if plan.period is None or plan.held or plan.stage is None:
                continue
            told = plan.stage, "Requested" if plan.indicative else "Fixed", plan.period.start, plan.period.end
            concerned = {DCC, NORTH if hub.csp_region == "North" else SOUTH, *hub.suppliers}
            for party in concerned & wanted.keys():
                wanted[party][hub.device_id] = told
        return wanted

    def requests(self) -> dict[int, Requests]:
        """What each CSP ought to have of the suppliers' lists and schedules by now: what lies in its regions."""
        regions = {hub.device_id: hub.csp_region for hub in self.hubs()}
        named: Requests = {}
        for supplier in SUPPLIERS:
            for group in self.instructions(supplier):
                named[supplier, group.stage, group.group_id] = frozenset(group.device_ids)
            with self.dcc.store.read() as conn:
                listed = pilots.preferred(conn, "R1", supplier)
            named[supplier, "", ""] = frozenset(hub.device_id for hub in listed or ())
        return {
            party: self.of_its_supplier(
                {name: frozenset(d for d in ids if regions[d] == REGION_OF[party]) for name, ids in named.items()}
            )
            for party in CSPS
        }

    def of_its_supplier(self, requests: Requests) -> Requests:
        """The same with the hubs that are still the supplier's; a request for others was told as void, or never."""
        own = self.own()
        cut = {name: ids & own[name[0]] for name, ids in requests.items()}
        return {name: ids for name, ids in cut.items() if ids}

    # --- what was told ---------------------------------------------------------------------------------------------

    def reads(self, own_before: dict[int, set[int]]) -> None:
        """Add up what has come into the outbox; no supplier reads of a hub not its own, or who the other is."""
        query = select(outbox.c.id, outbox.c.recipient, outbox.c.kind, outbox.c.content)
        rows = query.where(outbox.c.id > self.seen, outbox.c.channel == "http").order_by(outbox.c.id)
        with self.dcc.store.read() as conn:
            found = conn.execute(rows).all()
        own = self.own()
        for row in found:
            self.seen = row.id
            root = etree.fromstring(row.content)
            named = {parse_eui(eui) for text in _texts(root, "DeviceIDList") for eui in text.split(",")}
            if row.recipient in SUPPLIERS:
                (other,) = set(SUPPLIERS) - {row.recipient}
                assert format_eui(other).encode() not in row.content
                if row.kind == "N77":
                    assert named <= own_before[row.recipient] | own[row.recipient]
            self.adds_up(row.recipient, row.kind, root)

    def adds_up(self, recipient: int, kind: str, root: etree._Element) -> None:
        ledger = self.told.get(recipient)
        if ledger is None:
            return
        self.heard.hears(recipient, root)
        if kind == "N64":
            ledger.pop(parse_eui(_texts(root, "DeviceID")[0]), None)
        if kind in ("PreferredPilotList", "PreferredPilotSchedule"):
            supplier = parse_eui(_texts(root, "SupplierID")[0])
            if kind == "PreferredPilotList":
                self.requested[recipient][supplier, "", ""] = frozenset(_devices(root))
            for group in root.iter("{*}DeploymentGroup"):
                name = supplier, _texts(group, "Stage")[0], _texts(group, "GroupID")[0]
                self.requested[recipient][name] = frozenset(_devices(group))
        if kind in ("PlannedDeployment", "PlannedDeploymentReport"):
            (number,) = map(int, _texts(root, "PlanRevision"))
            assert number == self.revisions.get(recipient, 0) + 1
            self.revisions[recipient] = number
        for element in root.iter("{*}Remaining"):
            self.remaining[recipient] = datetime.fromisoformat(_texts(element, "AutomaticDate")[0])
        for element in root.iter("{*}Deployment"):
            stage, standing = _texts(element, "Stage")[0], _texts(element, "Standing")[0]
            start, end = (datetime.fromisoformat(_texts(element, n)[0]) for n in ("EarliestStart", "LatestEnd"))
            ledger.update(dict.fromkeys(_devices(element), (stage, standing, start, end)))
        for element in root.iter("{*}Void"):
            for device_id in _devices(element):
                was = ledger.pop(device_id, None)
                reason = _texts(element, "Reason")[0]
                ended = device_id in self.over and (reason in LEFT_BY_TIME or not self.time_passed)
                known = was is not None or recipient in SUPPLIERS or ended or device_id in self.other_row
                assert known or reason in REQUEST_ENDED, "void of what was not planned"
                self.over.get(device_id, set()).discard(recipient)

    def remains(self) -> None:
        """Who was told when the rest goes was told the date that stands; CSPs and DCC were within its last month.

        Not of a release that is not approved: nothing goes by it.
        """
        release, own = self.dcc.release(), self.own()
        hear = {*CSPS, DCC, *(supplier for supplier in SUPPLIERS if own[supplier])}
        assert {self.remaining[one] for one in hear & self.remaining.keys()} <= {release.automatic_date}
        near = release.automatic_date - self.dcc.clock.now() <= 28 * DAY
        if near and release.state.is_live and release.state is not ReleaseState.NOTIFIED and not release.paused:
            assert {*CSPS, DCC} <= self.remaining.keys()

    def own(self) -> dict[int, set[int]]:
        every = self.hubs()
        return {supplier: {h.device_id for h in every if supplier in h.suppliers} for supplier in SUPPLIERS}

    def reported(self) -> None:
        """What a CSP has itself reported as activated is done, for it and for DCC; suppliers had N64."""
        for party in (*CSPS, DCC):
            if self.activated is not None:
                self.told[party].pop(self.activated, None)
        self.activated = None


def _rows(scenario: Scenario) -> set[tuple[int, str]]:
    """Whether each hub could be updated as far as it is concerned, or why it could not."""
    found = set()
    for one in scenario.hubs:
        why = "other model" if one.model != MODEL else "" if one.firmware_version == OLD else "other version"
        found.add((one.device_id, why if one.status == "Commissioned" else "not commissioned"))
    return found


def _name(said: Said) -> tuple[int, Stage, str]:
    return said.group.supplier, said.group.stage, said.group.group_id


def _texts(element: etree._Element, name: str) -> list[str]:
    return [one.text or "" for one in element.iter(f"{{*}}{name}")]


def _devices(element: etree._Element) -> list[int]:
    return [parse_eui(eui) for text in _texts(element, "DeviceIDList")[:1] if text for eui in text.split(",")]
