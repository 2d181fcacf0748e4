"""The mock CSP and the mock DCC, as processes: driven over HTTP, against a stand-in for the gateway."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
import urllib3
from lxml import etree

import csp_mgmt_gw.messages as csp
import esi.messages as esi
from duis_gateway.duis.identifiers import format_eui, parse_eui
from duis_gateway.envelope.signature import sign_canonical
from duis_gateway.partners.bodies import Remaining
from duis_gateway.partners.messages import Interface, Part, PartnerBody
from duis_gateway.rollout.activations.records import HubOutcome, OutcomeStage
from duis_gateway.rollout.plans.records import Deployment, PlanBasis, PlanStanding, VoidPlan, VoidReason
from duis_gateway.rollout.releases.records import Period, PilotTerms, ReleaseType, Stage
from duis_gateway.rollout.rollout_decisions.records import RolloutAction, Standing
from tests.support.partner_bodies import NOW
from tests.support.partner_gateway import GATEWAY, Gateway, Pki, running

pytestmark = pytest.mark.processes

SUPPLIER = 0x90B3D51F30010000
FIRST = 0x90B3D51F30AA0000
HUBS = [FIRST + n for n in range(20)]
PERIOD = Period(NOW + timedelta(days=30), NOW + timedelta(days=60))
HTTP = urllib3.PoolManager(retries=False, timeout=20)

NOTICE = csp.FirmwareReleaseNotice(
    release_id="R1",
    revision=1,
    release_type=ReleaseType.SEC_RELEASE,
    manufacturer="106C",
    model="433100AC",
    firmware_version="00000002",
    release_note="https://notes.example/R1",
    severity="High",
    priority="Normal",
    automatic_date=NOW + timedelta(days=180),
    pilot=PilotTerms(PERIOD, limit=300),
    proving=(HUBS[19],),
    friendly=(HUBS[4],),
    excluded=(HUBS[0],),
)


@dataclass
class Mock:
    """A mock that runs, and the stand-in that it talks to."""

    url: str
    process: subprocess.Popen[str]
    gateway: Gateway
    pki: Pki
    record: Path

    def deliver(self, raw: bytes) -> tuple[int, bytes]:
        answer = HTTP.request("POST", f"{self.url}/inbox", body=raw, headers={"Content-Type": "application/xml"})
        return answer.status, answer.data

    def command(self, name: str, **members: Any) -> Any:
        answer = HTTP.request("POST", f"{self.url}/mock/v1/{name}", body=json.dumps(members).encode())
        assert answer.status == 200, answer.data
        return answer.json()

    def send(self, body: bytes, query: str = "") -> urllib3.BaseHTTPResponse:
        return HTTP.request("POST", f"{self.url}/mock/v1/send{query}", body=body)

    def received(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = HTTP.request("GET", f"{self.url}/mock/v1/received").json()
        return entries

    def recorded(self, message_id: str) -> list[str]:
        """Who sent what to whom, of the files that hold this message id, in the order of the wire."""
        names = [path.name for path in sorted(self.record.glob("*.xml")) if message_id.encode() in path.read_bytes()]
        return [name.split("-", 1)[1].removesuffix(".xml") for name in names]


@contextmanager
def started(package: str, interface: Interface, folder: Path, *arguments: str) -> Iterator[Mock]:
    pki = Pki.make(folder / "pki")
    with running(Gateway(interface, pki.gateway, pki.partner)) as gateway:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", package, "--gateway", gateway.url, "--record", str(folder / "record")),
                *("--key", str(pki.partner.key_file), "--certificate", str(pki.partner.certificate)),
                *("--trust", str(pki.gateway.certificate), *arguments),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        with process:
            try:
                said = process.stdout.readline().split()
                assert said[:2] == ["listening", "on"]
                yield Mock(said[2], process, gateway, pki, folder / "record")
            finally:
                process.terminate()
                assert process.wait(15) == 0


def hub_file(folder: Path) -> Path:
    """Twenty hubs in North, and one each that no pilot of release R1 in North may have."""
    row = "{},{},106C,{},{},{},{},90-B3-D5-1F-30-01-00-00,\n"
    good = ["CHF", "433100AC", "00000001", "Commissioned", "North"]
    lines = [row.format(format_eui(hub), *good) for hub in HUBS]
    for index, (column, value) in enumerate([(0, "GPF"), (1, "OTHER"), (2, "00000002"), (3, "Pending"), (4, "South")]):
        changed = [value if n == column else usual for n, usual in enumerate(good)]
        lines.append(row.format(format_eui(FIRST + 100 + index), *changed))
    header = "device_id, device_type, manufacturer, model, firmware_version, status, csp_region, import_supplier"
    path = folder / "hubs.csv"
    path.write_text(f"{header}, gas_supplier\n{''.join(lines)}", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def north(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mock]:
    """The CSP of the North, planning by itself."""
    folder = tmp_path_factory.mktemp("csp")
    arguments = ["--regions", "North,4G North", "--hubs", str(hub_file(folder)), "--auto", "--pilot-share", "0.25"]
    with started("csp_mgmt_gw", csp.INTERFACE, folder, *arguments) as mock:
        yield mock


@pytest.fixture(scope="module")
def dcc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mock]:
    """DCC's enterprise system."""
    with started("esi", esi.INTERFACE, tmp_path_factory.mktemp("esi")) as mock:
        yield mock


@pytest.fixture(autouse=True)
def _nothing_left_over(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    for name in {"north", "dcc"} & set(request.fixturenames):
        gateway: Gateway = request.getfixturevalue(name).gateway
        gateway.posted = Queue()
        assert gateway.orders.empty()


DEFAULT_LIST = csp.DefaultPilotList("R9", "North", (HUBS[1],))


def test_what_it_is_told_to_send_is_wrapped_signed_and_acknowledged(north: Mock) -> None:
    answer = north.send(csp.render_body(DEFAULT_LIST))
    posted = north.gateway.next()
    assert posted.path == "/csp-mgmt-gw/v1/messages"
    assert posted.message is not None
    assert (posted.message.sender, posted.message.body) == (north.pki.partner.eui, DEFAULT_LIST)
    message_id = posted.message.message_id
    assert (answer.status, answer.headers["X-Message-ID"]) == (200, message_id)
    assert answer.headers["X-Acknowledgement-Verified"] == "yes"
    assert etree.fromstring(answer.data)[1][0][0].text == message_id
    own, gateway = f"{north.pki.partner.eui:016X}", f"{GATEWAY:016X}"
    assert north.recorded(message_id) == [f"{own}-{gateway}-DefaultPilotList", f"{gateway}-{own}-Acknowledgement"]
    assert posted.raw in [path.read_bytes() for path in north.record.iterdir()]


@pytest.mark.parametrize("query", ["?signed=no", "?tamper=yes"])
def test_it_can_send_what_the_gateway_must_refuse(north: Mock, query: str) -> None:
    """T31, T32."""
    answer = north.send(csp.render_body(DEFAULT_LIST), query)
    assert (answer.status, answer.headers["X-Acknowledgement-Verified"]) == (401, "no")
    assert north.gateway.next().message is None


def test_it_can_repeat_a_message_id(north: Mock) -> None:
    """T39, T40."""
    for _ in range(2):
        north.send(csp.render_body(DEFAULT_LIST), "?message_id=again-1")
        message = north.gateway.next().message
        assert message is not None
        assert message.message_id == "again-1"


def test_it_sends_what_no_schema_allows(north: Mock) -> None:
    assert north.send(b'<DefaultPilotList xmlns="urn:csp-mgmt-gw:1"/>').status == 401
    assert north.send(b"no xml").status == 400


def test_a_notice_is_answered_with_a_default_list_and_schedule(north: Mock) -> None:
    """A01 to A03: proving hubs first and always, friendly next, excluded never; only hubs that fit."""
    assert north.deliver(north.gateway.signed(NOTICE)) == (204, b"")
    bodies = []
    for _ in range(2):
        message = north.gateway.next().message
        assert message is not None
        bodies.append(message.body)
    pilot, schedule = bodies
    # The proving hub, and a quarter of the 18 others that are not excluded.
    chosen = (HUBS[19], HUBS[4], HUBS[1], HUBS[2], HUBS[3], HUBS[5])
    assert pilot == csp.DefaultPilotList("R1", "North", chosen)
    assert isinstance(schedule, csp.DefaultPilotSchedule)
    assert [(group.group_id, group.period, group.device_ids) for group in schedule.groups] == [("WAVE-1", PERIOD, ())]
    assert [one.code for one in schedule.constraints] == ["NIGHT", "WEEKDAY"]
    assert (north.received()[-1]["kind"], north.received()[-1]["release"]) == ("FirmwareReleaseNotice", "R1")


def test_a_repeat_is_taken_once_and_other_content_under_its_id_never(north: Mock) -> None:
    """T39, T40: a recipient recognises a repeat by the MessageID."""
    raw = north.gateway.signed(csp.PreferredPilotList("R2", "00000002", SUPPLIER, (HUBS[1],)), "repeat-1")
    other = north.gateway.signed(csp.PreferredPilotList("R2", "00000002", SUPPLIER, (HUBS[2],)), "repeat-1")
    assert north.deliver(raw)[0] == 204
    assert north.deliver(raw)[0] == 204
    assert north.deliver(other)[0] == 409
    ours = [entry["repeat"] for entry in north.received() if entry["message_id"] == "repeat-1"]
    assert ours == [False, True]


def test_messages_that_prove_nothing_are_refused_with_the_reason(north: Mock) -> None:
    """T31, T32, T36, T37."""
    good = csp.PreferredPilotList("R3", "00000002", SUPPLIER, (HUBS[1],))
    unsigned = csp.render_message("m", GATEWAY, NOW, good)
    lying = csp.render_message("m", SUPPLIER, NOW, good)
    invalid = csp.render_message("m", GATEWAY, NOW, csp.PreferredPilotList("", "00000002", SUPPLIER))
    key = north.pki.gateway.key
    for raw, reason in [
        (unsigned, b"no signature"),
        (sign_canonical(unsigned, key).replace(b"00000002", b"00000003"), b"digest differs"),
        (north.gateway.signed(good, by=north.pki.stranger), b"unknown"),
        (sign_canonical(lying, key), b"another party"),
        (sign_canonical(invalid, key), b"FirmwareReleaseID"),
        (b"<", b"well-formed"),
    ]:
        status, text = north.deliver(raw)
        assert status == 400
        assert reason in text
    assert "R3" not in [entry["release"] for entry in north.received()]


TODAY = datetime.now(UTC).replace(microsecond=0)
OPEN = Period(TODAY - timedelta(days=1), TODAY + timedelta(days=1))
LATER = Period(TODAY + timedelta(days=1), TODAY + timedelta(days=2))


def tell(north: Mock, *bodies: PartnerBody) -> None:
    for body in bodies:
        assert north.deliver(north.gateway.signed(body))[0] == 204


def planned(
    release: str, revision: int, period: Period, *device_ids: int, void: Sequence[int] = (), part: Part | None = None
) -> csp.PlannedDeployment:
    one = Deployment(Stage.PILOT, PlanBasis.SUPPLIERS, PlanStanding.FIXED, period, device_ids)
    gone = (VoidPlan(VoidReason.NOT_INSTRUCTED, tuple(void)),) if void else ()
    deployments = (one,) if device_ids else ()
    return csp.PlannedDeployment(release, f"V-{release}", revision, deployments, gone, None, part)


def due(north: Mock, release: str) -> list[int]:
    return [parse_eui(text) for text in north.command("planned", release=release)["due"]]


def test_what_is_planned_is_activated_through_every_trouble(north: Mock) -> None:
    """X01, X02: CS06 is registered first; 503 and broken connections are tried again, byte for byte the same (F02)."""
    tell(north, planned("R4", 1, OPEN, *HUBS[1:5]), planned("R4", 2, LATER, HUBS[5]))
    for order in (503, "break", 503):
        north.gateway.orders.put(order)
    asked = [format_eui(hub) for hub in HUBS[1:7]]
    result = north.command("activate", release="R4", devices=asked, batch=3, failing=[format_eui(HUBS[2])])
    assert (len(result["hubs"]), result["failed"]) == (4, 1)
    assert result["not_planned"] == asked[4:], "one is planned for later, of the other nothing was told"
    attempts = [one["attempts"] for one in result["requests"] + result["responses"]]
    # libcurl itself posts again where a connection that was kept open turns out to be broken.
    assert attempts in ([4, 1, 1], [3, 1, 1])
    assert {one["status"] for one in result["requests"] + result["responses"]} == {"Accepted"}
    posted = [north.gateway.next() for _ in range(6)]
    assert len({one.raw for one in posted[:4]}) == 1
    bodies = [one.message.body for one in posted if one.message is not None]
    requests, *responses = bodies
    assert isinstance(requests, csp.ActivateFirmwareRequests)
    assert (requests.release_id, requests.device_ids) == ("R4", (HUBS[1], HUBS[2], HUBS[3], HUBS[4]))
    outcomes: list[HubOutcome] = []
    for body in responses:
        assert isinstance(body, csp.ActivateFirmwareResponses)
        outcomes.extend(body.outcomes)
    assert [(one.device_id, one.success, one.failure_reason) for one in outcomes] == [
        (HUBS[1], True, None),
        (HUBS[2], False, "hashMismatch"),
        (HUBS[3], True, None),
        (HUBS[4], True, None),
    ]
    assert due(north, "R4") == [HUBS[2]], "the one that failed may be tried again"


def test_changes_of_the_plan_add_up_in_their_order(north: Mock) -> None:
    """X09: a revision that is missing, or of which a part is, is waited for; a repeat changes nothing."""
    first, second = planned("R5", 1, OPEN, *HUBS[:3]), planned("R5", 2, OPEN, HUBS[3], void=[HUBS[0]])
    tell(north, second)
    assert due(north, "R5") == []
    tell(north, first)
    assert due(north, "R5") == HUBS[1:4]
    tell(north, first)
    assert due(north, "R5") == HUBS[1:4]
    tell(north, planned("R5", 3, OPEN, HUBS[5], part=Part("P", 2, 2)))
    assert due(north, "R5") == HUBS[1:4]
    tell(north, planned("R5", 3, OPEN, HUBS[4], part=Part("P", 1, 2)))
    assert due(north, "R5") == HUBS[1:6]


def test_what_remains_goes_at_the_date_that_was_told_last(north: Mock) -> None:
    """X09: a date that DCC has put off moves nothing any more."""
    release, version = "R-PUT-OFF", "PUTOFF"
    tell(north, replace(NOTICE, release_id=release, firmware_version=version))
    tell(north, csp.PlannedDeployment(release, version, 1, remaining=Remaining(NOW)))
    assert due(north, release)
    later = Remaining(datetime.now(UTC) + timedelta(days=30))
    tell(north, csp.PlannedDeployment(release, version, 2, remaining=later))
    assert due(north, release) == []


@pytest.mark.parametrize(
    ("word", "goes_on"), [(RolloutAction.PAUSE, True), (RolloutAction.WITHDRAW, False), (RolloutAction.STOP, False)]
)
def test_a_pause_holds_and_a_withdrawal_ends_what_is_planned(north: Mock, word: RolloutAction, goes_on: bool) -> None:
    """X03: also before the plan itself is told as void, and for what goes at the automatic date."""
    release, version = f"R-{word}", f"V{word}"[:8]
    remaining = csp.PlannedDeployment(release, version, 1, remaining=Remaining(NOW))
    tell(north, replace(NOTICE, release_id=release, firmware_version=version), remaining)
    for _ in range(2):
        north.gateway.next()
    everything = len(due(north, release))
    assert everything >= 17, "what remains of the model goes at the automatic date"
    for decision, left in ((word, 0), (RolloutAction.PROCEED, everything if goes_on else 0)):
        tell(north, csp.RolloutDecision(release, decision, "seen", Standing.CONFIRMED, "DCC"))
        assert len(due(north, release)) == left


def test_it_stops_for_the_hubs_that_the_acknowledgement_names(north: Mock) -> None:
    """BR-3.5: what the gateway refuses is left alone, and no outcome is reported of it."""
    tell(north, planned("R6", 1, OPEN, *HUBS[7:10]))
    north.gateway.stops[format_eui(HUBS[8])] = "ReleasePaused: the release is paused"
    try:
        result = north.command("activate", release="R6")
    finally:
        north.gateway.stops.clear()
    assert result["hubs"] == [format_eui(HUBS[7]), format_eui(HUBS[9])]
    assert result["stopped"] == {format_eui(HUBS[8]): "ReleasePaused: the release is paused"}
    bodies = [one.message.body for one in (north.gateway.next(), north.gateway.next()) if one.message is not None]
    assert isinstance(bodies[1], csp.ActivateFirmwareResponses)
    assert [one.device_id for one in bodies[1].outcomes] == [HUBS[7], HUBS[9]]


def test_the_image_is_distributed_to_what_is_planned(north: Mock) -> None:
    tell(north, planned("R7", 1, LATER, *HUBS[:10]))
    result = north.command("distribute", release="R7", failing_share=0.3, reason="no room")
    assert (len(result["hubs"]), result["failed"], result["requests"]) == (10, 3, [])
    message = north.gateway.next().message
    assert message is not None
    assert isinstance(message.body, csp.DistributionOutcomes)
    assert sum(not one.success for one in message.body.outcomes) == 3


def test_when_the_gateway_stays_away_the_command_says_so(north: Mock) -> None:
    url = north.gateway.url
    north.command("gateway", url="http://127.0.0.1:1")
    try:
        assert north.send(csp.render_body(DEFAULT_LIST)).status == 502
    finally:
        north.command("gateway", url=url)
    assert north.send(csp.render_body(DEFAULT_LIST)).status == 200


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"version": "2"},
        {"release": "R4", "devices": "all"},
        {"release": "R4", "batch": 0},
        {"release": "R4", "falling": []},
    ],
)
def test_a_wrong_command_is_refused(north: Mock, members: dict[str, Any]) -> None:
    answer = HTTP.request("POST", f"{north.url}/mock/v1/activate", body=json.dumps(members).encode())
    assert answer.status == 400
    assert "error" in answer.json()


def test_it_misbehaves_to_order_and_then_no_more(dcc: Mock) -> None:
    """F13 to F15, F30, T65: what the gateway must live with, each as often as asked for."""

    def post(number: int) -> tuple[int, bytes]:
        return dcc.deliver(dcc.gateway.signed(esi.PreferredPilotListReport("R1", "2", SUPPLIER), f"order-{number}"))

    def taken(number: int) -> int:
        return sum(entry["message_id"] == f"order-{number}" for entry in dcc.received())

    with pytest.raises(AssertionError, match="mode must be one of ok, slow, 500, "):
        dcc.command("behaviour", mode="slwo")
    dcc.command("behaviour", mode="500", count=2)
    assert [post(1)[0], post(1)[0], taken(1)] == [500, 500, 0]
    dcc.command("behaviour", mode="garbage", count=1)
    status, body = post(2)
    assert (status, body.startswith(b"\x00"), taken(2)) == (200, True, 1)
    dcc.command("behaviour", mode="drop", count=1)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        post(3)
    assert taken(3) == 1
    dcc.command("behaviour", mode="reset", count=1)
    with pytest.raises(urllib3.exceptions.ProtocolError, match="reset"):
        post(4)
    assert taken(4) == 0
    dcc.command("behaviour", mode="slow", count=1, delay=0.4)
    began = time.monotonic()
    assert (post(5)[0], taken(5)) == (204, 1)
    assert time.monotonic() - began >= 0.4
    assert post(4)[0] == 204


def test_dcc_announces_a_release_and_takes_reports(dcc: Mock) -> None:
    release = esi.FirmwareRelease(
        "R1", 1, ReleaseType.PLANNED_MAINTENANCE, "106C", "433100AC", "00000002", "https://n.example", "High", "Normal"
    )
    assert dcc.send(esi.render_body(release)).status == 200
    posted = dcc.gateway.next()
    assert posted.path == "/esi/v1/messages"
    assert posted.message is not None
    assert posted.message.body == release
    outcome = HubOutcome(HUBS[1], OutcomeStage.ACTIVATION, True, "00000002", NOW)
    report = esi.PilotProgress("R1", "00000002", (outcome,))
    assert dcc.deliver(dcc.gateway.signed(report, "progress-1"))[0] == 204
    own, gateway = f"{dcc.pki.partner.eui:016X}", f"{GATEWAY:016X}"
    assert dcc.recorded("progress-1") == [f"{gateway}-{own}-PilotProgress"]


def test_it_ends_cleanly_while_it_is_busy(tmp_path: Path) -> None:
    """F24: the helper sees to the exit code."""
    with started("esi", esi.INTERFACE, tmp_path) as mock, ThreadPoolExecutor(1) as beside:
        mock.command("behaviour", mode="slow", delay=600)
        hanging = beside.submit(mock.deliver, mock.gateway.signed(esi.PreferredPilotListReport("R1", "2", SUPPLIER)))
        with pytest.raises(TimeoutError):
            hanging.result(0.3)
        mock.process.terminate()
        assert mock.process.wait(15) == 0
        assert hanging.exception(15) is None or isinstance(hanging.exception(), urllib3.exceptions.HTTPError)


def test_only_posts_bring_messages(dcc: Mock) -> None:
    assert HTTP.request("GET", f"{dcc.url}/inbox").status == 405
    assert HTTP.request("POST", f"{dcc.url}/mock/v1/activate").status == 404


@pytest.mark.parametrize("wrong", ["--key", "--certificate", "--trust"])
def test_what_it_cannot_begin_with_is_one_line_and_exit_code_2(tmp_path: Path, wrong: str) -> None:
    pki = Pki.make(tmp_path)
    files = {"--key": pki.partner.key_file, "--certificate": pki.partner.certificate, "--trust": tmp_path / "gateway"}
    files[wrong] = tmp_path / "missing"
    arguments = [str(part) for pair in files.items() for part in pair]
    ended = subprocess.run(
        [sys.executable, "-m", "esi", *arguments], capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "missing" in line
