"""Random roll-outs: what parties, hubs and releases there are and what was said about them, put into a store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st
from sqlalchemy import Connection

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.activations import store as activations
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.plans.records import GroupSay
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import (
    DefaultGroup,
    DefaultSchedule,
    HubMark,
    Instruction,
    Period,
    PilotTerms,
    Release,
    ReleaseState,
    ReleaseType,
    Stage,
)
from duis_gateway.rollout.rollout_decisions.records import DirectGroup, GroupDecision
from duis_gateway.rollout.schedule_decisions import store as says
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.store.engine import Store

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
AUTOMATIC = NOW + 100 * DAY
ALPHA, BETA, OLD_DUIS, STRANGER = 0x90B3D51F30010000, 0xFFB3D51F30020000, 0x90B3D51F30030000, 0x90B3D51F30040000
SUPPLIERS = (ALPHA, BETA, OLD_DUIS)
NORTH, SOUTH = 0x90B3D51F30000007, 0x90B3D51F30000008
REGIONS = {NORTH: ("North", "4G North"), SOUTH: ("Central", "South")}
MAKER, VERSIONS = "106C", ("1", "2", "3")
IDS = (1, 2, 3, 2**63, 2**64 - 1)
"""Few, so that many things are said about each."""


@dataclass(frozen=True)
class Said:
    """A CSP's say on a group in its regions, or on the hubs of it that it named (`say.piece`).

    `moved`: hubs that have gone from one CSP's regions to another's since; it is not about them, even if they return.
    """

    csp: int
    group: Instruction
    say: GroupSay
    named: tuple[int, ...] = ()
    moved: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Reported:
    """What a CSP reported of one hub."""

    outcome: HubOutcome
    release_id: str


Given = tuple[int, tuple[Stage, str] | None]
"""An instruction: the supplier, and the stage and name of its group; None where DCC chose for it."""


def key_of(given: Instruction | DirectGroup) -> Given:
    """What names an instruction: the supplier, and its group, or nothing where DCC chose for it."""
    return given.supplier or 0, (given.stage, given.group_id) if isinstance(given, Instruction) else None


@dataclass(frozen=True)
class Scenario:
    """All that happened, what was said in its order. `before` are the hubs as they were before suppliers changed.

    `now` is the time at which it is looked at. `since`: from when hubs were instructed that an instruction names, where
    that is earlier than when it came, as it took the place of another. `listed`: the suppliers' preferred pilot lists.
    """

    before: tuple[Hub, ...]
    hubs: tuple[Hub, ...]
    releases: tuple[Release, ...]
    marks: dict[str, dict[int, HubMark]]
    instructions: tuple[Instruction, ...]
    said: tuple[Said, ...]
    batches: tuple[DirectGroup, ...]
    selections: tuple[DirectGroup, ...]
    schedules: tuple[DefaultSchedule, ...]
    reports: tuple[Reported, ...]
    now: datetime
    since: Mapping[Given, Mapping[int, datetime]] = field(default_factory=dict)
    listed: Mapping[int, frozenset[int]] = field(default_factory=dict)


@contextmanager
def stored(store: Store, scenario: Scenario) -> Iterator[Connection]:
    """The scenario in the store while the block lasts; nothing of it stays."""

    class Enough(Exception):
        """Undoes what was written."""

    try:
        with store.write() as connection:
            _write(connection, scenario)
            yield connection
            raise Enough
    except Enough:
        return


def _write(connection: Connection, scenario: Scenario) -> None:
    for supplier in SUPPLIERS:
        version = Decimal("5.4" if supplier == OLD_DUIS else "6.0")
        parties.add(connection, Party(supplier, PartyKind.SUPPLIER, "http://127.0.0.1:1/", duis_version=version))
    for csp, regions in REGIONS.items():
        parties.add(connection, Party(csp, PartyKind.CSP, "http://127.0.0.1:1/", regions=frozenset(regions)))
    hubs.upsert(connection, scenario.before)
    for release in scenario.releases:
        marks: dict[HubMark, list[int]] = {}
        for hub, mark in scenario.marks[release.release_id].items():
            marks.setdefault(mark, []).append(hub)
        releases.put(connection, release, marks)
    for group in scenario.instructions:
        schedules.put_instructions(connection, [group], scenario.since.get(key_of(group), {}))
    for said in scenario.said:
        if said.say.piece:
            named = frozenset(said.named).intersection(said.group.device_ids)
            own = {
                hub.device_id: hub.csp_region
                for hub in scenario.before
                if hub.device_id in named and hub.csp_region in REGIONS[said.csp]
            }
            says.put_piece(connection, said.group, own, said.csp, said.say, NOW)
        else:
            says.put_say(connection, said.group, REGIONS[said.csp], said.csp, said.say, NOW)
    for batch in scenario.batches:
        direct.put_batch(connection, batch)
    for selection in scenario.selections:
        direct.put_selection(connection, selection)
    for schedule in scenario.schedules:
        schedules.replace_default(connection, schedule)
    for report in scenario.reports:
        activations.record_outcomes(connection, NORTH, [report], NOW, ())
    hubs.upsert(connection, scenario.hubs)


# --- strategies ---------------------------------------------------------------------------------------------------

_ids = st.lists(st.sampled_from(IDS), min_size=2, max_size=5, unique=True).map(tuple)
_owners = st.sampled_from([*[ALPHA, BETA] * 4, OLD_DUIS, STRANGER, None])
"""Mostly two suppliers that can instruct, so that much is instructed by both."""


@st.composite
def _periods(draw: st.DrawFn) -> Period:
    start = NOW + draw(st.integers(1, 80)) * DAY
    return Period(start, start + draw(st.integers(0, 30)) * DAY)


@st.composite
def _hubs(draw: st.DrawFn) -> tuple[Hub, ...]:
    return tuple(
        Hub(
            device_id=device_id,
            device_type=draw(st.sampled_from([*["CHF"] * 9, "ESME"])),
            manufacturer=MAKER,
            model=draw(st.sampled_from([*["M1"] * 9, "M2"])),
            firmware_version=draw(st.sampled_from([*["1"] * 5, "2", "3"])),
            status=draw(st.sampled_from([*["Commissioned"] * 9, "Suspended"])),
            csp_region=draw(st.sampled_from([region for regions in REGIONS.values() for region in regions])),
            import_supplier=draw(_owners),
            gas_supplier=draw(_owners),
        )
        for device_id in IDS
    )


def _release(draw: st.DrawFn, number: int) -> Release:
    return Release(
        release_id=f"R{number}",
        revision=1,
        release_type=ReleaseType.SEC_RELEASE,
        manufacturer=MAKER,
        model="M1",
        firmware_version=VERSIONS[number],
        release_note="https://notes.example/",
        severity="high",
        priority="normal",
        notified_at=NOW + number * DAY,
        automatic_date=AUTOMATIC,
        pilot=PilotTerms(Period(NOW, NOW + 60 * DAY), limit=100),
        state=draw(st.sampled_from([*[ReleaseState.PILOTING] * 20, *ReleaseState])),
        paused=draw(st.booleans()),
    )


@st.composite
def _instructions(draw: st.DrawFn, under: Sequence[Release]) -> tuple[Instruction, ...]:
    given: dict[tuple[str, int, Stage, str], Instruction] = {}
    for position in range(draw(st.integers(2, 10))):
        period = draw(_periods())
        # Some come when others are over, and none when it is over itself, which the gateway refuses.
        later = [0, 0, 0, 30] if period.end > NOW + 31 * DAY else [0]
        one = Instruction(
            release_id=draw(st.sampled_from([release.release_id for release in under])),
            supplier=draw(st.sampled_from([*[ALPHA, BETA] * 3, OLD_DUIS, STRANGER])),
            group_id=draw(st.sampled_from(["G1", "G2"])),
            stage=draw(st.sampled_from(Stage)),
            period=period,
            # No two at once, as the gateway's lock has it.
            received_at=NOW + draw(st.sampled_from(later)) * DAY + timedelta(seconds=position),
            device_ids=draw(_ids),
        )
        given[one.release_id, one.supplier, one.stage, one.group_id] = one
    return tuple(given.values())


@st.composite
def _since(draw: st.DrawFn, groups: Sequence[Instruction]) -> dict[Given, dict[int, datetime]]:
    """Some hubs of groups that came later had been instructed before, without a gap."""
    return {
        key_of(group): dict.fromkeys(draw(st.sets(st.sampled_from(group.device_ids))), NOW)
        for group in groups
        if group.received_at >= NOW + DAY
    }


@st.composite
def _sayings(draw: st.DrawFn, groups: Sequence[Instruction]) -> tuple[Said, ...]:
    """Each group is decided on a few times, by either CSP, as a whole or piece by piece."""
    found = []
    for group in groups:
        for csp in draw(st.lists(st.sampled_from([NORTH, SOUTH]), max_size=4)):
            decision = draw(st.sampled_from(GroupDecision))
            fixed = None if decision is GroupDecision.REFUSED else draw(st.none() | _periods())
            if fixed is not None and fixed.end <= group.received_at:
                fixed = None  # a period that had ended when the group came is refused, and never stands
            named = tuple(draw(st.just(set[int]()) | st.sets(st.sampled_from(group.device_ids), min_size=1)))
            # The worst that a CSP can say to a supplier: who the supplier is, where its second could read it.
            say = GroupSay(decision, fixed, f"no room for {format_eui(group.supplier)}", piece=bool(named))
            found.append(Said(csp, group, say, named))
    return tuple(found)


@st.composite
def _direct(draw: st.DrawFn, under: Sequence[Release], *, batch: bool) -> tuple[DirectGroup, ...]:
    found: dict[tuple[str, object], DirectGroup] = {}
    for position in range(draw(st.integers(0, 2))):
        release_id = draw(st.sampled_from([release.release_id for release in under]))
        name = draw(st.sampled_from(["B1", "B2"])) if batch else ""
        supplier = None if batch else draw(st.sampled_from(SUPPLIERS))
        received = NOW + timedelta(minutes=position)
        period = draw(st.none() | _periods()) if batch else draw(_periods())
        group = DirectGroup(release_id, period, received, draw(_ids), name, supplier)
        found[release_id, name or supplier] = group
    return tuple(found.values())


@st.composite
def _reports(draw: st.DrawFn, under: Sequence[Release]) -> tuple[Reported, ...]:
    return tuple(
        Reported(
            HubOutcome(draw(st.sampled_from(IDS)), draw(st.sampled_from(OutcomeStage)), draw(st.booleans()), "2", NOW),
            draw(st.sampled_from([release.release_id for release in under])),
        )
        for _ in range(draw(st.integers(0, 4)))
    )


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """A roll-out of one or two releases of one model among five hubs."""
    before = draw(_hubs())
    after = before if draw(st.booleans()) else draw(_hubs())
    under = tuple(_release(draw, number) for number in range(1, draw(st.integers(2, 3))))
    groups = draw(_instructions(under))
    launch = tuple(
        DefaultSchedule(
            release.release_id,
            draw(st.sampled_from(["North", "South"])),
            draw(st.sampled_from(Stage)),
            (DefaultGroup("W1", draw(_periods()), draw(st.just(()) | _ids)),),
        )
        for release in under
    )
    return Scenario(
        before=before,
        hubs=after,
        releases=under,
        marks={
            release.release_id: draw(st.dictionaries(st.sampled_from(IDS), st.sampled_from(HubMark), max_size=3))
            for release in under
        },
        instructions=groups,
        said=draw(_sayings(groups)),
        batches=draw(_direct(under, batch=True)),
        selections=draw(_direct(under, batch=False)),
        schedules=launch,
        reports=draw(_reports(under)),
        since=draw(_since(groups)),
        now=NOW + draw(st.sampled_from([0, 0, 30, 60, 99])) * DAY,
    )
