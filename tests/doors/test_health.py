"""The operators' listener of a whole gateway: what it says of keys, certificates and revocation lists, over HTTP."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest
import urllib3

from duis_gateway.app import Gateway
from duis_gateway.config.settings import load_config
from duis_gateway.doors.server import Server
from duis_gateway.errors import ConfigurationError, NotDurable
from duis_gateway.pki.make import load_authority, make_certificate, make_crl
from duis_gateway.rollout.scheduler import Agenda
from tests.support.cli import GATEWAY, SUPPLIER, Installation, done
from tests.support.gateway_process import wait_until

DAY = timedelta(days=1)
FREE = {"DUIS_GATEWAY_SERVER_PORT": "0", "DUIS_GATEWAY_OPERATIONS_PORT": "0"}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """What `init` makes, with one supplier."""
    made = Installation(tmp_path_factory.mktemp("health") / "gateway")
    done("init", made.folder)
    _, certificate = made.make_certificate(SUPPLIER)
    made.add_supplier(SUPPLIER, "--certificate", certificate)
    return made


class Operator:
    """Reads the operators' listener."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = urllib3.PoolManager(retries=False)

    def readiness(self) -> tuple[int, dict[str, str]]:
        """The status, and the details of what is not well or worth saying."""
        answer = self._http.request("GET", f"{self._url}/health/ready")
        checks = answer.json()["checks"].items()
        return answer.status, {name: check["detail"] for name, check in checks if check["detail"]}

    def metric(self, line: str) -> float:
        text = self._http.request("GET", f"{self._url}/metrics").data.decode()
        [found] = [each for each in text.splitlines() if each.startswith(f"{line} ")]
        return float(found.rpartition(" ")[2])


@contextmanager
def operating(installation: Installation, **environment: str) -> Iterator[tuple[Gateway, Operator]]:
    """A gateway in this process, of which only the operators' listener answers."""
    gateway = Gateway(load_config(installation.folder / "gateway.toml", FREE | environment))
    server = gateway.servers[-1]
    server.start()
    gateway.readiness.start()
    try:
        yield gateway, Operator(f"http://127.0.0.1:{server.port}")
    finally:
        for one in gateway.servers:
            one.stop()
        gateway.readiness.stop(monotonic() + 30)
        gateway.store.close()


def publish(installation: Installation, begins: datetime, ends: datetime) -> None:
    """Put a revocation list of the test PKI's authority in the place of the one before, as an operator should."""
    new = installation.folder / "new.crl"
    new.write_bytes(make_crl(load_authority(installation.pki), [], ends, this_update=begins))
    new.replace(installation.pki / "crls" / "list.crl")


@pytest.fixture(autouse=True)
def _no_list_stays(installation: Installation) -> Iterator[None]:
    yield
    (installation.pki / "crls" / "list.crl").unlink(missing_ok=True)


def test_t34_a_list_past_its_next_update_makes_the_gateway_not_ready(installation: Installation) -> None:
    """T34, F28: from the moment on at which everybody is refused, and until there is a new list; no restart needed."""
    now = datetime.now(UTC)
    with operating(installation) as (_, operator):
        assert operator.readiness() == (200, {})
        publish(installation, now - 3 * DAY, now + DAY)
        assert operator.readiness() == (200, {})
        assert operator.metric("gw_crl_life_used_ratio") == pytest.approx(0.75, abs=0.01)
        assert operator.metric("gw_crl_age_seconds") == pytest.approx(3 * 86400, abs=120)
        publish(installation, now - 3 * DAY, now - DAY)
        wait_until(lambda: operator.readiness()[0] == 503, "still ready")
        assert "is out of date" in operator.readiness()[1]["trust"]
        assert operator.metric("gw_crl_next_update_timestamp_seconds") == pytest.approx((now - DAY).timestamp(), abs=1)
        publish(installation, now - DAY, now + DAY)
        wait_until(lambda: operator.readiness() == (200, {}), "not ready again")


def test_lists_that_may_be_stale_trouble_nobody(installation: Installation) -> None:
    now = datetime.now(UTC)
    publish(installation, now - 3 * DAY, now - DAY)
    with operating(installation, DUIS_GATEWAY_TRUST_ALLOW_STALE_CRL="true") as (_, operator):
        assert operator.readiness() == (200, {})
        assert operator.metric("gw_crl_life_used_ratio") > 1


def test_an_expired_signing_certificate_is_said(installation: Installation, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    authority = load_authority(installation.pki)
    made = make_certificate(
        authority, GATEWAY, "89", tmp_path, stem="expired", not_before=now - 9 * DAY, not_after=now - DAY
    )
    files = {
        "DUIS_GATEWAY_SIGNING_KEY": str(made.key_path),
        "DUIS_GATEWAY_SIGNING_CERTIFICATE": str(made.certificate_path),
    }
    with operating(installation, **files) as (_, operator):
        status, details = operator.readiness()
        assert status == 503
        assert details["signing"].startswith("the certificate has expired at ")
        expiry = operator.metric('gw_cert_expiry_timestamp_seconds{whose="gateway"}')
        assert expiry == pytest.approx((now - DAY).timestamp(), abs=1)
        assert operator.metric('gw_cert_expiry_timestamp_seconds{whose="party"}') > now.timestamp()


def test_commits_are_timed_and_what_is_down_is_counted(installation: Installation) -> None:
    with operating(installation) as (gateway, operator):
        before = operator.metric("gw_db_commit_duration_seconds_count")
        with gateway.store.write() as conn:
            conn.exec_driver_sql("DELETE FROM alert_counter")
        assert operator.metric("gw_db_commit_duration_seconds_count") == before + 1
        assert operator.metric('gw_breaker_open{kind="http"}') == 0


def test_a_worker_takes_a_free_port_where_its_own_is_taken(
    installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    """And says so; a process that a person started refuses to start."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = load_config(installation.folder / "gateway.toml", FREE | {"DUIS_GATEWAY_OPERATIONS_PORT": str(port)})
        with pytest.raises(ConfigurationError, match=rf"\[operations\] 127.0.0.1:{port} cannot be used"):
            Gateway(config, doors=False)
        with caplog.at_level(logging.WARNING):
            gateway = Gateway(config, doors=False, any_operations_port=True)
    (server,) = gateway.servers
    assert server.port != port
    [said] = [record for record in caplog.records if getattr(record, "event", "") == "operations-port"]
    assert vars(said)["port"] == server.port
    server.stop()
    gateway.store.close()


def test_no_door_opens_where_another_cannot(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever connected to the public door meanwhile would be cut off."""
    opened: list[int] = []
    monkeypatch.setattr(Server, "listen", lambda server: opened.append(server.port))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = load_config(installation.folder / "gateway.toml", FREE | {"DUIS_GATEWAY_OPERATIONS_PORT": str(port)})
        with pytest.raises(ConfigurationError, match=rf"\[operations\] 127.0.0.1:{port} cannot be used"):
            Gateway(config)
    assert opened == []


def test_what_fails_by_time_is_counted(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look that fails counts."""
    tried = threading.Semaphore(0)

    def fail(_agenda: Agenda) -> int:
        tried.release()
        raise NotDurable("the database is away")

    with operating(installation) as (gateway, operator), monkeypatch.context() as patched:
        patched.setattr(Agenda, "run", fail)
        assert gateway.scheduler is not None
        gateway.scheduler.start()
        assert all(tried.acquire(timeout=20) for _ in range(2))
        gateway.scheduler.stop()
        assert operator.metric('gw_scheduler_failures_total{what="look"}') >= 2


def test_a_new_key_counts_once_the_files_are_read_again(
    installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    """25: SIGHUP; what cannot be used changes nothing."""
    with operating(installation) as (gateway, operator):

        def expiry() -> float:
            return operator.metric('gw_cert_expiry_timestamp_seconds{whose="gateway"}')

        before = expiry()
        key, certificate = installation.pki / "gateway.key", installation.pki / "gateway.pem"
        old = key.read_bytes(), certificate.read_bytes()
        authority, folder = load_authority(installation.pki), installation.folder / "new-key"
        made = make_certificate(authority, GATEWAY, "89", folder, not_after=datetime.now(UTC) + 100 * DAY)
        key.write_bytes(made.key_path.read_bytes())
        gateway.read_again()
        assert expiry() == before, "the key is of no certificate yet"
        assert "kept the signing key read before" in caplog.text
        assert "not everything could be read again" in caplog.text
        assert "are read again" not in caplog.text
        certificate.write_bytes(made.certificate_path.read_bytes())
        gateway.read_again()
        assert expiry() < before
        key.write_bytes(old[0])
        certificate.write_bytes(old[1])
