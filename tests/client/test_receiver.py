"""The receiver: every alert read, repeats told apart, what is not proven refused, under WSGI and ASGI."""

from __future__ import annotations

import asyncio
import http.client
import io
import re
import threading
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import fields, is_dataclass, replace
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import urllib3
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.client import (
    Alert,
    CannotSend,
    ClientError,
    DUISVersionMismatch,
    Eui,
    Identity,
    IdReused,
    InFile,
    InMemory,
    Message,
    NotListening,
    NotProven,
    NotUnderstood,
    PartOf,
    PreferredPilotList,
    PreferredPilotSchedule,
    Receiver,
    Repeats,
    SetupWrong,
    Trust,
)
from duis_gateway.client.inbox import Inbox
from duis_gateway.client.receiver import Handler
from duis_gateway.duis.alerts.comms_hub_firmware_activation import CommsHubFirmwareActivation
from duis_gateway.duis.alerts.default_pilot_list import DefaultPilotList
from duis_gateway.duis.alerts.table import ALERTS
from duis_gateway.partners.messages import Interface
from duis_gateway.pki.make import load_authority, make_certificate
from tests.support import duis, partner_bodies
from tests.support.parties import AT, GATEWAY, OTHER, SUPPLIER, Parties
from tests.support.writing import wait_until

pytestmark = pytest.mark.requirement("EX-6")

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
ALL_BODIES = {"N64": duis.ACTIVATION, **duis.OPTION_1_BODIES}


@pytest.fixture(scope="module")
def parties(tmp_path_factory: pytest.TempPathFactory) -> Parties:
    return Parties.make(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def receiver(parties: Parties) -> Receiver:
    return Receiver(parties.supplier, parties.trust)


def test_the_kit_knows_every_alert() -> None:
    assert {str(one) for one in Alert} == set(ALERTS)
    assert set(ALL_BODIES) == set(ALERTS) - {"N999"}


@pytest.mark.parametrize("code", sorted(ALL_BODIES))
def test_an_alert_is_read_as_the_dataclass_that_it_was_made_from(
    parties: Parties, receiver: Receiver, code: str
) -> None:
    inbox = receiver.keep()
    (raw,) = parties.alerts(ALL_BODIES[code])
    message = receiver.receive(raw)
    assert (message.kind, message.body, message.part) == (code, ALL_BODIES[code], None)
    assert (message.sender, message.at, message.raw) == (GATEWAY, AT, raw)
    assert inbox.messages() == [message]
    assert [hub for hub in devices_in(message.body) if not isinstance(hub, Eui)] == [], "they print as DUIS has them"


def devices_in(body: Any) -> Iterator[int]:
    """Every device that a body names, at any depth."""
    for one in fields(body):
        value = getattr(body, one.name)
        if one.name in {"device_id", "device_ids"}:
            yield from value if isinstance(value, tuple) else (value,)
        else:
            for inner in value if isinstance(value, tuple) else (value,):
                yield from devices_in(inner) if is_dataclass(inner) else ()


def test_what_a_version_cannot_be_told_is_read_as_n999(parties: Parties, receiver: Receiver) -> None:
    (raw,) = parties.alerts(duis.ACTIVATION, version="5.0")
    body = receiver.receive(raw).body
    assert body == DUISVersionMismatch("N64", "5.0", duis.HUB, "9002")
    assert str(body.device_id) == duis.HUB_TEXT, "it prints as DUIS writes it"


def test_a_long_alert_comes_in_parts(parties: Parties, receiver: Receiver) -> None:
    hubs = duis.many_hubs(300)
    raws = parties.alerts(DefaultPilotList("R-1", "9002", "North", hubs), room=7_000)
    messages = [receiver.receive(raw) for raw in raws]
    count = len(messages)
    assert [one.part for one in messages] == [PartOf(number, count) for number in range(1, count + 1)]
    assert tuple(hub for one in messages for hub in one.body.device_ids) == hubs


@pytest.mark.parametrize(
    ("interface", "name"),
    [(csp.INTERFACE, name) for name in partner_bodies.CSP_BODIES]
    + [(esi.INTERFACE, name) for name in partner_bodies.ESI_BODIES],
    ids=lambda one: one if isinstance(one, str) else one.namespace,
)
@settings(max_examples=5)
@given(data=st.data())
def test_partners_messages_are_read_the_same_way(
    parties: Parties, interface: Interface, name: str, data: st.DataObject
) -> None:
    strategies = partner_bodies.CSP_BODIES if interface is csp.INTERFACE else partner_bodies.ESI_BODIES
    body = data.draw(strategies[name])
    called: list[Message] = []
    receiver = Receiver(parties.supplier, parties.trust)
    receiver.on(type(body))(called.append)
    receiver.receive(parties.gateway.sign_canonical(interface.render_message("m-1", GATEWAY, AT, body)))
    assert [(one.kind, one.id, one.body) for one in called] == [(name, "m-1", body)]


def test_handlers_are_called_by_code_by_body_and_for_all_else(parties: Parties, receiver: Receiver) -> None:
    called: list[tuple[str, str]] = []

    @receiver.on(Alert.N64, Alert.N71)
    def by_code(message: Message) -> None:
        called.append(("code", message.kind))

    @receiver.on(CommsHubFirmwareActivation)
    def by_body(message: Message) -> None:
        called.append(("body", message.kind))

    @receiver.on()
    def other(message: Message) -> None:
        called.append(("other", message.kind))

    for number, code in enumerate(("N64", "N71", "N66")):
        receiver.receive(parties.alerts(ALL_BODIES[code], number + 1)[0])
    assert called == [("code", "N64"), ("body", "N64"), ("code", "N71"), ("other", "N66")]


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_a_repeat_is_accepted_and_handled_once_and_its_id_is_good_for_nothing_else(
    parties: Parties, tmp_path: Path, kind: str
) -> None:
    """T39, T40: across a restart where ids are kept in a file."""
    (raw,) = parties.alerts(duis.ACTIVATION)
    (changed,) = parties.alerts(duis.FAILURE)

    def begin() -> tuple[Receiver, Repeats]:
        repeats: Repeats = InFile(tmp_path / "taken.db") if kind == "file" else InMemory()
        return Receiver(parties.supplier, parties.trust, repeats=repeats), repeats

    receiver, repeats = begin()
    inbox = receiver.keep()
    assert [receiver.receive(raw).repeat for _ in range(3)] == [False, True, True]
    if isinstance(repeats, InFile):
        repeats.close()
        receiver, repeats = begin()
        inbox_after = receiver.keep()
        assert receiver.receive(raw).repeat
        assert len(inbox_after) == 0
    with pytest.raises(IdReused):
        receiver.receive(changed)
    assert receiver.answer("POST", changed)[0] == HTTPStatus.CONFLICT
    assert len(inbox) == 1
    if isinstance(repeats, InFile):
        repeats.close()


def test_ids_in_memory_are_forgotten_from_the_oldest() -> None:
    repeats = InMemory(most=2)
    for name in "abc":
        repeats.remember(name, name.encode())
    assert [repeats.digest_of(name) for name in "abc"] == [None, b"b", b"c"]


def test_a_message_whose_handler_fails_is_not_taken_and_comes_again(
    parties: Parties, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    (raw,) = parties.alerts(duis.ACTIVATION)
    fails = [True, False]
    taken: list[Message] = []

    @receiver.on(Alert.N64)
    def handler(message: Message) -> None:
        if fails.pop(0):
            raise OSError("no room")
        taken.append(message)

    assert receiver.answer("POST", raw)[0] == HTTPStatus.SERVICE_UNAVAILABLE
    assert "no room" in caplog.text
    assert receiver.answer("POST", raw)[0] == HTTPStatus.NO_CONTENT
    assert receiver.answer("POST", raw)[0] == HTTPStatus.NO_CONTENT
    assert len(taken) == 1


def test_the_same_message_is_not_handled_by_two_at_once(parties: Parties, receiver: Receiver) -> None:
    (raw,) = parties.alerts(duis.ACTIVATION)
    seen: list[HTTPStatus] = []

    @receiver.on(Alert.N64)
    def handler(_message: Message) -> None:
        seen.append(receiver.answer("POST", raw)[0])

    assert receiver.answer("POST", raw)[0] == HTTPStatus.NO_CONTENT
    assert seen == [HTTPStatus.SERVICE_UNAVAILABLE]


def _unsigned(parties: Parties) -> bytes:
    raw = parties.alerts(duis.ACTIVATION)[0]
    return raw[: raw.index(b"<ds:Signature")] + b"</sr:Response>"


REFUSALS: dict[str, tuple[Callable[[Parties], bytes], type[ClientError], str]] = {
    "no XML": (lambda _: b"<", NotProven, "well-formed"),
    "no signature": (_unsigned, NotProven, "no signature"),
    "changed": (
        lambda p: p.alerts(duis.ACTIVATION)[0].replace(b">9002<", b">9003<"),
        NotProven,
        "digest differs",
    ),
    "a supplier's": (
        lambda p: p.other.sign(p.alerts(duis.ACTIVATION)[0]),
        NotProven,
        "wrong kind",
    ),
    "for another": (lambda p: p.alerts(duis.ACTIVATION, to=OTHER)[0], NotProven, f"for {OTHER}"),
    "not valid": (
        lambda p: p.gateway.sign(p.alerts(duis.ACTIVATION)[0].replace(b">9002<", b">900200000<")),
        NotUnderstood,
        "FirmwareVersion",
    ),
    "of another version": (
        lambda p: p.gateway.sign(p.alerts(duis.ACTIVATION)[0].replace(b'"6.0"', b'"7.0"')),
        NotUnderstood,
        "7.0",
    ),
    "of something else": (lambda p: p.gateway.sign(b'<x xmlns="urn:x"/>'), NotUnderstood, "not a message"),
    "under another's name": (
        lambda p: p.gateway.sign(
            csp.INTERFACE.render_message("m", OTHER, AT, csp.DefaultPilotList("R", "North", (1,)))
        ),
        NotProven,
        "another party",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_is_not_a_message_of_the_gateway_for_this_party_is_refused_with_the_reason(
    parties: Parties, receiver: Receiver, name: str
) -> None:
    make, kind, reason = REFUSALS[name]
    inbox = receiver.keep()
    with pytest.raises(kind, match=reason):
        receiver.receive(make(parties))
    status, text = receiver.answer("POST", make(parties))
    assert status == HTTPStatus.BAD_REQUEST
    assert reason in text
    assert len(inbox) == 0


def test_a_certificate_that_is_named_is_trusted_without_its_authority(parties: Parties) -> None:
    named = Trust.certificate(parties.folder / "gateway.pem")
    assert named.gateway == parties.trust.gateway == GATEWAY
    (raw,) = parties.alerts(duis.ACTIVATION)
    assert Receiver(parties.supplier, named).receive(raw).kind == Alert.N64
    with pytest.raises(NotProven, match="unknown"):
        Receiver(parties.supplier, Trust.certificate(parties.folder / "other.pem")).receive(raw)


def test_another_who_signs_for_dcc_speaks_for_himself_alone(tmp_path: Path) -> None:
    """T37: his certificate is as good as the gateway's, and his alert in its name takes no id from the real one."""
    parties = Parties.make(tmp_path)
    dcc = _of_dcc(parties)
    (genuine,) = parties.alerts(duis.ACTIVATION)
    forged = dcc.sign(genuine[: genuine.index(b"<ds:Signature")].replace(b">9002<", b">9001<") + b"</sr:Response>")
    (own,) = parties.alerts(duis.ACTIVATION, signed_by=dcc)
    receiver = Receiver(parties.supplier, parties.trust)
    inbox = receiver.keep()
    status, text = receiver.answer("POST", forged)
    assert (status, "another party" in text) == (HTTPStatus.BAD_REQUEST, True)
    assert receiver.answer("POST", genuine)[0] == HTTPStatus.NO_CONTENT
    assert [(one.sender, one.body.firmware_version) for one in inbox.messages()] == [(GATEWAY, "9002")]

    assert receiver.receive(own).sender == dcc.eui, "in his own name he may, where both are believed"
    named = Receiver(parties.supplier, parties.trust, eui=GATEWAY)
    assert named.receive(genuine).sender == GATEWAY
    with pytest.raises(NotProven, match=f"signed by {dcc.eui}, and the gateway is {Eui(GATEWAY)}"):
        named.receive(own)
    with pytest.raises(SetupWrong, match="eui"):
        Receiver(parties.supplier, parties.trust, eui="the gateway")


def test_the_answer_of_a_device_comes_signed_by_dcc_and_takes_no_id_from_an_alert(tmp_path: Path) -> None:
    """17a"""
    parties = Parties.make(tmp_path)
    (alert,) = parties.alerts(duis.ACTIVATION)
    answer = (EXAMPLES / "duis-8.2-response-I0.xml").read_bytes()
    answer = re.sub(rb"<ds:Signature.*</ds:Signature>", b"", answer, flags=re.DOTALL)
    ids = f"<sr:ResponseID>{Eui(GATEWAY)}:{Eui(SUPPLIER)}:1</sr:ResponseID>"
    answer = re.sub(rb"<sr:RequestID>.*</sr:RequestID>", ids.encode(), answer)
    receiver = Receiver(parties.supplier, parties.trust)
    for raw in (_of_dcc(parties).sign(answer), alert):
        assert receiver.answer("POST", raw)[0] == HTTPStatus.NO_CONTENT


def _of_dcc(parties: Parties) -> Identity:
    """DCC's own key, with a certificate like the gateway's (OU 89) of the same authority."""
    made = make_certificate(load_authority(parties.folder), 0x90B3D51F3000000A, "89", parties.folder, stem="dcc")
    return Identity.load(made.key_path, made.certificate_path)


def test_the_journal_has_everything_that_came(parties: Parties) -> None:
    told: list[tuple[str, str, bytes]] = []
    receiver = Receiver(parties.supplier, parties.trust, journal=lambda *one: told.append(one))
    (raw,) = parties.alerts(duis.ACTIVATION)
    for one in (raw, b"<", raw):
        receiver.answer("POST", one)
    assert told == [("received", "N64", raw), ("received", "REFUSED", b"<"), ("received", "N64", raw)]


# --- over HTTP ---------------------------------------------------------------------------------------------------


def test_it_listens_by_itself_and_its_inbox_can_be_waited_for(parties: Parties, receiver: Receiver) -> None:
    inbox = receiver.keep()
    (raw,) = parties.alerts(duis.ACTIVATION)
    with receiver.serve() as server:
        assert server.url == f"http://127.0.0.1:{server.port}"
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)

        def ask(method: str, body: bytes | None = None) -> tuple[int, bytes, str | None]:
            connection.request(method, "/any/path", body)
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            return answer.status, content, answer.headers["Allow"]

        assert ask("POST", raw) == (204, b"", None)
        assert ask("POST", b"<")[0] == 400
        assert ask("POST", b"")[0] == 400
        assert ask("GET") == (405, b"messages must come by POST", "POST")
        found = inbox.wait_for("N64", that=lambda one: bool(one.body.device_id == duis.HUB), seconds=20)
    assert found is not None
    assert inbox.wait_for("N71", seconds=0) is None


def test_a_message_without_end_is_not_read_to_its_end(receiver: Receiver) -> None:
    class Endless:
        asked = 0

        def read(self, size: int) -> bytes:
            self.asked = size
            return b"x" * size

    endless = Endless()
    environ = {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "9" * 30, "wsgi.input": endless}
    said: list[Any] = []
    receiver.wsgi(environ, lambda *one: said.append(one))
    assert said[0][0].startswith("413")
    assert endless.asked <= 8 * 1024 * 1024 + 1


def asgi(receiver: Receiver, *events: dict[str, Any], **scope: Any) -> list[dict[str, Any]]:
    """Play one scope as an ASGI server does, and return what the application has sent."""
    left, sent = list(events), list[dict[str, Any]]()

    async def receive() -> MutableMapping[str, Any]:
        return left.pop(0)

    async def send(event: MutableMapping[str, Any]) -> None:
        sent.append(dict(event))

    asyncio.run(receiver.asgi(scope, receive, send))
    return sent


def test_it_is_an_asgi_application(parties: Parties, receiver: Receiver) -> None:
    inbox = receiver.keep()
    (raw,) = parties.alerts(duis.ACTIVATION)
    events: list[dict[str, Any]] = [
        {"type": "http.request", "body": raw[:100], "more_body": True},
        {"type": "http.request", "body": raw[100:]},
    ]
    sent = asgi(receiver, *events, type="http", method="POST")
    assert [(one["type"], one.get("status"), one.get("body")) for one in sent] == [
        ("http.response.start", 204, None),
        ("http.response.body", None, b""),
    ]
    assert [one.kind for one in inbox.messages()] == ["N64"]
    without = asgi(receiver, {"type": "http.request"}, type="http", method="POST")
    assert (without[0]["status"], b"no body" in without[1]["body"]) == (400, True)
    closed = asgi(receiver, {"type": "websocket.connect"}, type="websocket")
    assert closed == [{"type": "websocket.close", "code": 1003}]
    assert asgi(receiver, {"type": "http.disconnect"}, type="http", method="POST") == []
    lifespan = asgi(receiver, {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}, type="lifespan")
    assert [one["type"] for one in lifespan] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_an_asgi_server_takes_it_as_it_stands(parties: Parties, receiver: Receiver) -> None:
    """uvicorn tells ASGI 3 from ASGI 2 by what it is given, and takes a bound method for the latter."""
    inbox = receiver.keep()
    server = uvicorn.Server(uvicorn.Config(receiver.asgi, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        posted = urllib3.request("POST", f"http://127.0.0.1:{port}/", body=parties.alerts(duis.ACTIVATION)[0])
    finally:
        server.should_exit = True
        thread.join()
    assert (posted.status, [one.kind for one in inbox.messages()]) == (204, ["N64"])


def test_a_message_is_a_plain_value(parties: Parties, receiver: Receiver) -> None:
    message = receiver.receive(parties.alerts(duis.ACTIVATION)[0])
    assert replace(message, repeat=True) != message
    assert message.root.tag.endswith("}Response")
    assert str(Eui(message.body.device_id)) in str(message.root.xpath("string(.)"))


def wsgi(receiver: Receiver, raw: bytes, **environ: Any) -> tuple[str, dict[str, str]]:
    """Post these octets as a WSGI server does that hands over pieces; return the status and the headers."""

    class Pieces(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, 100))

    said: list[Any] = []
    receiver.wsgi({"REQUEST_METHOD": "POST", "wsgi.input": Pieces(raw), **environ}, lambda *one: said.extend(one))
    return said[0], dict(said[1])


def test_a_chunked_body_is_read_where_the_server_ends_it(parties: Parties, receiver: Receiver) -> None:
    """Without a length: `wsgi.input_terminated`; elsewhere the sender is told what to do."""
    (raw,) = parties.alerts(duis.ACTIVATION)
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked"}
    assert wsgi(receiver, raw, **chunked)[0] == "411 Length Required"
    ended = {**chunked, "wsgi.input_terminated": True}
    assert wsgi(receiver, b"x" * (8 * 1024 * 1024 + 1), **ended)[0].startswith("413")
    assert wsgi(receiver, raw, **ended)[0].startswith("204")
    assert wsgi(receiver, raw, CONTENT_LENGTH=str(len(raw)))[0].startswith("204")


@pytest.mark.parametrize(("coding", "status"), [("gzip", 415), ("identity, br", 415), ("identity", 204), ("", 204)])
def test_a_body_in_a_content_coding_is_refused_unread(
    parties: Parties, receiver: Receiver, coding: str, status: int
) -> None:
    """RFC 9110, 8.4 and 12.5.3: what says that it is compressed is not taken for what it is not."""
    (raw,) = parties.alerts(duis.ACTIVATION)
    said, headers = wsgi(receiver, raw, CONTENT_LENGTH=str(len(raw)), HTTP_CONTENT_ENCODING=coding)
    assert said.startswith(str(status))
    assert (headers.get("Accept-Encoding") == "identity") is (status == 415)
    scope = {"type": "http", "method": "POST", "headers": [(b"content-encoding", coding.encode())]}
    assert asgi(receiver, {"type": "http.request", "body": raw}, **scope)[0]["status"] == status


async def in_the_loop(_message: Message) -> None: ...


def piece_by_piece(_message: Message) -> Iterator[None]:
    yield


class InTheLoop:
    async def __call__(self, _message: Message) -> None: ...


@pytest.mark.parametrize(
    "handler",
    [in_the_loop, piece_by_piece, partial(in_the_loop), InTheLoop()],
    ids=["coroutine", "generator", "partial", "object"],
)
def test_a_handler_that_would_not_run_when_it_is_called_is_refused(receiver: Receiver, handler: Handler) -> None:
    for on in (receiver.on(Alert.N64), receiver.on()):
        with pytest.raises(SetupWrong, match="must be a plain function"):
            on(handler)


@pytest.mark.filterwarnings("ignore:coroutine")
@pytest.mark.parametrize("handler", [in_the_loop, piece_by_piece], ids=["coroutine", "generator"])
def test_what_a_handler_has_not_done_yet_takes_no_message(
    parties: Parties, receiver: Receiver, handler: Handler
) -> None:
    """A function around one that does not run: seen when it has been called."""
    receiver.on()(lambda message: handler(message))
    assert receiver.answer("POST", parties.alerts(duis.ACTIVATION)[0])[0] == 503


@pytest.mark.parametrize("error", [NotListening("nobody"), CannotSend("no"), IdReused("again")], ids=repr)
def test_a_handler_that_raises_an_error_of_the_kit_gets_the_message_again(
    parties: Parties, receiver: Receiver, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """As where it sends something itself while the gateway is away."""

    def handler(_message: Message) -> None:
        raise error

    receiver.on()(handler)
    assert receiver.answer("POST", parties.alerts(duis.ACTIVATION)[0])[0] == 503
    assert "was not taken, and will be delivered again" in caplog.text


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("N46", "there is no message 'N46'; did you mean N"),
        ("PreferedPilotList", "did you mean PreferredPilotList"),
        ("Q", "there are N64"),
        (dict, "dict is not the class"),
        (Message, "Message is not the class"),
        (PreferredPilotList, "it is csp_mgmt_gw.messages.PreferredPilotList; or give its name, 'PreferredPilotList'"),
        (PreferredPilotSchedule, "it is csp_mgmt_gw.messages.PreferredPilotSchedule"),
    ],
)
def test_a_kind_that_there_is_not_is_refused(receiver: Receiver, kind: str | type, said: str) -> None:
    with pytest.raises(SetupWrong, match=said):
        receiver.on(kind)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1, "30"])
def test_an_inbox_waits_for_no_time_that_there_is_not(seconds: Any) -> None:
    with pytest.raises(SetupWrong, match="a number of seconds"):
        Inbox().wait_for(Alert.N64, seconds=seconds)


def test_an_inbox_passes_over_a_number_of_messages() -> None:
    since: Any = "x"
    with pytest.raises(SetupWrong, match="since must be how many"):
        Inbox().messages(since=since)
