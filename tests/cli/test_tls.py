"""A gateway whose listeners speak TLS and ask for certificates, from the command line and the adapter kit."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from duis_gateway.app import Gateway
from duis_gateway.client import Gateway as ClientsGateway
from duis_gateway.client import Identity, NoAnswer, ReadInventory, SetupWrong, TlsIdentity, Trust
from duis_gateway.config.database import open_store
from duis_gateway.config.settings import load_config
from duis_gateway.machine.signals import Stop
from tests.support.cli import OTHER_SUPPLIER, SUPPLIER, Installation, done, refused, run
from tests.support.outbox import enqueue, message
from tests.support.receivers import Receiver
from tests.support.tls_pki import Authority, Files
from tests.support.writing import wait_until

HUB = "00-DB-12-34-56-00-00-01"
INVENTORY = f"""device_id,device_type,manufacturer,model,firmware_version,status,csp_region,import_supplier,gas_supplier
{HUB},CHF,106C,433100AC,9001,Commissioned,North,90-B3-D5-1F-30-01-00-00,
"""


@dataclass
class World:
    """A running gateway, its parties' keys, and the TLS certificates of two organisations."""

    installation: Installation
    gateway: Gateway
    authority: Authority
    ours: Files
    theirs: Files
    receiver: Receiver
    keys: dict[int, tuple[Path, Path]]

    @property
    def url(self) -> str:
        return self.gateway.servers[0].url

    @property
    def operations(self) -> str:
        return self.gateway.servers[1].url

    def said(self, tls: Files | None) -> tuple[object, ...]:
        """The options of a command that speaks TLS so."""
        shown = () if tls is None else ("--tls-certificate", tls.certificate, "--tls-key", tls.key)
        return ("--cacert", self.authority.file, *shown)

    def get(self, url: str, path: str, tls: Files | None, token: str = "") -> tuple[int, bytes]:
        client = http.client.HTTPSConnection(urlsplit(url).netloc, timeout=20, context=self.authority.trusting(tls))
        with closing(client):
            client.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            answer = client.getresponse()
            return answer.status, answer.read()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    done("init", folder / "gateway")
    installation = Installation(folder / "gateway")
    authority = Authority(folder / "tls")
    own, ours, theirs = (authority.issue(name, name) for name in ("Gateway", "Supplier One", "Supplier Two"))
    receiver_files = authority.issue("receiver")
    both = folder / "receiver.pem"
    both.write_bytes(receiver_files.key.read_bytes() + receiver_files.certificate.read_bytes())
    pair = {"TLS_CERTIFICATE": own.certificate, "TLS_KEY": own.key}
    settings: dict[str, object] = {
        **{
            f"{section}_{key}": value for section in ("SERVER", "OPERATIONS", "DELIVERY") for key, value in pair.items()
        },
        "SERVER_PORT": 0,
        "OPERATIONS_PORT": 0,
        "SERVER_CLIENT_CA_FILE": authority.file,
        "SERVER_BIND_ORGANISATION": "true",
        "DELIVERY_CA_FILE": authority.file,
        "DELIVERY_ALLOWED_NETWORKS": "127.0.0.0/8",
    }
    environment = {f"DUIS_GATEWAY_{key}": str(value) for key, value in settings.items()}
    keys = {}
    with Receiver(tls=both, clients=authority.file) as receiver:
        for eui, organisation in ((SUPPLIER, ("--organisation", "SUPPLIER  one")), (OTHER_SUPPLIER, ())):
            keys[eui] = installation.make_certificate(eui)
            words = ("--kind", "supplier", "--role", "IS", "--duis-version", "6.0", "--certificate", keys[eui][1])
            done("party", "add", eui, *words, "--url", receiver.url, *organisation, *installation.config)
        (folder / "hubs.csv").write_text(INVENTORY, encoding="utf-8")
        done("inventory", "load", folder / "hubs.csv", *installation.config)
        gateway = Gateway(load_config(installation.config[1], environment))
        stop = Stop()
        thread = threading.Thread(target=gateway.serve, args=(stop,))
        thread.start()
        try:
            yield World(installation, gateway, authority, ours, theirs, receiver, keys)
        finally:
            stop.tell()
            thread.join()


def request(world: World, tmp_path: Path, eui: int = SUPPLIER) -> tuple[object, ...]:
    """A Service Request 8.2 as JSON, and who signs it."""
    file = tmp_path / "request.json"
    file.write_text(json.dumps({"ReadInventory": {"DeviceID": HUB}}), encoding="utf-8")
    key, certificate = world.keys[eui]
    signing = ("--key", key, "--certificate", certificate, "--trust", world.installation.pki)
    return ("send", file, "--json", "--url", world.url, *signing)


def test_a_supplier_sends_over_a_certificate_of_its_organisation(world: World, tmp_path: Path) -> None:
    """T69: the name is compared as names are, whatever their case and spaces."""
    ran = run(*request(world, tmp_path), *world.said(world.ours))
    assert ran.code == 0, ran.error
    assert "I0" in ran.error


def test_what_tls_lacks_is_told_by_the_commands_options(world: World, tmp_path: Path) -> None:
    """At once, also where it was to wait: no other attempt would succeed."""
    known = ("--cacert", world.authority.file)
    for asked in (request(world, tmp_path), ("send", world.authority.file, "--url", world.url)):
        for more, option in (((), "--cacert names the authorities"), (known, "--tls-certificate and --tls-key name")):
            said = refused(1, *asked, "--wait", "600", *more)
            assert option in said
            assert "=" not in said


def test_another_organisations_connection_is_refused(world: World, tmp_path: Path) -> None:
    """T69: 403 though the signature is good; whoever has no organisation is told so."""
    assert "another organisation than 90-B3-D5-1F-30-01-00-00" in refused(
        1, *request(world, tmp_path), *world.said(world.theirs)
    )
    assert "registered without an organisation" in refused(
        1, *request(world, tmp_path, OTHER_SUPPLIER), *world.said(world.ours)
    )


def test_not_even_a_stored_answer_goes_to_another_organisation(world: World) -> None:
    """T69, T39."""
    me, trust = Identity.load(*world.keys[SUPPLIER]), Trust.load(world.installation.pki)

    def client(files: Files) -> ClientsGateway:
        shown = TlsIdentity(files.certificate, files.key)
        return ClientsGateway(world.url, identity=me, trust=trust, authorities=world.authority.file, tls=shown)

    ours, theirs = client(world.ours), client(world.theirs)
    prepared = ours.prepare(ReadInventory(HUB))
    first = ours.exchange(prepared)
    assert first.status == 200
    assert (ours.exchange(prepared).body, theirs.exchange(prepared).status) == (first.body, 403)
    assert "organisation" in theirs.exchange(prepared).body.decode()


def test_the_party_door_is_bound_as_well(world: World) -> None:
    """T69: a token that another organisation found is of no use to it."""
    token = done("party", "token", SUPPLIER, *world.installation.config).strip()
    assert world.get(world.url, "/party/v1/status", world.ours, token)[0] == 200
    status, body = world.get(world.url, "/party/v1/status", world.theirs, token)
    assert (status, json.loads(body)["stage"]) == (403, "verify")


def test_alerts_reach_a_receiver_that_asks_for_a_certificate(world: World) -> None:
    config = load_config(world.installation.config[1], {})
    with closing(open_store(config)) as store:
        enqueue(store, message(b"<alert/>"))
    wait_until(lambda: b"<alert/>" in world.receiver.accepted)


def test_the_operators_listener_speaks_tls_and_shows_when_certificates_end(world: World) -> None:
    status, body = world.get(world.operations, "/metrics", None)
    assert status == 200
    for section in ("server", "operations", "delivery"):
        assert f'gw_cert_expiry_timestamp_seconds{{whose="tls_{section}"}}'.encode() in body
    assert world.get(world.operations, "/health/ready", None)[0] == 200
    for page in ("/", "/parties"):
        assert b"The TLS certificate of [server] expires on" in world.get(world.operations, page, None)[1]


@pytest.mark.parametrize(
    ("spoil", "code", "want"),
    [
        (lambda world: (), 1, "certificate"),
        (lambda world: ("--cacert", world.authority.file), 1, "certificate required"),
        (lambda world: ("--tls-key", world.ours.key), 2, "--tls-certificate and --tls-key go together"),
        (
            lambda world: ("--tls-key", world.theirs.key, "--tls-certificate", world.ours.certificate),
            2,
            "the key does not fit the certificate",
        ),
        (lambda world: ("--cacert", world.ours.key), 2, "no PEM certificate"),
    ],
    ids=["no authorities", "no certificate", "half", "another key", "no authorities in the file"],
)  # fmt: skip
def test_what_is_wrong_with_tls_is_said_in_one_line(
    world: World, tmp_path: Path, spoil: object, code: int, want: str
) -> None:
    assert callable(spoil)
    file = tmp_path / "signed.xml"
    file.write_bytes(b"<x/>")
    assert want in refused(code, "send", file, "--url", f"{world.url}/api/v1/serviceD", *spoil(world))


def test_the_options_may_stand_in_the_environment(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUIS_CLIENT_CACERT", str(world.authority.file))
    monkeypatch.setenv("DUIS_CLIENT_TLS_CERTIFICATE", str(world.ours.certificate))
    monkeypatch.setenv("DUIS_CLIENT_TLS_KEY", str(world.ours.key))
    assert run(*request(world, tmp_path)).code == 0


def test_the_kit_says_what_is_wrong_with_its_files(world: World) -> None:
    me, trust = Identity.load(*world.keys[SUPPLIER]), Trust.load(world.installation.pki)
    wrong = TlsIdentity(world.ours.certificate, world.theirs.key)
    with pytest.raises(SetupWrong, match="does not fit"):
        ClientsGateway(world.url, identity=me, trust=trust, tls=wrong)
    with pytest.raises(NoAnswer, match="certificate"):
        ClientsGateway(world.url, identity=me, trust=trust).send(ReadInventory(HUB))


def test_doctor_looks_at_tls_both_ways(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own certificates, and whether recipients are proven by the authorities."""
    own = world.authority.issue("doctors")
    for section in ("SERVER", "DELIVERY"):
        monkeypatch.setenv(f"DUIS_GATEWAY_{section}_TLS_CERTIFICATE", str(own.certificate))
        monkeypatch.setenv(f"DUIS_GATEWAY_{section}_TLS_KEY", str(own.key))
    monkeypatch.setenv("DUIS_GATEWAY_SERVER_PORT", "0")
    monkeypatch.setenv("DUIS_GATEWAY_OPERATIONS_PORT", "0")
    monkeypatch.setenv("DUIS_GATEWAY_DELIVERY_ALLOWED_NETWORKS", "127.0.0.0/8")
    ran = run("doctor", *world.installation.config)
    assert ran.code == 1
    assert "the TLS handshake fails: certificate verify failed" in ran.output
    monkeypatch.setenv("DUIS_GATEWAY_DELIVERY_CA_FILE", str(world.authority.file))
    ran = run("doctor", *world.installation.config)
    assert ran.code == 0, ran.output
    assert f"[server] {own.certificate}, good until" in ran.output
    assert "ends with a certificate issued by CN=authority: whoever verifies it must have that one" in ran.output
    own.key.chmod(0o644)
    assert f"every user of this machine can read {own.key}" in run("doctor", *world.installation.config).output
