"""docs/bodies.md: what a handler finds in the body of each alert, as the program has it."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from textwrap import fill
from typing import Any, get_args, get_type_hints

from duis_gateway.client import Alert
from duis_gateway.duis.alerts.table import ALERTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "bodies.md"
_HEAD = """\
# What is in an alert, in Python

A handler's `alert.body` is one of these (made by `python -m tests.support.examples`). Devices are EUI-64s: each
is an `Eui`, a number that prints as `90-B3-D5-1F-30-01-00-05`, declared as `int`. Times are in UTC. A value that
may be absent is None. For types, `from duis_gateway.client import alerts`: each class of a body is there, such as
`alerts.FirmwareDeploymentPlan` ([with types](client.md#with-types)).

"""
_EUIS = {"device_id", "device_ids"}


def rendered() -> str:
    """Return the page as the program is."""
    return _HEAD + "\n".join(_parts())


def write() -> None:
    """Bring the page up to date."""
    PAGE.write_text(rendered(), encoding="utf-8")


def _parts() -> Iterator[str]:
    inside: dict[type, None] = {}
    for code, kind in ALERTS.items():
        body = kind.record.kind
        yield f"## {code}: `{body.__name__}`\n"
        yield f"{said_of(code)}\n"
        yield from _attributes(body, inside)
    yield "## What is inside them\n"
    shown: set[type] = set()
    while left := [one for one in inside if one not in shown]:
        for one in left:
            shown.add(one)
            yield f"### `{one.__name__}`\n"
            if issubclass(one, StrEnum):
                values = ", ".join(f"`{value}`" for value in one)
                yield fill(f"A text: {values}.", 120, break_long_words=False, break_on_hyphens=False) + "\n"
            else:
                yield from _attributes(one, inside)


def _attributes(of: type, inside: dict[type, None]) -> Iterator[str]:
    yield "| attribute | what it is |"
    yield "|---|---|"
    hints = get_type_hints(of)
    for one in dataclasses.fields(of):
        inside.update(dict.fromkeys(_ours(hints[one.name])))
        yield f"| `{one.name}` | {_words(hints[one.name], one.name)} |"
    yield ""


def _ours(hint: Any) -> Iterator[type]:
    for one in get_args(hint) or (hint,):
        if inspect.isclass(one) and (dataclasses.is_dataclass(one) or issubclass(one, StrEnum)):
            yield one


def _words(hint: Any, name: str) -> str:
    if str(hint).startswith("tuple["):
        return f"any number: {_words(get_args(hint)[0], name)}"
    kinds = [_word(one, name) for one in get_args(hint) or (hint,) if one is not type(None)]
    return " or ".join(kinds) + (", or None" if type(None) in get_args(hint) else "")


def _word(one: type, name: str) -> str:
    if one is int and name in _EUIS:
        return "an EUI-64"
    plain = {int: "a number", str: "a text", bool: "True or False"}
    return plain.get(one, f"`{one.__name__}`")


def said_of(code: str) -> str:
    """What the codes' own documentation says of one."""
    source = inspect.getsource(Alert)
    found = re.search(rf'^    {code} = "{code}"\n    """(.*?)\.?"""', source, re.MULTILINE)
    assert found is not None
    return f"{found[1]}."
