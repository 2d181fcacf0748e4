"""`release`: the firmware releases as DCC announced them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from duis_gateway.rollout.failure_thresholds import store as thresholds
from duis_gateway.rollout.failure_thresholds.records import Failures, ProposedPause
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.pilot_lists import store as pilots
from duis_gateway.rollout.releases import history
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.releases.records import (
    DefaultGroup,
    DefaultSchedule,
    FailureThreshold,
    HubMark,
    OfferedConstraint,
    Period,
    PilotTerms,
    Release,
    ReleaseState,
    ReleaseType,
    Stage,
)
from duis_gateway.rollout.rollout_decisions.records import ReleaseEvent
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.store.engine import Store
from tests.support.cli import Installation, done, refused

NOTIFIED = datetime(2027, 1, 4, 9, tzinfo=UTC)
PERIOD = Period(NOTIFIED + timedelta(days=30), NOTIFIED + timedelta(days=60))

THRESHOLD = FailureThreshold(share_percent=5, window_hours=24, least_hubs=100, hold=True)


def release(release_id: str, pilot: PilotTerms | None) -> Release:
    return Release(
        release_id=release_id,
        revision=2,
        release_type=ReleaseType.PLANNED_MAINTENANCE if pilot else ReleaseType.SECURITY,
        manufacturer="Acme",
        model="CH-1",
        firmware_version="01020305",
        release_note="https://dcc.example/notes",
        severity="3",
        priority="Medium",
        notified_at=NOTIFIED,
        automatic_date=NOTIFIED + timedelta(days=181),
        pilot=pilot,
        failure_threshold=THRESHOLD if pilot else None,
        paused=pilot is not None,
    )


@pytest.fixture
def announced(installation: Installation) -> Installation:
    store = Store.open(f"sqlite:///{installation.folder / 'gateway.db'}")
    with store.write() as connection:
        hub = Hub(1, "CHF", "Acme", "CH-1", "01020304", "Commissioned", "North", 7, None)
        hubs.upsert(connection, [hub])
        releases.put(connection, release("R1", PilotTerms(PERIOD, limit=500, minimum=5)), {HubMark.PROVING: [1]})
        releases.put(connection, release("R2", None), {})
        proposed = ProposedPause("R1", NOTIFIED, Failures(hubs=240, failed=12), THRESHOLD)
        thresholds.put_proposal(connection, proposed)
        pilots.replace_default_list(connection, "R1", "North", [1])
        groups = (DefaultGroup("G1", PERIOD, (1,)), DefaultGroup("G2", PERIOD))
        offered = (OfferedConstraint("NIGHT", "only at night"),)
        schedules.replace_default(connection, DefaultSchedule("R1", "North", Stage.PILOT, groups, offered))
    store.close()
    return installation


def test_releases_are_listed(announced: Installation) -> None:
    found = json.loads(done("release", "list", "--format", "json", *announced.config))
    assert [(one["release"], one["state"], one["paused"]) for one in found] == [
        ("R2", "notified", False),
        ("R1", "notified", True),
    ]
    assert found[0]["automatic_date"] == "2027-07-04T09:00:00Z"


def test_a_release_is_shown_with_what_belongs_to_it(announced: Installation) -> None:
    lines = [" ".join(line.split()) for line in done("release", "show", "R1", *announced.config).splitlines()]
    assert "state: notified, paused" in lines
    assert "permitted predecessors: any version" in lines
    assert "hubs per supplier: 5 to 500" in lines
    held = "the plan is held until DCC decides"
    assert f"failure threshold: 5 % of at least 100 hubs within 24 hours: {held}" in lines
    assert "proposed pause: 2027-01-04 09:00 UTC, held: 12 of 240 hubs failed within 24 hours, awaiting DCC" in lines
    assert "proving hubs: 1" in lines
    assert "default list, North: 1 hub" in lines
    assert "G1 1 2027-02-03T09:00:00Z 2027-03-05T09:00:00Z" in lines
    assert "G2 2027-02-03T09:00:00Z 2027-03-05T09:00:00Z" in lines
    assert "constraint NIGHT: only at night" in lines


def test_a_release_without_a_pilot_says_so(announced: Installation) -> None:
    assert "pilot: none" in " ".join(done("release", "show", "R2", *announced.config).split())


def test_how_far_a_release_is_is_counted(announced: Installation) -> None:
    rows = json.loads(done("release", "progress", "R1", "--format", "json", *announced.config))
    nothing = {"hubs": 1, "activated": 0, "failed": 0, "left": 1, "on_later_version": 0}
    of = {"all hubs": "", "pilot": "", "region": "North", "supplier": "00-00-00-00-00-00-00-07"}
    assert {row["of"]: {**row, "of": ""} for row in rows if row["of"] in of} == {
        part: {"of": "", "name": name, **nothing} for part, name in of.items()
    }
    said = refused(1, "release", "progress", "R9", *announced.config)
    assert said == "there is no release 'R9'; see `release list` for those that exist"


def test_a_release_that_is_over_says_since_when_and_why(announced: Installation) -> None:
    """It said no more than its state: a superseded one not by which."""
    store = Store.open(f"sqlite:///{announced.folder / 'gateway.db'}")
    with store.write() as connection:
        over = replace(release("R2", None), state=ReleaseState.SUPERSEDED)
        releases.move(connection, over)
        why = "R3 takes its place"
        history.record(connection, ReleaseEvent("R2", NOTIFIED, "superseded", over.state, False, "DCC", why))
    store.close()
    lines = [" ".join(line.split()) for line in done("release", "show", "R2", *announced.config).splitlines()]
    assert lines[lines.index("state: superseded") + 1] == "since: 2027-01-04 09:00 UTC, by DCC: R3 takes its place"


def test_an_unknown_release_is_named(announced: Installation) -> None:
    said = refused(1, "release", "show", "R9", *announced.config)
    assert said == "there is no release 'R9'; see `release list` for those that exist"
