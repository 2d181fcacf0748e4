"""Lists of hubs in files: as the party door gives them (CSV or JSON), and plain lists of EUI-64s."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from duis_gateway.duis.identifiers import parse_eui
from duis_gateway.errors import ConfigurationError
from duis_gateway.machine.files import LIST_BYTES, read_text, shown_path
from duis_gateway.rollout.eligibility import COMMISSIONED, COMMUNICATIONS_HUB
from duis_gateway.rollout.hubs.records import NamedHub
from duis_gateway.text.hub_lists import read_hub_list, read_hub_rows
from duis_gateway.text.json_reader import read_json

_TRUE = frozenset({"true", "yes", "1"})


def read_hubs(path: Path, release_id: str, party: int) -> Iterator[NamedHub]:
    """Yield the hubs in a file of `eligible-hubs`; if it names releases, only this release's.

    Raises:
        ConfigurationError: the file cannot be read, or is not what it should be.
    """
    text = _text(path)
    is_json = _is_json(text)
    try:
        for number, row in _items(text) if is_json else read_hub_rows(text):
            if row.get("release", release_id) != release_id:
                continue
            try:
                yield _hub(row, party)
            except (KeyError, ValueError) as error:
                what = "it has no device_id" if isinstance(error, KeyError) else str(error)
                raise ValueError(f"{'item' if is_json else 'line'} {number}: {what}") from None
    except ValueError as error:
        raise ConfigurationError(f"{shown_path(path)}, {error}") from None


def read_ids(path: Path) -> frozenset[int]:
    """Return the hubs in a file: one per line, the column `device_id` of a CSV file, or JSON.

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


def _items(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    found = read_json(text)
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise ValueError("it is not what the party door returns, a list of objects")
    return enumerate(found, start=1)


def _is_json(text: str) -> bool:
    return re.match(r"\s*[\[{]", text) is not None


def _text(path: Path) -> str:
    try:
        return read_text(path, LIST_BYTES)
    except OSError as error:
        raise ConfigurationError(f"{shown_path(path)} cannot be read: {error.strerror}") from None
