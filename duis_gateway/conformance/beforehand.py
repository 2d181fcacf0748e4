"""What is looked at before anything is played: whether this is the gateway of the profile, and whom it knows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus

from lxml import etree

from duis_gateway.client import DOORS, NoAnswer, NotProven
from duis_gateway.client.http import HttpAnswer
from duis_gateway.client.party_door import PATH as PARTY_DOOR
from duis_gateway.client.problems import refusal_of
from duis_gateway.conformance.clause import VERSIONS
from duis_gateway.conformance.clauses.said import UNKNOWN
from duis_gateway.conformance.notices import stamp
from duis_gateway.conformance.profile import Actor
from duis_gateway.conformance.subject import OPENAPI, CannotBegin, Subject
from duis_gateway.text.json_reader import read_json

_XML = {"Content-Type": "application/xml"}
_OFF = timedelta(hours=1)
"""So far the gateway's clock may be from the profile's."""


def identify(subject: Subject) -> str:
    """Make sure that this is the gateway of the profile, and that it knows all that the pack plays; return its version.

    Nothing changes there: each supplier asks for its hubs (8.2), each token for a table, and DCC and the CSP say
    something about a release and a hub that there are not.

    Raises:
        CannotBegin: it is another gateway, or does not know a party or a hub as the profile has it; the text says what
            to look at.
    """
    profile = subject.profile
    for version in VERSIONS:
        by = subject.supplier(version)
        for hub in by.hubs:
            _look_at_hub(subject, by, hub, version)
    if "second" in profile:
        for hub in profile["second"].hubs:
            for name in ("second", "on_6_0"):
                _look_at_hub(subject, profile[name], hub, "6.0")
    release = "<FirmwareReleaseID>PACK-NONE</FirmwareReleaseID>"
    at = _look_at_partner(subject, "dcc", f"<Withdrawal>{release}<At>{stamp(subject.now)}</At></Withdrawal>")
    asked = f"{release}<FirmwareVersion>PACK</FirmwareVersion><DeviceIDList>{UNKNOWN}</DeviceIDList>"
    issued = f"<IssuedAt>{stamp(subject.now)}</IssuedAt>"
    _look_at_partner(subject, "csp", f"<ActivateFirmwareRequests>{asked}{issued}</ActivateFirmwareRequests>")
    if abs(at - subject.now) > _OFF:
        raise CannotBegin(
            f"the clock of {subject.url} says {stamp(at)}, and the profile's {stamp(subject.now)}: [gateway] now there "
            "is the time at which the gateway's clock stands, and is left out where it goes"
        )
    for actor in profile.actors.values():
        _look_at_token(subject, actor)
    return _version(subject)


def _look_at_hub(subject: Subject, by: Actor, hub: str, version: str) -> None:
    """See that a supplier may speak, on its DUIS version, and that a hub is its own and as the profile has it."""
    body = f"<sr:ReadInventory><sr:DeviceID>{hub}</sr:DeviceID></sr:ReadInventory>"
    document = by.identity.sign(subject.request(by, version, body))
    root = _proven(subject, by, "8.2", _answer(subject, by, "8.2", DOORS["serviceD"], document))
    code = root.findtext(".//{*}ResponseCode") or "none"
    if code != "I0":
        raise CannotBegin(
            f"{subject.url} answers {code} to an 8.2 of {by.name} about its hub {hub}: register the parties of the "
            "profile and load their hubs, as `conformance init` does"
        )
    profile = subject.profile
    for names, meant, is_what in (
        (("DeviceManufacturer", "DeviceModel"), (profile.manufacturer, profile.model), "of the model"),
        (("CSPRegion",), (profile.region,), "in the region"),
    ):
        found = tuple(root.findtext(f".//{{*}}{name}") or "" for name in names)
        if found != meant:
            raise CannotBegin(
                f"hub {hub} is {is_what} {' '.join(found)} at {subject.url}, and {is_what.split()[0]} "
                f"{' '.join(meant)} in the profile: look at [hubs] there"
            )


def _look_at_partner(subject: Subject, name: str, body: str) -> datetime:
    """See that DCC or the CSP may speak; return the gateway's time."""
    by = subject.profile[name]
    what = etree.fromstring(body).tag
    root = _proven(subject, by, what, _answer(subject, by, what, *subject.saying(name, body)))
    return datetime.fromisoformat(root.findtext(".//{*}CreatedAt") or "")


def _look_at_token(subject: Subject, by: Actor) -> None:
    if by.token:
        path, headers = f"{PARTY_DOOR}/status", {"Authorization": f"Bearer {by.token}"}
        otherwise = f"does not take the token of {by.name} ({by.eui})"
        _taken(subject, lambda: subject.exchange(path, None, headers, "GET"), otherwise)


def _answer(subject: Subject, by: Actor, what: str, path: str, document: bytes) -> HttpAnswer:
    return _taken(
        subject, lambda: subject.exchange(path, document, _XML), f"refuses a signed {what} of {by.name} ({by.eui})"
    )


def _taken(subject: Subject, ask: Callable[[], HttpAnswer], otherwise: str) -> HttpAnswer:
    """Return the answer to what is asked (CannotBegin: nothing comes, or a refusal)."""
    try:
        answer = ask()
    except NoAnswer as error:
        raise CannotBegin(error.detail) from None
    if answer.status != HTTPStatus.OK:
        raise CannotBegin(f"{subject.url} {otherwise}: {refusal_of(answer).detail}")
    return answer


def _proven(subject: Subject, by: Actor, what: str, answer: HttpAnswer) -> etree._Element:
    try:
        return subject.profile.trust.prove(answer.body).root
    except NotProven as error:
        raise CannotBegin(
            f"what answers at {subject.url} is not the gateway of the profile, {subject.profile.gateway}: its "
            f"answer to a signed {what} of the party {by.name} ({by.eui}) is not proven: {error.detail}"
        ) from None


def is_there(subject: Subject) -> bool:
    """Whether anybody answers at the gateway's URL."""
    try:
        subject.exchange(OPENAPI, None, {}, "GET")
    except NoAnswer:
        return False
    return True


def _version(subject: Subject) -> str:
    try:
        told = subject.exchange(OPENAPI, None, {}, "GET")
        return str(read_json(told.body)["info"]["version"]) if told.status == HTTPStatus.OK else ""
    except (NoAnswer, ValueError, KeyError, TypeError):
        return ""  # not every gateway describes itself
