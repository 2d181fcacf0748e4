"""The inventory as a CSV file: loading and exporting millions of hubs in constant memory (threat T59)."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import select

from duis_gateway.duis.identifiers import format_eui, format_euis
from duis_gateway.errors import ConfigurationError
from duis_gateway.flow.tx import Moment
from duis_gateway.machine.files import DASH, CannotCopy, open_output, open_seekable, shown_path
from duis_gateway.parties import store as parties
from duis_gateway.parties.records import PartyKind
from duis_gateway.rollout.hubs import identities
from duis_gateway.rollout.hubs import store as hubs
from duis_gateway.rollout.hubs.changes import change, look
from duis_gateway.rollout.hubs.inventory_lines import (
    GPF_COLUMN,
    HEADER,
    MAX_ERRORS,
    InventoryFile,
    Line,
    LineError,
)
from duis_gateway.rollout.hubs.pairs import GPF
from duis_gateway.rollout.hubs.records import Hub
from duis_gateway.rollout.moments import Moments
from duis_gateway.rollout.releases import store as releases
from duis_gateway.store.bulk import Progress
from duis_gateway.store.engine import Store
from duis_gateway.store.scratch import Claims
from duis_gateway.store.tables import device_model, hub
from duis_gateway.text.cells import csv_lines

_ROWS_A_FETCH = 5_000
_REMEMBERED = 10_000
_HUBS_A_COMMIT = 20_000


@dataclass(frozen=True, slots=True)
class LoadResult:
    """How many lines were loaded; or, with nothing loaded, the first twenty lines that are wrong."""

    rows: int
    errors: list[LineError] = field(default_factory=list)


def load_csv(moments: Moments, path: Path, progress: Progress | None = None) -> LoadResult:
    """Load an inventory file: all of it, or, if any line is wrong, nothing.

    The file is read twice: first every line is checked, then hubs are written in commits of 20,000. What comes by a
    pipe is kept in a temporary file meanwhile, beside a SQLite database (where the low-water mark stays free for
    gateways), or where the system has such. A hub that is in the inventory already is brought up to date; what its
    suppliers were told, and when it was activated, stays.
    A hub named twice has what the last of its lines says. Without the column `gpf_device_id`, hubs keep their GPFs;
    with it, a GPF that another hub has in the inventory goes to the one that the file names. What the change of a hub
    does to its plan under a live release, and to its second supplier, is told in the same commit, as of an
    `InventoryUpdate`.

    Args:
        moments: opens the commits.
        path: UTF-8, with a header line; any line ends. `-` is standard input.
        progress: told of the bytes read, of twice the file's size.

    Raises:
        ConfigurationError: the file cannot be read, or its header line is not `HEADER`, with or without `GPF_COLUMN`.
        NotDurable: the database cannot be written, or releases are live and what is to be told cannot be signed; the
            commits before stay, and the load can be run again.
    """
    store = moments.store
    folder = store.sqlite_path.parent if store.sqlite_path else None
    try:
        least_free = store.options.min_free_bytes if folder else 0
        with open_seekable(path, folder, least_free) as file, Claims(folder) as claimed:
            inventory = InventoryFile(path, file)
            if errors := _check(store, inventory, claimed, progress or _silent):
                return LoadResult(0, errors)
            return _load(moments, inventory, progress or _silent)
    except CannotCopy as error:
        raise ConfigurationError(
            f"{shown_path(path)} is read twice, and its copy cannot be kept in {error.filename}: {error.strerror}; "
            "make room there, or load it from a file"
        ) from error
    except OSError as error:
        raise ConfigurationError(f"{shown_path(path)} cannot be read: {error.strerror}") from error


def _check(store: Store, file: InventoryFile, claimed: Claims, report: Progress) -> list[LineError]:
    """Return the first lines that are wrong: by themselves, beside another line, or beside what the inventory has."""
    errors: list[LineError] = []
    with store.read() as connection:
        registered = identities.kinds(parties.all_parties(connection))
    with closing(file.read(errors, lambda done, size: report(done, 2 * size), claimed)) as found:
        while chunk := list(islice(found, _HUBS_A_COMMIT)):
            errors += _misnamed(chunk, registered)
            gpfs = {line.gpf: line.number for line in chunk if isinstance(line.gpf, int)}
            if gpfs:
                with store.read() as connection:
                    known = hubs.get_many(connection, gpfs)
                errors += [
                    LineError(gpfs[one.device_id], f"{GPF_COLUMN} is a {one.device_type} in the inventory, not a {GPF}")
                    for one in known.values()
                    if one.device_type != GPF
                ]
    return sorted(errors, key=lambda error: error.line)[:MAX_ERRORS]


def _misnamed(lines: Iterable[Line], registered: Mapping[int, PartyKind]) -> Iterator[LineError]:
    """Yield the lines that take a party's EUI-64, or nobody's, for a device's; up to a limit."""
    wrong = (
        LineError(line.number, f"{column} {fault}")
        for line in lines
        for column, fault in identities.faults(
            line.device_id, line.gpf if isinstance(line.gpf, int) else None, line.kind[-2:], registered
        )
    )
    return islice(wrong, MAX_ERRORS)


def _load(moments: Moments, file: InventoryFile, report: Progress) -> LoadResult:
    with moments.store.read() as connection:
        if releases.live(connection):  # better now than after half the file
            moments.require_signer()
    rows = 0
    with closing(file.read([], lambda done, size: report(size + done, 2 * size))) as found:
        while chunk := list(islice(found, _HUBS_A_COMMIT)):
            with moments.open(alone=True) as moment:
                _write(moment, [Hub(line.device_id, *line.kind, gpf_device_id=line.gpf) for line in chunk])
            rows += len(chunk)
    return LoadResult(rows)


def _write(moment: Moment, given: list[Hub]) -> None:
    """Write those of the hubs that change, and tell what that does where releases are live."""
    newest = {hub.device_id: hub for hub in given}
    before = look(moment, newest.values())
    change(moment, map(before.resolved, newest.values()), before)


def export_csv(store: Store, path: Path, progress: Progress | None = None) -> int:
    """Write the whole inventory as it is at one moment into a file (`-`: standard output); return the number of hubs.

    A text that a spreadsheet would run as a formula gets an apostrophe in front, which `load_csv` takes away.

    Raises:
        ConfigurationError: the file cannot be written.
        BrokenPipeError: whoever read it has gone.
    """
    report = progress or _silent
    columns = hubs.HUB_COLUMNS[: len(HEADER)]
    query = (
        select(*columns, hub.c.gpf_device_id)
        .join_from(hub, device_model, device_model.c.id == hub.c.model_id)
        .order_by(hub.c.device_id)
    )
    rest = _Rest()
    done = 0
    try:
        with _text_output(path) as file, store.read() as connection:
            file.write(csv_lines([(*HEADER, GPF_COLUMN)], "\n"))
            whole = hubs.count(connection)
            for rows in connection.execute(query, execution_options={"yield_per": _ROWS_A_FETCH}).partitions():
                names = format_euis(device_id for device_id, *_ in rows).split(",")
                file.writelines(
                    f"{name}{rest.of(others)}{_written(gpf)}\n"
                    for name, (_, *others, gpf) in zip(names, rows, strict=True)
                )
                done += len(rows)
                report(done, whole)
    except BrokenPipeError:
        raise
    except OSError as error:
        name = "the output" if path == DASH else path
        raise ConfigurationError(f"{name} cannot be written: {error.strerror}") from error
    return done


def _written(eui: int | None) -> str:
    return "" if eui is None else format_eui(eui)


class _Rest:
    """What follows a hub's identifier in its line; it comes again and again, and is written once."""

    def __init__(self) -> None:
        self._written: dict[tuple[Any, ...], str] = {}

    def of(self, others: Iterable[Any]) -> str:
        """Return the rest of a line, from the comma after the identifier to that before the GPF."""
        kind = tuple(others)
        written = self._written.get(kind)
        if written is None:
            *texts, import_supplier, gas_supplier = kind
            written = csv_lines([("", *texts, _written(import_supplier), _written(gas_supplier), "")], "")
            if len(self._written) < _REMEMBERED:
                self._written[kind] = written
        return written


def _silent(_done: int, _whole: int) -> None:
    """Report to nobody."""


@contextmanager
def _text_output(path: Path) -> Iterator[io.TextIOWrapper]:
    with open_output(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        try:
            yield text
        finally:
            text.detach()
