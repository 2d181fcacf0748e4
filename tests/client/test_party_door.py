"""The party door's client: what each answer becomes. (The feature files and the pack ask a gateway.)"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from duis_gateway.client import CannotSend, Eui, NotListening, NotNow, NotUnderstood, PartyDoor, Refused, Serving

HUB = Eui("00-DB-12-34-56-00-00-01")
pytestmark = pytest.mark.requirement("EX-1", "EX-2")


class Standin:
    """A party door that gives one answer, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer: tuple[int, dict[str, str], bytes] = (200, {}, b"")
        self.asked: list[tuple[str, str, str, bytes]] = []
        self.server = Serving(self._serve)

    def _serve(self, environ: dict[str, Any], start: Any) -> list[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        self.asked.append(
            (environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("HTTP_AUTHORIZATION", ""), body)
        )
        status, headers, content = self.answer
        start(f"{status} x", [*headers.items(), ("Content-Length", str(len(content)))])
        return [content]

    def says(self, body: object, status: int = 200, **headers: str) -> PartyDoor:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answer = status, {name.replace("_", "-"): value for name, value in headers.items()}, content
        return PartyDoor(f"{self.server.url}/", "a token\n")


@pytest.fixture
def standin() -> Iterator[Standin]:
    made = Standin()
    yield made
    made.server.close()


def test_a_list_is_put_shown_and_asked_about_one_after_another(standin: Standin) -> None:
    """All by one connection: what one method set must not be left for the next."""
    door = standin.says({"hubs": 1})
    assert door.protect([str(HUB).lower()]) == 1
    standin.says(f"device_id\r\n{HUB}\r\n".encode())
    assert door.protected_hubs() == (HUB,)
    told = {"code": "W110501", "meaning": "some", "accepted": True, "lists": {"InvalidDeviceIDList": [str(HUB)]}}
    standin.says(told)
    checked = door.check(b"<a/>")
    assert (checked.code, checked.accepted, checked.warning) == ("W110501", True, {"InvalidDeviceIDList": (HUB,)})
    assert standin.asked == [
        ("PUT", "/party/v1/protected-hubs", "Bearer a token", json.dumps([str(HUB)]).encode()),
        ("GET", "/party/v1/protected-hubs", "Bearer a token", b""),
        ("POST", "/party/v1/check", "Bearer a token", b"<a/>"),
    ]


def test_a_refusal_says_where_and_an_unknown_token_what_to_do(standin: Standin) -> None:
    problem = {"title": "not valid", "detail": "the schema", "errors": [{"path": "/a", "line": 3, "reason": "what"}]}
    door = standin.says(problem, 400, Content_Type="application/problem+json")
    with pytest.raises(Refused, match=r"HTTP 400: the schema; /a: what \(correct what") as caught:
        door.check(b"<a/>")
    assert caught.value.problem.findings[0].line == 3
    with pytest.raises(CannotSend, match="devices: not an EUI-64"):
        door.protect(["00-DB"])
    standin.says({"title": "no"}, 401, Content_Type="application/problem+json", WWW_Authenticate='Bearer realm="x"')
    with pytest.raises(Refused, match="check the token"):
        door.protected_hubs()
    standin.says(b"<busy/>", 503, Retry_After="5")
    with pytest.raises(NotNow, match="ask again a little later"):
        door.check(b"<a/>")
    standin.says(b"[1]", 400, Content_Type="application/problem+json")
    with pytest.raises(Refused, match=r"HTTP 400: \[1\]"):
        door.check(b"<a/>")


@pytest.mark.parametrize("body", [b"<html/>", b"[]", b'{"code": 1}', b"\xff", b'{"hubs": "many"}'])
def test_what_is_no_party_door_is_said_to_be_none(standin: Standin, body: bytes) -> None:
    door = standin.says(body)
    for ask in (lambda: door.check(b"<a/>"), lambda: door.protect([HUB])):
        with pytest.raises(NotUnderstood, match="is not a gateway's party door"):
            ask()


def test_what_to_do_is_said_of_a_question_and_not_of_a_message(standin: Standin) -> None:
    """Nothing was prepared that could be posted again, and nothing has an identity."""
    door = standin.says({"title": "no"}, 403, Content_Type="application/problem+json")
    with pytest.raises(Refused, match="check whose token it is"):
        door.protected_hubs()
    standin.server.close()
    for ask in (door.protected_hubs, door.estate):
        with pytest.raises(NotListening) as caught:
            ask()
        assert "ask again" in str(caught.value)
        assert "prepared" not in str(caught.value)


def test_a_list_that_is_none_is_not_understood(standin: Standin) -> None:
    with pytest.raises(NotUnderstood):
        standin.says(b"<html>no list</html>\nat all").protected_hubs()
