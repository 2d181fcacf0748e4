"""`status` and `deadlines`: the same numbers as a table, as CSV, as JSON and at the party door."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.rollout.direct_instructions import store as direct
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.rollout_decisions.records import DirectGroup
from duis_gateway.store.engine import Store
from tests.support.cli import OTHER_SUPPLIER, SUPPLIER, Installation, done, refused
from tests.support.planned_estate import CSP, DAY, DCC, LAUNCH, NOW, PILOT, RELEASE, at_the_door, fill, ids, store_of

EVERYONE = pytest.mark.parametrize("party", [SUPPLIER, OTHER_SUPPLIER, CSP, DCC])
COMMANDS = pytest.mark.parametrize("command", ["status", "deadlines"])


@pytest.fixture
def store(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("DUIS_GATEWAY_CLOCK_FIXED", NOW.isoformat())
    with store_of(installation) as opened:
        fill(opened)
        yield opened


def as_json(installation: Installation, command: str, party: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(done(command, "--party", party, "--format", "json", *installation.config))
    return rows


def as_text(value: object) -> str:
    """Return a value of JSON as CSV shows it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.requirement("BR-5.3", "BR-5.4", "BR-5.5", "BR-5.7")
@EVERYONE
@COMMANDS
def test_the_same_numbers_on_every_way_out(installation: Installation, store: Store, command: str, party: int) -> None:
    asked = (command, "--party", party, *installation.config)
    rows = as_json(installation, command, party)
    assert rows
    assert rows == json.loads(at_the_door(store, command, party))
    as_csv = done(*asked, "--format", "csv")
    assert as_csv == at_the_door(store, command, party, "format=csv").replace("\r\n", "\n")
    wanted = [{name: as_text(value) for name, value in row.items()} for row in rows]
    assert list(csv.DictReader(io.StringIO(as_csv))) == wanted
    head, *lines = done(*asked).splitlines()
    starts: list[int] = []
    for name in rows[0]:
        starts.append(head.index(name.replace("_", " "), starts[-1] + 1 if starts else 0))
    cells = [[line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)] for line in lines]
    words = {"true": "yes", "false": "no"}
    assert cells == [[words.get(cell, cell) for cell in row.values()] for row in wanted]


def states(installation: Installation, party: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in as_json(installation, "status", party):
        found[row["state"]] = found.get(row["state"], 0) + row["hubs"]
    return found


@pytest.mark.usefixtures("store")
def test_every_hub_of_the_party_is_counted_once_in_its_state(installation: Installation) -> None:
    assert states(installation, SUPPLIER) == {
        "instructed": 3,  # 1, 2, and 7 by both
        "failed": 1,  # 3
        "planned": 4,  # 4 to 6 by nobody, 8 by the other alone
        "activated": 1,  # 9
        "not_planned": 2,  # 10 is not commissioned, of 11 nothing is released
    }
    assert states(installation, OTHER_SUPPLIER) == {"instructed": 1, "planned": 2}
    everything = {"instructed": 3, "failed": 1, "planned": 5, "activated": 1, "not_planned": 2}
    assert states(installation, DCC) == everything
    assert states(installation, CSP) == everything


def void(installation: Installation, party: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in as_json(installation, "status", party):
        if row["void"]:
            found[row["void"]] = found.get(row["void"], 0) + row["hubs"]
    return found


def at(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setenv("DUIS_GATEWAY_CLOCK_FIXED", now.isoformat())


@pytest.mark.usefixtures("store")
def test_what_was_instructed_and_moves_nothing_any_more_is_counted_with_the_reason(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, a hub whose period passed unused was "planned" like one that nobody ever named, and no task was left."""
    assert void(installation, SUPPLIER) == {"AwaitsSecondSupplier": 1}, "8"
    at(monkeypatch, PILOT.end)
    for party, hubs in ((SUPPLIER, 3), (CSP, 3), (DCC, 3), (OTHER_SUPPLIER, 0)):
        assert void(installation, party).get("PeriodEnded", 0) == hubs, "1 to 3"
    own = tasks(installation, SUPPLIER)
    assert own["instruct_anew", "PeriodEnded"]["hubs"] == 3
    assert own["instruct_anew", "PeriodEnded"]["state"] == "void"
    assert "instruct_anew" not in [task for task, _ in tasks(installation, OTHER_SUPPLIER)]


@pytest.mark.usefixtures("store")
def test_a_group_whose_period_is_over_waits_for_no_decision(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, the CSP was overdue with a decision that decides nothing, for as long as the release lived."""
    assert ("decide_on_group", "G1") in tasks(installation, CSP)
    at(monkeypatch, PILOT.end)
    assert [subject for task, subject in tasks(installation, CSP) if task == "decide_on_group"] == ["L1"]


def test_a_group_that_a_revision_made_void_waits_for_no_decision(installation: Installation, store: Store) -> None:
    revised = replace(RELEASE, revision=2, automatic_date=LAUNCH.end)
    with store.write() as conn:
        releases.put(conn, revised, {})
    assert [subject for task, subject in tasks(installation, CSP) if task == "decide_on_group"] == ["G1"]
    assert void(installation, SUPPLIER)["TooLate"] == 1, "7, by both"
    for supplier in (SUPPLIER, OTHER_SUPPLIER):
        assert tasks(installation, supplier)["instruct_anew", "TooLate"]["hubs"] == 1


def test_a_batch_of_dcc_that_a_revision_made_void_is_dcc_s_turn(installation: Installation, store: Store) -> None:
    with store.write() as conn:
        direct.put_batch(conn, DirectGroup("REL-1", LAUNCH, NOW, ids(4, 12), "B1"))
    assert "instruct_anew" not in [task for task, _ in tasks(installation, DCC)]
    with store.write() as conn:
        releases.put(conn, replace(RELEASE, revision=2, automatic_date=LAUNCH.end), {})
    anew = tasks(installation, DCC)["instruct_anew", "TooLate"]
    assert (anew["hubs"], anew["state"]) == (2, "void")
    assert void(installation, DCC)["TooLate"] == 3, "the batch, and 7"


@pytest.mark.requirement("BR-3.6")
@pytest.mark.usefixtures("store")
def test_after_the_automatic_date_it_is_the_csp_s_turn(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, nothing was due of anybody, and hubs stayed "planned" for a date that was gone."""
    assert "update_remaining_hubs" not in [task for task, _ in tasks(installation, CSP)]
    at(monkeypatch, RELEASE.automatic_date + DAY)
    own = tasks(installation, CSP)
    assert (own["update_remaining_hubs", ""]["hubs"], own["update_remaining_hubs", ""]["overdue"]) == (9, True)
    assert "send_safe_launch_schedule" not in [task for task, _ in own]
    assert [key[0] for key in tasks(installation, SUPPLIER, "csp")] == ["update_remaining_hubs"]


def tasks(installation: Installation, party: int, whose: str = "own") -> dict[tuple[str, str], Any]:
    rows = as_json(installation, "deadlines", party)
    return {(row["task"], row["subject"]): row for row in rows if row["whose"] == whose}


@pytest.mark.usefixtures("store")
def test_a_supplier_reads_its_tasks_and_how_long_it_has(installation: Installation) -> None:
    own = tasks(installation, SUPPLIER)
    assert {key: row["hubs"] for key, row in own.items()} == {
        ("send_preferred_schedule", ""): 2,  # 4 is listed, 6 proves, and neither is in a group
        ("instruct_split_hubs", ""): 1,  # 8
        ("instruct_safe_launch", ""): 1,  # 5: each hub is asked for once
    }, "what it owes to the pilot is provided: four of seven, proving and excluded hubs aside"
    pilot_ends = own["send_preferred_schedule", ""]
    assert pilot_ends["due"] == (NOW + 60 * DAY).isoformat().replace("+00:00", "Z")
    assert pilot_ends["seconds_left"] == 60 * 24 * 3600
    assert not pilot_ends["overdue"]


@pytest.mark.usefixtures("store")
def test_who_sent_no_list_is_asked_for_it_and_for_what_it_owes(installation: Installation) -> None:
    own = tasks(installation, OTHER_SUPPLIER)
    assert own["send_preferred_list", ""]["hubs"] == 3
    assert own["provide_minimum", ""]["hubs"] == 3
    assert not own["send_preferred_list", ""]["optional"]
    others = tasks(installation, OTHER_SUPPLIER, "csp").values()
    assert {row["optional"] for row in others} == {False}, "it was blank of the others' tasks"


@pytest.mark.usefixtures("store")
def test_csps_and_dcc_read_theirs(installation: Installation) -> None:
    own = tasks(installation, CSP)
    assert {key for key in own if key[0] != "decide_on_group"} == {
        (task, region)
        for task in ("send_default_list", "send_default_schedule", "send_safe_launch_schedule")
        for region in ("North", "South")
    }
    waiting = {
        (row["subject"], row["supplier"], row["hubs"]) for row in own.values() if row["task"] == "decide_on_group"
    }
    assert waiting == {("G1", format_eui(SUPPLIER), 1), ("L1", format_eui(OTHER_SUPPLIER), 1)}
    assert own["send_default_list", "North"]["overdue"]
    assert own["send_default_list", "North"]["seconds_left"] == -24 * 3600
    assert set(tasks(installation, DCC)) == {("report_pilot_outcome", "")}


@pytest.mark.usefixtures("store")
def test_everybody_reads_the_next_action_of_the_others_and_no_supplier_another_supplier_s(
    installation: Installation,
) -> None:
    for supplier in (SUPPLIER, OTHER_SUPPLIER):
        rows = as_json(installation, "deadlines", supplier)
        assert {row["whose"] for row in rows} - {"supplier"} == {"own", "csp", "dcc"}
        of_second = [(row["task"], row["supplier"], row["hubs"]) for row in rows if row["whose"] == "supplier"]
        assert of_second in ([], [("instruct_split_hubs", None, 1)]), "that it is awaited, and not who it is"
        of_csps = tasks(installation, supplier, "csp")
        overdue = [key for key, row in of_csps.items() if row["overdue"]]
        assert [task for task, region in overdue if region == "North"] == ["send_default_list", "send_default_schedule"]
        assert all(region for _, region in overdue), "for which region is anybody's to know"
        own_group = [key[0] for key, row in of_csps.items() if not row["overdue"]]
        assert own_group in ([], ["decide_on_group"]), "on which no other can decide"
    assert {row["whose"] for row in as_json(installation, "deadlines", CSP)} == {"own", "supplier", "dcc"}
    assert {row["whose"] for row in as_json(installation, "deadlines", DCC)} == {"own", "supplier", "csp"}


@COMMANDS
def test_nothing_that_a_supplier_reads_says_who_the_other_is(
    installation: Installation, store: Store, command: str
) -> None:
    for me, other in ((SUPPLIER, OTHER_SUPPLIER), (OTHER_SUPPLIER, SUPPLIER)):
        read = done(command, "--party", me, *installation.config) + at_the_door(store, command, me)
        assert format_eui(other) not in read.upper()
        assert format_eui(other) not in at_the_door(store, "eligible-hubs", me).upper()


def test_the_eligible_hubs_say_what_the_release_marks(installation: Installation, store: Store) -> None:
    rows = {row["device_id"]: row for row in json.loads(at_the_door(store, "eligible-hubs", SUPPLIER))}
    assert set(rows) == {format_eui(one) for one in ids(1, 2, 3, 4, 5, 6, 7, 8)}
    marks = {name: row["mark"] for name, row in rows.items() if row["mark"]}
    friendly, excluded, proving = map(format_eui, ids(4, 5, 6))
    assert marks == {friendly: "friendly", excluded: "excluded", proving: "proving"}
    split = rows[format_eui(ids(8)[0])]
    assert (split["import"], split["gas"]) == (False, True)
    assert at_the_door(store, "eligible-hubs", CSP) == "[]\n"


def test_who_is_not_registered_has_no_deadlines(installation: Installation) -> None:
    assert "is not registered" in refused(1, "deadlines", "--party", SUPPLIER, *installation.config)
