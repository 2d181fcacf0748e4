"""What the sandbox's description says of each value of a command is what the command takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from duis_gateway.duis.identifiers import format_eui
from duis_gateway.sandbox.cast import CAST
from duis_gateway.sandbox.commands import COMMANDS
from duis_gateway.sandbox.openapi import describe
from duis_gateway.sandbox.parameters import DOCUMENT, HUB, TEXT, Command, Parameter, WrongCommand
from duis_gateway.text.json_reader import read_json

pytestmark = pytest.mark.requirement("EX-3")

TYPES: Mapping[str, Any] = {"string": str, "integer": int, "number": (int, float), "array": list, "boolean": bool}
EUIS = [format_eui(one.eui) for one in CAST]
SPELT = (
    "00DB123456000001",
    "00:db:12:34:56:00:00:01",
    "0x00db123456000001",
    "00db.1234.5600.0001",
    "00 DB 12 34 56 00 00 01",
)
COLONS = (one.replace("-", ":") for one in EUIS)
GIVEN = (*EUIS, *(one.lower() for one in EUIS), *COLONS, *SPELT, *(one.name for one in CAST), 1, "7", 120, 1.0)
WRONG = (EUIS[0][:-1], f"{EUIS[0]}-00", EUIS[0].replace("-", "/"), "nobody", "", -1, 1.5)
CLOSED = [
    (command.name, one)
    for command in COMMANDS
    for one in command.parameters
    if (one.kind.words or {"maximum", "anyOf"} & one.kind.schema.keys())
    and not one.many
    and one.kind not in (TEXT, DOCUMENT)
]


def is_of_type(given: object, kind: str) -> bool:
    """A whole number is an integer however it is written (JSON Schema 2020-12, 6.1.1)."""
    return isinstance(given, TYPES[kind]) or (kind == "integer" and isinstance(given, float) and given.is_integer())


def allows(schema: Mapping[str, Any], given: object) -> bool:
    """Judge by the few words of JSON Schema that the description uses."""
    if "anyOf" in schema:
        return any(allows(one, given) for one in schema["anyOf"])
    types = schema.get("type", [])
    kinds = [types] if isinstance(types, str) else types
    if kinds and not any(is_of_type(given, one) for one in kinds):
        return False
    if "enum" in schema and given not in schema["enum"]:
        return False
    if isinstance(given, str):
        return re.search(schema.get("pattern", ""), given) is not None
    return bool(schema.get("minimum", given) <= given <= schema.get("maximum", given))


def is_read(one: Parameter, given: object) -> bool:
    try:
        one.read(given)
    except WrongCommand:
        return False
    return True


@pytest.mark.parametrize(("command", "one"), CLOSED, ids=[f"{name}-{one.name}" for name, one in CLOSED])
def test_what_is_described_is_what_is_taken(command: str, one: Parameter) -> None:
    body = describe("127.0.0.1")["paths"][f"/v1/{command}"]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]["properties"][one.name]
    for word in one.kind.words:
        assert allows(schema, word), word
        assert is_read(one, word), word
        assert is_read(one, word.upper()), "in any case"
    for given in GIVEN:
        assert allows(schema, given) or not is_read(one, given), given
    for given in WRONG:
        assert not allows(schema, given), given
        assert not is_read(one, given), given


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.name)
def test_each_number_that_is_described_is_taken_however_it_is_written(command: Command) -> None:
    """Numbers of more than 20 digits are read by nobody, and 1.0 was no whole number."""
    for one in command.parameters:
        for schema in (one.kind.schema, *one.kind.schema.get("anyOf", ())):
            for bound in ("minimum", "maximum"):
                if bound in schema:
                    given = read_json(f'{{"as it is": {schema[bound]}, "with a point": {schema[bound]}.0}}')
                    assert all(is_read(one, number) for number in given.values()), (one.name, given)
                    assert all(is_read(one, [number]) for number in given.values() if one.many), (one.name, given)


@pytest.mark.parametrize("spelling", SPELT)
def test_a_hub_is_named_in_any_spelling(spelling: str) -> None:
    """As pages and the gateway's own commands take it."""
    assert HUB.read(spelling) == HUB.read(1)
    assert allows(HUB.schema, spelling)
