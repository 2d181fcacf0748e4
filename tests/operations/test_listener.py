"""What operators' machines see: health and metrics."""

from __future__ import annotations

import json
import platform
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from duis_gateway import __version__
from duis_gateway.doors.http import Edge
from duis_gateway.doors.wire import HttpRequest
from duis_gateway.errors import NotDurable
from duis_gateway.operations.delivery_metrics import DeliveryMetrics
from duis_gateway.operations.figures import FiguresCollector, OutboxFigures, Sources
from duis_gateway.operations.listener import operations_app
from duis_gateway.operations.metrics import Metrics
from duis_gateway.operations.readiness import Check
from duis_gateway.operations.watch import TrustFigures
from duis_gateway.outbox.retry import Failure, FailureKind
from duis_gateway.outbox.store import ClaimedMessage
from duis_gateway.rollout.scheduler import BY_TIME, STAGE
from tests.support.asking import ask, fields, whole
from tests.support.gateway_process import wait_until


def all_well() -> Mapping[str, Check]:
    return {"store": Check(ok=True), "signing": Check(ok=True, detail="until 2030")}


def get(app: Edge, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    answer = ask(app, path, method)
    return answer.status, fields(answer), whole(answer)


def test_a_live_process_says_so_whatever_is_broken() -> None:
    app = operations_app(Metrics(), lambda: {"store": Check(ok=False)})
    assert get(app, "/health/live")[0] == 200
    status, _, body = get(app, "/health/ready")
    assert (status, json.loads(body)["status"]) == (503, "not ready")


def test_readiness_names_each_check() -> None:
    status, headers, body = get(operations_app(Metrics(), all_well), "/health/ready")
    assert (status, headers["content-type"]) == (200, "application/json")
    assert json.loads(body)["checks"]["signing"] == {"ok": True, "detail": "until 2030"}
    one_bad = operations_app(Metrics(), lambda: {**all_well(), "disk": Check(ok=False, detail="full")})
    status, _, body = get(one_bad, "/health/ready")
    assert (status, json.loads(body)["checks"]["disk"]["detail"]) == (503, "full")


def test_a_monitor_that_knows_one_address_is_told_what_a_load_balancer_is() -> None:
    app = operations_app(Metrics(), all_well)
    assert get(app, "/health") == get(app, "/health/ready")
    assert get(operations_app(Metrics(), lambda: {"store": Check(ok=False)}), "/health")[0] == 503


@pytest.mark.parametrize(
    ("accept", "media_type", "end"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8", b"\n"),
        ("application/json", "text/plain; version=0.0.4; charset=utf-8", b"\n"),
        ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "application/openmetrics-text", b"# EOF\n"),
    ],
)
def test_metrics_come_in_the_format_that_is_asked_for(accept: str, media_type: str, end: bytes) -> None:
    answer = ask(operations_app(Metrics(), all_well), "/metrics", headers={"accept": accept} if accept else {})
    assert fields(answer)["content-type"].startswith(media_type)
    content = whole(answer)
    assert content.endswith(end)
    for of_process in (b"process_resident_memory_bytes ", b"process_open_fds ", b"python_gc_collections_total{"):
        assert b"\n" + of_process in content


def test_nothing_can_be_changed_here() -> None:
    app = operations_app(Metrics(), all_well)
    assert {get(app, path, "POST")[0] for path in ("/metrics", "/health/ready")} == {405}
    assert get(app, "/api/v1/serviceD")[0] == 404


def test_the_outbox_is_read_at_each_scrape() -> None:
    figures = [OutboxFigures({"http": 2}, 0, 3.5), OutboxFigures({"http": 0, "email": 1}, 4, 0.0)]
    app = operations_app(Metrics(Sources(lambda: figures.pop(0))), all_well)
    first, second = get(app, "/metrics")[2].decode(), get(app, "/metrics")[2].decode()
    assert 'gw_outbox_pending{kind="http"} 2.0' in first
    assert "gw_outbox_oldest_age_seconds 3.5" in first
    assert 'gw_outbox_pending{kind="email"} 1.0' in second
    assert "gw_dead_letters 4.0" in second


def test_what_many_wait_for_is_written_out_once_for_all_who_had_asked_before() -> None:
    """Each writing takes milliseconds: three hundred that did not read kept others waiting for seconds."""
    written: list[bool] = []

    def figures() -> OutboxFigures:
        written.append(True)
        return OutboxFigures({"http": len(written)}, 0, 0.0)

    app = operations_app(Metrics(Sources(figures)), all_well)
    asked = [HttpRequest("GET", "/metrics", "", {"host": "gateway"}, b"", f"127.0.0.{n}", "") for n in range(100)]
    assert {b'gw_outbox_pending{kind="http"} 1.0' in whole(app.answer(one)) for one in asked} == {True}
    assert b'gw_outbox_pending{kind="http"} 2.0' in get(app, "/metrics")[2], "who asks afterwards is told what is now"
    assert len(written) == 2


def test_a_database_that_is_away_is_one_line_for_each_figure_and_no_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def away() -> Any:
        raise NotDurable("the gateway's database cannot be used", reason="connection refused")

    Metrics(Sources(away, trust=away)).exposition()
    assert [(record.levelname, record.exc_info) for record in caplog.records] == [("WARNING", None)] * 2
    assert caplog.text.count("cannot be read for the metrics: connection refused") == 2


def test_metrics_are_told_while_the_database_is_down(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Any:
        raise ConnectionError("no database")

    metrics = Metrics(Sources(broken, trust=broken, open_breakers=broken, signing_expiry=lambda: 7.0))
    metrics.request("duis", "serviceD", "answered", 0.01)
    text = metrics.exposition()[1].decode()
    assert "gw_outbox_readable 0.0" in text
    assert 'gw_requests_total{door="duis",outcome="answered",service="serviceD"} 1.0' in text
    assert 'gw_cert_expiry_timestamp_seconds{whose="gateway"} 7.0' in text
    for unknown in ("gw_outbox_pending", "gw_crl", "gw_breaker_open", 'whose="party"'):
        assert unknown not in text
    assert "the outbox cannot be read" in caplog.text
    assert "revocation lists cannot be read" in caplog.text


def test_scrapes_of_a_silent_database_have_one_deadline_together_and_share_what_is_read() -> None:
    """Three figures, each of which takes as long as it likes: one thread waits for them, whoever asks."""
    asked: list[str] = []
    go_on = threading.Event()

    def silent(what: str) -> Any:
        asked.append(what)
        assert go_on.wait(30)
        raise NotDurable("the gateway's database cannot be used")

    sources = Sources(
        lambda: silent("outbox"), lambda: silent("audit"), lambda: silent("trust"), signing_expiry=lambda: 7.0
    )
    collector = FiguresCollector(sources, longest=0.2)
    for _ in range(3):
        names = [metric.name for metric in collector.collect()]
        assert names == ["gw_outbox_readable", "gw_cert_expiry_timestamp_seconds"]
    assert asked == ["outbox"]
    go_on.set()
    wait_until(lambda: len(asked) == 3, "not read")
    wait_until(lambda: bool(list(collector.collect())) and asked[3:4] == ["outbox"], "not read again")


def test_deliveries_are_counted_by_channel_and_outcome() -> None:
    metrics = Metrics()
    observer = DeliveryMetrics(metrics)
    message = ClaimedMessage(
        id=1, recipient=1, channel="http", address=None, kind="N64", message_id="m", content=b"",
        content_type="application/xml", attempts=1, refusals=0, token="t", waited=2.0,
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
    first, second = metrics.exposition()[1].decode(), metrics.exposition()[1].decode()
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
    assert counted == {**dict.fromkeys(BY_TIME, 0), STAGE: 1}


def test_what_runs_here_is_said() -> None:
    [line] = [line for line in Metrics().exposition()[1].decode().splitlines() if line.startswith("gw_build_info{")]
    assert f'version="{__version__}"' in line
    assert f'python="{platform.python_version()}"' in line
