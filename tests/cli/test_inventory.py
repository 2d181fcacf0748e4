"""`inventory` and `status`: hubs from and to CSV, and a supplier's estate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from duis_gateway.duis.identifiers import format_eui
from tests.support.cli import OTHER_SUPPLIER, SUPPLIER, Installation, done, refused, run

HEADER = (
    "device_id,device_type,manufacturer,model,firmware_version,status,csp_region,import_supplier,gas_supplier,"
    "gpf_device_id"
)


def line(number: int, version: str = "01020304", status: str = "Commissioned", gas: int | None = None) -> str:
    gas_supplier = "" if gas is None else format_eui(gas)
    hub = format_eui(0x00DB123456000000 + number)
    return f"{hub},CHF,Acme,CH-1,{version},{status},North,{format_eui(SUPPLIER)},{gas_supplier},"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "hubs.csv"


def write(file: Path, *lines: str) -> Path:
    file.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return file


def test_what_is_loaded_is_exported_the_same(installation: Installation, file: Path, tmp_path: Path) -> None:
    write(file, *(line(number, gas=OTHER_SUPPLIER) for number in range(1, 4)))
    assert done("inventory", "load", file, *installation.config) == "Loaded 3 lines.\n"
    done("inventory", "export", tmp_path / "out.csv", *installation.config)
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == file.read_text(encoding="utf-8")


def test_lines_are_counted_and_not_hubs(installation: Installation, file: Path) -> None:
    """A hub may have several lines, which nobody can know to be of one hub without remembering all of the file."""
    write(file, line(1), line(1), line(2))
    assert done("inventory", "load", file, *installation.config) == "Loaded 3 lines.\n"


def test_progress_is_shown_to_a_person_alone(installation: Installation, file: Path) -> None:
    ran = run("inventory", "load", write(file, line(1)), *installation.config)
    assert ran.output == "Loaded 1 line.\n"
    assert ran.error == ""


def test_one_wrong_line_and_nothing_is_loaded(installation: Installation, file: Path) -> None:
    """T59"""
    write(file, line(1), line(2, status="Broken"), line(3).replace("North", "Wales"))
    said = refused(2, "inventory", "load", file, *installation.config)
    assert said.startswith(f"{file}: nothing was loaded: line 3: ")
    assert "line 4: " in said
    assert estate(installation, SUPPLIER) == []


def test_a_header_without_a_column_is_refused(installation: Installation, file: Path) -> None:
    file.write_text("device_id,model\n", encoding="utf-8")
    assert str(file) in refused(2, "inventory", "load", file, *installation.config)


def test_an_export_overwrites_nothing(installation: Installation, file: Path) -> None:
    write(file, line(1))
    assert "is not overwritten" in refused(2, "inventory", "export", file, *installation.config)
    assert file.read_text(encoding="utf-8").endswith(line(1) + "\n")


def estate(installation: Installation, party: int) -> list[dict[str, object]]:
    installation_has = run("party", "list", "--format", "csv", *installation.config).output
    if format_eui(party) not in installation_has:
        installation.add_supplier(party)
    found: list[dict[str, object]] = json.loads(
        done("status", "--party", party, "--format", "json", *installation.config)
    )
    return found


@pytest.mark.requirement("BR-5.3")
def test_status_counts_a_suppliers_own_hubs_and_no_others(installation: Installation, file: Path) -> None:
    write(file, line(1), line(2), line(3, version="01020305", gas=OTHER_SUPPLIER))
    done("inventory", "load", file, *installation.config)
    assert [(row["firmware_version"], row["hubs"]) for row in estate(installation, SUPPLIER)] == [
        ("01020304", 2),
        ("01020305", 1),
    ]
    assert [row["hubs"] for row in estate(installation, OTHER_SUPPLIER)] == [1]


def test_status_of_a_stranger_is_refused(installation: Installation) -> None:
    assert "is not registered" in refused(1, "status", "--party", SUPPLIER, *installation.config)


def test_what_is_wrong_is_named_by_line_and_column(installation: Installation, file: Path) -> None:
    """T59"""
    wrong = write(file, line(1), line(2).replace("Acme", "Acme "))
    said = refused(2, "inventory", "load", wrong, *installation.config)
    assert "line 3: manufacturer begins or ends with a space" in said
