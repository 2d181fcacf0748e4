"""`serve` and `deliver`: the processes of a running gateway, as an operator starts and ends them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
import urllib3

from duis_gateway import __version__
from tests.support.cli import SUPPLIER, Installation, done, refused, run
from tests.support.ports import free_port
from tests.support.writing import wait_until

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60.0
REQUEST = """<sr:Request xmlns:sr="http://www.dccinterface.co.uk/ServiceUserGateway" schemaVersion="5.4">\
<sr:Header><sr:RequestID>90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:1000</sr:RequestID>\
<sr:CommandVariant>8</sr:CommandVariant><sr:ServiceReference>8.2</sr:ServiceReference>\
<sr:ServiceReferenceVariant>8.2</sr:ServiceReferenceVariant></sr:Header>\
<sr:Body><sr:ReadInventory><sr:DeviceID>00-DB-12-34-56-78-90-A2</sr:DeviceID></sr:ReadInventory></sr:Body></sr:Request>
"""


@contextmanager
def started(
    installation: Installation, *words: str, listeners: int, operations: int = 0
) -> Iterator[tuple[psutil.Popen, list[str]]]:
    """Start a command on free ports and wait until it says where it listens."""
    ports = {"DUIS_GATEWAY_SERVER_PORT": "0", "DUIS_GATEWAY_OPERATIONS_PORT": str(operations)}
    environ = {**os.environ, **ports}
    with (installation.folder / "log").open("ab") as errors:
        process = psutil.Popen(
            [sys.executable, "-m", "duis_gateway", *words, *map(str, installation.config)],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        urls = [process.stdout.readline().strip() for _ in range(listeners)]
        assert all(url.startswith("listening on http://127.0.0.1:") for url in urls), log(installation)
        yield process, [url.removeprefix("listening on ") for url in urls]
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


def log(installation: Installation) -> str:
    return (installation.folder / "log").read_text(encoding="utf-8")


def end(process: psutil.Popen, installation: Installation) -> None:
    """F24"""
    process.send_signal(signal.SIGTERM)
    assert process.wait(SECONDS) == 0, log(installation)


@pytest.mark.processes
@pytest.mark.every_python
def test_a_first_signed_request_by_hand(installation: Installation, tmp_path: Path) -> None:
    """What the README shows: init, register, serve, sign, send, verify."""
    key, certificate = installation.make_certificate(SUPPLIER)
    installation.add_supplier(SUPPLIER, "--duis-version", "6.0", "--certificate", certificate)
    file, signed, answer = tmp_path / "request.xml", tmp_path / "signed.xml", tmp_path / "answer.xml"
    file.write_text(REQUEST, encoding="utf-8")
    done("sign", file, "--key", key, "--certificate", certificate, "--out", signed)
    with started(installation, "serve", listeners=2) as (process, (public, operations)):
        door = f"{public}/api/v1/serviceD"
        first = run("send", signed, "--url", door, "--out", answer)
        assert first.code == 1
        assert "E19" in first.error, "the inventory is empty"
        done("verify", answer, "--trust", installation.pki)
        again = run("send", signed, "--url", door)
        assert again.raw == answer.read_bytes(), "an exact repeat gets the first answer"
        assert "HTTP 401" in run("send", file, "--url", door).error, "unsigned"
        with urllib3.PoolManager(retries=False) as http:
            assert http.request("GET", f"{operations}/health/live").status == 200
            assert http.request("GET", f"{public}/health/live").status == 404
        end(process, installation)
    lines = [json.loads(line) for line in log(installation).splitlines()]
    [begun] = [line for line in lines if line["event"] == "started"]
    assert (begun["version"], begun["listeners"]) == (__version__, {"public": public, "operations": operations})
    assert begun["store"].startswith("sqlite:///")
    assert begun["configuration"].endswith("gateway.toml")
    told = [(line["kind"], line["outcome"]) for line in lines if line["event"] == "request_answered" and "kind" in line]
    assert told == [("SR8.2", "E19")], "one line for what was taken in"
    repeats = [line["identity"] for line in lines if line.get("outcome") == "repeated"]
    assert repeats == ["90-B3-D5-1F-30-01-00-00:90-B3-D5-1F-30-00-00-02:1000"]
    assert [line["event"] for line in lines].count("message_refused") == 2
    assert [line["event"] for line in lines].count("request_answered") == 2, "probes of operators have none"


@pytest.mark.processes
@pytest.mark.parametrize("command", ["serve", "deliver", "sandbox"])
def test_a_server_goes_on_where_nobody_reads_what_it_says(
    installation: Installation, tmp_path: Path, command: str
) -> None:
    """`serve | head -1`: it ended without a word, with exit code 1."""
    port = free_port()
    words, url, environ = [command, *installation.config], f"http://127.0.0.1:{port}/health/live", {}
    if command == "sandbox":
        words, url = [command, "--workdir", tmp_path / "new", "--port", str(port)], f"http://127.0.0.1:{port}/v1/status"
    else:
        environ = {"DUIS_GATEWAY_SERVER_PORT": "0", "DUIS_GATEWAY_OPERATIONS_PORT": str(port)}
    reading, writing = os.pipe()
    os.close(reading)
    with (installation.folder / "log").open("ab") as errors:
        process = psutil.Popen(
            [sys.executable, "-m", "duis_gateway", *map(str, words)],
            cwd=ROOT,
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=errors,
        )
    os.close(writing)
    try:
        wait_until(lambda: process.poll() is not None or is_there(url), SECONDS)
        end(process, installation)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def is_there(url: str) -> bool:
    with urllib3.PoolManager(retries=False) as http, suppress(urllib3.exceptions.HTTPError):
        return http.request("GET", url).status == 200
    return False


@pytest.mark.processes
@pytest.mark.parametrize("command", [("serve", "--no-delivery"), ("deliver",)])
def test_doors_and_delivery_can_be_processes_of_their_own(installation: Installation, command: tuple[str, ...]) -> None:
    with started(installation, *command, listeners=2 if command[0] == "serve" else 1) as (process, _):
        end(process, installation)


@pytest.mark.processes
def test_workers_end_with_the_gateway_and_are_replaced_when_they_die(installation: Installation) -> None:
    """Each has its operators' listener beside the first one's, so that it can be scraped."""
    port = free_port(in_a_row=2)
    with started(installation, "serve", "--workers", "2", listeners=2, operations=port) as (process, _):
        first = wait_for_worker(process, other_than=None)
        first.kill()
        second = wait_for_worker(process, other_than=first.pid)
        assert f'version="{__version__}"' in wait_for_metrics(port + 1)
        end(process, installation)
        assert psutil.wait_procs([second], SECONDS)[1] == []
    assert "worker-ended" in log(installation)


@pytest.mark.processes
def test_workers_end_even_when_the_gateway_is_killed(installation: Installation) -> None:
    with started(installation, "serve", "--workers", "2", listeners=2) as (process, _):
        worker = wait_for_worker(process, other_than=None)
        process.kill()
        assert psutil.wait_procs([worker], SECONDS)[1] == []


def wait_for_metrics(port: int) -> str:
    """Return the metrics of a process that has only just been started."""
    patient = urllib3.Retry(total=None, connect=80, backoff_factor=0.05, backoff_max=0.5)
    with urllib3.PoolManager(retries=patient) as http:
        return http.request("GET", f"http://127.0.0.1:{port}/metrics").data.decode()


def wait_for_worker(process: psutil.Popen, other_than: int | None) -> psutil.Process:
    """Return the gateway's worker process, as soon as there is a new one."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        for child in process.children():
            if child.pid != other_than and child.status() != psutil.STATUS_ZOMBIE:
                return child
        psutil.wait_procs(process.children(), 0.05)
    raise AssertionError("there is no worker process")


def test_a_port_that_is_taken_is_named(installation: Installation) -> None:
    with started(installation, "serve", "--no-delivery", listeners=2) as (_, (public, _operations)):
        port = public.rpartition(":")[2]
        taken = subprocess.run(
            [sys.executable, "-m", "duis_gateway", "serve", *map(str, installation.config)],
            cwd=ROOT,
            env={**os.environ, "DUIS_GATEWAY_SERVER_PORT": port, "DUIS_GATEWAY_OPERATIONS_PORT": "0"},
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    assert taken.returncode == 2
    assert f"[server] 127.0.0.1:{port} cannot be used: Address already in use" in taken.stderr
    assert "Traceback" not in taken.stderr


def test_workers_without_delivery_make_no_sense(installation: Installation) -> None:
    assert "--no-delivery" in refused(2, "serve", "--workers", "2", "--no-delivery", *installation.config)
