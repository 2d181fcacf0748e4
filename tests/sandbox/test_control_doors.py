"""The parties' control doors: for programs on this machine, and for no page that a browser on it shows."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import csp_mgmt_gw.mock as csp_mock
import esi.mock as esi_mock
from duis_gateway.client import Trust
from duis_gateway.client.server import Application
from duis_gateway.sandbox.demo.adapter import Adapter, application
from duis_gateway.sandbox.mocks.record import Recorder
from duis_gateway.sandbox.mocks.server import Listener
from duis_gateway.sandbox.mocks.whose import not_for
from tests.support.partner_gateway import Pki

pytestmark = pytest.mark.processes

CROSS_SITE = {"Origin": "http://evil.com", "Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"}


@dataclass(frozen=True)
class Party:
    """A party that listens, and where its control door begins."""

    listener: Listener
    control: str
    host: str = "127.0.0.1"

    @property
    def port(self) -> int:
        return int(self.listener.url.rpartition(":")[2])

    def ask(
        self, method: str, path: str, body: object = "", headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        content = body if isinstance(body, str) else json.dumps(body)
        connection.request(method, self.control + path, content.encode(), dict(headers or {}))
        answer = connection.getresponse()
        told = answer.read().decode()
        connection.close()
        return answer.status, told

    def told(self, command: str, **members: Any) -> tuple[int, Any]:
        status, said = self.ask("POST", command, members)
        return status, json.loads(said)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki.make(tmp_path_factory.mktemp("pki"))


def applications(pki: Pki, folder: Path) -> Mapping[str, tuple[Application, str]]:
    keys = ["--key", str(pki.partner.key_file), "--certificate", str(pki.partner.certificate)]
    arguments = [*keys, "--trust", str(pki.gateway.certificate), "--gateway", "http://127.0.0.1:1"]
    kit = csp_mock.begin(arguments)[1]
    adapter = Adapter(
        kit.partner.gateway.identity, "http://127.0.0.1:1", Trust.load(pki.gateway.certificate), Recorder(folder)
    )
    return {
        "csp": (kit.door, "/mock/v1/"),
        "dcc": (esi_mock.begin(arguments)[1].door, "/mock/v1/"),
        "adapter": (application(adapter), "/adapter/v1/"),
    }


@pytest.fixture(params=["csp", "dcc", "adapter"])
def party(request: pytest.FixtureRequest, pki: Pki, tmp_path: Path) -> Iterator[Party]:
    door, control = applications(pki, tmp_path)[request.param]
    listener = Listener(door, "127.0.0.1:0")
    yield Party(listener, control)
    listener.close()


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.com", **CROSS_SITE},
        CROSS_SITE,
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.com"},
        {"Host": "localhost.evil.com"},
        {"Host": "127.0.0.1.evil.com:80"},
    ],
    ids=lambda headers: " ".join(headers.values()),
)
def test_t73_no_page_of_another_site_plays_a_party(party: Party, headers: dict[str, str]) -> None:
    """A form's request, or one under a name that was made to stand for this machine (DNS rebinding)."""
    for command in ("send", "behaviour", "gateway", "activate"):
        assert party.ask("POST", command, '{"mode": "drop"}', headers)[0] == 403, command
    if "Host" in headers:
        assert party.ask("GET", "received", headers=headers)[0] == 403


def test_t73_programs_and_links_go_on_working(party: Party) -> None:
    for host in ("127.0.0.1", f"127.0.0.1:{party.port}", "LocalHost", "localhost:80", f"[::1]:{party.port}"):
        assert party.ask("GET", "received", headers={"Host": host})[0] == 200
    assert party.ask("GET", "received", headers={"Sec-Fetch-Site": "same-site"})[0] == 200, "a link from the page"
    if party.control == "/mock/v1/":
        own = {"Origin": f"http://127.0.0.1:{party.port}", "Sec-Fetch-Site": "same-origin"}
        assert party.ask("POST", "behaviour", '{"mode": "ok"}', own)[0] == 200


def test_t73_a_door_answers_by_the_address_that_it_was_told_to_listen_at(pki: Pki, tmp_path: Path) -> None:
    listener = Listener(applications(pki, tmp_path)["dcc"][0], "127.0.0.2:0")
    party = Party(listener, "/mock/v1/", "127.0.0.2")
    assert party.ask("GET", "received")[0] == 200
    assert party.ask("GET", "received", headers={"Host": "csp-north"})[0] == 403
    listener.close()


@pytest.mark.parametrize(("listening", "host"), [("csp-north", "csp-north:8080"), ("::1", "[::1]:8080")])
def test_t73_or_by_the_name(listening: str, host: str) -> None:
    """As Compose gives names to its services."""
    asked = {"REMOTE_ADDR": "127.0.0.1", "REQUEST_METHOD": "POST", "SERVER_NAME": listening, "HTTP_HOST": host}
    assert not_for(asked) is None
    assert not_for({**asked, "HTTP_HOST": "evil.com"}) is not None
    assert not_for({**asked, "REMOTE_ADDR": "10.0.0.1"}) is not None


@pytest.fixture
def dcc(pki: Pki, tmp_path: Path) -> Iterator[Party]:
    """DCC, which was not told where the gateway is."""
    keys = ["--key", str(pki.partner.key_file), "--certificate", str(pki.partner.certificate)]
    listener = Listener(esi_mock.begin([*keys, "--trust", str(pki.gateway.certificate)])[1].door, "127.0.0.1:0")
    yield Party(listener, "/mock/v1/")
    listener.close()


WITHDRAWN = """<Withdrawal xmlns="urn:esi:1"><FirmwareReleaseID>R1</FirmwareReleaseID>
    <At>2027-01-04T09:00:00Z</At></Withdrawal>"""


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (3, "must be the URL of the gateway"),
        (None, "it needs 'url'"),
        ("", "http"),
        ("file:///etc/passwd", "not an http or https URL"),
        ("http://", "not an http or https URL"),
        ("http://127.0.0.1:99999", "not an http or https URL"),
        ("http://127.0.0.1/?a=b", "has a query"),
        ("http://gate way", "visible ASCII"),
        ("http://gate{way", "is written in a URL as %7B"),
        ("http://10.0.0", "no IPv4 address"),
    ],
)
def test_the_gateway_is_where_a_url_says_or_as_before(dcc: Party, url: object, says: str) -> None:
    assert dcc.told("gateway", url="http://127.0.0.1:1/") == (200, {"url": "http://127.0.0.1:1"})
    status, told = dcc.told("gateway", url=url)
    assert (status, says in told["error"]) == (400, True), told
    assert "http://127.0.0.1:1/esi/" in dcc.ask("POST", "send", WITHDRAWN)[1], "it is still asked there"


def test_a_partner_may_be_told_later_where_the_gateway_is(dcc: Party) -> None:
    status, said = dcc.ask("POST", "send", WITHDRAWN)
    assert (status, "start with --gateway, or POST /mock/v1/gateway" in said) == (502, True)


@pytest.mark.parametrize(
    ("command", "members", "says"),
    [
        ("behaviour", {"mode": "slow", "count": -3}, "count must be a whole number from 1"),
        ("behaviour", {"mode": "slow", "count": 1.5}, "count must be a whole number from 1"),
        ("behaviour", {"mode": "slow", "count": True}, "count must be a whole number from 1"),
        ("behaviour", {"mode": "slow", "delay": 4000}, "delay must be a number of seconds from 0 to 3600"),
        ("behaviour", {"mode": "slow", "delay": "nan"}, "delay must be a number of seconds from 0 to 3600"),
        ("behaviour", {"mode": ["slow"]}, "mode must be one of ok, slow"),
        ("behaviour", {"count": 1}, "it needs 'mode'"),
        ("behaviour", {"mode": "slow", "dely": 1}, "it takes no 'dely'; it takes mode, count, delay"),
        ("behaviour", ["slow"], "the body must be a JSON object"),
        ("behaviour?", "{", "the body cannot be read"),
        ("activate", {"release": "R1", "failing_share": 2}, "failing_share must be a number from 0 to 1, not 2"),
        ("activate", {"release": "R1", "reason": 5}, "reason must be a text"),
        ("activate", {"release": "R1", "reason": "\x00"}, "characters that a message can carry"),
        ("activate", {"release": "R1", "commentary": "x" * 2001}, "commentary must be a text of 1 to 2,000"),
        ("activate", {"release": "R1", "devices": "all"}, "devices must be a list of EUI-64s"),
        ("distribute", {"release": "R1", "failing": ["1"]}, "not an EUI-64: '1'"),
        ("distribute", {"release": "R1", "batch": 0}, "batch must be a whole number from 1 to 10,000"),
        ("distribute", {"release": "R1", "patience": -1}, "patience must be a number of seconds"),
        ("planned", {"release": 3}, "release must be a text"),
        ("planned", {"release": "NOPE"}, "this CSP knows no release 'NOPE': it was told of none yet"),
        ("activate", {"release": "NOPE"}, "this CSP knows no release 'NOPE'"),
        ("distribute", {"release": "NOPE"}, "this CSP knows no release 'NOPE'"),
        ("send?retry=-1", WITHDRAWN, "retry must be a number of seconds"),
        ("send?signed=maybe", WITHDRAWN, "signed must be one of no, yes"),
        ("send?sign=no", WITHDRAWN, "it takes no 'sign'"),
    ],
)
def test_what_a_command_cannot_do_is_refused_with_the_reason(
    pki: Pki, tmp_path: Path, command: str, members: object, says: str
) -> None:
    listener = Listener(applications(pki, tmp_path)["csp"][0], "127.0.0.1:0")
    status, said = Party(listener, "/mock/v1/").ask("POST", command.rstrip("?"), members)
    listener.close()
    assert (status, says in json.loads(said)["error"]) == (400, True), said


def test_a_number_may_be_written_as_a_text_and_null_is_not_given(dcc: Party) -> None:
    """As the sandbox's own commands take them."""
    told = {"mode": "slow", "count": 2, "delay": 0.5}
    assert dcc.told("behaviour", mode="slow", count="2", delay="0.5") == (200, told)
    assert dcc.told("behaviour", mode="ok", count=None) == (200, {"mode": "ok", "count": None, "delay": 5.0})


@pytest.mark.parametrize(
    ("query", "body", "says"),
    [
        ("?door=window", "", "door must be one of xml, soap"),
        ("?as=is", "", "as must be one of signed, unsigned, tampered, repeat, reused"),
        ("?how=signed", "", "it takes no 'how'"),
        ("", "no xml", ""),
    ],
)
def test_the_demonstrations_adapter_refuses_in_words_too(
    pki: Pki, tmp_path: Path, query: str, body: str, says: str
) -> None:
    listener = Listener(applications(pki, tmp_path)["adapter"][0], "127.0.0.1:0")
    status, said = Party(listener, "/adapter/v1/").ask("POST", f"send{query}", body)
    listener.close()
    assert (status, says in json.loads(said)["error"]) == (400, True), said
