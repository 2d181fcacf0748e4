"""The OpenAPI description of the sandbox's HTTP API, made from the table of commands."""

from __future__ import annotations

from typing import Any

from duis_gateway import __version__
from duis_gateway.doors.problem import PROBLEM_JSON
from duis_gateway.sandbox.commands import COMMANDS, RESET
from duis_gateway.sandbox.parameters import Command

_RESULT = "Result"
_PROBLEM = "Problem"


def describe(host: str) -> dict[str, Any]:
    """Return the description (OpenAPI 3.1) for whoever reaches the sandbox under this host."""
    paths: dict[str, Any] = {
        "/v1/status": _read("The clock, your files, parties, releases, hubs.", _ref("Status")),
        "/v1/hubs/{hub}": _hub(),
        "/v1/messages": _read(
            "Messages in the order in which they were seen.",
            {"type": "array", "items": _ref("Message")},
            _asked("since", "only those after this number"),
            _asked("last", "of these the last so many; 100 unless given"),
        ),
        "/v1/messages/{number}": _bytes("The bytes of a message, as they went over the wire."),
        "/v1/messages/{number}/answer": _bytes("The bytes of the gateway's answer to a message that came in."),
        "/v1/mails": _read("The emails that the mail catcher has.", {"type": "array", "items": _ref("Mail")}),
        "/v1/mails/{number}": _bytes("An email, as it came over the wire."),
    }
    for one in (RESET, *COMMANDS):
        paths[f"/v1/{one.name}"] = _of(one)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "duis-gateway sandbox",
            "version": __version__,
            "description": "Choices, names of parties and EUI-64s may be written in any letter case. "
            "docs/sandbox.md has every command.",
        },
        "servers": [{"url": f"http://{host}"}],
        "paths": paths,
        "components": {"schemas": _SCHEMAS},
    }


def _of(command: Command) -> dict[str, Any]:
    properties = {one.name: one.schema for one in command.parameters}
    return _command(command.name, command.about, properties, [one.name for one in command.parameters if one.required])


def _command(name: str, about: str, properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = required
    return {
        "post": {
            "operationId": name,
            "summary": about,
            "requestBody": {"required": bool(required), "content": {"application/json": {"schema": schema}}},
            "responses": {
                "200": _json("What was said, answered and sent.", _ref(_RESULT)),
                "400": _problem("The command was given wrongly."),
                "409": _problem("It cannot be done as things stand."),
                **_ELSEWHERE,
            },
        }
    }


def _read(about: str, schema: dict[str, Any], *parameters: dict[str, Any]) -> dict[str, Any]:
    wrong = _problem("The query has a field that is not known, or is no whole number.")
    responses = {"200": _json(about, schema), "400": wrong, **_ELSEWHERE}
    return {"get": {"summary": about, "parameters": list(parameters), "responses": responses}}


def _hub() -> dict[str, Any]:
    about = "How one hub stands, why, and what to do about it."
    hub = {"name": "hub", "in": "path", "required": True, "description": "by number or EUI-64", "schema": _STRING}
    stands = _object(**dict.fromkeys(("device", "state", "why", "next_step"), _STRING), release=_OR_NULL)
    responses = {"200": _json(about, stands), "404": _problem("There is no such hub."), **_ELSEWHERE}
    return {"get": {"summary": about, "parameters": [hub], "responses": responses}}


def _bytes(about: str) -> dict[str, Any]:
    number = {"name": "number", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}
    found = {"description": about, "content": {"text/plain": {"schema": {"type": "string"}}}}
    responses = {"200": found, "404": _problem("There is none of this number."), **_ELSEWHERE}
    return {"get": {"summary": about, "parameters": [number], "responses": responses}}


def _asked(name: str, about: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": about, "schema": {"type": "integer", "minimum": 0}}


def _json(about: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": about, "content": {"application/json": {"schema": schema}}}


def _problem(about: str) -> dict[str, Any]:
    return {"description": about, "content": {PROBLEM_JSON: {"schema": _ref(_PROBLEM)}}}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(**properties: Any) -> dict[str, Any]:
    return {"type": "array", "items": _object(**properties)}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


_ELSEWHERE = {
    "403": _problem("It was asked under another name than 127.0.0.1 or localhost, or from another site."),
    "413": _problem("The request is too large."),
    "415": _problem("The body has a content coding."),
    "503": _problem("The sandbox is being reset, or cannot use its database just now: try again."),
}
_STRING: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "integer"}
_MOMENT: dict[str, Any] = {"type": "string", "format": "date-time"}
_OR_NULL: dict[str, Any] = {"type": ["string", "null"]}
_SCHEMAS: dict[str, Any] = {
    "Message": _object(
        number={"type": "integer", "description": "its place among all messages that came in or were sent"},
        outbox={
            "type": ["integer", "null"],
            "description": "of one that was sent: its id for `outbox show`; one that came in is shown by its `id` "
            "(`inbox show`)",
        },
        **dict.fromkeys(("from", "to", "kind", "id", "at", "state", "channel"), _STRING),
        error={"type": ["string", "null"], "description": "of one that was sent: why it has not arrived"},
        cause={
            "type": ["string", "null"],
            "description": "the error by itself: what came of the last attempt, of this one or of the one before it",
        },
        attempts={"type": ["integer", "null"], "description": "of one that was sent"},
        stands_for={"type": ["string", "null"], "description": "of an N999: the alert in whose place it was sent"},
        behind={"type": ["integer", "null"], "description": "of one that waits: the number of the one that goes first"},
        said={
            "type": ["string", "null"],
            "description": "of one that came in and was not taken as it is: what the answer says, in words",
        },
    ),
    "Answer": _object(
        **dict.fromkeys(("from", "kind", "id", "status", "code", "text"), _STRING),
        release={"type": ["string", "null"], "description": "the release that the message names"},
        http={"type": "integer"},
        proven={"type": "boolean", "description": "whether the signature of the answer was proven"},
        lists={"type": "object", "description": "hubs that were not taken, by the name of their list"},
        refused={"type": "array", "items": _object(item=_STRING, reason=_STRING)},
        devices={"type": "array", "items": _object(device=_STRING, version=_STRING, status=_STRING)},
    ),
    _RESULT: _object(
        command=_STRING,
        clock={"type": "string", "format": "date-time"},
        answers={"type": "array", "items": _ref("Answer")},
        notes={"type": "array", "items": _STRING},
        failed={"type": ["string", "null"], "description": "why the rest of it could not be done"},
        messages={"type": "array", "items": _ref("Message")},
        mails={"type": "array", "items": _ref("Mail")},
        quiet={
            "type": "boolean",
            "description": "whether all was delivered that could be, in 20 seconds; what a party has failed to take is "
            "not waited for once it was tried: it stands in `messages` as pending, with its error",
        },
    ),
    "Mail": _object(number=_NUMBER, **dict.fromkeys(("to", "kind", "subject"), _STRING)),
    "Status": _object(
        clock=_MOMENT,
        begun={"type": ["string", "null"], "description": "where the clock stood at first"},
        **dict.fromkeys(("gateway", "console", "console_token", "folder", "configuration"), _STRING),
        party_token={
            "type": ["string", "null"],
            "description": "yours, for the party door and the suppliers' pages; null: `party token` has made another",
        },
        you={
            "type": "object",
            "description": "where your key, certificate, trust and token are, and the gateway's doors",
            "additionalProperties": _STRING,
        },
        parties=_list(
            **dict.fromkeys(("name", "eui", "kind", "about", "url", "control", "behaviour"), _STRING),
            gateway={
                **_STRING,
                "description": "where it sends: to the sandbox's gateway, unless it was told otherwise",
            },
            duis_version=_OR_NULL,
            own={"type": "boolean", "description": "whether its alerts go to a server of yours"},
            listens={"type": "boolean", "description": "whether a `listen` has its alerts"},
            waiting={**_NUMBER, "description": "how many messages it has yet to get"},
            tried_now={**_NUMBER, "description": "how many of these are tried just now"},
            given_up=_NUMBER,
            given_up_why={"type": ["string", "null"], "description": "why the first of these was given up"},
        ),
        releases=_list(
            **dict.fromkeys(("release", "model", "version", "state"), _STRING),
            revision=_NUMBER,
            paused={"type": "boolean"},
            pilot_start=_OR_NULL,
            pilot_end=_OR_NULL,
            automatic_date=_MOMENT,
        ),
        hubs=_list(
            number={"type": "string", "description": "as the commands take it"},
            **dict.fromkeys(("device", "model", "version", "status"), _STRING),
            failed={"type": ["string", "null"], "description": "why its last outcome was a failure"},
            failed_under={
                "type": ["string", "null"],
                "description": "the release that this outcome was reported under",
            },
            **dict.fromkeys(("region", "import_supplier", "gas_supplier"), _OR_NULL),
        ),
        messages={"type": "integer", "description": "how many have been seen"},
        mails={"type": "integer", "description": "how many there are"},
        failed_attempts={"type": "integer", "description": "how often a message could not be delivered so far"},
    ),
    _PROBLEM: _object(**dict.fromkeys(("type", "title", "detail"), _STRING), status={"type": "integer"}),
}
