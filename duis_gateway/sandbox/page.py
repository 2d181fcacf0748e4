"""The sandbox's page: the clock, the parties, releases, hubs, the last messages and mails, and a form for each command.

Everything works without JavaScript; a little script shows what is new.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from lxml import etree

from duis_gateway.client import NotProven, Trust
from duis_gateway.client.soap import signed_document
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.errors import MessageRefused
from duis_gateway.sandbox import cast
from duis_gateway.sandbox.commands import COMMANDS
from duis_gateway.sandbox.mails import Mail, opened
from duis_gateway.sandbox.mocks.behaviour import BEHAVIOURS
from duis_gateway.sandbox.sandbox import Sandbox
from duis_gateway.sandbox.standing import standing_of
from duis_gateway.sandbox.words import Line, in_lines
from duis_gateway.text.pages import render

_LAST = 40
_LAST_MAILS = 15
_MOST_SHOWN = 300_000
_ROLES = frozenset({"06", "87", "89"})


@cache
def _script() -> str:
    return resources.files(__package__).joinpath("page.js").read_text(encoding="utf-8")


def _policy() -> str:
    digest = base64.b64encode(hashlib.sha256(_script().encode()).digest()).decode()
    own = "connect-src 'self'; form-action 'self'; style-src 'unsafe-inline'; img-src data:"
    return f"default-src 'none'; base-uri 'none'; frame-ancestors 'none'; {own}; script-src 'sha256-{digest}'"


POLICY = _policy()
"""Nothing of another place is loaded or run, and of this page its own script alone."""


def overview(sandbox: Sandbox, news: Sequence[Line]) -> str:
    """Return the page; `news` is what the last command brought about."""
    status = sandbox.status()
    return render(
        "duis_gateway.sandbox/page.html",
        status=status,
        standing=standing_of(sandbox.world),
        now=sandbox.world.clock.now(),
        name_of=cast.name_of,
        you=next(one for one in status["parties"] if one["name"] == "you"),
        news=news,
        messages=list(reversed(sandbox.world.traffic.messages(last=_LAST))),
        mails=[one.told for one in reversed(sandbox.mails.all()[-_LAST_MAILS:])],
        commands=COMMANDS,
        behaviours=list(BEHAVIOURS),
    )


def news_of(result: Mapping[str, Any]) -> list[Line]:
    """Return what a command brought about, for the page."""
    return in_lines(result) or [Line("done; it brought about no message")]


def message(sandbox: Sandbox, number: int) -> str | None:
    """Return the page of one message with its answer; None: there is none of this number."""
    traffic = sandbox.world.traffic
    found = traffic.messages(since=number - 1)[:1] if number > 0 else []
    raw = traffic.content(number)
    if not found or raw is None:
        return None
    answer = traffic.content(number, answer=True)
    trust = Trust.folder(sandbox.folder.pki, clock=sandbox.world.clock, roles=_ROLES)
    content, kind = raw
    return render(
        "duis_gateway.sandbox/message.html",
        one=found[0],
        console=sandbox.world.console,
        content=_readable(content) if kind == "xml" else opened(content).text[:_MOST_SHOWN],
        proof=_proof(trust, content) if kind == "xml" else "an email is not signed",
        answer=None if answer is None else _readable(answer[0]),
        answer_proof="" if answer is None else _proof(trust, answer[0]),
    )


def mail(one: Mail) -> str:
    """Return the page of one email."""
    letter = opened(one.path.read_bytes())
    files = [(name, text[:_MOST_SHOWN]) for name, text in letter.files]
    return render("duis_gateway.sandbox/mail.html", one=one, letter=letter, files=files)


def _proof(trust: Trust, document: bytes) -> str:
    try:
        signer = trust.prove(signed_document(document)).signer.eui
    except NotProven as error:
        return f"not proven: {error.detail}"
    return f"good, by {cast.name_of(signer)} ({format_eui(signer)})"


def _readable(document: bytes) -> str:
    """Return a document with line breaks, for reading alone: its signature holds for the bytes as they were."""
    try:
        root = parse_trusted(document)
    except MessageRefused:
        return document.decode("utf-8", "replace")[:_MOST_SHOWN]
    etree.indent(root)
    return etree.tostring(root, encoding="unicode")[:_MOST_SHOWN]
