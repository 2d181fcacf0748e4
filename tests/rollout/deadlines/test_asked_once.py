"""Random roll-outs in a real store: each hub is asked for once, and so that it can be done; as in the status."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from duis_gateway.duis.identifiers import RequestId
from duis_gateway.duis.service_requests.preferred_pilot_list import PreferredPilotList
from duis_gateway.duis.service_requests.preferred_pilot_schedule import (
    CancelledGroup,
    DeploymentGroup,
    PreferredPilotSchedule,
)
from duis_gateway.duis.service_requests.request import ServiceRequest
from duis_gateway.flow.incoming import Door, Incoming
from duis_gateway.flow.message import Authorised
from duis_gateway.flow.reply import ServiceAnswer
from duis_gateway.flow.steps import decide
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.deadlines.view import deadline_rows, tasks_of_everybody
from duis_gateway.rollout.estate.hub_by_hub import hub_on_a_page
from duis_gateway.rollout.estate.view import status_rows
from duis_gateway.rollout.pilot_lists import store as pilots
from duis_gateway.rollout.protection import store as protection
from duis_gateway.rollout.releases.records import Period, Release, ReleaseState, Stage
from duis_gateway.rollout.releases.rules import last_to_instruct
from duis_gateway.store.engine import Store
from tests.support.roll_out_scenario import ALPHA, BETA, DAY, IDS, NOW, Scenario, scenarios, stored

pytestmark = pytest.mark.requirement("BR-5.3", "BR-5.4", "BR-3.2")

HOUR = timedelta(hours=1)
_STATES = st.sampled_from(
    [ReleaseState.PILOTING] * 3 + [ReleaseState.SAFE_LAUNCH, ReleaseState.NOTIFIED] + [ReleaseState.INVALIDATED] * 2
)
_SOME = st.dictionaries(st.sampled_from([ALPHA, BETA]), st.frozensets(st.sampled_from(IDS), max_size=3), max_size=2)
Asked = Counter[tuple[int, str, str, str]]
"""Hubs by supplier, release, task and subject."""


@st.composite
def two_releases(draw: st.DrawFn) -> Scenario:
    """Two releases for the model, each in any state that is not over; CSPs have offered no periods."""
    made = draw(scenarios().filter(lambda one: len(one.releases) == 2))
    under = tuple(
        replace(one, state=draw(_STATES), automatic_date=one.automatic_date + draw(st.sampled_from([0, 9, 40])) * DAY)
        for one in made.releases
    )
    return replace(made, releases=under, schedules=())


@pytest.mark.once
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    scenario=two_releases(),
    listed=st.fixed_dictionaries({"R1": _SOME, "R2": _SOME}),
    protected=_SOME | st.just(dict[int, frozenset[int]]()),
)
def test_each_hub_is_asked_for_once_and_can_be_instructed_so(
    store: Store,
    scenario: Scenario,
    listed: dict[str, dict[int, frozenset[int]]],
    protected: dict[int, frozenset[int]],
) -> None:
    """Hub by hub, as if each were the only one: what is asked of all of them together is the sum."""
    together = Asked()
    for hub in scenario.hubs:
        alone = replace(scenario, hubs=(hub,), before=tuple(b for b in scenario.before if b.device_id == hub.device_id))
        with stored(store, alone) as connection:
            _also(connection, listed, protected)
            found = asked(connection, alone)
            together += found
            assert all(number == 1 for number in found.values())
            for supplier in (ALPHA, BETA):
                mine = [key for key in found if key[0] == supplier and key[2] in ONCE]
                assert len(mine) <= 1, "asked for twice"
                for key in mine:
                    _agrees_with_the_status(connection, alone, *key)
                    assert can_be_done(store, connection, alone, hub.device_id, *key), key
                _is_taken_as_advised(store, connection, alone, hub.device_id, supplier)
    with stored(store, scenario) as connection:
        _also(connection, listed, protected)
        assert asked(connection, scenario) == together


ONCE = (
    "instruct_split_hubs",
    "instruct_safe_launch",
    "instruct_anew",
    "send_preferred_schedule",
)
_OF_HUBS = (*ONCE, "send_preferred_list")


def _also(
    connection: Connection, listed: dict[str, dict[int, frozenset[int]]], protected: dict[int, frozenset[int]]
) -> None:
    for release_id, lists in listed.items():
        for supplier, ids in lists.items():
            pilots.replace_preferred(connection, release_id, supplier, "2", ids, NOW)
    for supplier, ids in protected.items():
        protection.add(connection, supplier, ids)


def asked(connection: Connection, scenario: Scenario) -> Asked:
    """What the suppliers read of themselves; reminders and the operator's page count the same."""
    found = Asked()
    for supplier in (ALPHA, BETA):
        for row in deadline_rows(connection, Party(supplier, PartyKind.SUPPLIER, ""), scenario.now):
            if row["whose"] == "own" and row["task"] in _OF_HUBS:
                key = supplier, str(row["release"]), str(row["task"]), str(row["subject"])
                found[key] = int(str(row["hubs"]))
    everybodys = Asked()
    for release in scenario.releases:
        for one in tasks_of_everybody(connection, release, scenario.now):
            if one.party in (ALPHA, BETA) and one.task in _OF_HUBS:
                everybodys[one.party, one.release_id, one.task.value, one.subject] = one.hubs or 0
    assert everybodys == found
    return found


def _agrees_with_the_status(
    connection: Connection, scenario: Scenario, supplier: int, release_id: str, task: str, subject: str
) -> None:
    """Nothing is planned for the hub, and what is to be instructed anew is void in the status, too."""
    (row,) = status_rows(connection, Party(supplier, PartyKind.SUPPLIER, ""), scenario.now)
    assert row["state"] in ("planned", "failed", "not_planned")
    if task == "instruct_anew" and row["release"] == release_id:
        assert row["void"] == subject
    named = {one.release_id for one in (*scenario.batches, *scenario.selections)}
    named.update(one.release_id for one in scenario.instructions)
    if task != "send_preferred_schedule" and release_id not in named:
        assert row["release"] == release_id, "nothing else can keep the hub there"


_TAKEN_OUT = r"instruct it under (R[0-9]), take it out of that group first \(11.6 for (R[0-9]) without it\);"


def _is_taken_as_advised(store: Store, connection: Connection, scenario: Scenario, hub: int, supplier: int) -> None:
    """The stage for which the hub's page tells the supplier to instruct it is accepted, with no list before."""
    row = hub_on_a_page(connection, Party(supplier, PartyKind.SUPPLIER, ""), hub, scenario.now)
    said = "" if row is None else str(row["next_step"])
    if row is None or "nstruct it" not in said or " of R" in said or "rotect" in said:
        return
    taken_out = re.search(_TAKEN_OUT, said)
    if taken_out:
        to, before = (release_of(scenario, name) for name in taken_out.groups())
        with connection.begin_nested() as tried:
            for release in (before, to):  # a hub in two groups of one release is refused (E110609)
                _taken_back(store, connection, scenario, supplier, release, hub)
            assert _accepted(store, connection, scenario, hub, supplier, to), said
            tried.rollback()
        return
    named = re.search(r" under (R[0-9])", said)
    release = release_of(scenario, named[1] if named else str(row["release"]))
    for stage in Stage:
        if f"(11.6, stage {stage.value})" in said:
            schedules = _schedules(scenario, hub, release, (stage,))
            codes = [_answer(store, connection, scenario, supplier, None, body) for body in schedules]
            assert "I99" in codes, (said, codes)


def _taken_back(
    store: Store, connection: Connection, scenario: Scenario, supplier: int, release: Release, hub: int
) -> None:
    own = (one for one in scenario.instructions if (one.release_id, one.supplier) == (release.release_id, supplier))
    for group in (one for one in own if hub in one.device_ids):
        cancelled = CancelledGroup(group.group_id, group.stage)
        body = PreferredPilotSchedule(release.release_id, release.firmware_version, (), cancelled=(cancelled,))
        _decided(store, connection, scenario, supplier, "11.6", body)


def release_of(scenario: Scenario, release_id: str) -> Release:
    return next(one for one in scenario.releases if one.release_id == release_id)


def can_be_done(
    store: Store,
    connection: Connection,
    scenario: Scenario,
    hub: int,
    supplier: int,
    release_id: str,
    task: str,
    subject: str,
) -> bool:
    """Whether some request of the supplier's for the hub is accepted now, of the kind that the task asks for."""
    release = release_of(scenario, release_id)
    assert release.state.is_live, "nobody is asked for what is refused until DCC decides"
    if scenario.now > last_to_instruct(release) or subject == "Excluded":
        return task == "instruct_anew"
    stages = (Stage.PILOT,) if task == "send_preferred_schedule" else tuple(Stage)
    return _accepted(store, connection, scenario, hub, supplier, release, stages)


_NUMBERS = count(1)


def _accepted(
    store: Store,
    connection: Connection,
    scenario: Scenario,
    hub: int,
    supplier: int,
    release: Release,
    stages: tuple[Stage, ...] = tuple(Stage),
) -> bool:
    return any(
        _answer(store, connection, scenario, supplier, list_first, body) == "I99"
        for list_first in (None, PreferredPilotList(release.release_id, release.firmware_version, (hub,)))
        for body in _schedules(scenario, hub, release, stages)
    )


def _schedules(
    scenario: Scenario, hub: int, release: Release, stages: tuple[Stage, ...]
) -> Iterator[PreferredPilotSchedule]:
    """Under a new name, and under those that stand: a group that is void in part is sent again."""
    assert release.pilot is not None
    soon = scenario.now + HOUR
    for stage in stages:
        start = soon if stage is Stage.PILOT else max(soon, release.pilot.period.end)
        end = release.pilot.period.end if stage is Stage.PILOT else release.automatic_date - HOUR
        for name in ("NEW", "G1", "G2"):
            group = DeploymentGroup(name, stage, (hub,), Period(start, end))
            yield PreferredPilotSchedule(release.release_id, release.firmware_version, (group,))


def _answer(
    store: Store,
    connection: Connection,
    scenario: Scenario,
    supplier: int,
    list_first: PreferredPilotList | None,
    body: PreferredPilotSchedule,
) -> str:
    tried = connection.begin_nested()
    try:
        if list_first is not None:
            _decided(store, connection, scenario, supplier, "11.5", list_first)
        return _decided(store, connection, scenario, supplier, "11.6", body)
    finally:
        tried.rollback()


def _decided(
    store: Store,
    connection: Connection,
    scenario: Scenario,
    supplier: int,
    reference: str,
    body: PreferredPilotList | PreferredPilotSchedule,
) -> str:
    request_id = RequestId(supplier, 1, next(_NUMBERS))
    request = ServiceRequest(request_id, str(request_id), Decimal("6.0"), 8, reference, reference, body, {})
    incoming, party = Incoming(Door.DUIS, "serviceD", b"", "test"), parties.find(connection, supplier)
    authorised = Authorised(incoming, scenario.now, b"", request_id, request, party)
    reply = decide(authorised, connection, store.lock_release).reply
    assert isinstance(reply, ServiceAnswer)
    return reply.code
