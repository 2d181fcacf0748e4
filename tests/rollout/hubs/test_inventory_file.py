"""The inventory as a CSV file (threats T59, T60)."""

from __future__ import annotations

import csv
import gc
import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from duis_gateway.clock import FixedClock
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.duis.simple_types import duis_type
from duis_gateway.errors import ConfigurationError, NotDurable
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import Party, PartyKind
from duis_gateway.rollout.hubs import inventory_file
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.inventory_file import LoadResult, export_csv
from duis_gateway.rollout.hubs.inventory_lines import GPF_COLUMN, HEADER
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.store.bulk import Progress
from duis_gateway.store.engine import Store, StoreOptions
from tests.support.databases import fresh_database, opened
from tests.support.doors import silent_moments
from tests.support.estate import ALPHA, HIGH, NOW, TOP, hub

ALPHA_TEXT, NORTH_TEXT, DCC_TEXT = map(format_eui, range(ALPHA, ALPHA + 3))
NOBODY_TEXT = format_eui(0)
GOOD = f"90-B3-D5-1F-30-00-00-01,CHF,Acme,Hub1,01020304,Commissioned,North,{ALPHA_TEXT},"
HEAD = ",".join(HEADER)


def load_csv(store: Store, path: Path, progress: Progress | None = None) -> LoadResult:
    return inventory_file.load_csv(silent_moments(store, FixedClock(NOW)), path, progress)


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
        (GOOD + ",", "10 fields where the header has 9"),
        (GOOD.replace("90-B3", "90B3", 1), "device_id is not an EUI-64"),
        (GOOD.replace("90-B3", "=0-B3", 1), "device_id is not an EUI-64"),
        (GOOD + "x", "gas_supplier is not an EUI-64"),
        (GOOD.replace(ALPHA_TEXT, "nobody"), "import_supplier is not an EUI-64"),
        (GOOD.replace("Acme", ""), "manufacturer is empty"),
        (GOOD.replace("CHF", "Communications Hub"), "device_type is 'Communications Hub', but must be one of ESME,"),
        (GOOD.replace("CHF", "chf"), "device_type is 'chf', but must be one of"),
        (GOOD.replace("Acme", "A" * 31), "manufacturer has 31 characters, but may have only 30"),
        (GOOD.replace("Hub1", "SMETS2 Dual Band Communications Hub G2-X"), "model has 40 characters"),
        (GOOD.replace("01020304", "010203045"), "firmware_version has 9 characters, but may have only 8"),
        (GOOD.replace("Hub1", "Hub1 "), "model begins or ends with a space"),
        (GOOD.replace("Hub1", "\xa0Hub1"), "model begins or ends with a space"),
        (GOOD.replace("Hub1", '"Hub\n1"'), "model has the control character U+000A"),
        (GOOD.replace("Hub1", "Hub\x00"), "model has the control character U+0000"),
        (GOOD.replace("Hub1", "Hub\x9b"), "model has the control character U+009B"),
        (GOOD.replace("Hub1", "Hub\u202e"), "model has the control character U+202E"),
        (GOOD.replace("Hub1", "Hub\ufffe"), "model has the control character U+FFFE"),
        (GOOD.replace("Hub1", "Hub\udcff"), "model is not UTF-8"),
        (GOOD.replace("Commissioned", "commissioned"), "status is 'commissioned', but must be one of Pending,"),
        (GOOD.replace("North", "Wales"), "csp_region is 'Wales', but must be one of North,"),
        (GOOD.replace("Hub1", '"Hub"1'), "expected after"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_loaded(store: Store, path: Path, line: str, reason: str) -> None:
    """T59: all or nothing; each column is held to DUIS's type."""
    content = "\n".join((HEAD, GOOD, line, GOOD, ""))
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    result = load_csv(store, path)
    assert result.rows == 0
    assert [error.line for error in result.errors] == [3 + line.count("\n")]
    assert reason in str(result.errors[0])
    with store.read() as connection:
        assert hubs.count(connection) == 0


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (GOOD.replace("90-B3-D5-1F-30-00-00-01", ALPHA_TEXT), "device_id is the EUI-64 of a registered supplier, not"),
        (GOOD.replace("90-B3-D5-1F-30-00-00-01", NORTH_TEXT), "device_id is the EUI-64 of a registered CSP, not"),
        (GOOD.replace("90-B3-D5-1F-30-00-00-01", DCC_TEXT), "device_id is the EUI-64 of DCC's enterprise systems"),
        (GOOD.replace("90-B3-D5-1F-30-00-00-01", NOBODY_TEXT), "device_id is all zeros, which is no device"),
        (f"{GOOD},{ALPHA_TEXT}", "gpf_device_id is the EUI-64 of a registered supplier, not of a device"),
        (f"{GOOD},{NOBODY_TEXT}", "gpf_device_id is all zeros"),
        (GOOD.replace(ALPHA_TEXT, NORTH_TEXT), "import_supplier is the EUI-64 of a registered CSP, not of a supplier"),
        (GOOD + NOBODY_TEXT, "gas_supplier is all zeros, which is nobody: where a hub has none, it is left out"),
    ],
)
def test_an_eui_of_a_party_or_of_nobody_is_no_device(store: Store, path: Path, line: str, reason: str) -> None:
    with store.write() as connection:
        for number, kind in enumerate((PartyKind.SUPPLIER, PartyKind.CSP, PartyKind.DCC)):
            parties.add(connection, Party(ALPHA + number, kind, "http://127.0.0.1:1/"))
    paired = line.count(",") == len(HEADER)
    path.write_text("\n".join((PAIRED_HEAD, f"{GOOD},", line, "") if paired else (HEAD, GOOD, line, "")))
    result = load_csv(store, path)
    assert (result.rows, [error.line for error in result.errors]) == (0, [3])
    assert reason in result.errors[0].reason
    with store.read() as connection:
        assert hubs.count(connection) == 0


def test_every_line_is_checked_and_the_first_twenty_are_named(store: Store, path: Path) -> None:
    _write(path, *(["wrong", GOOD] * 30))
    result = load_csv(store, path)
    assert result.rows == 0
    assert [error.line for error in result.errors] == list(range(2, 42, 2))


@pytest.mark.parametrize("lines", [[GOOD.replace("Hub1", '"Hub1'), *[GOOD] * 5000], ['"ab', *['","ab'] * 50_000]])
def test_a_quotation_mark_too_many_is_an_error_and_not_the_rest_of_the_file(
    store: Store, path: Path, lines: list[str]
) -> None:
    """Neither where a field does not end, nor where all lines are fields of one record."""
    _write(path, *lines)
    result = load_csv(store, path)
    assert result.rows == 0
    assert "is there a quotation mark too many?" in result.errors[0].reason


PAIRED_HEAD = f"{HEAD},{GPF_COLUMN}"
GPF_EUI = "90-B3-D5-1F-30-00-00-0A"
OTHER = GOOD.replace("00-01,", "00-02,", 1)


def _write_paired(path: Path, *lines: str) -> None:
    path.write_text("\n".join((PAIRED_HEAD, *lines, "")))


def gpf_of(store: Store, device_id: int = 0x90B3D51F30000001) -> int | None:
    with store.read() as connection:
        found = hubs.get(connection, device_id)
    assert found is not None
    return found.gpf


def test_a_hub_is_loaded_with_its_gpf(store: Store, path: Path) -> None:
    """Also one of which the file says nothing else; a file without the column leaves the pair alone."""
    _write_paired(path, f"{GOOD},{GPF_EUI}", f"{OTHER},")
    assert load_csv(store, path) == LoadResult(2)
    assert (gpf_of(store), gpf_of(store, 0x90B3D51F30000002)) == (0x90B3D51F3000000A, None)
    with store.read() as connection:
        own = hubs.get(connection, 0x90B3D51F3000000A)
    assert own is not None
    assert (own.device_type, own.model, own.import_supplier, own.status) == ("GPF", "Hub1", ALPHA, "Commissioned")
    line = GOOD.replace("01020304", "01020305")
    _write(path, line, f"{GPF_EUI},GPF,Acme,Hub1,0,Pending,South,,")
    load_csv(store, path)
    with store.read() as connection:
        own = hubs.get(connection, 0x90B3D51F3000000A)
    assert own is not None
    assert (gpf_of(store), own.firmware_version, own.status) == (0x90B3D51F3000000A, "01020305", "Pending")
    _write_paired(path, f"{OTHER},{GPF_EUI}")
    load_csv(store, path)
    assert (gpf_of(store), gpf_of(store, 0x90B3D51F30000002)) == (None, 0x90B3D51F3000000A)
    _write_paired(path, f"{OTHER},")
    load_csv(store, path)
    assert gpf_of(store, 0x90B3D51F30000002) is None


@pytest.mark.parametrize(
    ("lines", "wrong", "reason"),
    [
        ([f"{GOOD},x"], 2, "gpf_device_id is not an EUI-64"),
        ([f"{GOOD},90-B3-D5-1F-30-00-00-01"], 2, "gpf_device_id is the hub itself"),
        ([GOOD.replace("CHF", "GPF") + f",{GPF_EUI}"], 2, "gpf_device_id is given, but only a CHF has one"),
        (
            [f"{GOOD},{GPF_EUI}", f"{OTHER},{GPF_EUI}"],
            3,
            "gpf_device_id already belongs to another hub, in line 2",
        ),
        ([f"{OTHER},", f"{GOOD},90-B3-D5-1F-30-00-00-02"], 3, "gpf_device_id already belongs to another hub"),
        ([f"{GOOD},90-B3-D5-1F-30-00-00-02", f"{OTHER},"], 3, "device_id is the gpf_device_id of line 2"),
        ([f"{GOOD},90-B3-D5-1F-30-00-00-FF"], 2, "gpf_device_id is a CHF in the inventory, not a GPF"),
        ([GOOD], 2, "9 fields where the header has 10"),
    ],
)
def test_a_pair_that_cannot_be_is_named_and_nothing_is_loaded(
    store: Store, path: Path, lines: list[str], wrong: int, reason: str
) -> None:
    with store.write() as connection:
        hubs.upsert(connection, [hub(0x90B3D51F300000FF)])
    _write_paired(path, *lines)
    result = load_csv(store, path)
    assert [error.line for error in result.errors] == [wrong]
    assert reason in str(result.errors[0])
    with store.read() as connection:
        assert hubs.count(connection) == 1


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


MODELS = (
    st.text(
        st.one_of(st.sampled_from("'=+-@\uff1d,\"; \xa0"), st.characters(exclude_categories=["C", "Z"])), max_size=30
    )
    .map(str.strip)
    .filter(lambda text: duis_type("DeviceModel").fault(text) is None)
)
VERSIONS = st.text("'=-+@09a", min_size=1, max_size=8)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much])
@given(st.lists(st.tuples(MODELS, MODELS, VERSIONS, st.booleans()), min_size=1, max_size=5))
@example([("=1+1", "'=1+1", "-9001", True), ("''@", "'", "'-", False)])
def test_export_and_load_are_inverse_for_whatever_can_be_stored(
    store: Store, path: Path, names: list[tuple[str, str, str, bool]]
) -> None:
    """T59: and no cell of the file is a formula. Hubs come with their GPFs and without."""
    estate: list[Hub] = []
    for number, (maker, model, version, paired) in enumerate(names, start=1):
        one = replace(hub(number, model=model, version=version), manufacturer=maker)
        estate.append(replace(one, gpf_device_id=TOP + number if paired else None))
        if paired:
            estate.append(replace(one, device_id=TOP + number, device_type="GPF", status="Pending"))
    with store.write() as connection:
        hubs.upsert(connection, estate)
    export_csv(store, path)
    with path.open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(tuple("=+-@\t\r\n"))]
    with store.write() as connection:
        hubs.upsert(connection, [replace(hub(one.device_id), device_type=one.device_type) for one in estate])
    assert load_csv(store, path).errors == []
    with store.read() as connection:
        found = hubs.get_many(connection, [one.device_id for one in estate])
    assert [replace(found[one.device_id], told_version=None) for one in estate] == estate


def test_a_formula_without_its_apostrophe_is_taken_as_it_stands(store: Store, path: Path) -> None:
    _write(path, GOOD.replace("Hub1", "=1+1").replace("01020304", "-9001"))
    assert load_csv(store, path) == LoadResult(1)
    with store.read() as connection:
        found = hubs.get(connection, 0x90B3D51F30000001)
    assert found is not None
    assert (found.model, found.firmware_version) == ("=1+1", "-9001")


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


def test_a_load_that_breaks_off_says_nothing_but_why(
    database_url: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of the file is let go of before the file is closed; otherwise Python prints a traceback."""
    ignored: list[object] = []
    locked: list[int] = []
    monkeypatch.setattr(sys, "unraisablehook", ignored.append)
    monkeypatch.setattr(inventory_file, "_HUBS_A_COMMIT", 2)
    _write(path, *(GOOD.replace("00-01,", f"{number:02X}-01,") for number in range(9)))
    with opened(database_url) as other, ExitStack() as held, opened(database_url, StoreOptions(timeout=0.2)) as store:

        def lock(done: int, whole: int) -> None:
            if done == whole // 2 and not locked:
                locked.append(done)
                connection = held.enter_context(other.write(alone=True))
                if not other.is_sqlite:
                    connection.execute(text("LOCK TABLE hub IN EXCLUSIVE MODE"))

        with pytest.raises(NotDurable):
            load_csv(store, path, lock)
    gc.collect()
    assert ignored == []


_LOAD_AND_EXPORT = """
import resource, sys
from pathlib import Path
from duis_gateway.store.engine import Store
from duis_gateway.clock import SystemClock
from duis_gateway.rollout.hubs.inventory_file import export_csv, load_csv
from duis_gateway.rollout.moments import Moments
store = Store.open(sys.argv[1])
moments = Moments(store, SystemClock(), lambda: None, 95_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert load_csv(moments, Path(sys.argv[2])).rows == 200_000
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
