"""Traces across a running gateway: from a request, through the outbox, to whoever is sent what it caused."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from duis_gateway.errors import ConfigurationError
from duis_gateway.operations.tracing import open_tracing
from tests.support.databases import KINDS
from tests.support.installation import installed, wait_until
from tests.support.play import Play
from tests.support.receivers import Receiver

pytestmark = [pytest.mark.processes, pytest.mark.once]
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SENT = f"00-{TRACE}-{SPAN}-01"


@contextmanager
def announced(kind: str, folder: Path, **tracing: object) -> Iterator[Play]:
    """A gateway to which DCC has announced a release under a trace, and from which all have been told."""
    settings = {("tracing", key): value for key, value in tracing.items()}
    with installed(kind, folder, settings) as installation, installation.running() as process:
        for actor in installation.actors.values():
            actor.url = process.url
        play = Play(installation, installation.lot())
        play["dcc"].headers["traceparent"] = SENT
        assert play.announce().code == "Accepted"
        play.settle()
        yield play


def told(play: Play) -> list[str | None]:
    """The `traceparent` of each message that a CSP was sent."""
    found = [one.headers for name in ("north", "south") for one in play[name].receiver.arrivals]
    return [{key.lower(): value for key, value in one.items()}.get("traceparent") for one in found]


@pytest.mark.parametrize("kind", KINDS)
def test_a_trace_is_passed_on_with_what_its_request_causes(kind: str, tmp_path: Path) -> None:
    """As it came, where nobody records the gateway's own part; and what is under no trace is sent under none."""
    with announced(kind, tmp_path, trace_context=True) as play:
        assert set(told(play)) == {SENT}
        (line,) = [one for one in log_of(play) if one.get("kind") == "FirmwareRelease"]
        assert line["trace_id"] == TRACE
        play["dcc"].headers.clear()
        number = len(told(play))
        assert play.announce(revision=2).code == "Accepted"
        play.settle()
        assert (told(play).count(SENT), set(told(play))) == (number, {SENT, None})


def log_of(play: Play) -> list[dict[str, Any]]:
    return [json.loads(line) for line in play.installation.log.read_text(encoding="utf-8").splitlines() if "{" in line]


def test_by_itself_the_gateway_passes_no_trace_on(tmp_path: Path) -> None:
    with announced("sqlite", tmp_path) as play:
        assert set(told(play)) == {None}


def test_spans_lead_from_the_request_to_each_attempt_to_deliver(tmp_path: Path) -> None:
    collector = Receiver()
    try:
        with announced("sqlite", tmp_path, trace_context=True, otlp_url=urljoin(collector.url, "/v1/traces")) as play:
            sent = told(play)
        spans = {span.span_id.hex(): span for span in spans_at(collector)}
        (request,) = [one for one in spans.values() if one.name == "esi messages"]
        assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, SPAN)
        assert attributes(request)["http.response.status_code"] == 200
        for header in sent:
            assert header is not None
            _, trace, span, _ = header.split("-")
            attempt = spans[span]
            assert (trace, attempt.parent_span_id) == (TRACE, request.span_id)
            assert attempt.name == "deliver FirmwareReleaseNotice"
            assert attributes(attempt)["duis.attempt"] == 1
    finally:
        collector.close()


def test_a_collector_that_is_away_holds_nobody_up(tmp_path: Path) -> None:
    """Messages are delivered, nobody is told of a trace that is not to be passed on, and the process ends in time."""
    with announced("sqlite", tmp_path, otlp_url="http://127.0.0.1:9/v1/traces") as play:
        assert set(told(play)) == {None}


ENDLESS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("begins", "goes_on", "every"),
    [
        (ENDLESS, b"10000\r\n" + b"x" * 65_536 + b"\r\n", 0.0),
        (ENDLESS, b"1\r\nx\r\n", 0.1),
        (b"HTTP/1.1 200 OK\r\n", b"X-More: x\r\n", 0.1),
        (b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 9999999999\r\n\r\n", b"x" * 65_536, 0.0),
    ],
    ids=["flood", "drip", "header that drips", "redirect"],
)
def test_a_collector_whose_answer_does_not_end_is_heard_for_seconds_and_kilobytes(
    begins: bytes, goes_on: bytes, every: float
) -> None:
    """T63: it was read as fast as it came, and kept."""
    closed = threading.Event()
    sent: list[int] = []

    def answer() -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):
            connection.recv(65_536)
            connection.sendall(begins)
            while sum(sent) < 64 * 1024 * 1024:
                connection.sendall(goes_on)
                sent.append(len(goes_on))
                time.sleep(every)
            return
        closed.set()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=answer, daemon=True).start()
        recorded = open_tracing(True, f"http://127.0.0.1:{server.getsockname()[1]}/v1/traces", "0")
        with recorded.serving("", "esi", "messages"):
            pass
        assert closed.wait(15)
        recorded.stop(time.monotonic() + 1)
    assert sum(sent) < 16 * 1024 * 1024, "what the system keeps for the two sockets"


def spans_at(collector: Receiver) -> list[Any]:
    wait_until(lambda: bool(collector.arrivals), "spans have come")
    found = []
    for arrival in collector.arrivals:
        assert arrival.path == "/v1/traces"
        for resource in ExportTraceServiceRequest.FromString(arrival.body).resource_spans:
            named = {one.key: one.value.string_value for one in resource.resource.attributes}
            assert named["service.name"] == "duis-gateway"
            found += [span for scope in resource.scope_spans for span in scope.spans]
    return found


def attributes(span: Any) -> dict[str, object]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


def test_without_the_extra_it_is_said_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duis_gateway.operations.spans", None)
    with pytest.raises(ConfigurationError, match=r"\[tracing\] otlp_url needs the extra opentelemetry: pip install"):
        open_tracing(True, "http://127.0.0.1:4318/v1/traces", "0")
    assert open_tracing(True, None, "0").passes
