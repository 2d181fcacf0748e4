"""The party door beside 11.5 and 11.6: a dry run of a request, and the supplier's own protection list."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from duis_gateway.conformance.clause import Clause, Era, Play, brings
from duis_gateway.conformance.clauses.requests import read_inventory
from duis_gateway.conformance.clauses.said import UNKNOWN, default_list, list_request, own, pilot_list
from duis_gateway.conformance.clauses.submitting import ON
from duis_gateway.conformance.notices import Release
from duis_gateway.conformance.subject import NotConformant, Reply, Subject, expect
from duis_gateway.text.json_reader import read_json

_LIST = "protected-hubs"


def _check(subject: Subject, document: bytes) -> Reply:
    return subject.ask_party_door(subject.supplier("6.0"), "POST", "check", document)


def _told(answer: Reply) -> Any:
    answer.is_status(200)
    try:
        return read_json(answer.body)
    except ValueError as error:
        raise NotConformant(f"the answer cannot be read: {error}") from None


@brings("W110501")
def _told_beforehand(subject: Subject, _: str) -> None:
    """The dry run of a request says what the request is then answered, signed or not, and leaves its RequestID free."""
    by, (good, *_others) = subject.supplier("6.0"), own(subject)
    with subject.release() as release:
        document = list_request(subject, release, (good, UNKNOWN))
        told = [_told(_check(subject, asked)) for asked in (document, by.identity.sign(document))]
        reply = subject.send(by, document)
        reply.is_code("W110501")
        expect(
            [(one["code"], one["accepted"], one["lists"]) for one in told],
            [("W110501", True, {"InvalidDeviceIDList": reply.listed("InvalidDeviceIDList")})] * 2,
            "the code, whether it would be accepted, and the lists",
        )


def _not_checked(subject: Subject, version: str) -> None:
    unknown = list_request(subject, Release("PACK-NONE", "PACK"), own(subject))
    told = _told(_check(subject, unknown))
    expect((told["code"], told["accepted"]), ("E110501", False), "the code, and whether it would be accepted")
    _check(subject, read_inventory(subject, version)).is_status(400)
    others = read_inventory(subject, "5.0")
    _check(subject, others).is_status(403)
    subject.ask_party_door(None, "POST", "check", unknown).is_status(401)


def _protect(subject: Subject, hubs: Sequence[str]) -> Reply:
    body = json.dumps(list(hubs)).encode()
    return subject.ask_party_door(subject.supplier("6.0"), "PUT", _LIST, body, "application/json")


@contextmanager
def _protecting(subject: Subject, hubs: Sequence[str]) -> Iterator[None]:
    """The supplier protects these hubs while the block lasts."""
    expect(_told(_protect(subject, hubs)), {"hubs": len(hubs)}, "the number of hubs protected")
    try:
        yield
    finally:
        subject.ask_party_door(subject.supplier("6.0"), "DELETE", _LIST)


def _listed(subject: Subject) -> list[str]:
    return [one["device_id"] for one in _told(subject.ask_party_door(subject.supplier("6.0"), "GET", _LIST))]


@brings("W110501")
def _kept_out(subject: Subject, _: str) -> None:
    kept, other = own(subject)
    with subject.release() as release:
        with _protecting(subject, (kept,)):
            expect(_listed(subject), [kept], "the protection list")
            reply = pilot_list(subject, release, (kept, other))
            reply.is_code("W110501")
            expect(reply.listed("ProtectedDeviceIDList"), [kept], "the protected hubs")
            default_list(subject, release.id, (kept, other)).is_code("PartlyAccepted")
        pilot_list(subject, release, (kept, other)).is_code("I99")


@brings("E110502")
def _nothing_left(subject: Subject, _: str) -> None:
    """A list of protected hubs alone is refused; a protection list that is partly wrong changes nothing."""
    hubs = own(subject)
    with subject.release() as release, _protecting(subject, hubs):
        pilot_list(subject, release, hubs).is_code("E110502")
        _protect(subject, (hubs[0], "00-DB")).is_status(400)
        expect(_listed(subject), sorted(hubs), "the protection list")
    subject.ask_party_door(None, "GET", _LIST).is_status(401)


def _clause(name: str, source: str, accepts: Play, refuses: Play, requirement: str) -> Clause:
    return Clause(name, source, Era.NEW, accepts, refuses, ON, (requirement, "PIA-5"), needs=("on_6_0.token",))


CLAUSES = (
    _clause("check", "party door: a dry run of 11.5 and 11.6", _told_beforehand, _not_checked, "EX-1"),
    _clause("protected_hubs", "party door: a supplier's protection list", _kept_out, _nothing_left, "EX-2"),
)
"""What a supplier can do by its token, and what it does to its requests."""
