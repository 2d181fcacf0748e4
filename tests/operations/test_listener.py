"""What operators see: health, metrics and the console."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from lxml import html

from duis_gateway import __version__
from duis_gateway.doors.http import Edge
from duis_gateway.operations.console import FlagLine, OutboxLine, page
from duis_gateway.operations.delivery_metrics import DeliveryMetrics
from duis_gateway.operations.figures import OutboxFigures, Sources
from duis_gateway.operations.listener import operations_app
from duis_gateway.operations.metrics import Metrics
from duis_gateway.operations.readiness import Check
from duis_gateway.operations.watch import TrustFigures
from duis_gateway.outbox.retry import Failure, FailureKind
from duis_gateway.outbox.store import ClaimedMessage
from duis_gateway.parties.records import Party, PartyKind, PartyStatus, Role
from duis_gateway.rollout.deadlines.rules import Deadline, Task
from duis_gateway.rollout.releases.records import Release
from duis_gateway.rollout.scheduler import BY_TIME, LOOK, OBLIGATIONS, STAGE
from tests.support.asking import ask, fields, whole
from tests.support.rules import release

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SUPPLIER = Party(0x90B3D51F30010000, PartyKind.SUPPLIER, "http://a.example/", "ops@a.example", roles=frozenset(Role))
CSP = Party(
    0x90B3D51F30000006, PartyKind.CSP, "http://c.example/", status=PartyStatus.SUSPENDED, regions=frozenset({"North"})
)


class Data:
    """What the console is given; each test changes what it is about."""

    shown_releases: Sequence[Release] = ()
    shown_parties: Sequence[Party] = ()
    shown_outbox: Sequence[OutboxLine] = ()
    shown_flags: Sequence[FlagLine] = ()
    shown_missed: Sequence[FlagLine] = ()
    shown_deadlines: Sequence[Deadline] = ()

    def now(self) -> datetime:
        return NOW

    def releases(self) -> Sequence[Release]:
        return self.shown_releases

    def deadlines(self) -> Sequence[Deadline]:
        return self.shown_deadlines

    def parties(self) -> Sequence[Party]:
        return self.shown_parties

    def outbox(self) -> Sequence[OutboxLine]:
        return self.shown_outbox

    def flags(self) -> Sequence[FlagLine]:
        return self.shown_flags

    def missed(self) -> Sequence[FlagLine]:
        return self.shown_missed


def all_well() -> Mapping[str, Check]:
    return {"store": Check(ok=True), "signing": Check(ok=True, detail="until 2030")}


def get(app: Edge, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    answer = ask(app, path, method)
    return answer.status, fields(answer), whole(answer)


def test_a_live_process_says_so_whatever_is_broken() -> None:
    app = operations_app(Metrics(), lambda: {"store": Check(ok=False)}, Data())
    assert get(app, "/health/live")[0] == 200
    status, _, body = get(app, "/health/ready")
    assert (status, json.loads(body)["status"]) == (503, "not ready")


def test_readiness_names_each_check() -> None:
    status, headers, body = get(operations_app(Metrics(), all_well, Data()), "/health/ready")
    assert (status, headers["content-type"]) == (200, "application/json")
    assert json.loads(body)["checks"]["signing"] == {"ok": True, "detail": "until 2030"}
    one_bad = operations_app(Metrics(), lambda: {**all_well(), "disk": Check(ok=False, detail="full")}, Data())
    status, _, body = get(one_bad, "/health/ready")
    assert (status, json.loads(body)["checks"]["disk"]["detail"]) == (503, "full")


def test_nothing_can_be_changed_here() -> None:
    app = operations_app(Metrics(), all_well, Data())
    assert {get(app, path, "POST")[0] for path in ("/", "/metrics", "/health/ready")} == {405}
    assert get(app, "/api/v1/serviceD")[0] == 404


def test_the_outbox_is_read_at_each_scrape() -> None:
    figures = [OutboxFigures({"http": 2}, 0, 3.5), OutboxFigures({"http": 0, "email": 1}, 4, 0.0)]
    app = operations_app(Metrics(Sources(lambda: figures.pop(0))), all_well, Data())
    first, second = get(app, "/metrics")[2].decode(), get(app, "/metrics")[2].decode()
    assert 'gw_outbox_pending{kind="http"} 2.0' in first
    assert "gw_outbox_oldest_age_seconds 3.5" in first
    assert 'gw_outbox_pending{kind="email"} 1.0' in second
    assert "gw_dead_letters 4.0" in second


def test_metrics_are_told_while_the_database_is_down(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Any:
        raise ConnectionError("no database")

    metrics = Metrics(Sources(broken, trust=broken, open_breakers=broken, signing_expiry=lambda: 7.0))
    metrics.request("duis", "serviceD", "answered", 0.01)
    text = metrics.exposition().decode()
    assert "gw_outbox_readable 0.0" in text
    assert 'gw_requests_total{door="duis",outcome="answered",service="serviceD"} 1.0' in text
    assert 'gw_cert_expiry_timestamp_seconds{whose="gateway"} 7.0' in text
    for unknown in ("gw_outbox_pending", "gw_crl", "gw_breaker_open", 'whose="party"'):
        assert unknown not in text
    assert "the outbox cannot be read" in caplog.text
    assert "revocation lists cannot be read" in caplog.text


def test_deliveries_are_counted_by_channel_and_outcome() -> None:
    metrics = Metrics()
    observer = DeliveryMetrics(metrics)
    message = ClaimedMessage(
        id=1, token="t", recipient=1, channel="http", address=None, kind="N64", message_id="m", content=b"",
        content_type="application/xml", attempts=1, waited=2.0,
    )  # fmt: skip
    observer.attempted(message, None, 0.5)
    observer.attempted(message, Failure(FailureKind.TIMEOUT, "slow"), 10.0)
    observer.leases_expired(3)
    value = metrics.registry.get_sample_value
    assert value("gw_delivery_attempts_total", {"kind": "http", "outcome": "accepted"}) == 1
    assert value("gw_delivery_attempts_total", {"kind": "http", "outcome": "timeout"}) == 1
    assert value("gw_delivery_delay_seconds_sum", {"kind": "http"}) == 2.5
    assert value("gw_leases_expired_total") == 3


def test_what_an_operator_alarms_on_is_read_at_each_scrape() -> None:
    """T34."""
    figures = [TrustFigures(10.0, 0.25, 1000.0, 2000.0), TrustFigures(20.0, 1.5, 1000.0)]
    down = [{"http": 2, "email": 0}, {"http": 0, "email": 0}]
    metrics = Metrics(Sources(trust=lambda: figures.pop(0), open_breakers=lambda: down.pop(0)))
    first, second = metrics.exposition().decode(), metrics.exposition().decode()
    assert "gw_crl_age_seconds 10.0" in first
    assert "gw_crl_next_update_timestamp_seconds 1000.0" in first
    assert 'gw_cert_expiry_timestamp_seconds{whose="party"} 2000.0' in first
    assert 'gw_breaker_open{kind="http"} 2.0' in first
    assert "gw_crl_life_used_ratio 1.5" in second
    assert "whose=" not in second
    assert 'gw_breaker_open{kind="http"} 0.0' in second


def test_what_can_fail_by_time_is_counted_from_zero() -> None:
    """A series that only began with its first failure would never be seen to rise."""
    metrics = Metrics(by_time=BY_TIME)
    metrics.scheduler_failure(STAGE)
    counted = {
        what: metrics.registry.get_sample_value("gw_scheduler_failures_total", {"what": what}) for what in BY_TIME
    }
    assert counted == {STAGE: 1, OBLIGATIONS: 0, LOOK: 0}


def test_what_runs_here_is_said() -> None:
    [line] = [line for line in Metrics().exposition().decode().splitlines() if line.startswith("gw_build_info{")]
    assert f'version="{__version__}"' in line
    assert f'python="{platform.python_version()}"' in line


def shown(data: Data) -> html.HtmlElement:
    return html.fromstring(page(data))


def cells(root: html.HtmlElement, title: str) -> list[list[str]]:
    (section,) = root.xpath(f"//section[h2='{title}']")
    return [[cell.text_content() for cell in row.xpath("td")] for row in section.xpath(".//tbody/tr")]


@pytest.mark.requirement("BR-5.5")
def test_the_console_shows_what_is_under_way() -> None:
    data = Data()
    data.shown_releases = [release(paused=True), release(release_id="R2", pilot=None)]
    data.shown_parties = [SUPPLIER, CSP]
    data.shown_outbox = [
        OutboxLine(SUPPLIER.eui, "http", "pending", 1200, 7200.0),
        OutboxLine(CSP.eui, "http", "dead", 1, None, "connection refused"),
    ]
    data.shown_flags = [FlagLine(NOW, "hub-not-instructed", "90-B3-D5-1F-30-00-00-01", "activated all the same")]
    root = shown(data)
    releases = cells(root, "Releases in flight")
    assert [row[0] for row in releases] == ["R1", "R2"]
    assert releases[0][4].endswith(", paused")
    assert releases[1][5] == "no pilot"
    assert cells(root, "Outbox") == [
        ["90-B3-D5-1F-30-01-00-00", "http", "pending", "1,200", "2.0 h", ""],
        ["90-B3-D5-1F-30-00-00-06", "http", "dead letter", "1", "", "connection refused"],
    ]
    assert cells(root, "Flags")[0][2:] == ["90-B3-D5-1F-30-00-00-01", "activated all the same"]
    assert "2 releases in flight, 1,200 messages to be delivered, 1 dead letter, 1 flag" in root.text_content()


def test_the_console_shows_what_is_outstanding_and_for_how_long() -> None:
    data = Data()
    dcc = (PartyKind.DCC, 0x90B3D51F3000000A)
    data.shown_deadlines = [
        Deadline("R1", *dcc, Task.DECIDE_ON_INCIDENT, None, subject="INC-7"),
        Deadline("R1", *dcc, Task.APPROVE_RELEASE, NOW - timedelta(seconds=1)),
        Deadline("R1", PartyKind.CSP, CSP.eui, Task.DECIDE_ON_GROUP, NOW + timedelta(hours=36), 1200, "G1"),
    ]
    shown_rows = cells(shown(data), "Outstanding with DCC and the CSPs")
    assert [row[2] for row in shown_rows] == ["decide on incident", "approve release", "decide on group"]
    assert [row[5:] for row in shown_rows] == [
        ["as soon as possible", ""],
        ["2026-03-02 08:59:59", "overdue"],
        ["2026-03-03 21:00:00", "1.5 d"],
    ]
    assert shown_rows[2][1:5] == ["csp 90-B3-D5-1F-30-00-00-06", "decide on group", "G1", "1,200"]


@pytest.mark.requirement("PIA-A9")
def test_the_console_shows_which_supplier_missed_what_and_of_which_release() -> None:
    data = Data()
    said = "minimum: 1 of 10 hubs, due 2026-03-01 00:00:00"
    data.shown_missed = [FlagLine(NOW, "missed obligation", f"R 1 {SUPPLIER.name}", said)]
    assert cells(shown(data), "Missed obligations") == [["R 1", SUPPLIER.name, said, "2026-03-02 09:00:00"]]


def test_a_missing_email_is_shown_as_missing_and_a_suspended_party_as_such() -> None:
    data = Data()
    data.shown_parties = [SUPPLIER, CSP]
    supplier, csp = cells(shown(data), "Parties")
    assert supplier[2:] == ["GS, IS", str(Decimal("5.0")), "active", "http://a.example/", "ops@a.example"]
    assert csp[1:] == ["csp", "North", "", "suspended", "http://c.example/", "missing"]


def test_an_empty_gateway_says_so() -> None:
    text = shown(Data()).text_content()
    said = (
        "No release is in flight.",
        "Nothing is outstanding.",
        "No obligation was missed.",
        "Everything is delivered.",
        "Nothing is flagged.",
    )
    for nothing in (*said, "No party"):
        assert nothing in text


def test_nothing_that_others_wrote_becomes_markup() -> None:
    data = Data()
    evil = "<script>alert(1)</script>$now\"'"
    data.shown_outbox = [OutboxLine(1, evil, evil, 1, 1.0, evil)]
    data.shown_flags = [FlagLine(NOW, evil, evil, evil)]
    root = shown(data)
    assert root.xpath("//script") == []
    assert cells(root, "Flags")[0][1] == evil
    _, headers, _ = get(operations_app(Metrics(), all_well, data), "/")
    assert "default-src 'none'" in headers["content-security-policy"]
