"""What changes something: only with the operators' token, from our own pages, and never without evidence."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from urllib.parse import parse_qs

from sqlalchemy import Connection

from duis_gateway.clock import Clock
from duis_gateway.doors.wire import HttpRequest
from duis_gateway.duis.identifiers import format_eui
from duis_gateway.errors import ConfigurationError, HttpRefused, NotEntitled, UnsupportedMedia
from duis_gateway.operations import actions, flags
from duis_gateway.operations.actions import OperatorAction
from duis_gateway.operations.console import asked
from duis_gateway.outbox import view as outbox_view
from duis_gateway.store.engine import Store
from duis_gateway.text.origins import from_another_site

_FORM = "application/x-www-form-urlencoded"
_LONGEST_FORM = 64 * 1024
_MOST_FIELDS = 1000
_FORM_SECONDS = 3600

READ_ONLY = "This console is read-only: [operations] token_file does not name a file with a token."

Form = Mapping[str, Sequence[str]]


class Guard:
    """Lets a change through: the form is ours and fresh, the request comes from our own page, the token is right.

    Args:
        token: returns the operators' token, or None where none is configured; read each time, so that it can change.
    """

    def __init__(self, token: Callable[[], str | None]) -> None:
        self._token = token

    @property
    def is_open(self) -> bool:
        """Whether anything can be changed here at all."""
        try:
            return self._token() is not None
        except ConfigurationError:
            return False

    def form_token(self, action: str) -> str:
        """Return what a form for this action carries: nobody who cannot read our pages can make one."""
        return self._signed(action, int(time.time()) // _FORM_SECONDS) if self.is_open else ""

    def check(self, request: HttpRequest, action: str) -> Form:
        """Return the fields of a form.

        Raises:
            NotEntitled: there is no token, or a wrong one; the form is not ours, too old, or another site's.
            HttpRefused: it is no form; UnsupportedMedia, TooLarge: not one of ours.
        """
        _check_origin(request)
        form = _fields(request)
        try:
            token = self._token()
        except ConfigurationError as error:
            raise NotEntitled(f"nothing can be changed right now: {error}") from None
        if token is None:
            raise NotEntitled(READ_ONLY)
        now = int(time.time()) // _FORM_SECONDS
        given = _one(form, "form")
        if not any(_same(given, self._signed(action, hour)) for hour in (now, now - 1)):
            raise NotEntitled("the form is too old, or does not come from this console: reload the page and try again")
        if not _same(_one(form, "token"), token):
            raise NotEntitled("the operators' token is wrong; nothing was changed")
        return form

    def _signed(self, action: str, hour: int) -> str:
        key = hashlib.sha256(f"form\n{self._token()}".encode()).digest()
        return hmac.new(key, f"{action}\n{hour}".encode(), hashlib.sha256).hexdigest()


def _check_origin(request: HttpRequest) -> None:
    """Refuse what another site's page has a browser send (both fields are the browser's own and cannot be forged)."""
    if from_another_site(request.method, request.headers.get("host", ""), request.headers):
        raise NotEntitled("the request came from another site's page; nothing was changed")


def _fields(request: HttpRequest) -> Form:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise UnsupportedMedia(f"the media type must be {_FORM}")
    try:
        text = request.body(_LONGEST_FORM).decode("ascii")
        return parse_qs(text, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise HttpRefused("the form cannot be read, or has too many fields") from None


def _one(form: Form, name: str) -> str:
    return form.get(name, [""])[0]


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), right.encode())


def make(
    store: Store, clock: Clock, request: HttpRequest, action: str, change: Callable[[Connection], tuple[int, str]]
) -> int:
    """Make a change and keep it as evidence, in one transaction; return how many things it changed.

    `change` returns that number, and what was changed in words. What changed nothing leaves no evidence.
    """
    with store.write() as conn:
        number, subject = change(conn)
        done = OperatorAction(clock.now(), action, subject, request.remote)
        if number:
            actions.record(conn, done)
    if number:
        actions.say(done, request.correlation_id)
    return number


def replay(conn: Connection, form: Form) -> tuple[int, str]:
    """Put back the dead letters that a form names: messages by their numbers, or all of a recipient.

    Returns:
        how many they are, and which, in words.

    Raises:
        HttpRefused: the form cannot be read.
    """
    if "message" in form:
        numbers = [asked.number(one, "message") for one in form["message"]]
        done = sum(outbox_view.replay(conn, message=one) for one in numbers)
        return done, f"message{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
    recipient = asked.eui(form.get("recipient", [""])[0], "the recipient")
    return outbox_view.replay(conn, recipient=recipient), f"all of {format_eui(recipient)}"


def acknowledge(conn: Connection, form: Form, now: datetime) -> tuple[int, str]:
    """Acknowledge the flags that a form names, or all that it showed.

    Returns:
        how many they are, and which, in words.

    Raises:
        HttpRefused: the form cannot be read.
    """
    ids = [asked.number(text, "flag") for text in form.get("shown" if "all" in form else "flag", ())]
    named = (
        f"flag{'' if len(ids) == 1 else 's'} with the number{'' if len(ids) == 1 else 's'} {', '.join(map(str, ids))}"
    )
    return flags.acknowledge(conn, ids, now), named
