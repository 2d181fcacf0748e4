"""Lists of hubs in files: as the party door gives them (CSV or JSON), and plain lists of EUI-64s."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from duis_gateway.duis.identifiers import parse_eui
from duis_gateway.errors import ConfigurationError
from duis_gateway.machine.files import LIST_BYTES, read_text, shown_path
from duis_gateway.rollout.eligibility import COMMISSIONED, COMMUNICATIONS_HUB
from duis_gateway.rollout.hubs.records import NamedHub
from duis_gateway.text.cells import unguarded
from duis_gateway.text.hub_lists import read_hub_list
from duis_gateway.text.json_reader import read_json

_TRUE = frozenset({"true", "yes", "1"})
_NO_HUBS = "no hubs to choose from: it has no column device_id"


def read_hubs(path: Path, release_id: str, party: int) -> Iterator[NamedHub]:
    """Yield the hubs in a file of `eligible-hubs`; if it names releases, only this release's.

    Raises:
        ConfigurationError: the file cannot be read, or is not what it should be.
    """
    try:
        yield from _hubs(path, release_id, party)
    except csv.Error as error:
        raise ConfigurationError(f"{shown_path(path)} is not a list of hubs: {error}") from None


def _hubs(path: Path, release_id: str, party: int) -> Iterator[NamedHub]:
    for number, row in enumerate(_rows(path), start=1):
        if row.get("release", release_id) != release_id:
            continue
        try:
            yield _hub(row, party)
        except (KeyError, ValueError) as error:
            what = "it has no device_id" if isinstance(error, KeyError) else str(error)
            raise ConfigurationError(f"{shown_path(path)}, hub {number}: {what}") from None


def read_ids(path: Path) -> frozenset[int]:
    """Return the hubs in a file: one per line, the column `device_id` (otherwise the first) of a CSV file, or JSON.

    Raises:
        ConfigurationError: the file cannot be read, or a line that is not empty has no EUI-64.
    """
    text = _text(path)
    try:
        return read_hub_list(text, as_json=_is_json(text))
    except ValueError as error:
        raise ConfigurationError(f"{shown_path(path)}, {error}") from None


def _hub(row: Mapping[str, Any], party: int) -> NamedHub:
    importing, gas = (_flag(row.get(name, "")) for name in ("import", "gas"))
    return NamedHub(
        device_id=parse_eui(str(row["device_id"])),
        device_type=COMMUNICATIONS_HUB,
        status=str(row.get("status") or COMMISSIONED),
        manufacturer=str(row.get("manufacturer", "")),
        model=str(row.get("model", "")),
        firmware_version=str(row.get("firmware_version", "")),
        csp_region=str(row.get("csp_region", "")),
        import_supplier=party if importing else None,
        gas_supplier=party if gas else None,
        in_default_list=False,
        mark=str(row["mark"]) if row.get("mark") else None,
        in_progress=_flag(row.get("in_progress", "")),
    )


def _flag(value: object) -> bool:
    return str(value).lower() in _TRUE


def _rows(path: Path) -> Iterable[Mapping[str, Any]]:
    text = _text(path)
    if not _is_json(text):
        reader = csv.DictReader(io.StringIO(text))
        if "device_id" not in (reader.fieldnames or ()):
            raise ConfigurationError(f"{shown_path(path)} has {_NO_HUBS}")
        return ({name: unguarded(cell or "") for name, cell in row.items() if name} for row in reader)
    try:
        found = read_json(text)
    except ValueError as error:
        raise ConfigurationError(f"{shown_path(path)}: {error}") from None
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise ConfigurationError(f"{shown_path(path)} is not what the party door returns, a list of objects")
    return found


def _is_json(text: str) -> bool:
    return re.match(r"\s*[\[{]", text) is not None


def _text(path: Path) -> str:
    try:
        return read_text(path, LIST_BYTES)
    except OSError as error:
        raise ConfigurationError(f"{shown_path(path)} cannot be read: {error.strerror}") from None
