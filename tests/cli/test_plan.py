"""`plan show` and `plan list`: when hubs are to be updated, and why."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from duis_gateway.clock import write_clock
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.plans.records import GroupSay
from duis_gateway.rollout.releases import store as releases
from duis_gateway.rollout.rollout_decisions.records import GroupDecision
from duis_gateway.rollout.schedule_decisions import store as says
from duis_gateway.rollout.schedules import store as schedules
from duis_gateway.store.engine import Store
from duis_gateway.store.rollout_tables import model_news
from tests.support.cli import OTHER_SUPPLIER, SUPPLIER, Installation, done, refused
from tests.support.planned_estate import CSP, DAY, FIRST, HUBS, NOW, RELEASE, fill, ids, store_of


@pytest.fixture
def store(installation: Installation) -> Iterator[Store]:
    with store_of(installation) as opened:
        fill(opened)
        yield opened


def plans(installation: Installation, hub: int, *more: object) -> list[dict[str, Any]]:
    said = done("plan", "show", FIRST + hub, "--format", "json", *more, *installation.config)
    rows: list[dict[str, Any]] = json.loads(said)
    return rows


def why(installation: Installation, hub: int, *more: object) -> str:
    (row,) = plans(installation, hub, *more)
    return str(row["explanation"])


@pytest.mark.requirement("BR-3.3", "BR-3.6", "PIA-S5")
@pytest.mark.usefixtures("store")
def test_the_plan_of_a_split_hub_is_explained_by_role(installation: Installation) -> None:
    assert why(installation, 8) == "automatic date: the Gas Supplier has not instructed"
    (row,) = plans(installation, 8)
    assert (row["basis"], row["stage"], row["indicative"]) == ("automatic_date", "SafeLaunch", True)
    assert row["due"] == (NOW + 180 * DAY).isoformat().replace("+00:00", "Z")
    assert row["earliest_start"] is None


def test_the_plan_of_a_gpf_is_that_of_its_hub(installation: Installation, store: Store) -> None:
    with store.write() as conn:
        hub = hubs.get(conn, FIRST + 1)
        assert hub is not None
        gpf = replace(hub, device_id=FIRST + 1000, device_type="GPF")
        hubs.upsert(conn, [replace(hub, gpf_device_id=gpf.device_id), gpf])
    said = f"it is the GPF of hub {format_eui(hub.device_id)}: name that hub"
    for more in ((), ("--party", format_eui(SUPPLIER))):
        assert said in refused(1, "plan", "show", gpf.device_id, *more, *installation.config)
    other = ("--party", format_eui(OTHER_SUPPLIER))
    assert "GPF" not in refused(1, "plan", "show", gpf.device_id, *other, *installation.config)


@pytest.mark.usefixtures("store")
def test_the_plan_of_an_instructed_hub_has_its_period_and_is_indicative_until_the_csp_decides(
    installation: Installation,
) -> None:
    (waiting,) = plans(installation, 1)
    assert (waiting["basis"], waiting["indicative"]) == ("instructed", True)
    assert waiting["explanation"].endswith("its supplier has instructed it; the CSP has not decided yet")
    assert waiting["latest_end"] == waiting["due"] == (NOW + 20 * DAY).isoformat().replace("+00:00", "Z")
    (decided,) = plans(installation, 2)
    assert not decided["indicative"]
    assert "both suppliers have instructed" in why(installation, 7)


@pytest.mark.requirement("PIA-C4")
def test_the_plan_of_a_regrouped_hub_says_so(installation: Installation, store: Store) -> None:
    with store.write() as conn:
        (group,) = schedules.instructions(conn, "REL-1", SUPPLIER, "G2")
        refusal = GroupSay(GroupDecision.REFUSED, None, "no room", piece=True)
        says.put_piece(conn, group, hubs.regions(conn, ids(2)), CSP, refusal, NOW)
    reason = "its supplier has instructed, but the CSP refused this part of the group (no room)"
    assert why(installation, 2) == f"automatic date: {reason}"
    assert why(installation, 3).endswith("; the CSP has decided")


@pytest.mark.usefixtures("store")
def test_what_is_not_planned_says_why(installation: Installation) -> None:
    assert why(installation, 9) == "the hub runs version 01020305"
    assert why(installation, 10) == "the device is Pending, not a commissioned hub"
    assert "CH-2" in refused(1, "plan", "show", FIRST + 11, *installation.config)
    assert why(installation, 11, "--release", "REL-1") == "the release is for another device model"


@pytest.mark.usefixtures("store")
def test_the_marks_of_the_release_are_part_of_the_reason(installation: Installation) -> None:
    assert why(installation, 5).endswith("excluded from the pilot; DCC may update it beforehand")
    assert why(installation, 6).endswith("a proving hub, always in the pilot")


def test_a_hub_in_two_releases_has_a_plan_under_each_the_newest_first(installation: Installation, store: Store) -> None:
    newer = replace(RELEASE, release_id="REL-2", firmware_version="01020306", notified_at=NOW)
    with store.write() as conn:
        releases.put(conn, newer, {})
    assert [row["release"] for row in plans(installation, 1)] == ["REL-2", "REL-1"]
    assert [row["basis"] for row in plans(installation, 1)] == ["automatic_date", "instructed"]
    assert [row["release"] for row in plans(installation, 1, "--release", "REL-1")] == ["REL-1"]


def test_of_two_releases_it_is_said_which_moves_the_hub(installation: Installation, store: Store) -> None:
    """Before, two plans stood side by side, and only the estate at the party door picked the one that counts."""
    newer = replace(RELEASE, release_id="REL-2", firmware_version="01020306", notified_at=NOW)
    with store.write() as conn:
        releases.put(conn, newer, {})

    def moved_by(hub: int, *more: object) -> dict[str, bool]:
        return {row["release"]: row["moves_hub"] for row in plans(installation, hub, *more)}

    assert moved_by(1) == {"REL-2": False, "REL-1": True}, "an instruction that stands is carried out first"
    assert moved_by(1, "--release", "REL-2") == {"REL-2": False}
    assert moved_by(9) == {"REL-2": True, "REL-1": False}, "the older one is active on it"
    assert moved_by(10) == {"REL-2": False, "REL-1": False}, "it is not commissioned: nothing moves it"
    row = next(line for line in done("plan", "show", FIRST + 1, *installation.config).splitlines() if "REL-1" in line)
    assert row.split()[2] == "yes"


@pytest.mark.usefixtures("store")
def test_a_plan_goes_by_the_time_that_the_configuration_names(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a file, as in the sandbox, like every other command: `plan` alone went by the machine's time there."""
    clock = tmp_path / "clock"
    monkeypatch.delenv("DUIS_GATEWAY_CLOCK_FIXED", raising=False)
    monkeypatch.setenv("DUIS_GATEWAY_CLOCK_FILE", str(clock))
    said = []
    for now in (NOW, NOW + 3650 * DAY):
        write_clock(clock, now)
        said.append(why(installation, 1, "--release", "REL-1"))
        listed = done("plan", "list", "--release", "REL-1", "--format", "json", *installation.config)
        row = next(row for row in json.loads(listed) if row["device_id"] == format_eui(FIRST + 1))
        assert row["explanation"] == said[-1]
    assert said[0] != said[1]
    assert "has ended" in said[1]


def test_a_former_supplier_s_instruction_no_longer_counts(installation: Installation, store: Store) -> None:
    """Design section 7: responsibility is looked at again when planning."""
    with store.write() as conn:
        hubs.upsert(conn, [replace(HUBS[0], import_supplier=OTHER_SUPPLIER, gas_supplier=OTHER_SUPPLIER)])
    former = "what a former supplier instructed no longer counts"
    assert why(installation, 1) == f"automatic date: its supplier has not instructed; {former}"
    with store.write() as conn:
        hubs.upsert(conn, [replace(HUBS[0], gas_supplier=OTHER_SUPPLIER)])
    assert why(installation, 1) == "automatic date: the Gas Supplier has not instructed"


def test_the_csp_s_words_to_one_supplier_are_not_shown_to_the_other(installation: Installation, store: Store) -> None:
    with store.read() as conn:
        (group,) = schedules.instructions(conn, "REL-1", OTHER_SUPPLIER)
    with store.write() as conn:
        words = f"no room for {format_eui(OTHER_SUPPLIER)}"
        says.put_say(conn, group, ["North", "South"], CSP, GroupSay(GroupDecision.REFUSED, None, words), NOW)
    assert words in why(installation, 7)
    assert words in why(installation, 7, "--party", OTHER_SUPPLIER)
    shown = why(installation, 7, "--party", SUPPLIER)
    assert shown == "automatic date: the Gas Supplier has instructed, but the CSP refused"


@pytest.mark.usefixtures("store")
def test_a_supplier_is_explained_its_own_hubs_alone(installation: Installation) -> None:
    said = refused(1, "plan", "show", FIRST + 12, "--party", SUPPLIER, *installation.config)
    assert "does not belong to" in said


@pytest.mark.usefixtures("store")
def test_what_is_unknown_is_said(installation: Installation) -> None:
    assert "not in the inventory" in refused(1, "plan", "show", FIRST + 99, *installation.config)
    assert "no release 'R'" in refused(1, "plan", "show", FIRST + 1, "--release", "R", *installation.config)
    assert "no release 'R'" in refused(1, "plan", "list", "--release", "R", *installation.config)
    assert "not an EUI-64" in refused(2, "plan", "show", "hub-1", *installation.config)


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("form", ["csv", "json"])
def test_the_plans_of_a_whole_estate(installation: Installation, form: str) -> None:
    """The same as one by one, and a supplier's are those of its own hubs."""
    asked = ("plan", "list", "--release", "REL-1", "--format", form, *installation.config)

    def listed(*more: object) -> dict[str, str]:
        said = done(*asked, *more)
        rows = json.loads(said) if form == "json" else csv.DictReader(io.StringIO(said))
        return {row["device_id"]: row["explanation"] for row in rows}

    every = listed()
    assert set(every) == {format_eui(hub.device_id) for hub in HUBS if hub.model == "CH-1"}
    one_by_one = {
        format_eui(hub.device_id): why(installation, hub.device_id - FIRST) for hub in HUBS if hub.model == "CH-1"
    }
    assert every == one_by_one
    of_other = listed("--party", OTHER_SUPPLIER)
    assert set(of_other) == {format_eui(one) for one in ids(7, 8, 12)}


@pytest.mark.usefixtures("store")
def test_the_table_is_for_reading(installation: Installation) -> None:
    said = done("plan", "show", FIRST + 8, *installation.config)
    head, line = said.splitlines()
    assert head.split()[:3] == ["device", "id", "release"]
    assert line.endswith("automatic date: the Gas Supplier has not instructed")


def test_a_supplier_that_is_registered_on_an_older_version_is_news_to_its_hubs_second_suppliers(
    installation: Installation, store: Store
) -> None:
    """They are shown why it cannot instruct: first that it is not registered, then its version."""
    newcomer = SUPPLIER + 0x90000
    with store.write() as conn:
        hubs.upsert(conn, [replace(HUBS[0], gas_supplier=newcomer)])
    assert why(installation, 1).endswith("the Gas Supplier cannot instruct (it is not registered)")
    with store.read() as conn:
        before = set(conn.execute(select(model_news.c.model_id, model_news.c.changed_at)).all())
    url = ("--url", "http://127.0.0.1:8090/")
    done("party", "add", newcomer, "--kind", "supplier", "--role", "GS", *url, *installation.config)
    assert why(installation, 1).endswith("the Gas Supplier cannot instruct (older DUIS version)")
    with store.read() as conn:
        after = set(conn.execute(select(model_news.c.model_id, model_news.c.changed_at)).all())
    assert after != before, "`changed-since` shows the hubs again"


@pytest.mark.usefixtures("store")
def test_a_hub_is_named_in_whatever_way_an_eui_is_written(installation: Installation) -> None:
    """The pages took any way, the command line hyphens alone."""
    written = format_eui(FIRST + 1)
    said = done("plan", "show", written, *installation.config)
    assert written in said
    for way in (written.lower(), written.replace("-", ""), written.replace("-", ":")):
        assert done("plan", "show", way, *installation.config) == said, way
