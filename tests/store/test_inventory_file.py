"""The inventory as a CSV file (threats T59, T60)."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.errors import ConfigurationError
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.inventory_file import HEADER, LoadResult, export_csv, load_csv
from duis_gateway.store.engine import Store
from tests.support.databases import fresh_database
from tests.support.estate import ALPHA, HIGH, NOW, TOP, hub

ALPHA_TEXT = format_eui(ALPHA)
GOOD = f"90-B3-D5-1F-30-00-00-01,CHF,Acme,Hub1,01020304,Commissioned,North,{ALPHA_TEXT},"
HEAD = ",".join(HEADER)


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "inventory.csv"


def _write(path: Path, *lines: str, end: str = "\n") -> None:
    path.write_text(end.join((HEAD, *lines, "")), newline="")


def test_what_is_exported_loads_into_the_same_inventory(store: Store, path: Path) -> None:
    """T43: identifiers from 2^63 on too."""
    estate = [
        hub(1, None, None),
        hub(TOP, ALPHA, HIGH),
        hub(HIGH, TOP - 1, TOP, model='Hub "2", new', region="4G Central"),
        replace(hub(TOP - 1), status="Pending", device_type="ESME", firmware_version="é"),
    ]
    with store.write() as connection:
        hubs.upsert(connection, estate)
    assert export_csv(store, path) == 4
    first = path.read_text()
    with store.write() as connection:
        hubs.upsert(connection, [hub(one.device_id, 5, 6, version="x") for one in estate])
    assert load_csv(store, path) == LoadResult(4)
    export_csv(store, path)
    assert path.read_text() == first
    with store.read() as connection:
        assert hubs.get(connection, HIGH) == replace(estate[2], told_version="01020304")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_ends_and_a_byte_order_mark_are_read(store: Store, path: Path, end: str) -> None:
    _write(path, GOOD, "", GOOD.replace("00-01,", "00-02,"), end=end)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"90-B3", b"90-b3"))
    assert load_csv(store, path) == LoadResult(2)
    with store.read() as connection:
        assert hubs.get_many(connection, [0x90B3D51F30000001, 0x90B3D51F30000002]).keys() == {
            0x90B3D51F30000001,
            0x90B3D51F30000002,
        }


def test_of_two_lines_for_one_hub_the_last_counts(store: Store, path: Path) -> None:
    _write(path, GOOD, GOOD.replace("01020304", "01020305"))
    load_csv(store, path)
    with store.read() as connection:
        found = hubs.get(connection, 0x90B3D51F30000001)
    assert found is not None
    assert (found.firmware_version, found.import_supplier, found.gas_supplier) == ("01020305", ALPHA, None)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (GOOD + ",", "10 fields in the place of 9"),
        (GOOD.replace("90-B3", "90B3", 1), "device_id is not an EUI-64"),
        (GOOD.replace("90-B3", "=0-B3", 1), "device_id is not an EUI-64"),
        (GOOD + "x", "gas_supplier is not an EUI-64"),
        (GOOD.replace(ALPHA_TEXT, "nobody"), "import_supplier is not an EUI-64"),
        (GOOD.replace("Acme", ""), "manufacturer is empty"),
        (GOOD.replace("Acme", "A" * 201), "manufacturer is longer than 200 characters"),
        (GOOD.replace("Hub1", "=cmd|' /C calc'!A0"), "model begins with '='"),
        (GOOD.replace("Hub1", '"+1\n"'), "model begins with"),
        (GOOD.replace("Hub1", '"Hub\n1"'), "model has a control character"),
        (GOOD.replace("Hub1", "Hub\x00"), "model has a control character"),
        (GOOD.replace("Hub1", "Hub\udcff"), "not UTF-8"),
        (GOOD.replace("Commissioned", "commissioned"), "status 'commissioned' is not one of DUIS's"),
        (GOOD.replace("North", "Wales"), "csp_region 'Wales' is not one of DUIS's"),
        (GOOD.replace("Hub1", '"Hub"1'), "expected after"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_loaded(store: Store, path: Path, line: str, reason: str) -> None:
    """T59: all or nothing; spreadsheet formulas are refused."""
    content = "\n".join((HEAD, GOOD, line, GOOD, ""))
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    result = load_csv(store, path)
    assert result.rows == 0
    assert [error.line for error in result.errors] == [3 + line.count("\n")]
    assert reason in str(result.errors[0])
    with store.read() as connection:
        assert hubs.count(connection) == 0


def test_every_line_is_checked_and_the_first_twenty_are_named(store: Store, path: Path) -> None:
    _write(path, *(["wrong", GOOD] * 30))
    result = load_csv(store, path)
    assert result.rows == 0
    assert [error.line for error in result.errors] == list(range(2, 42, 2))


def test_an_unclosed_quote_is_an_error_and_not_the_rest_of_the_file(store: Store, path: Path) -> None:
    _write(path, GOOD.replace("Hub1", '"Hub1'), *([GOOD] * 5000))
    result = load_csv(store, path)
    assert result.rows == 0
    assert "field larger than field limit" in result.errors[0].reason


@pytest.mark.parametrize("content", ["", "device_id\n", f"{HEAD},x\n", GOOD + "\n"])
def test_a_file_without_the_header_is_refused(store: Store, path: Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(ConfigurationError, match="header line device_id,device_type"):
        load_csv(store, path)


def test_a_file_that_cannot_be_read_or_written_is_refused_in_plain_words(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_csv(store, tmp_path / "absent.csv")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        export_csv(store, tmp_path / "absent" / "inventory.csv")


def test_an_exported_text_is_no_formula(store: Store, path: Path) -> None:
    """T59: what came in by another door cannot run in a spreadsheet."""
    with store.write() as connection:
        hubs.upsert(connection, [hub(1, model="=1+1")])
    export_csv(store, path)
    assert ",'=1+1," in path.read_text()


def test_what_was_told_survives_a_load(store: Store, path: Path) -> None:
    _write(path, GOOD)
    known = replace(hub(0x90B3D51F30000001), told_version="09", completed_at=NOW)
    with store.write() as connection:
        hubs.upsert(connection, [known])
        hubs.record_activations(connection, [known])
    load_csv(store, path)
    with store.read() as connection:
        assert hubs.get(connection, known.device_id) == replace(known, gas_supplier=None)


def test_progress_rises_to_the_whole(store: Store, path: Path) -> None:
    _write(path, *(GOOD.replace("00-01,", f"{number:02X}-01,") for number in range(200)))
    loading: list[tuple[int, int]] = []
    exporting: list[tuple[int, int]] = []
    load_csv(store, path, lambda done, whole: loading.append((done, whole)))
    assert loading == sorted(loading)
    assert loading[-1] == (2 * path.stat().st_size,) * 2
    export_csv(store, path, lambda done, whole: exporting.append((done, whole)))
    assert exporting[-1] == (200, 200)


_LOAD_AND_EXPORT = """
import resource, sys
from pathlib import Path
from duis_gateway.store.engine import Store
from duis_gateway.rollout.hubs.inventory_file import export_csv, load_csv
store = Store.open(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert load_csv(store, Path(sys.argv[2])).rows == 200_000
assert export_csv(store, Path(sys.argv[3])) == 200_000
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


@pytest.mark.once
@pytest.mark.processes
def test_memory_does_not_grow_with_the_file(path: Path, tmp_path: Path) -> None:
    """Some 17 MB of text, 200,000 hubs: no more than the hubs of one commit are ever held."""
    with path.open("w") as file:
        file.write(f"{HEAD}\n")
        for number in range(200_000):
            file.write(f"{format_eui(TOP + number)},CHF,Acme,Hub1,01020304,Commissioned,North,{ALPHA_TEXT},\n")
    with fresh_database("sqlite", tmp_path) as url:
        ran = subprocess.run(
            [sys.executable, "-c", _LOAD_AND_EXPORT, url, str(path), str(tmp_path / "out.csv")],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
    assert int(ran.stdout) < 80_000_000
