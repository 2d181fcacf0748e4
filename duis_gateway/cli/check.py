"""`check`: what an 11.5 or 11.6 would be answered, without sending it."""

from __future__ import annotations

import json
from http import HTTPStatus
from pathlib import Path

import click

from duis_gateway.cli.common import READABLE, AnswerIsNo, Seconds
from duis_gateway.cli.output import say
from duis_gateway.cli.tls import TlsOptions, tls_options
from duis_gateway.client.errors import NoAnswer
from duis_gateway.client.http import Http, HttpAnswer
from duis_gateway.errors import ConfigurationError
from duis_gateway.machine.files import DOCUMENT_BYTES, read_bytes, read_text

_PATH = "/party/v1/check"
_SECONDS = 60.0


@click.command()
@click.argument("file", type=READABLE)
@click.option("--url", required=True, help="The gateway, such as https://gateway.example.")
@click.option("--token-file", type=READABLE, required=True, help="A file with the party's token for the party door.")
@click.option("--timeout", type=Seconds(), default=_SECONDS, help="Seconds to wait for the answer.")
@tls_options
def check(file: Path, url: str, token_file: Path, timeout: float, tls: TlsOptions) -> None:
    """Ask what the 11.5 or 11.6 in FILE (-: standard input) would be answered now.

    It may be signed or not yet signed. Nothing is recorded, nothing is sent, and its RequestID stays unused. The code
    and its meaning are printed, then each hub that is listed, with its list. The exit code is 1 where it would be
    refused.
    """
    if not url.startswith(("http://", "https://")):
        raise ConfigurationError(f"--url: {url[:80]!r} is not an http or https URL")
    http = tls.http(timeout, DOCUMENT_BYTES)
    answer = _asked(http, url.rstrip("/").removesuffix(_PATH) + _PATH, read_bytes(file), read_text(token_file))
    if answer.status != HTTPStatus.OK:
        raise AnswerIsNo(f"{file} would be refused: {_problem(answer)}")
    told = json.loads(answer.body)
    say(f"{told['code']}: {told['meaning']}")
    for name, hubs in told["lists"].items():
        for hub in hubs:
            say(f"  {hub}: {name}")
    if not told["accepted"]:
        raise AnswerIsNo(f"{file} would be refused")


def _asked(http: Http, url: str, document: bytes, token: str) -> HttpAnswer:
    headers = {"Content-Type": "application/xml", "Authorization": f"Bearer {token.strip()}"}
    try:
        return http.post(url, document, headers)
    except NoAnswer as error:
        raise AnswerIsNo(error.detail) from None


def _problem(answer: HttpAnswer) -> str:
    """Return what the gateway says of a refusal, with its first findings."""
    try:
        problem = json.loads(answer.body)
        found = [f"{one['path']}: {one['reason']}" for one in problem.get("errors", ())]
        return f"HTTP {answer.status}: " + "; ".join([problem["detail"], *found])
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"HTTP {answer.status}"
