"""The inventory as a CSV file: loading and exporting millions of hubs in constant memory (threat T59)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from sqlalchemy import select

from duis_gateway.duis.identifiers import format_eui, format_euis, parse_eui
from duis_gateway.duis.simple_types import duis_type
from duis_gateway.errors import ConfigurationError
from duis_gateway.flow.tx import Moment
from duis_gateway.machine.files import open_output, open_seekable
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.changes import change, look
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.moments import Moments
from duis_gateway.rollout.releases import store as releases
from duis_gateway.store.bulk import Progress
from duis_gateway.store.engine import Store
from duis_gateway.store.tables import device_model, hub
from duis_gateway.text.cells import csv_lines, unguarded

if TYPE_CHECKING:
    import _csv

HEADER = (
    "device_id",
    "device_type",
    "manufacturer",
    "model",
    "firmware_version",
    "status",
    "csp_region",
    "import_supplier",
    "gas_supplier",
)
_TYPES = {
    "device_type": "DeviceType",
    "manufacturer": "DeviceManufacturer",
    "model": "DeviceModel",
    "firmware_version": "FirmwareVersion",
    "status": "DeviceStatus",
    "csp_region": "CSPRegion",
}
"""The columns of text, and DUIS's type of each."""

_MAX_ERRORS = 20
_REMEMBERED = 10_000
_ROWS_A_REPORT = 1_000
_ROWS_A_FETCH = 5_000
_MAX_LINE = 65_536
_HUBS_A_COMMIT = 20_000

"""Called with what is done and the whole, in bytes of the file or in hubs."""


@dataclass(frozen=True, slots=True)
class LineError:
    """A line of the file that cannot be loaded, and why."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class LoadResult:
    """How many hubs were loaded; or, with nothing loaded, the first twenty lines that are wrong."""

    rows: int
    errors: list[LineError] = field(default_factory=list)


class _LineWrong(ValueError):
    """The text says what is wrong with the line."""


def load_csv(moments: Moments, path: Path, progress: Progress | None = None) -> LoadResult:
    """Load an inventory file: all of it, or, if any line is wrong, nothing.

    The file is read twice: first every line is checked, then hubs are written in commits of 20,000. What comes by a
    pipe is kept in a temporary file meanwhile, beside a SQLite database or where the system has such. A hub that
    is in the inventory already is brought up to date; what its suppliers were told, and when it was activated, stays.
    A hub named twice has what the last of its lines says. What the change of a hub does to its plan under a live
    release, and to its second supplier, is told in the same commit, as of an `InventoryUpdate`.

    Args:
        moments: opens the commits.
        path: UTF-8, with a header line; any line ends. `-` is standard input.
        progress: told of the bytes read, of twice the file's size.

    Raises:
        ConfigurationError: the file cannot be read, or its header line is not `HEADER`.
        NotDurable: the database cannot be written, or releases are live and what is to be told cannot be signed; the
            commits before stay, and the load can be run again.
    """
    store = moments.store
    try:
        with open_seekable(path, store.sqlite_path.parent if store.sqlite_path else None) as file:
            return _load(moments, _InventoryFile(path, file), progress or _silent)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error


def _load(moments: Moments, file: _InventoryFile, report: Progress) -> LoadResult:
    errors: list[LineError] = []
    for _ in file.read(errors, lambda done, size: report(done, 2 * size)):
        pass
    if errors:
        return LoadResult(0, errors)
    with moments.store.read() as connection:
        if releases.live(connection):  # better now than after half the file
            moments.require_signer()
    rows = 0
    found = file.read(errors, lambda done, size: report(size + done, 2 * size))
    while chunk := list(islice(found, _HUBS_A_COMMIT)):
        with moments.open(alone=True) as moment:
            _write(moment, [Hub(device_id, *kind) for device_id, kind in chunk])
        rows += len(chunk)
    return LoadResult(rows, errors)


def _write(moment: Moment, given: list[Hub]) -> None:
    """Write those of the hubs that change, and tell what that does where releases are live."""
    newest = {hub.device_id: hub for hub in given}
    change(moment, newest.values(), look(moment, newest.values()))


def export_csv(store: Store, path: Path, progress: Progress | None = None) -> int:
    """Write the whole inventory as it is at one moment into a file (`-`: standard output); return the number of hubs.

    A text that a spreadsheet would run as a formula gets an apostrophe in front, which `load_csv` takes away.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    report = progress or _silent
    columns = (*hubs.HUB_COLUMNS[: len(HEADER) - 2], hub.c.import_supplier, hub.c.gas_supplier)
    query = select(*columns).join_from(hub, device_model, device_model.c.id == hub.c.model_id).order_by(hub.c.device_id)
    rest = _Rest()
    done = 0
    try:
        with _text_output(path) as file, store.read() as connection:
            file.write(csv_lines([HEADER], "\n"))
            whole = hubs.count(connection)
            for rows in connection.execute(query, execution_options={"yield_per": _ROWS_A_FETCH}).partitions():
                names = format_euis(device_id for device_id, *_ in rows).split(",")
                file.writelines(name + rest.of(others) for name, (_, *others) in zip(names, rows, strict=True))
                done += len(rows)
                report(done, whole)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error
    return done


class _Rest:
    """What follows a hub's identifier in its line; it comes again and again, and is written once."""

    def __init__(self) -> None:
        self._written: dict[tuple[Any, ...], str] = {}

    def of(self, others: Iterable[Any]) -> str:
        """Return the rest of a line, from the comma after the identifier on."""
        kind = tuple(others)
        written = self._written.get(kind)
        if written is None:
            *texts, import_supplier, gas_supplier = kind
            suppliers = (None if eui is None else format_eui(eui) for eui in (import_supplier, gas_supplier))
            written = csv_lines([("", *texts, *suppliers)], "\n")
            if len(self._written) < _REMEMBERED:
                self._written[kind] = written
        return written


def _silent(_done: int, _whole: int) -> None:
    """Report to nobody."""


_Kind = tuple[str, str, str, str, str, str, int | None, int | None]
"""What a line says of its hub beside its identifier, in the order of the fields of `Hub`."""

_Line = tuple[int, _Kind]


class _Checker:
    """Reads lines; remembers what it found good, as what hubs have in common comes again and again."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, ...], _Kind] = {}

    def line(self, fields: list[str]) -> _Line:
        """Return the identifier of a line's hub, and what the line says of it.

        Raises:
            _LineWrong: the line is not what it should be.
        """
        device_id, *others = fields
        texts = tuple(others)
        kind = self._kinds.get(texts)
        if kind is None:
            kind = _kind(texts)
            if len(self._kinds) < _REMEMBERED:
                self._kinds[texts] = kind
        return _eui("device_id", device_id), kind


def _kind(texts: tuple[str, ...]) -> _Kind:
    if len(texts) != len(HEADER) - 1:
        raise _LineWrong(f"{len(texts) + 1} fields in the place of {len(HEADER)}")
    device_type, manufacturer, model, firmware_version, status, csp_region, *suppliers = map(unguarded, texts)
    names = (device_type, manufacturer, model, firmware_version, status, csp_region)
    for (column, type_name), text in zip(_TYPES.items(), names, strict=True):
        if fault := duis_type(type_name).fault(text):
            raise _LineWrong(f"{column} {fault}")
    import_supplier, gas_supplier = (_supplier(*named) for named in zip(HEADER[-2:], suppliers, strict=True))
    return (*names, import_supplier, gas_supplier)


def _supplier(name: str, text: str) -> int | None:
    return _eui(name, text) if text else None


def _eui(name: str, text: str) -> int:
    try:
        return parse_eui(text)
    except ValueError as error:
        raise _LineWrong(f"{name} is {error}") from error


@dataclass(frozen=True, slots=True)
class _InventoryFile:
    """An open file that can be read again."""

    path: Path
    file: BinaryIO

    def read(self, errors: list[LineError], report: Progress) -> Iterator[_Line]:
        """Yield what the lines say, from the first on; lines that are wrong go to `errors`, up to a limit."""
        size = self.file.seek(0, io.SEEK_END)
        self.file.seek(0)
        # What is no UTF-8 becomes lone surrogates, so that it is found in its own line and not in the buffer's.
        text = io.TextIOWrapper(self.file, encoding="utf-8-sig", errors="surrogateescape", newline="")
        try:
            reader = csv.reader(_bounded(text), strict=True)
            if tuple(next(reader, ())) != HEADER:
                raise ConfigurationError(f"{self.path} does not begin with the header line {','.join(HEADER)}")
            for count, line in enumerate(_lines(reader, errors)):
                if count % _ROWS_A_REPORT == 0:
                    report(self.file.tell(), size)
                yield line
            report(size, size)
        except csv.Error as error:
            raise ConfigurationError(f"{self.path} cannot be read: {error}") from error
        finally:
            text.detach()


def _bounded(text: io.TextIOWrapper) -> Iterator[str]:
    """Yield the lines; a file without line ends is not taken into memory as one."""
    while line := text.readline(_MAX_LINE):
        if len(line) == _MAX_LINE:
            raise csv.Error(f"longer than {_MAX_LINE} characters")
        yield line


@contextmanager
def _text_output(path: Path) -> Iterator[io.TextIOWrapper]:
    with open_output(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        try:
            yield text
        finally:
            text.detach()


def _lines(reader: _csv.Reader, errors: list[LineError]) -> Iterator[_Line]:
    checker = _Checker()
    while len(errors) < _MAX_ERRORS:
        try:
            fields = next(reader)
            if fields:
                yield checker.line(fields)
        except StopIteration:
            return
        except (csv.Error, _LineWrong) as error:
            errors.append(LineError(reader.line_num, str(error)))
