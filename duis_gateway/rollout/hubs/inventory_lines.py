"""The lines of an inventory file: each held to DUIS's types, and to what the others say (threat T59)."""

from __future__ import annotations

import csv
import io
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from duis_gateway.duis.identifiers import parse_eui
from duis_gateway.duis.simple_types import duis_type
from duis_gateway.errors import ConfigurationError
from duis_gateway.machine.files import shown_path
from duis_gateway.rollout.eligibility import COMMUNICATIONS_HUB
from duis_gateway.rollout.hubs.records import NO_GPF, NoGpf
from duis_gateway.store.bulk import Progress
from duis_gateway.store.scratch import Claims
from duis_gateway.text.cells import check_width, unguarded

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
GPF_COLUMN = "gpf_device_id"
"""May follow the others: a Communications Hub's second device; empty where it has none."""

_TYPES = {
    "device_type": "DeviceType",
    "manufacturer": "DeviceManufacturer",
    "model": "DeviceModel",
    "firmware_version": "FirmwareVersion",
    "status": "DeviceStatus",
    "csp_region": "CSPRegion",
}
"""The columns of text, and DUIS's type of each."""

MAX_ERRORS = 20
_REMEMBERED = 10_000
_ROWS_A_REPORT = 1_000
_LONGEST_RECORD = 65_536


@dataclass(frozen=True, slots=True)
class LineError:
    """A line of the file that cannot be loaded, and why."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


class _LineWrong(ValueError):
    """The text says what is wrong with the line."""


_Kind = tuple[str, str, str, str, str, str, int | None, int | None]
"""What a line says of its hub beside its identifier, in the order of the fields of `Hub`."""


class Line(NamedTuple):
    """A line's number, its hub, what it says of it, and the GPF of the hub."""

    number: int
    device_id: int
    kind: _Kind
    gpf: int | NoGpf | None


class _Checker:
    """Reads lines; remembers what it found good, as what hubs have in common comes again and again."""

    def __init__(self, header: tuple[str, ...], claimed: Claims | None) -> None:
        self._header = header
        self._paired = paired = header != HEADER
        self._claimed = claimed if paired else None
        self._kinds: dict[tuple[str, ...], _Kind] = {}

    def line(self, number: int, fields: list[str]) -> Line:
        """Return what a line says.

        Raises:
            ValueError: the line is not what it should be.
        """
        check_width(fields, self._header)
        device_id, *others = fields
        gpf_text = others.pop() if self._paired else None
        texts = tuple(others)
        kind = self._kinds.get(texts)
        if kind is None:
            kind = _kind(texts)
            if len(self._kinds) < _REMEMBERED:
                self._kinds[texts] = kind
        device = _eui("device_id", device_id)
        gpf = None if gpf_text is None else _gpf(gpf_text, device, kind)
        if self._claimed is not None and kind[0] == COMMUNICATIONS_HUB:
            self._claim(self._claimed, number, device, gpf)
        return Line(number, device, kind, gpf)

    def _claim(self, claimed: Claims, number: int, device: int, gpf: int | NoGpf | None) -> None:
        if line := claimed.claim(device, device, number):
            raise _LineWrong(f"device_id is the {GPF_COLUMN} of line {line}")
        if isinstance(gpf, int) and (line := claimed.claim(gpf, device, number)):
            raise _LineWrong(f"{GPF_COLUMN} already belongs to another hub, in line {line}")


def _gpf(text: str, device: int, kind: _Kind) -> int | NoGpf:
    if not text:
        return NO_GPF
    gpf = _eui(GPF_COLUMN, text)
    if kind[0] != COMMUNICATIONS_HUB:
        raise _LineWrong(f"{GPF_COLUMN} is given, but only a {COMMUNICATIONS_HUB} has one")
    if gpf == device:
        raise _LineWrong(f"{GPF_COLUMN} is the hub itself")
    return gpf


def _kind(texts: tuple[str, ...]) -> _Kind:
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
class InventoryFile:
    """An open file that can be read again."""

    path: Path
    file: BinaryIO

    def read(self, errors: list[LineError], report: Progress, claimed: Claims | None = None) -> Generator[Line]:
        """Yield what the lines say, from the first on; lines that are wrong go to `errors`, up to a limit.

        Who does not read to the end closes it before the file. Where it is to be checked that no two lines give a GPF
        to different hubs, `claimed` keeps whose they are.
        """
        size = self.file.seek(0, io.SEEK_END)
        self.file.seek(0)
        # What is no UTF-8 becomes lone surrogates, so that it is found in its own line and not in the buffer's.
        text = io.TextIOWrapper(self.file, encoding="utf-8-sig", errors="surrogateescape", newline="")
        try:
            record = _Record(text)
            reader = csv.reader(record.lines(), strict=True)
            header = tuple(next(reader, ()))
            if header not in (HEADER, (*HEADER, GPF_COLUMN)):
                said = f"{','.join(HEADER)}[,{GPF_COLUMN}]"
                raise ConfigurationError(f"{shown_path(self.path)} does not begin with the header line {said}")
            checker = _Checker(header, claimed)
            for count, line in enumerate(_lines(record, reader, checker, errors)):
                if count % _ROWS_A_REPORT == 0:
                    report(self.file.tell(), size)
                yield line
            report(size, size)
        except csv.Error as error:
            raise ConfigurationError(f"{shown_path(self.path)} cannot be read: {error}") from error
        finally:
            text.detach()


class _Record:
    """Gives the CSV reader the lines of one record after another; neither is taken into memory at any length.

    A record is a line, unless a field in quotes has line ends: one quotation mark too many, and it is all that follows.
    """

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._length = 0

    def begins(self) -> None:
        """The next line begins a record."""
        self._length = 0

    def lines(self) -> Iterator[str]:
        """Yield the lines, and nothing after a record that is too long (csv.Error)."""
        while line := self._text.readline(_LONGEST_RECORD):
            self._length += len(line)
            if self._length >= _LONGEST_RECORD:
                raise csv.Error(f"longer than {_LONGEST_RECORD} characters: is there a quotation mark too many?")
            yield line


def _lines(record: _Record, reader: _csv.Reader, checker: _Checker, errors: list[LineError]) -> Iterator[Line]:
    while len(errors) < MAX_ERRORS:
        record.begins()
        try:
            fields = next(reader)
            if fields:
                yield checker.line(reader.line_num, fields)
        except StopIteration:
            return
        except (csv.Error, ValueError) as error:
            errors.append(LineError(reader.line_num, str(error)))
