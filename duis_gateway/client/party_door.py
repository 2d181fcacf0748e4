"""The party door, as a party uses it beside its signed messages: its estate, a dry run, its own protection list."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from duis_gateway.client.arguments import eui_of, expect, expect_url, listed
from duis_gateway.client.errors import (
    CannotSend,
    NoAnswer,
    NotListening,
    NotNow,
    NotUnderstood,
    Refused,
    SetupWrong,
    TlsFailed,
)
from duis_gateway.client.gateway import Prepared
from duis_gateway.client.http import Http, HttpAnswer, TlsIdentity
from duis_gateway.client.problems import refusal_of
from duis_gateway.duis.eui import Eui
from duis_gateway.duis.times import format_date_time
from duis_gateway.text.json_reader import read_json

PATH = "/party/v1"
_MAX_ANSWER = 64 * 1024 * 1024
_ASK_FOR_ANOTHER = (
    "check the token; the gateway's operator makes a new one with `party token`, and the previous one stops working"
)
_NOT_HERE = "check whose token it is: `check` and the protection list are for active suppliers"
_ASK_AGAIN = "ask again, which does nothing twice; if the answer is too large, use `changed_since`, or CSV"
_CORRECT = "correct what the text names, and ask again"


@dataclass(frozen=True)
class Checked:
    """What an 11.5 or 11.6 would be answered; it promises nothing.

    Attributes:
        code: the response code (`I99`, `W110501`, `E110503`).
        meaning: the same in words.
        accepted: whether it would be taken, at least for a part.
        warning: the hubs that it would not get, by the name of their list.
        gpfs: those of them that are the GPF of a hub, with that hub: it is to be named instead.
    """

    code: str
    meaning: str
    accepted: bool
    warning: Mapping[str, tuple[Eui, ...]]
    gpfs: Mapping[Eui, Eui] = field(default_factory=dict)


class PartyDoor:
    """A gateway's party door, as the party sees it that the bearer token is of; for any number of threads at a time."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float = 60.0,
        authorities: Path | str | None = None,
        tls: TlsIdentity | None = None,
    ) -> None:
        """Take where the gateway is (its public listener; paths are added), and the party's token.

        `timeout` are the seconds that one exchange may take; `authorities` and `tls` are as for `Gateway`.

        Raises:
            SetupWrong: a file of TLS cannot be used, or the token is none.
        """
        expect_url(url, "the URL of the gateway's public listener")
        expect("token", token, str, "the party's token, a text")
        self.url = url.rstrip("/")
        self._token = token.strip()
        if not self._token.isascii() or not self._token.isprintable():
            raise SetupWrong(
                "token has characters that a token never has",
                "give the one line that the gateway's operator got from `party token`",
            )
        self._http = Http(timeout, authorities, _MAX_ANSWER, tls)

    def check(self, request: Prepared | bytes) -> Checked:
        """Return what this 11.5 or 11.6 would be answered now; its RequestID stays free.

        It is what `Gateway.prepare` made, or a document, signed or not yet signed.

        Raises:
            NoAnswer: the gateway could not be reached.
            NotNow: it cannot take messages now.
            Refused: it would refuse this one, or does not know the token.
            NotUnderstood: what answers is not a gateway's party door.
        """
        document = request.document if isinstance(request, Prepared) else request
        expect("a request to check", document, bytes, "what `Gateway.prepare` returned, or bytes", CannotSend)
        answer = self._ask("POST", "check", document, "application/xml")
        try:
            told = read_json(answer.body)
            lists = {name: tuple(map(Eui, hubs)) for name, hubs in told["lists"].items()}
            gpfs = {Eui(gpf): Eui(hub) for gpf, hub in told.get("gpfs", {}).items()}
            return Checked(told["code"], told["meaning"], told["accepted"], lists, gpfs)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._not_understood() from None

    def estate(self, changed_since: datetime | None = None) -> list[dict[str, Any]]:
        """Return the party's hubs one by one, each as a row of the gateway's table by the names of its columns.

        With `changed_since`, those that may have changed since then, and those that have left the estate (`state`
        "departed"): give the time at which the last call was made. More than 64 MiB, about 100,000 hubs, are refused
        (NoAnswer): a larger estate is fetched once as CSV into a file, and then by what has changed.

        Errors as `check`; CannotSend where that is no time, or one without a zone.
        """
        since = "" if changed_since is None else f"&changed-since={_written(changed_since)}"
        answer = self._ask("GET", f"estate?format=json{since}")
        try:
            rows = read_json(answer.body)
            return [{str(name): value for name, value in row.items()} for row in rows]
        except (ValueError, TypeError, AttributeError):
            raise self._not_understood() from None

    def protected_hubs(self) -> tuple[Eui, ...]:
        """Return the supplier's protection list (errors as `check`)."""
        answer = self._ask("GET", "protected-hubs?format=csv")
        try:
            return tuple(map(Eui, answer.body.decode("ascii").split()[1:]))
        except ValueError:
            raise self._not_understood() from None

    def protect(self, devices: Iterable[str | int]) -> int:
        """Make these hubs the supplier's protection list, none to empty it; return how many they are.

        Errors as `check`; CannotSend where that is no list, or a device is no EUI-64.
        """
        hubs = [str(eui_of("devices", device, CannotSend)) for device in listed("devices", devices)]
        body = json.dumps(hubs).encode()
        answer = self._ask("PUT", "protected-hubs", body, "application/json")
        try:
            return int(read_json(answer.body)["hubs"])
        except (ValueError, KeyError, TypeError):
            raise self._not_understood() from None

    def _ask(self, method: str, what: str, body: bytes | None = None, media: str | None = None) -> HttpAnswer:
        headers = {"Authorization": f"Bearer {self._token}"} | ({"Content-Type": media} if media else {})
        try:
            answer = self._http.exchange(method, f"{self.url}{PATH}/{what}", body, headers)
        except TlsFailed:
            raise
        except NotListening as error:
            raise NotListening(error.detail, "check the gateway's URL and that it is running, and ask again") from None
        except NoAnswer as error:
            raise NoAnswer(error.detail, _ASK_AGAIN) from None
        if answer.status == HTTPStatus.OK:
            return answer
        raise _refusal(answer)

    def _not_understood(self) -> NotUnderstood:
        return NotUnderstood(f"what answers at {self.url}{PATH} is not a gateway's party door", "check the URL")


def _refusal(answer: HttpAnswer) -> Refused:
    """Return the error for an answer that is no 200; what is to be done is not what it is for a message."""
    refusal = refusal_of(answer)
    if isinstance(refusal, NotNow):
        return NotNow(refusal.problem, "ask again a little later")
    if answer.headers.get("www-authenticate", "").startswith("Bearer"):
        return Refused(refusal.problem, _ASK_FOR_ANOTHER)
    match refusal.status:
        case HTTPStatus.FORBIDDEN:
            return Refused(refusal.problem, _NOT_HERE)
        case HTTPStatus.BAD_REQUEST | HTTPStatus.CONFLICT | HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return Refused(refusal.problem, _CORRECT)
    return refusal


def _written(at: datetime) -> str:
    expect("changed_since", at, datetime, "a datetime with a zone", CannotSend)
    try:
        return format_date_time(at)
    except ValueError as error:
        raise CannotSend(f"changed_since: {error}") from None
