"""`protect`: a supplier's list, as an operator keeps it."""

from __future__ import annotations

from pathlib import Path

import pytest

from duis_gateway.duis.identifiers import format_eui
from tests.support.cli import OTHER_SUPPLIER, SUPPLIER, Installation, done, refused
from tests.support.planned_estate import fill, ids, store_of

pytestmark = pytest.mark.requirement("EX-2")


def test_a_list_is_loaded_shown_and_shortened(installation: Installation, tmp_path: Path) -> None:
    with store_of(installation) as store:
        fill(store)
    file = tmp_path / "hubs.csv"
    first, second, third = map(format_eui, ids(1, 2, 3))
    party = ("--party", SUPPLIER, *installation.config)
    file.write_text(f"device_id\n{first}\n{second.lower()}\n{first}\n")
    assert "protects 2 hubs." in done("protect", "load", file, *party)
    assert done("protect", "list", "--format", "csv", *party).splitlines() == ["device_id", first, second]
    assert done("protect", "list", "--format", "csv", "--party", OTHER_SUPPLIER, *installation.config) == "device_id\n"
    file.write_text(f"{second}\n{third}\n")
    assert "1 hub removed" in done("protect", "remove", file, *party)
    assert done("protect", "list", "--format", "csv", *party).splitlines() == ["device_id", first]
    for form in ("json", "csv"):
        file.write_text(done("protect", "list", "--format", form, *party))
        assert "1 hub removed" in done("protect", "remove", file, *party)
        assert "protects 1 hub." in done("protect", "load", file, *party)
    file.write_text(f"{first},{second}\n")
    for doing in ("load", "remove"):
        assert "line 1 has 2 fields where one EUI-64 is expected" in refused(2, "protect", doing, file, *party)
    assert done("protect", "list", "--format", "csv", *party).splitlines() == ["device_id", first]
    file.write_text("[]")
    assert "protects 0 hubs." in done("protect", "load", file, *party)
    file.write_text("")
    assert "it is empty" in refused(2, "protect", "load", file, *party)
    file.write_text("device_id\n")
    assert "protects 0 hubs." in done("protect", "load", file, *party)


def test_only_suppliers_have_one_and_a_wrong_file_changes_nothing(installation: Installation, tmp_path: Path) -> None:
    with store_of(installation) as store:
        fill(store)
    file = tmp_path / "hubs.csv"
    file.write_text("00-DB\n")
    assert "00-DB" in refused(2, "protect", "load", file, "--party", SUPPLIER, *installation.config)
    file.write_text("device_id\n")
    assert "is not registered" in refused(1, "protect", "load", file, "--party", 0x1234, *installation.config)
