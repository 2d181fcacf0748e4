"""What the public listener serves, described in OpenAPI 3.1: made of the routes themselves, so that none is missing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from duis_gateway import __version__
from duis_gateway.doors.http import Route
from duis_gateway.doors.party import FORMATS
from duis_gateway.doors.problem import PROBLEM_JSON, PROBLEM_XML
from duis_gateway.doors.wire import SOAP, XML, Answer, HttpRequest
from duis_gateway.duis.identifiers import EUI_SCHEMA

PATH = "/openapi.json"

_JSON, _CSV = "application/json", "text/csv"
_ABOUT = {
    "duis": "Submit one signed Service Request of DUIS; the answer is the signed Service Response.",
    "csp": "Submit one signed Message of the CSP Management Gateway interface; the answer is a signed Acknowledgement.",
    "esi": "Submit one signed Message of DCC's Enterprise Systems Interface; the answer is a signed Acknowledgement.",
    "soap": "The same Service Requests in SOAP 1.1 envelopes, and the WSDL.",
}
_SCHEMAS = {"duis": "duis/6.0/duis.xsd", "csp": "csp_mgmt_gw/1/csp_mgmt_gw.xsd", "esi": "esi/1/esi.xsd"}
_NUMBERS = frozenset({"hubs", "seconds_left"})
_FLAGS = frozenset({"paused", "overdue", "optional", "import", "gas", "in_progress", "indicative", "held"})
_REFUSED = {
    "400": "not acceptable: the body is not XML or not valid, or the query is wrong",
    "401": "the signature or the token does not prove a known party",
    "403": "the sender may not use this door",
    "404": "there is nothing with this name",
    "405": "wrong method; the header Allow names the right ones",
    "409": "the RequestID or MessageID was used before, with different content",
    "413": "the body is too large",
    "415": "wrong media type, or not UTF-8",
    "503": "not right now; try again after Retry-After seconds",
}
_OF_SOAP = ("413", "415", "500")
_WSDL = {"name": "wsdl", "in": "query", "required": True, "allowEmptyValue": True, "schema": {"const": ""}}
_OF_MESSAGES, _OF_PARTIES = ("400", "401", "403", "409", "413", "415", "503"), ("400", "401", "404", "503")


def openapi_route(routes: Iterable[Route], tables: Mapping[str, Sequence[str]], base_url: str | None) -> Route:
    """Return the route that describes the others.

    Args:
        routes: what the listener serves besides.
        tables: the columns of each table of the party door, by its service.
        base_url: how others reach the gateway, where the configuration says it.
    """
    described = json.dumps(describe(routes, tables, base_url), indent=1).encode() + b"\n"

    def serve(_request: HttpRequest) -> Answer:
        return Answer(200, _JSON, described)

    return Route(PATH, "none", "openapi", ("GET", "HEAD"), serve, waits=False)


def describe(routes: Iterable[Route], tables: Mapping[str, Sequence[str]], base_url: str | None) -> dict[str, Any]:
    """Return the description, as OpenAPI 3.1 has it (arguments as `openapi_route`)."""
    paths: dict[str, Any] = {}
    for route in routes:
        one_hub = route.path.endswith("/*")
        operations: dict[str, Any] = {
            method.lower(): _operation(route, method, tables) for method in route.methods if method not in ("HEAD",)
        }
        if one_hub:
            name = {"name": "eui", "in": "path", "required": True, "schema": {"$ref": "#/components/schemas/EUI"}}
            operations = {"parameters": [name], **operations}
        paths[route.path.replace("/*", "/{eui}")] = operations
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "duis-gateway",
            "version": __version__,
            "description": "The doors of suppliers, CSPs, DCC and parties. docs/interfaces.md has every message.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        **({"servers": [{"url": base_url}]} if base_url else {}),
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "EUI": dict(EUI_SCHEMA),
                "Problem": _problem(),
            },
        },
    }


def _operation(route: Route, method: str, tables: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    name = re.sub(r"\W+", "_", f"{method.lower()}_{route.service}_{route.door}")
    if route.service == "check":
        return {"operationId": name, "tags": ["party"], **_of_check()}
    if route.door == "party":
        return {"operationId": name, "tags": ["party"], **_of_party(route, method, tables)}
    if route.service == "soap":
        media = {SOAP: {"schema": {"type": "string"}}}
        answers = {"200": _answer("the answer's envelope" if method == "POST" else "the WSDL", media)}
        if method == "POST":
            answers |= {status: _answer("a SOAP fault", media) for status in _OF_SOAP}
        else:
            answers |= _refusals(("400", "405"), PROBLEM_XML)
        asked = {"requestBody": {"required": True, "content": media}} if method == "POST" else {"parameters": [_WSDL]}
        return {"operationId": name, "tags": ["soap"], "summary": _ABOUT["soap"], **asked, "responses": answers}
    schema = {"type": "string", "description": f"a signed document; its schema is schemas/{_SCHEMAS[route.door]}"}
    media = {XML: {"schema": schema}}
    return {
        "operationId": name,
        "tags": [route.door],
        "summary": _ABOUT[route.door],
        "requestBody": {"required": True, "content": media},
        "responses": {"200": _answer("the signed answer", media), **_refusals(_OF_MESSAGES, PROBLEM_XML)},
    }


def _changed(summary: str) -> dict[str, Any]:
    told = {_JSON: {"schema": {"type": "object", "properties": {"hubs": {"type": "integer"}}}}}
    statuses = (*_OF_PARTIES, "403", "413", "415")
    responses = {"200": _answer("how many hubs are on the list", told), **_refusals(statuses, PROBLEM_JSON)}
    return {"security": [{"token": []}], "summary": summary, "responses": responses}


def _of_party(route: Route, method: str, tables: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    columns = tables.get(route.service)
    if columns is None:
        media: dict[str, Any] = {_JSON: {"schema": {"type": "object"}}}
        parameters = []
    else:
        row = {"type": "object", "properties": {column: _column(column) for column in columns}}
        media = {_JSON: {"schema": {"type": "array", "items": row}}, _CSV: {"schema": {"type": "string"}}}
        about = "the format of the answer; without it, the Accept header decides, and by default it is JSON"
        forms = {"type": "string", "enum": [*FORMATS]}
        parameters = [{"name": "format", "in": "query", "schema": forms, "description": about}]
    if route.service == "eligible-hubs":
        about = "only the hubs of this release"
        parameters.append({"name": "release", "in": "query", "schema": {"type": "string"}, "description": about})
    if route.service == "estate":
        since = {"type": "string", "format": "date-time"}
        about = "only the hubs that may have changed since then, and those that have left the estate"
        parameters.append({"name": "changed-since", "in": "query", "schema": since, "description": about})
    if method == "PUT":
        hubs = {"type": "array", "items": {"$ref": "#/components/schemas/EUI"}}
        body = {"required": True, "content": {_JSON: {"schema": hubs}, _CSV: {"schema": {"type": "string"}}}}
        return {**_changed("Replace the supplier's own list of protected hubs."), "requestBody": body}
    if method == "DELETE":
        return _changed("Empty the supplier's own list of protected hubs.")
    return {
        "security": [{"token": []}],
        "summary": f"The party's own {route.service.replace('-', ' ')}.",
        "parameters": parameters,
        "responses": {"200": _answer("only this party's", media), **_refusals(_OF_PARTIES, PROBLEM_JSON)},
    }


def _of_check() -> dict[str, Any]:
    """The dry run of a Service Request."""
    document = {"type": "string", "description": "an 11.5 or 11.6, signed or not yet signed"}
    texts = {"code": {"type": "string"}, "meaning": {"type": "string"}, "accepted": {"type": "boolean"}}
    hubs = {"type": "array", "items": {"$ref": "#/components/schemas/EUI"}}
    gpfs = {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/EUI"}}
    members = {**texts, "lists": {"type": "object", "additionalProperties": hubs}, "gpfs": gpfs}
    told = {_JSON: {"schema": {"type": "object", "required": [*members], "properties": members}}}
    return {
        "security": [{"token": []}],
        "summary": "Ask how an 11.5 or 11.6 from the party would be answered; nothing is recorded or sent.",
        "requestBody": {"required": True, "content": {XML: {"schema": document}}},
        "responses": {"200": _answer("the answer it would get", told), **_refusals(_OF_MESSAGES, PROBLEM_JSON)},
    }


def _column(name: str) -> dict[str, Any]:
    kind = "integer" if name in _NUMBERS else "boolean" if name in _FLAGS else "string"
    return {"type": [kind, "null"]}


def _answer(description: str, content: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": content}


def _refusals(statuses: Iterable[str], usual: str) -> dict[str, Any]:
    """Refusals in the form that a door usually has, and in the other, which whoever asks may like better."""
    forms = {PROBLEM_JSON: {"$ref": "#/components/schemas/Problem"}, PROBLEM_XML: {"type": "string"}}
    media = {form: {"schema": forms[form]} for form in sorted(forms, key=lambda form: form != usual)}
    return {status: _answer(_REFUSED[status], media) for status in statuses}


def _problem() -> dict[str, Any]:
    """The problem details of RFC 9457, as JSON has them."""
    texts = ("type", "title", "detail", "instance", "stage", "correlationId")
    members: dict[str, Any] = {name: {"type": "string"} for name in texts}
    members["status"] = {"type": "integer"}
    members["errors"] = {"type": "array", "items": {"type": "object"}}
    return {"type": "object", "properties": members}
