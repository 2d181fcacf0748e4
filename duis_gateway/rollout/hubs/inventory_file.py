"""The inventory as a CSV file: loading and exporting millions of hubs in constant memory (threat T59)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from duis_gateway.duis.identifiers import format_eui, parse_eui
from duis_gateway.errors import ConfigurationError
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.store.bulk import Progress
from duis_gateway.store.engine import Store
from duis_gateway.store.tables import device_model, hub

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
STATUSES = frozenset(
    {
        "Pending",
        "Whitelisted",
        "InstalledNotCommissioned",
        "Commissioned",
        "Decommissioned",
        "Withdrawn",
        "Suspended",
        "Recovery",
        "Recovered",
    }
)
"""DUIS's SMI device statuses."""
REGIONS = frozenset({"North", "Central", "South", "4G North", "4G Central", "4G South", "Unknown", "SMETS1"})
"""DUIS's CSP regions."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_PLAIN = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]*")
_MAX_ERRORS = 20
_REMEMBERED = 10_000
_ROWS_A_REPORT = 1_000
_ROWS_A_FETCH = 5_000
_MAX_FIELD = 200
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


def load_csv(store: Store, path: Path, progress: Progress | None = None) -> LoadResult:
    """Load an inventory file: all of it, or, if any line is wrong, nothing.

    The file is read twice: first every line is checked, then hubs are written in commits of 20,000. A hub that
    is in the inventory already is brought up to date; what its suppliers were told, and when it was activated, stays.
    A hub named twice has what the last of its lines says.

    Args:
        store: the store to write to.
        path: UTF-8, with a header line; any line ends.
        progress: told of the bytes read, of twice the file's size.

    Raises:
        ConfigurationError: the file cannot be read, or its header line is not `HEADER`.
        NotDurable: the database cannot be written; the commits before stay, and the load can be run again.
    """
    report = progress or _silent
    errors: list[LineError] = []
    for _ in _read(path, errors, lambda done, size: report(done, 2 * size)):
        pass
    if errors:
        return LoadResult(0, errors)
    rows = 0
    found = _read(path, errors, lambda done, size: report(size + done, 2 * size))
    while chunk := list(islice(found, _HUBS_A_COMMIT)):
        with store.write(alone=True) as connection:
            hubs.upsert(connection, [Hub(device_id, *kind) for device_id, kind in chunk])
        rows += len(chunk)
    return LoadResult(rows, errors)


def export_csv(store: Store, path: Path, progress: Progress | None = None) -> int:
    """Write the whole inventory as it is at one moment into a file, and return the number of hubs.

    A text that a spreadsheet would run as a formula gets an apostrophe in front.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    report = progress or _silent
    columns = (*hubs.HUB_COLUMNS[: len(HEADER) - 2], hub.c.import_supplier, hub.c.gas_supplier)
    query = select(*columns).join_from(hub, device_model, device_model.c.id == hub.c.model_id).order_by(hub.c.device_id)
    line = _Writer().line
    done = 0
    try:
        with path.open("w", newline="", encoding="utf-8") as file, store.read() as connection:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(HEADER)
            whole = hubs.count(connection)
            for rows in connection.execute(query, execution_options={"yield_per": _ROWS_A_FETCH}).partitions():
                writer.writerows(line(*row) for row in rows)
                done += len(rows)
                report(done, whole)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error
    return done


class _Writer:
    """Makes lines of hubs; the texts and suppliers that come again and again are looked at once."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._suppliers: dict[int | None, str] = {None: ""}

    def line(self, device_id: int, *rest: Any) -> tuple[str, ...]:
        """Return the fields of one line."""
        *texts, import_supplier, gas_supplier = rest
        key = tuple(texts)
        harmless = self._texts.get(key) or self._harmless(key)
        return (format_eui(device_id), *harmless, self._supplier(import_supplier), self._supplier(gas_supplier))

    def _harmless(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        harmless = tuple(f"'{text}" if text.startswith(_FORMULA) else text for text in texts)
        if len(self._texts) < _REMEMBERED:
            self._texts[texts] = harmless
        return harmless

    def _supplier(self, eui: int | None) -> str:
        text = self._suppliers.get(eui)
        if text is None:
            text = format_eui(eui or 0)
            if len(self._suppliers) < _REMEMBERED:
                self._suppliers[eui] = text
        return text


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
    device_type, manufacturer, model, firmware_version, status, csp_region, import_supplier, gas_supplier = texts
    for name, text in zip(HEADER[1:7], texts, strict=False):
        _check_text(name, text)
    if status not in STATUSES:
        raise _LineWrong(f"status {status!r} is not one of DUIS's")
    if csp_region not in REGIONS:
        raise _LineWrong(f"csp_region {csp_region!r} is not one of DUIS's")
    suppliers = _supplier("import_supplier", import_supplier), _supplier("gas_supplier", gas_supplier)
    return (device_type, manufacturer, model, firmware_version, status, csp_region, *suppliers)


def _supplier(name: str, text: str) -> int | None:
    return _eui(name, text) if text else None


def _eui(name: str, text: str) -> int:
    try:
        return parse_eui(text)
    except ValueError as error:
        raise _LineWrong(f"{name} is {error}") from error


def _check_text(name: str, text: str) -> None:
    if not text or len(text) > _MAX_FIELD:
        raise _LineWrong(f"{name} is empty" if not text else f"{name} is longer than {_MAX_FIELD} characters")
    if text.startswith(_FORMULA):
        raise _LineWrong(f"{name} begins with {text[0]!r}, which a spreadsheet would run as a formula")
    if not _PLAIN.fullmatch(text):
        raise _LineWrong(f"{name} has a control character, or is not UTF-8")


def _read(path: Path, errors: list[LineError], report: Progress) -> Iterator[_Line]:
    """Yield what the file's lines say; lines that are wrong are left out and added to `errors`, up to a limit."""
    try:
        # What is no UTF-8 becomes lone surrogates, so that it is found in its own line and not in the buffer's.
        with path.open("rb") as file:
            size = path.stat().st_size
            text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
            reader = csv.reader(text, strict=True)
            if tuple(next(reader, ())) != HEADER:
                raise ConfigurationError(f"{path} does not begin with the header line {','.join(HEADER)}")
            for count, line in enumerate(_lines(reader, errors)):
                if count % _ROWS_A_REPORT == 0:
                    report(file.tell(), size)
                yield line
            report(size, size)
    except (OSError, csv.Error) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error


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
