"""`doctor`: what is good is said, and what is wrong is said with what to do."""

from __future__ import annotations

import os
import socket
import sys
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy.engine import make_url

from duis_gateway.app import Gateway
from duis_gateway.config.database import AwaitedStore
from duis_gateway.config.settings import load_config
from duis_gateway.machine.signals import Stop
from tests.support.cli import SUPPLIER, Installation, run
from tests.support.databases import administrate, postgresql_database
from tests.support.mail_relay import MailRelay
from tests.support.ports import free_port
from tests.support.web_certificates import make_web_certificate

pytestmark = pytest.mark.requirement("EX-10")


def lines(installation: Installation, code: int) -> dict[str, str]:
    """What was found, by what was looked at."""
    ran = run("doctor", *installation.config)
    assert ran.code == code, (ran.output, ran.error)
    return {
        line[7:21].strip(): line[:5].strip() + " " + line[21:] for line in ran.output.splitlines() if line[5:7] == "  "
    }


def test_a_new_installation_has_nothing_wrong_once_its_parties_are_there(installation: Installation) -> None:
    found = lines(installation, 0)
    assert found["parties"].startswith("note none are registered: `party add`")
    _, certificate = installation.make_certificate(SUPPLIER)
    with socket.create_server(("127.0.0.1", 0)) as adapter:
        url = f"http://127.0.0.1:{adapter.getsockname()[1]}/"
        words = ("--kind", "supplier", "--role", "IS", "--url", url, "--certificate", certificate)
        assert run("party", "add", SUPPLIER, *words, *installation.config).code == 0
        found = lines(installation, 0)
    for what in ("configuration", "signing key", "database", "clock", "certificate", "endpoint"):
        assert found[what].startswith("good "), (what, found)
    assert found["mail"].startswith("note [email] host is not set")
    assert lines(installation, 0)["endpoint"].startswith("note 90-B3"), "it listens no more, and that is no fault here"


def test_a_gateway_that_trusts_nobody_is_told_so(installation: Installation) -> None:
    _, certificate = installation.make_certificate(SUPPLIER)
    words = ("--kind", "supplier", "--role", "IS", "--url", "http://127.0.0.1:9/", "--certificate", certificate)
    assert run("party", "add", SUPPLIER, *words, *installation.config).code == 0
    (installation.pki / "ca.pem").unlink()
    found = lines(installation, 1)
    assert "pki has no self-signed CA certificate" in found["trust"]
    assert found["certificate"].startswith("WRONG ")
    assert "what it signs is refused: the certificate is not trusted" in found["certificate"]


def test_ports_that_are_chosen_at_each_start_are_said_to_be(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SERVER", "OPERATIONS"):
        monkeypatch.setenv(f"DUIS_GATEWAY_{name}_PORT", "0")
    assert lines(installation, 0)["port 0"] == "good [operations] 127.0.0.1: any free port, at each start"


def test_what_is_wrong_is_said_with_what_to_do(installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port, relay = taken.getsockname()[1], free_port()
        file = installation.config[1]
        text = file.read_text(encoding="utf-8")
        text = text.replace("[server]\n", f"[server]\nport = {port}\n", 1)
        text = text.replace("[email]\n", f'[email]\nhost = "127.0.0.1"\nport = {relay}\nsender = "a@b.example"\n', 1)
        file.write_text(text, encoding="utf-8")
        (installation.pki / "gateway.key").unlink()
        found = lines(installation, 1)
    assert found["signing key"].startswith(f"WRONG {file}, line ")
    assert "[signing] key" in found["signing key"]
    assert found[f"port {port}"].startswith("WRONG [server] 127.0.0.1 cannot be listened on: Address already in use")
    assert found["mail"] == (
        f"WRONG 127.0.0.1:{relay} does not accept email from us: Connection refused; check [email]"
    )
    file.write_text("[server]\nprot = 1\n", encoding="utf-8")
    assert "did you mean port?" in lines(installation, 1)["configuration"]


class Stranger(BaseHTTPRequestHandler):
    """Some other program that answers whatever it is asked."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "ready"}')

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_port_is_good_where_this_gateway_runs_and_not_where_a_stranger_answers(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor where another configuration's gateway runs, which was taken for this one."""
    file = installation.config[1]
    plain = file.read_text(encoding="utf-8")

    def ports(server: int, operations: int) -> None:
        text = plain.replace("[server]\n", f"[server]\nport = {server}\n", 1)
        file.write_text(text.replace("[operations]\n", f"[operations]\nport = {operations}\n", 1), encoding="utf-8")

    ports(0, 0)
    gateway, stop = Gateway(load_config(file, {}), delivery=False), Stop()
    serving = threading.Thread(target=gateway.serve, args=(stop,))
    serving.start()
    try:
        public, operations = (server.port for server in gateway.servers)
        ports(public, operations)
        found = lines(installation, 0)
        for port in (public, operations):
            assert found[f"port {port}"].endswith("a running gateway answers there"), found
        with ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as stranger:
            answering = threading.Thread(target=stranger.serve_forever)
            answering.start()
            ports(public, stranger.server_port)
            taken = lines(installation, 1)
            stranger.shutdown()
            answering.join()
        for port, remedy in (
            (public, "another gateway has this port: stop it, or choose another port"),
            (stranger.server_port, "stop whatever has this one, or choose another port"),
        ):
            assert taken[f"port {port}"].startswith("WRONG "), taken
            assert taken[f"port {port}"].endswith(remedy), taken
        ports(public, operations)
        monkeypatch.setenv("DUIS_GATEWAY_STORE_URL", f"sqlite:///{installation.folder}/another.db")
        other = lines(installation, 1)
        for port in (public, operations):
            assert other[f"port {port}"].startswith("WRONG "), other
            assert other[f"port {port}"].endswith("another gateway has this port: stop it, or choose another port")
        monkeypatch.delenv("DUIS_GATEWAY_STORE_URL")
    finally:
        stop.tell()
        serving.join()
    ports(public, operations)
    with socket.create_server(("127.0.0.1", operations)):
        alone = lines(installation, 1)
    assert alone[f"port {public}"].endswith("is free")
    assert alone[f"port {operations}"].startswith("WRONG [operations]")


def test_a_relay_that_does_not_let_us_in_is_found(installation: Installation) -> None:
    certificate = make_web_certificate(installation.folder / "relay.pem", "127.0.0.1")
    password = installation.folder / "password"
    password.write_text("wrong", encoding="utf-8")
    with MailRelay(certificate=certificate, login=("gateway", "sécret")) as relay:
        settings = (
            f'[email]\nhost = "127.0.0.1"\nport = {relay.port}\nsender = "a@b.example"\nstarttls = true\n'
            f'username = "gateway"\npassword_file = "{password}"\nca_file = "{certificate}"\n'
        )
        file = installation.config[1]
        file.write_text(file.read_text(encoding="utf-8").replace("[email]\n", settings, 1), encoding="utf-8")
        said = lines(installation, 1)["mail"]
        assert said.startswith(f"WRONG 127.0.0.1:{relay.port} does not accept email from us: SMTP 535")
        password.write_text("sécret", encoding="utf-8")
        assert lines(installation, 0)["mail"] == f"good 127.0.0.1:{relay.port} answers, and accepts the login gateway"


def test_a_host_that_is_not_this_machines_is_told_as_that(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUIS_GATEWAY_SERVER_HOST", "203.0.113.9")
    found = lines(installation, 1)
    assert any("name an address of this machine" in said for said in found.values()), found


def test_certificates_are_judged_by_business_time_all_alike(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUIS_GATEWAY_CLOCK_FIXED", "2060-01-01T00:00:00Z")
    assert lines(installation, 1)["signing key"].startswith("WRONG ")


def test_a_clock_that_cannot_be_read_is_one_thing_that_is_wrong_among_others(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`doctor` ended there, and looked at nothing else."""
    for name in ("SERVER", "OPERATIONS"):
        monkeypatch.setenv(f"DUIS_GATEWAY_{name}_PORT", "0")
    monkeypatch.setenv("DUIS_GATEWAY_CLOCK_FILE", str(installation.folder / "no such clock"))
    ran = run("doctor", *installation.config)
    assert (ran.code, "1 of these must be put right" in ran.error) == (1, True), ran.error
    assert "WRONG  clock         [clock] file: " in ran.output
    assert "no such clock cannot be read: No such file or directory" in ran.output
    for what in ("configuration", "signing key", "database", "port 0", "mail"):
        assert f"  {what:14}" in ran.output, what


def test_files_that_are_not_there_are_among_what_is_wrong_and_end_nothing(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`doctor` ended at the first of them: nobody heard of the second, nor of anything else."""
    _, certificate = installation.make_certificate(SUPPLIER)
    with socket.create_server(("127.0.0.1", 0)) as adapter, MailRelay() as relay:
        url = f"https://127.0.0.1:{adapter.getsockname()[1]}/"
        words = ("--kind", "supplier", "--role", "IS", "--url", url, "--certificate", certificate)
        assert run("party", "add", SUPPLIER, *words, *installation.config).code == 0
        names = ("TRUST_CRLS", "DELIVERY_CA_FILE", "EMAIL_CA_FILE", "EMAIL_PASSWORD_FILE", "OPERATIONS_TOKEN_FILE")
        for name in names:
            monkeypatch.setenv(f"DUIS_GATEWAY_{name}", str(installation.folder / name))
        for name, value in {"HOST": "127.0.0.1", "PORT": str(relay.port), "SENDER": "a@b.example"}.items():
            monkeypatch.setenv(f"DUIS_GATEWAY_EMAIL_{name}", value)
        monkeypatch.setenv("DUIS_GATEWAY_EMAIL_USERNAME", "gateway")
        for name in ("SERVER", "OPERATIONS"):
            monkeypatch.setenv(f"DUIS_GATEWAY_{name}_PORT", "0")
        ran = run("doctor", *installation.config)
    assert (ran.code, f"{len(names)} of these must be put right" in ran.error) == (1, True), (ran.output, ran.error)
    for name in names:
        [line] = [line for line in ran.output.splitlines() if f"DUIS_GATEWAY_{name} (" in line]
        assert (line[:5], line.endswith("No such file or directory")) == ("WRONG", True), line
    found = lines(installation, 1)
    for what in ("signing key", "database", "clock", "certificate", "port 0"):
        assert found[what].startswith("good "), (what, found)
    assert found["mail"].startswith("WRONG "), "the relay has gone since"
    assert f"note   mail          127.0.0.1:{relay.port} answers; more is tried once" in ran.output
    assert f"{url} listens; TLS is tried once" in ran.output


def test_a_log_that_cannot_be_opened_is_wrong_and_none_is_made(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`serve` refused to start where `doctor` had found nothing wrong."""
    for file, wrong in (("gateway.log", False), ("-", False), ("none/gateway.log", True), ("pki", True)):
        path = file if file == "-" else str(installation.folder / file)
        monkeypatch.setenv("DUIS_GATEWAY_LOG_FILE", path)
        found = lines(installation, int(wrong))
        assert ("cannot be opened: " in found.get("log", "")) is wrong, found
    assert not (installation.folder / "gateway.log").exists()


def test_a_folder_of_trust_with_a_file_that_is_none_ends_nothing(installation: Installation) -> None:
    installation.add_supplier(SUPPLIER)
    (installation.pki / "stray.pem").write_text("-----BEGIN CERTIFICATE-----\nnone\n", encoding="utf-8")
    found = lines(installation, 1)
    assert (found["trust"][:5], "stray.pem" in found["trust"]) == ("WRONG", True), found
    assert found["database"].startswith("good ")
    assert "127.0.0.1:8090" in found["endpoint"]


@pytest.mark.parametrize("asks", [False, True], ids=["open", "asks-for-certificates"])
def test_gateways_that_share_a_tls_certificate_are_told_apart(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, asks: bool
) -> None:
    """Unless they answer nobody without a certificate: then the one that they show is all that can be known."""
    shared = str(make_web_certificate(installation.folder / "shared.pem", "127.0.0.1"))
    for section in ("SERVER", "OPERATIONS"):
        for key in ("TLS_CERTIFICATE", "TLS_KEY", *(["CLIENT_CA_FILE"] if asks else [])):
            monkeypatch.setenv(f"DUIS_GATEWAY_{section}_{key}", shared)
        monkeypatch.setenv(f"DUIS_GATEWAY_{section}_PORT", "0")
    gateway, stop = Gateway(load_config(installation.config[1], os.environ), delivery=False), Stop()
    serving = threading.Thread(target=gateway.serve, args=(stop,))
    serving.start()
    try:
        ports = [server.port for server in gateway.servers]
        for section, port in zip(("SERVER", "OPERATIONS"), ports, strict=True):
            monkeypatch.setenv(f"DUIS_GATEWAY_{section}_PORT", str(port))
        own = lines(installation, 0)
        assert all(own[f"port {port}"].endswith("a running gateway answers there") for port in ports), own
        monkeypatch.setenv("DUIS_GATEWAY_STORE_URL", f"sqlite:///{installation.folder}/another.db")
        other = lines(installation, 1)
        said = "a running gateway answers there" if asks else "another gateway has this port: stop it"
        assert all(said in other[f"port {port}"] for port in ports), other
    finally:
        stop.tell()
        serving.join()


def test_a_collector_of_traces_that_is_away_is_a_note_and_a_missing_extra_is_wrong(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "traces" not in lines(installation, 0)
    with socket.create_server(("127.0.0.1", 0)) as collector:
        place = f"127.0.0.1:{collector.getsockname()[1]}"
        monkeypatch.setenv("DUIS_GATEWAY_TRACING_OTLP_URL", f"http://{place}/v1/traces")
        assert lines(installation, 0)["traces"] == f"good {place} answers"
    assert lines(installation, 0)["traces"].startswith(f"note {place} takes no spans (Connection refused)")
    monkeypatch.setitem(sys.modules, "duis_gateway.operations.spans", None)
    assert lines(installation, 1)["traces"].startswith("WRONG [tracing] otlp_url needs the extra opentelemetry")


@pytest.mark.postgresql
def test_what_only_the_database_can_promise_is_looked_at(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """F08: the tests' servers run with `fsync = off`, and what is unlogged is empty after a crash of the server."""
    with postgresql_database() as url:
        shown = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False).replace(":@", "@")
        monkeypatch.setenv("DUIS_GATEWAY_STORE_URL", shown)
        administrate(make_url(url), "ALTER TABLE partner_message_evidence SET UNLOGGED")
        ran = run("doctor", *installation.config)
        assert ran.code == 1
        assert "WRONG  database      PostgreSQL runs with fsync = off: when its machine fails" in ran.output
        assert "unlogged tables partner_message_evidence after a crash" in ran.output
        assert "ALTER TABLE partner_message_evidence SET LOGGED" in ran.output
        with closing(AwaitedStore(load_config(installation.config[1], os.environ), lambda _seconds: None).store):
            said = [one.getMessage() for one in caplog.records if vars(one).get("event") == "database-not-durable"]
    assert len(said) == 2, said
