"""`inventory load` while releases are live: what it changes is told as of an InventoryUpdate, slice by slice."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from duis_gateway.rollout.hubs import inventory_file
from duis_gateway.rollout.hubs.inventory_lines import HEADER
from tests.journeys.test_x09_plan import launch
from tests.journeys.test_x09_plan import told as plan_told
from tests.support.cli import done, refused
from tests.support.databases import KINDS
from tests.support.dcc_play import told
from tests.support.installation import RELEASED
from tests.support.lots import inventory_rows
from tests.support.play import Play

DATABASES = KINDS
pytestmark = [pytest.mark.processes, pytest.mark.requirement("X09", "BR-5.6")]


def whole_lot(play: Play, file: Path, changed: dict[str, dict[str, str]]) -> Path:
    """Write the lot's inventory as it was loaded, but for these columns of these hubs."""
    with file.open("w", newline="", encoding="ascii") as opened:
        rows = csv.DictWriter(opened, HEADER)
        rows.writeheader()
        for row in inventory_rows(play.lot):
            line = dict(zip(HEADER, row, strict=True))
            rows.writerow(line | changed.get(line["device_id"], {}))
    return file


def load(play: Play, file: Path) -> str:
    return done("inventory", "load", file, "--config", play.installation.config)


@pytest.fixture
def north(play: Play) -> list[str]:
    """The supplier's own hubs in the north, instructed together."""
    play.announce()
    ids = play.lot.of_csp("north", play.lot["own"])
    assert play.pilot_schedule("main", launch("G1", ids)).code == "I99"
    play.forget()
    return ids


def test_each_change_is_told_to_everybody_concerned(
    play: Play, north: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One hub of each kind of change, in commits of five hubs each; what did not change is not told."""
    supplier, region, version, status, *rest = north
    monkeypatch.setattr(inventory_file, "_HUBS_A_COMMIT", 5)
    changed = {
        supplier: {"import_supplier": play["gas"].eui, "gas_supplier": play["gas"].eui},
        region: {"csp_region": "South"},
        version: {"firmware_version": RELEASED},
        status: {"status": "Suspended"},
    }
    assert load(play, whole_lot(play, tmp_path / "hubs.csv", changed)) == f"Loaded {len(play.lot.regions)} lines.\n"
    void = {
        supplier: "ChangedSupplier",
        version: "RunsVersion",
        status: "NotCommissioned",
    }
    play.settle()
    assert by_hub(play, "main") == void
    assert by_hub(play, "north") == {**void, region: "ChangedRegion"}
    assert by_hub(play, "south") == {region: "Requested"}
    assert by_hub(play, "dcc") == void
    assert by_hub(play, "gas") == {}
    assert not rest or rest[0] not in by_hub(play, "north")
    play.forget()
    load(play, tmp_path / "hubs.csv")
    assert told(play) == {}, "nothing has changed since"


def by_hub(play: Play, party: str) -> dict[str, str]:
    return {device_id: what for what, ids in plan_told(play, party) for device_id in ids}


@pytest.mark.requirement("X06", "BR-3.3")
def test_a_change_of_the_second_supplier_is_told_by_n73(play: Play, tmp_path: Path) -> None:
    play.announce()
    device = play.lot.within("North", of=play.lot["split"])[0]
    assert play.pilot_schedule("main", launch("A", [device])).code == "I99"
    play.forget()
    load(play, whole_lot(play, tmp_path / "hubs.csv", {device: {"gas_supplier": play["idle"].eui}}))
    assert told(play) == {"idle": ["N73"]}
    (alert,) = play.received("idle")
    assert (alert.text("OtherSupplier"), alert.listed()) == ("Instructed", [device])


def test_what_cannot_be_told_is_not_loaded(play: Play, north: list[str], tmp_path: Path) -> None:
    """Without a signing key, while a release is live: before the first hub, with the reason."""
    file = whole_lot(play, tmp_path / "hubs.csv", {north[0]: {"status": "Suspended"}})
    config = tmp_path / "gateway.toml"
    here = play.installation.config.read_text(encoding="utf-8").replace('"pki/', f'"{play.installation.pki}/')
    config.write_text(here.replace("gateway.key", "absent.key"), encoding="utf-8")
    said = refused(2, "inventory", "load", file, "--config", config)
    assert "cannot be signed" in said
    assert "absent.key" in said
    assert play.installation.hub(north[0]).status == "Commissioned"
