"""A form whose fields cannot be used: its page again, as it was filled in, with what is wrong beside the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from duis_gateway.doors.wire import HttpRequest
from duis_gateway.errors import FieldRefused, HttpRefused, MessageRefused, refusal_of
from duis_gateway.operations.console import asked, hub_list

_PAGES: Mapping[str, str] = {"/hubs": "hubs.html", "/messages": "messages.html"}


class Wrong(NamedTuple):
    """What is wrong with a form: in which of its fields, "" where it is not one that the page shows, and why."""

    field: str
    detail: str


class Correction(NamedTuple):
    """A page with a form to be corrected: its template, and what is to be filled in there."""

    template: str
    facts: Mapping[str, object]


def correction(error: MessageRefused, request: HttpRequest, path: str) -> Correction | None:
    """Return the page on which a refused query can be corrected; None: it is no form's, or not refused for its fields.

    Args:
        error: why it is refused.
        request: the query.
        path: the page's address under the root of the pages.
    """
    template = _PAGES.get(path)
    if template is None or not isinstance(error, HttpRefused) or refusal_of(error).status != 400:
        return None
    wrong = Wrong(error.field if isinstance(error, FieldRefused) else "", error.detail)
    return Correction(template, {"asked": _as_filled_in(request), "wrong": wrong, "choices": hub_list.CHOICES})


def _as_filled_in(request: HttpRequest) -> Mapping[str, str]:
    try:
        return asked.query(request)
    except HttpRefused:
        return {}
