"""The sandbox's page: the clock, the parties, releases, hubs, the last messages and mails, and a form for each command.

Everything works without JavaScript; a little script shows what is new.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache, partial
from http import HTTPStatus
from importlib import resources
from typing import Any
from urllib.parse import urlencode

from lxml import etree

from duis_gateway.client import NotProven, Trust
from duis_gateway.client.soap import signed_document
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.envelope.parse import parse_trusted
from duis_gateway.errors import MessageRefused
from duis_gateway.operations.console.code_words import subject_of
from duis_gateway.sandbox import cast, hub_filter
from duis_gateway.sandbox.commands import COMMANDS
from duis_gateway.sandbox.mails import Mail, opened
from duis_gateway.sandbox.mocks.behaviour import BEHAVIOURS
from duis_gateway.sandbox.parameters import WrongCommand
from duis_gateway.sandbox.sandbox import Sandbox
from duis_gateway.sandbox.standing import next_steps, standing_of
from duis_gateway.sandbox.undelivered import why_undelivered
from duis_gateway.sandbox.words import Line, News, in_lines
from duis_gateway.text.numbers import is_digits
from duis_gateway.text.pages import render

_LAST = 20
_LAST_MAILS = 10
_MOST_SHOWN = 300_000
_MOST_DIGITS = 9
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


ASKED = (*hub_filter.FIELDS, "before", "mails_before")
"""What the page can be asked for in its query: some hubs, and older messages and emails."""


def overview(sandbox: Sandbox, asked: Mapping[str, str], news: News) -> str:
    """Return the page; `news` is what the last command brought about.

    Raises:
        WrongCommand: it was asked for something that there is not.
    """
    status, standing = sandbox.status(), standing_of(sandbox.world)
    found = hub_filter.find_hubs(status["hubs"], standing.hubs, asked)
    before, mails = _before(asked, "before"), sandbox.mails.all()
    mails_end = (_before(asked, "mails_before") or len(mails) + 1) - 1
    return render(
        "duis_gateway.sandbox/page.html",
        status=status,
        standing=standing,
        now=sandbox.world.clock.now(),
        name_of=cast.name_of,
        subject_of=subject_of,
        you=next(one for one in status["parties"] if one["name"] == "you"),
        news=news.lines,
        asked={name: asked.get(name, "") for name in ASKED},
        link=partial(_link, asked),
        found=found,
        next_steps=next_steps(sandbox.world, (one["device"] for one in found.rows)),
        states=hub_filter.STATES,
        suppliers=[one.name for one in cast.SUPPLIERS],
        messages=list(reversed(sandbox.world.traffic.messages(before=before, last=_LAST))),
        mails=[one.told for one in reversed(mails[:mails_end][-_LAST_MAILS:])],
        commands=COMMANDS,
        refused=news.refused,
        behaviours=list(BEHAVIOURS),
    )


def _before(asked: Mapping[str, str], name: str) -> int | None:
    text = asked.get(name)
    if text is None:
        return None
    if not is_digits(text, _MOST_DIGITS) or int(text) < 1:
        raise WrongCommand(f"{name} must be a number, not {text[:20]!r}")
    return int(text)


def _link(asked: Mapping[str, str], part: str, **changed: object) -> str:
    """Return the address of the page with something else asked for, at one of its parts."""
    fields = {name: value for name, value in {**asked, **changed}.items() if value not in ("", None)}
    return f"/{'?' if fields else ''}{urlencode(fields)}#{part}"


def news_of(result: Mapping[str, Any]) -> list[Line]:
    """Return what a command brought about, for the page."""
    return in_lines(result) or [Line("done; it brought about no message")]


def message(sandbox: Sandbox, number: int, news: News) -> str | None:
    """Return the page of one message with its answer; None: there is none of this number. `news` as in `overview`."""
    traffic = sandbox.world.traffic
    found = traffic.messages(since=number - 1, before=number + 1) if number > 0 else []
    raw = traffic.content(number)
    if not found or raw is None:
        return None
    answer = traffic.content(number, answer=True)
    trust = Trust.folder(sandbox.folder.pki, clock=sandbox.world.clock, roles=_ROLES)
    content, kind = raw
    row = found[0]["outbox"]
    return render(
        "duis_gateway.sandbox/message.html",
        one=found[0],
        news=news.lines,
        waits=None if row is None else why_undelivered(sandbox.world, row),
        judged=traffic.verdict(number),
        console=sandbox.world.console,
        content=_readable(content) if kind == "xml" else opened(content).text[:_MOST_SHOWN],
        proof=_proof(trust, content) if kind == "xml" else "an email is not signed",
        answer=None if answer is None else _readable(answer[0]),
        answer_proof="" if answer is None else _proof(trust, answer[0]),
    )


def refused(status: HTTPStatus, detail: str) -> str:
    """Return the page that says in a browser why there is nothing else to see."""
    return render("duis_gateway.sandbox/refused.html", status=status, detail=detail)


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
