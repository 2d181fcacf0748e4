"""What the kit is given and cannot use is told by its own errors, which name it and say what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.client import (
    CannotSend,
    ClientError,
    Eui,
    FileCounter,
    Gateway,
    Group,
    Identity,
    InFile,
    InMemory,
    PartyDoor,
    PreferredPilotList,
    PreferredPilotSchedule,
    Prepared,
    ReadInventory,
    Receiver,
    Serving,
    SetupWrong,
    TlsIdentity,
    Trust,
    from_json,
    to_json,
)
from duis_gateway.client.inbox import Inbox
from tests.support.parties import Parties

pytestmark = pytest.mark.requirement("EX-6")

URL = "http://127.0.0.1:1"
HUB = "00-DB-12-34-56-00-00-01"
START = datetime(2027, 1, 4, tzinfo=UTC)
END = START + timedelta(days=7)


def wrong(value: object) -> Any:
    """Return a value as somebody without a type checker hands it in."""
    return value


A = wrong(None)


@pytest.fixture(scope="module")
def parties(tmp_path_factory: pytest.TempPathFactory) -> Parties:
    return Parties.make(tmp_path_factory.mktemp("pki"))


def text_file(path: Path) -> None:
    path.write_text("the hubs of this week\n" * 40)


def database_of(statement: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(statement)
            connection.commit()

    return make


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (text_file, "file is not a database"),
        (Path.mkdir, "unable to open"),
        (database_of("CREATE TABLE hubs (id)"), "some other database .it has the table hubs"),
        (database_of("CREATE TABLE taken (what)"), "some other database"),
    ],
    ids=["text", "folder", "another database", "another table"],
)
def test_a_file_of_something_else_is_named_and_left_as_it_is(
    tmp_path: Path, make: Callable[[Path], None], why: str
) -> None:
    path = tmp_path / "taken.db"
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(SetupWrong, match=rf"taken\.db, the file of messages taken, .*{why}") as caught:
        InFile(path)
    assert "name a file that does not exist yet" in caught.value.what_to_do
    assert (path.read_bytes() if path.is_file() else b"") == before


def test_a_file_that_is_spoiled_while_it_is_used_is_named(tmp_path: Path) -> None:
    taken = InFile(tmp_path / "taken.db")
    taken.close()
    with pytest.raises(SetupWrong, match=r"taken\.db.*cannot be used: Cannot operate on a closed database"):
        taken.digest_of("any")


def test_a_first_number_that_is_none_spoils_no_file(tmp_path: Path) -> None:
    for last in ("8", None, -1, 2**64):
        with pytest.raises(SetupWrong, match="last"):
            FileCounter(tmp_path / "counter", last=wrong(last))
    assert not (tmp_path / "counter").exists()


PATHS: list[Callable[[Any], object]] = [
    InFile,
    FileCounter,
    Trust.load,
    Trust.folder,
    Trust.certificate,
    lambda path: Identity.load(path, path),
    lambda path: PartyDoor(URL, "token", tls=TlsIdentity(path, path)),
]


@pytest.mark.parametrize("path", [None, 5, b"file", ["file"], "a\0b", "\ud800", ""])
@pytest.mark.parametrize("open_", PATHS)
def test_what_is_no_path_is_said_to_be_none(open_: Callable[[Any], object], path: object) -> None:
    with pytest.raises(SetupWrong, match="must be the path of a file or folder, not"):
        open_(path)


SET_UP: dict[str, tuple[Callable[[Parties], object], str]] = {
    "no identity": (lambda p: Gateway(URL, identity=A, trust=p.trust), "identity must be an Identity"),
    "key for an identity": (lambda p: Receiver(wrong("me.key"), p.trust), "identity must be an Identity"),
    "folder for a trust": (lambda p: Receiver(p.supplier, wrong("pki")), "trust must be a Trust"),
    "number for an EUI": (lambda p: Gateway(URL, identity=p.supplier, trust=p.trust, eui=-1), "eui: not an EUI-64"),
    "text for an EUI": (lambda p: Gateway(URL, identity=p.supplier, trust=p.trust, eui="DCC"), "eui: not an EUI-64"),
    "URL": (lambda p: Gateway(A, identity=p.supplier, trust=p.trust), "url must be the URL"),
    "counter": (lambda p: Gateway(URL, identity=p.supplier, trust=p.trust, counter=wrong(7)), "counter must be"),
    "version": (lambda p: Gateway(URL, identity=p.supplier, trust=p.trust, version=wrong(6.0)), "version must be"),
    "timeout": (lambda p: Gateway(URL, identity=p.supplier, trust=p.trust, timeout=A), "timeout must be a number"),
    "journal": (lambda p: Receiver(p.supplier, p.trust, journal=wrong("log")), "journal must be a function"),
    "repeats": (lambda p: Receiver(p.supplier, p.trust, repeats=wrong("taken.db")), "repeats must be InFile"),
    "most": (lambda p: InMemory(A), "most must be a number"),
    "kind": (lambda p: Receiver(p.supplier, p.trust).on(A), "a kind of message must be"),
    "handler": (lambda p: Receiver(p.supplier, p.trust).on("N64")(A), "a handler must be a function"),
    "roles": (lambda p: Trust.folder(p.folder, roles=A), "roles must be a set"),
    "token": (lambda p: PartyDoor(URL, A), "token must be the party's token"),
    "two lines for a token": (lambda p: PartyDoor(URL, "a\nb"), "token has characters that a token never has"),
    "port": (lambda p: Serving(wrong(lambda *_: []), port=99_999), "127.0.0.1:99999 cannot be listened on"),
    "host": (lambda p: Serving(wrong(lambda *_: []), host="192.0.2.1"), "192.0.2.1:0 cannot be listened on"),
}


@pytest.mark.parametrize(("build", "said"), SET_UP.values(), ids=SET_UP)
def test_what_a_part_of_the_kit_is_made_of_is_checked_when_it_is_made(
    parties: Parties, build: Callable[[Parties], object], said: str
) -> None:
    with pytest.raises(SetupWrong, match=said):
        build(parties)


def test_a_port_that_is_taken_is_named(parties: Parties) -> None:
    receiver = Receiver(parties.supplier, parties.trust)
    with receiver.serve() as server, pytest.raises(SetupWrong, match=rf"{server.port} cannot be listened on: Address"):
        receiver.serve(port=server.port)


REQUESTS: dict[str, tuple[Callable[[], object], str]] = {
    "no device": (lambda: ReadInventory(A), "device must be an EUI-64, as a text or as a number, not None"),
    "one hub for a list": (
        lambda: PreferredPilotList("R", "2", HUB),
        "devices must be a list of EUI-64s, not '00-DB",
    ),
    "one hub to add": (
        lambda: PreferredPilotList("R", "2", add=HUB),
        "add must be a list .*put a single one in brackets",
    ),
    "nothing to remove": (lambda: PreferredPilotList("R", "2", remove=A), "remove must be a list"),
    "None in a list": (lambda: PreferredPilotList("R", "2", [A]), "not an EUI-64.*None"),
    "no release": (lambda: PreferredPilotList(A, "2"), "release must be a text, not None"),
    "a number for a version": (lambda: PreferredPilotList("R", wrong(9002)), "version must be a text, not 9002"),
    "one hub for a group": (lambda: Group("G", HUB, START, END), "devices must be a list"),
    "a text for a time": (lambda: Group("G", [HUB], wrong("2027-01-04"), END), "start must be a datetime with a zone"),
    "no end": (lambda: Group("G", [HUB], START, A), "end must be a datetime with a zone, not None"),
    "a text for constraints": (
        lambda: Group("G", [HUB], START, END, constraints="NIGHT"),
        "constraints must be a list of texts",
    ),
    "a stage": (
        lambda: Group("G", [HUB], START, END, wrong("Third")),
        "stage must be Pilot or SafeLaunch, not",
    ),
    "a group for a list": (
        lambda: PreferredPilotSchedule("R", "2", wrong(Group("G", [HUB], START, END))),
        "groups must be a list of Group",
    ),
    "a name for a group": (lambda: PreferredPilotSchedule("R", "2", wrong(["G"])), "one of groups must be a Group"),
    "a name to cancel": (
        lambda: PreferredPilotSchedule("R", "2", (), wrong(["G"])),
        "cancelled must be a list of",
    ),
    "no request": (lambda: A, "NoneType is not a body"),
    "a CSP's hub for a list": (
        lambda: csp.DefaultPilotList("R", wrong("North"), wrong(HUB)),
        "DeviceIDList cannot be written from '00-DB",
    ),
    "a CSP's hubs as texts": (
        lambda: csp.DefaultPilotList("R", "North", wrong([HUB])),
        r"DeviceIDList cannot be written from .*; an EUI-64 is a number here: Eui\('00-DB",
    ),
    "DCC's time": (lambda: esi.ReleaseApproval("R", wrong("2027")), "cannot be written from '2027'"),
}


@pytest.mark.parametrize(("build", "said"), REQUESTS.values(), ids=REQUESTS)
def test_what_no_message_can_carry_is_said_before_anything_is_sent(
    parties: Parties, build: Callable[[], Any], said: str
) -> None:
    gateway = Gateway(URL, identity=parties.supplier, trust=parties.trust)
    with pytest.raises(CannotSend, match=said):
        gateway.prepare(build())


DOCUMENTS: dict[str, Callable[[Parties, Gateway, Any], object]] = {
    "sign": lambda p, gateway, it: gateway.sign(it),
    "prepared": lambda p, gateway, it: gateway.prepared(it),
    "post": lambda p, gateway, it: gateway.post(it),
    "a door": lambda p, gateway, it: gateway.post(Prepared("SR8.2", "1", b"<a/>", it)),
    "wrap": lambda p, gateway, it: gateway.wrap(it),
    "target": lambda p, gateway, it: gateway.new_request_id(f"to {it}"),
    "identity": lambda p, gateway, it: p.supplier.sign(it),
    "to_json": lambda p, gateway, it: to_json(it),
    "from_json": lambda p, gateway, it: from_json({"a": 1}, it),
    "prepare_json": lambda p, gateway, it: gateway.prepare_json(it),
    "prove": lambda p, gateway, it: p.trust.prove(it),
    "receive": lambda p, gateway, it: Receiver(p.supplier, p.trust).receive(it),
    "check": lambda p, gateway, it: PartyDoor(URL, "t").check(it),
    "estate": lambda p, gateway, it: PartyDoor(URL, "t").estate(it or START.replace(tzinfo=None)),
    "protect": lambda p, gateway, it: PartyDoor(URL, "t").protect(it),
}


@pytest.mark.parametrize("value", [None, 5, "<a/>"])
@pytest.mark.parametrize("ask", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_value_of_another_kind_is_refused_in_words(
    parties: Parties, ask: Callable[[Parties, Gateway, Any], object], value: object
) -> None:
    gateway = Gateway(URL, identity=parties.supplier, trust=parties.trust)
    with pytest.raises(ClientError, match=r"(not|must) .+ \(.+\)"):
        ask(parties, gateway, value)


@pytest.mark.parametrize("number", ["1", None, -1, 2**64])
def test_a_counter_that_makes_no_numbers_is_named_before_anything_is_sent(parties: Parties, number: object) -> None:
    gateway = Gateway(URL, identity=parties.supplier, trust=parties.trust, counter=lambda: wrong(number))
    with pytest.raises(CannotSend, match="the counter return"):
        gateway.prepare(ReadInventory(HUB))


@pytest.mark.parametrize("url", [f"{URL}?x=1", f"{URL}/#doors"])
def test_a_url_with_a_query_or_a_fragment_is_no_gateways(parties: Parties, url: str) -> None:
    with pytest.raises(SetupWrong, match="has a query or a fragment"):
        Gateway(url, identity=parties.supplier, trust=parties.trust)


def test_nobody_waits_for_a_kind_of_message_that_there_is_not() -> None:
    with pytest.raises(SetupWrong, match="no message 'n64'; did you mean N64"):
        Inbox().wait_for("n64", seconds=0)


def test_a_clock_that_is_none_is_named(parties: Parties, tmp_path: Path) -> None:
    with pytest.raises(SetupWrong, match=r"clock.now must be a function"):
        Gateway(URL, identity=parties.supplier, trust=parties.trust, clock=wrong("now"))
    with pytest.raises(SetupWrong, match=r"clock.now must be a function"):
        Trust.folder(tmp_path, clock=wrong(5))


def test_what_has_no_end_tag_is_not_signed(parties: Parties) -> None:
    with pytest.raises(CannotSend, match="has no end tag"):
        parties.supplier.sign_canonical(b"<a/>")


def test_a_memory_for_no_ids_is_refused() -> None:
    for most in (0, -1):
        with pytest.raises(SetupWrong, match="not a number of ids from 1"):
            InMemory(most)


def test_an_eui_is_a_text_or_a_number() -> None:
    for value in (None, 1.5, b"1", [HUB]):
        with pytest.raises(ValueError, match="not an EUI-64, as a text or as a number"):
            Eui(wrong(value))


PRIVATE = "-----BEGIN PRIVATE KEY-----\nMIGHAgEA\n-----END PRIVATE KEY-----\n"


def test_what_is_in_a_file_is_no_path_and_is_never_shown() -> None:
    with pytest.raises(SetupWrong, match="the key must be the path of a file or folder, not its content") as told:
        Identity.load(PRIVATE, "certificate.pem")
    assert "MIGH" not in str(told.value)


def test_a_url_of_other_characters_is_refused_before_anything_is_sent(parties: Parties) -> None:
    for url in ("http://\u00fcnicode.example", "http://a b", "http://a\n"):
        with pytest.raises(SetupWrong, match="characters other than visible ASCII"):
            Gateway(url, identity=parties.supplier, trust=parties.trust)
        with pytest.raises(SetupWrong, match="characters other than visible ASCII"):
            PartyDoor(url, "token")


def test_a_time_that_utc_does_not_have_and_an_endless_patience_are_refused(parties: Parties) -> None:
    late = datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5)))
    with pytest.raises(CannotSend, match="end is not in the years 1 to 9999 in UTC"):
        Group("W", [HUB], datetime(2027, 1, 1, tzinfo=UTC), late)
    gateway = Gateway("http://127.0.0.1:1", identity=parties.supplier, trust=parties.trust)
    for patience in (-1, float("nan"), 10**400, 10**9):
        with pytest.raises(CannotSend, match="is not a number of seconds from 0 to a day"):
            gateway.send(ReadInventory(HUB), patience=patience)


@pytest.mark.parametrize("handler", [lambda: None, lambda a, b: None, lambda *, message: None])
def test_a_handler_that_takes_no_message_is_refused(parties: Parties, handler: Callable[..., None]) -> None:
    with pytest.raises(SetupWrong, match="a handler must be a function of one argument, the message; "):
        Receiver(parties.supplier, parties.trust).on()(handler)
    Receiver(parties.supplier, parties.trust).on()(print)
