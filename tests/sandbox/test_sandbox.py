"""The sandbox as its users have it: a process, told what to do by command, by HTTP and on its page."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Literal, cast
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe

from duis_gateway.client import Gateway, Identity, Message, NoAnswer, Receiver, Trust
from duis_gateway.client.http import Http
from duis_gateway.client.requests import ReadInventory
from duis_gateway.doors.wire import HttpRequest
from duis_gateway.errors import ConfigurationError
from duis_gateway.namespaces import CSP, ESI, SR
from duis_gateway.sandbox.cast import BY_NAME
from duis_gateway.sandbox.commands import COMMANDS
from duis_gateway.sandbox.control import Control
from duis_gateway.sandbox.listening import Heard, Watch, once_it_stands
from duis_gateway.sandbox.main import unusable
from duis_gateway.sandbox.openapi import describe
from duis_gateway.sandbox.remote import CommandFailed, Remote
from duis_gateway.sandbox.renewal import Renewal
from duis_gateway.sandbox.sandbox import Sandbox
from duis_gateway.sandbox.scenario import shipped
from tests.support.browsers import chromium, cut_off
from tests.support.cli import done, refused, run
from tests.support.gateway_process import wait_until
from tests.support.sandboxes import RunningSandbox, read_until, sandbox, saying

pytestmark = [pytest.mark.processes, pytest.mark.requirement("EX-3")]

HUB_1 = "00-DB-12-34-56-00-00-01"


def told(result: Any) -> list[tuple[str, str, str]]:
    """What the gateway sent: kind, to whom, and whether it has arrived."""
    tried_again = {"in_flight": "pending"}
    sent = [one for one in result["messages"] if one["from"] == "gateway"]
    return sorted((one["kind"], one["to"], tried_again.get(one["state"], one["state"])) for one in sent)


def ask(
    town: RunningSandbox, method: str, path: str, body: str = "", headers: dict[str, str] | None = None
) -> tuple[int, str, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", town.port, timeout=60)
    connection.request(method, path, body.encode(), headers or {})
    answer = connection.getresponse()
    content = answer.read().decode()
    connection.close()
    return answer.status, content, answer.headers


def test_doctor_has_nothing_to_say_of_a_sandbox_but_that_its_clock_is_moved(town: RunningSandbox) -> None:
    ran = run("doctor", "--config", town.folder / "gateway.toml")
    assert (ran.code, ran.output.count("WRONG")) == (0, 0), ran.output
    notes = [line for line in ran.output.splitlines() if line.startswith("note")]
    assert [line.split()[1] for line in notes] == ["clock"], "its secrets are for its owner alone"


def test_the_same_command_by_the_command_line_by_http_and_on_the_page(town: RunningSandbox) -> None:
    n64 = ("N64", "you", "delivered")
    words = done("sandbox", "activate", "1", "--port", str(town.port))
    assert "gateway: N64 to you: delivered" in words
    assert n64 in told(town.do("activate", hub=[2]))
    form = urlencode({"do": "activate", "hub": "3"})
    status, _, headers = ask(town, "POST", "/", form, {"Content-Type": "application/x-www-form-urlencoded"})
    assert (status, len(headers["Location"]) < 20) == (303, True), "the address tells nothing itself"
    page = ask(town, "GET", headers["Location"].partition("#")[0])[1]
    assert "gateway: N64 to you: delivered" in page
    runs = {one["number"]: one["version"] for one in town.status()["hubs"]}
    assert [runs[number] for number in ("1", "2", "3", "4")] == ["9002", "9002", "9002", "9001"]


def test_each_party_is_told_of_its_own_hubs_as_far_as_its_duis_goes(town: RunningSandbox) -> None:
    """Hub 41 has two suppliers; 61 is of one who knows N64, 81 of one who does not and gets N999."""
    result = town.do("activate", hub=[41, 61, 81])
    sent = [(one["kind"], one["to"], one["channel"]) for one in result["messages"] if one["state"] == "delivered"]
    assert sorted(one for one in sent if one[0] == "N64") == [
        ("N64", "gas", "http"),
        ("N64", "older", "http"),
        ("N64", "oldest", "email"),
        ("N64", "you", "http"),
    ]
    assert ("N999", "oldest", "http") in sent
    assert ("N64", "oldest") in [(one["kind"], one["to"]) for one in result["mails"]]
    assert ("N71", "you", "delivered") in told(town.do("fail", hub=42, reason="noImage"))


def test_a_group_is_decided_for_the_release_that_has_one_of_this_name(town: RunningSandbox) -> None:
    """Before, a newer release took the decision, which found no such group there."""
    town.do("choose", supplier="you", hub=[3, 4])
    town.do("instruct", supplier="you", hub=[3, 4], group="FIRST-WEEK")
    town.do("announce")
    decided = town.do("group", group="FIRST-WEEK", decision="accepted")
    assert {(one["release"], one["status"]) for one in decided["answers"]} == {("SEC-2027-A", "Accepted")}
    unknown = town.do("group", group="NO-SUCH", decision="accepted")
    assert {(one["release"], one["status"]) for one in unknown["answers"]} == {("SEC-2027-B", "Refused")}


def test_a_group_is_decided_by_the_csps_that_have_hubs_of_it(town: RunningSandbox) -> None:
    """Before, the others were asked too and refused, so that a good decision ended with the exit code of a bad one."""
    at = ("--port", str(town.port))
    for name, hub, csps in (("NORTHERN", 43, {"north"}), ("SOUTHERN", 41, {"south"}), ("BOTH", 49, {"north", "south"})):
        hubs = [hub, 50] if name == "BOTH" else [hub]
        town.do("choose", supplier="gas", hub=[41, 43, 49, 50])
        town.do("instruct", supplier="gas", hub=hubs, group=name)
        said = done("sandbox", "group", name, "refused", "--supplier", "gas", "--reason", "No crews", *at)
        assert {one for one in ("north", "south") if f"{one}: ScheduleDecision" in said} == csps
    named = run("sandbox", "group", "SOUTHERN", "accepted", "--supplier", "gas", "--csp", "north", *at)
    assert named.code == 1, "whoever names a CSP has that one asked"
    assert "no hub in this CSP's regions" in named.output


def test_a_release_is_announced_with_what_it_is_for(town: RunningSandbox) -> None:
    """Before, a release without a model was for the other model than the last, and nothing said so."""
    at = ("--port", str(town.port))
    assert "SEC-2027-B brings hubs 106D 433200BD to 8002" in done("sandbox", "announce", *at)
    named = ("--model", "433100ac", "--predecessor", "9000", "--predecessor", "9001", "--version", "9007")
    words = done("sandbox", "announce", "SEC-OWN", *named, *at)
    assert "SEC-OWN brings hubs 106C 433100AC from 9000 or 9001 to 9007" in words
    assert town.do("announce", release="SEC-OWN")["notes"] == ["SEC-OWN brings hubs 106C 433100AC to 9007"]
    again = town.do("announce", release="R2", model="433100ac")["notes"]
    assert again[0] == "R2 brings hubs 106C 433100AC to 9003", "before, to 9002, as SEC-2027-A does"
    assert town.do("announce", release="R3", model="433100ac")["notes"][0].endswith(" to 9004")
    assert "the models take turns" in " ".join(done("sandbox", "announce", "--help").split())


def test_the_clock_stands_where_it_is_put_and_what_falls_due_is_done(town: RunningSandbox) -> None:
    assert town.status()["clock"] == "2027-01-04T09:00:00Z"
    sent = told(town.do("clock", to="+61d"))
    assert ("StageChange", "north", "delivered") in sent
    found = town.status()
    assert (found["clock"], found["releases"][0]["state"]) == ("2027-03-06T09:00:00Z", "safe_launch")
    # The command line, pointed at the sandbox's gateway, has its time.
    config = ("--config", found["configuration"])
    rows = json.loads(done("deadlines", "--party", found["you"]["eui"], "--format", "json", *config))
    assert all(row["due"] is None or row["due"] > "2027-03" for row in rows)
    assert "2027-03-01T00:00:00Z" in done("sandbox", "clock", "2027-03-01", "--port", str(town.port))


def test_a_party_that_is_down_gets_everything_once_it_is_back(town: RunningSandbox) -> None:
    town.do("csp", name="north", behaviour="down")
    for hubs in ([1, 2, 3], [1, 2]):  # the second waits behind the first, and says why
        chosen = town.do("choose", supplier="you", hub=hubs)
        assert ("PreferredPilotList", "south", "delivered") in told(chosen)
        [waiting] = [one for one in chosen["messages"] if one["to"] == "north" and one["state"] != "delivered"]
        assert (waiting["kind"], "reset by peer" in waiting["error"]) == ("PreferredPilotList", True)
    town.do("csp", name="north", behaviour="normal")
    assert not town.status()["parties"][0]["waiting"]


def test_what_the_gateway_refuses_is_told_with_the_reasons(town: RunningSandbox) -> None:
    at = ("--port", str(town.port))
    ran = run("sandbox", "choose", "you", "1", "61", *at)
    words = ran.output
    assert ran.code == 1, "one of the hubs was not taken"
    assert "you: SR11.5 for SEC-2027-A -> W110501 (PartlyAccepted)" in words
    assert "    NotResponsibleDeviceIDList: 00-DB-12-34-56-00-00-3D" in words
    assert "dcc: RolloutDecision for SEC-2027-A -> Accepted" in done("sandbox", "decide", "pause", *at)
    assert "dcc: PilotOutcome for SEC-2027-A -> " in run("sandbox", "outcome", "failure", *at).output
    town.do("reset")
    ran = run("sandbox", "activate", "00-DB-12-34-56-00-03-E7", *at)
    assert (ran.code, "BatchInstruction for SEC-2027-A -> " in ran.output, "CS06" in ran.output) == (1, True, False), (
        ran.output
    )
    for number in ("first", "0", "121", "99999"):
        assert "each `HUB` must be a number from 1 to 120" in refused(2, "sandbox", "activate", number, *at)
    assert "must be a time that exists (day" in refused(2, "sandbox", "clock", "2027-02-30", *at)
    astray = refused(2, "sandbox", "clock", "2027-01-06T10:00:00+99:00", *at)
    assert "must be a time less than 24 hours before or after UTC" in astray
    assert "timedelta" not in astray
    town.do("announce", model="433100ac", days="30")
    known = {one["release"] for one in town.status()["releases"]}
    assert known == {"SEC-2027-A", "SEC-2027-C"}, "the next of the first model"
    town.do("reset")
    done("sandbox", "close", *at)
    assert "no release is in flight: announce one" in refused(1, "sandbox", "close", *at), "it named no hubs"
    town.do("reset")
    with pytest.raises(ConfigurationError, match="a supplier says a whole sr:Request"):
        town.do("say", party="you", xml=f'<ReadInventory xmlns="{SR}"/>')
    with pytest.raises(ConfigurationError, match="did you mean hub"):
        town.do("activate", hubs=[1])
    assert "no sandbox listens on port 1: start one" in refused(2, "sandbox", "status", "--port", "1")


def test_twice_the_same_commands_give_the_same_bytes(town: RunningSandbox) -> None:
    """Answers, alerts, messages of the partners and emails alike, with their signatures and identities."""

    def play() -> dict[str, str]:
        town.do("choose", supplier="you", hub=[1, 2, 3])
        town.do("instruct", supplier="you", hub=[1, 2, 3], start="2027-01-04T09:00:00Z")
        town.do("activate", hub=[1, 41, 61, 81])
        town.do("fail", hub=[2])
        town.do("clock", to="+61d")
        paths = [f"/v1/messages/{n}{kind}" for n in range(1, town.status()["messages"] + 1) for kind in ("", "/answer")]
        found = {path: ask(town, "GET", path) for path in paths}
        return {path: body for path, (status, body, _) in found.items() if status == 200}

    first = play()
    town.do("reset")
    assert len(first) > 80
    assert play() == first


@pytest.mark.requirement("EX-5")
@pytest.mark.parametrize("name", shipped())
def test_the_scenarios_that_come_with_the_gateway_hold(running: RunningSandbox, name: str) -> None:
    said = done("sandbox", "run", name, "--port", str(running.port))
    assert "all held" in said
    assert "NOT" not in said


def test_a_scenario_that_does_not_hold_says_why(running: RunningSandbox, tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text('[[step]]\ndo = "activate"\nhub = [1]\nexpect.received = { gas = ["N64"] }\n', encoding="utf-8")
    ran = run("sandbox", "run", file, "--port", str(running.port))
    assert ran.code == 1
    assert "received.gas: expected N64, seen nothing" in ran.output
    assert "1 step -> NOT all held" in ran.output


@contextmanager
def own_server(received: list[Message], folder: Path) -> Iterator[str]:
    """A supplier's own server, as it would be written with the kit."""
    receiver = Receiver(
        Identity.load(folder / "key.pem", folder / "certificate.pem"), Trust.load(folder / "gateway.pem")
    )
    receiver.on()(received.append)
    with receiver.serve() as server:
        yield server.url + "/alerts"


def test_your_alerts_reach_your_own_server_and_your_keys_work(town: RunningSandbox) -> None:
    received: list[Message] = []
    you = town.status()["you"]
    with own_server(received, Path(you["key"]).parent) as url:
        done("sandbox", "address", "you", url, "--port", str(town.port))
        town.do("activate", hub=[1, 61])
        town.do("reset")
        town.do("activate", hub=[1])
        assert [one.kind for one in received if one.kind == "N64"] == ["N64"], "the same bytes again are a repeat"
        assert "N66" in [one.kind for one in received], "an own address survives a reset"
    town.do("address", supplier="you")
    gateway = Gateway(
        you["gateway"],
        identity=Identity.load(you["key"], you["certificate"]),
        trust=Trust.load(you["gateway_certificate"]),
    )
    [device] = gateway.send(ReadInventory(HUB_1)).devices
    assert device.firmware_version == "9002"


@pytest.mark.requirement("EX-4")
def test_listen_shows_what_comes_and_passes_the_servers_answer_on(town: RunningSandbox) -> None:
    received: list[Message] = []
    words = [sys.executable, "-m", "duis_gateway", "listen", "you", "--json", "--port", str(town.port), "--forward"]
    before = town.status()["parties"]
    with own_server(received, town.folder / "you") as url, saying([*words, url]) as listening:
        read_until(listening, "Listening")
        assert ("N64", "you", "delivered") in told(town.do("activate", hub=[1]))
        shown = json.loads(read_until(listening, '"kind": "N64"').splitlines()[-1])
        assert (shown["kind"], shown["proven"], shown["repeat"]) == ("N64", True, False)
        assert shown["adapter"]["status"] == 204
        assert shown["says"] == f"Communications Hub {HUB_1} now runs firmware 9002."
        alert = shown["message"]["Response"]["Body"]["DCCAlertMessage"]
        assert alert["DCCAlert"] == {"CommsHubFirmwareActivation": {"DeviceID": HUB_1, "FirmwareVersion": "9002"}}
        assert [one.kind for one in received].count("N64") == 1
        listening.terminate()
        assert listening.wait(60) == 0
    assert town.status()["parties"] == before, "the alerts go where they went"
    with saying([*words, "http://127.0.0.1:9/nobody"]) as listening:
        read_until(listening, "Listening")
        [waiting] = [one for one in town.do("activate", hub=[2])["messages"] if one["kind"] == "N64"]
        assert waiting["state"] in ("pending", "in_flight"), "nobody has taken it"
        adapter = json.loads(read_until(listening, "nobody").splitlines()[-1])["adapter"]
        assert (adapter["status"], "http://127.0.0.1:9/nobody" in adapter["error"]) == (0, True)


@contextmanager
def that_answers(status: int) -> Iterator[str]:
    """A server that answers every alert with this."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/alerts"
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "then"),
    [
        (400, "refused: the gateway gives it up after 3 attempts"),
        (302, "refused: the gateway gives it up after 3 attempts"),
        (503, "the gateway will try again"),
    ],
)
def test_listen_says_what_the_gateway_does_after_an_answer(town: RunningSandbox, status: int, then: str) -> None:
    """Of an alert that a server refused, it said that the gateway would try again, even after the last attempt."""
    words = [sys.executable, "-m", "duis_gateway", "listen", "you", "--port", str(town.port), "--forward"]
    with that_answers(status) as url, saying([*words, url]) as listening:
        read_until(listening, "Listening")
        town.do("activate", hub=[1])
        [line, *_] = [one for one in read_until(listening, then).splitlines() if f"-> HTTP {status} " in one]
        assert line.endswith(f" ms; {then}")


NINES = "9" * 5000


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", "/v1/clock", "[" * 50_000, 400, "nested more than 100 levels deep"),
        ("POST", "/v1/reset", '{"a":' * 50_000, 400, "nested more than 100 levels deep"),
        ("POST", "/v1/activate", f'{{"hub": [{NINES}]}}', 400, "a number of more than 20 digits"),
        ("POST", "/v1/activate", '{"hub": [1], "hub": [2]}', 400, "the member 'hub' appears twice"),
        ("POST", "/v1/reset", '{"to": 1}', 400, "reset does not take 'to'"),
        ("POST", "/v1/say", '{"party": "you", "file": "/etc/hostname"}', 400, "say does not take 'file'"),
        ("POST", "/v1/clock", '{"to": "+\u0663d"}', 400, "`to` must be a time such as"),
        ("POST", "/v1/clock", '{"to": "4000-01-01"}', 400, "`to` must be a time between the years 2000 and 2999"),
        ("POST", "/v1/clock", '{"to": "2999-01-01"}', 400, "3653 days at a time"),
        ("POST", "/v1/clock", '{"to": "2019-12-31"}', 400, "no certificate is good before that"),
        ("POST", "/v1/fail", '{"hub": [7], "reason": "a\\u001b"}', 400, "XML cannot carry the character U+001B"),
        (
            "POST",
            "/v1/fail",
            '{"hub": [7], "reason": ""}',
            400,
            "`reason` is empty; leave it out, or give it (why",
        ),
        ("POST", "/v1/announce", '{"release": ""}', 400, "`release` is empty"),
        ("POST", "/v1/activate", '{"hub": ""}', 400, "activate needs `hub`"),
        ("POST", "/v1/address", '{"supplier": "you", "url": "http://[::1"}', 400, "cannot be read"),
        ("POST", "/v1/address", '{"supplier": "you", "url": "http://h:99999/"}', 400, "Port out of range"),
        ("POST", "/v1/address", '{"supplier": "you", "url": "http:///alerts"}', 400, "names no host"),
        (
            "POST",
            "/v1/address",
            '{"supplier": "you", "url": "http://10.0.0.1/"}',
            400,
            "10.0.0.1: not a public address",
        ),
        ("POST", "/v1/nothing", "{}", 404, "nothing is served here"),
        ("POST", "/", "&".join(f"a{n}=1" for n in range(99)), 400, "more than 50 fields"),
        ("GET", f"/v1/messages?last={NINES}", "", 400, "last must be a whole number"),
        ("GET", "/v1/messages?lsat=1", "", 400, "takes no 'lsat' in its query; it takes since and last"),
        ("GET", "/v1/messages?last=1&last=2", "", 400, "last is there twice"),
        ("GET", "/v1/messages?since=", "", 400, "since must be a whole number"),
        ("GET", "/v1/status?x", "", 400, "takes no 'x'"),
        ("POST", "/v1/close", '{"release": []}', 400, "`release` must be a text"),
        ("POST", "/v1/approve", json.dumps({"release": "x" * 2_000}), 400, f"no release {'x' * 60!r} was announced"),
        (
            "POST",
            "/v1/fail",
            json.dumps({"hub": [7], "reason": "x" * 2_001}),
            400,
            "a text of at most 2,000 characters",
        ),
        ("POST", "/v1/announce", '{"least": 5}', 400, "`least` says how a threshold counts: give `threshold`, too"),
        ("POST", "/v1/announce", '{"hold": false}', 400, "`hold` says how a threshold counts: give `threshold`, too"),
        ("POST", "/v1/announce", '{"proving": [1, ""]}', 400, "one of `proving` is empty; leave it out"),
        ("POST", "/v1/choose", '{"supplier": "you", "add": [""]}', 400, "one of `add` is empty"),
        ("POST", "/v1/activate", '{"hub": ", ,"}', 400, "one of `hub` is empty"),
        ("POST", "/", "do=clock&to=%2B1m&to=%2B2m", 400, "to is there twice in the form"),
        ("POST", "/", "do=clock&to=%ff", 400, "the form is not UTF-8"),
        ("GET", f"/v1/messages/{NINES}", "", 404, "there is no such message"),
        ("GET", f"/v1/mails/{NINES}", "", 404, "there is no such message"),
        ("GET", "/messages/%D9%A3", "", 404, "there is no such message"),
        ("GET", f"/v1/messages/{NINES}/answer", "", 404, "there is no such message, or it was not answered"),
        ("GET", "/v1/hubs/121", "", 404, "there is no such hub: hubs are 1 to 120, or an EUI-64 of one of them"),
        ("GET", "/v1/hubs/abc", "", 404, "there is no such hub: hubs are 1 to 120"),
        ("GET", "/v1/hubs/90-B3-D5-1F-30-01-00-00", "", 404, "there is no such hub: hubs are 1 to 120"),
        ("GET", "/v1/hubs/1/2", "", 404, "nothing is served here"),
        ("GET", "/v1/clock", "", 405, "POST"),
        ("POST", "/v1/status", "{}", 405, "GET, HEAD"),
        ("DELETE", "/v1/messages/1", "", 405, "GET, HEAD"),
        ("PUT", "/", "", 405, "GET, HEAD, POST"),
    ],
    ids=lambda one: str(one)[:40],
)
def test_what_is_asked_wrongly_is_answered_with_the_reason_and_changes_nothing(
    running: RunningSandbox, method: str, path: str, body: str, status: int, said: str
) -> None:
    """Before, long numbers and deep nestings were a defect (500), and what is unknown or there twice went unnoticed."""
    before = running.status()
    got, content, headers = ask(running, method, path, body)
    assert got == status, content
    assert headers["Content-Type"] == "application/problem+json"
    problem = json.loads(content)
    assert (problem["status"], said in problem["detail"] or said == headers["Allow"]) == (status, True), problem
    assert running.status() == before


def test_without_a_name_the_newest_release_is_meant_of_which_it_can_be_said(town: RunningSandbox) -> None:
    """Its clock stands still, so that all have one time; their names say nothing.

    What runs is paused, not what was only announced; and what is paused goes on.
    """
    town.do("announce", release="ZZZ", model="433200bd")
    town.do("announce", release="AAA", model="433200bd", version="9009")
    town.do("announce", release="MMM", model="433100ac", approve=False)

    def about(command: str, **members: str) -> str:
        answer, *_ = town.do(command, **members)["answers"]
        return f"{answer['release']} {answer['status']}"

    assert about("decide", action="pause", release="SEC-2027-A") == "SEC-2027-A Accepted"
    assert about("decide", action="proceed") == "SEC-2027-A Accepted"
    assert about("decide", action="pause") == "AAA Accepted"
    assert about("outcome", result="success") == "AAA Accepted"
    assert about("approve") == "MMM Accepted"
    assert about("decide", action="pause") == "MMM Accepted"
    assert town.do("announce", release="a b<>&")["answers"][0]["text"].count("FirmwareReleaseID") == 1


@pytest.mark.requirement("BR-3.5")
def test_a_hub_that_missed_its_period_can_be_instructed_anew_also_in_safe_launch(town: RunningSandbox) -> None:
    """Nothing moves it any more: its old group has begun and cannot be taken back, and its pilot is over."""
    town.do("choose", supplier="you", hub=[1, 2])
    first = town.do("instruct", supplier="you", hub=[1, 2], group="P", start="+1d", end="+3d")
    assert [one["code"] for one in first["answers"]] == ["I99"]
    town.do("clock", to="+5d")
    again = town.do("instruct", supplier="you", hub=[1], group="Q", start="+1d", end="+3d")
    assert [one["code"] for one in again["answers"]] == ["I99"]
    town.do("clock", to="+90d")
    for hub in (1, 2):
        late = town.do("instruct", supplier="you", hub=[hub], group=f"S{hub}", stage="safe-launch")
        assert [one["code"] for one in late["answers"]] == ["I99"]
    assert [one["code"] for one in town.do("cancel", supplier="you", group="S1", stage="safe-launch")["answers"]] == [
        "I99"
    ]


@pytest.mark.requirement("BR-3.3", "X06")
def test_a_period_that_is_over_goes_with_nothing_that_the_second_supplier_instructs_later(town: RunningSandbox) -> None:
    """You wanted the hub then, and at no other time; each is told how the other stands to it now (N73)."""

    def told(to: str, supplier: str, group: str) -> list[str]:
        sent = town.do("instruct", supplier=supplier, hub=[41], group=group, start="+1d", end="+3d")["messages"]
        of_kind = [one["number"] for one in sent if (one["kind"], one["to"]) == ("N73", to)]
        said = [ask(town, "GET", f"/v1/messages/{number}")[1] for number in of_kind]
        return [*(re.findall("<sr:OtherSupplier>(.*?)<", "".join(said))), *planned(sent)]

    def planned(sent: list[dict[str, Any]]) -> list[str]:
        return ["planned"] * any(one["kind"] == "PlannedDeployment" for one in sent)

    town.do("choose", supplier="you", hub=[41])
    town.do("choose", supplier="gas", hub=[41])
    assert told("gas", "you", "P") == ["Instructed"]
    town.do("clock", to="+5d")
    assert told("gas", "gas", "Q") == ["NotInstructed"]
    assert told("gas", "you", "R") == ["Instructed", "planned"]


def test_a_command_in_a_content_coding_is_refused_unread(running: RunningSandbox) -> None:
    status, content, headers = ask(running, "POST", "/v1/clock", '{"to": "+1d"}', {"Content-Encoding": "gzip"})
    assert (status, headers["Accept-Encoding"]) == (415, "identity"), content


def test_on_the_command_line_steps_back_documents_and_wrong_letters(town: RunningSandbox, tmp_path: Path) -> None:
    at = ("--port", str(town.port))
    assert "stands at 2027-01-03T09:00:00Z" in done("sandbox", "clock", "-1d", *at)
    assert "stands at 2027-01-02T09:00:00Z" in done("sandbox", "clock", *at, "--", "-1d")
    document = tmp_path / "incident.xml"
    document.write_text(
        '<Incident xmlns="urn:esi:1"><IncidentReference>INC-4711</IncidentReference>'
        "<SupplierID>90-B3-D5-1F-30-01-00-00</SupplierID><FirmwareReleaseID>SEC-2027-A</FirmwareReleaseID>"
        "<Severity>High</Severity><EmergencyStopRequested>true</EmergencyStopRequested></Incident>",
        encoding="utf-8",
    )
    body = document.read_text(encoding="utf-8")
    for whole in (body, f'<Message xmlns="urn:esi:1"><Header/><Body>{body}</Body></Message>'):
        document.write_text(whole, encoding="utf-8")
        assert "dcc: Incident -> Accepted" in done("sandbox", "say", "dcc", document, *at)
    assert "is a directory" in refused(2, "sandbox", "say", "dcc", tmp_path, *at)
    document.write_text("", encoding="utf-8")
    assert "the document, and what was given is empty" in refused(2, "sandbox", "say", "dcc", document, *at)
    document.write_text('<sr:Request xmlns:sr="http://www.dccinterface.co.uk/ServiceUserGateway"/>', encoding="utf-8")
    said = run("sandbox", "say", "you", document, *at)
    assert "you: Request -> HTTP 400 (Refused): " in said.output
    assert "<" not in said.output, "the gateway's reason, and not its XML"
    assert "what read was given is not UTF-8" in refused(2, "sandbox", "read", "you", "\udcff", *at)
    assert "names no host" in refused(2, "listen", "you", "--forward", "http:///", *at)
    assert "one of `HUB` is empty" in refused(2, "sandbox", "activate", "", *at)


@pytest.mark.requirement("EX-4")
def test_who_listens_later_is_told_and_nobody_leaves_a_dead_address(town: RunningSandbox) -> None:
    """Ended in the order of their start, by an interrupt or without a word, the alerts go where they went at first."""
    words = [sys.executable, "-m", "duis_gateway", "listen", "you", "--port", str(town.port)]
    own = "http://127.0.0.1:9/own"
    for hub, address, without_a_word in ((1, None, False), (2, own, True)):
        town.do("address", supplier="you", url=address)
        before = town.status()["parties"]
        with saying(words) as first:
            said = read_until(first, "Listening" if address is None else "again when this one ends")
            assert (f"They went to {own}" in said) == (address is not None), said
            url_of_the_first = url_of_you(town)
            with saying(words) as second:
                said = read_until(second, "gets nothing until this one ends")
                assert f"The `listen` that had them, at {url_of_the_first}, gets nothing" in said
                town.do("activate", hub=[hub])
                read_until(second, "N64, signature good")
                for one in (first, second):
                    one.send_signal(signal.SIGKILL if without_a_word else signal.SIGINT)
                    one.wait(60)
        until = time.monotonic() + 60
        while without_a_word and url_of_you(town) != own and time.monotonic() < until:
            time.sleep(0.1)
        assert [one["url"] for one in town.status()["parties"]] == [one["url"] for one in before]


@pytest.mark.requirement("EX-4")
def test_who_listens_says_that_the_host_of_the_own_server_is_not_known(town: RunningSandbox) -> None:
    unknown = "http://adapter.invalid/alerts"
    words = [sys.executable, "-m", "duis_gateway", "listen", "you", "--forward", unknown, "--port", str(town.port)]
    with saying(words) as listening:
        read_until(listening, f"The host of {unknown} is not known here: nothing reaches it until its name resolves.")
        listening.send_signal(signal.SIGINT)
        listening.wait(60)


@pytest.mark.requirement("EX-4")
def test_who_listens_says_when_the_alerts_go_elsewhere_and_when_they_are_back(town: RunningSandbox) -> None:
    other = "http://127.0.0.1:9/other"
    with saying([sys.executable, "-m", "duis_gateway", "listen", "you", "--port", str(town.port)]) as listening:
        read_until(listening, "Listening")
        own = url_of_you(town)
        assert town.do("address", supplier="you", url=other)["notes"] == [
            f"the alerts of you go to {other} from now on",
            f"the `listen` that had them, at {own}, gets nothing any more",
        ]
        read_until(listening, f"The alerts for you no longer come here: they go to {other} now.")
        town.do("address", supplier="you")
        read_until(listening, "no longer come here: they go to the sandbox's own adapter at http://127.0.0.1:")
        town.do("address", supplier="you", url=own)
        read_until(listening, "The alerts for you come here again.")
    town.do("address", supplier="you")


def test_who_listens_says_once_that_the_sandbox_has_ended() -> None:
    watch = Watch(Remote(1), BY_NAME["you"], "http://127.0.0.1:9/")
    assert [watch(), watch()] == ["The sandbox has ended: nothing comes until it runs again.", ""]


def _backlog(town: RunningSandbox, name: str) -> tuple[int, int]:
    """Return how many messages to a party wait, and how many were given up."""
    [found] = [(one["waiting"], one["given_up"]) for one in town.status()["parties"] if one["name"] == name]
    return found


def test_what_is_delivered_again_counts_as_brought_about_and_waits_for_what_goes_wrong_now(
    town: RunningSandbox,
) -> None:
    """Before, the page failed while dead letters waited behind each other, and `replay` told of none of them."""
    at = ("--port", str(town.port))
    town.do("adapter", name="gas", behaviour="refuse")
    town.do("batch", hub=[42])
    wait_until(lambda: _backlog(town, "gas") == (0, 2), "both messages to it are given up", 60)
    first, second = [one["number"] for one in town.remote.get("/v1/messages") if one["to"] == "gas"][-2:]
    town.do("address", supplier="gas", url="http://127.0.0.1:9/alerts")
    said = done("sandbox", "replay", *at)
    assert "2 messages will be delivered again" in said
    assert re.search(rf"gateway: N72 to gas: .* \(message {first}, ", said)
    assert re.search(rf"gateway: N77 to gas: .*behind message {first}.* \(message {second}, ", said)
    assert "told to refuse" not in said, "that is not why they wait now"
    wait_until(lambda: _message(town, second)["error"], "the first was tried")
    waits = _message(town, second)
    assert waits["behind"] == first
    assert re.match(rf"it waits behind message {first}: .*refused", waits["error"])
    for path in ("/", f"/messages/{second}"):
        status, page, _ = ask(town, "GET", path)
        assert (status, f'waiting behind <a href="/messages/{first}">' in page) == (200, True), page
    town.do("adapter", name="gas", behaviour="normal")
    town.do("address", supplier="gas")
    wait_until(lambda: _backlog(town, "gas") == (0, 0), "both have arrived", 60)


def _message(town: RunningSandbox, number: int) -> dict[str, Any]:
    [found] = [one for one in town.remote.get("/v1/messages") if one["number"] == number]
    return dict(found)


def test_whose_turn_it_is_is_told_of_an_invalidated_release_too(town: RunningSandbox) -> None:
    """DCC has to decide about its pilot, and suppliers to instruct anew: before, that was left out."""
    town.do("choose", supplier="you", hub=[3, 4])
    town.do("instruct", supplier="you", hub=[3, 4])
    town.do("announce", release="X", model="433100AC", version="9002")
    assert [one["state"] for one in town.status()["releases"] if one["release"] == "SEC-2027-A"] == ["invalidated"]
    assert "dcc: decide on invalidated pilot" in ask(town, "GET", "/")[1]


@pytest.mark.parametrize(
    ("party", "document", "said"),
    [
        ("north", f'<Request xmlns="{SR}"/>', "north is a CSP, and CSPs send no Service Requests: the suppliers do"),
        ("south", f'<ReadInventory xmlns="{SR}"/>', "the suppliers do (you, gas, older and oldest)"),
        ("dcc", f'<Request xmlns="{SR}"/>', "dcc is DCC, which sends no Service Requests"),
        ("you", f'<Incident xmlns="{ESI}"/>', "a message of DCC's interface: dcc sends such"),
        ("gas", f'<Message xmlns="{CSP}"/>', "a message of the CSPs' interface: north and south send such"),
    ],
)
def test_who_sends_what_is_told_to_whoever_lets_the_wrong_one_say_it(
    town: RunningSandbox, tmp_path: Path, party: str, document: str, said: str
) -> None:
    """Before, a CSP that was to send a whole Service Request was told to send a whole one."""
    (tmp_path / "it.xml").write_text(document, encoding="utf-8")
    assert said in refused(2, "sandbox", "say", party, tmp_path / "it.xml", "--port", str(town.port))


def test_a_message_of_the_other_partners_is_sent_and_told_to_be_theirs(town: RunningSandbox) -> None:
    told_so = town.do("say", party="north", xml=f'<Incident xmlns="{ESI}"/>')
    assert told_so["notes"] == ["what north sends is a message of DCC's interface: dcc sends such"]
    assert [one["status"] for one in told_so["answers"]] == ["Refused"]


def test_what_was_said_before_a_command_failed_is_told(town: RunningSandbox) -> None:
    at = ("--port", str(town.port))
    town.do("csp", name="south", behaviour="down")
    ran = run("sandbox", "activate", "2", *at)
    assert ran.code == 1
    assert "dcc: BatchInstruction for SEC-2027-A -> Accepted" in ran.output
    assert "south, which behaves down, has not been told yet" in ran.output
    assert "`sandbox csp south --behaviour normal`, then give this command again" in ran.output
    town.do("csp", name="south", behaviour="normal")
    assert "N64" in run("sandbox", "activate", "2", *at).output
    town.do("reset")
    town.do("csp", name="south", behaviour="refuse")
    assert run("sandbox", "activate", "2", *at).code == 1
    wait_until(lambda: _backlog(town, "south") == (0, 2), "both messages to it are given up", 60)
    assert "given up (`sandbox replay` sends them again)" in run("sandbox", "status", *at).output
    town.do("csp", name="south", behaviour="normal")
    ran = run("sandbox", "activate", "2", *at)
    assert (ran.code, "`sandbox replay`, then give this command again" in ran.output) == (1, True), ran.output
    town.do("replay")
    assert "N64" in run("sandbox", "activate", "2", *at).output
    town.do("reset")
    assert "a delay needs `--until`" in refused(2, "sandbox", "decide", "delay", *at)
    assert "`--delay` is for the behaviour slow" in refused(2, "sandbox", "csp", "south", "--delay", "3", *at)
    older = "older: SR11.5 for SEC-2027-A -> HTTP 400 (Refused): older speaks DUIS 5.4, which has no 11.5 and no 11.6"
    assert run("sandbox", "choose", "older", "61", *at).output.splitlines() == [older]
    too_long = town.do("announce", days=400)
    assert too_long["notes"] == ["`days` can be 180 at most: the automatic date is 2027-07-04T09:00:00Z"]
    assert town.do("announce", days=180)["answers"][0]["status"] == "Accepted"
    town.do("reset")


@pytest.mark.parametrize("command", ["activate", "fail"])
def test_nothing_is_sent_for_a_hub_of_a_release_that_is_paused(town: RunningSandbox, command: str) -> None:
    town.do("decide", action="pause")
    before = town.status()["messages"]
    said = refused(1, "sandbox", command, "16", "--port", str(town.port))
    assert said == "SEC-2027-A is paused: `sandbox decide proceed --release SEC-2027-A` lets it go on"
    assert town.status()["messages"] == before
    town.do("reset")


def test_why_a_message_was_not_tried_is_told(town: RunningSandbox) -> None:
    """It waits behind another, or its recipient failed to take others."""
    town.do("adapter", name="gas", behaviour="down")
    waiting = [one for one in town.do("activate", hub=[42])["messages"] if one["state"] == "pending"]
    untried = [one for one in waiting if one["to"] == "gas" and not one["attempts"]]
    assert untried
    for one in untried:
        assert re.match(r"it waits behind message \d+: |the recipient is spared, as it failed: ", one["error"])
        shown = done("outbox", "show", str(one["outbox"]), "--config", town.folder / "gateway.toml")
        assert re.search(r"^behind: +\d+$|^waits because: +its recipient failed: ", shown, re.M)
        assert re.search(r"^next try in:$", shown, re.M)
    town.do("adapter", name="gas", behaviour="normal")
    town.do("reset")


def test_a_failure_that_counts_for_nothing_is_noted(town: RunningSandbox) -> None:
    n71 = ("N71", "you", "delivered")
    first = town.do("fail", hub=[2], reason="noImageHeld")
    assert (n71 in told(first), first["notes"]) == (True, [])
    again = town.do("fail", hub=[2, 3])
    assert [one for one in told(again) if one[0] == "N71"] == [n71], "hub 3 alone"
    [note] = again["notes"]
    assert note.startswith("an outcome of hub 2 at this time or later was reported before")
    town.do("clock", to="+1h")
    later = town.do("fail", hub=[2])
    assert (n71 in told(later), later["notes"]) == (True, [])


def url_of_you(town: RunningSandbox) -> str:
    [url] = [one["url"] for one in town.status()["parties"] if one["name"] == "you"]
    return str(url)


def test_who_listens_and_is_read_by_nobody_any_more_gives_the_alerts_back(town: RunningSandbox) -> None:
    """As in `listen you | head -1`: what nobody sees is not taken, and the alerts go where they went."""
    before = url_of_you(town)
    words = [sys.executable, "-m", "duis_gateway", "listen", "you", "--port", str(town.port)]
    with saying(words) as listening:
        read_until(listening, "Listening")
        [you] = [one for one in town.status()["parties"] if one["name"] == "you"]
        assert you["listens"] is True
        assert listening.stdout is not None
        listening.stdout.close()
        town.do("activate", hub=[1])
        assert listening.wait(60) != 0
    assert url_of_you(town) == before


def test_after_a_reset_who_listens_takes_nothing_for_a_repeat(town: RunningSandbox) -> None:
    words = [sys.executable, "-m", "duis_gateway", "listen", "you", "--json", "--port", str(town.port)]
    with saying(words) as listening:
        read_until(listening, "Listening")
        for _ in range(2):
            town.do("activate", hub=[1])
            shown = json.loads(read_until(listening, '"kind": "N64"').splitlines()[-1])
            assert shown["repeat"] is False
            town.do("reset")


def test_a_reset_is_over_when_who_listens_has_taken_its_alerts_each_once(town: RunningSandbox) -> None:
    """Who listens asks when the sandbox was begun: it was answered after the reset, which waited for it."""
    words = [sys.executable, "-m", "duis_gateway", "listen", "you", "--json", "--port", str(town.port)]
    with saying(words) as listening:
        read_until(listening, "Listening")
        town.do("reset")
        sent = [
            one
            for one in json.loads(ask(town, "GET", "/v1/messages?last=500")[1])
            if one["to"] == "you" and one["kind"] in ("N66", "N67")
        ]
    assert {(one["state"], one["attempts"]) for one in sent} == {("delivered", 1)}, sent


def test_who_reads_during_a_reset_waits_for_it(town: RunningSandbox) -> None:
    """Before, it was answered 503, as its database was gone, and a `listen` that began then ended."""
    answers: list[tuple[str, int, str]] = []
    over = threading.Event()

    def read_on(path: str) -> None:
        while not over.is_set():
            status, content, _ = ask(town, "GET", path)
            answers.append((path, status, "" if status == 200 else content))

    readers = [threading.Thread(target=read_on, args=(path,)) for path in ("/v1/status", "/v1/messages", "/")]
    for one in readers:
        one.start()
    words = [sys.executable, "-m", "duis_gateway", "listen", "you", "--port", str(town.port)]
    try:
        with saying(words) as listening:
            for _ in range(3):
                town.do("reset")
            assert "are shown here" in read_until(listening, "Listening")
    finally:
        over.set()
        for one in readers:
            one.join()
    assert {path for path, _, _ in answers} == {"/v1/status", "/v1/messages", "/"}
    assert [one for one in answers if one[1] != 200] == []


def test_who_cannot_wait_for_a_reset_is_told_of_it() -> None:
    renewal = Renewal(seconds=0)
    control = Control(cast("Sandbox", SimpleNamespace(renewal=renewal)))
    request = HttpRequest("GET", "/v1/status", "", {"host": "127.0.0.1"}, b"", "127.0.0.1", "")
    with renewal.renewing():
        answer = control.answer(request)
    assert (answer.status, dict(answer.headers)["Retry-After"]) == (503, "5")
    assert isinstance(answer.body, bytes)
    assert json.loads(answer.body)["detail"] == "the sandbox is being reset; try again"
    assert "503" in describe("127.0.0.1")["paths"]["/v1/status"]["get"]["responses"]


def test_who_listens_asks_again_while_the_sandbox_is_being_reset() -> None:
    class Busy(BaseHTTPRequestHandler):
        answers: ClassVar = [(503, {"detail": "the sandbox is being reset"}), (200, {"parties": [], "you": {}})]

        def do_GET(self) -> None:
            status, told = self.answers.pop(0)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Busy) as server:
        answering = threading.Thread(target=server.serve_forever)
        answering.start()
        assert once_it_stands(Remote(server.server_port), pause=0) == {"parties": [], "you": {}}
        server.shutdown()
        answering.join()


def test_a_sandbox_that_ends_while_a_command_runs_is_told_as_that() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def end() -> None:
            asked, _ = server.accept()
            asked.recv(1)
            server.close()
            asked.close()

        ending = threading.Thread(target=end)
        ending.start()
        with pytest.raises(CommandFailed, match=f"the sandbox on port {port} ended while the command ran"):
            Remote(port).do("announce", {})
        ending.join()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 400_000 + b"\r\n\r\n", "gave no answer: "),
        (b"hello\n", "gave no answer: Received HTTP/0.9"),
    ],
    ids=["too long a header", "no HTTP"],
)
def test_what_a_server_did_instead_of_answering_is_said_once(answer: bytes, said: str) -> None:
    """Curl's own words, and "no answer" twice."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def reply() -> None:
            asked, _ = server.accept()
            with asked:
                asked.recv(65536)
                asked.sendall(answer)

        replying = threading.Thread(target=reply)
        replying.start()
        with pytest.raises(NoAnswer) as failed:
            Http(5.0).post(f"http://127.0.0.1:{server.getsockname()[1]}/", b"<a/>", {})
        replying.join()
    message = cast("Message", SimpleNamespace(kind="N64", body=None))
    line = Heard(message, "", False, 1, 0, 0.1, failed.value.detail).line()
    assert said in line
    assert "(100" not in line
    assert line.count("no answer") == 1


def test_a_supplier_is_named_by_its_eui_on_the_command_line_too(town: RunningSandbox) -> None:
    """As the API and `listen` take it."""
    you = next(one["eui"] for one in town.status()["parties"] if one["name"] == "you")
    at = ("--port", str(town.port))
    assert "you: SR11.5 for SEC-2027-A -> I99" in done("sandbox", "choose", you.lower(), "1", *at)
    assert "is not one of" in refused(2, "sandbox", "choose", "yuo", "1", *at)


def test_other_sites_pages_can_do_nothing(town: RunningSandbox) -> None:
    """A browser on this machine can be made to send requests here, by another site or by another name for us."""
    evil = {"Origin": "https://evil.example"}
    assert ask(town, "POST", "/v1/reset", "{}", evil)[0] == 403
    assert ask(town, "POST", "/", "do=reset", evil)[0] == 403
    assert ask(town, "GET", "/v1/status", headers={"Host": "evil.example"})[0] == 403
    assert ask(town, "GET", "/v1/status", headers={"Host": "LocalHost"})[0] == 200
    assert ask(town, "GET", "/openapi.json", headers={"Host": "a b"})[0] == 400
    # With "no-referrer" browsers would send this page's own forms with the origin "null".
    assert ask(town, "GET", "/")[2]["Referrer-Policy"] == "same-origin"
    assert ask(town, "POST", "/", "do=replay", {"Origin": "null"})[0] == 403
    own = {"Origin": f"http://127.0.0.1:{town.port}"}
    assert ask(town, "POST", "/v1/clock", '{"to": "+1h"}', own)[0] == 200


def test_what_a_party_was_told_at_its_own_door_is_what_is_shown(town: RunningSandbox) -> None:
    """On the command line, on the page and by HTTP; and what was for one message is over after it."""
    at = ("--port", str(town.port))

    def shown() -> tuple[str, str, str, str]:
        (party,) = [one for one in town.status()["parties"] if one["name"] == "south"]
        (line,) = [one for one in done("sandbox", "status", *at).splitlines() if one.startswith("south ")]
        page = ask(town, "GET", "/")[1]
        chosen = re.search(r'aria-label="how south answers">.*?<option selected>(\w+)<', page, re.DOTALL)
        assert chosen is not None
        return party["behaviour"], party["gateway"], line, chosen[1]

    control = next(one["control"] for one in town.status()["parties"] if one["name"] == "south")
    gateway = town.status()["gateway"]

    def post(url: str, content: bytes) -> int:
        return Http(timeout=20).post(url, content, {}).status

    assert (shown()[0], shown()[1], shown()[3]) == ("normal", gateway, "normal")
    assert post(f"{control}behaviour", b'{"mode": "drop"}') == 200
    assert (shown()[0], "; drop" in shown()[2], shown()[3]) == ("drop", True, "drop")
    assert post(f"{control}behaviour", b'{"mode": "500", "count": 1}') == 200
    assert shown()[0] == "error"
    url = next(one["url"] for one in town.status()["parties"] if one["name"] == "south")
    assert post(url, b"<a/>") == 500
    assert (shown()[0], shown()[3]) == ("normal", "normal")
    town.do("csp", name="south", behaviour="down")
    assert shown()[0] == "down"
    town.do("csp", name="south", behaviour="normal")
    assert post(f"{control}gateway", b'{"url": "http://127.0.0.1:1"}') == 200
    assert "; sends to http://127.0.0.1:1" in shown()[2]
    assert "; sends to http://127.0.0.1:1<" in ask(town, "GET", "/")[1]
    assert post(f"{control}gateway", json.dumps({"url": gateway}).encode()) == 200
    assert "sends to" not in shown()[2]


def test_t73_other_sites_pages_cannot_play_its_parties(town: RunningSandbox) -> None:
    """T73: a form of theirs could have withdrawn the release in DCC's name."""
    control = next(one["control"] for one in town.status()["parties"] if one["name"] == "dcc")
    withdrawn = f"""<Withdrawal xmlns="{ESI}"><FirmwareReleaseID>SEC-2027-A</FirmwareReleaseID>
        <At>2027-01-04T09:00:00Z</At></Withdrawal>"""
    form = {"Origin": "http://evil.com", "Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"}
    before = town.status()["releases"]
    browser = Http(timeout=20)
    assert browser.post(f"{control}send", withdrawn.encode(), form).status == 403
    assert browser.post(f"{control}send?signed=no", withdrawn.encode(), {}).status != 403, "a program"
    assert town.status()["releases"] == before


def test_every_command_is_described_and_on_the_page(town: RunningSandbox) -> None:
    described = json.loads(ask(town, "GET", "/openapi.json")[1])
    page = ask(town, "GET", "/")[1]
    for command in COMMANDS:
        body = described["paths"][f"/v1/{command.name}"]["post"]["requestBody"]["content"]["application/json"]
        assert set(body["schema"]["properties"]) == {one.name for one in command.parameters}
        assert f'<input type="hidden" name="do" value="{command.name}">' in page
    assert ask(town, "GET", "/messages/1")[1].count("good, by") == 2, "a message and its answer, both proven"
    assert "Firmware release SEC-2027-A" in ask(town, "GET", "/v1/mails/1")[1]
    yours = next(one["number"] for one in json.loads(ask(town, "GET", "/v1/mails")[1]) if one["to"] == "you")
    read = ask(town, "GET", f"/mails/{yours}")[1]
    assert "<h2>eligible-hubs-SEC-2027-A.csv</h2>\n<pre>device_id,manufacturer" in read
    assert "lists the" in read
    assert "\\r" not in read
    assert ask(town, "GET", "/mails/9999")[0] == 404
    assert ask(town, "GET", "/messages/9999")[0] == 404


def fits(value: Any, schema: dict[str, Any], described: dict[str, Any]) -> bool:
    """Whether a value is as its schema says, with every member that it has and no other."""
    if "$ref" in schema:
        return fits(value, described["components"]["schemas"][schema["$ref"].rpartition("/")[2]], described)
    kinds = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict, "null": type(None)}
    named = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if type(value) not in [kinds[one] for one in named]:
        return False
    if isinstance(value, list):
        return bool(value) and all(fits(one, schema["items"], described) for one in value)
    if isinstance(value, dict) and "properties" in schema:
        members = schema["properties"]
        return set(value) == set(members) and all(fits(one, members[name], described) for name, one in value.items())
    return True


def test_a_threshold_counts_three_hubs_and_holds_unless_it_is_said_otherwise(town: RunningSandbox) -> None:
    """`--least` without a threshold was taken, and did nothing."""
    at = ("--config", town.folder / "gateway.toml")
    for members, said in (
        ({}, "50 % of at least 3 hubs within 24 hours: the plan is held until DCC decides"),
        ({"least": 1, "hold": False}, "50 % of at least 1 hub within 24 hours: a pause is proposed to DCC"),
    ):
        town.do("announce", release="SEC-T", threshold=50, **members)
        assert said in " ".join(done("release", "show", "SEC-T", *at).split())
    alone = refused(2, "sandbox", "announce", "--least", "5", "--port", str(town.port))
    assert alone.endswith("`--least` says how a threshold counts: give `--threshold`, too")


def test_a_release_is_of_the_model_that_is_named(town: RunningSandbox) -> None:
    """Also where the sandbox would have given a release of this name to the other."""
    told = town.do("announce", release="SEC-2027-B", model="433100ac", approve=False)
    assert "SEC-2027-B brings hubs 106C 433100AC" in told["notes"][0]
    town.do("reset")


def test_what_is_planned_for_later_waits_for_its_period(town: RunningSandbox) -> None:
    """DCC's batch would count after the supplier's instruction: it is not sent."""
    town.do("choose", supplier="you", hub=[13])
    town.do("instruct", supplier="you", hub=[13], group="G13", start="+15d", end="+20d")
    town.do("group", group="G13", decision="accepted")
    at = ("--port", str(town.port))
    said = refused(1, "sandbox", "activate", "13", *at)
    assert "hub 13 is planned from 2027-01-19T09:00:00Z on: `sandbox clock` goes there" in said
    both = town.do("activate", hub=[13, 14])
    assert ("N64", "you", "delivered") in told(both)
    assert any("hub 13 is planned from" in note for note in both["notes"])
    town.do("clock", to="2027-01-20")
    assert ("N64", "you", "delivered") in told(town.do("activate", hub=[13]))
    town.do("reset")


def said_over_the_wire(town: RunningSandbox, head: str, body: bytes = b"") -> int:
    """Send a request as it stands, and return the status of the answer."""
    with socket.create_connection(("127.0.0.1", town.port), timeout=60) as connection:
        lines = f"{head} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        connection.sendall(lines.encode() + body)
        return int(connection.makefile("rb").readline().split()[1])


def test_a_command_that_needs_nothing_needs_no_body(town: RunningSandbox) -> None:
    """`curl -X POST` sends neither a body nor its length; it was refused with 411."""
    for name, status in (("reset", 200), ("announce", 200), ("approve", 200), ("activate", 400)):
        assert said_over_the_wire(town, f"POST /v1/{name}") == status, name


def test_every_refusal_is_described(town: RunningSandbox) -> None:
    described = json.loads(ask(town, "GET", "/openapi.json")[1])["paths"]
    for path, operations in described.items():
        if "{" not in path:
            [(method, operation)] = operations.items()
            known = operation["responses"].keys()
            assert str(ask(town, method.upper(), f"{path}?x=1", "[]")[0]) in known
            assert ask(town, method.upper(), path, "{}", {"Content-Encoding": "gzip"})[0] == 415
            assert ask(town, method.upper(), path, "{}", {"Content-Length": str(10**9)})[0] == 413
            assert {"413", "415", "503"} <= known


def test_null_is_no_value(town: RunningSandbox) -> None:
    status, said, _ = ask(town, "POST", "/v1/announce", '{"release": null}')
    assert (status, "`release` is null: leave it out" in said) == (400, True)


def test_what_is_read_is_as_it_is_described(town: RunningSandbox) -> None:
    described = json.loads(ask(town, "GET", "/openapi.json")[1])
    for path in ("/v1/status", "/v1/messages", "/v1/mails"):
        media = described["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
        assert fits(json.loads(ask(town, "GET", path)[1]), media["schema"], described), path


def test_nothing_of_the_page_is_cut_off(town: RunningSandbox) -> None:
    """On a telephone and on a screen of 1280 pixels, in light and dark; nothing in it is hard to use."""
    sent = town.do("activate", hub=[1, 81])["messages"]
    [n64] = [one["number"] for one in sent if (one["kind"], one["to"]) == ("N64", "you")]
    wide = "[...document.querySelectorAll('html, .scroll')].filter(e => e.scrollWidth > e.clientWidth).length"
    looks: tuple[tuple[int, Literal["light", "dark"]], ...] = ((390, "light"), (1280, "dark"))
    with chromium() as browser:
        for width, scheme in looks:
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            page.goto(f"{town.remote.url}/")
            assert page.evaluate(wide) == 0, width
            assert cut_off(page) == [], width
            found = Axe().run(page).response["violations"]
            assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
            for link in page.locator("nav a").all():
                assert page.locator(link.get_attribute("href") or "").count() == 1
            page.goto(f"{town.remote.url}/messages/{n64}")
            assert page.evaluate(wide) == 0, width
            assert page.get_by_text("good, by gateway (90-B3-D5-1F-30-00-00-02)").count() == 1
            page.goto(f"{town.remote.url}/mails/1")
            assert page.evaluate(wide) == 0, width
            found = Axe().run(page).response["violations"]
            assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


def test_a_second_sandbox_is_told_who_has_its_port(running: RunningSandbox, tmp_path: Path) -> None:
    """Before anything is made; whether it is the port of the page, or the next one, which the gateway has."""
    expected = f"a sandbox runs on port {running.port} already, in {running.folder}: stop it, or name another --port"
    assert expected in refused(2, "sandbox", "--workdir", tmp_path / "other", "--port", str(running.port))
    assert expected in str(unusable(running.port + 1, OSError()))
    with socket.create_server(("127.0.0.1", 0)) as another:
        port = another.getsockname()[1]
        said = refused(2, "sandbox", "--workdir", tmp_path / "other", "--port", str(port))
    assert f"port {port} cannot be used: Address already in use; stop what has it, or name another --port" in said
    assert not (tmp_path / "other").exists()


def test_a_folder_whose_database_is_broken_can_be_begun_anew(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    with sandbox(folder) as before:
        before.interrupt()
    (folder / "gateway.db").write_bytes(b"no database" * 1_000)
    said = refused(2, "sandbox", "--workdir", folder, "--port", "0")
    assert "file is not a database; --fresh begins anew in this folder" in said
    with sandbox(folder, "--fresh") as anew:
        assert anew.status()["releases"]


def test_it_goes_on_in_its_folder_and_ends_cleanly(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    with sandbox(folder) as first:
        first.do("activate", hub=[1])
        first.do("clock", to="2027-02-01")
        assert "a sandbox runs in" in refused(2, "sandbox", "--workdir", folder, "--port", "0")
        seen = first.status()["messages"]
        assert first.interrupt() == 0
    with sandbox(folder) as second:
        found = second.status()
        assert (found["clock"], found["hubs"][0]["version"]) == ("2027-02-01T00:00:00Z", "9002")
        assert found["messages"] == seen, "nothing was announced or sent again"
        assert ("N64", "you", "delivered") in told(second.do("activate", hub=[2]))
        assert second.interrupt() == 0
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine", encoding="utf-8")
    assert "no sandbox made it" in refused(2, "sandbox", "--workdir", tmp_path / "other", "--fresh", "--port", "0")
    assert (tmp_path / "other" / "thesis.txt").exists()
