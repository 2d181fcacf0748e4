"""The OpenAPI description: of every path that is served, sound in itself, and true of what is answered."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from duis_gateway import __version__
from duis_gateway.clock import SystemClock
from duis_gateway.doors.http import Edge, Route
from duis_gateway.doors.messages import duis_routes, partner_routes
from duis_gateway.doors.openapi import openapi_route
from duis_gateway.doors.party import FORMATS, party_routes
from duis_gateway.doors.soap import SoapDoor
from duis_gateway.duis.identifiers import parse_eui
from duis_gateway.envelope.parse import ShapeLimits
from duis_gateway.operations.metrics import Metrics
from duis_gateway.rollout.views import PARTY_TABLES
from duis_gateway.store.engine import Store
from tests.support.asking import ask, whole
from tests.support.doors import StandIn, nothing_to_check, party_view

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
TYPES = {str: "string", bool: "boolean", int: "integer"}


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> list[Route]:
    """Those of the public listener."""
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('store')}/gateway.db")
    flow = StandIn()
    soap = SoapDoor(flow, ShapeLimits()).route()
    party = party_routes(party_view(store, SystemClock()), nothing_to_check, 1000)
    return [*duis_routes(flow, 1000), *partner_routes(flow, 1000), soap, *party]


@pytest.fixture(scope="module")
def described(routes: list[Route]) -> dict[str, Any]:
    """The description, as it is served."""
    edge = Edge([*routes, openapi_route(routes, PARTY_TABLES, "https://gateway.example")], Metrics())
    answer = ask(edge, "/openapi.json")
    assert (answer.status, answer.content_type) == (200, "application/json")
    found: dict[str, Any] = json.loads(whole(answer))
    return found


def test_every_path_and_method_is_described(routes: list[Route], described: dict[str, Any]) -> None:
    assert described["info"]["version"] == __version__
    assert described["servers"] == [{"url": "https://gateway.example"}]
    served = {route.path.replace("*", "{eui}"): set(route.methods) - {"HEAD"} for route in routes}
    told = {path: {name.upper() for name in of if name != "parameters"} for path, of in described["paths"].items()}
    assert told == served
    operations = [one for of in described["paths"].values() for name, one in of.items() if name != "parameters"]
    assert len({one["operationId"] for one in operations}) == len(operations)


def test_what_the_soap_door_answers_is_described(routes: list[Route], described: dict[str, Any]) -> None:
    edge, soap = Edge(routes, Metrics()), described["paths"]["/soap"]
    for method, content_type in (("GET", "text/xml"), ("POST", "text/plain"), ("POST", "text/xml")):
        answer = ask(edge, "/soap", method, headers={"content-type": content_type})
        told = soap[method.lower()]["responses"][str(answer.status)]["content"]
        assert answer.content_type.partition(";")[0] in told, (method, content_type)
    assert soap["get"]["parameters"][0]["name"] == "wsdl", "without it there is nothing to get"


@pytest.mark.parametrize("accept", ["", "application/json", "application/xml"])
@pytest.mark.parametrize("path", ["/api/v1/serviceD", "/csp-mgmt-gw/v1/messages", "/party/v1/check"])
def test_a_refusal_has_a_form_that_is_described(
    routes: list[Route], described: dict[str, Any], path: str, accept: str
) -> None:
    answer = ask(Edge(routes, Metrics()), path, "POST", headers={"content-type": "text/plain", "accept": accept})
    assert answer.content_type in described["paths"][path]["post"]["responses"][str(answer.status)]["content"]


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    def look(node: Any) -> None:
        if isinstance(node, dict):
            if "$ref" in node:
                found: Any = described
                for step in node["$ref"].removeprefix("#/").split("/"):
                    found = found[step]
            for one in node.values():
                look(one)
        elif isinstance(node, list):
            for one in node:
                look(one)

    look(described)


def test_an_eui_and_a_choice_are_described_as_they_are_read(routes: list[Route], described: dict[str, Any]) -> None:
    eui = described["components"]["schemas"]["EUI"]
    for text in ("90-B3-D5-1F-30-01-00-00", "90-b3-d5-1f-30-01-00-0f", "90B3D51F30010000", "90-B3", ""):
        assert bool(re.search(eui["pattern"], text)) == is_read(parse_eui, text), text
    assert "in either case" in eui["description"]
    for name in PARTY_TABLES:
        [form] = [
            one for one in described["paths"][f"/party/v1/{name}"]["get"]["parameters"] if one["name"] == "format"
        ]
        assert form["schema"]["enum"] == [*FORMATS], "those by which the door judges"


def is_read(read: Callable[[str], object], given: str) -> bool:
    try:
        read(given)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("name", ["status", "deadlines", "eligible-hubs"])
def test_the_tables_are_as_the_party_door_gives_them(described: dict[str, Any], name: str) -> None:
    rows = json.loads((EXAMPLES / f"party-{name}.json").read_text(encoding="utf-8"))
    answer = described["paths"][f"/party/v1/{name}"]["get"]["responses"]["200"]["content"]["application/json"]
    members = answer["schema"]["items"]["properties"]
    assert rows
    for row in rows:
        assert list(row) == list(members)
        for key, value in row.items():
            assert ("null" if value is None else TYPES[type(value)]) in members[key]["type"], key
